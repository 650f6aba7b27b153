//! What a handle can name.

use super::slab::Id;
use atoll_gate::call::ObjectKind;

/// Tags that type the ids of kernel objects; the objects themselves live in other rooms.
pub mod tag {
    /// `domain::Domain`.
    #[derive(Debug)]
    pub enum Domain {}
    /// `ipc::Endpoint`.
    #[derive(Debug)]
    pub enum Endpoint {}
    /// `ipc::Minted`.
    #[derive(Debug)]
    pub enum Minted {}
    /// `ipc::Pipe`.
    #[derive(Debug)]
    pub enum Pipe {}
    /// `ipc::Event`.
    #[derive(Debug)]
    pub enum Event {}
    /// `ipc::Watch`.
    #[derive(Debug)]
    pub enum Watch {}
    /// `ipc::Capsule`.
    #[derive(Debug)]
    pub enum Capsule {}
    /// `ipc::Blob`.
    #[derive(Debug)]
    pub enum Blob {}
    /// `ipc::PendingCall`.
    #[derive(Debug)]
    pub enum Call {}
    /// `ipc::Mail`.
    #[derive(Debug)]
    pub enum Mail {}
    /// `domain::devices::Interrupt`.
    #[derive(Debug)]
    pub enum Interrupt {}
    /// `domain::devices::Ports`.
    #[derive(Debug)]
    pub enum Ports {}
    /// `domain::devices::Window`.
    #[derive(Debug)]
    pub enum Window {}
}

/// Names a domain.
pub type DomainId = Id<tag::Domain>;
/// Names an endpoint.
pub type EndpointId = Id<tag::Endpoint>;
/// Names an object that a server minted.
pub type MintedId = Id<tag::Minted>;
/// Names a pipe.
pub type PipeId = Id<tag::Pipe>;
/// Names an event.
pub type EventId = Id<tag::Event>;
/// Names a watch.
pub type WatchId = Id<tag::Watch>;
/// Names a capsule.
pub type CapsuleId = Id<tag::Capsule>;
/// Names a blob.
pub type BlobId = Id<tag::Blob>;
/// Names a call that is not over.
pub type CallId = Id<tag::Call>;
/// Names what the kernel keeps for a call.
pub type MailId = Id<tag::Mail>;
/// Names an interrupt line that a domain holds.
pub type InterruptId = Id<tag::Interrupt>;
/// Names a range of I/O ports.
pub type PortsId = Id<tag::Ports>;
/// Names a window of physical addresses.
pub type WindowId = Id<tag::Window>;

/// What a handle names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A place to send calls to.
    Endpoint(EndpointId),
    /// An object that a server minted.
    Minted(MintedId),
    /// The reading end of a pipe.
    PipeReader(PipeId),
    /// The writing end of a pipe.
    PipeWriter(PipeId),
    /// An event.
    Event(EventId),
    /// An interrupt line.
    Interrupt(InterruptId),
    /// A range of I/O ports.
    Ports(PortsId),
    /// A window of physical addresses.
    Window(WindowId),
    /// A module.
    Blob(BlobId),
    /// A domain, to supervise it.
    Domain(DomainId),
    /// The kernel log.
    Log,
    /// The machine.
    System,
    /// A capsule.
    Capsule(CapsuleId),
}

impl Object {
    /// Its kind, as domains see it.
    #[must_use]
    pub const fn kind(self) -> ObjectKind {
        match self {
            Self::Endpoint(_) => ObjectKind::Endpoint,
            Self::Minted(_) => ObjectKind::Object,
            Self::PipeReader(_) => ObjectKind::PipeReader,
            Self::PipeWriter(_) => ObjectKind::PipeWriter,
            Self::Event(_) => ObjectKind::Event,
            Self::Interrupt(_) => ObjectKind::Interrupt,
            Self::Ports(_) => ObjectKind::Ports,
            Self::Window(_) => ObjectKind::Window,
            Self::Blob(_) => ObjectKind::Blob,
            Self::Domain(_) => ObjectKind::Domain,
            Self::Log => ObjectKind::Log,
            Self::System => ObjectKind::System,
            Self::Capsule(_) => ObjectKind::Capsule,
        }
    }
}
