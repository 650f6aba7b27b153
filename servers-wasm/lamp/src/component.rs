//! The program on the world `atoll:servers/lamp`.

atoll_sdk::bindings!("atoll:servers/lamp" in "../../wit");
atoll_sdk::program!(bindings, main);

use crate::{Refusal, Request, USAGE};
use atoll_sdk::program::{EXIT_FAILED, Failure};
use atoll_sdk::report::Meter;
use bindings::atoll::clocks::monotonic;
use bindings::atoll::samples::lamp::{self, Bulb, Error};
use std::io::{self, Write};

fn main(arguments: &[String], output: &mut dyn Write) -> Result<(), Failure> {
    match Request::parse(arguments).ok_or_else(|| Failure::usage(USAGE))? {
        Request::Show(name) => {
            let mut show = Show { output, is_right: true };
            show.all(name)?;
            if show.is_right { Ok(()) } else { Err(Failure::code(EXIT_FAILED)) }
        }
        Request::Bench(count) => Ok(bench(&mut Meter::new(output, monotonic::now), count)?),
    }
}

fn bench(meter: &mut Meter<'_>, count: u32) -> io::Result<()> {
    let pattern = [7; 16];
    meter.measure("blink-16", count, || {
        let _ = lamp::blink(&pattern);
    })?;
    let bulb = Bulb::new("bench");
    meter.measure("brightness", count, || {
        bulb.brightness();
    })
}

/// The calls, and what is printed of them.
struct Show<'a> {
    output: &'a mut dyn Write,
    /// Whether those failed that should, and no others.
    is_right: bool,
}

impl Show<'_> {
    fn all(&mut self, name: &str) -> io::Result<()> {
        writeln!(self.output, "A lamp made in {}.", lamp::maker())?;
        let bulb = Bulb::new(name);
        let name = bulb.name();
        writeln!(self.output, "{name} is at {} %", bulb.brightness())?;
        let set = bulb.set(80).map(|before| format!("before, at {before} %"));
        self.expect(&format!("{name} at 80 %"), set, false)?;
        let set = bulb.set(130).map(|before| format!("before, at {before} %"));
        self.expect(&format!("{name} at 130 %"), set, true)?;
        writeln!(self.output, "{name} is at {} %", bulb.brightness())?;
        let time = |tenths| format!("{tenths} tenths of a second");
        self.expect("three flashes", lamp::blink(&[1, 2, 0, 3]).map(time), false)?;
        self.expect("no flash", lamp::blink(&[0, 0]).map(time), true)
    }

    /// Says how a call ended, of which is known whether it should fail.
    fn expect(&mut self, what: &str, answer: Result<String, Error>, fails: bool) -> io::Result<()> {
        self.is_right &= answer.is_err() == fails;
        match answer {
            Ok(answer) => writeln!(self.output, "{what}: {answer}"),
            Err(error) => writeln!(self.output, "{what}: refused, {}", refusal(error).words()),
        }
    }
}

fn refusal(error: Error) -> Refusal {
    match error {
        Error::Dark => Refusal::Dark,
        Error::TooBright(by) => Refusal::TooBright(by),
        Error::PeerRestarted => Refusal::Restarted,
    }
}
