//! Executes the scripts of WebAssembly's test suites, in a domain as on the host.
//!
//! A suite is a set of `.wast` files. Reading that text takes a parser of both text formats, which
//! has no place in a domain; so the host (`tests/wast`) turns the files into [`script`]s, a binary
//! form with modules and components in theirs, and [`run()`] executes these wherever the runtime
//! runs. What it reports is text, one [`Report`] line at a time, and the same in both places.
//!
//! Directives about core modules run on [`atoll_runtime::engine`], those about components on
//! [`atoll_runtime::Component`] and [`atoll_runtime::Instance`].

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod run;
pub mod script;

pub use run::{Report, Tally, run};
