//! The component: the world's imports behind [`System`], and the UART.
//!
//! Like every driver it touches its device with the first event, not in `start`: in a swap the
//! version before may still come back to it (ADR 89).

atoll_sdk::bindings!("atoll:servers/deploy" in "../../wit");

mod system;

use crate::Deploy;
use atoll_uart::Uart;
use bindings::{
    atoll::{
        clocks::monotonic,
        device::port_io::Ports,
        io::{events::Event, watch},
        log::log::{Level, write as log},
    },
    exports::atoll::{io::handler, lifecycle::start},
    wasi::io::poll::Pollable,
};
use std::cell::RefCell;
use system::World;

/// Token of the event that comes true when this server serves.
const SERVES: u64 = 1;
/// Of the interrupt.
const LINE: u64 = 2;
/// Of the swap that is under way.
const SWAP: u64 = 3;
/// The label of the grants of ports and interrupt.
const LABEL: &str = "uart";

atoll_sdk::port_registers!(Ports);

atoll_sdk::interrupt_line!(bindings);

/// The serial line and what is said on it.
struct Line {
    uart: Uart<Ports>,
    interrupt: InterruptLine,
    deploy: Deploy<World>,
}

impl Line {
    /// Opens what was granted; an error says what is not there.
    fn open() -> Result<Self, String> {
        let absent = |what: &str| what.to_owned() + " cannot be opened";
        let ports = Ports::open(LABEL).map_err(|_| absent("its ports"))?;
        let interrupt = InterruptLine::open(LABEL, LINE).map_err(|_| absent("its interrupt"))?;
        let uart = Uart::find(ports).ok_or("nothing answers there")?;
        Ok(Self { uart, interrupt, deploy: Deploy::new(World::default()) })
    }

    /// Takes what came, and answers.
    fn serve(&mut self) {
        let Self { uart, interrupt, deploy } = self;
        let mut received = Vec::new();
        interrupt.serve(|| {
            uart.service(&mut received);
        });
        if !received.is_empty() {
            let answers = deploy.receive(&received, monotonic::now());
            uart.send(&answers);
        }
    }

    fn tell(&mut self) {
        let news = self.deploy.swap_changed();
        self.uart.send(&news);
    }
}

thread_local! {
    /// Absent on a machine without a second serial line.
    static DEPLOY: RefCell<Option<Line>> = const { RefCell::new(None) };
}

struct Component;

impl start::Guest for Component {
    fn start() -> Result<(), String> {
        match Line::open() {
            Ok(line) => {
                // What is watched comes true when this version serves.
                let begin = Event::new();
                begin.set();
                let serves = begin.subscribe();
                watch::watch(&serves, SERVES);
                BEGINNING.set(Some((serves, begin)));
                DEPLOY.set(Some(line));
            }
            // A system for developers also boots where nobody develops.
            Err(why) => {
                let mut text = String::from("second serial line not used: ");
                text.push_str(&why);
                log(Level::Warn, &text);
            }
        }
        Ok(())
    }
}

thread_local! {
    /// The event that is set, until it was heard of.
    static BEGINNING: RefCell<Option<(Pollable, Event)>> = const { RefCell::new(None) };
}

impl handler::Guest for Component {
    fn ready(token: u64) {
        DEPLOY.with_borrow_mut(|line| {
            let Some(line) = line else { return };
            match token {
                SERVES => {
                    BEGINNING.set(None);
                    line.uart.set_up();
                    line.serve();
                }
                LINE => line.serve(),
                SWAP => line.tell(),
                _ => {}
            }
        });
    }
}

bindings::export!(Component);
