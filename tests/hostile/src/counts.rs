//! How far inputs got, so that totals can be stated honestly.
//!
//! Counts belong to the thread. libFuzzer runs everything on the main thread and ends by `exit`,
//! which drops them: then they are printed, if [`print_at_end`] asked for it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Totals of a thread.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    totals: BTreeMap<&'static str, u64>,
    seen: HashSet<u64>,
}

/// The totals of this thread, and whether they are printed when it ends.
#[derive(Default)]
struct Kept {
    counts: Counts,
    print: bool,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

impl Counts {
    /// One of the totals.
    #[must_use]
    pub fn total(&self, what: &str) -> u64 {
        self.totals.get(what).copied().unwrap_or_default()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, total) in &self.totals {
            writeln!(out, "{total:12} {what}")?;
        }
        Ok(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if self.print {
            eprintln!("{}", self.counts);
        }
    }
}

/// Whether nothing like this was seen before, as far as 64 bits tell.
fn is_new(thing: &impl Hash) -> bool {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    KEPT.with_borrow_mut(|kept| kept.counts.seen.insert(hasher.finish()))
}

/// Counts an input, and whether it is another than all before.
pub(crate) fn input(target: &'static str, bytes: &[u8]) {
    add("inputs", 1);
    if is_new(&(target, bytes)) {
        add("inputs, distinct", 1);
    }
}

/// Counts something made of an input, and whether it is another than all before.
pub(crate) fn made(what: &'static str, distinct: &'static str, bytes: &[u8]) {
    add(what, 1);
    if is_new(&("made", bytes)) {
        add(distinct, 1);
    }
}

/// Counts what happened.
pub fn add(what: &'static str, more: u64) {
    KEPT.with_borrow_mut(|kept| *kept.counts.totals.entry(what).or_default() += more);
}

/// Remembers the largest.
pub fn peak(what: &'static str, value: u64) {
    KEPT.with_borrow_mut(|kept| {
        let peak = kept.counts.totals.entry(what).or_default();
        *peak = value.max(*peak);
    });
}

/// The totals so far; they start again at 0.
#[must_use]
pub fn take() -> Counts {
    KEPT.with_borrow_mut(|kept| std::mem::take(&mut kept.counts))
}

/// Prints the totals when the thread ends, or the program if it is the main thread.
pub fn print_at_end() {
    KEPT.with_borrow_mut(|kept| kept.print = true);
}
