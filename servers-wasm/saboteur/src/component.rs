//! The program on the world `atoll:servers/saboteur`.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

mod calls;
mod faults;

atoll_sdk::bindings!("atoll:servers/saboteur" in "../../wit");
atoll_sdk::program!(bindings, main);

use crate::USAGE;
use crate::orders::Orders;
use atoll_sdk::program::Failure;
use bindings::atoll::supervision::modules::Module;
use faults::Saboteur;
use std::io::Write;

/// The boot module that says what to do.
const ORDERS: &str = "orders.bin";
/// Most bytes that a module gives at once.
const MOST: u32 = 60_000;

/// Carries out the orders from the one whose number is the argument on, a line for each.
fn main(arguments: &[String], output: &mut dyn Write) -> Result<(), Failure> {
    let first = arguments.first().and_then(|first| first.parse().ok());
    let first: u64 = first.ok_or_else(|| Failure::usage(USAGE))?;
    let bytes = orders().ok_or("there are no orders")?;
    let Orders { servers, orders } = Orders::read(&bytes).ok_or("the orders are malformed")?;
    let mut saboteur = Saboteur::new(servers)?;
    writeln!(output, "saboteur: every server works")?;
    for order in orders.iter().filter(|order| order.number >= first) {
        writeln!(output, "begin {}", order.number)?;
        let what = saboteur.inject(order)?;
        writeln!(output, "end {} {what}", order.number)?;
    }
    writeln!(output, "saboteur: no order is left")?;
    Ok(())
}

fn orders() -> Option<Vec<u8>> {
    let module = Module::open(ORDERS).ok()?;
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < module.size() {
        let part = module.read(bytes.len() as u64, MOST);
        if part.is_empty() {
            return None;
        }
        bytes.extend(part);
    }
    Some(bytes)
}
