//! What domains are granted, what is told of it, and what is taken back.

use atoll_supervisor::{
    kernel::{Cause, Error},
    server::State,
    swap::Purpose,
};

use crate::{
    CHAIN,
    simulated::{World, to},
    streams,
};

#[test]
fn a_failed_grant_leaves_no_domain() {
    let mut world = World::new(CHAIN);
    world.machine.room.set(false);
    world.boot();
    assert!(world.machine.population().is_empty());
    assert_eq!(world.server("a").0, State::Failed);
}

#[test]
fn grants_are_told_in_words() {
    let world = World::booted(CHAIN);
    assert_eq!(
        world.supervisor.grants("b").expect("grants"),
        ["x:y/a -> server a", "atoll:device/port-io -> ports uart 0x3f8-0x3ff, beeper 0x61"]
    );
    assert_eq!(world.supervisor.grants("p").expect("grants"), ["x:y/c -> server c"]);
    assert_eq!(world.supervisor.programs(), ["p"]);
}

#[test]
fn what_calls_come_to_in_a_crash_is_granted_and_told() {
    let retry = r#""x:y/b" = { server = "b", on-crash = "retry" }"#;
    let trap = r#""x:y/c" = { server = "c", on-crash = "trap" }"#;
    let system = CHAIN.replace(r#""x:y/b" = { server = "b" }"#, retry);
    let mut world = World::booted(&system.replace(r#""x:y/c" = { server = "c" }"#, trap));
    assert_eq!(
        world.supervisor.grants("c").expect("grants"),
        ["x:y/b -> server b, retry on crash"]
    );
    assert_eq!(world.supervisor.grants("p").expect("grants"), ["x:y/c -> server c, trap on crash"]);
    let id = world.supervisor.run("p", Vec::new(), streams()).expect("runs");
    let grants = |name: &str| {
        let index = world.machine.living(name).expect("lives");
        world.machine.domains.borrow()[index].grants.join(", ")
    };
    assert!(grants("b").contains("x:y/a to ") && !grants("b").contains(" or "));
    assert!(grants("c").contains(" or again"), "{}", grants("c"));
    assert!(grants("p.1").contains(" or trap"), "{}", grants("p.1"));
    world.supervisor.task_drop(id);
}

#[test]
fn what_a_server_handed_out_is_revoked() {
    let mut world = World::booted(CHAIN);
    let missing = Err(Error::NotFound("x".to_string()));
    assert_eq!(world.supervisor.revoke("x"), missing);
    assert_eq!(world.supervisor.revoke("a"), Ok(1));
    assert_eq!(world.machine.revoked.borrow().len(), 1);
    assert_eq!(world.server("a").1, 0, "nobody is restarted");
}

#[test]
fn who_has_to_have_signed_goes_with_every_domain() {
    let key = |digits: &str| format!("ed25519:{}", digits.repeat(32));
    let text = format!(
        "[system]\nname = \"signed\"\nrequire-signature = true\n\
         keys = {{ release = \"{}\", review = \"{}\" }}\n\
         [servers.a]\ncomponent = \"a.wasm\"\nsigned-by = [\"review\"]\n\
         [servers.b]\ncomponent = \"b.wasm\"\n\
         [programs.p]\ncomponent = \"c.wasm\"\n",
        key("01"),
        key("02")
    );
    let mut world = World::booted(&text);
    let (release, review) = ("signed by release [1, 1]", "signed by review [2, 2]");
    let signers = |world: &World, name: &str| {
        let granted = world.granted(name);
        granted.into_iter().filter(|line| line.starts_with("signed")).collect::<Vec<_>>()
    };
    assert_eq!(signers(&world, "a"), [review]);
    assert_eq!(signers(&world, "b"), [release, review]);
    let policy = world.supervisor.policy("b").expect("policy");
    assert_eq!(policy.last().expect("a line"), "signed by: release or review");
    world.crash("a", Cause::Trapped, 0);
    assert!(world.is_clone("a"));
    assert_eq!(signers(&world, "a"), [review], "a clone compares them with its original's");
    world.settle();
    world.supervisor.swap(&[to("a", "a2.wasm")], Purpose::Replace).expect("a swap");
    assert!(world.machine.running("a2.wasm").is_some());
    assert_eq!(signers(&world, "a"), [review]);
    world.settle();
    world.supervisor.run("p", Vec::new(), streams()).expect("a task");
    let task =
        world.machine.population().into_iter().find(|name| name.starts_with("p.")).expect("p");
    assert_eq!(signers(&world, &task), [release, review]);
}
