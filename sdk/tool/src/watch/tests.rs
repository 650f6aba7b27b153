//! A project in a folder, a build that reads one of its files, and a system that notes what came.

use super::*;
use anyhow::bail;
use atoll_channel::message::Answer;
use std::cell::RefCell;
use std::io::Write as _;
use std::os::unix::net::UnixListener;
use std::rc::Rc;

/// What is not accepted.
const BAD: &[u8] = b"bad";

#[derive(Clone, Default)]
struct System(Rc<RefCell<Vec<Vec<u8>>>>);

impl Target for System {
    fn swap(&mut self, server: &str, component: &[u8]) -> Result<Report> {
        assert_eq!(server, "blink");
        if component == BAD {
            bail!("rolled back");
        }
        self.0.borrow_mut().push(component.to_vec());
        Ok(Report { state_bytes: 0, calls_held: 0, downtime: Duration::ZERO })
    }
}

struct Bench {
    folder: tempfile::TempDir,
    system: System,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap(), system: System::default() };
        fs::create_dir_all(bench.folder.path().join("src")).unwrap();
        bench.write("src/server.c", b"one");
        bench
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn watch(&self) -> Watch<impl FnMut() -> Result<Vec<u8>> + use<>, System> {
        self.watch_since(Stamp::of(self.folder.path()))
    }

    fn watch_since(&self, built: Stamp) -> Watch<impl FnMut() -> Result<Vec<u8>> + use<>, System> {
        let source = self.folder.path().join("src/server.c");
        let build = move || match fs::read(&source)? {
            empty if empty.is_empty() => bail!("does not compile"),
            bytes => Ok(bytes),
        };
        let runs = (built, b"one".to_vec());
        Watch::new(self.folder.path(), "blink", runs, build, self.system.clone())
    }

    fn swapped(&self) -> Vec<Vec<u8>> {
        self.system.0.borrow().clone()
    }
}

#[test]
fn a_change_is_swapped_in_once_it_has_come_to_rest() {
    let bench = Bench::new();
    let mut watch = bench.watch();
    assert!(matches!(watch.look(), News::Nothing));
    bench.write("src/server.c", b"second");
    assert!(matches!(watch.look(), News::Nothing));
    bench.write("src/server.c", b"the third");
    assert!(matches!(watch.look(), News::Nothing));
    assert!(matches!(watch.look(), News::Swapped(_)));
    assert!(matches!(watch.look(), News::Nothing));
    assert_eq!(bench.swapped(), [b"the third"]);
}

#[test]
fn what_changed_while_the_first_version_was_built_is_built_again() {
    let bench = Bench::new();
    let before = Stamp::of(bench.folder.path());
    bench.write("src/server.c", b"second");
    let mut watch = bench.watch_since(before);
    assert!(matches!(watch.look(), News::Nothing));
    assert!(matches!(watch.look(), News::Swapped(_)));
    assert_eq!(bench.swapped(), [b"second"]);
}

#[test]
fn what_makes_no_difference_is_not_swapped() {
    let bench = Bench::new();
    let mut watch = bench.watch();
    for generated in ["build/a", "target/b", "wit/deps/c", "src/node_modules/d", ".git/e"] {
        bench.write(generated, b"");
    }
    assert!(matches!(watch.look(), News::Nothing));
    assert!(matches!(watch.look(), News::Nothing));
    bench.write("README.md", b"words");
    assert!(matches!(watch.look(), News::Nothing));
    assert!(matches!(watch.look(), News::Same));
    assert!(bench.swapped().is_empty());
}

#[test]
fn a_failure_is_told_once_and_the_next_change_is_another_try() {
    let bench = Bench::new();
    let mut watch = bench.watch();
    for (source, reason) in [(&b""[..], "does not compile"), (BAD, "rolled back")] {
        bench.write("src/server.c", source);
        assert!(matches!(watch.look(), News::Nothing));
        let News::Failed(error) = watch.look() else { panic!("it was swapped") };
        assert_eq!(error.to_string(), reason);
        assert!(matches!(watch.look(), News::Nothing));
    }
    bench.write("src/server.c", b"mended");
    assert!(matches!(watch.look(), News::Nothing));
    assert!(matches!(watch.look(), News::Swapped(_)));
    assert_eq!(bench.swapped(), [b"mended"]);
}

#[test]
fn a_version_that_was_rolled_back_does_not_count_as_running() {
    let bench = Bench::new();
    let mut watch = bench.watch();
    bench.write("src/server.c", BAD);
    watch.look();
    watch.look();
    bench.write("src/server.c", b"one");
    watch.look();
    assert!(matches!(watch.look(), News::Same));
}

#[test]
fn a_system_that_is_about_to_start_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("channel");
    let mut line = Line::new(&socket, "blink", Vec::new());
    let swap = thread::spawn(move || line.swap("blink", b"one"));
    thread::sleep(PERIOD);
    let (mut system, _) = UnixListener::bind(&socket).unwrap().accept().unwrap();
    // It speaks another version of the channel, which is the end of it.
    system.write_all(&Answer::Hello { version: 0 }.frame(1).encode()).unwrap();
    let said = swap.join().unwrap().unwrap_err().to_string();
    assert!(said.contains("speaks version 0"), "{said}");
}
