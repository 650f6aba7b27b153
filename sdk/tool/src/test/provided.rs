//! What a component under test can call: the log, clocks, random numbers, and what the standard
//! libraries of languages ask for when they start.
//!
//! Everything is the same in every run: the clock goes on by a millisecond whenever it is read, and
//! random numbers are a sequence. Any interface of `wit/` can be imported; a function without an
//! arm here traps by name.

use atoll_runtime::descriptor;

/// Nanoseconds between two readings of the clock.
const TICK_NS: u64 = 1_000_000;
/// Seconds since 1970 when a test begins.
const BEGIN_S: u64 = 1_767_225_600;
/// Bytes that a stream takes at once.
const STREAM: u64 = 4096;
/// The standard streams, by the numbers of their objects.
const STDIN: u32 = 0;
const STDOUT: u32 = 1;
const STDERR: u32 = 2;
/// That of a pollable that is ready.
const READY: u32 = 3;

/// What a function gave.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The result in the wire form.
    pub(super) bytes: Vec<u8>,
    /// The object whose handle goes with it.
    pub(super) handle: Option<u32>,
}

/// The interfaces that are declared, and the state behind those that are provided.
#[derive(Debug, Default)]
pub(super) struct Services {
    /// Names and descriptors.
    pub(super) interfaces: Vec<(String, Vec<u8>)>,
    /// What was written to the log, and to the standard streams.
    pub(super) written: Vec<String>,
    readings: u64,
    random: u64,
}

impl Services {
    pub(super) fn new(interfaces: Vec<(String, Vec<u8>)>) -> Self {
        Self { interfaces, ..Self::default() }
    }

    /// Calls a function by its number and that of its interface.
    pub(super) fn call(
        &mut self,
        interface: u32,
        method: u32,
        parameters: &[u8],
    ) -> Result<Answer, String> {
        let (name, bytes) = self.interfaces.get(interface as usize).ok_or("no such interface")?;
        let described = descriptor::decode(bytes).map_err(|error| error.to_string())?;
        let function = described.interface.functions.get(method as usize);
        let (function, _) = function.ok_or("no such function")?;
        let interface = name.split('@').next().unwrap_or(name).to_owned();
        self.perform(&interface, function, parameters)
            .ok_or_else(|| format!("`{interface}`, `{function}`: a test does not provide it"))
    }

    fn perform(&mut self, interface: &str, function: &str, parameters: &[u8]) -> Option<Answer> {
        Some(match (interface, function) {
            ("atoll:log/log", "write") => {
                self.write(parameters.get(4..)?)?;
                Answer::default()
            }
            ("atoll:clocks/monotonic" | "wasi:clocks/monotonic-clock", "now") => {
                bytes(&self.now().to_le_bytes())
            }
            ("wasi:clocks/monotonic-clock", "resolution") => bytes(&TICK_NS.to_le_bytes()),
            ("wasi:clocks/wall-clock", "now") => {
                let now = self.now();
                let second = 1_000_000_000;
                let part = u32::try_from(now % second).unwrap_or(0);
                bytes(&[&(BEGIN_S + now / second).to_le_bytes()[..], &part.to_le_bytes()].concat())
            }
            ("wasi:random/random", "get-random-bytes")
            | ("wasi:random/insecure", "get-insecure-random-bytes") => {
                let count = u64::from_le_bytes(*parameters.first_chunk()?).min(STREAM * 8);
                list((0..count).map(|_| self.next().to_le_bytes()[0]).collect())
            }
            ("wasi:random/random", "get-random-u64")
            | ("wasi:random/insecure", "get-insecure-random-u64") => {
                bytes(&self.next().to_le_bytes())
            }
            ("wasi:random/insecure-seed", _) => {
                bytes(&[self.next().to_le_bytes(), self.next().to_le_bytes()].concat())
            }
            ("wasi:cli/environment", "get-environment" | "get-arguments")
            | ("wasi:filesystem/preopens", "get-directories") => list(Vec::new()),
            ("wasi:cli/environment", "initial-cwd")
            | (
                "wasi:cli/terminal-stdin" | "wasi:cli/terminal-stdout" | "wasi:cli/terminal-stderr",
                _,
            ) => bytes(&0_u32.to_le_bytes()),
            ("wasi:cli/stdin", _) => handle(STDIN),
            ("wasi:cli/stdout", _) => handle(STDOUT),
            ("wasi:cli/stderr", _) => handle(STDERR),
            // Nothing here is ever waited for.
            (
                "wasi:io/streams",
                "[method]output-stream.subscribe" | "[method]input-stream.subscribe",
            ) => handle(READY),
            ("wasi:io/poll", "[method]pollable.block") => Answer::default(),
            // Standard input is at its end: an error, `closed`.
            (
                "wasi:io/streams",
                "[method]input-stream.read" | "[method]input-stream.blocking-read",
            ) => bytes(&[1_u32.to_le_bytes(), 1_u32.to_le_bytes()].concat()),
            ("wasi:io/streams", "[method]output-stream.check-write") => {
                bytes(&[&0_u32.to_le_bytes()[..], &STREAM.to_le_bytes()].concat())
            }
            (
                "wasi:io/streams",
                "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush",
            ) => {
                self.write(parameters.get(4..)?)?;
                bytes(&0_u32.to_le_bytes())
            }
            (
                "wasi:io/streams",
                "[method]output-stream.flush" | "[method]output-stream.blocking-flush",
            ) => bytes(&0_u32.to_le_bytes()),
            _ => return None,
        })
    }

    /// Notes a text, which comes with its length before it.
    fn write(&mut self, text: &[u8]) -> Option<()> {
        let text = String::from_utf8_lossy(text.get(4..)?).into_owned();
        self.written.extend(text.lines().map(str::to_owned));
        Some(())
    }

    fn now(&mut self) -> u64 {
        self.readings = self.readings.saturating_add(1);
        self.readings.saturating_mul(TICK_NS)
    }

    /// The next number of the sequence; Vigna's splitmix64.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.random;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }
}

fn bytes(bytes: &[u8]) -> Answer {
    Answer { bytes: bytes.to_vec(), handle: None }
}

/// A list of bytes; of anything, if it is empty.
fn list(items: Vec<u8>) -> Answer {
    let count = u32::try_from(items.len()).unwrap_or(0);
    Answer { bytes: [&count.to_le_bytes()[..], &items].concat(), handle: None }
}

/// The only handle of an answer.
fn handle(number: u32) -> Answer {
    Answer { bytes: 0_u32.to_le_bytes().to_vec(), handle: Some(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(services: &mut Services, interface: &str, function: &str) -> u64 {
        let answer = services.perform(interface, function, &[]).expect(function);
        u64::from_le_bytes(answer.bytes.try_into().expect("eight bytes"))
    }

    #[test]
    fn every_run_is_the_same() {
        let run = || {
            let mut services = Services::default();
            let clock = "atoll:clocks/monotonic";
            let times = [0; 3].map(|_| number(&mut services, clock, "now"));
            assert_eq!(times, [TICK_NS, 2 * TICK_NS, 3 * TICK_NS]);
            [0; 4].map(|_| number(&mut services, "wasi:random/random", "get-random-u64"))
        };
        let [first, second, ..] = run();
        assert_ne!(first, second);
        assert_eq!(run(), run());
    }

    #[test]
    fn texts_are_kept_by_the_line() {
        let mut services = Services::default();
        let mut parameters = 2_u32.to_le_bytes().to_vec();
        parameters.extend(8_u32.to_le_bytes());
        parameters.extend(b"one\ntwo\n");
        services.perform("atoll:log/log", "write", &parameters).expect("written");
        let write = "[method]output-stream.blocking-write-and-flush";
        services.perform("wasi:io/streams", write, &parameters).expect("written");
        assert_eq!(services.written, ["one", "two", "one", "two"]);
        assert!(services.perform("atoll:log/log", "write", &[0; 2]).is_none());
    }

    #[test]
    fn as_many_random_bytes_come_as_are_asked_for() {
        let mut services = Services::default();
        let count = 5_u64.to_le_bytes();
        let answer = services.perform("wasi:random/random", "get-random-bytes", &count);
        let bytes = answer.expect("bytes").bytes;
        assert_eq!((bytes.len(), &bytes[..4]), (9, &5_u32.to_le_bytes()[..]));
    }

    #[test]
    fn what_is_not_provided_is_named() {
        assert!(Services::default().perform("wasi:sockets/tcp", "connect", &[]).is_none());
        assert!(Services::default().call(0, 0, &[]).is_err());
    }
}
