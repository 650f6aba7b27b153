//! Core modules that are rewritten to keep note of their calls, against the same that are not.
//!
//! A changed component is run both ways with the same messages and the same host: everything that
//! can be seen from outside must be the same, except that rewritten code spends more fuel.

use atoll_runtime::Translation;

use crate::{
    choices::Choices,
    counts,
    load::{self, TRACED},
    mutated,
};

/// The input names a seed and changes to it, and decides what the host answers.
pub(crate) fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    let Some(component) = mutated::component(&mut choices) else { return };
    let plain = Translation { backtrace: false, ..TRACED };
    let (plain, traced) = (notes(&component, choices, plain), notes(&component, choices, TRACED));
    let (Some(plain), Some(traced)) = (plain, traced) else { return };
    counts::add("components run both ways", 1);
    let ended = |notes: &[String]| notes.iter().position(|note| note.contains("fuel"));
    match (ended(&plain), ended(&traced)) {
        (None, None) => assert_eq!(plain, traced),
        (_, end) => {
            let end = end.unwrap_or(traced.len());
            assert_eq!(plain.get(..end), traced.get(..end), "until fuel was spent");
        }
    }
}

/// What can be seen from outside; `None` when the component did not start.
fn notes(component: &[u8], mut choices: Choices<'_>, how: Translation) -> Option<Vec<String>> {
    let mut instance = load::start(component, &mut choices, how, |_, _| {})?;
    load::call_everything(&mut instance, &mut choices);
    Some(std::mem::take(&mut instance.host_mut().notes))
}
