//! The numbers that the clients of a running server know, for another version of it.
//!
//! A client knows functions and resources by their numbers in the descriptor that was published
//! when it started. A version that takes over keeps these numbers, whatever the order in its
//! binary, and appends what is new.

use alloc::{format, string::String, vec::Vec};

use super::compare::Pair;
use crate::{
    descriptor::{self, Descriptor},
    error::Problem,
    types::{InterfaceType, ResourceId},
};

/// An interface under the numbers of an earlier descriptor of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renumbered {
    /// By published number: the function's number in the binary.
    pub methods: Vec<u32>,
    /// By published number: the resource's number in the binary.
    pub resources: Vec<u32>,
    /// What to publish.
    pub descriptor: Vec<u8>,
}

/// Gives what `own` describes the numbers that `running` has for it.
///
/// # Errors
/// What clients may use and `own` does not have, or has with another type: a text that names it.
pub fn renumber(interface: &str, running: &[u8], own: &[u8]) -> Result<Renumbered, String> {
    let unreadable = |error| format!("a description {error}");
    let running = descriptor::decode(running).map_err(unreadable)?;
    let own = descriptor::decode(own).map_err(unreadable)?;
    let pair = Pair {
        types: &running.types,
        origin: &|resource: ResourceId| running.origins.get(resource.0 as usize).cloned(),
        name: interface,
        provider: &own,
    };
    let methods = running.interface.functions.iter().map(|(name, ty)| pair.method(name, ty));
    let methods: Result<Vec<_>, _> = methods.collect();
    let resources = running.interface.resources.iter().map(|(name, _)| pair.resource_number(name));
    let resources: Result<Vec<_>, _> = resources.collect();
    let methods = with_rest(methods.map_err(explain)?, own.interface.functions.len());
    let resources = with_rest(resources.map_err(explain)?, own.interface.resources.len());
    let descriptor = reordered(&own, &methods, &resources).ok_or("its description is too large")?;
    Ok(Renumbered { methods, resources, descriptor })
}

/// Appends the numbers below `count` that are not there.
fn with_rest(mut numbers: Vec<u32>, count: usize) -> Vec<u32> {
    for number in 0..count as u32 {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    numbers
}

/// The descriptor of an interface with its parts in another order.
fn reordered(own: &Descriptor, methods: &[u32], resources: &[u32]) -> Option<Vec<u8>> {
    let functions = &own.interface.functions;
    let declared = &own.interface.resources;
    let ty = InterfaceType {
        functions: methods
            .iter()
            .map(|number| functions.get(*number as usize).cloned())
            .collect::<Option<_>>()?,
        resources: resources
            .iter()
            .map(|number| declared.get(*number as usize).cloned())
            .collect::<Option<_>>()?,
    };
    descriptor::write(own, &ty)
}

/// What clients would miss.
fn explain(problem: Problem) -> String {
    match problem {
        Problem::MissingFunction { name, expected } => {
            format!("clients may call `{name}: {expected}`, and this version has no such function")
        }
        Problem::WrongFunction { name, expected, found } => {
            format!(
                "clients call function `{name}` as `{expected}`, and this version has `{found}`"
            )
        }
        Problem::MissingResource(name) => {
            format!("clients may hold a `{name}`, and this version has no such resource")
        }
        Problem::Unmet(why) | Problem::Descriptor(why) => why,
        Problem::Kind(kind) => format!("it has {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec::Vec};

    use super::renumber;
    use crate::{component::Component, descriptor, limits::RuntimeLimits};

    /// The descriptor of `test:counter/counter` with these members, in this order.
    fn describe(members: &str) -> Vec<u8> {
        let text = format!(
            "(component (import \"test:counter/counter\" (instance
                (export \"counter\" (type $counter (sub resource)))
                (export \"gauge\" (type $gauge (sub resource)))
                {members})))"
        );
        let bytes = wat::parse_str(text).expect("well formed");
        let component = Component::parse(&bytes, &RuntimeLimits::DEFAULT).expect("parses");
        component.expected(0).expect("an import")
    }

    const ADD: &str = r#"(export "add" (func (param "by" u32) (result u32)))"#;
    const GET: &str = r#"(export "get" (func (param "of" (borrow $counter)) (result u64)))"#;
    const NEW: &str = r#"(export "new" (func (result (own $gauge))))"#;

    #[test]
    fn numbers_are_those_of_the_running_version_and_new_ones_follow() {
        let running = describe(&format!("{ADD} {GET}"));
        let own = describe(&format!("{NEW} {GET} {ADD}"));
        let renumbered = renumber("test:counter/counter", &running, &own).expect("fits");
        assert_eq!(renumbered.methods, [2, 1, 0]);
        assert_eq!(renumbered.resources, [0, 1]);
        let published = descriptor::decode(&renumbered.descriptor).expect("readable");
        let names: Vec<_> =
            published.interface.functions.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["add", "get", "new"]);
        // Once more: nothing changes.
        let again = renumber("test:counter/counter", &renumbered.descriptor, &own).expect("fits");
        assert_eq!(again, renumbered);
    }

    #[test]
    fn what_clients_would_miss_is_named() {
        let running = describe(&format!("{ADD} {GET}"));
        let missing = renumber("test:counter/counter", &running, &describe(ADD));
        assert!(missing.expect_err("misses get").contains("`get: "));
        let wrong = describe(&format!("{GET} (export \"add\" (func (param \"by\" u64)))"));
        let wrong = renumber("test:counter/counter", &running, &wrong).expect_err("differs");
        assert!(wrong.contains("`add`") && wrong.contains("u64"), "{wrong}");
        assert!(renumber("test:counter/counter", b"\x09", &running).is_err());
    }
}
