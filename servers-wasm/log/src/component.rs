//! The component: the kernel's ring as [`Source`], the journal as export.

use std::cell::RefCell;

use crate::{Collector, Entry, Filter, Level, Source};

atoll_sdk::bindings!("atoll:servers/log" in "../../wit");

use bindings::{
    atoll::{
        io::watch,
        log::{log, source, types},
    },
    exports::atoll::{io::handler, lifecycle::start, log::journal},
    wasi::io::poll::Pollable,
};

/// The only thing that is watched.
const GROWN: u64 = 0;

struct Ring;

impl Source for Ring {
    fn read(&self, sequence: u64, limit: u32) -> Vec<Entry> {
        source::read(sequence, limit).into_iter().map(Entry::from).collect()
    }
}

impl From<types::Entry> for Entry {
    fn from(entry: types::Entry) -> Self {
        let types::Entry { sequence, time_ns, domain, server, level, text } = entry;
        Self { sequence, time_ns, domain, server, level: level.into(), text }
    }
}

impl From<&Entry> for types::Entry {
    fn from(entry: &Entry) -> Self {
        Self {
            sequence: entry.sequence,
            time_ns: entry.time_ns,
            domain: entry.domain,
            server: entry.server.clone(),
            level: entry.level.into(),
            text: entry.text.clone(),
        }
    }
}

impl From<types::Level> for Level {
    fn from(level: types::Level) -> Self {
        match level {
            types::Level::Error => Self::Error,
            types::Level::Warn => Self::Warn,
            types::Level::Info => Self::Info,
            types::Level::Debug => Self::Debug,
            types::Level::Trace => Self::Trace,
        }
    }
}

impl From<Level> for types::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warn => Self::Warn,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
            Level::Trace => Self::Trace,
        }
    }
}

thread_local! {
    static COLLECTOR: RefCell<Collector> = RefCell::new(Collector::default());
    /// Readiness of the ring; it must live as long as it is watched.
    static GROWTH: Pollable = source::subscribe();
}

fn collect() {
    COLLECTOR.with_borrow_mut(|collector| collector.collect(&Ring));
}

struct Component;

impl start::Guest for Component {
    fn start() -> Result<(), String> {
        collect();
        GROWTH.with(|growth| watch::watch(growth, GROWN));
        log::write(log::Level::Debug, "collecting");
        Ok(())
    }
}

impl handler::Guest for Component {
    fn ready(_token: u64) {
        collect();
        GROWTH.with(|growth| watch::watch(growth, GROWN));
    }
}

impl journal::Guest for Component {
    fn query(filter: journal::Filter) -> Result<Vec<types::Entry>, journal::ErrorCode> {
        collect();
        let journal::Filter { server, level, since, limit } = filter;
        let filter = Filter { server, level: level.into(), since, limit };
        Ok(COLLECTOR.with_borrow(|collector| {
            collector.journal().query(&filter).into_iter().map(Into::into).collect()
        }))
    }
}

bindings::export!(Component);
