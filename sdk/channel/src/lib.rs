//! The channel between a host and a running Atoll: what is said over a serial line, and the host's
//! side of it.
//!
//! [`frame`] makes messages of bytes on a line that may lose, change and add some, which [`crc`]
//! notices; [`message`] says what they mean, and [`pieces`] what need not be sent of a component that
//! is much like one which the system has. The host has a [`Client`]; the system has the server `deploy`, which uses the
//! same two modules (`servers-wasm/deploy`). The host asks, one request at a time, and asks again
//! when it hears nothing; who is asked twice with the same sequence number answers twice and acts
//! once. That is also the flow control: there is at most one chunk on the way.
//!
//! ```no_run
//! # fn main() -> Result<(), atoll_channel::Error> {
//! use std::{path::Path, time::Duration};
//! let socket = Path::new("/tmp/atoll.sock");
//! let mut system = atoll_channel::Client::connect(socket, Duration::from_secs(60))?;
//! let component = std::fs::read("blink.wasm")?;
//! let name = system.put("blink.wasm", &component, |bytes| println!("{bytes} bytes"))?;
//! let report = system.swap("blink", &name, |phase, took| println!("{phase}: {took:?}"))?;
//! println!("clients waited for {:?}", report.downtime);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

#[cfg(not(target_arch = "wasm32"))]
mod client;
pub mod crc;
#[cfg(not(target_arch = "wasm32"))]
mod difference;
pub mod frame;
pub mod message;
pub mod pieces;

#[cfg(not(target_arch = "wasm32"))]
pub use client::{Base, Client, Error, Report};
pub use message::Phase;
