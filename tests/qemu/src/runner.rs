//! Running scenarios, and whatever else takes a processor for itself, two at a time.

use crate::{Images, Lab, Scenario, Skip};
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

/// How many run at the same time.
const WORKERS: usize = 2;
/// Lines of a transcript that are shown on failure; the file has all of them.
const SHOWN: usize = 60;

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Did what they should.
    pub passed: usize,
    /// Did not.
    pub failed: usize,
    /// Could not run here.
    pub skipped: usize,
}

impl Summary {
    /// Adds another one's numbers.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Runs scenarios and says how each ended; transcripts go to `folder`.
///
/// # Errors
/// If the folder cannot be made.
pub fn run(scenarios: &[&Scenario], images: &dyn Images, folder: &Path) -> Result<Summary> {
    fs::create_dir_all(folder)?;
    Ok(side_by_side(scenarios, |scenario| run_one(scenario, images, folder)))
}

/// Does something with all of these, with two at a time, and adds up how it ended.
pub fn side_by_side<T: Sync>(all: &[T], work: impl Fn(&T) -> Summary + Sync) -> Summary {
    let queue = Mutex::new(all.iter());
    let summary = Mutex::new(Summary::default());
    let next = || queue.lock().ok()?.next();
    thread::scope(|scope| {
        for _ in 0..WORKERS.min(all.len()) {
            scope.spawn(|| {
                while let Some(one) = next() {
                    let result = work(one);
                    if let Ok(mut summary) = summary.lock() {
                        summary.add(result);
                    }
                }
            });
        }
    });
    summary.into_inner().unwrap_or_default()
}

fn run_one(scenario: &Scenario, images: &dyn Images, folder: &Path) -> Summary {
    let transcript = folder.join(format!("{}.log", scenario.name));
    let started = Instant::now();
    let name = scenario.name;
    // A transcript of an earlier run must not be taken for this one's.
    let _ = fs::remove_file(&transcript);
    let lab = Lab { images, transcript: transcript.clone() };
    match (scenario.run)(&lab) {
        Ok(()) => {
            println!("scenario {name}: ok ({:.1} s)", started.elapsed().as_secs_f32());
            Summary { passed: 1, ..Summary::default() }
        }
        Err(error) if error.is::<Skip>() => {
            println!("scenario {name}: {error}");
            Summary { skipped: 1, ..Summary::default() }
        }
        Err(error) => {
            let text = fs::read_to_string(&transcript).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            let shown = lines[lines.len().saturating_sub(SHOWN)..].join("\n  | ");
            println!("scenario {name}: FAILED: {error:#}\n  {}\n  | {shown}", transcript.display());
            Summary { failed: 1, ..Summary::default() }
        }
    }
}
