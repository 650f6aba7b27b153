//! Models of protocols for a checker that tries every order of events.
//!
//! [`swap`] is the protocol by which servers are swapped and restarted: the supervisor's own state
//! machine ([`supervisor`]) between an abstract kernel ([`kernel`]), servers that crash or hang at any
//! moment, and clients that number their calls. The supervisor can crash, too ([`resume`]).

#![forbid(unsafe_code)]

pub mod kernel;
pub mod resume;
pub mod supervisor;
pub mod swap;
