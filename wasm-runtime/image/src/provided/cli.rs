//! `wasi:cli`: arguments, exit and the standard streams of a program.
//!
//! The streams are pipes by grant. Without them input is at its end, and what is printed goes to
//! the log line by line.

use super::{Outcome, Trap};
use crate::Place;
use crate::gate::{Calls, Gate};
use crate::generated as numbers;
use crate::objects::{Hold, Kind, Object, Sink};
use alloc::vec::Vec;
use atoll_gate::record::{Cause, Level};
use atoll_gate::start::GrantKind;

pub(super) fn environment<G: Gate>(
    place: &mut Place<G>,
    function: numbers::wasi_cli_environment::Function,
) -> Outcome {
    use numbers::wasi_cli_environment::Function;
    let Place { start, answer, .. } = place;
    answer.put(|out| match function {
        Function::GetEnvironment => {
            out.u32(start.environment.len() as u32);
            for (name, value) in &start.environment {
                out.string(name);
                out.string(value);
            }
        }
        Function::GetArguments => {
            out.u32(start.arguments.len() as u32);
            for argument in &start.arguments {
                out.string(argument);
            }
        }
        Function::InitialCwd => out.u32(0),
    });
    Ok(())
}

pub(super) fn exit<G: Gate>(
    place: &mut Place<G>,
    function: numbers::wasi_cli_exit::Function,
) -> Outcome {
    use numbers::wasi_cli_exit::Function;
    let code = match function {
        Function::Exit => place.input().case(2)?,
        Function::ExitWithCode => u32::from(place.input().u8()?),
    };
    place.finish_lines();
    place.gate.exit(Cause::Exited, u64::from(code), "");
    Err(Trap("the program did not end".into()))
}

pub(super) fn stdin<G: Gate>(
    place: &mut Place<G>,
    function: numbers::wasi_cli_stdin::Function,
) -> Outcome {
    let numbers::wasi_cli_stdin::Function::GetStdin = function;
    let pipe = place.start.stream("stdin");
    give(place, 0, Kind::INPUT, |_| Object::Input(pipe));
    Ok(())
}

pub(super) fn stdout<G: Gate>(
    place: &mut Place<G>,
    function: numbers::wasi_cli_stdout::Function,
) -> Outcome {
    let numbers::wasi_cli_stdout::Function::GetStdout = function;
    give(place, 1, Kind::OUTPUT, |place| output(place, "stdout", Level::Info));
    Ok(())
}

pub(super) fn stderr<G: Gate>(
    place: &mut Place<G>,
    function: numbers::wasi_cli_stderr::Function,
) -> Outcome {
    let numbers::wasi_cli_stderr::Function::GetStderr = function;
    give(place, 2, Kind::OUTPUT, |place| output(place, "stderr", Level::Warn));
    Ok(())
}

/// Gives the guest a handle to a standard stream, which is made when it is first asked for.
fn give<G: Gate>(
    place: &mut Place<G>,
    stream: usize,
    kind: Kind,
    make: impl FnOnce(&Place<G>) -> Object,
) {
    let known = place.standard.get(stream).copied().flatten();
    let number = known.unwrap_or_else(|| {
        let object = make(place);
        place.objects.add(object, Hold::Granted)
    });
    if let Some(standard) = place.standard.get_mut(stream) {
        *standard = Some(number);
    }
    place.give_again(kind, number);
}

fn output<G: Gate>(place: &Place<G>, label: &str, level: Level) -> Object {
    if let Some(handle) = place.start.stream(label) {
        return Object::Output(Sink::Pipe { handle, rest: Vec::new(), permit: 0 });
    }
    let log = place.start.grant(GrantKind::Kernel, "atoll:log/log").and_then(|grant| grant.handle);
    Object::Output(Sink::Log { handle: log, level: level as u8, line: Vec::new() })
}

/// No standard stream is known to be a terminal: an absent one is the answer that WASI gives.
fn no_terminal<G: Gate>(place: &mut Place<G>) -> Result<(), Trap> {
    place.answer.case(0);
    Ok(())
}

pub(super) fn terminal_stdin<G: Gate>(
    place: &mut Place<G>,
    function: numbers::wasi_cli_terminal_stdin::Function,
) -> Outcome {
    let numbers::wasi_cli_terminal_stdin::Function::GetTerminalStdin = function;
    no_terminal(place)
}

pub(super) fn terminal_stdout<G: Gate>(
    place: &mut Place<G>,
    function: numbers::wasi_cli_terminal_stdout::Function,
) -> Outcome {
    let numbers::wasi_cli_terminal_stdout::Function::GetTerminalStdout = function;
    no_terminal(place)
}

pub(super) fn terminal_stderr<G: Gate>(
    place: &mut Place<G>,
    function: numbers::wasi_cli_terminal_stderr::Function,
) -> Outcome {
    let numbers::wasi_cli_terminal_stderr::Function::GetTerminalStderr = function;
    no_terminal(place)
}
