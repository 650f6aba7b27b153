//! Components that come at run time: what they are called, how long they stay, and that no end of a
//! supervisor loses one that is needed.

use atoll_supervisor::{
    kernel::{Cause, Error},
    server::State,
    swap::{Purpose, Result as Outcome},
};

use crate::simulated::{World, to};

/// Room for four components of a page.
const SYSTEM: &str = r#"
[system]
name = "chain"
uploads = "16 KiB"
[servers.a]
component = "a.wasm"
exports = ["x:y/a"]
restart = { policy = "always", limit = 100, window = "10 s", backoff = "1 ms", backoff-max = "1 ms" }
[servers.b]
component = "b.wasm"
[servers.b.imports]
"x:y/a" = { server = "a" }
[servers.deploy]
component = "c.wasm"
[servers.deploy.imports]
"atoll:supervision/uploads" = { server = "supervisor" }
"#;

/// Hands a component over; its name.
fn upload(world: &mut World, file: &str, size: u64) -> Result<String, Error> {
    let id = world.supervisor.upload_begin(file, size)?;
    let bytes = vec![7; usize::try_from(size).expect("small")];
    for chunk in bytes.chunks(1000) {
        world.supervisor.upload_append(id, chunk)?;
    }
    let name = world.supervisor.upload_finish(id);
    world.supervisor.upload_drop(id);
    world.supervisor.keep();
    name
}

/// Swaps a server to a file and lets it become final; what it runs then.
fn swap(world: &mut World, server: &str, file: &str) -> String {
    let id = world.supervisor.swap(&[to(server, file)], Purpose::Replace).expect("a swap");
    world.settle();
    world.pass(2_000);
    assert_eq!(
        world.supervisor.swap_record(id).map(|record| record.result),
        Some(Outcome::Swapped)
    );
    world.supervisor.swap_drop(id);
    world.supervisor.keep();
    let history = world.supervisor.history(server).expect("a server");
    history.last().expect("a swap").changes[0].new.clone()
}

#[test]
fn a_file_is_its_newest_upload_and_never_what_was_there_at_boot() {
    let mut world = World::booted(SYSTEM);
    assert_eq!(upload(&mut world, "new.wasm", 5000), Ok("new~1.wasm".to_string()));
    assert_eq!(upload(&mut world, "a.wasm", 10), Ok("a~2.wasm".to_string()));
    assert_eq!(swap(&mut world, "a", "new.wasm"), "new~1.wasm");
    assert_eq!(upload(&mut world, "new.wasm", 10), Ok("new~3.wasm".to_string()));
    assert_eq!(swap(&mut world, "a", "new.wasm"), "new~3.wasm");
    assert_eq!(swap(&mut world, "a", "a.wasm"), "a.wasm");
    assert_eq!(swap(&mut world, "a", "a~2.wasm"), "a~2.wasm");
    // What is not there is missed when the swap begins.
    let id = world.supervisor.swap(&[to("a", "no.wasm")], Purpose::Replace).expect("a swap");
    let result = world.supervisor.swap_record(id).map(|record| record.result);
    assert!(matches!(&result, Some(Outcome::RolledBack(why)) if why.contains("no.wasm not found")));
}

#[test]
fn components_are_read_by_the_names_of_swaps() {
    let mut world = World::booted(SYSTEM);
    let id = world.supervisor.upload_begin("new.wasm", 5).expect("room");
    world.supervisor.upload_append(id, b"abcd").expect("fits");
    let read = |world: &World, file: &str, offset, count| {
        world.supervisor.read_component(file, offset, count)
    };
    for file in ["new.wasm", "new~1.wasm", "no.wasm", "system.toml"] {
        assert_eq!(read(&world, file, 0, 9), Err(Error::NotFound(file.to_string())));
    }
    world.supervisor.upload_append(id, b"e").expect("fits");
    world.supervisor.upload_finish(id).expect("whole");
    for file in ["new.wasm", "new~1.wasm"] {
        assert_eq!(read(&world, file, 0, 9), Ok(b"abcde".to_vec()));
        assert_eq!(read(&world, file, 1, 3), Ok(b"bcd".to_vec()));
        assert_eq!(read(&world, file, 5, 1), Ok(Vec::new()));
    }
    upload(&mut world, "long.wasm", 12_000).expect("room");
    assert_eq!(read(&world, "long.wasm", 0, u32::MAX).map(|bytes| bytes.len()), Ok(12_000));
}

#[test]
fn what_nobody_needs_gives_way_and_the_rest_does_not() {
    let mut world = World::booted(SYSTEM);
    let upload_of = |world: &mut World, file: &str| upload(world, file, 4000).expect("room");
    for _ in 0..2 {
        upload_of(&mut world, "a1.wasm");
    }
    // Of the two of one file the older is gone.
    assert_eq!(world.machine.made(), ["a1~2.wasm"]);
    swap(&mut world, "a", "a1.wasm");
    upload_of(&mut world, "a1.wasm");
    swap(&mut world, "a", "a1.wasm");
    // One runs, the other one it would be rolled back to.
    upload_of(&mut world, "x.wasm");
    upload_of(&mut world, "y.wasm");
    assert_eq!(world.machine.made(), ["a1~2.wasm", "a1~3.wasm", "x~4.wasm", "y~5.wasm"]);
    upload_of(&mut world, "z.wasm");
    assert_eq!(world.machine.made(), ["a1~2.wasm", "a1~3.wasm", "y~5.wasm", "z~6.wasm"]);
    let error = upload(&mut world, "big.wasm", 12_000).expect_err("no room");
    let told =
        "no room: big.wasm takes 12 KiB of 16 KiB, and a1~2.wasm, a1~3.wasm have 8 KiB of it";
    assert_eq!(error.to_string(), told);
    let id = world.supervisor.rollback("a").expect("a rollback");
    world.settle();
    world.pass(2_000);
    let record = world.supervisor.swap_record(id).expect("known");
    assert_eq!((record.result, record.changes[0].new.as_str()), (Outcome::Swapped, "a1~2.wasm"));
}

#[test]
fn what_is_about_to_run_stays() {
    let mut world = World::booted(SYSTEM);
    upload(&mut world, "a1.wasm", 4000).expect("room");
    let id = world.supervisor.swap(&[to("a", "a1.wasm")], Purpose::Replace).expect("a swap");
    upload(&mut world, "a1.wasm", 4000).expect("room");
    upload(&mut world, "x.wasm", 4000).expect("room");
    upload(&mut world, "y.wasm", 4000).expect("room");
    upload(&mut world, "z.wasm", 4000).expect("room");
    assert_eq!(world.machine.made(), ["a1~1.wasm", "x~3.wasm", "y~4.wasm", "z~5.wasm"]);
    world.supervisor.swap_cancel(id);
    world.settle();
    upload(&mut world, "y.wasm", 4000).expect("room");
    assert_eq!(world.machine.made(), ["x~3.wasm", "z~5.wasm", "y~6.wasm"]);
}

#[test]
fn what_does_not_come_whole_leaves_nothing() {
    let mut world = World::booted(SYSTEM);
    let supervisor = &mut world.supervisor;
    let id = supervisor.upload_begin("cut.wasm", 100).expect("room");
    assert_eq!(supervisor.upload_append(id, &[1; 60]), Ok(()));
    let more = supervisor.upload_append(id, &[1; 41]).expect_err("too much");
    assert_eq!(more.to_string(), "cut.wasm has 100 bytes, and 101 came");
    let early = supervisor.upload_finish(id).expect_err("too early");
    assert_eq!(early.to_string(), "60 of 100 bytes of cut.wasm came");
    supervisor.upload_drop(id);
    assert!(world.machine.made().is_empty());
    let gone = world.supervisor.upload_append(id, &[1]).expect_err("gone");
    assert_eq!(gone.to_string(), "the upload was given up");
    // Nor does what came whole and was not finished, nor what an ended supervisor had begun.
    let id = world.supervisor.upload_begin("cut.wasm", 10).expect("room");
    assert_eq!(world.supervisor.upload_append(id, &[1; 10]), Ok(()));
    world.crash_supervisor();
    world.settle();
    assert!(world.machine.made().is_empty());
}

#[test]
fn what_makes_no_sense_or_is_not_allowed_is_refused() {
    let mut world = World::booted(SYSTEM);
    for (file, size) in
        [("cut", 1), ("../a.wasm", 1), ("a~1.wasm", 1), ("a.wasm", 0), ("a.wasm", 16_385)]
    {
        let error = world.supervisor.upload_begin(file, size).expect_err("no sense");
        assert!(matches!(&error, Error::Invalid(why) if why.contains(file)), "{error}");
    }
    world.machine.room.set(false);
    let error = world.supervisor.upload_begin("a.wasm", 1).expect_err("no memory");
    assert!(matches!(error, Error::OutOfResources(_)));
    let mut world = World::booted(
        &SYSTEM
            .replace("uploads = \"16 KiB\"", "")
            .replace("atoll:supervision/uploads", "atoll:supervision/servers"),
    );
    let error = world.supervisor.upload_begin("a.wasm", 1).expect_err("none");
    assert_eq!(error.to_string(), "a.wasm has 1 bytes; this system takes 1 to 0");
}

#[test]
fn no_end_of_a_supervisor_loses_a_component() {
    let mut world = World::booted(SYSTEM);
    upload(&mut world, "a1.wasm", 4000).expect("room");
    swap(&mut world, "a", "a1.wasm");
    upload(&mut world, "a1.wasm", 4000).expect("room");
    swap(&mut world, "a", "a1.wasm");
    upload(&mut world, "x.wasm", 4000).expect("room");
    let before = world.machine.made();
    let published = world.machine.published.borrow().len();
    for _ in 0..3 {
        world.crash_supervisor();
        world.settle();
    }
    assert_eq!(world.machine.made(), before);
    // It is served where clients know it.
    let published = world.machine.published.borrow().get(published..).unwrap_or_default().to_vec();
    let uploads = published.iter().filter(|line| line.contains("uploads")).collect::<Vec<_>>();
    assert_eq!(uploads, ["atoll:supervision/uploads on 2 as 0"; 3].iter().collect::<Vec<_>>());
    // The server runs on from it, restarts from it and comes back from it.
    world.crash("a", Cause::Trapped, 0);
    world.settle();
    world.pass(100);
    world.settle();
    assert_eq!(world.server("a").0, State::Running);
    assert_eq!(swap(&mut world, "b", "x.wasm"), "x~3.wasm");
    let id = world.supervisor.rollback("a").expect("a rollback");
    world.settle();
    world.pass(2_000);
    let record = world.supervisor.swap_record(id).expect("known");
    assert_eq!((record.result, record.changes[0].new.as_str()), (Outcome::Swapped, "a1~1.wasm"));
    // Names go on.
    assert_eq!(upload(&mut world, "x.wasm", 10), Ok("x~4.wasm".to_string()));
}

#[test]
fn a_thousand_uploads_leave_what_is_needed() {
    let mut world = World::booted(SYSTEM);
    for round in 1..=1000 {
        upload(&mut world, "a1.wasm", 3000 + round).expect("room");
        if round % 3 == 0 {
            assert_eq!(swap(&mut world, "a", "a1.wasm"), format!("a1~{round}.wasm"));
        }
        if round % 100 == 0 {
            world.crash_supervisor();
            world.settle();
        }
        assert!(world.machine.made().len() <= 4, "round {round}: {:?}", world.machine.made());
        world.machine.log.borrow_mut().clear();
    }
    assert_eq!(world.machine.made(), ["a1~996.wasm", "a1~999.wasm", "a1~1000.wasm"]);
}
