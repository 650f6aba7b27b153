//! The program `saboteur`: injects faults into running servers, as ordered by the boot module
//! `orders.bin`, and says what came of each.
//!
//! `saboteur FIRST` carries out the orders from that one on. A fault is a version with a changed
//! operator, which the supervisor swaps in, a bit of a running server's memory, or a gate call of it
//! that fails. Around each the server does the same work, and its answers are compared with those
//! that it gave before the first fault. The work is calls made through the raw gate, so that neither
//! a server that ends nor one that hangs takes this program along.
//!
//! [`orders`] reads the module. `component` does the work: `calls` makes the calls, `faults` injects.

#![deny(unsafe_code)]

pub mod orders;

#[cfg(target_arch = "wasm32")]
mod component;

/// What is said when the arguments make no sense.
pub const USAGE: &str = "usage: saboteur FIRST";

/// Which step gave another answer than it should; `None` if none did.
#[must_use]
pub fn difference<T: PartialEq>(answers: &[T], expected: &[T]) -> Option<usize> {
    let known = answers.iter().zip(expected).position(|(answer, right)| answer != right);
    let cut = (answers.len() != expected.len()).then_some(answers.len().min(expected.len()));
    known.or(cut)
}

/// The bytes with the number of a run in place of the mark `########`, if they have it.
#[must_use]
pub fn marked(payload: &[u8], run: u32) -> Vec<u8> {
    const MARK: &[u8] = b"########";
    let mut out = payload.to_vec();
    if let Some(at) = payload.windows(MARK.len()).position(|window| window == MARK) {
        let number = format!("{:08}", run % 100_000_000);
        out[at..at + MARK.len()].copy_from_slice(number.as_bytes());
    }
    out
}

/// A number that stands for bytes. FNV-1a.
#[must_use]
pub fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::{difference, marked, sum};

    #[test]
    fn differences_are_found() {
        assert_eq!(difference(&[1, 2, 3], &[1, 2, 3]), None);
        assert_eq!(difference(&[1, 9, 3], &[1, 2, 3]), Some(1));
        assert_eq!(difference(&[1, 2], &[1, 2, 3]), Some(2));
    }

    #[test]
    fn a_mark_becomes_the_number_of_the_run() {
        assert_eq!(marked(b"ab########c", 42), b"ab00000042c");
        assert_eq!(marked(b"ab#######", 42), b"ab#######");
        assert_ne!(sum(b"a"), sum(b"b"));
    }
}
