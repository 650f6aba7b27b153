//! What the kernel tells of itself, of a domain and of its log, always the same.

use atoll_gate::record::{DomainStatus, LogEntry, MachineStatus, Pulse, Record, name_field};

/// The entries of the log from that one on.
pub(super) fn log_records(log: &[(u8, String)], from: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for (sequence, (level, text)) in log.iter().enumerate().skip(from as usize) {
        let record = LogEntry {
            sequence: sequence as u64,
            time_ns: 5,
            domain: 3,
            level: *level,
            len: text.len() as u32,
            name: name_field("tester"),
        };
        let at = out.len();
        out.resize(at + LogEntry::LEN, 0);
        record.write(&mut out[at..]).expect("fits");
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// The machine, `now` nanoseconds after it was switched on.
pub(super) fn machine_record(now: u64) -> Vec<u8> {
    let status = MachineStatus {
        memory_total: 100,
        memory_free: 50,
        uptime_ns: now,
        idle_ns: 1,
        gate_calls: 2,
        switches: 3,
        interrupts: 4,
        boot_time_s: 1_000,
        framebuffer: 0xfd00_0000,
        width: 640,
        height: 480,
        pitch: 2560,
        bits_per_pixel: 32,
    };
    let mut bytes = vec![0; MachineStatus::LEN];
    status.write(&mut bytes).expect("fits");
    bytes
}

/// How another domain answered its last probe, and with what words.
pub(super) fn pulse_record() -> Vec<u8> {
    let mut bytes = vec![0; Pulse::LEN];
    let pulse = Pulse { answered: 7, is_ill: 1, state: 5 };
    pulse.write(&mut bytes).expect("fits");
    bytes.extend_from_slice(b"out of ink");
    bytes
}

/// What became of another domain, and its last words.
pub(super) fn domain_record() -> Vec<u8> {
    let status = DomainStatus {
        id: 4,
        state: 6,
        cause: 2,
        code: 7,
        address: 0,
        fault_address: 0,
        memory: 10,
        memory_limit: 20,
        cpu_ns: 30,
        calls_sent: 40,
        calls_served: 50,
        handles: 60,
        ring: 0,
        priority: 3,
        has_snapshot: 1,
        is_clone: 0,
        loaded: 70,
        phase: 0,
        saved: 0,
        calls_open: 0,
        name: name_field("child"),
    };
    let mut bytes = vec![0; DomainStatus::LEN];
    status.write(&mut bytes).expect("fits");
    bytes.extend_from_slice(b"last words");
    bytes
}
