//! Gate calls that mean nothing: every number of the gate's table and many outside it, with
//! arguments that are noise.
//!
//! The noise has its top bits set, so it is no handle, no length, no deadline in reach and no
//! address of the caller's heap: whatever such a call does, it is not what anybody meant.

use crate::Noise;

/// Calls of each number.
pub const ROUNDS: u64 = 8;
/// Numbers of the gate's table and as many beyond it.
const NUMBERS: u64 = 64;
/// Gate calls that wait, which would wait for ever: their deadline is set to the past.
const WAITING: [(u64, usize); 3] = [(1, 3), (4, 4), (5, 1)];

/// One gate call: number and arguments.
pub type Call = (u64, [u64; 5]);

/// All calls, the same in every run.
pub fn all() -> impl Iterator<Item = Call> {
    let mut noise = Noise::new(0x5eed_ca11);
    (0..NUMBERS * ROUNDS).map(move |index| {
        let mut arguments = [0; 5].map(|_: u64| noise.next_number() | 0xf0f0_0000_f000_0000);
        let number = if index % 17 == 16 { noise.next_number() } else { index / ROUNDS };
        for (waiting, deadline) in WAITING {
            if number == waiting {
                arguments[deadline] = 0;
                arguments[0] &= !7;
            }
        }
        (number, arguments)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_called_and_some_that_do_not_exist() {
        let numbers: Vec<u64> = all().map(|(number, _)| number).collect();
        assert!((0..NUMBERS).all(|number| numbers.contains(&number)));
        assert!(numbers.iter().any(|&number| number > u64::from(u32::MAX)));
    }

    #[test]
    fn nothing_waits_and_nothing_is_accepted() {
        for (number, arguments) in all() {
            if number == 5 {
                assert_eq!((arguments[0] & 7, arguments[1]), (0, 0));
            }
        }
    }
}
