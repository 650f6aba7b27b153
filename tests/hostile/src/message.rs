//! Messages that come to a server.

use crate::{
    choices::Choices,
    load::{self, TRACED},
    seeds, types,
};

/// The input names a server and a series of messages to it.
pub(crate) fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    let servers = seeds::servers();
    let server = &servers[choices.below(servers.len() as u32) as usize];
    let Some(mut instance) = load::start(server, &mut choices, TRACED, |_, _| {}) else { return };
    for _ in 0..16 {
        if choices.is_empty() {
            return;
        }
        let beyond = u32::from(choices.chance(4));
        let export = choices.below(instance.exports().len() as u32 + beyond);
        let functions = instance
            .exports()
            .get(export as usize)
            .map_or(0, |interface| interface.ty.functions.len() as u32);
        let method = choices.below((functions + beyond).max(1));
        let message = match choices.byte() {
            0..32 => choices.take(200).to_vec(),
            kind => {
                let mut message = load::right(&instance, export, method, &mut choices);
                if kind < 192 {
                    types::damage(&mut message, &mut choices);
                }
                message
            }
        };
        if !load::dispatch(&mut instance, export, method, message) {
            return;
        }
    }
}
