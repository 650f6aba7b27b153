//! The CRC-32 of IEEE 802.3, of bytes that come one after the other.

/// Remainders of all bytes for the polynomial of IEEE 802.3, reflected.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let (mut value, mut bit) = (index as u32, 0);
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

/// The sum of the bytes that were added.
#[derive(Clone, Copy, Debug)]
pub struct Crc(u32);

impl Default for Crc {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl Crc {
    /// That of bytes that are all there.
    #[must_use]
    pub fn of(bytes: &[u8]) -> u32 {
        let mut crc = Self::default();
        crc.add(bytes);
        crc.value()
    }

    /// Adds bytes behind the others.
    pub fn add(&mut self, bytes: &[u8]) {
        let step = |crc: u32, byte: &u8| {
            let entry = TABLE.get(usize::from(crc as u8 ^ *byte)).copied().unwrap_or_default();
            crc >> 8 ^ entry
        };
        self.0 = bytes.iter().fold(self.0, step);
    }

    /// That of all so far.
    #[must_use]
    pub const fn value(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Crc;

    #[test]
    fn the_check_value_of_the_standard() {
        assert_eq!(Crc::of(b"123456789"), 0xcbf4_3926);
        let mut crc = Crc::default();
        crc.add(b"1234");
        crc.add(b"56789");
        assert_eq!(crc.value(), 0xcbf4_3926);
    }
}
