//! How ends, grants and policies are worded.

use std::borrow::Cow;

use atoll_system_description::{
    Domain, Import, LogAccess, OnCrash, Provider, Restart, RestartPolicy, Scope, Server,
    SystemRights,
};

use crate::{
    kernel::{Cause, End},
    restart::Decision,
    server::Origin,
};

/// What happened to a domain, as the rest of a sentence that begins with its name. Only the first
/// line of its last words has room in it; the kernel has logged the others.
#[must_use]
pub fn end(end: &End) -> String {
    let what: Cow<'_, str> = match end.cause {
        Cause::Exited if end.code == 0 => "exited".into(),
        Cause::Exited => format!("exited with code {}", end.code).into(),
        Cause::Trapped => "trapped".into(),
        Cause::Refused => "was refused".into(),
        Cause::Panicked => "panicked".into(),
        Cause::OutOfMemory => "ran out of memory".into(),
        Cause::Faulted => format!(
            "faulted: exception {} (error {:#x}) at {:#x}, touching {:#x}",
            end.code >> 32,
            end.code & 0xffff_ffff,
            end.address,
            end.fault_address
        )
        .into(),
        Cause::Killed => "was killed".into(),
    };
    match end.message.lines().next() {
        None | Some("") => what.into(),
        Some(line) => [&what, ": ", line].concat(),
    }
}

/// What is done about it.
#[must_use]
pub fn then(decision: Decision, restart: &Restart) -> Cow<'static, str> {
    match decision {
        Decision::Stop => "it is stopped".into(),
        Decision::GiveUp => "it has failed".into(),
        Decision::TooOften => {
            let window = duration(restart.window_ns);
            format!("it has failed, after {} restarts within {window}", restart.limit).into()
        }
        Decision::Now => "it is restarted at once".into(),
        Decision::After(pause) => format!("it is restarted in {}", duration(pause)).into(),
    }
}

/// What is said of a server that has become ready.
#[must_use]
pub const fn ready(origin: Origin) -> &'static str {
    match origin {
        Origin::Bytes => "is ready",
        Origin::Clone => "is ready, as a clone",
        Origin::Heir => "is ready: its heir serves",
    }
}

/// What happened to a domain, also if its start deadline ended it.
#[must_use]
pub fn what(end: &End, is_overdue: bool, domain: &Domain) -> String {
    if is_overdue { overdue(domain) } else { self::end(end) }
}

/// What happened to a domain that its start deadline ended.
fn overdue(domain: &Domain) -> String {
    let deadline = duration(domain.start_deadline_ns);
    format!("was not ready {deadline} after its start, its `start-deadline`, and was killed")
}

/// The grants of a server, a line each.
#[must_use]
pub fn server_grants(server: &Server) -> Vec<String> {
    let mut lines = grants(&server.domain);
    let capsule = |limit| format!("atoll:lifecycle/capsule -> capsule of {limit} bytes");
    lines.extend(server.capsule.map(capsule));
    lines
}

/// The grants of a domain, a line each: `interface -> what`.
#[must_use]
pub fn grants(domain: &Domain) -> Vec<String> {
    domain.imports.iter().map(line).collect()
}

fn line(import: &Import) -> String {
    format!("{} -> {}", import.interface, provider(&import.provider))
}

fn provider(provider: &Provider) -> String {
    match provider {
        Provider::Server { name, on_crash } => match on_crash {
            OnCrash::Error => format!("server {name}"),
            OnCrash::Retry => format!("server {name}, retry on crash"),
            OnCrash::Trap => format!("server {name}, trap on crash"),
        },
        Provider::Operator { scope, .. } => operator(scope),
        Provider::Kernel => "kernel".to_string(),
        Provider::Ports(grants) => list("ports", grants, |grant| {
            let last = u32::from(grant.base).saturating_add(grant.count.saturating_sub(1));
            format!("{} {}", grant.label, range(grant.base.into(), last.into()))
        }),
        Provider::Interrupts(grants) => {
            list("interrupts", grants, |grant| format!("{} {}", grant.label, grant.line))
        }
        Provider::Windows(grants) => list("windows", grants, |grant| {
            let last = grant.base.saturating_add(grant.length.saturating_sub(1));
            format!("{} {}", grant.label, range(grant.base, last))
        }),
        Provider::Framebuffer => "framebuffer".to_string(),
        Provider::Log(LogAccess::Write) => "log write".to_string(),
        Provider::Log(LogAccess::Read) => "log read".to_string(),
        Provider::System(rights) => format!("system {}", words(*rights)),
    }
}

fn operator(scope: &Scope) -> String {
    let servers = match &scope.servers {
        None => "all servers".to_string(),
        Some(servers) => servers.join(", "),
    };
    let granted = match &scope.grants {
        None => return format!("supervisor: change {servers}, grant anything"),
        Some(lines) if lines.is_empty() => "nothing".to_string(),
        Some(lines) => lines.iter().map(line).collect::<Vec<_>>().join(", "),
    };
    format!("supervisor: change {servers}, grant {granted}")
}

fn list<T>(what: &str, grants: &[T], word: impl Fn(&T) -> String) -> String {
    let words: Vec<String> = grants.iter().map(word).collect();
    format!("{what} {}", words.join(", "))
}

fn range(first: u64, last: u64) -> String {
    if first == last { format!("{first:#x}") } else { format!("{first:#x}-{last:#x}") }
}

fn words(rights: SystemRights) -> String {
    let all = [
        (rights.introspect, "introspect"),
        (rights.domains, "domains"),
        (rights.devices, "devices"),
        (rights.power, "power"),
    ];
    let words: Vec<&str> = all.iter().filter(|(has, _)| *has).map(|(_, word)| *word).collect();
    words.join(", ")
}

/// How a server is supervised, a line each. `dependants` are the names of those that import from
/// it, `heir` says how it stands with its heir.
#[must_use]
pub fn policy(entry: &Server, dependants: &[String], heir: &str) -> Vec<String> {
    let restart = &entry.restart;
    let mut lines = vec![match restart.policy {
        RestartPolicy::Never => "restart: never".to_string(),
        policy => format!(
            "restart: {}, at most {} times within {}, after a pause of {} to {} from the second on",
            if policy == RestartPolicy::Always { "always" } else { "on failure" },
            restart.limit,
            duration(restart.window_ns),
            duration(restart.backoff_ns),
            duration(restart.backoff_max_ns)
        ),
    }];
    lines.push(match (restart.escalate, dependants) {
        (false, _) => "escalate: no".to_string(),
        (true, []) => "escalate: nobody imports from it".to_string(),
        (true, dependants) => format!("escalate: {} restart with it", dependants.join(", ")),
    });
    lines.push(format!("heir: {heir}"));
    lines.push(match &entry.health {
        None => "health: not probed".to_string(),
        Some(health) => format!(
            "health: probed every {}, answers within {}",
            duration(health.every_ns),
            duration(health.deadline_ns)
        ),
    });
    lines.push(format!("start: within {}", duration(entry.domain.start_deadline_ns)));
    let swap = &entry.swap;
    lines.push(format!(
        "swap: prepare {}, quiesce {}, transfer {}, probation {}",
        duration(swap.prepare_ns),
        duration(swap.quiesce_ns),
        duration(swap.transfer_ns),
        duration(swap.probation_ns)
    ));
    let signers: Vec<&str> = entry.domain.signers.iter().map(|key| key.name.as_str()).collect();
    if !signers.is_empty() {
        lines.push(format!("signed by: {}", signers.join(" or ")));
    }
    lines
}

/// A duration in the unit that reads best.
#[must_use]
pub fn duration(ns: u64) -> String {
    match ns {
        0..1_000_000 => format!("{} us", ns / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / 1_000_000_000),
    }
}
