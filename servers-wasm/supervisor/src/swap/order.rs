//! Who calls whom among the servers of a transaction.

use atoll_system_description::{Description, Domain};

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

/// A server or program that imports from a server and is none of `servers`, by name.
#[must_use]
pub fn importer(description: &Description, servers: &[usize], provider: usize) -> Option<String> {
    let imports = |domain: &Domain| description.providers_of(domain).contains(&provider);
    let others = description.servers.iter().enumerate();
    let others = others.filter(|(index, _)| !servers.contains(index));
    let others = others.map(|(_, server)| (&server.name, &server.domain));
    let programs = description.programs.iter().map(|program| (&program.name, &program.domain));
    let mut found = others.chain(programs).filter(|(_, domain)| imports(domain));
    found.next().map(|(name, _)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::{calls, importer, providers};
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
        [programs.p]
        component = "p.wasm"
        imports = { "x:y/b" = { server = "b" } }
    "#;

    #[test]
    fn who_is_not_swapped_with_a_server_is_found() {
        let system = Description::parse(SYSTEM, "order.toml").expect("good");
        let importer = |servers: &[usize], provider| importer(&system, servers, provider);
        assert_eq!(importer(&[0], 0).as_deref(), Some("b"));
        assert_eq!(importer(&[0, 1], 0), None);
        assert_eq!(importer(&[1], 1).as_deref(), Some("c"));
        assert_eq!(importer(&[1, 2], 1).as_deref(), Some("p"));
        assert_eq!(importer(&[3], 3), None);
    }

    #[test]
    fn calls_go_through_servers_that_are_not_swapped() {
        let system = Description::parse(SYSTEM, "order.toml").expect("good");
        assert_eq!(providers(&system, 2), [1, 0]);
        assert_eq!(calls(&system, &[0, 2]), [vec![], vec![0]]);
        assert_eq!(calls(&system, &[2, 1, 0]), [vec![1, 2], vec![2], vec![]]);
        assert_eq!(calls(&system, &[3, 0]), [vec![], Vec::<usize>::new()]);
    }
}
