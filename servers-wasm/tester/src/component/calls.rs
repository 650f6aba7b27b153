//! Many calls in a row.

use super::atoll::testing::echo::{self, Counter};
use super::{Desk, print};

/// How many calls make a line of `loop`.
const STRIDE: u32 = 100;

pub(super) fn check(desk: &mut Desk) {
    let right = (0..1000).all(|number| echo::increment(number) == number + 1);
    desk.check("a thousand calls", right);
    let counter = Counter::new(0);
    let right = (1..=500).all(|number| counter.add(1) == number);
    desk.check("five hundred calls of a method", right);
}

/// Makes `count` numbered calls, with state in the server that shows every lost or doubled one.
pub(super) fn numbered(desk: &mut Desk, count: u32) {
    let counter = Counter::new(0);
    let mut is_right = true;
    for number in 1..=count {
        is_right &= echo::increment(number) == number.wrapping_add(1) && counter.add(1) == number;
        if number % STRIDE == 0 {
            let verdict = if is_right { " as expected\n" } else { " with a wrong answer\n" };
            print(&desk.output, &[&number.to_string(), " calls answered", verdict].concat());
        }
    }
    desk.check("numbered calls", is_right);
}

/// Makes `count` numbered calls and holds nothing, so that the server can be swapped meanwhile.
pub(super) fn plain(desk: &mut Desk, count: u32) {
    let right = (0..count).filter(|&number| echo::increment(number) == number.wrapping_add(1));
    let right = right.count();
    desk.check(&[&right.to_string(), " plain calls answered"].concat(), right == count as usize);
}
