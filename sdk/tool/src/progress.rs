//! How far long work is, on a terminal. Elsewhere nothing of it is shown.

use crate::process::step;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::Duration;

/// How often what is shown is drawn again.
const TICK: Duration = Duration::from_millis(120);

/// A bar of bytes.
#[must_use]
pub fn bytes(what: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(what);
    styled(bar, "{msg:10} [{wide_bar}] {bytes}/{total_bytes} {eta}")
}

/// Work that goes on until this is dropped.
#[derive(Debug)]
pub struct Working(Option<ProgressBar>);

/// Says what is being done, so that nobody has to wonder about a quiet minute, and for how long.
#[must_use]
pub fn working(what: &str) -> Working {
    if !std::io::stderr().is_terminal() {
        step(what);
        return Working(None);
    }
    let bar = ProgressBar::new_spinner().with_message(what.to_owned());
    let bar = styled(bar, "{spinner} {msg} {elapsed}");
    bar.enable_steady_tick(TICK);
    Working(Some(bar))
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
