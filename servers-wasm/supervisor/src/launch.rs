//! From a description's entry to a running domain with its grants.

use std::rc::Rc;

use atoll_system_description::{
    Domain, LogAccess, PROGRAM_INTERFACES, Provider, Scope, model::unversioned,
};

use crate::kernel::{Authority, Error, Kernel, Streams};

/// The endpoints of all exports, by server and interface. Made once, kept over restarts.
#[derive(Debug)]
pub struct Endpoints<E> {
    services: Vec<Service<E>>,
    /// Those by which operators come, each with what they may change.
    operators: Vec<Operators<E>>,
}

/// An endpoint by which operators come.
#[derive(Debug)]
struct Operators<E> {
    scope: Rc<Scope>,
    /// The line that grants it, if that was in a command.
    line: Option<String>,
    endpoint: E,
}

#[derive(Debug)]
struct Service<E> {
    server: String,
    interface: String,
    endpoint: E,
}

impl<E> Default for Endpoints<E> {
    fn default() -> Self {
        Self { services: Vec::new(), operators: Vec::new() }
    }
}

impl<E> Endpoints<E> {
    /// Adds the endpoint of a server's export.
    pub fn add(&mut self, server: &str, interface: &str, endpoint: E) {
        let (server, interface) = (server.to_string(), interface.to_string());
        self.services.push(Service { server, interface, endpoint });
    }

    /// Where calls to a server's export go; versions are the runtime's business.
    #[must_use]
    pub fn find(&self, server: &str, interface: &str) -> Option<&E> {
        let same = |service: &&Service<E>| {
            service.server == server && unversioned(&service.interface) == unversioned(interface)
        };
        self.services.iter().find(same).map(|service| &service.endpoint)
    }

    /// Adds the endpoint of operators with a scope, which gets [`Self::next_scope`].
    pub fn add_scope(&mut self, scope: Rc<Scope>, line: Option<String>, endpoint: E) {
        self.operators.push(Operators { scope, line, endpoint });
    }

    /// The number of the next scope that is added.
    #[must_use]
    pub const fn next_scope(&self) -> u64 {
        self.operators.len() as u64
    }

    /// The scope of a number.
    #[must_use]
    pub fn scope(&self, number: u64) -> Option<&Rc<Scope>> {
        self.operators.get(usize::try_from(number).ok()?).map(|operators| &operators.scope)
    }

    /// Where calls of operators with a scope go.
    #[must_use]
    pub fn of_scope(&self, scope: &Scope) -> Option<&E> {
        let own = self.operators.iter().find(|operators| *operators.scope == *scope);
        own.map(|operators| &operators.endpoint)
    }

    /// The endpoints of operators, in the order of their numbers, with the line of each that was
    /// granted in a command.
    pub fn of_operators(&self) -> impl Iterator<Item = (&E, Option<&str>)> {
        self.operators.iter().map(|operators| (&operators.endpoint, operators.line.as_deref()))
    }

    /// The exports of one server.
    pub fn of<'a>(&'a self, server: &'a str) -> impl Iterator<Item = (&'a str, &'a E)> {
        let own = self.services.iter().filter(move |service| service.server == server);
        own.map(|service| (service.interface.as_str(), &service.endpoint))
    }
}

/// What every life of a server has.
pub struct Belongings<'a, K: Kernel> {
    /// Whether it is kept for clones.
    pub snapshot: bool,
    /// Its capsule, if it has one.
    pub capsule: Option<&'a K::Capsule>,
}

/// What kind of domain is launched.
pub enum Role<'a, K: Kernel> {
    /// A server, whose exports are bound to its endpoints.
    Server(Belongings<'a, K>),
    /// The new version of a server that runs; the exports are bound when it has taken over.
    Standby {
        /// What it has like every life of the server.
        belongings: Belongings<'a, K>,
        /// What it reaches in place of the endpoints of servers that are swapped with it.
        twins: Endpoints<K::Endpoint>,
    },
    /// A program, with arguments (without its name) and streams.
    Program(Vec<String>, Streams<K::Input, K::Output>),
}

/// Makes a domain, grants what the plan says and lets it run. On failure nothing is left of it.
///
/// # Errors
/// The first thing that the kernel refused.
pub fn launch<K: Kernel>(
    kernel: &K,
    name: &str,
    plan: &Domain,
    endpoints: &Endpoints<K::Endpoint>,
    role: Role<'_, K>,
) -> Result<K::Domain, Error> {
    let domain = kernel.create(name, plan, matches!(role, Role::Standby { .. }))?;
    let equipped = equip(kernel, &domain, name, plan, endpoints, role);
    equipped.map_err(|error| abandon(kernel, &domain, error))?;
    Ok(domain)
}

/// Does the same with a clone of a domain that the server has or had before.
///
/// # Errors
/// `NotFound` if nothing was kept of that; else the first thing that the kernel refused.
pub fn launch_clone<K: Kernel>(
    kernel: &K,
    name: &str,
    plan: &Domain,
    endpoints: &Endpoints<K::Endpoint>,
    original: &K::Domain,
    role: Role<'_, K>,
) -> Result<K::Domain, Error> {
    let domain = kernel.clone_domain(original, matches!(role, Role::Standby { .. }))?;
    let equipped = equip(kernel, &domain, name, plan, endpoints, role);
    equipped.map_err(|error| abandon(kernel, &domain, error))?;
    Ok(domain)
}

/// Ends a domain that cannot be started, because of `error`.
fn abandon<K: Kernel>(kernel: &K, domain: &K::Domain, error: Error) -> Error {
    kernel.kill(domain);
    error
}

fn equip<K: Kernel>(
    kernel: &K,
    domain: &K::Domain,
    name: &str,
    plan: &Domain,
    endpoints: &Endpoints<K::Endpoint>,
    role: Role<'_, K>,
) -> Result<(), Error> {
    let none = Endpoints::default();
    let twins = if let Role::Standby { twins, .. } = &role { twins } else { &none };
    let find = |provider: &Provider, interface: &str| match provider {
        Provider::Server { name, .. } => {
            twins.find(name, interface).or_else(|| endpoints.find(name, interface))
        }
        Provider::Operator { scope, .. } => endpoints.of_scope(scope),
        _ => None,
    };
    for import in &plan.imports {
        grant(kernel, domain, &import.interface, &import.provider, find)?;
    }
    for signer in &plan.signers {
        kernel.add_signer(domain, signer)?;
    }
    let mut command = vec![name.to_string()];
    let kept = match role {
        Role::Server(belongings) | Role::Standby { belongings, .. } => {
            let Belongings { snapshot, capsule } = belongings;
            if let Some(capsule) = capsule {
                kernel.grant_capsule(domain, capsule)?;
            }
            for (interface, endpoint) in endpoints.of(name) {
                kernel.grant_export(domain, interface, endpoint)?;
            }
            snapshot
        }
        Role::Program(arguments, streams) => {
            for interface in PROGRAM_INTERFACES {
                kernel.grant_kernel(domain, interface, "", Authority::None)?;
            }
            kernel.grant_streams(domain, streams)?;
            command.extend(arguments);
            false
        }
    };
    kernel.start(domain, plan, kept, &command)
}

/// One line of authority, which may stand for several kernel objects; `find` gives the endpoint at
/// which a server provides an interface.
fn grant<'a, K: Kernel>(
    kernel: &K,
    domain: &K::Domain,
    interface: &str,
    provider: &Provider,
    find: impl Fn(&Provider, &str) -> Option<&'a K::Endpoint>,
) -> Result<(), Error>
where
    K::Endpoint: 'a,
{
    let give = |label: &str, authority| kernel.grant_kernel(domain, interface, label, authority);
    match provider {
        Provider::Server { name, on_crash } => match find(provider, interface) {
            Some(endpoint) => kernel.grant_endpoint(domain, interface, endpoint, *on_crash),
            None => Err(Error::NotFound(format!("{interface} of {name}"))),
        },
        Provider::Operator { on_crash, .. } => match find(provider, interface) {
            Some(endpoint) => kernel.grant_endpoint(domain, interface, endpoint, *on_crash),
            None => Err(Error::NotFound(interface.to_string())),
        },
        Provider::Kernel => give("", Authority::None),
        Provider::Ports(grants) => grants
            .iter()
            .try_for_each(|grant| give(&grant.label, Authority::Ports(grant.base, grant.count))),
        Provider::Interrupts(grants) => {
            grants.iter().try_for_each(|grant| give(&grant.label, Authority::Interrupt(grant.line)))
        }
        Provider::Windows(grants) => grants
            .iter()
            .try_for_each(|grant| give(&grant.label, Authority::Window(grant.base, grant.length))),
        // A machine without a screen is no reason not to start: the driver is told when it asks.
        Provider::Framebuffer => match give("", Authority::Framebuffer) {
            Err(Error::NotFound(_)) => give("", Authority::None),
            given => given,
        },
        Provider::Log(LogAccess::Write) => give("", Authority::LogWriter),
        Provider::Log(LogAccess::Read) => give("", Authority::LogReader),
        Provider::System(rights) => give("", Authority::System(*rights)),
    }
}
