//! The program on the world `atoll:servers/tester`.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

atoll_sdk::bindings!("atoll:servers/tester" in "../../wit");
atoll_sdk::program!(bindings, main);

mod bench;
mod calls;
mod handles;
mod recover;
mod values;

use crate::{Groups, Request, USAGE};
use atoll_sdk::program::Failure;
use atoll_sdk::report::{Checks, Meter};
use bindings::atoll::clocks::monotonic;
use std::io::{self, Write};

fn main(arguments: &[String], output: &mut dyn Write) -> Result<(), Failure> {
    match Request::parse(arguments).ok_or_else(|| Failure::usage(USAGE))? {
        Request::Bench(count) => measured(output, |meter| bench::run(meter, count)),
        Request::Crash => measured(output, bench::crash),
        Request::Split(count) => measured(output, |meter| bench::split(meter, count)),
        Request::Work(rounds) => measured(output, |meter| bench::work(meter, rounds)),
        Request::Kept => Ok(handles::use_kept(output)?),
        Request::Keep => checked(output, handles::keep),
        Request::Loop(count) => checked(output, |checks| calls::numbered(checks, count)),
        Request::Plain(count) => checked(output, |checks| calls::plain(checks, count)),
        Request::Checks(groups) => checked(output, |checks| groups.check(checks)),
    }
}

fn measured(
    output: &mut dyn Write,
    measure: impl FnOnce(&mut Meter<'_>) -> io::Result<()>,
) -> Result<(), Failure> {
    Ok(measure(&mut Meter::new(output, monotonic::now))?)
}

fn checked(output: &mut dyn Write, check: impl FnOnce(&mut Checks<'_>)) -> Result<(), Failure> {
    let mut checks = Checks::new(output);
    check(&mut checks);
    checks.finish()
}

impl Groups {
    fn check(self, checks: &mut Checks<'_>) {
        for (is_wanted, group) in [
            (self.values, values::check as fn(&mut Checks<'_>)),
            (self.handles, handles::check),
            (self.calls, calls::check),
            (self.recover, recover::check),
        ] {
            if is_wanted {
                group(checks);
            }
        }
    }
}
