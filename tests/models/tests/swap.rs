//! The protocol holds in every order of events, and the checker finds it broken when it is.

use std::collections::BTreeSet;

use atoll_models::{kernel::Bug, swap::Protocol};
use stateright::{Checker, HasDiscoveries, Model};

const ONE: Protocol = Protocol {
    servers: 1,
    clients: 2,
    calls: 2,
    faults: 2,
    supervisor_crashes: 0,
    old_can_fail: true,
    impatient: true,
    bug: None,
};
const TWO: Protocol = Protocol { servers: 2, calls: 1, ..ONE };

/// Looks at every state.
fn holds(name: &str, protocol: Protocol) {
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    let (tried, states) = (checker.state_count(), checker.unique_state_count());
    println!(
        "{name}: {states} states, reached {tried} times, at most {} steps",
        checker.max_depth()
    );
    checker.assert_properties();
}

#[test]
fn one_server_with_two_faults() {
    holds("one server", ONE);
}

#[test]
fn two_servers_with_a_fault() {
    holds("two servers", Protocol { faults: 1, ..TWO });
}

#[test]
fn two_servers_with_two_faults_and_one_client() {
    holds("two servers, one client", Protocol { clients: 1, ..TWO });
}

#[test]
#[ignore = "3.6 million states"]
fn two_servers_with_two_faults() {
    holds("two servers, two faults", TWO);
}

#[test]
#[ignore = "1.5 million states"]
fn two_servers_with_a_fault_and_two_calls_a_client() {
    holds("two servers, two calls", Protocol { calls: 2, faults: 1, ..TWO });
}

/// The supervisor crashes at any moment, and again while it goes on.
#[test]
fn one_server_and_two_crashes_of_the_supervisor() {
    let protocol = Protocol { faults: 1, supervisor_crashes: 2, ..ONE };
    holds("one server, two crashes of the supervisor", protocol);
}

#[test]
fn two_servers_and_a_crash_of_the_supervisor() {
    let protocol = Protocol { clients: 1, faults: 1, supervisor_crashes: 1, ..TWO };
    holds("two servers, one client, a crash of the supervisor", protocol);
}

/// As long as only new versions fail, clients see nothing but a delay.
#[test]
fn bad_versions() {
    holds("two servers, bad versions", Protocol { old_can_fail: false, ..TWO });
}

/// Without faults, and if deadlines are only for those that stand still, every swap succeeds.
#[test]
fn no_faults() {
    holds("two servers, no faults", Protocol { calls: 3, faults: 0, impatient: false, ..TWO });
}

/// What does not hold if something is wrong.
#[test]
fn bugs_are_found() {
    let patient = Protocol { faults: 0, impatient: false, ..TWO };
    let quiet = Protocol { servers: 1, ..patient.clone() };
    let bad = Protocol { old_can_fail: false, ..ONE };
    let cancelled = Protocol { clients: 1, faults: 0, ..TWO };
    let crash = Protocol { supervisor_crashes: 1, ..quiet.clone() };
    let (twice, fails, lost) =
        ("no call is answered twice", "a call fails only if its server crashed", "no call is lost");
    let cases = [
        (Bug::NoProbation, bad.clone(), fails),
        (Bug::LosesHeld, quiet.clone(), lost),
        (Bug::UncheckedCommit, bad.clone(), lost),
        (Bug::EagerRevert, bad.clone(), twice),
        (Bug::NoThaw, ONE, lost),
        (Bug::NoKill, quiet, "nothing is left over"),
        (Bug::NoOrder, patient.clone(), "without a fault it ends in new"),
        (Bug::NoTwin, patient, "without a fault it ends in new"),
        (Bug::MixingRevert, cancelled, "versions of a set do not mix"),
        (Bug::ForgetsSwap, crash.clone(), lost),
        (Bug::AlwaysBack, Protocol { impatient: true, ..crash }, fails),
    ];
    for (bug, protocol, property) in cases {
        let protocol = Protocol { bug: Some(bug), ..protocol };
        let wanted = HasDiscoveries::AnyOf(BTreeSet::from([property]));
        let checker = protocol.checker().threads(2).finish_when(wanted).spawn_bfs().join();
        let Some(path) = checker.discovery(property) else {
            panic!("{bug:?} was not found by \"{property}\"");
        };
        println!(
            "{bug:?}: {} states, shown by {:?}",
            checker.unique_state_count(),
            path.into_actions()
        );
    }
}
