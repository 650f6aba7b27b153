//! Gate calls 60 to 62: faults on order. They need no right, and exist only in kernels that are
//! built with the feature `inject`, which no image for users is.
//!
//! | call | arguments | value |
//! |---|---|---|
//! | 60 | number of a domain, a number that says which of its pages, bit | address of what was flipped |
//! | 61 | number of a domain, or 0 for the next that is made; how many of its calls do not fail, status of the one that does | 0 |
//! | 62 | | number of the call that failed; 0 if none did |

use super::{Arguments, Outcome};
use crate::domain::Kernel;
use atoll_gate::Status;

const FLIP: u64 = 60;
const FAIL: u64 = 61;
const FAILED: u64 = 62;

/// Does what is asked, if the number is one of these.
pub(super) fn obey(kernel: &mut Kernel, number: u64, arguments: Arguments) -> Option<Outcome> {
    Some(match number {
        FLIP => flip(kernel, arguments),
        FAIL => fail(kernel, arguments),
        FAILED => Ok(kernel.take_failure()),
        _ => return None,
    })
}

fn flip(kernel: &mut Kernel, arguments: Arguments) -> Outcome {
    let (domain, bit) = (arguments.number::<0>()?, arguments.number::<2>()?);
    Ok(kernel.flip_bit(domain, arguments.raw::<1>(), bit)?)
}

fn fail(kernel: &mut Kernel, arguments: Arguments) -> Outcome {
    let status = Status::from_raw(arguments.raw::<2>()).ok_or(Status::Invalid)?;
    Ok(kernel.order_failure(arguments.number::<0>()?, arguments.raw::<1>(), status)?)
}
