//! QEMU's log of instructions and interrupts, sorted by whose they are.

use anyhow::{Context, Result, ensure};
use atoll_gate::call::Call;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use std::process::Command;

/// Where the kernel's half of the address space begins.
const KERNEL: u64 = 1 << 63;
/// What the symbols of the interpreter's handlers contain.
const HANDLERS: &str = "executor::handler::exec::";

/// Instructions between two marks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Span {
    pub(super) kernel: u64,
    pub(super) caller: User,
    pub(super) callee: User,
}

/// Instructions of a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct User {
    pub(super) guest: u64,
    pub(super) runtime: u64,
    pub(super) copies: u64,
}

impl User {
    fn total(self) -> u64 {
        self.guest + self.runtime + self.copies
    }

    fn add(&mut self, other: Self) {
        self.guest += other.guest;
        self.runtime += other.runtime;
        self.copies += other.copies;
    }
}

impl Span {
    pub(super) fn total(&self) -> u64 {
        self.kernel + self.caller.total() + self.callee.total()
    }
}

/// What is known of an address of the domain image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Guest,
    Runtime,
    /// Copying or filling, for whoever called it.
    Bytes,
}

/// The image's functions, by where they begin.
#[derive(Debug, Default)]
pub(super) struct Symbols(BTreeMap<u64, Part>);

impl Symbols {
    /// Reads the symbols of the domain image.
    pub(super) fn read(image: &Path) -> Result<Self> {
        let output = Command::new("nm").args(["-C", "--defined-only"]).arg(image).output();
        let output = output.context("cannot run nm (package binutils)")?;
        ensure!(output.status.success(), "nm does not read {}", image.display());
        let symbols = Self::parse(&String::from_utf8_lossy(&output.stdout));
        let handlers = symbols.0.values().any(|part| *part == Part::Guest);
        ensure!(handlers, "{} has no symbols of the interpreter", image.display());
        Ok(symbols)
    }

    fn parse(text: &str) -> Self {
        let entry = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let address = u64::from_str_radix(words.next()?, 16).ok()?;
            let kind = words.next()?;
            let name = words.next()?;
            "tTwW".contains(kind).then(|| (address, part(name)))
        };
        Self(text.lines().filter_map(entry).collect())
    }

    fn part(&self, address: u64) -> Part {
        self.0.range(..=address).next_back().map_or(Part::Runtime, |(_, part)| *part)
    }
}

fn part(name: &str) -> Part {
    match name {
        name if name.contains(HANDLERS) => Part::Guest,
        "memcpy" | "memmove" | "memset" => Part::Bytes,
        name if name.contains("compiler_builtins::mem::") => Part::Bytes,
        _ => Part::Runtime,
    }
}

/// An interrupt in the log.
#[derive(Clone, Copy, Debug, Default)]
struct Interrupt {
    vector: u64,
    call: u64,
}

/// Reads the log.
struct Reader<'a> {
    symbols: &'a Symbols,
    /// Since the last interrupt out of a domain.
    user: User,
    /// The last instruction of the domain that was no copy, and the part of the very last one.
    caller_of_copy: Part,
    last: Option<Option<Part>>,
    kernel: u64,
    interrupt: Option<Interrupt>,
    /// What each domain did since the last mark, and the kernel: domains by CR3.
    domains: BTreeMap<u64, User>,
    marks: Vec<(u64, u64, BTreeMap<u64, User>)>,
}

impl<'a> Reader<'a> {
    fn new(symbols: &'a Symbols) -> Self {
        Self {
            symbols,
            user: User::default(),
            caller_of_copy: Part::Runtime,
            last: None,
            kernel: 0,
            interrupt: None,
            domains: BTreeMap::new(),
            marks: Vec::new(),
        }
    }

    fn line(&mut self, line: &str) {
        if line.starts_with("Trace ") {
            if let Some(address) = address(line) {
                self.instruction(address);
            }
        } else if line.starts_with("Stopped execution") {
            // The instruction logged last was not carried out; it is logged again.
            self.take_back();
        } else if let Some(vector) = field(line, " v=") {
            self.interrupt = Some(Interrupt { vector, call: 0 });
        } else if let Some(interrupt) = &mut self.interrupt {
            if let Some(call) = field(line, "RAX=") {
                interrupt.call = call;
            }
            if let Some(domain) = field(line, "CR3=") {
                let interrupt = *interrupt;
                self.interrupt = None;
                self.interrupted(interrupt, domain);
            }
        }
    }

    fn instruction(&mut self, address: u64) {
        if address >= KERNEL {
            self.kernel += 1;
            self.last = Some(None);
            return;
        }
        let part = self.symbols.part(address);
        if part != Part::Bytes {
            self.caller_of_copy = part;
        }
        self.count(part, 1);
        self.last = Some(Some(part));
    }

    fn count(&mut self, part: Part, by: i64) {
        let counter = match (part, self.caller_of_copy) {
            (Part::Guest, _) | (Part::Bytes, Part::Guest) => &mut self.user.guest,
            (Part::Bytes, _) => &mut self.user.copies,
            (Part::Runtime, _) => &mut self.user.runtime,
        };
        *counter = counter.saturating_add_signed(by);
    }

    fn take_back(&mut self) {
        match self.last.take() {
            Some(None) => self.kernel = self.kernel.saturating_sub(1),
            Some(Some(part)) => self.count(part, -1),
            None => {}
        }
    }

    /// The instructions before an interrupt are those of the domain whose CR3 it has; in the
    /// kernel there are none.
    fn interrupted(&mut self, interrupt: Interrupt, domain: u64) {
        let user = std::mem::take(&mut self.user);
        self.domains.entry(domain).or_default().add(user);
        let is_clock = interrupt.call == Call::Clock as u64;
        if interrupt.vector == u64::from(atoll_gate::VECTOR) && is_clock {
            let domains = std::mem::take(&mut self.domains);
            self.marks.push((domain, std::mem::take(&mut self.kernel), domains));
        }
    }
}

/// The address in `Trace 0: 0x7f6cf0000100 [0000000000000000/ffff800000123456/…] …`.
fn address(line: &str) -> Option<u64> {
    u64::from_str_radix(line.split_once('[')?.1.split('/').nth(1)?, 16).ok()
}

/// The hexadecimal number behind a word.
fn field(line: &str, word: &str) -> Option<u64> {
    let rest = line.split_once(word)?.1;
    let digits = rest.split(|digit: char| !digit.is_ascii_hexdigit()).next()?;
    u64::from_str_radix(digits, 16).ok()
}

/// What stands between the marks of each kind. A program alone in the machine with its servers
/// reads the clock twice for each; who else reads it is left out.
pub(super) fn spans(log: impl BufRead, symbols: &Symbols, kinds: usize) -> Result<Vec<Span>> {
    let mut reader = Reader::new(symbols);
    for line in log.split(b'\n') {
        reader.line(&String::from_utf8_lossy(&line?));
    }
    let mut count = BTreeMap::<u64, usize>::new();
    for (domain, ..) in &reader.marks {
        *count.entry(*domain).or_default() += 1;
    }
    let program = count.iter().find(|(_, marks)| **marks == 2 * kinds).map(|(domain, _)| *domain);
    let program = program.with_context(|| {
        format!("no program read the clock {} times: {count:?}; the log began late", 2 * kinds)
    })?;
    let (mut spans, mut current, mut mine) = (Vec::new(), Span::default(), 0);
    for (domain, kernel, domains) in reader.marks {
        current.kernel += kernel;
        for (whose, user) in domains {
            let side = if whose == program { &mut current.caller } else { &mut current.callee };
            side.add(user);
        }
        if domain == program {
            let span = std::mem::take(&mut current);
            mine += 1;
            // From the first mark of a pair to the second.
            if mine % 2 == 0 {
                spans.push(span);
            }
        }
    }
    Ok(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "\
0000000000400000 t <atoll_runtime::canonical::quick::Quick>::lift_all
0000000000400100 t wasmi::engine::executor::handler::exec::call_imported
0000000000400200 T memcpy
0000000000400300 r a_table
";

    /// An instruction each.
    fn at(addresses: &[u64]) -> String {
        let line = |address| {
            format!("Trace 0: 0x7f00 [0000000000000000/{address:016x}/004000b0/ff000000] \n")
        };
        addresses.iter().map(line).collect()
    }

    fn gate(call: Call, domain: u64) -> String {
        format!(
            "     0: v=80 e=0000 i=1 cpl=0 IP=0008:0000000000400004\n\
             RAX={:016x} RBX=0000000000000000\nCR0=80050033 CR2=0 CR3={domain:016x} CR4=0\n",
            call as u64
        )
    }

    fn read(log: &str, kinds: usize) -> Result<Vec<Span>> {
        spans(log.as_bytes(), &Symbols::parse(NAMES), kinds)
    }

    #[test]
    fn instructions_are_told_apart() {
        let kernel = 0xffff_8000_0000_0000;
        let log = [
            // Before the first mark.
            at(&[0x40_0000; 9]),
            gate(Call::Clock, 0x1000),
            at(&[kernel, kernel, 0x40_0100, 0x40_0200, 0x40_0000, 0x40_0204, 0x40_0208]),
            "Stopped execution of TB chain before 0x7f00 [x]\n".into(),
            gate(Call::Call, 0x1000),
            at(&[kernel, 0x40_0008]),
            gate(Call::ReplyWait, 0x2000),
            at(&[kernel, 0x40_0104]),
            gate(Call::Clock, 0x1000),
            at(&[kernel; 5]),
        ];
        let span = read(&log.concat(), 1).unwrap();
        let expected = Span {
            kernel: 4,
            caller: User { guest: 3, runtime: 1, copies: 1 },
            callee: User { runtime: 1, ..User::default() },
        };
        assert_eq!(span, [expected]);
    }

    #[test]
    fn a_log_that_began_late_is_refused() {
        let log = [gate(Call::Clock, 1), gate(Call::Clock, 1), gate(Call::Clock, 1)].concat();
        assert!(read(&log, 2).unwrap_err().to_string().contains("began late"));
        assert_eq!(read(&log[..log.len() / 3 * 2], 1).unwrap(), [Span::default()]);
    }
}
