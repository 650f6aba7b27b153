//! How a domain is configured and what its start record says: who it is, what it was granted and
//! what bounds it.
//!
//! The supervisor writes both; the kernel reads the [`DomainConfig`], the runtime of the new
//! domain reads the [`StartRecord`], which arrives like a call's message, handles included.
//! They are encoded as [`crate::encoding`] has it.

pub use crate::encoding::{Reader, Writer};
pub use crate::limits::RuntimeLimits;

/// In which ring a domain runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Isolation {
    /// Ring 0: sandbox and address space.
    Kernel = 0,
    /// Ring 3: sandbox, address space and privilege.
    User = 3,
}

/// What the kernel must know to make a domain: payload of `CreateDomain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainConfig<'a> {
    /// Its name, for logs and introspection.
    pub name: &'a str,
    /// Most bytes of memory, page tables, stack and pipes included.
    pub memory_limit: u64,
    /// Most handles in its table, at most 65,535.
    pub handle_limit: u32,
    /// Most calls of others that wait for it or that it has taken and not answered.
    pub call_limit: u32,
    /// 0, the lowest, to 7.
    pub priority: u8,
    /// In which ring it runs.
    pub isolation: Isolation,
    /// Nanoseconds of processor time in each period; 0 is no budget. A domain that used up its
    /// budget runs only when nobody else wants to, until the period ends.
    pub budget_ns: u64,
    /// Length of the period in nanoseconds.
    pub period_ns: u64,
    /// Whether it is to take over from another domain: it prepares itself and serves nothing until
    /// it is told.
    pub standby: bool,
}

impl<'a> DomainConfig<'a> {
    /// Appends the configuration.
    pub fn write(&self, out: &mut Writer<'_>) {
        out.string(self.name);
        out.u64(self.memory_limit);
        out.u32(self.handle_limit);
        out.u32(self.call_limit);
        out.u8(self.priority);
        out.u8(self.isolation as u8);
        out.u64(self.budget_ns);
        out.u64(self.period_ns);
        out.u8(u8::from(self.standby));
    }

    /// Takes a configuration; `None` if it is cut short or a field has no meaning.
    #[must_use]
    pub fn read(reader: &mut Reader<'a>) -> Option<Self> {
        Some(Self {
            name: reader.string()?,
            memory_limit: reader.u64()?,
            handle_limit: reader.u32()?,
            call_limit: reader.u32()?,
            priority: reader.u8()?,
            isolation: match reader.u8()? {
                0 => Isolation::Kernel,
                3 => Isolation::User,
                _ => return None,
            },
            budget_ns: reader.u64()?,
            period_ns: reader.u64()?,
            standby: match reader.u8()? {
                0 => false,
                1 => true,
                _ => return None,
            },
        })
    }
}

/// How the runtime of a domain behaves, beyond its bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether a trap is reported with the Wasm frames that led to it.
    pub backtrace: bool,
    /// Whether the domain asks for a snapshot when it has been instantiated, for clones of it.
    pub snapshot: bool,
}

impl Options {
    const BACKTRACE: u32 = 1 << 0;
    const SNAPSHOT: u32 = 1 << 1;

    /// One bit an option, as in the WIT type `options`.
    #[must_use]
    pub const fn bits(self) -> u32 {
        let backtrace = if self.backtrace { Self::BACKTRACE } else { 0 };
        let snapshot = if self.snapshot { Self::SNAPSHOT } else { 0 };
        backtrace | snapshot
    }

    /// The options of these bits; `None` if one has no meaning.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        let options =
            Self { backtrace: bits & Self::BACKTRACE != 0, snapshot: bits & Self::SNAPSHOT != 0 };
        if options.bits() == bits { Some(options) } else { None }
    }
}

/// How one grant is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum GrantKind {
    /// Import `interface` goes to the endpoint in the slot.
    Endpoint = 1,
    /// Import `interface` is provided by the runtime itself, on the kernel object in the slot if
    /// it needs one. `label` tells several apart (`uart`, `keyboard`).
    Kernel = 2,
    /// Export `interface` is served on the endpoint in the slot.
    Export = 3,
    /// A standard stream of a program: `label` is `stdin`, `stdout` or `stderr`, the slot a pipe.
    Stream = 4,
    /// As `Endpoint`; a call whose server ends traps, whatever the function's error type.
    EndpointOrTrap = 5,
}

/// Slot number of a grant that needs no handle.
pub const NO_SLOT: u32 = u32::MAX;

/// One line of authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    /// How it is meant.
    pub kind: GrantKind,
    /// WIT interface, `package:name/interface`, with or without `@version`.
    pub interface: &'a str,
    /// Tells grants of one interface apart; may be empty. Of the framebuffer, which needs no such
    /// name, it is the geometry: width, height and pitch in decimal, `1024x768/4096`.
    pub label: &'a str,
    /// Index of the handle's slot in the start message, or [`NO_SLOT`].
    pub slot: u32,
}

/// Bytes of a signer's key.
pub const SIGNER_KEY: usize = 32;

/// Who can have signed the component of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signer<'a> {
    /// What the system calls the key.
    pub name: &'a str,
    /// The public key, of Ed25519.
    pub key: [u8; SIGNER_KEY],
}

/// The first message of a domain, as its writer lays it out. Reading goes through
/// [`StartReader`], which needs no memory.
#[derive(Clone, Copy, Debug)]
pub struct StartRecord<'a> {
    /// The server's name.
    pub name: &'a str,
    /// Its bounds.
    pub limits: RuntimeLimits,
    /// How its runtime behaves.
    pub options: Options,
    /// If there are any, one of them has to have signed the component.
    pub signers: &'a [Signer<'a>],
    /// Program arguments, the name first.
    pub arguments: &'a [&'a str],
    /// Program environment.
    pub environment: &'a [(&'a str, &'a str)],
    /// Its authority.
    pub grants: &'a [Grant<'a>],
}

impl StartRecord<'_> {
    /// Appends the record.
    pub fn write(&self, out: &mut Writer<'_>) {
        out.string(self.name);
        self.limits.write(out);
        out.u32(self.options.bits());
        out.u32(self.signers.len() as u32);
        for signer in self.signers {
            out.string(signer.name);
            out.bytes(&signer.key);
        }
        out.u32(self.arguments.len() as u32);
        for argument in self.arguments {
            out.string(argument);
        }
        out.u32(self.environment.len() as u32);
        for (name, value) in self.environment {
            out.string(name);
            out.string(value);
        }
        out.u32(self.grants.len() as u32);
        for grant in self.grants {
            out.u8(grant.kind as u8);
            out.string(grant.interface);
            out.string(grant.label);
            out.u32(grant.slot);
        }
    }
}

/// A start record as its reader sees it: the fixed part decoded, the lists to be walked.
#[derive(Clone, Copy, Debug)]
pub struct StartReader<'a> {
    /// The server's name.
    pub name: &'a str,
    /// Its bounds.
    pub limits: RuntimeLimits,
    /// How its runtime behaves.
    pub options: Options,
    signers: List<'a>,
    arguments: List<'a>,
    environment: List<'a>,
    grants: List<'a>,
}

#[derive(Clone, Copy, Debug)]
struct List<'a> {
    count: u32,
    reader: Reader<'a>,
}

impl<'a> List<'a> {
    /// Remembers where a list begins and moves `reader` behind it.
    fn take<T>(reader: &mut Reader<'a>, element: fn(&mut Reader<'a>) -> Option<T>) -> Option<Self> {
        let count = reader.u32()?;
        let list = Self { count, reader: *reader };
        for _ in 0..count {
            element(reader)?;
        }
        Some(list)
    }

    fn iter<T>(
        self,
        element: fn(&mut Reader<'a>) -> Option<T>,
    ) -> impl Iterator<Item = T> + use<'a, T> {
        let mut reader = self.reader;
        (0..self.count).map_while(move |_| element(&mut reader))
    }
}

fn pair<'a>(reader: &mut Reader<'a>) -> Option<(&'a str, &'a str)> {
    Some((reader.string()?, reader.string()?))
}

fn signer<'a>(reader: &mut Reader<'a>) -> Option<Signer<'a>> {
    let name = reader.string()?;
    let key = reader.bytes(SIGNER_KEY)?.try_into().ok()?;
    Some(Signer { name, key })
}

fn grant<'a>(reader: &mut Reader<'a>) -> Option<Grant<'a>> {
    Some(Grant {
        kind: match reader.u8()? {
            1 => GrantKind::Endpoint,
            2 => GrantKind::Kernel,
            3 => GrantKind::Export,
            4 => GrantKind::Stream,
            5 => GrantKind::EndpointOrTrap,
            _ => return None,
        },
        interface: reader.string()?,
        label: reader.string()?,
        slot: reader.u32()?,
    })
}

impl<'a> StartReader<'a> {
    /// Reads and checks a whole record; `None` if it is malformed anywhere.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self {
            name: reader.string()?,
            limits: RuntimeLimits::read(&mut reader)?,
            options: Options::from_bits(reader.u32()?)?,
            signers: List::take(&mut reader, signer)?,
            arguments: List::take(&mut reader, Reader::string)?,
            environment: List::take(&mut reader, pair)?,
            grants: List::take(&mut reader, grant)?,
        })
    }

    /// Who can have signed the component.
    pub fn signers(&self) -> impl Iterator<Item = Signer<'a>> + use<'a> {
        self.signers.iter(signer)
    }

    /// Program arguments, the name first.
    pub fn arguments(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.arguments.iter(Reader::string)
    }

    /// Program environment.
    pub fn environment(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.environment.iter(pair)
    }

    /// The domain's authority.
    pub fn grants(&self) -> impl Iterator<Item = Grant<'a>> + use<'a> {
        self.grants.iter(grant)
    }
}
