//! Who calls whom among the servers of a transaction.

use atoll_system_description::Description;

/// For each of these servers the others of them that it imports from, directly or through any
/// server of the system: a call that one has taken may need all of these to be answered.
#[must_use]
pub fn calls(description: &Description, servers: &[usize]) -> Vec<Vec<usize>> {
    let calls = |server: &usize| {
        let reached = providers(description, *server);
        let members = servers.iter().enumerate();
        members.filter(|(_, other)| reached.contains(other)).map(|(member, _)| member).collect()
    };
    servers.iter().map(calls).collect()
}

/// All servers that a server imports from, and those that they import from.
#[must_use]
pub fn providers(description: &Description, server: usize) -> Vec<usize> {
    let mut reached = description.dependencies(server);
    let mut next = 0;
    while let Some(provider) = reached.get(next).copied() {
        for further in description.dependencies(provider) {
            if !reached.contains(&further) {
                reached.push(further);
            }
        }
        next = next.saturating_add(1);
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::{calls, providers};
    use atoll_system_description::Description;

    const SYSTEM: &str = r#"
        [system]
        name = "order"
        [servers.a]
        component = "a.wasm"
        exports = ["x:y/a"]
        [servers.b]
        component = "b.wasm"
        exports = ["x:y/b"]
        imports = { "x:y/a" = { server = "a" } }
        [servers.c]
        component = "c.wasm"
        imports = { "x:y/b" = { server = "b" } }
        [servers.d]
        component = "d.wasm"
    "#;

    #[test]
    fn calls_go_through_servers_that_are_not_swapped() {
        let system = Description::parse(SYSTEM, "order.toml").expect("good");
        assert_eq!(providers(&system, 2), [1, 0]);
        assert_eq!(calls(&system, &[0, 2]), [vec![], vec![0]]);
        assert_eq!(calls(&system, &[2, 1, 0]), [vec![1, 2], vec![2], vec![]]);
        assert_eq!(calls(&system, &[3, 0]), [vec![], Vec::<usize>::new()]);
    }
}
