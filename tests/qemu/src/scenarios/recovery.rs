//! What becomes of calls, clients and servers when a server ends in the middle of a call.

use super::clones::runs;
use super::hostile::restarts;
use super::limits::System;
use super::shell::answers;
use crate::{Lab, OFF, Scenario, Session};
use anyhow::{Result, bail, ensure};

pub(super) const ALL: &[Scenario] = &[
    Scenario {
        name: "recovery-policies",
        about: "a call whose server traps is an error, is repeated or traps, as its grant says",
        run: policies,
    },
    Scenario {
        name: "recovery-probes",
        about: "a server that loops or says that it is ill is restarted, one that waits is not",
        run: probes,
    },
    Scenario {
        name: "recovery-escalation",
        about: "servers are restarted with the one that they import from, if it says so",
        run: escalation,
    },
];

/// The line of the test system by which `faulty` reaches `echo`.
const FAULTY_ECHO: &str =
    "\"atoll:testing/echo\" = { server = \"echo\" }\n\"atoll:testing/raw-gate\" = \"kernel\"";

/// The tester once more, with another policy for its calls to `relay`.
fn tester(policy: &str) -> String {
    format!(
        "\n[programs.tester-{policy}]\ncomponent = \"tester.wasm\"\n\
         [programs.tester-{policy}.imports]\n\"atoll:clocks/monotonic\" = \"kernel\"\n\
         \"atoll:testing/echo\" = {{ server = \"echo\" }}\n\
         \"atoll:testing/relay\" = {{ server = \"relay\", on-crash = \"{policy}\" }}\n"
    )
}

/// `relay` traps when it uses a counter that was taken away from it, and has none in its next life.
fn policies(lab: &Lab<'_>) -> Result<()> {
    let trap = "{ server = \"echo\", on-crash = \"trap\" }";
    let system = System::new()?.and(&tester("retry")).and(&tester("trap"));
    let system =
        system.instead(FAULTY_ECHO, &FAULTY_ECHO.replace("{ server = \"echo\" }", trap))?;
    let mut session = system.boot(lab, "256M")?;
    for (life, program, outcome) in [
        (1, "tester", "its keeper ended when it used it"),
        (2, "tester-retry", "no counter is kept"),
        (3, "tester-trap", "its server ended"),
    ] {
        answers(&mut session, "tester keep", &["2 checks passed"])?;
        answers(&mut session, "revoke echo", &["1 objects of echo are revoked"])?;
        let answer = squeezed(&session.command(&format!("{program} kept"))?);
        ensure!(answer.contains(&squeezed(outcome)), "{program} said {answer}");
        runs(&mut session, "relay", life)?;
    }
    let grants = squeezed(&session.command("caps faulty")?);
    ensure!(grants.contains("serverecho,traponcrash"), "`caps` does not tell the policy: {grants}");
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// Without spaces: the terminal may have broken a line anywhere.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// A server that is not well.
const ILL: &str = r#"(component
    (core module $main
        (memory (export "memory") 1)
        (data (i32.const 64) "out of ink")
        (func (export "check") (result i32)
            (i32.store (i32.const 0) (i32.const 1))
            (i32.store (i32.const 4) (i32.const 64))
            (i32.store (i32.const 8) (i32.const 10))
            (i32.const 0)))
    (core instance $main (instantiate $main))
    (func $check (result (result (error string)))
        (canon lift (core func $main "check") (memory (core memory $main "memory"))))
    (instance $health (export "check" (func $check)))
    (export "atoll:lifecycle/health@0.1.0" (instance $health)))"#;

/// A server that finds out whether it is well by asking `faulty` to loop for ever (trick 1), and is
/// content with any end of that.
const WAITING: &str = r#"(component
    (import "atoll:testing/mischief@0.1.0" (instance $mischief
        (type $tricks (enum "trap" "spin" "hoard" "recurse" "overrun" "divide" "use-dropped"
            "use-stolen" "grow" "forge" "babble" "wild" "heap"))
        (export "trick" (type $trick (eq $tricks)))
        (type $errors (enum "survived" "unavailable" "peer-restarted"))
        (export "error-code" (type $error (eq $errors)))
        (export "play" (func (param "trick" $trick) (result (result string (error $error)))))))
    (core module $memory
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $memory (instantiate $memory))
    (core func $play (canon lower (func $mischief "play")
        (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
    (core module $main
        (import "" "play" (func $play (param i32 i32)))
        (func (export "check") (result i32)
            (call $play (i32.const 1) (i32.const 64))
            (i32.const 0)))
    (core instance $main (instantiate $main (with "" (instance
        (export "play" (func $play))))))
    (func $check (result (result (error string)))
        (canon lift (core func $main "check") (memory (core memory $memory "memory"))))
    (instance $health (export "check" (func $check)))
    (export "atoll:lifecycle/health@0.1.0" (instance $health)))"#;

/// `waiting` is asked sooner than `faulty`, in which its answer hangs; `echo` is only asked.
fn probes(lab: &Lab<'_>) -> Result<()> {
    let health =
        |deadline| format!("health = {{ every = \"500 ms\", deadline = \"{deadline}\" }}\n");
    let echo = "[servers.echo]\n";
    let faulty = "[servers.faulty]\n";
    let ill = format!(
        "\n[servers.ill]\ncomponent = \"ill.wasm\"\n{}restart = {{ limit = 2, window = \"1 min\" }}\n",
        health("20 s")
    );
    let waiting = format!(
        "\n[servers.waiting]\ncomponent = \"waiting.wasm\"\n{}\
         imports.\"atoll:testing/mischief\" = {{ server = \"faulty\" }}\n",
        health("1 s")
    );
    let system = System::new()?
        .instead(echo, &format!("{echo}{}", health("20 s")))?
        .instead(faulty, &format!("{faulty}{}", health("3 s")))?
        .with("ill", ILL, &ill)?
        .with("waiting", WAITING, &waiting)?;
    let mut session = system.boot(lab, "256M")?;
    says(&mut session, "`faulty` did not answer a probe within 3 s; it is killed")?;
    says(&mut session, "`ill` is not well: out of ink; it is killed")?;
    says(&mut session, "`ill` was killed; it has failed, after 2 restarts")?;
    let table = session.command("ps")?;
    for name in ["waiting", "echo", "relay", "log", "console", "shell"] {
        ensure!(restarts(&table, name)? == 0, "{name} was restarted:\n{table}");
    }
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// Asks until the supervisor has said something.
fn says(session: &mut Session, text: &str) -> Result<()> {
    let wanted = squeezed(text);
    for _ in 0..500 {
        if squeezed(&session.command("log -l warn -n 100 supervisor")?).contains(&wanted) {
            return Ok(());
        }
    }
    bail!("the supervisor did not say {text:?}")
}

fn escalation(lab: &Lab<'_>) -> Result<()> {
    let limit = "restart = { policy = \"on-failure\", limit = 3,";
    let system = System::new()?.instead(limit, &format!("{limit} escalate = true,"))?;
    let mut session = system.boot(lab, "256M")?;
    answers(&mut session, "tester all", &["checks passed"])?;
    session.command("kill echo")?;
    for name in ["relay", "faulty"] {
        says(&mut session, &format!("`{name}` is restarted because `echo` is"))?;
    }
    answers(&mut session, "tester all", &["checks passed"])?;
    // Who does not import from it goes on.
    let table = session.command("ps")?;
    for name in ["log", "console", "shell"] {
        ensure!(restarts(&table, name)? == 0, "{name} was restarted:\n{table}");
    }
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}
