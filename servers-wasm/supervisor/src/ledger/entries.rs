//! What the entries of the ledger say.

use atoll_system_description::{Domain, Import};

use super::bytes::{Reader, Writer};
use crate::{
    server::State,
    swap::{Change, Phase, Record, Result},
};

/// Layout of all entries. A version that reads several says so here.
const LAYOUT: u32 = 1;

/// What is not of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Id of the endpoint that the supervisor serves.
    pub endpoint: u32,
    /// Where it serves operators, in the order of their numbers.
    pub operators: Vec<KeptOperator>,
    /// How many programs were started since boot.
    pub tasks_started: u32,
}

/// Where operators come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptOperator {
    /// Id of the endpoint.
    pub endpoint: u32,
    /// The line that grants it, if that was in a command; the others are those of the description.
    pub line: Option<String>,
}

impl Head {
    /// The entry's bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u32(LAYOUT);
        out.u32(self.endpoint);
        out.list(&self.operators, |out, operator| {
            out.u32(operator.endpoint);
            out.option(operator.line.as_ref(), |out, line| out.text(line));
        });
        out.u32(self.tasks_started);
        out.finish()
    }

    /// Reads an entry; `None` if it, and with it all others, has another layout.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        if input.u32()? != LAYOUT {
            return None;
        }
        Some(Self {
            endpoint: input.u32()?,
            operators: input.list(|input| {
                let endpoint = input.u32()?;
                Some(KeptOperator { endpoint, line: input.option(Reader::text)? })
            })?,
            tasks_started: input.u32()?,
        })
    }
}

/// A version of a server: its component, and what an operator granted beyond the description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// File name.
    pub component: String,
    /// The lines of the grants.
    pub grants: Vec<String>,
}

impl Version {
    /// That of a domain.
    #[must_use]
    pub fn of(domain: &Domain) -> Self {
        let grants = domain.imports.iter().filter_map(|import| import.line.clone()).collect();
        Self { component: domain.component.clone(), grants }
    }

    /// The domain of this version of a server whose entry in the description is `entry`.
    #[must_use]
    pub fn domain(&self, entry: &Domain) -> Domain {
        let grants: Vec<Import> =
            self.grants.iter().filter_map(|line| Import::parse(line).ok()).collect();
        entry.version(&self.component, &grants)
    }

    fn write(&self, out: &mut Writer) {
        out.text(&self.component);
        out.list(&self.grants, |out, line| out.text(line));
    }

    fn read(input: &mut Reader<'_>) -> Option<Self> {
        Some(Self { component: input.text()?, grants: input.list(Reader::text)? })
    }
}

/// What is written down of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptServer {
    /// Ids of the endpoints of its exports, in their order.
    pub endpoints: Vec<u32>,
    /// Id of its capsule; 0 if it has none.
    pub capsule: u32,
    /// Where it is; whether it starts or runs, the kernel knows.
    pub state: State,
    /// Whether it is to be started, and what its last domain came to is dealt with.
    pub is_due: bool,
    /// How often it was restarted since boot.
    pub restarts: u32,
    /// When, as far back as counts.
    pub history: Vec<u64>,
    /// Its version, if that is not the description's.
    pub version: Option<Version>,
    /// What it was before its last swap, and that swap's id.
    pub previous: Option<(Version, u64)>,
}

impl KeptServer {
    /// The entry's bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.list(&self.endpoints, |out, id| out.u32(*id));
        out.u32(self.capsule);
        out.u8(match self.state {
            State::Starting | State::Running => 0,
            State::Stopped => 1,
            State::BackingOff => 2,
            State::Failed => 3,
        });
        out.u8(u8::from(self.is_due));
        out.u32(self.restarts);
        out.list(&self.history, |out, time| out.u64(*time));
        out.option(self.version.as_ref(), |out, version| version.write(out));
        out.option(self.previous.as_ref(), |out, (version, swap)| {
            version.write(out);
            out.u64(*swap);
        });
        out.finish()
    }

    /// Reads an entry.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        Some(Self {
            endpoints: input.list(Reader::u32)?,
            capsule: input.u32()?,
            state: match input.u8()? {
                0 => State::Starting,
                1 => State::Stopped,
                2 => State::BackingOff,
                3 => State::Failed,
                _ => return None,
            },
            is_due: input.u8()? == 1,
            restarts: input.u32()?,
            history: input.list(Reader::u64)?,
            version: input.option(Version::read)?,
            previous: input.option(|input| Some((Version::read(input)?, input.u64()?)))?,
        })
    }
}

/// One server of a swap that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMember {
    /// Its place in the description.
    pub server: u32,
    /// Id of the domain that is to serve; 0 if none was made.
    pub new_domain: u32,
    /// The version that serves before.
    pub old: Version,
    /// That which is to serve after.
    pub new: Version,
}

/// A swap that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSwap {
    /// Its id.
    pub id: u64,
    /// When it began, in nanoseconds since boot.
    pub began_ns: u64,
    /// Its servers.
    pub members: Vec<KeptMember>,
}

impl KeptSwap {
    /// The entry's bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.u64(self.id);
        out.u64(self.began_ns);
        out.list(&self.members, |out, member| {
            out.u32(member.server);
            out.u32(member.new_domain);
            member.old.write(out);
            member.new.write(out);
        });
        out.finish()
    }

    /// Reads an entry.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let member = |input: &mut Reader<'_>| {
            Some(KeptMember {
                server: input.u32()?,
                new_domain: input.u32()?,
                old: Version::read(input)?,
                new: Version::read(input)?,
            })
        };
        Some(Self { id: input.u64()?, began_ns: input.u64()?, members: input.list(member)? })
    }
}

const PHASES: [Phase; 5] =
    [Phase::Prepare, Phase::Quiesce, Phase::Transfer, Phase::Commit, Phase::Probation];

/// The bytes of a swap that is over.
#[must_use]
pub fn write_record(record: &Record) -> Vec<u8> {
    let mut out = Writer::default();
    out.u64(record.began_ns);
    out.list(&record.changes, |out, Change { server, old, new }| {
        [server, old, new].into_iter().for_each(|text| out.text(text));
    });
    out.list(&record.phases, |out, (phase, took_ns)| {
        let number = PHASES.iter().position(|known| known == phase).unwrap_or(PHASES.len());
        out.u32(u32::try_from(number).unwrap_or(u32::MAX));
        out.u64(*took_ns);
    });
    out.u64(record.state_bytes);
    out.u64(record.calls_held);
    let why = match &record.result {
        Result::RolledBack(why) => Some(why),
        _ => None,
    };
    out.u8(match record.result {
        Result::Running => 0,
        Result::Swapped => 1,
        Result::Checked => 2,
        Result::RolledBack(_) => 3,
    });
    out.option(why, |out, why| out.text(why));
    out.finish()
}

/// Reads the same.
#[must_use]
pub fn read_record(bytes: &[u8]) -> Option<Record> {
    let mut input = Reader::new(bytes);
    let began_ns = input.u64()?;
    let changes = input.list(|input| {
        Some(Change { server: input.text()?, old: input.text()?, new: input.text()? })
    })?;
    let phases = input.list(|input| {
        let phase = PHASES.get(usize::try_from(input.u32()?).ok()?)?;
        Some((*phase, input.u64()?))
    })?;
    let (state_bytes, calls_held) = (input.u64()?, input.u64()?);
    let kind = input.u8()?;
    let why = input.option(Reader::text)?;
    let result = match (kind, why) {
        (0, None) => Result::Running,
        (1, None) => Result::Swapped,
        (2, None) => Result::Checked,
        (3, Some(why)) => Result::RolledBack(why),
        _ => return None,
    };
    Some(Record { began_ns, changes, phases, state_bytes, calls_held, result })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, proptest};

    fn version(name: &str) -> Version {
        let grants = vec!["atoll:clocks/monotonic=kernel".to_string()];
        Version { component: format!("{name}.wasm"), grants }
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        let line = Some("atoll:supervision/swapping={ server = \"supervisor\" }".to_string());
        let operators =
            vec![KeptOperator { endpoint: 8, line: None }, KeptOperator { endpoint: 9, line }];
        let head = Head { endpoint: 7, operators, tasks_started: 9 };
        assert_eq!(Head::read(&head.write()), Some(head));
        let server = KeptServer {
            endpoints: vec![3, 4],
            capsule: 5,
            state: State::BackingOff,
            is_due: false,
            restarts: 2,
            history: vec![1 << 40, 1 << 41],
            version: Some(version("a2")),
            previous: Some((version("a"), 77)),
        };
        assert_eq!(KeptServer::read(&server.write()), Some(server.clone()));
        let up = KeptServer {
            state: State::Running,
            is_due: true,
            version: None,
            previous: None,
            ..server
        };
        let read = KeptServer::read(&up.write()).expect("an entry");
        assert_eq!(read, KeptServer { state: State::Starting, ..up });
        let member =
            KeptMember { server: 1, new_domain: 12, old: version("b"), new: version("b2") };
        let swap = KeptSwap { id: 1, began_ns: 2, members: vec![member] };
        assert_eq!(KeptSwap::read(&swap.write()), Some(swap));
        let change = Change { server: "a".into(), old: "a.wasm".into(), new: "a2.wasm".into() };
        let mut record = Record::new(5, vec![change]);
        record.phases = PHASES.iter().map(|phase| (*phase, 17)).collect();
        for result in [Result::Running, Result::Swapped, Result::RolledBack("why".into())] {
            record.result = result;
            assert_eq!(read_record(&write_record(&record)), Some(record.clone()));
        }
    }

    #[test]
    fn another_layout_is_not_read() {
        let mut bytes = Head::default().write();
        bytes[0] = 2;
        assert_eq!(Head::read(&bytes), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = (Head::read(&bytes), KeptServer::read(&bytes));
            let _ = (KeptSwap::read(&bytes), read_record(&bytes));
        }
    }
}
