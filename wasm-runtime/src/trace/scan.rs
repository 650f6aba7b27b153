//! Walks the instructions of a function body, of which only the ends and a few kinds matter here.
//!
//! The scanner knows the immediates of every instruction that the interpreter could ever run. A
//! body that it does not understand, or that names a local or a memory that is not there, is not
//! rewritten: what is added by [`super::rewrite`] must not turn an invalid body into a valid one.

/// The kinds of instructions that the rewriting treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `call` of the function with that index.
    Call(u32),
    /// `call_indirect`.
    CallIndirect,
    /// `return`, `return_call` and `return_call_indirect`.
    Leave,
    /// A branch to the end of the body, taken or not.
    Branch,
    /// `unreachable`.
    Unreachable,
    /// `block` and `if`.
    Block,
    /// `loop`.
    Loop,
    /// `end`, that of the body included.
    End,
    /// `global.get` and `global.set` of the global with that index.
    Global(u32),
    /// `table.set`, and the bulk instructions that write to tables.
    ChangesTable,
    /// Any other; the scanner does not stop at it.
    Other,
}

/// One instruction and where it stands in the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instruction {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// What instructions may name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Parameters and locals.
    pub locals: u32,
    /// Memories of the module.
    pub memories: u32,
}

/// The body is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strange;

/// Reads a body from its first instruction to its last `end`, behind which nothing may follow.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    bounds: Bounds,
    depth: u32,
}

impl<'a> Scanner<'a> {
    /// Starts at the instruction at `at`.
    pub(super) const fn new(bytes: &'a [u8], at: usize, bounds: Bounds) -> Self {
        Self { bytes, at, bounds, depth: 1 }
    }

    /// The next instruction that matters; `None` behind the last `end`.
    pub(super) fn next(&mut self) -> Result<Option<Instruction>, Strange> {
        if self.depth == 0 {
            return if self.at == self.bytes.len() { Ok(None) } else { Err(Strange) };
        }
        loop {
            self.skip_plain();
            let start = self.at;
            let kind = self.instruction()?;
            if kind != Kind::Other {
                return Ok(Some(Instruction { start, end: self.at, kind }));
            }
        }
    }

    /// Skips instructions that are frequent, short and do not matter: this is where the time goes.
    fn skip_plain(&mut self) {
        while let Some([opcode, first, second]) =
            self.bytes.get(self.at..).and_then(<[u8]>::first_chunk)
        {
            self.at += match opcode {
                0x20..=0x22 if *first < 0x80 && u32::from(*first) < self.bounds.locals => 2,
                0x41 if *first < 0x80 => 2,
                0x45..=0xc4 | 0x1a | 0x1b => 1,
                0x28..=0x3e if *first < 0x40 && *second < 0x80 && self.bounds.memories > 0 => 3,
                _ => return,
            };
        }
    }

    fn instruction(&mut self) -> Result<Kind, Strange> {
        let kind = match self.byte()? {
            0x00 => Kind::Unreachable,
            0x02 | 0x04 => self.block(Kind::Block)?,
            0x03 => self.block(Kind::Loop)?,
            0x0b => {
                self.depth = self.depth.saturating_sub(1);
                Kind::End
            }
            0x0c | 0x0d => self.branch(1)?,
            0x0e => {
                let targets = self.number()?;
                self.branch(targets.checked_add(1).ok_or(Strange)?)?
            }
            0x0f => Kind::Leave,
            0x25 | 0xd2 => self.numbers(1)?,
            0x26 => self.table(1)?,
            0x10 => Kind::Call(self.number()?),
            0x11 => {
                self.numbers(2)?;
                Kind::CallIndirect
            }
            0x12 => {
                self.numbers(1)?;
                Kind::Leave
            }
            0x13 => {
                self.numbers(2)?;
                Kind::Leave
            }
            0x1c => self.select()?,
            0x20..=0x22 => self.local()?,
            0x23 | 0x24 => Kind::Global(self.number()?),
            0x28..=0x3e => self.access()?,
            0x3f | 0x40 => self.memory()?,
            0x41 => self.signed(5)?,
            0x42 => self.signed(10)?,
            0x43 => self.skip(4)?,
            0x44 => self.skip(8)?,
            // `ref.null` of `funcref` or `externref`; other types are of proposals that are off.
            0xd0 => match self.byte()? {
                0x6f | 0x70 => Kind::Other,
                _ => return Err(Strange),
            },
            0xfc => self.prefixed()?,
            0xfd => self.vector()?,
            0x01 | 0x05 | 0x1a | 0x1b | 0x45..=0xc4 | 0xd1 => Kind::Other,
            _ => return Err(Strange),
        };
        Ok(kind)
    }

    /// The type of a block: none, one value, or a function type.
    fn block(&mut self, kind: Kind) -> Result<Kind, Strange> {
        self.depth = self.depth.checked_add(1).ok_or(Strange)?;
        match self.bytes.get(self.at).ok_or(Strange)? {
            // Types that take more than a byte are of proposals that are off.
            0x63 | 0x64 => return Err(Strange),
            0x40..=0x7f => self.skip(1)?,
            _ => self.signed(5)?,
        };
        Ok(kind)
    }

    /// So many targets of a branch.
    fn branch(&mut self, targets: u32) -> Result<Kind, Strange> {
        let mut kind = Kind::Other;
        for _ in 0..targets {
            if self.number()? >= self.depth.saturating_sub(1) {
                kind = Kind::Branch;
            }
        }
        Ok(kind)
    }

    fn select(&mut self) -> Result<Kind, Strange> {
        for _ in 0..self.number()? {
            if matches!(self.byte()?, 0x63 | 0x64) {
                return Err(Strange);
            }
        }
        Ok(Kind::Other)
    }

    fn local(&mut self) -> Result<Kind, Strange> {
        let local = self.number()?;
        if local < self.bounds.locals { Ok(Kind::Other) } else { Err(Strange) }
    }

    fn memory(&mut self) -> Result<Kind, Strange> {
        let memory = self.number()?;
        if memory < self.bounds.memories { Ok(Kind::Other) } else { Err(Strange) }
    }

    /// Alignment, memory if it is not the first, offset.
    fn access(&mut self) -> Result<Kind, Strange> {
        const NAMES_MEMORY: u32 = 1 << 6;
        if self.number()? & NAMES_MEMORY != 0 {
            self.memory()?;
        } else if self.bounds.memories == 0 {
            return Err(Strange);
        }
        self.signed(10)
    }

    /// Saturating conversions, and bulk instructions on memories and tables.
    fn prefixed(&mut self) -> Result<Kind, Strange> {
        match self.number()? {
            0..=7 => Ok(Kind::Other),
            8 => {
                self.numbers(1)?;
                self.memory()
            }
            9 | 13 | 16 => self.numbers(1),
            15 | 17 => self.table(1),
            10 => {
                self.memory()?;
                self.memory()
            }
            11 => self.memory(),
            12 | 14 => self.table(2),
            _ => Err(Strange),
        }
    }

    /// Vector instructions.
    fn vector(&mut self) -> Result<Kind, Strange> {
        match self.number()? {
            0..=11 | 92 | 93 => self.access(),
            12 | 13 => self.skip(16),
            21..=34 => self.skip(1),
            84..=91 => {
                self.access()?;
                self.skip(1)
            }
            14..=0x113 => Ok(Kind::Other),
            _ => Err(Strange),
        }
    }

    fn byte(&mut self) -> Result<u8, Strange> {
        let byte = self.bytes.get(self.at).copied().ok_or(Strange)?;
        self.at += 1;
        Ok(byte)
    }

    fn skip(&mut self, bytes: usize) -> Result<Kind, Strange> {
        let end = self.at.checked_add(bytes).filter(|end| *end <= self.bytes.len());
        self.at = end.ok_or(Strange)?;
        Ok(Kind::Other)
    }

    /// An unsigned number of 32 bits.
    fn number(&mut self) -> Result<u32, Strange> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return if shift < 28 || byte < 0x10 { Ok(value) } else { Err(Strange) };
            }
        }
        Err(Strange)
    }

    fn numbers(&mut self, count: u32) -> Result<Kind, Strange> {
        for _ in 0..count {
            self.number()?;
        }
        Ok(Kind::Other)
    }

    /// So many indexes of an instruction that changes a table.
    fn table(&mut self, indexes: u32) -> Result<Kind, Strange> {
        self.numbers(indexes)?;
        Ok(Kind::ChangesTable)
    }

    /// A number of which only the length matters, at most so many bytes.
    fn signed(&mut self, most: usize) -> Result<Kind, Strange> {
        for _ in 0..most {
            if self.byte()? < 0x80 {
                return Ok(Kind::Other);
            }
        }
        Err(Strange)
    }
}
