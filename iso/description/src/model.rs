//! What a description says, as checked data.

use std::rc::Rc;

use crate::scope::Scope;

/// A whole system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Its name, for logs and image labels.
    pub name: String,
    /// Its servers, in the order of the file.
    pub servers: Vec<Server>,
    /// Its programs, in the order of the file.
    pub programs: Vec<Program>,
    /// File names of components that no entry names: other versions, for swaps.
    pub versions: Vec<String>,
    /// Whether every component has to be signed.
    pub requires_signatures: bool,
    /// Bytes that components which are handed over at run time may have together; by default none
    /// can be.
    pub uploads: Option<u64>,
}

/// A component that the supervisor starts and watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name: lower-case letters, digits and hyphens, at most 24.
    pub name: String,
    /// What it is and may use.
    pub domain: Domain,
    /// Interfaces that others can import from it.
    pub exports: Vec<String>,
    /// When it starts.
    pub start: Start,
    /// What happens when it ends.
    pub restart: Restart,
    /// Whether it is kept when it is instantiated, to be restarted as a clone; by default it is.
    pub snapshot: bool,
    /// Bytes of its capsule, which outlives it; by default it has none.
    pub capsule: Option<u64>,
    /// How it shows that it works; by default it is not asked.
    pub health: Option<Health>,
    /// How long each phase of a swap may take.
    pub swap: SwapDeadlines,
    pub(crate) at: usize,
}

/// A component that is run on demand, with arguments and streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name, as of a server.
    pub name: String,
    /// What it is and may use. What being a program implies (`wasi:cli/*`) is not listed.
    pub domain: Domain,
    pub(crate) at: usize,
}

/// What servers and programs have in common: a component, bounds and grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// File name of the component, which is the name of its boot module.
    pub component: String,
    /// In which ring it runs; [`Isolation::Kernel`] by default.
    pub isolation: Isolation,
    /// 0, the lowest, to 7; 4 by default.
    pub priority: u8,
    /// Most bytes of memory, everything included; 16 MiB by default.
    pub memory: u64,
    /// Processor time in each period; unbounded by default.
    pub budget: Option<Budget>,
    /// Bounds on single resources.
    pub limits: Limits,
    /// Nanoseconds from the start to readiness, after which it is killed; 30 s by default.
    pub start_deadline_ns: u64,
    /// Whether a trap is reported with the Wasm frames that led to it; by default it is.
    pub backtrace: bool,
    /// One of these has to have signed the component, if there are any; by default there are none.
    pub signers: Vec<Signer>,
    /// Names and values in its environment; by default none.
    pub environment: Vec<(String, String)>,
    /// Its authority, one line an interface.
    pub imports: Vec<Import>,
}

/// A key that signs components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// What the system calls it.
    pub name: String,
    /// The public key, of Ed25519.
    pub key: [u8; Self::KEY],
}

impl Signer {
    /// Bytes of a key.
    pub const KEY: usize = 32;
}

/// In which ring a domain runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Ring 0, behind the sandbox and its own address space.
    Kernel,
    /// Ring 3, behind the processor's privilege check as well.
    User,
}

/// Processor time that a domain gets before others in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Nanoseconds of processor time, at least 1 and at most the period.
    pub use_ns: u64,
    /// Length of the period in nanoseconds, 1 ms to 10 s.
    pub period_ns: u64,
}

/// Bounds on what a domain may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes in each linear memory; 8 MiB by default, or all of a smaller domain.
    pub linear_memory: u64,
    /// Most elements in each table; 10,000 by default.
    pub table_elements: u32,
    /// Most bytes in the component; 1 MiB by default.
    pub component_size: u32,
    /// Most resource handles in each component instance; 1,024 by default.
    pub handles: u32,
    /// Most kernel handles of the domain; 256 by default.
    pub kernel_handles: u32,
    /// Most unanswered calls of others; 32 by default.
    pub calls: u32,
    /// Most Wasm frames on the stack; 1,000 by default.
    pub call_depth: u32,
    /// Most bytes of parameters, locals and operands of all Wasm frames; 1 MiB by default.
    pub stack_size: u32,
    /// Most core modules in the component; 64 by default.
    pub core_modules: u32,
    /// Most functions that the core modules define together; 100,000 by default.
    pub core_functions: u32,
    /// Most other definitions of the core modules together; 20,000 by default.
    pub core_definitions: u32,
    /// Most core instances; 1,000 by default.
    pub core_instances: u32,
    /// Most component instances, nested ones included; 500 by default.
    pub instances: u32,
    /// Most linear memories; 100 by default.
    pub memories: u32,
    /// Most tables; 1,000 by default.
    pub tables: u32,
    /// Most functions and resource types in imports and exports; 2,000 by default.
    pub interface_items: u32,
    /// Most parts of one type when it is written out in full; 10,000 by default.
    pub type_parts: u32,
    /// Deepest nesting of one type; 64 by default.
    pub type_depth: u32,
    /// Most steps of instantiation; 200,000 by default.
    pub instantiation_steps: u32,
}

impl Limits {
    /// The bound with that key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<u64> {
        Some(u64::from(match key {
            "linear-memory" => return Some(self.linear_memory),
            "table-elements" => self.table_elements,
            "component-size" => self.component_size,
            "handles" => self.handles,
            "kernel-handles" => self.kernel_handles,
            "calls" => self.calls,
            "call-depth" => self.call_depth,
            "stack-size" => self.stack_size,
            "core-modules" => self.core_modules,
            "core-functions" => self.core_functions,
            "core-definitions" => self.core_definitions,
            "core-instances" => self.core_instances,
            "instances" => self.instances,
            "memories" => self.memories,
            "tables" => self.tables,
            "interface-items" => self.interface_items,
            "type-parts" => self.type_parts,
            "type-depth" => self.type_depth,
            "instantiation-steps" => self.instantiation_steps,
            _ => return None,
        }))
    }
}

/// When a server starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At boot, once those that it imports from are ready.
    Boot,
    /// When somebody asks for it.
    Manual,
}

/// When a server that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Not by itself.
    Never,
    /// When it did not end well: anything but an exit with code 0. The default.
    OnFailure,
    /// However it ended.
    Always,
}

/// How a server is restarted: at once the first time, then after a pause that doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// Whether it is.
    pub policy: RestartPolicy,
    /// Most restarts within the window; one more end and the server has failed. 5 by default.
    pub limit: u32,
    /// The window in nanoseconds; 10 s by default.
    pub window_ns: u64,
    /// Pause before the second restart in a row, in nanoseconds; 100 ms by default.
    pub backoff_ns: u64,
    /// Longest pause, in nanoseconds; 5 s by default.
    pub backoff_max_ns: u64,
    /// Whether the servers that import from it are restarted with it; by default they are not.
    pub escalate: bool,
    /// Whether a clone stands by to take its place when it fails; by default none does.
    pub heir: bool,
}

/// How often a server is probed, and how soon it has to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Nanoseconds from one answer to the next probe; 1 s by default.
    pub every_ns: u64,
    /// Nanoseconds from a probe to its answer, after which the server is taken to hang; 1 s by
    /// default.
    pub deadline_ns: u64,
}

/// How long each phase of a swap of a server may take, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SwapDeadlines {
    /// To load the new version, until it is ready to take over; 30 s by default.
    pub prepare_ns: u64,
    /// To finish the calls that the old one has taken, and to save; 1 s by default.
    pub quiesce_ns: u64,
    /// To start the new one and to restore; 1 s by default.
    pub transfer_ns: u64,
    /// How long the old one is kept in case that the new one fails; 1 s by default.
    pub probation_ns: u64,
}

/// One line of authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The WIT interface, `namespace:package/interface`, with or without `@version`.
    pub interface: String,
    /// Who provides it.
    pub provider: Provider,
    /// The line by which it was granted in a command; none if the description grants it.
    pub line: Option<String>,
    pub(crate) at: usize,
}

/// Who provides an import, and on what authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Another server, or the supervisor under the name [`crate::SUPERVISOR`].
    Server {
        /// Its name.
        name: String,
        /// What a call comes to when the server ends in the middle of it.
        on_crash: OnCrash,
    },
    /// The supervisor, to change servers.
    Operator {
        /// Which, and what it may grant to them.
        scope: Rc<Scope>,
        /// As of a server.
        on_crash: OnCrash,
    },
    /// The runtime, without any kernel object: clocks, pipes, events.
    Kernel,
    /// The runtime, on ranges of ports.
    Ports(Vec<PortGrant>),
    /// The runtime, on interrupt lines.
    Interrupts(Vec<InterruptGrant>),
    /// The runtime, on windows of device memory.
    Windows(Vec<WindowGrant>),
    /// The runtime, on the firmware's screen.
    Framebuffer,
    /// The runtime, on the kernel log.
    Log(LogAccess),
    /// The runtime, on the machine.
    System(SystemRights),
}

/// What a call comes to when the server that took it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCrash {
    /// The case `peer-restarted` or `io` of the function's error type, or a trap where it has neither.
    #[default]
    Error,
    /// The next life of the server gets the call, unless handles went with it. Only for functions
    /// that do the same when they are called twice.
    Retry,
    /// A trap in the caller, whatever the error type.
    Trap,
}

/// A range of I/O ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortGrant {
    /// Under which label the driver opens it.
    pub label: String,
    /// First port.
    pub base: u16,
    /// How many, at least 1.
    pub count: u32,
}

/// A global system interrupt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterruptGrant {
    /// Under which label the driver opens it.
    pub label: String,
    /// Its number.
    pub line: u32,
}

/// A window of physical addresses outside memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowGrant {
    /// Under which label the driver opens it.
    pub label: String,
    /// First byte, page aligned.
    pub base: u64,
    /// Bytes, whole pages, at least one.
    pub length: u64,
}

/// What may be done with the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogAccess {
    /// Adding entries.
    Write,
    /// Reading everybody's.
    Read,
}

/// Which parts of the system authority are granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemRights {
    /// Reading what domains and the machine do.
    pub introspect: bool,
    /// Making domains and opening modules.
    pub domains: bool,
    /// Making device objects.
    pub devices: bool,
    /// Switching off and rebooting.
    pub power: bool,
}

impl Description {
    /// The server of that name.
    #[must_use]
    pub fn server(&self, name: &str) -> Option<&Server> {
        self.servers.iter().find(|server| server.name == name)
    }

    /// The program of that name.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.name == name)
    }

    /// File names of all components that the system needs, each once: the supervisor's first, then
    /// in the order of the file, then the other versions. What the image builder packs as boot
    /// modules.
    #[must_use]
    pub fn components(&self) -> Vec<&str> {
        let mut names = vec![crate::SUPERVISOR_COMPONENT];
        let servers = self.servers.iter().map(|server| &server.domain.component);
        let programs = self.programs.iter().map(|program| &program.domain.component);
        for component in servers.chain(programs).chain(&self.versions) {
            if !names.contains(&component.as_str()) {
                names.push(component);
            }
        }
        names
    }

    /// Indices of the servers so that each comes after those that it imports from; otherwise in
    /// the order of the file.
    #[must_use]
    pub fn start_order(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.servers.len());
        while order.len() < self.servers.len() {
            let next = (0..self.servers.len()).find(|index| {
                !order.contains(index)
                    && self.dependencies(*index).iter().all(|needed| order.contains(needed))
            });
            match next {
                Some(index) => order.push(index),
                // Only a cycle leaves nothing to take, and `parse` refuses those.
                None => break,
            }
        }
        order
    }

    /// Every domain with its server's or program's name.
    pub(crate) fn domains(&self) -> impl Iterator<Item = (&str, &Domain)> {
        let servers = self.servers.iter().map(|server| (server.name.as_str(), &server.domain));
        let programs = self.programs.iter();
        servers.chain(programs.map(|program| (program.name.as_str(), &program.domain)))
    }

    /// Indices of the other servers that the server at `index` imports from.
    #[must_use]
    pub fn dependencies(&self, index: usize) -> Vec<usize> {
        self.servers.get(index).map_or(Vec::new(), |server| self.providers_of(&server.domain))
    }

    /// Indices of the servers that a domain imports from, each once.
    #[must_use]
    pub fn providers_of(&self, domain: &Domain) -> Vec<usize> {
        let mut found = Vec::new();
        for import in &domain.imports {
            let Provider::Server { name, .. } = &import.provider else { continue };
            match self.servers.iter().position(|server| server.name == *name) {
                Some(index) if !found.contains(&index) => found.push(index),
                _ => {}
            }
        }
        found
    }
}

/// The interface's name without its version.
#[must_use]
pub fn unversioned(interface: &str) -> &str {
    interface.split_once('@').map_or(interface, |(name, _)| name)
}
