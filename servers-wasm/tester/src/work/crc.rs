//! CRC-16 with the polynomial x^16 + x^15 + x^2 + 1, bit by bit and reflected: the arithmetic is
//! the point, a table would spare it.

const POLYNOMIAL: u16 = 0xa001;

/// Goes on with a CRC over 16 more bits, the low ones first.
pub(super) fn add(mut crc: u16, value: u16) -> u16 {
    crc ^= value;
    for _ in 0..16 {
        let carry = crc & 1;
        crc >>= 1;
        if carry != 0 {
            crc ^= POLYNOMIAL;
        }
    }
    crc
}

/// Goes on with a CRC over 32 more bits.
pub(super) fn add_wide(crc: u16, value: u32) -> u16 {
    add(add(crc, value as u16), (value >> 16) as u16)
}

#[cfg(test)]
mod tests {
    use super::add;

    #[test]
    fn the_check_value_of_the_arc_variant() {
        // "123456789" has the CRC 0xbb3d; two bytes make a value, the last one is done by hand.
        let mut crc = b"12345678".chunks(2).fold(0, |crc, pair| {
            let value = pair.iter().rev().fold(0, |value, byte| value << 8 | u16::from(*byte));
            add(crc, value)
        });
        crc ^= u16::from(b'9');
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 != 0 { super::POLYNOMIAL } else { 0 };
        }
        assert_eq!(crc, 0xbb3d);
    }
}
