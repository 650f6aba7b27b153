//! Glue between the program and the world `atoll:servers/saboteur`.
#![allow(unsafe_code, reason = "wit-bindgen's export! expands to unsafe")]

mod calls;
mod faults;

wit_bindgen::generate!({
    path: "../../wit",
    world: "atoll:servers/saboteur",
    generate_all,
});

use crate::USAGE;
use crate::orders::Orders;
use atoll::supervision::modules::Module;
use atoll_allocator as _;
use atoll_sdk::stream;
use exports::wasi::cli::run::Guest;
use faults::Saboteur;
use wasi::cli::{environment, exit, stderr, stdout};
use wasi::io::streams::OutputStream;

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;
/// The boot module that says what to do.
const ORDERS: &str = "orders.bin";
/// Most bytes that a module gives at once.
const MOST: u32 = 60_000;

struct Program;

export!(Program);

impl Guest for Program {
    fn run() -> Result<(), ()> {
        let arguments = environment::get_arguments();
        let Some(first) = arguments.get(1).and_then(|first| first.parse().ok()) else {
            print(&stderr::get_stderr(), USAGE);
            exit::exit_with_code(EXIT_USAGE);
            return Err(());
        };
        if let Err(why) = obey(first) {
            print(&stderr::get_stderr(), &[&why, "\n"].concat());
            exit::exit_with_code(EXIT_FAILED);
        }
        Ok(())
    }
}

/// Carries out the orders from one on, a line for each.
fn obey(first: u64) -> Result<(), String> {
    let bytes = orders().ok_or("there are no orders")?;
    let Orders { servers, orders } = Orders::read(&bytes).ok_or("the orders are malformed")?;
    let output = stdout::get_stdout();
    let mut saboteur = Saboteur::new(servers)?;
    print(&output, "saboteur: every server works\n");
    for order in orders.iter().filter(|order| order.number >= first) {
        print(&output, &format!("begin {}\n", order.number));
        let what = saboteur.inject(order)?;
        print(&output, &format!("end {} {what}\n", order.number));
    }
    print(&output, "saboteur: no order is left\n");
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

/// Prints; a reader who is gone no longer wants to know.
fn print(output: &OutputStream, text: &str) {
    let _ = stream::write(text.as_bytes(), |piece| output.blocking_write_and_flush(piece));
}
