//! The kernel's records of domains and handles, as values of `atoll:supervision/types`.

use crate::wire::{Output, cut};
use alloc::string::String;
use atoll_gate::call::rights;
use atoll_gate::record::{DomainStatus, HandleInfo, Pulse, State, name_str};

/// Most bytes of a domain's last words.
const MOST_MESSAGE: usize = 4096;

/// Appends a `domain-status`.
pub(super) fn domain_status(out: &mut Output<'_>, status: &DomainStatus, message: &str) {
    out.u32(status.id);
    out.string(name_str(&status.name));
    // States count from 1 in the kernel's record and from 0 in the interface.
    out.u32(status.state.saturating_sub(1).min(6));
    out.u32(status.cause.min(7));
    out.u64(status.code);
    out.u64(status.address);
    out.u64(status.fault_address);
    out.string(cut(message, MOST_MESSAGE));
    out.u64(status.memory);
    out.u64(status.memory_limit);
    out.u64(status.cpu_ns);
    out.u64(status.calls_sent);
    out.u64(status.calls_served);
    out.u32(status.handles);
    out.u32(status.ring);
    out.u32(status.priority);
    out.bool(status.has_snapshot != 0);
    out.bool(status.is_clone != 0);
    out.u32(status.loaded);
    out.u32(status.phase.min(12));
    out.u64(status.saved);
    out.u32(status.calls_open);
}

/// Appends a `pulse`.
pub(super) fn pulse(out: &mut Output<'_>, pulse: &Pulse, words: &str) {
    out.u64(pulse.answered);
    out.u32(pulse.is_ill.min(1));
    if pulse.is_ill != 0 {
        out.string(cut(words, MOST_MESSAGE));
    }
    out.bool(pulse.state == State::Calling as u32);
}

/// Appends a `handle-info`.
pub(super) fn handle_info(out: &mut Output<'_>, info: &HandleInfo) {
    out.u32(info.handle);
    out.u32(info.kind.saturating_sub(1).min(12));
    out.string(&right_words(info.rights));
    out.u64(info.detail);
    out.u64(info.extent);
}

/// Rights as words.
fn right_words(held: u32) -> String {
    let names = [
        (rights::CALL, "call"),
        (rights::SERVE, "serve"),
        (rights::READ, "read"),
        (rights::WRITE, "write"),
        (rights::SIGNAL, "signal"),
        (rights::WATCH, "watch"),
        (rights::CONTROL, "control"),
        (rights::DEVICES, "devices"),
        (rights::POWER, "power"),
        (rights::COPY, "copy"),
        (rights::RETRY, "retry"),
    ];
    let mut words = String::new();
    for (_, name) in names.iter().filter(|(right, _)| held & right != 0) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(name);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::right_words;
    use atoll_gate::call::rights;

    #[test]
    fn rights_read_as_words() {
        assert_eq!(right_words(rights::CALL | rights::COPY), "call copy");
        assert_eq!(right_words(0), "");
    }
}
