//! The orders: which servers there are, what work they do, and which faults to inject.
//!
//! Numbers are little-endian; texts, bytes and lists stand behind a count of 32 bits. A file is a
//! list of servers and a list of orders. `tests/inject` writes it.

/// A server and the work that it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name in the system description.
    pub name: String,
    /// The interface that is called.
    pub interface: String,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// A part of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A call.
    Call {
        /// The function's number.
        method: u32,
        /// The parameters in the wire form.
        payload: Vec<u8>,
        /// Objects that go with it, by the order in which they were handed out, and whether they are
        /// lent.
        objects: Vec<(u32, bool)>,
    },
    /// Lets go of an object.
    Drop(u32),
}

/// A fault to inject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number in the campaign.
    pub number: u64,
    /// The place of its server.
    pub server: u32,
    /// What to do.
    pub fault: Fault,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Swap this component in.
    Swap(String),
    /// After so many steps, flip a bit in one of the domain's pages.
    Flip {
        /// Steps before.
        step: u32,
        /// Says which page.
        page: u64,
        /// Which bit of it.
        bit: u32,
    },
    /// After so many steps, let a gate call fail.
    Fail {
        /// Steps before.
        step: u32,
        /// Gate calls that do not fail before.
        calls: u64,
        /// How it fails.
        status: u32,
    },
    /// Kill the domain, and let a gate call of the next one fail.
    FailNext {
        /// Gate calls that do not fail before.
        calls: u64,
        /// How it fails.
        status: u32,
    },
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// The servers.
    pub servers: Vec<Server>,
    /// The faults, in order.
    pub orders: Vec<Order>,
}

impl Orders {
    /// Reads a file; `None` if it is malformed.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let servers = reader.list(Reader::server)?;
        let orders = reader.list(Reader::order)?;
        reader.0.is_empty().then_some(Self { servers, orders })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = Writer(Vec::new());
        out.list(&self.servers, |out, server| {
            out.bytes(server.name.as_bytes());
            out.bytes(server.interface.as_bytes());
            out.list(&server.steps, Writer::step);
        });
        out.list(&self.orders, Writer::order);
        out.0
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.u32(bytes.len() as u32);
        self.0.extend_from_slice(bytes);
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.u32(items.len() as u32);
        for item in items {
            write(self, item);
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Call { method, payload, objects } => {
                self.u32(0);
                self.u32(*method);
                self.bytes(payload);
                self.list(objects, |out, (object, lent)| {
                    out.u32(*object);
                    out.u32(u32::from(*lent));
                });
            }
            Step::Drop(object) => {
                self.u32(1);
                self.u32(*object);
            }
        }
    }

    fn order(&mut self, order: &Order) {
        self.u64(order.number);
        self.u32(order.server);
        match &order.fault {
            Fault::Swap(name) => {
                self.u32(0);
                self.bytes(name.as_bytes());
            }
            Fault::Flip { step, page, bit } => {
                self.u32(1);
                self.u32(*step);
                self.u64(*page);
                self.u32(*bit);
            }
            Fault::Fail { step, calls, status } => {
                self.u32(2);
                self.u32(*step);
                self.u64(*calls);
                self.u32(*status);
            }
            Fault::FailNext { calls, status } => {
                self.u32(3);
                self.u64(*calls);
                self.u32(*status);
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn u32(&mut self) -> Option<u32> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*value))
    }

    fn u64(&mut self) -> Option<u64> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*value))
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let len = self.u32()? as usize;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes.to_vec())
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?).ok()
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u32()?;
        (0..count).map(|_| read(self)).collect()
    }

    fn server(&mut self) -> Option<Server> {
        Some(Server { name: self.text()?, interface: self.text()?, steps: self.list(Self::step)? })
    }

    fn step(&mut self) -> Option<Step> {
        Some(match self.u32()? {
            0 => Step::Call {
                method: self.u32()?,
                payload: self.bytes()?,
                objects: self.list(|reader| Some((reader.u32()?, reader.u32()? != 0)))?,
            },
            1 => Step::Drop(self.u32()?),
            _ => return None,
        })
    }

    fn order(&mut self) -> Option<Order> {
        let (number, server) = (self.u64()?, self.u32()?);
        let fault = match self.u32()? {
            0 => Fault::Swap(self.text()?),
            1 => Fault::Flip { step: self.u32()?, page: self.u64()?, bit: self.u32()? },
            2 => Fault::Fail { step: self.u32()?, calls: self.u64()?, status: self.u32()? },
            3 => Fault::FailNext { calls: self.u64()?, status: self.u32()? },
            _ => return None,
        };
        Some(Order { number, server, fault })
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Order, Orders, Server, Step};

    #[test]
    fn what_is_written_is_read_again() {
        let steps = vec![
            Step::Call { method: 3, payload: vec![1, 2], objects: vec![(0, true), (1, false)] },
            Step::Drop(1),
        ];
        let server = Server { name: "store".into(), interface: "a:b/c".into(), steps };
        let orders = vec![
            Order { number: 7, server: 0, fault: Fault::Swap("m.wasm".into()) },
            Order { number: 8, server: 0, fault: Fault::Flip { step: 1, page: 1 << 40, bit: 9 } },
            Order { number: 9, server: 0, fault: Fault::Fail { step: 0, calls: 2, status: 12 } },
            Order { number: 10, server: 0, fault: Fault::FailNext { calls: 3, status: 4 } },
        ];
        let all = Orders { servers: vec![server], orders };
        let bytes = all.write();
        assert_eq!(Orders::read(&bytes), Some(all));
        assert!((0..bytes.len()).all(|len| Orders::read(&bytes[..len]).is_none()));
    }
}
