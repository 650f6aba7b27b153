//! A user's project: a folder with an `atoll.toml`, the world of a server, and its sources.
//!
//! [`manifest`] reads `atoll.toml`, [`new`] makes a project from a template, [`build`] builds its
//! component with what [`variables`] knows of toolchains, [`interfaces`] keeps its copy of Atoll's
//! interfaces, and [`system`] puts its lines of a system description to a whole one.

pub mod build;
mod interfaces;
pub mod manifest;
pub mod new;
pub mod system;
mod variables;

pub use manifest::Project;
pub use variables::Missing;
