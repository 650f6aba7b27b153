//! What can go wrong while values pass between a guest and a message.

use alloc::{boxed::Box, format, string::String};
use core::fmt;

use crate::resources::HandleError;

/// Why a value could not be lifted or lowered.
#[derive(Debug)]
pub enum AbiError {
    /// The guest broke the canonical ABI: it must not run on.
    Guest(String),
    /// The message is no value of the type, and that is the sender's fault. When lowering
    /// parameters the guest was not touched and can go on serving others.
    Message(String),
    /// The guest's `realloc` trapped.
    Wasm(wasmi::Error),
}

/// Small, so that the path without errors stays in registers.
pub(super) type Outcome<T> = Result<T, Box<AbiError>>;

impl AbiError {
    pub(crate) fn cannot_leave() -> Self {
        Self::Guest("cannot leave the component instance from realloc or post-return".into())
    }

    /// Puts the place where it happened before the text.
    pub(super) fn within(self, place: impl FnOnce() -> String) -> Self {
        match self {
            Self::Guest(text) => Self::Guest(format!("{}: {text}", place())),
            Self::Message(text) => Self::Message(format!("{}: {text}", place())),
            Self::Wasm(error) => Self::Wasm(error),
        }
    }
}

/// The guest's fault, with a text.
#[cold]
pub(super) fn guest<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Box::new(AbiError::Guest(text.into())))
}

/// The sender's fault, with a text.
#[cold]
pub(super) fn message<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Box::new(AbiError::Message(text.into())))
}

/// A plan that does not fit what it runs on, which is this crate's fault: the guest trapped rather
/// than everything else endangered.
#[cold]
pub(super) fn broken<T>() -> Outcome<T> {
    guest("internal error of the runtime: the plan does not fit")
}

impl From<HandleError> for AbiError {
    fn from(error: HandleError) -> Self {
        Self::Guest(format!("{error}"))
    }
}

impl From<HandleError> for Box<AbiError> {
    fn from(error: HandleError) -> Self {
        Self::new(error.into())
    }
}

impl From<wasmi::Error> for Box<AbiError> {
    fn from(error: wasmi::Error) -> Self {
        Self::new(AbiError::Wasm(error))
    }
}

impl fmt::Display for AbiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest(text) => out.write_str(text),
            Self::Message(text) => write!(out, "malformed message: {text}"),
            Self::Wasm(error) => write!(out, "realloc trapped: {error}"),
        }
    }
}

impl core::error::Error for AbiError {}

impl From<AbiError> for wasmi::Error {
    fn from(error: AbiError) -> Self {
        match error {
            AbiError::Wasm(error) => error,
            other => Self::new(format!("{other}")),
        }
    }
}
