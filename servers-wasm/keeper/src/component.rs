//! The program on the world `atoll:servers/keeper`.

atoll_sdk::bindings!("atoll:servers/keeper" in "../../wit");
atoll_sdk::program!(bindings, main);

use crate::{Request, USAGE};
use atoll_sdk::program::{EXIT_FAILED, Failure};
use bindings::atoll::supervision::{
    swapping::{self, Replacement, SwapResult, Transaction},
    types::Error,
};
use std::io::Write;

fn main(arguments: &[String], output: &mut dyn Write) -> Result<(), Failure> {
    match carry_out(Request::parse(arguments).ok_or_else(|| Failure::usage(USAGE))?) {
        Ok(done) => Ok(writeln!(output, "{done}")?),
        Err(why) => {
            writeln!(output, "{why}")?;
            Err(Failure::code(EXIT_FAILED))
        }
    }
}

/// Does it and says what came of it.
fn carry_out(request: Request) -> Result<String, String> {
    let done = |result: Result<(), Error>| result.map(|()| "done".to_owned()).map_err(reason);
    match request {
        Request::Swap(server, component, grants) => {
            let replacement = Replacement { server, component, grants };
            follow(&swapping::swap(&[replacement], false).map_err(reason)?)
        }
        Request::Rollback(name) => follow(&swapping::rollback(&name).map_err(reason)?),
        Request::Restart(name) => done(swapping::restart(&name)),
        Request::Kill(name) => done(swapping::kill(&name)),
        Request::Stop(name) => done(swapping::stop(&name)),
        Request::Start(name) => done(swapping::start(&name)),
        Request::Revoke(name) => {
            let revoked = swapping::revoke(&name).map_err(reason)?;
            Ok(revoked.to_string() + " objects revoked")
        }
        Request::History(name) => {
            let swaps = swapping::history(&name).map_err(reason)?;
            Ok(swaps.len().to_string() + " swaps")
        }
    }
}

/// Waits for the end of a swap and tells it.
fn follow(transaction: &Transaction) -> Result<String, String> {
    loop {
        match transaction.report().map_err(reason)?.result {
            SwapResult::Running => transaction.changed().map_err(reason)?.block(),
            SwapResult::Swapped => return Ok("swapped".to_owned()),
            SwapResult::Checked => return Ok("checked".to_owned()),
            SwapResult::RolledBack(why) => return Err("rolled back: ".to_owned() + &why),
        }
    }
}

fn reason(error: Error) -> String {
    match error {
        Error::NotFound(what) => what + " not found",
        Error::AlreadyRunning(name) => name + " is running already",
        Error::NotRunning(name) => name + " is not running",
        Error::OutOfResources(what) => "no room: ".to_owned() + &what,
        Error::PeerRestarted => "the supervisor restarted".to_owned(),
        Error::Denied(why) => "denied: ".to_owned() + &why,
        Error::Invalid(why) | Error::Other(why) => why,
    }
}
