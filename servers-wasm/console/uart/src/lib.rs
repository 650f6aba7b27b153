//! Driver of a 16550 UART: interrupts in both directions, no waiting.
//!
//! [`Uart`] works on its registers, which are eight I/O ports on the machine and a model in the
//! tests. Register numbers and bits are those of the PC16550D data sheet, section 8. The console
//! drives the first serial line with it, `deploy` the second.

#![forbid(unsafe_code)]

use atoll_sdk::device::{Field, ReadOnly, Register, Registers, WriteOnly};
use std::collections::VecDeque;

/// Receive buffer (read), transmit holding register (write), divisor's low byte (DLAB).
const DATA: Register<u8> = Register::at(0);
/// Interrupt enable; divisor's high byte (DLAB).
const INTERRUPT_ENABLE: Register<u8, WriteOnly> = Register::at(1);
const INTERRUPT_ID: Register<u8, ReadOnly> = Register::at(2);
const FIFO_CONTROL: Register<u8, WriteOnly> = Register::at(2);
const LINE_CONTROL: Register<u8, WriteOnly> = Register::at(3);
const MODEM_CONTROL: Register<u8, WriteOnly> = Register::at(4);
const LINE_STATUS: Register<u8, ReadOnly> = Register::at(5);
const MODEM_STATUS: Register<u8, ReadOnly> = Register::at(6);
const SCRATCH: Register<u8> = Register::at(7);

/// In the interrupt identification: that there is none, and which there is.
const NOTHING_PENDING: Field<u8> = Field::bit(0);
const CAUSE: Field<u8> = Field::bits(1, 3);
/// In the line status.
const DATA_READY: Field<u8> = Field::bit(0);
const TRANSMITTER_EMPTY: Field<u8> = Field::bit(5);

/// Interrupts that are always wanted: received data, line status.
const RECEIVE_INTERRUPTS: u8 = 0b0101;
/// The interrupt of an empty transmitter, wanted only while bytes wait: some devices raise it after
/// every byte that they take at once.
const TRANSMIT_INTERRUPT: u8 = 0b0010;
/// Opens the divisor.
const DIVISOR_ACCESS: u8 = 0x80;
/// Eight data bits, no parity, one stop bit.
const FRAME_8N1: u8 = 0x03;
/// FIFOs on and emptied, interrupt at eight received bytes (or after a pause with fewer).
const FIFO_SETUP: u8 = 0x87;
/// DTR, RTS, and OUT2, which connects the interrupt line on a PC.
const MODEM_SETUP: u8 = 0x0b;
/// The same without RTS: the other end is to wait.
const MODEM_PAUSED: u8 = 0x09;
/// Bytes that fit the transmit FIFO once it is empty.
const FIFO_DEPTH: usize = 16;
/// Most causes served in one interrupt, so that a broken device cannot hold the server.
const MAX_CAUSES: usize = 64;
/// Most bytes taken from the receiver at once, for the same reason.
const MAX_RECEIVED: usize = 256;

/// Most bytes that wait for the transmitter; more are dropped.
pub const QUEUE_LIMIT: usize = 32 * 1024;

/// A UART that was found, and the bytes that wait for it.
#[derive(Debug)]
pub struct Uart<R> {
    registers: R,
    queue: VecDeque<u8>,
    /// Whether an empty transmitter interrupts.
    is_asking: bool,
}

impl<R: Registers<u8>> Uart<R> {
    /// Looks for a UART, which stays as it is. `None` if nothing answers.
    pub fn find(registers: R) -> Option<Self> {
        for probe in [0x5a, 0xa5] {
            SCRATCH.write(&registers, probe);
            if SCRATCH.read(&registers) != probe {
                return None;
            }
        }
        Some(Self { registers, queue: VecDeque::new(), is_asking: false })
    }

    /// Sets it to 115,200 baud 8N1 and opens its interrupts. What it has received is lost.
    pub fn set_up(&mut self) {
        let Self { registers, .. } = self;
        INTERRUPT_ENABLE.write(registers, 0);
        LINE_CONTROL.write(registers, DIVISOR_ACCESS | FRAME_8N1);
        DATA.write(registers, 1);
        INTERRUPT_ENABLE.write(registers, 0);
        LINE_CONTROL.write(registers, FRAME_8N1);
        FIFO_CONTROL.write(registers, FIFO_SETUP);
        MODEM_CONTROL.write(registers, MODEM_SETUP);
        // Reading these clears what was pending from before.
        LINE_STATUS.read(registers);
        DATA.read(registers);
        INTERRUPT_ID.read(registers);
        MODEM_STATUS.read(registers);
        INTERRUPT_ENABLE.write(registers, RECEIVE_INTERRUPTS);
    }

    /// Asks the other end to send no more than the FIFO takes: nobody will look for a while.
    pub fn pause(&self) {
        MODEM_CONTROL.write(&self.registers, MODEM_PAUSED);
    }

    /// Goes on with a UART that was set up before, perhaps by another. What it has received waits
    /// to be served.
    pub fn resume(&mut self) {
        MODEM_CONTROL.write(&self.registers, MODEM_SETUP);
        INTERRUPT_ENABLE.write(&self.registers, RECEIVE_INTERRUPTS);
        self.is_asking = false;
        self.transmit();
    }

    /// The bytes that wait for the transmitter.
    #[must_use]
    pub fn queued(&self) -> Vec<u8> {
        self.queue.iter().copied().collect()
    }

    /// Lets these bytes wait for the transmitter and no others; it is not touched.
    pub fn replace_queue(&mut self, bytes: &[u8]) {
        self.queue.clear();
        self.queue.extend(bytes.iter().take(QUEUE_LIMIT));
    }

    /// Serves every cause that the device shows and appends what was received to `received`.
    /// Returns whether there was any. The line is edge triggered: it must be called until it
    /// returns `false` after the interrupt is acknowledged, or an edge is lost.
    pub fn service(&mut self, received: &mut Vec<u8>) -> bool {
        let mut served = false;
        for _ in 0..MAX_CAUSES {
            let id = INTERRUPT_ID.read(&self.registers);
            if NOTHING_PENDING.is_set(id) {
                break;
            }
            served = true;
            match CAUSE.of(id) {
                1 => self.transmit(),
                2 | 6 => self.receive(received),
                3 => {
                    LINE_STATUS.read(&self.registers);
                }
                _ => {
                    MODEM_STATUS.read(&self.registers);
                }
            }
        }
        served
    }

    /// Queues bytes and hands over what the transmitter takes at once; an interrupt asks for the
    /// rest.
    pub fn send(&mut self, bytes: &[u8]) {
        let room = QUEUE_LIMIT.saturating_sub(self.queue.len());
        self.queue.extend(bytes.iter().take(room));
        self.transmit();
    }

    /// Bytes that wait for the transmitter.
    pub fn backlog(&self) -> usize {
        self.queue.len()
    }

    fn transmit(&mut self) {
        while !self.queue.is_empty() && TRANSMITTER_EMPTY.is_set(LINE_STATUS.read(&self.registers))
        {
            let burst = self.queue.len().min(FIFO_DEPTH);
            for byte in self.queue.drain(..burst) {
                DATA.write(&self.registers, byte);
            }
        }
        self.ask(!self.queue.is_empty());
    }

    /// Chooses whether an empty transmitter interrupts.
    fn ask(&mut self, is_wanted: bool) {
        if self.is_asking != is_wanted {
            self.is_asking = is_wanted;
            let transmit = if is_wanted { TRANSMIT_INTERRUPT } else { 0 };
            INTERRUPT_ENABLE.write(&self.registers, RECEIVE_INTERRUPTS | transmit);
        }
    }

    fn receive(&self, received: &mut Vec<u8>) {
        for _ in 0..MAX_RECEIVED {
            if !DATA_READY.is_set(LINE_STATUS.read(&self.registers)) {
                break;
            }
            received.push(DATA.read(&self.registers));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    // Where the driver has registers, the model has their offsets.
    const DATA: u32 = super::DATA.offset();
    const INTERRUPT_ENABLE: u32 = super::INTERRUPT_ENABLE.offset();
    const INTERRUPT_ID: u32 = super::INTERRUPT_ID.offset();
    const LINE_CONTROL: u32 = super::LINE_CONTROL.offset();
    const LINE_STATUS: u32 = super::LINE_STATUS.offset();
    const MODEM_CONTROL: u32 = super::MODEM_CONTROL.offset();

    /// A UART whose wire is looked at by the test.
    #[derive(Debug, Default)]
    struct Model {
        latch: [u8; 8],
        divisor: u8,
        incoming: VecDeque<u8>,
        fifo: Vec<u8>,
        wire: Vec<u8>,
        empty_pending: bool,
        /// Whether a filled FIFO stays full until `drain`.
        slow: bool,
    }

    impl Model {
        fn asks(&self) -> bool {
            self.latch[INTERRUPT_ENABLE as usize] & TRANSMIT_INTERRUPT != 0
        }
    }

    #[derive(Clone, Debug, Default)]
    struct Shared(Rc<RefCell<Model>>);

    impl Shared {
        fn drain(&self) {
            let mut model = self.0.borrow_mut();
            let sent = std::mem::take(&mut model.fifo);
            assert!(sent.len() <= FIFO_DEPTH, "FIFO overrun");
            model.wire.extend(sent);
            model.empty_pending = true;
        }
    }

    impl Registers<u8> for Shared {
        fn read(&self, offset: u32) -> u8 {
            let mut model = self.0.borrow_mut();
            match offset {
                DATA => model.incoming.pop_front().unwrap_or(0),
                INTERRUPT_ID if !model.incoming.is_empty() => 0xc4,
                INTERRUPT_ID if model.empty_pending && model.asks() => {
                    model.empty_pending = false;
                    0xc2
                }
                INTERRUPT_ID => 0xc1,
                LINE_STATUS => {
                    let status = DATA_READY.put(0, u8::from(!model.incoming.is_empty()));
                    TRANSMITTER_EMPTY.put(status, u8::from(model.fifo.is_empty()))
                }
                other => model.latch[other as usize],
            }
        }

        fn write(&self, offset: u32, value: u8) {
            let mut model = self.0.borrow_mut();
            let divisor = model.latch[LINE_CONTROL as usize] & DIVISOR_ACCESS != 0;
            match offset {
                DATA if divisor => model.divisor = value,
                DATA => {
                    model.fifo.push(value);
                    if !model.slow {
                        drop(model);
                        self.drain();
                    }
                }
                other => model.latch[other as usize] = value,
            }
        }
    }

    fn started() -> (Uart<Shared>, Shared) {
        let model = Shared::default();
        let mut uart = Uart::find(model.clone()).unwrap();
        uart.set_up();
        (uart, model)
    }

    #[test]
    fn programs_the_line() {
        let (_uart, model) = started();
        let model = model.0.borrow();
        assert_eq!(model.divisor, 1);
        assert_eq!(model.latch[LINE_CONTROL as usize], FRAME_8N1);
        assert_eq!(model.latch[INTERRUPT_ENABLE as usize], RECEIVE_INTERRUPTS);
        assert_eq!(model.latch[MODEM_CONTROL as usize] & 0x08, 0x08);
    }

    #[test]
    fn absent_uart_is_noticed() {
        struct Nothing;
        impl Registers<u8> for Nothing {
            fn read(&self, _offset: u32) -> u8 {
                0xff
            }
            fn write(&self, _offset: u32, _value: u8) {}
        }
        assert!(Uart::find(Nothing).is_none());
    }

    #[test]
    fn fills_the_fifo_and_goes_on_by_interrupt() {
        let (mut uart, model) = started();
        model.0.borrow_mut().slow = true;
        let text: Vec<u8> = (0..40).collect();
        uart.send(&text);
        assert_eq!(uart.backlog(), 24);
        assert!(model.0.borrow().asks());
        let mut received = Vec::new();
        for _ in 0..2 {
            model.drain();
            assert!(uart.service(&mut received));
        }
        assert_eq!(uart.backlog(), 0);
        model.drain();
        assert!(!uart.service(&mut received));
        assert!(!model.0.borrow().asks());
        assert_eq!(model.0.borrow().wire, text);
    }

    #[test]
    fn receives_a_burst() {
        let (mut uart, model) = started();
        model.0.borrow_mut().incoming.extend(b"hello");
        let mut received = Vec::new();
        assert!(uart.service(&mut received));
        assert_eq!(received, b"hello");
        assert!(!uart.service(&mut received));
    }

    #[test]
    fn queue_is_bounded() {
        let (mut uart, model) = started();
        model.0.borrow_mut().slow = true;
        uart.send(&vec![b'x'; QUEUE_LIMIT + 100]);
        assert!(uart.backlog() <= QUEUE_LIMIT);
    }

    #[test]
    fn another_goes_on_where_this_one_was() {
        let (mut uart, model) = started();
        model.0.borrow_mut().slow = true;
        let text: Vec<u8> = (0..40).collect();
        uart.send(&text);
        uart.pause();
        assert_eq!(model.0.borrow().latch[MODEM_CONTROL as usize] & 0x02, 0);
        model.0.borrow_mut().incoming.extend(b"typed");
        let mut next = Uart::find(model.clone()).unwrap();
        next.replace_queue(&uart.queued());
        model.drain();
        next.resume();
        assert!(model.0.borrow().asks());
        assert_eq!(model.0.borrow().latch[MODEM_CONTROL as usize], MODEM_SETUP);
        let mut received = Vec::new();
        while next.backlog() > 0 {
            model.drain();
            next.service(&mut received);
        }
        model.drain();
        assert_eq!(received, b"typed");
        assert_eq!(model.0.borrow().wire, text);
    }
}
