//! The campaign in whole systems: what each boot is given to do, and what its transcript says.
//!
//! `cargo xtask inject --qemu` boots them. The program `saboteur` in them injects the faults and
//! says a line for each; a boot archive has room for some hundreds.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use atoll_gate::call::Status;
use atoll_saboteur::orders::{Fault as Ordered, Order, Orders, Server, Step as OrderedStep};

use crate::{
    fault::Fault,
    hosted::word,
    injection::{FAILURES, Injection},
    kernel::{Passed, Step},
    prepared::Prepared,
    random::Random,
    totals::{Class, Totals},
    work::SUBJECTS,
};

/// Versions in a boot archive: the boot shim takes 256 modules.
const MOST_VERSIONS: usize = 220;
/// Orders in a boot.
const MOST_ORDERS: usize = 440;
/// The servers that there are, with the interface that is called.
const SERVERS: [(&str, &str); 2] =
    [("store", "atoll:samples/store"), ("echo", "atoll:testing/echo")];
/// Where other versions go in the system's description.
const VERSIONS: &str = "versions = []";
/// Gate calls at the begin of a life of which one fails.
const STARTING: usize = 10;
/// What the program puts a number in for.
const MARK: &[u8] = b"########";
/// Kinds of faults that are no changed component.
const FLIP: &str = "bit of memory";
const MANIFEST: &str = "manifest.tsv";

/// Writes a folder for each boot: description, versions, orders, and what is known of each.
pub(crate) fn write(
    seed: u64,
    numbers: impl Iterator<Item = u64>,
    components: &Path,
    description: &Path,
    out: &Path,
) -> Result<()> {
    let text = fs::read_to_string(description)
        .with_context(|| format!("cannot read {}", description.display()))?;
    let servers = prepare(components)?;
    let mut numbers = numbers.peekable();
    let mut boot = 0;
    while numbers.peek().is_some() {
        let folder = out.join(format!("boot-{boot:03}"));
        fs::create_dir_all(&folder)?;
        write_boot(seed, &mut numbers, &servers, &text, &folder)?;
        boot += 1;
    }
    Ok(())
}

fn prepare(components: &Path) -> Result<Vec<Prepared>> {
    let named = SERVERS
        .iter()
        .filter_map(|(name, _)| SUBJECTS.iter().find(|subject| subject.name == *name));
    named.map(|subject| Prepared::new(subject, components)).collect()
}

fn write_boot(
    seed: u64,
    numbers: &mut impl Iterator<Item = u64>,
    servers: &[Prepared],
    description: &str,
    folder: &Path,
) -> Result<()> {
    let (mut orders, mut versions, mut manifest) = (Vec::new(), Vec::new(), String::new());
    while versions.len() < MOST_VERSIONS && orders.len() < MOST_ORDERS {
        let Some(number) = numbers.next() else { break };
        let mut random = Random::of(seed, number);
        let place = random.below(servers.len());
        let prepared = servers.get(place).context("there is no server")?;
        let steps = prepared.steps.len();
        let step = random.below(steps) as u32;
        let (fault, name, activated, about) = match random.below(4) {
            0 => {
                let (page, bit) = (random.next(), random.next() as u32);
                (Ordered::Flip { step, page, bit }, FLIP, None, format!("after step {step}"))
            }
            1 => {
                let (fault, about) = failing(step, &mut random);
                (fault, Fault::GateCall.name(), None, about)
            }
            _ => {
                let injection = Injection::choose(prepared, Some(&Fault::COMPONENT), &mut random);
                let version = format!("m{number:07}.wasm");
                fs::write(folder.join(&version), injection.component(prepared))?;
                versions.push(version.clone());
                let activated = injection.was_activated(prepared, None);
                let about = injection.describe(prepared);
                (Ordered::Swap(version), injection.fault.name(), activated, about)
            }
        };
        let server = prepared.subject.name;
        manifest += &format!("{number}\t{name}\t{server}\t{}\t{about}\n", word(activated));
        orders.push(Order { number, server: place as u32, fault });
    }
    let listed: Vec<String> = versions.iter().map(|name| format!("\"{name}\"")).collect();
    let listed = format!("versions = [{}]", listed.join(", "));
    fs::write(folder.join("system.toml"), description.replacen(VERSIONS, &listed, 1))?;
    fs::write(folder.join(MANIFEST), manifest)?;
    let servers = servers.iter().zip(SERVERS).map(|(prepared, (name, interface))| {
        let steps = steps(prepared, interface)?;
        Ok(Server { name: name.into(), interface: interface.into(), steps })
    });
    let servers = servers.collect::<Result<_>>()?;
    fs::write(folder.join("orders.bin"), Orders { servers, orders }.write())?;
    Ok(())
}

/// A gate call that fails: one of two in the work, the other in the start of a life.
fn failing(step: u32, random: &mut Random) -> (Ordered, String) {
    let status = random.pick(&FAILURES).copied().unwrap_or(Status::Invalid);
    let raw = status as u32;
    if random.chance(1, 2) {
        let calls = random.below(3) as u64;
        let about = format!("{calls} calls after step {step}, with {status:?}");
        return (Ordered::Fail { step, calls, status: raw }, about);
    }
    let calls = random.below(STARTING) as u64;
    let about = format!("{calls} calls after the begin of a life, with {status:?}");
    (Ordered::FailNext { calls, status: raw }, about)
}

/// The work on the host, as far as it is calls of one interface. Tables get a name of their own in
/// each run, so that what they hold is the same each time.
fn steps(prepared: &Prepared, interface: &str) -> Result<Vec<OrderedStep>> {
    let component = atoll_runtime::Component::parse(&prepared.program.bytes, &crate::work::LIMITS)?;
    let export = component.export_index(interface).context("it is not exported")?;
    let functions = component.exports().get(export as usize).map(|of| &of.ty.functions);
    let is_opening = |method: u32| {
        let function = functions.and_then(|functions| functions.get(method as usize));
        function.is_some_and(|(name, _)| name == "[constructor]table")
    };
    let mut steps = Vec::new();
    for step in &prepared.steps {
        match step {
            Step::Call { target: (of, method), payload, handles } if *of == export => {
                let mut payload = payload.clone();
                if is_opening(*method) {
                    payload.extend_from_slice(MARK);
                    let len = payload.len() as u32 - 4;
                    payload.splice(..4, len.to_le_bytes());
                }
                let objects = handles.iter().filter_map(|passed| match passed {
                    Passed::Home { object, lent } => Some((*object as u32, *lent)),
                    Passed::Peer { .. } => None,
                });
                let objects = objects.collect();
                steps.push(OrderedStep::Call { method: *method, payload, objects });
            }
            Step::Drop(object) => steps.push(OrderedStep::Drop(*object as u32)),
            _ => {}
        }
    }
    Ok(steps)
}

/// What is known of an order before it is carried out.
struct Known {
    fault: String,
    server: String,
    activated: String,
    about: String,
}

/// Reads what the transcripts in the folders of all boots say.
pub(crate) fn judge(out: &Path) -> Result<Totals> {
    let mut totals = Totals::default();
    let mut folders: Vec<PathBuf> =
        fs::read_dir(out)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    folders.retain(|path| path.join(MANIFEST).is_file());
    folders.sort();
    for folder in folders {
        judge_boot(&folder, &mut totals)?;
    }
    Ok(totals)
}

fn judge_boot(folder: &Path, totals: &mut Totals) -> Result<()> {
    let manifest = fs::read_to_string(folder.join(MANIFEST))?;
    // A boot that was not come to has no transcript.
    let Ok(transcript) = fs::read_to_string(folder.join("transcript.log")) else { return Ok(()) };
    let lines: Vec<&str> = transcript.lines().collect();
    judge_bystanders(&lines, totals);
    for line in manifest.lines() {
        let fields: Vec<&str> = line.splitn(5, '\t').collect();
        let [number, fault, server, activated, about] = fields.as_slice() else {
            bail!("not understood: {line}")
        };
        let known = Known {
            fault: (*fault).into(),
            server: (*server).into(),
            activated: (*activated).into(),
            about: (*about).into(),
        };
        let begun = lines.contains(&format!("begin {number}").as_str());
        let end = format!("end {number} ");
        let end = lines.iter().find_map(|line| line.strip_prefix(end.as_str()));
        let number = number.parse()?;
        match end {
            Some(words) => judge_order(number, words, known, totals)?,
            None if begun => {
                totals
                    .failures
                    .push((number, format!("the system did not go on: {}", known.about)));
            }
            None => {}
        }
    }
    Ok(())
}

/// Counts what the pair beside said, `N answers right, N wrong, …`, once for each time that the
/// system was booted.
fn judge_bystanders(lines: &[&str], totals: &mut Totals) {
    for line in lines {
        let Some((right, rest)) = line.split_once(" answers right, ") else { continue };
        let right = right.rsplit(' ').next().and_then(|right| right.parse().ok());
        let wrong = rest.split(' ').next().and_then(|wrong| wrong.parse::<u64>().ok());
        totals.answered += right.unwrap_or(0);
        if wrong != Some(0) {
            totals.failures.push((0, format!("wrong answers beside: {line}")));
        }
    }
}

/// Ends of domains, by what is said of them; what comes first counts.
const KINDS: [(&str, &str); 15] = [
    ("panicked", "runtime panicked"),
    ("faulted", "exception of the processor"),
    ("all fuel consumed", "hung"),
    ("did not answer", "hung"),
    ("the deadline passed", "hung"),
    ("`unreachable`", "unreachable"),
    ("out of bounds memory", "memory out of bounds"),
    ("call stack exhausted", "stack exhausted"),
    ("integer", "integer division or conversion"),
    ("indirect call", "indirect call of another type"),
    ("uninitialized", "indirect call of nothing"),
    ("unknown handle index", "used a handle that it does not have"),
    ("no room for", "memory over its limit"),
    ("out of memory", "out of memory"),
    ("call of `", "an import failed"),
];

fn judge_order(number: u64, words: &str, known: Known, totals: &mut Totals) -> Result<()> {
    let (words, why) = words.split_once('|').unwrap_or((words, ""));
    let words: Vec<&str> = words.split_whitespace().collect();
    let [outcome, works, met] = words.as_slice() else { bail!("not understood: {words:?}") };
    let is_flip = known.fault == FLIP;
    let activated = match *met {
        "?" => known.activated,
        met => met.into(),
    };
    let kind = KINDS.iter().find(|(part, _)| why.contains(part));
    let kind = kind.map_or("values outside their types or its memory", |(_, kind)| *kind);
    let outcome = match *outcome {
        "refused" => "refused at load".to_owned(),
        "none" => "no effect".to_owned(),
        "wrong" => "wrong answers only".to_owned(),
        _ => format!("crashed: {kind}"),
    };
    let has_crashed = outcome.starts_with("crashed");
    let recovered = match (*works, has_crashed) {
        ("works", true) => "yes",
        (_, true) => "no",
        ("works", false) => "-",
        _ => "no",
    };
    if recovered == "no" {
        totals.failures.push((number, format!("not recovered: {outcome}; {why}; {}", known.about)));
    }
    if kind == "runtime panicked" && has_crashed && !is_flip {
        totals.failures.push((number, format!("the runtime panicked: {why}; {}", known.about)));
    }
    let fault = if is_flip { format!("{FLIP}: {}", region(why)) } else { known.fault };
    let (server, recovered) = (known.server, recovered.into());
    totals.count(Class { fault, server, activated, outcome, recovered });
    Ok(())
}

/// What is at an address, as `atoll_gate::layout` has it: `at 0x…`.
fn region(why: &str) -> &'static str {
    use atoll_gate::layout::{HEAP_BASE, HEAP_END, IMAGE_BASE, IMAGE_END, STACK_BASE, STACK_SIZE};
    let address = why.split_whitespace().find_map(|word| word.strip_prefix("0x"));
    let address = address.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    match address.unwrap_or(0) {
        address if (IMAGE_BASE..IMAGE_END).contains(&address) => "statics of the runtime",
        address if (STACK_BASE..STACK_BASE + STACK_SIZE).contains(&address) => "native stack",
        address if (HEAP_BASE..HEAP_END).contains(&address) => "heap and linear memory",
        _ => "elsewhere",
    }
}

#[cfg(test)]
mod tests {
    use super::{MANIFEST, judge};
    use crate::totals::Totals;
    use std::fs;

    /// What is judged of two orders, a changed version of `store` and a flipped bit of `echo`, of
    /// which a boot said this.
    fn judged(name: &str, transcript: &str) -> Totals {
        let out = std::env::temp_dir().join(format!("judged-{name}-{}", std::process::id()));
        let folder = out.join("boot-000");
        fs::create_dir_all(&folder).expect("made");
        let manifest = "3\tconstant\tstore\tyes\tabout\n4\tbit of memory\techo\tunknown\t\n";
        fs::write(folder.join(MANIFEST), manifest).expect("written");
        fs::write(folder.join("transcript.log"), transcript).expect("written");
        let totals = judge(&out).expect("judged");
        fs::remove_dir_all(&out).expect("removed");
        totals
    }

    #[test]
    fn crashes_are_recovered_if_the_server_works() {
        let totals = judged(
            "works",
            "begin 3\nend 3 crashed works ? | the new version trapped: wasm `unreachable`\n\
             begin 4\nend 4 crashed works ? | at 0x1000040147 `echo` faulted: exception 14\n\
             atoll> 88 answers right, 0 wrong, 5 late, the longest after 9 us\n",
        );
        assert_eq!(totals.failures, []);
        assert_eq!(totals.answered, 88);
        assert_eq!(totals.sum(|class| class.outcome == "crashed: unreachable"), 1);
        assert_eq!(totals.sum(|class| class.recovered == "yes"), 2);
        let region = "bit of memory: heap and linear memory";
        assert_eq!(totals.sum(|class| class.fault == region), 1);
    }

    #[test]
    fn what_a_system_must_not_do_is_a_failure() {
        let dead = judged("dead", "begin 3\nend 3 crashed dead ? | the new version trapped\n");
        assert_eq!(dead.failures.len(), 1);
        assert_eq!(dead.sum(|class| class.recovered == "no"), 1);
        let panic = "begin 3\nend 3 crashed works ? | the new version panicked at a.rs:1\n";
        assert_eq!(judged("panic", panic).failures.len(), 1);
        assert_eq!(judged("stuck", "begin 3\n").failures.len(), 1);
        assert_eq!(judged("beside", "88 answers right, 1 wrong, 0 late\n").failures.len(), 1);
    }
}
