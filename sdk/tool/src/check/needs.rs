//! What meets each import of a component: a line of the system description, or nobody.

use super::runtime::Import;
use crate::files::read_text;
use crate::home::Home;
use anyhow::Result;
use atoll_runtime::RuntimeLimits;
use atoll_runtime::limits::Limit;
use atoll_system_description::model::unversioned;
use atoll_system_description::{Description, Domain, Limits, PROGRAM_INTERFACES, grant};

/// The interfaces that only name what a handle is, which has its own authority.
const VOCABULARY: [&str; 3] = ["wasi:io/error", "wasi:io/poll", "wasi:io/streams"];
/// What the supervisor serves, under its name.
const SUPERVISOR_EXPORTS: [&str; 2] = ["atoll:supervision/servers", "atoll:supervision/swapping"];
/// What is granted by a setting of the server's entry and not by a line.
const CAPSULE: &str = "atoll:lifecycle/capsule";

/// What an import takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: it names types, or what comes with handles, or a program has it.
    Nothing(&'static str),
    /// A line, which the component's entry has.
    Granted,
    /// A line, which it has not: the line.
    Missing(String),
    /// Nobody provides it; why, and what to do.
    Nobody(String),
}

/// A server or program of a description.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// The interfaces that it is granted, without versions.
    granted: Vec<String>,
    limits: Limits,
}

impl Entry {
    /// The one with that component.
    pub(super) fn of(description: &Description, component: &str) -> Option<Self> {
        let servers = description.servers.iter();
        let servers = servers.map(|server| (&server.name, &server.domain, server.capsule));
        let programs = description.programs.iter();
        let programs = programs.map(|program| (&program.name, &program.domain, None));
        let (name, domain, capsule) =
            servers.chain(programs).find(|(_, domain, _)| domain.component == component)?;
        let mut granted = granted(domain);
        granted.extend(capsule.map(|_| CAPSULE.to_owned()));
        Some(Self { name: name.clone(), granted, limits: domain.limits })
    }

    /// The limits that its runtime keeps.
    pub(super) fn limits(&self) -> RuntimeLimits {
        Limit::ALL.iter().fold(RuntimeLimits::DEFAULT, |limits, limit| {
            self.limits.get(limit.key()).map_or(limits, |value| limits.with(*limit, value))
        })
    }
}

fn granted(domain: &Domain) -> Vec<String> {
    domain.imports.iter().map(|import| unversioned(&import.interface).to_owned()).collect()
}

/// The interfaces that the domain image of a checkout provides.
pub(super) fn provided(home: &Home) -> Result<Vec<String>> {
    let list = read_text(&home.root.join("wasm-runtime/image/provided.txt"))?;
    Ok(list.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect())
}

/// What an import takes in a system.
pub(super) fn need(
    import: &Import,
    is_program: bool,
    entry: Option<&Entry>,
    description: &Description,
    provided: &[String],
) -> Need {
    let name = unversioned(&import.name);
    if import.is_types {
        return Need::Nothing("only types");
    }
    if VOCABULARY.contains(&name) {
        return Need::Nothing("comes with handles");
    }
    if is_program && PROGRAM_INTERFACES.contains(&name) {
        return Need::Nothing("a program has it");
    }
    if entry.is_some_and(|entry| entry.granted.iter().any(|granted| granted == name)) {
        return Need::Granted;
    }
    if name == CAPSULE {
        return Need::Missing("capsule = \"64 KiB\"   # in the server's entry".to_owned());
    }
    let by_runtime = provided.iter().any(|provided| provided == name);
    let runtime = || grant(name).filter(|_| by_runtime).map(str::to_owned);
    match by_server(name, description).or_else(runtime) {
        Some(grant) => Need::Missing(format!("\"{name}\" = {grant}")),
        None => Need::Nobody(objection(name, by_runtime)),
    }
}

/// The grant of an interface that a server of the system exports.
fn by_server(name: &str, description: &Description) -> Option<String> {
    if SUPERVISOR_EXPORTS.contains(&name) {
        return Some("{ server = \"supervisor\" }".to_owned());
    }
    let serves = |exports: &[String]| exports.iter().any(|export| unversioned(export) == name);
    let server = description.servers.iter().find(|server| serves(&server.exports))?;
    Some(format!("{{ server = \"{}\" }}", server.name))
}

fn objection(name: &str, by_runtime: bool) -> String {
    if by_runtime {
        "only the supervisor can have it".to_owned()
    } else if name.starts_with("wasi:") {
        "the runtime does not have this interface of WASI; build the component without it"
            .to_owned()
    } else {
        "no server of this system exports it; add one to the description that does".to_owned()
    }
}
