//! Valid components, changed in their structure.

use std::sync::OnceLock;

use crate::{
    choices::Choices,
    load,
    mutate::{self, Sites},
    seeds,
};

/// The input names a seed and changes to it, and decides what the host answers.
pub(crate) fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    if let Some(component) = component(&mut choices) {
        load::all(&component, &mut choices);
    }
}

/// A changed seed.
pub(crate) fn component(choices: &mut Choices<'_>) -> Option<Vec<u8>> {
    static SITES: OnceLock<Vec<Sites>> = OnceLock::new();
    let seeds = seeds::components();
    let sites = SITES.get_or_init(|| seeds.iter().map(|seed| mutate::sites(seed)).collect());
    let number = choices.below(seeds.len() as u32) as usize;
    mutate::component(&seeds[number], sites[number], choices)
}
