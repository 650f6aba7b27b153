//! Glue between the program and the world `atoll:servers/keeper`.

#[allow(missing_docs, unreachable_pub, reason = "generated")]
#[allow(clippy::all, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "atoll:servers/keeper",
        generate_all,
    });
}

use crate::{Request, USAGE};
use atoll_allocator as _;
use atoll_sdk::stream;
use bindings::{
    atoll::supervision::{
        swapping::{self, Replacement, SwapResult, Transaction},
        types::Error,
    },
    exports::wasi::cli::run::Guest,
    wasi::{
        cli::{environment, exit, stderr, stdout},
        io::streams::OutputStream,
    },
};

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;

struct Keeper;

impl Guest for Keeper {
    fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let Some(request) = Request::parse(arguments.get(1..).unwrap_or_default()) else {
            print(&stderr::get_stderr(), USAGE);
            exit::exit_with_code(EXIT_USAGE);
            return Err(());
        };
        match carry_out(request) {
            Ok(done) => print(&stdout::get_stdout(), &(done + "\n")),
            Err(why) => {
                print(&stdout::get_stdout(), &(why + "\n"));
                exit::exit_with_code(EXIT_FAILED);
            }
        }
        Ok(())
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

/// Prints; a reader who is gone no longer wants to know.
fn print(output: &OutputStream, text: &str) {
    let _ = stream::write(text.as_bytes(), |piece| output.blocking_write_and_flush(piece));
}

bindings::export!(Keeper with_types_in bindings);
