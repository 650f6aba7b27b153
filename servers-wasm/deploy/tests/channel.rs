//! Both ends of the channel, on a line that is good or bad.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    time::Duration,
};

use atoll_channel::{
    Base, Client, Error, Phase,
    crc::Crc,
    frame::Frame,
    message::{Answer, Request, SILENCE_NS, VERSION},
    pieces::Piece,
};
use atoll_deploy::{Deploy, Report, System};
use proptest::prelude::*;

/// What the supervisor would do, and what it has.
#[derive(Default)]
struct Supervisor {
    upload: Option<(String, u32, Vec<u8>)>,
    stored: Vec<(String, Vec<u8>)>,
    swaps: Vec<(String, String)>,
    /// Reports of the swap, the next one first.
    reports: VecDeque<Report>,
    given_up: u32,
}

impl System for Supervisor {
    fn begin(&mut self, file: &str, size: u32) -> Result<(), String> {
        if size > 100_000 {
            return Err(format!("no room for {file}"));
        }
        self.upload = Some((file.to_owned(), size, Vec::new()));
        Ok(())
    }

    fn append(&mut self, data: &[u8]) -> Result<(), String> {
        let (_, size, bytes) = self.upload.as_mut().ok_or("nothing is being handed over")?;
        bytes.extend(data);
        if bytes.len() > *size as usize { Err("too much".to_owned()) } else { Ok(()) }
    }

    fn read(&mut self, component: &str, at: u32, length: u32) -> Result<Vec<u8>, String> {
        let number = component.split_once('~').and_then(|(_, number)| number.parse::<usize>().ok());
        let stored = number.and_then(|number| self.stored.get(number.checked_sub(1)?));
        let (_, bytes) = stored.ok_or_else(|| format!("{component} not found"))?;
        Ok(bytes.iter().skip(at as usize).take(length as usize).copied().collect())
    }

    fn finish(&mut self) -> Result<String, String> {
        let (file, size, bytes) = self.upload.take().ok_or("nothing is being handed over")?;
        if bytes.len() < size as usize {
            return Err(format!("{} of {size} bytes", bytes.len()));
        }
        self.stored.push((file.clone(), bytes));
        Ok(format!("{file}~{}", self.stored.len()))
    }

    fn give_up(&mut self) {
        self.given_up += u32::from(self.upload.take().is_some());
    }

    fn swap(&mut self, server: &str, component: &str) -> Result<(), String> {
        if server == "log" {
            return Err("denied: `log` may be changed by `shell`, not by this client".to_owned());
        }
        self.swaps.push((server.to_owned(), component.to_owned()));
        Ok(())
    }

    fn report(&mut self) -> Result<Report, String> {
        self.reports.pop_front().ok_or_else(|| "the supervisor restarted".to_owned())
    }
}

/// What becomes of each piece of what is written; after the last, all is well.
#[derive(Clone, Debug)]
enum Fate {
    Arrives,
    /// So many bytes of it.
    Cut(usize),
    /// With a bit of this byte changed.
    Flipped(usize),
    /// After these bytes.
    Behind(Vec<u8>),
    /// It arrives, and the answer does not.
    Unanswered,
}

/// A line between a client and a system.
struct Wire {
    deploy: Deploy<Supervisor>,
    fates: VecDeque<Fate>,
    out: VecDeque<u8>,
    now_ns: u64,
    /// Bytes that the host has written.
    sent: usize,
}

impl Wire {
    fn new(fates: Vec<Fate>) -> Self {
        let deploy = Deploy::new(Supervisor::default());
        Self { deploy, fates: fates.into(), out: VecDeque::new(), now_ns: 0, sent: 0 }
    }
}

impl Write for &mut Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent += bytes.len();
        let mut came = bytes.to_vec();
        let fate = self.fates.pop_front().unwrap_or(Fate::Arrives);
        match &fate {
            Fate::Arrives | Fate::Unanswered => {}
            Fate::Cut(length) => came.truncate(length % bytes.len()),
            Fate::Flipped(at) => came[at % bytes.len()] ^= 1 << (at % 8),
            Fate::Behind(noise) => came = [noise.as_slice(), &came].concat(),
        }
        let answers = self.deploy.receive(&came, self.now_ns);
        if !matches!(fate, Fate::Unanswered) {
            self.out.extend(answers);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for &mut Wire {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.out.is_empty() {
            // Whoever waits hears of the swap, if one is under way.
            let news = self.deploy.swap_changed();
            self.out.extend(news);
        }
        if self.out.is_empty() {
            self.now_ns += SILENCE_NS;
            return Err(ErrorKind::WouldBlock.into());
        }
        self.out.read(bytes)
    }
}

fn client(wire: &mut Wire) -> Client<&mut Wire> {
    let (limit, patience) = (Duration::from_secs(60), Duration::from_millis(1));
    Client::new(wire, limit, patience).expect("it answers")
}

fn component(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index * 7 + index / 256) as u8).collect()
}

fn passed(phases: &[Phase]) -> Vec<(Phase, u64)> {
    phases.iter().map(|phase| (*phase, 1_000_000)).collect()
}

#[test]
fn a_component_is_handed_over_and_swapped_to() {
    let mut wire = Wire::new(Vec::new());
    let end = Answer::Swapped { state_bytes: 100, calls_held: 2, downtime_ns: 5_000 };
    wire.deploy.system().reports.extend([
        Report { passed: passed(&Phase::ALL[..1]), end: None },
        Report { passed: passed(&Phase::ALL[..4]), end: None },
        Report { passed: passed(&Phase::ALL), end: Some(end) },
    ]);
    let bytes = component(80_000);
    let mut host = client(&mut wire);
    let mut taken = Vec::new();
    let name = host.put("blink.wasm", &bytes, |bytes| taken.push(bytes)).expect("room");
    assert_eq!(name, "blink.wasm~1");
    assert!(taken.is_sorted() && taken.last() == Some(&(bytes.len() as u32)), "{taken:?}");
    let mut heard = Vec::new();
    let report = host.swap("blink", "blink.wasm~1", |phase, took| heard.push((phase, took)));
    let report = report.expect("it comes off");
    assert_eq!((report.state_bytes, report.calls_held), (100, 2));
    assert_eq!(report.downtime, Duration::from_micros(5));
    assert_eq!(heard, Phase::ALL.map(|phase| (phase, Duration::from_millis(1))));
    let supervisor = wire.deploy.system();
    assert_eq!(supervisor.stored, [("blink.wasm".to_owned(), bytes)]);
    assert_eq!(supervisor.swaps, [("blink".to_owned(), "blink.wasm~1".to_owned())]);
}

#[test]
fn what_a_component_has_in_common_with_another_is_not_sent() {
    let mut wire = Wire::new(Vec::new());
    let old = component(90_000);
    let new = [&old[..50_000], b"something else", &old[50_001..]].concat();
    let base = client(&mut wire).put("blink.wasm", &old, |_| {}).expect("room");
    let before = wire.sent;
    let beside = Base { name: &base, bytes: &old };
    let name = client(&mut wire).put_beside(beside, "blink.wasm", &new, |_| {});
    assert_eq!(name.expect("it is there"), "blink.wasm~2");
    assert!(wire.sent - before < 2000, "{} bytes", wire.sent - before);
    assert!(wire.deploy.system().stored[1].1 == new);
}

#[test]
fn a_base_that_is_another_is_noticed() {
    let mut wire = Wire::new(Vec::new());
    let old = component(9_000);
    let mut other = old.clone();
    other[4_000] ^= 1;
    let new = [other.as_slice(), &[0; 500]].concat();
    let mut host = client(&mut wire);
    let name = host.put("blink.wasm", &old, |_| {}).expect("room");
    let mut put = |name: &str, bytes: &[u8]| {
        let error = host.put_beside(Base { name, bytes }, "blink.wasm", &new, |_| {});
        error.expect_err("not that one").to_string()
    };
    let told = put(&name, &other);
    assert!(told.ends_with("blink.wasm~1 is not what the host takes it for"), "{told}");
    assert_eq!(put("gone.wasm~7", &other), "gone.wasm~7 not found");
    assert_eq!(put(&name, &new), "blink.wasm~1 has no bytes 0 to 9500");
    // Nothing of it is left over.
    let supervisor = wire.deploy.system();
    assert!(supervisor.stored.len() == 1 && supervisor.given_up == 1);
    assert!(client(&mut wire).put("blink.wasm", &new, |_| {}).is_ok());
}

#[test]
fn what_the_system_says_is_what_the_host_hears() {
    let mut wire = Wire::new(Vec::new());
    let end = Some(Answer::RolledBack("prepare of `blink`: no".to_owned()));
    wire.deploy.system().reports.push_back(Report { passed: Vec::new(), end });
    let mut host = client(&mut wire);
    let error = host.put("big.wasm", &component(100_001), |_| {}).expect_err("no room");
    assert_eq!(error.to_string(), "no room for big.wasm");
    let error = host.swap("log", "x.wasm", |_, _| {}).expect_err("denied");
    assert!(matches!(&error, Error::Refused(why) if why.starts_with("denied: `log`")), "{error}");
    let error = host.swap("blink", "x.wasm", |_, _| {}).expect_err("no");
    assert!(matches!(&error, Error::RolledBack(why) if why == "prepare of `blink`: no"), "{error}");
    let error = host.swap("blink", "x.wasm", |_, _| {}).expect_err("nobody knows");
    assert_eq!(error.to_string(), "the supervisor restarted");
    // It goes on.
    assert!(host.put("blink.wasm", &component(10), |_| {}).is_ok());
}

#[test]
fn a_host_that_begins_anew_gives_up_what_was_under_way_and_nobody_mixes_two() {
    let mut wire = Wire::new(Vec::new());
    drop(client(&mut wire));
    let say = |wire: &mut Wire, request: Request, sequence| {
        let answer = wire.deploy.receive(&request.frame(sequence).encode(), 0);
        let mut decoder = atoll_channel::frame::Decoder::default();
        decoder.push(&answer);
        Answer::read(&decoder.next_frame().expect("an answer")).expect("an answer")
    };
    let begin = Request::Begin { file: "a.wasm".into(), size: 20, base: String::new() };
    assert_eq!(say(&mut wire, begin.clone(), 2), Answer::Taken { bytes: 0 });
    let chunk = |offset| Request::chunk(offset, &[Piece::New(vec![1; 10])]).0;
    assert_eq!(say(&mut wire, chunk(0), 3), Answer::Taken { bytes: 10 });
    // Asked again it answers again, and has it once.
    assert_eq!(say(&mut wire, chunk(0), 3), Answer::Taken { bytes: 10 });
    let gap = Answer::Refused("byte 20 of the component does not follow 10".into());
    assert_eq!(say(&mut wire, chunk(20), 4), gap);
    let broken = Request::Chunk { offset: 10, packed: vec![0xff; 9] };
    let refused = Answer::Refused("a chunk that cannot be unpacked".into());
    assert_eq!(say(&mut wire, broken, 7), refused);
    let finish = Request::Finish { crc: Crc::of(&[1; 10]) };
    assert_eq!(say(&mut wire, finish, 5), Answer::Refused("10 of 20 bytes".into()));
    assert_eq!(say(&mut wire, begin, 6), Answer::Taken { bytes: 0 });
    let hello = Request::Hello { version: VERSION };
    assert_eq!(say(&mut wire, hello, 6), Answer::Hello { version: VERSION });
    assert_eq!(wire.deploy.system().given_up, 1);
    // A server that began anew knows nothing of a host.
    let mut wire = Wire::new(Vec::new());
    let answer = say(&mut wire, chunk(10), 7);
    assert!(matches!(&answer, Answer::Refused(why) if why.contains("began anew")), "{answer:?}");
}

#[test]
fn nobody_is_waited_for_longer_than_the_limit() {
    #[derive(Debug)]
    struct Nobody;
    impl Read for Nobody {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(ErrorKind::WouldBlock.into())
        }
    }
    impl Write for Nobody {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (limit, patience) = (Duration::from_millis(20), Duration::from_millis(1));
    let error = Client::new(Nobody, limit, patience).expect_err("nobody");
    assert!(matches!(&error, Error::Silent { asked, .. } if asked == "hello"), "{error}");
    let error =
        Client::new(io::Cursor::new(Vec::new()), limit, patience).expect_err("the end of the line");
    assert!(matches!(error, Error::Line(_)), "{error}");
}

fn fate() -> impl Strategy<Value = Fate> {
    let noise = prop_oneof![Just(0xa7_u8), Just(0x0c), any::<u8>()];
    prop_oneof![
        3 => Just(Fate::Arrives),
        1 => any::<usize>().prop_map(Fate::Cut),
        1 => any::<usize>().prop_map(Fate::Flipped),
        1 => prop::collection::vec(noise, 0..400).prop_map(Fate::Behind),
        1 => Just(Fate::Unanswered),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the line does for a while, the component arrives as it is, once, and the swap
    /// happens once.
    #[test]
    fn a_bad_line_changes_nothing(
        fates in prop::collection::vec(fate(), 0..30),
        size in 1usize..40_000,
    ) {
        let mut wire = Wire::new(fates);
        let end = Answer::Swapped { state_bytes: 0, calls_held: 0, downtime_ns: 0 };
        wire.deploy.system().reports.push_back(Report { passed: passed(&Phase::ALL), end: Some(end) });
        let bytes = component(size);
        let mut host = client(&mut wire);
        let name = host.put("blink.wasm", &bytes, |_| {}).expect("it arrives");
        host.swap("blink", &name, |_, _| {}).expect("it comes off");
        let supervisor = wire.deploy.system();
        prop_assert_eq!(&supervisor.stored, &[("blink.wasm".to_owned(), bytes)]);
        prop_assert_eq!(supervisor.swaps.len(), 1);
    }

    /// Nothing but requests makes the system do anything, and none of it ends the server.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000), kind in any::<u8>(), payload in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut wire = Wire::new(Vec::new());
        drop(client(&mut wire));
        wire.deploy.receive(&bytes, 0);
        for sequence in [5, 6] {
            let frame = Frame { kind, sequence, payload: payload.clone() };
            wire.deploy.receive(&frame.encode(), 0);
        }
        let mut host = client(&mut wire);
        let name = host.put("blink.wasm", &component(100), |_| {});
        prop_assert!(name.is_ok());
    }
}
