//! Descriptors that a client's runtime fetches from a server's domain.

use atoll_runtime::descriptor;

use crate::{
    choices::Choices,
    counts,
    load::{self, TRACED},
    seeds, types,
};

/// The input is a descriptor, or names a client and changes the descriptors of what it imports.
pub(crate) fn run(input: &[u8]) {
    let mut choices = Choices::new(input);
    if choices.chance(64) {
        return decode(choices.rest());
    }
    let clients = seeds::clients();
    let client = &clients[choices.below(clients.len() as u32) as usize];
    let instance = load::start(client, &mut choices, TRACED, |resolver, choices| {
        for descriptor in resolver.descriptors() {
            if choices.chance(160) {
                types::damage(descriptor, choices);
                decode(descriptor);
            }
        }
    });
    if let Some(mut instance) = instance {
        load::call_everything(&mut instance, &mut choices);
    }
}

fn decode(bytes: &[u8]) {
    counts::add("descriptors decoded", 1);
    match descriptor::decode(bytes) {
        Ok(descriptor) => {
            counts::add("descriptors sound", 1);
            assert!(descriptor.types.len() <= bytes.len(), "a definition takes a byte");
            assert!(descriptor.origins.len() <= bytes.len(), "a resource takes a byte");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
