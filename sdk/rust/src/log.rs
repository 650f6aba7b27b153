//! The macros of the crate `log`, written to `atoll:log/log`.
//!
//! A server whose world imports the interface calls [`init_log!`](crate::init_log) where it starts,
//! and then logs as every Rust program does: `log::info!("{count} clients")`. Without that call, and
//! in libraries on the host, the macros do nothing.

pub use ::log::{Level, LevelFilter, debug, error, info, trace, warn};

use ::log::{Log, Metadata, Record};
use std::panic::{self, PanicHookInfo};

/// Most bytes of a line, by `atoll:log/log`.
pub const LINE_LIMIT: usize = 1024;
/// What is put in the place of what a line has beyond that.
const CUT: &str = "...";

/// Sends what is logged to `atoll:log/log`, up to a level: `init_log!(bindings, Info)` with the
/// module of the server's bindings and a [`LevelFilter`]. Called again, it changes the level.
///
/// Levels are the interface's, which are those of the crate `log`. A line is an entry; one of more
/// than 1,024 bytes is cut. A panic becomes an entry too, with its place and its message.
///
/// ```
/// # mod bindings {
/// #     pub mod atoll {
/// #         pub mod log {
/// #             pub mod log {
/// #                 #[derive(Debug, PartialEq)]
/// #                 pub enum Level { Error, Warn, Info, Debug, Trace }
/// #                 pub static WRITTEN: std::sync::Mutex<Vec<(Level, String)>> =
/// #                     std::sync::Mutex::new(Vec::new());
/// #                 pub fn write(level: Level, text: &str) {
/// #                     WRITTEN.lock().unwrap().push((level, text.to_owned()));
/// #                 }
/// #             }
/// #         }
/// #     }
/// # }
/// fn start() -> Result<(), String> {
///     atoll_sdk::init_log!(bindings, Info);
///     log::warn!("{} clients", 3);
///     Ok(())
/// }
/// # use bindings::atoll::log::log::{Level, WRITTEN};
/// # start().unwrap();
/// # log::debug!("not this");
/// # atoll_sdk::init_log!(bindings, Trace);
/// # log::error!("e");
/// # log::info!("i");
/// # log::debug!("d");
/// # log::trace!("t");
/// # let written = WRITTEN.lock().unwrap();
/// # let written: Vec<_> = written.iter().map(|(level, text)| (level, text.as_str())).collect();
/// # assert_eq!(written, [
/// #     (&Level::Warn, "3 clients"),
/// #     (&Level::Error, "e"),
/// #     (&Level::Info, "i"),
/// #     (&Level::Debug, "d"),
/// #     (&Level::Trace, "t"),
/// # ]);
/// ```
#[macro_export]
macro_rules! init_log {
    ($($bindings:ident)::+, $most:ident) => {{
        fn write(level: $crate::log::Level, line: &str) {
            use $($bindings)::+::atoll::log::log as interface;
            let level = match level {
                $crate::log::Level::Error => interface::Level::Error,
                $crate::log::Level::Warn => interface::Level::Warn,
                $crate::log::Level::Info => interface::Level::Info,
                $crate::log::Level::Debug => interface::Level::Debug,
                $crate::log::Level::Trace => interface::Level::Trace,
            };
            interface::write(level, line);
        }
        static SINK: $crate::log::Sink = $crate::log::Sink::new(write);
        SINK.install($crate::log::LevelFilter::$most);
    }};
}

/// Where lines go.
#[derive(Debug)]
pub struct Sink {
    write: fn(Level, &str),
}

impl Sink {
    /// Lines go to this function.
    #[must_use]
    pub const fn new(write: fn(Level, &str)) -> Self {
        Self { write }
    }

    /// Makes it the one of this program, up to a level. If there is one, that stays, with the level.
    /// A guest that panics from now on says why before it traps; on the host, panics stay as they are.
    pub fn install(&'static self, most: LevelFilter) {
        let _ = ::log::set_logger(self);
        ::log::set_max_level(most);
        if cfg!(target_family = "wasm") {
            panic::set_hook(Box::new(log_panic));
        }
    }
}

impl Log for Sink {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let text = record.args().to_string();
        for line in text.lines() {
            (self.write)(record.level(), &cut(line));
        }
    }

    fn flush(&self) {}
}

/// Logs where and why something panicked.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let why = panic.payload_as_str().unwrap_or("for a reason that is no text");
    match panic.location() {
        Some(location) => ::log::error!("panicked at {location}: {why}"),
        None => ::log::error!("panicked: {why}"),
    }
}

/// A line of a length that an entry has.
fn cut(line: &str) -> String {
    if line.len() <= LINE_LIMIT {
        return line.to_owned();
    }
    let end = line.floor_char_boundary(LINE_LIMIT - CUT.len());
    [line.get(..end).unwrap_or_default(), CUT].concat()
}

#[cfg(test)]
mod tests {
    use super::{LINE_LIMIT, Level, Sink, cut};
    use log::{Log, Record};
    use std::cell::RefCell;

    thread_local! {
        static WRITTEN: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
    }

    #[test]
    fn each_line_is_written() {
        let write =
            |level, line: &str| WRITTEN.with_borrow_mut(|all| all.push((level, line.into())));
        let sink = Sink::new(write);
        let log = |text: &str| {
            let args = format_args!("{text}");
            sink.log(&Record::builder().level(Level::Warn).args(args).build());
        };
        log("one\ntwo\n");
        log("");
        sink.flush();
        let written = WRITTEN.take();
        assert_eq!(written, [(Level::Warn, "one".into()), (Level::Warn, "two".into())]);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let line = "x".repeat(LINE_LIMIT);
        assert_eq!(cut(&line), line);
        assert_eq!(cut(&(line.clone() + "y")), "x".repeat(LINE_LIMIT - 3) + "...");
        // Two bytes a character, so that the limit falls into one.
        let accents = cut(&"é".repeat(LINE_LIMIT));
        assert_eq!(accents.len(), LINE_LIMIT - 1);
        assert!(accents.ends_with("é..."));
    }
}
