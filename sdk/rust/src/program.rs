//! Programs: `wasi:cli/run` as a function that takes arguments and writes.
//!
//! [`program!`](crate::program!) makes a component of it. What the function writes goes to the
//! standard output a line at a time; how it fails, a [`Failure`], becomes a line of the standard
//! error and an exit code.

use crate::stream::Lined;
use std::io::{self, Write};

/// The exit code of a program that failed.
pub const EXIT_FAILED: u8 = 1;
/// The exit code of a program whose arguments make no sense.
pub const EXIT_USAGE: u8 = 2;

/// How a program failed.
///
/// It is made of a text, which is said, with the code 1; of an error of the output, whose reader is
/// gone and is told nothing; by [`usage`](Self::usage); or by [`code`](Self::code).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// The arguments make no sense, and this says which do.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: EXIT_USAGE }
    }

    /// All has been said, and this is the exit code; not 0, which is none of a failure.
    #[must_use]
    pub const fn code(code: u8) -> Self {
        Self { message: String::new(), code }
    }

    /// What goes to the standard error: a line, or nothing.
    #[must_use]
    pub fn line(&self) -> String {
        match self.message.trim_end() {
            "" => String::new(),
            message => [message, "\n"].concat(),
        }
    }

    /// The exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        self.code
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, code: EXIT_FAILED }
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

impl From<io::Error> for Failure {
    fn from(_gone: io::Error) -> Self {
        Self::code(EXIT_FAILED)
    }
}

/// Runs a program's function on all arguments, of which the first is the program's name, and on an
/// output that takes pieces of up to [`WRITE_LIMIT`](crate::stream::WRITE_LIMIT) bytes. What was
/// written is there when it returns.
///
/// # Errors
/// The function's, or that the output is gone.
pub fn run<E>(
    main: impl FnOnce(&[String], &mut dyn Write) -> Result<(), Failure>,
    arguments: &[String],
    write: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), Failure> {
    let mut output = Lined::new(write);
    let done = main(arguments.get(1..).unwrap_or_default(), &mut output);
    let written = output.flush();
    done?;
    Ok(written?)
}

/// Makes a program of a function: `program!(bindings, main)` with the module of the bindings of a
/// world that exports `wasi:cli/run` and imports `environment`, `exit`, `stdout` and `stderr`.
///
/// ```
/// # mod bindings {
/// #     pub mod exports { pub mod wasi { pub mod cli { pub mod run {
/// #         pub trait Guest { fn run() -> Result<(), ()>; }
/// #     } } } }
/// #     pub mod wasi { pub mod cli {
/// #         pub struct Stream(&'static std::sync::Mutex<String>);
/// #         impl Stream {
/// #             pub fn blocking_write_and_flush(&self, piece: &[u8]) -> Result<(), ()> {
/// #                 self.0.lock().unwrap().push_str(std::str::from_utf8(piece).unwrap());
/// #                 Ok(())
/// #             }
/// #         }
/// #         pub mod environment { pub fn get_arguments() -> Vec<String> {
/// #             vec!["sum".into(), "2".into(), "x".into()]
/// #         } }
/// #         pub mod stdout {
/// #             pub static WRITTEN: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());
/// #             pub fn get_stdout() -> super::Stream { super::Stream(&WRITTEN) }
/// #         }
/// #         pub mod stderr {
/// #             pub static WRITTEN: std::sync::Mutex<String> = std::sync::Mutex::new(String::new());
/// #             pub fn get_stderr() -> super::Stream { super::Stream(&WRITTEN) }
/// #         }
/// #         pub mod exit {
/// #             pub static CODE: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);
/// #             pub fn exit_with_code(code: u8) {
/// #                 CODE.store(code, std::sync::atomic::Ordering::Relaxed);
/// #             }
/// #         }
/// #     } }
/// #     macro_rules! export { ($program:ident) => { pub(crate) use $program as Exported; } }
/// #     pub(crate) use export;
/// # }
/// use atoll_sdk::program::Failure;
/// use std::io::Write;
///
/// atoll_sdk::program!(bindings, sum);
///
/// fn sum(numbers: &[String], output: &mut dyn Write) -> Result<(), Failure> {
///     let mut sum = 0.0;
///     for number in numbers {
///         sum += number.parse::<f64>().map_err(|_| Failure::usage("usage: sum NUMBER..."))?;
///         writeln!(output, "{sum}")?;
///     }
///     Ok(())
/// }
/// # fn main() {
/// # use bindings::{exports::wasi::cli::run::Guest, wasi::cli::{exit, stderr, stdout}};
/// # assert_eq!(Exported::run(), Err(()));
/// # assert_eq!(*stdout::WRITTEN.lock().unwrap(), "2\n");
/// # assert_eq!(*stderr::WRITTEN.lock().unwrap(), "usage: sum NUMBER...\n");
/// # assert_eq!(exit::CODE.load(std::sync::atomic::Ordering::Relaxed), 2);
/// # }
/// ```
#[macro_export]
macro_rules! program {
    ($($bindings:ident)::+, $main:path) => {
        struct Program;

        impl $($bindings)::+::exports::wasi::cli::run::Guest for Program {
            fn run() -> ::core::result::Result<(), ()> {
                use $($bindings)::+::wasi::cli::{environment, exit, stderr, stdout};
                let arguments = environment::get_arguments();
                let output = stdout::get_stdout();
                let write = |piece: &[u8]| output.blocking_write_and_flush(piece);
                let ::core::result::Result::Err(failure) =
                    $crate::program::run($main, &arguments, write)
                else {
                    return ::core::result::Result::Ok(());
                };
                let errors = stderr::get_stderr();
                let write = |piece: &[u8]| errors.blocking_write_and_flush(piece);
                // Who does not hear why it failed still gets the exit code.
                let _ = $crate::stream::write(failure.line().as_bytes(), write);
                exit::exit_with_code(failure.exit_code());
                ::core::result::Result::Err(())
            }
        }

        $($bindings)::+::export!(Program);
    };
}

#[cfg(test)]
mod tests {
    use super::{EXIT_FAILED, EXIT_USAGE, Failure, run};
    use std::io::Write;

    /// Runs a function with the arguments `a b`; what it said and the calls that it took.
    fn ran(
        main: impl FnOnce(&[String], &mut dyn Write) -> Result<(), Failure>,
    ) -> (Result<(), Failure>, Vec<String>) {
        let mut calls = Vec::new();
        let arguments = ["name", "a", "b"].map(str::to_owned);
        let done = run(main, &arguments, |piece| {
            calls.push(String::from_utf8_lossy(piece).into_owned());
            Ok::<(), ()>(())
        });
        (done, calls)
    }

    #[test]
    fn a_line_is_a_call_and_the_rest_is_written_at_the_end() {
        let (done, calls) = ran(|arguments, output| {
            writeln!(output, "{} and {}", arguments[0], arguments[1])?;
            write!(output, "no line feed")?;
            Ok(())
        });
        assert_eq!((done, calls), (Ok(()), vec!["a and b\n".into(), "no line feed".into()]));
    }

    #[test]
    fn what_was_written_before_a_failure_is_there() {
        let (done, calls) = ran(|_, output| {
            write!(output, "half")?;
            Err("it broke".into())
        });
        let failure = done.expect_err("failed");
        assert_eq!((failure.line().as_str(), failure.exit_code()), ("it broke\n", EXIT_FAILED));
        assert_eq!(calls, ["half"]);
    }

    #[test]
    fn a_reader_that_is_gone_ends_the_program() {
        let mut lines = 0;
        let endless = |_: &[String], output: &mut dyn Write| loop {
            lines += 1;
            writeln!(output, "{lines}")?;
        };
        let mut calls = 0;
        let gone = run(endless, &[], |_| {
            calls += 1;
            if calls < 3 { Ok(()) } else { Err(()) }
        });
        assert_eq!((gone, lines), (Err(Failure::code(EXIT_FAILED)), 3));
        assert_eq!(Failure::code(EXIT_FAILED).line(), "");
    }

    #[test]
    fn a_failure_is_one_line() {
        let failure = Failure::usage("usage: date [--seconds]\n");
        assert_eq!(failure.line(), "usage: date [--seconds]\n");
        assert_eq!(failure.exit_code(), EXIT_USAGE);
    }
}
