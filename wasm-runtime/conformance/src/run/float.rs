//! The two kinds of NaN that scripts tell apart (core specification, "Floating-Point").

use crate::script::Expected;

/// Whether the bits of an `f32` are a NaN of the kind that a pattern of 32 bits names.
pub(super) fn is_nan32(bits: u32, pattern: &Expected<'_>) -> bool {
    match pattern {
        Expected::Canonical32 => bits & 0x7fff_ffff == 0x7fc0_0000,
        Expected::Quiet32 => bits & 0x7fc0_0000 == 0x7fc0_0000,
        _ => false,
    }
}

/// Whether the bits of an `f64` are a NaN of the kind that a pattern of 64 bits names.
pub(super) fn is_nan64(bits: u64, pattern: &Expected<'_>) -> bool {
    match pattern {
        Expected::Canonical64 => bits & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        Expected::Quiet64 => bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        let cases = [
            (f32::NAN, true, true),
            (-f32::NAN, true, true),
            (f32::from_bits(0x7fc0_0001), false, true),
            (f32::from_bits(0x7fa0_0000), false, false),
            (f32::INFINITY, false, false),
            (1.0, false, false),
        ];
        for (value, canonical, quiet) in cases {
            assert_eq!(is_nan32(value.to_bits(), &Expected::Canonical32), canonical, "{value}");
            assert_eq!(is_nan32(value.to_bits(), &Expected::Quiet32), quiet, "{value}");
        }
        assert!(is_nan64(f64::NAN.to_bits(), &Expected::Canonical64));
        assert!(is_nan64(f64::NAN.to_bits() | 1, &Expected::Quiet64));
        assert!(!is_nan64(f64::NAN.to_bits() | 1, &Expected::Canonical64));
        assert!(!is_nan64(f64::NEG_INFINITY.to_bits(), &Expected::Quiet64));
        assert!(!is_nan64(f64::NAN.to_bits(), &Expected::Quiet32));
    }
}
