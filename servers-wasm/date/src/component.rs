//! The program on the world `atoll:servers/date`.

atoll_sdk::bindings!("atoll:servers/date" in "../../wit");
atoll_sdk::program!(bindings, main);

use crate::{Request, USAGE, line};
use atoll_sdk::program::Failure;
use bindings::atoll::samples::calendar::{self, Error};
use std::io::Write;

fn main(arguments: &[String], output: &mut dyn Write) -> Result<(), Failure> {
    match Request::parse(arguments).ok_or_else(|| Failure::usage(USAGE))? {
        Request::Seconds => writeln!(output, "{} seconds", calendar::seconds().map_err(reason)?)?,
        Request::Now => {
            let now = calendar::now().map_err(reason)?;
            let date = [now.year, u16::from(now.month), u16::from(now.day)];
            writeln!(output, "{}", line(date, [now.hour, now.minute, now.second]))?;
        }
    }
    Ok(())
}

fn reason(error: Error) -> &'static str {
    match error {
        Error::NotSet => "date: the clock is not set",
        Error::Broken => "date: the clock does not work",
        Error::PeerRestarted => "date: the clock's server restarted; ask again",
    }
}
