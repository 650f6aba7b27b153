//! The system description: which servers and programs a system has, what each is granted and how
//! each is supervised.
//!
//! [`Description::parse`] turns the TOML text into checked data or refuses it with file, line,
//! column and reason; nothing that it returns has to be checked again. The image builder reads the
//! same file on the host to learn which components to pack, the supervisor reads it at boot to act
//! on it, so this crate also builds for `wasm32-unknown-unknown` and is kept small.
//!
//! The way of a text: `document` (TOML to a tree with positions) → `read` (tree to [`model`], by
//! means of `fields`, `grants`, `signers`, `units` and `interfaces`) → `check` (what spans several entries: references,
//! cycles, overlaps). `version` makes the description of a system in which a server was swapped. `scope` is what operators may change.

#![forbid(unsafe_code)]

mod check;
mod document;
mod environment;
mod error;
mod fields;
mod grants;
mod interfaces;
pub mod model;
mod read;
mod scope;
mod signers;
mod units;
mod version;

pub use error::DescriptionError;
pub use interfaces::{PROGRAM_INTERFACES, grant};
pub use model::{
    Budget, Description, Domain, Health, Import, InterruptGrant, Isolation, Limits, LogAccess,
    OnCrash, PortGrant, Program, Provider, Restart, RestartPolicy, Server, Signer, Start,
    SwapDeadlines, SystemRights, WindowGrant,
};
pub use scope::Scope;
pub use units::{NAME_MAX, is_component, is_name};

/// Name under which servers import what the supervisor itself serves. No server may have it.
pub const SUPERVISOR: &str = "supervisor";
/// The component of the supervisor, which the kernel starts and no description lists.
pub const SUPERVISOR_COMPONENT: &str = "supervisor.wasm";
/// The interface by which the supervisor tells of servers and runs programs.
pub const SUPERVISOR_EXPORT: &str = "atoll:supervision/servers";
/// The interface by which operators change servers.
pub const SUPERVISOR_OPERATORS: &str = "atoll:supervision/swapping";
/// The interface by which clients of the supervisor hand over components.
pub const SUPERVISOR_UPLOADS: &str = "atoll:supervision/uploads";
/// Name of the boot module that holds the description.
pub const DESCRIPTION_MODULE: &str = "system.toml";

impl Description {
    /// Reads and checks a whole description. `file` is only for messages.
    ///
    /// # Errors
    /// The first thing wrong with the text, with its place.
    pub fn parse(text: &str, file: &str) -> Result<Self, DescriptionError> {
        document::read(text)
            .and_then(read::description)
            .and_then(|description| check::check(&description).map(|()| description))
            .map_err(|fault| fault.locate(text, file))
    }
}
