//! Integer work for benchmarks of the interpreter: what CoreMark does, written anew.
//!
//! Each round sorts and turns a linked list, multiplies matrices, and runs a state machine over
//! text; a CRC over all results goes into the next round, so that nothing can be left out. The
//! result depends on the number of rounds alone: it is the same on every machine, which the tests
//! here and `cargo xtask bench` rely on.

mod crc;
mod list;
mod machine;
mod matrix;

use list::List;
use machine::Machine;
use matrix::Matrices;

/// Does the work `rounds` times and gives the CRC of all results.
#[must_use]
pub fn run(rounds: u32) -> u16 {
    let mut list = List::new();
    let mut matrices = Matrices::new();
    let mut machine = Machine::new();
    let mut seed = 0x3415;
    for _ in 0..rounds {
        seed = list.round(seed);
        seed = matrices.round(seed);
        seed = machine.round(seed);
    }
    seed
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn the_result_is_known() {
        assert_eq!(run(0), 0x3415);
        assert_eq!([run(1), run(2), run(50)], RESULTS);
    }

    /// Computed on a 64-bit host; a 32-bit guest has to agree.
    const RESULTS: [u16; 3] = [0x3712, 0xa3d1, 0xa7da];
}
