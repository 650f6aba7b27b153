//! The program on the world `atoll:servers/provoke`.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

atoll_sdk::bindings!("atoll:servers/provoke" in "../../wit");
atoll_sdk::program!(bindings, main);

use crate::{ENDLESS, Request, TRICKS, report};
use atoll_sdk::program::Failure;
use bindings::atoll::testing::mischief::{self, ErrorCode, Trick};
use std::io::{self, Write};

fn main(arguments: &[String], output: &mut dyn Write) -> Result<(), Failure> {
    match Request::parse(arguments).map_err(Failure::usage)? {
        Request::One(place) => play(output, place)?,
        Request::All => (0..TRICKS.len())
            .filter(|&place| TRICKS[place] != ENDLESS)
            .try_for_each(|place| play(output, place))?,
        Request::List => TRICKS.iter().try_for_each(|name| writeln!(output, "{name}"))?,
    }
    Ok(())
}

/// The tricks in the order of [`TRICKS`].
const ORDER: [Trick; 13] = [
    Trick::Trap,
    Trick::Spin,
    Trick::Hoard,
    Trick::Recurse,
    Trick::Overrun,
    Trick::Divide,
    Trick::UseDropped,
    Trick::UseStolen,
    Trick::Grow,
    Trick::Forge,
    Trick::Babble,
    Trick::Wild,
    Trick::Heap,
];

fn play(output: &mut dyn Write, place: usize) -> io::Result<()> {
    let outcome = mischief::play(ORDER[place]);
    let words = match &outcome {
        Ok(words) => words,
        Err(ErrorCode::PeerRestarted) => "the server ended",
        Err(ErrorCode::Survived) => "the server survived",
        Err(ErrorCode::Unavailable) => "not possible here",
    };
    output.write_all(report(TRICKS[place], words).as_bytes())
}
