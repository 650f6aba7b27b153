//! Snapshots of what the commands print.

use super::*;
use crate::model::STARTING;

fn domain(id: u32, name: &str, memory: u64, cpu_ns: u64) -> Domain {
    Domain {
        id,
        name: name.into(),
        state: "waiting",
        memory,
        cpu_ns,
        calls_served: 12_345,
        calls_sent: 7,
        ..Domain::default()
    }
}

fn server(domain: Domain) -> Server {
    Server { name: domain.name.clone(), state: "running", restarts: 1, domain: Some(domain) }
}

const MACHINE: Machine = Machine {
    memory_total: 128 << 20,
    memory_free: 100 << 20,
    uptime_ns: 3_723_000_000_000,
    idle_ns: 3_500_000_000_000,
    gate_calls: 98_765,
    switches: 54_321,
    interrupts: 432,
};

fn assert_fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "too long: {line}");
        assert_eq!(line, line.trim_end(), "blanks at the end");
    }
}

#[test]
fn help_fits_and_names_every_command() {
    let text = help();
    assert_fits(&text);
    assert!(text.contains(
        "\n  caps NAME                    show grants and handles of a server or program"
    ));
    assert!(text.contains("\n  log [-l LEVEL] [-n COUNT] [NAME]\n"));
    assert_eq!(help_on("ps").as_deref(), Some("ps: list servers and programs\n"));
    assert_eq!(help_on("nonsense"), None);
}

#[test]
fn server_list() {
    let kernel_view =
        [domain(1, "supervisor", 2_100_000, 120_000_000), domain(3, "console", 3 << 20, 5_000_000)];
    let listed = [
        server(domain(3, "console", 3 << 20, 5_000_000)),
        Server { name: "echo".into(), state: "stopped", ..Server::default() },
        server(domain(
            u32::MAX,
            "a-name-that-is-much-too-long",
            u64::MAX >> 20,
            86_400_000_000_000,
        )),
    ];
    let text = servers(&listed, &kernel_view);
    assert_eq!(
        text,
        "        ID  NAME              STATE    RING    MEMORY     CPU TIME  CALLS IN  OUT  RESTARTS
         1  supervisor        waiting     0   2.0 MiB      0.120 s     12345    7         0
         3  console           running     0   3.0 MiB      0.005 s     12345    7         1
         -  echo              stopped     -         -            -         -    -         0
4294967295  a-name-that-is-m  running     0  15.9 TiB  86400.000 s     12345    7         1
"
    );
}

#[test]
fn server_list_tells_clones() {
    let clone = Domain { is_clone: true, ..domain(3, "echo", 3 << 20, 5_000_000) };
    let text = servers(&[server(clone)], &[]);
    assert!(text.ends_with("    7  cloned 1\n"), "{text}");
}

#[test]
fn server_list_tells_how_far_loading_is() {
    let told = |loaded, state| {
        let domain = Domain { loaded, ..domain(3, "python", 3 << 20, 5_000_000) };
        servers(&[Server { state, ..server(domain) }], &[])
    };
    assert!(told(42, STARTING).contains("python  loading 42%"));
    assert!(told(0, STARTING).contains("python  starting"));
    assert!(told(100, STARTING).contains("python  starting"));
    assert!(told(42, RUNNING).contains("python  running"));
}

#[test]
fn server_list_ends_with_last_words() {
    let dead = Domain { message: "unreachable executed".into(), ..domain(9, "faulty", 0, 0) };
    let listed = [Server { state: "failed", ..server(dead) }];
    let text = servers(&listed, &[]);
    assert!(text.ends_with("\nfaulty failed: unreachable executed\n"), "{text}");
}

#[test]
fn usual_server_list_fits_80_columns() {
    let rows: Vec<Server> = ["supervisor", "log", "console", "shell", "tester"]
        .iter()
        .zip(1..)
        .map(|(name, id)| server(domain(id, name, 12_345_678, 123_456_000_000)))
        .collect();
    assert_fits(&servers(&rows, &[]));
}

#[test]
fn top_sorts_by_use() {
    let before = Machine { uptime_ns: MACHINE.uptime_ns - 1_000_000_000, ..MACHINE };
    let before = Machine { idle_ns: MACHINE.idle_ns - 250_000_000, ..before };
    let earlier =
        [domain(1, "quiet", 1 << 20, 5_000_000), domain(2, "busy", 1 << 20, 1_000_000_000)];
    let after = [domain(1, "quiet", 1 << 20, 5_000_000), domain(2, "busy", 1 << 20, 1_700_000_000)];
    assert_eq!(
        top(&MACHINE, &before, &after, &earlier, 24),
        "up 1 h 2 min, idle 25.0 %, memory 28.0 MiB of 128.0 MiB used
0 gate calls, 0 switches, 0 interrupts

ID  NAME   STATE       CPU  CPU TIME   MEMORY  CALLS IN  OUT
 2  busy   waiting  70.0 %   1.700 s  1.0 MiB     12345    7
 1  quiet  waiting   0.0 %   0.005 s  1.0 MiB     12345    7

Any key ends this.
"
    );
    let many: Vec<Domain> = (0..50).map(|id| domain(id, "x", 0, 0)).collect();
    assert!(top(&MACHINE, &before, &many, &[], 24).lines().count() <= 24);
}

#[test]
fn capabilities_say_what_handles_name() {
    let handle = |number, kind, detail, extent| Handle {
        number,
        kind,
        rights: "read write".into(),
        detail,
        extent,
    };
    let text = capabilities(
        "console",
        &["atoll:device/port-io `uart` -> ports 0x3f8-0x3ff".into()],
        Some(&[
            handle(0x100, Kind::Ports, 0x3f8, 8),
            handle(0x101, Kind::Interrupt, 4, 0),
            handle(0x102, Kind::Window, 0xfd00_0000, 4 << 20),
            handle(0x103, Kind::PipeReader, 0, 0),
        ]),
    );
    assert_fits(&text);
    assert_eq!(
        text,
        "Grants of console:
  atoll:device/port-io `uart` -> ports 0x3f8-0x3ff
Handles of console:
HANDLE  KIND       WHAT                 RIGHTS
 0x100  ports      0x3f8 to 0x3ff       read write
 0x101  interrupt  line 4               read write
 0x102  window     0xfd000000, 4.0 MiB  read write
 0x103  pipe       reading end          read write
"
    );
    assert_eq!(
        capabilities("hello", &[], None),
        "Grants of hello:\n  none\nhello is not running\n"
    );
}

#[test]
fn log_entries() {
    let entry = |time_ns, server: &str, level, text: &str| LogEntry {
        time_ns,
        server: server.into(),
        level,
        text: text.into(),
    };
    let text = log(&[
        entry(12_000, "", "info", "started"),
        entry(1_500_000_000, "console", "warn", "odd"),
    ]);
    assert_eq!(text, "    0.000012 info  kernel     started\n    1.500000 warn  console    odd\n");
    assert_eq!(log(&[]), "no such entries\n");
}

#[test]
fn memory_adds_up() {
    assert_eq!(
        memory(&MACHINE, &[domain(1, "supervisor", 4 << 20, 0), domain(2, "log", 8 << 20, 0)]),
        "MEMORY                  SIZE    SHARE
total              128.0 MiB  100.0 %
free               100.0 MiB   78.1 %
used                28.0 MiB   21.8 %
kernel and shared   16.0 MiB   12.5 %
supervisor           4.0 MiB    3.1 %
log                  8.0 MiB    6.2 %
"
    );
}

#[test]
fn times_and_ends() {
    assert_eq!(
        uptime(&MACHINE),
        "up 1 h 2 min (3723.000 s), idle 94.0 %
98765 gate calls, 54321 domain switches, 432 device interrupts
"
    );
    let ended = |completed, code, message: &str| {
        exit("hello", &Exit { completed, code, message: message.into() })
    };
    assert_eq!(ended(true, 0, ""), "");
    assert_eq!(ended(true, 3, ""), "hello: exit code 3\n");
    assert_eq!(ended(false, 0, "was killed"), "hello was killed\n");
    let done = Exit { completed: true, code: 0, message: String::new() };
    assert_eq!(background_exit("hello.1", &done), "hello.1: done\n");
}
