//! Running scenarios, two at a time.

use crate::{Images, Lab, Scenario, Skip};
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

/// How many machines run at the same time.
const WORKERS: usize = 2;
/// Lines of a transcript that are shown on failure; the file has all of them.
const SHOWN: usize = 60;

/// How many scenarios ended how.
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
    let queue = Mutex::new(scenarios.iter());
    let summary = Mutex::new(Summary::default());
    let next = || queue.lock().ok()?.next();
    thread::scope(|scope| {
        for _ in 0..WORKERS.min(scenarios.len()) {
            scope.spawn(|| {
                while let Some(scenario) = next() {
                    let result = run_one(scenario, images, folder);
                    if let Ok(mut summary) = summary.lock() {
                        summary.add(result);
                    }
                }
            });
        }
    });
    Ok(summary.into_inner().unwrap_or_default())
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
