//! What becomes of calls, clients and servers when a server ends in the middle of a call.

use super::clones::runs;
use super::limits::System;
use super::shell::answers;
use crate::{Lab, OFF, Scenario};
use anyhow::{Result, ensure};

pub(super) const ALL: &[Scenario] = &[Scenario {
    name: "recovery-policies",
    about: "a call whose server traps is an error, is repeated or traps, as its grant says",
    run: policies,
}];

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
    let system = System::new()?.and(&tester("retry")).and(&tester("trap"));
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
    for policy in ["retry", "trap"] {
        let grants = squeezed(&session.command(&format!("caps tester-{policy}"))?);
        let told = squeezed(&format!("server relay, {policy} on crash"));
        ensure!(grants.contains(&told), "`caps` does not tell the policy: {grants}");
    }
    session.send("poweroff\r")?;
    session.expect_exit(OFF)
}

/// Without spaces: the terminal may have broken a line anywhere.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}
