//! Questions to the supervisor, the log server and the kernel, answered in the shell's own data.

use super::bindings::atoll::introspection::system::{self, DomainStatus};
use super::bindings::atoll::log::journal::{self, Filter, Level as WitLevel};
use super::bindings::atoll::supervision::servers::{self, ServerState};
use super::bindings::atoll::supervision::types::{DomainState, Error, ObjectKind};
use crate::command::Level;
use crate::model::{Domain, Handle, Kind, LogEntry, Machine, STARTING, Server};
use crate::views::RUNNING;

/// Says why the supervisor did not do something.
pub(super) fn failure(error: Error) -> String {
    match error {
        Error::NotFound(name) => format!("there is no `{name}`; `ps` lists the names"),
        Error::AlreadyRunning(name) => format!("{name} is running already"),
        Error::NotRunning(name) => format!("{name} is not running"),
        Error::Invalid(why) | Error::Other(why) | Error::Denied(why) => why,
        Error::OutOfResources(what) => format!("no room: {what}"),
        Error::PeerRestarted => String::from("the supervisor restarted; try again"),
    }
}

/// The programs that can be run.
pub(super) fn programs() -> Result<Vec<String>, String> {
    servers::programs().map_err(failure)
}

/// The supervisor's list.
pub(super) fn servers() -> Result<Vec<Server>, String> {
    let listed = servers::list().map_err(failure)?;
    Ok(listed.into_iter().map(server).collect())
}

/// How much of a program's component is loaded, in percent, while that is done and if it tells.
pub(super) fn loaded(name: &str) -> Option<u32> {
    servers().ok()?.iter().find(|server| server.name == name)?.loaded()
}

/// A server as it is listed: the supervisor knows more of one that does not run, the kernel of one
/// that does.
fn server(listed: servers::Server) -> Server {
    let domain = listed.domain.map(domain);
    let state = match listed.state {
        ServerState::Stopped => "stopped",
        ServerState::Starting => STARTING,
        ServerState::Running => domain.as_ref().map_or(RUNNING, |domain| domain.state),
        ServerState::BackingOff => "backing off",
        ServerState::Failed => "failed",
    };
    Server { name: listed.name, state, restarts: listed.restarts, domain }
}

/// The kernel's list.
pub(super) fn domains() -> Vec<Domain> {
    system::domains().into_iter().map(domain).collect()
}

fn domain(status: DomainStatus) -> Domain {
    Domain {
        id: status.id,
        name: status.name,
        state: match status.state {
            DomainState::Created => "created",
            DomainState::Starting => STARTING,
            DomainState::Running => "running",
            DomainState::Waiting => "waiting",
            DomainState::Calling => "calling",
            DomainState::Ended => "ended",
            DomainState::Frozen => "frozen",
        },
        message: status.message,
        memory: status.memory,
        cpu_ns: status.cpu_ns,
        calls_served: status.calls_served,
        calls_sent: status.calls_sent,
        ring: status.ring,
        is_clone: status.is_clone,
        loaded: status.loaded,
    }
}

/// The kernel's counters.
pub(super) fn machine() -> Machine {
    let status = system::machine();
    Machine {
        memory_total: status.memory_total,
        memory_free: status.memory_free,
        uptime_ns: status.uptime_ns,
        idle_ns: status.idle_ns,
        gate_calls: status.gate_calls,
        switches: status.switches,
        interrupts: status.interrupts,
    }
}

/// Grants and handles of a server or program; no handles if it does not run.
pub(super) fn capabilities(name: &str) -> Result<(Vec<String>, Option<Vec<Handle>>), String> {
    let grants = servers::grants(name).map_err(failure)?;
    let handles = match servers::handles(name) {
        Ok(handles) => handles,
        // It is known: it has grants.
        Err(Error::NotRunning(_) | Error::NotFound(_)) => return Ok((grants, None)),
        Err(error) => return Err(failure(error)),
    };
    let handles = handles
        .into_iter()
        .map(|handle| Handle {
            number: handle.handle,
            kind: kind(handle.kind),
            rights: handle.rights,
            detail: handle.detail,
            extent: handle.extent,
        })
        .collect();
    Ok((grants, Some(handles)))
}

fn kind(kind: ObjectKind) -> Kind {
    match kind {
        ObjectKind::Endpoint => Kind::Endpoint,
        ObjectKind::Object => Kind::Object,
        ObjectKind::PipeReader => Kind::PipeReader,
        ObjectKind::PipeWriter => Kind::PipeWriter,
        ObjectKind::Event => Kind::Event,
        ObjectKind::Interrupt => Kind::Interrupt,
        ObjectKind::Ports => Kind::Ports,
        ObjectKind::Window => Kind::Window,
        ObjectKind::Capsule => Kind::Capsule,
        ObjectKind::Blob => Kind::Blob,
        ObjectKind::Domain => Kind::Domain,
        ObjectKind::Log => Kind::Log,
        ObjectKind::System => Kind::System,
    }
}

/// The newest entries of the log.
pub(super) fn log(
    level: Level,
    limit: u32,
    server: Option<String>,
) -> Result<Vec<LogEntry>, String> {
    let level = match level {
        Level::Error => WitLevel::Error,
        Level::Warn => WitLevel::Warn,
        Level::Info => WitLevel::Info,
        Level::Debug => WitLevel::Debug,
        Level::Trace => WitLevel::Trace,
    };
    let entries = journal::query(&Filter { server, level, since: 0, limit }).map_err(|error| {
        String::from(match error {
            journal::ErrorCode::PeerRestarted => "the log server restarted; try again",
            journal::ErrorCode::Other => "the log server does not answer the question",
        })
    })?;
    Ok(entries
        .into_iter()
        .map(|entry| LogEntry {
            time_ns: entry.time_ns,
            server: entry.server,
            level: level_name(entry.level),
            text: entry.text,
        })
        .collect())
}

fn level_name(level: WitLevel) -> &'static str {
    match level {
        WitLevel::Error => "error",
        WitLevel::Warn => "warn",
        WitLevel::Info => "info",
        WitLevel::Debug => "debug",
        WitLevel::Trace => "trace",
    }
}
