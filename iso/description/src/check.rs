//! What can only be judged over the whole description: names, references, cycles, overlaps.

use crate::{
    SUPERVISOR, SUPERVISOR_EXPORT, SUPERVISOR_UPLOADS,
    error::Fault,
    model::{Description, Import, Provider, Server, Start, unversioned},
    scope::Scope,
};

/// Refuses what no single entry shows to be wrong.
pub(crate) fn check(description: &Description) -> Result<(), Fault> {
    for program in &description.programs {
        if description.server(&program.name).is_some() {
            let message = format!("`{}` is the name of a server already", program.name);
            return Err(Fault::new(program.at, message));
        }
    }
    for (owner, domain) in description.domains() {
        for import in &domain.imports {
            reference(description, owner, import)?;
        }
    }
    cycles(description)?;
    start(description)?;
    devices(description)
}

/// An import from a server needs that server and its export.
fn reference(description: &Description, owner: &str, import: &Import) -> Result<(), Fault> {
    let provider = match &import.provider {
        Provider::Server { name, .. } => name,
        Provider::Operator { scope, .. } => {
            return servers_of(description, owner, scope, import.at);
        }
        _ => return Ok(()),
    };
    let interface = unversioned(&import.interface);
    let exported = if provider == SUPERVISOR {
        if interface == SUPERVISOR_UPLOADS && description.uploads.is_none() {
            let message =
                format!("`{owner}` imports `{interface}`, but `[system]` has no `uploads`");
            return Err(Fault::new(import.at, message));
        }
        interface == SUPERVISOR_EXPORT || interface == SUPERVISOR_UPLOADS
    } else if let Some(server) = description.server(provider) {
        server.exports.iter().any(|export| unversioned(export) == interface)
    } else {
        let message = format!("`{owner}` imports from `{provider}`, which is not a server");
        return Err(Fault::new(import.at, message));
    };
    if exported {
        return Ok(());
    }
    let message = format!("`{owner}` imports `{interface}`, which `{provider}` does not export");
    Err(Fault::new(import.at, message))
}

/// What an operator may change has to be there.
fn servers_of(
    description: &Description,
    owner: &str,
    scope: &Scope,
    at: usize,
) -> Result<(), Fault> {
    let is_there = |name: &&String| *name == SUPERVISOR || description.server(name).is_some();
    match scope.servers.iter().flatten().find(|name| !is_there(name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!("`{owner}` may change `{name}`, which is not a server");
            Err(Fault::new(at, message))
        }
    }
}

/// Servers that wait for each other would never start.
fn cycles(description: &Description) -> Result<(), Fault> {
    let order = description.start_order();
    // Every server that is missing from the order needs another one that is missing too: following
    // these comes around.
    let missing = |index: &usize| !order.contains(index);
    let Some(mut current) = (0..description.servers.len()).find(missing) else { return Ok(()) };
    let mut path = Vec::new();
    while !path.contains(&current) {
        path.push(current);
        match description.dependencies(current).into_iter().find(missing) {
            Some(next) => current = next,
            None => break,
        }
    }
    let cycle = path.iter().skip_while(|index| **index != current).chain([&current]);
    let servers: Vec<&Server> = cycle.filter_map(|index| description.servers.get(*index)).collect();
    let names: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
    let at = servers.first().map_or(0, |server| server.at);
    Err(Fault::new(
        at,
        format!("servers that need each other cannot start: {}", names.join(" -> ")),
    ))
}

/// What starts at boot must not wait for what does not.
fn start(description: &Description) -> Result<(), Fault> {
    for (index, server) in description.servers.iter().enumerate() {
        if server.start == Start::Manual {
            continue;
        }
        for needed in description.dependencies(index) {
            let Some(needed) = description.servers.get(needed) else { continue };
            if needed.start == Start::Manual {
                let message = format!(
                    "`{}` starts at boot and needs `{}`, which does not",
                    server.name, needed.name
                );
                return Err(Fault::new(server.at, message));
            }
        }
    }
    Ok(())
}

/// One granted piece of a device: what kind, from where to where.
struct Claim<'a> {
    owner: &'a str,
    at: usize,
    kind: &'static str,
    first: u64,
    last: u64,
}

/// No two grants may reach the same device.
fn devices(description: &Description) -> Result<(), Fault> {
    let mut claims: Vec<Claim<'_>> = Vec::new();
    for (owner, domain) in description.domains() {
        for import in &domain.imports {
            for claim in claims_of(owner, import) {
                let other = claims.iter().find(|other| {
                    other.kind == claim.kind
                        && other.first <= claim.last
                        && claim.first <= other.last
                });
                if let Some(other) = other {
                    let message = format!(
                        "`{}` is granted {} that `{}` has already",
                        claim.owner, claim.kind, other.owner
                    );
                    return Err(Fault::new(claim.at, message));
                }
                claims.push(claim);
            }
        }
    }
    Ok(())
}

fn claims_of<'a>(owner: &'a str, import: &'a Import) -> Vec<Claim<'a>> {
    let claim = |kind, first: u64, count: u64| Claim {
        owner,
        at: import.at,
        kind,
        first,
        last: first.saturating_add(count.saturating_sub(1)),
    };
    match &import.provider {
        Provider::Ports(grants) => grants
            .iter()
            .map(|grant| claim("ports", u64::from(grant.base), u64::from(grant.count)))
            .collect(),
        Provider::Interrupts(grants) => {
            grants.iter().map(|grant| claim("an interrupt", u64::from(grant.line), 1)).collect()
        }
        Provider::Windows(grants) => {
            grants.iter().map(|grant| claim("device memory", grant.base, grant.length)).collect()
        }
        Provider::Framebuffer => vec![claim("the framebuffer", 0, 1)],
        _ => Vec::new(),
    }
}
