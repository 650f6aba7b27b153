//! Many calls in a row.

use super::bindings::atoll::testing::echo::{self, Counter};
use atoll_sdk::report::Checks;

/// How many calls make a line of `loop`.
const STRIDE: u32 = 100;

pub(super) fn check(checks: &mut Checks<'_>) {
    let right = (0..1000).all(|number| echo::increment(number) == number + 1);
    checks.check("a thousand calls", right);
    let counter = Counter::new(0);
    let right = (1..=500).all(|number| counter.add(1) == number);
    checks.check("five hundred calls of a method", right);
}

/// Makes `count` numbered calls, with state in the server that shows every lost or doubled one.
pub(super) fn numbered(checks: &mut Checks<'_>, count: u32) {
    let counter = Counter::new(0);
    let mut is_right = true;
    for number in 1..=count {
        is_right &= echo::increment(number) == number.wrapping_add(1) && counter.add(1) == number;
        if number % STRIDE == 0 {
            let verdict = if is_right { " as expected" } else { " with a wrong answer" };
            checks.line(&[&number.to_string(), " calls answered", verdict].concat());
        }
    }
    checks.check("numbered calls", is_right);
}

/// Makes `count` numbered calls and holds nothing, so that the server can be swapped meanwhile.
pub(super) fn plain(checks: &mut Checks<'_>, count: u32) {
    let right = (0..count).filter(|&number| echo::increment(number) == number.wrapping_add(1));
    let right = right.count();
    checks.check(&[&right.to_string(), " plain calls answered"].concat(), right == count as usize);
}
