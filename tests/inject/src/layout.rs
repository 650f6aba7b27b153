//! Where things are in a component's binary, and how bytes of it are replaced.
//!
//! A change may have another length than what it replaces; then the sizes of all that contains it
//! are written again: the function's body, the section, the core module.

use std::ops::Range;

use anyhow::{Context, Result, bail};

/// Ids of sections, of components and of core modules.
const CORE_MODULE: u8 = 1;
const CODE: u8 = 10;
const DATA: u8 = 11;
const MEMORY: u8 = 5;

/// Something whose size stands before it.
#[derive(Clone, Debug)]
pub(crate) struct Sized {
    /// Where its size begins.
    start: usize,
    /// What the size counts.
    pub(crate) content: Range<usize>,
}

/// A component's largest core module: the server's own code.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The core module in its section.
    pub(crate) module: Sized,
    code: Sized,
    data: Option<Sized>,
    memory: Option<Sized>,
    /// Bodies of functions.
    pub(crate) bodies: Vec<Sized>,
}

/// Where a change is, and so whose sizes change with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// In the body of a function, by its number among those that the module defines.
    Body(usize),
    /// In the data section.
    Data,
    /// In the memory section.
    Memory,
}

/// Bytes that take the place of others.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) part: Part,
    pub(crate) range: Range<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl Layout {
    /// Finds the parts of a component.
    pub(crate) fn of(component: &[u8]) -> Result<Self> {
        let modules = sections(component, 8..component.len())?;
        let modules = modules.into_iter().filter(|(id, _)| *id == CORE_MODULE);
        let (_, module) = modules.max_by_key(|(_, of)| of.content.len()).context("no module")?;
        let inside = module.content.start + 8..module.content.end;
        let (mut code, mut data, mut memory) = (None, None, None);
        for (id, section) in sections(component, inside)? {
            match id {
                CODE => code = Some(section),
                DATA => data = Some(section),
                MEMORY => memory = Some(section),
                _ => {}
            }
        }
        let code = code.context("no code")?;
        let (count, mut at) = number(component, code.content.start)?;
        let mut bodies = Vec::new();
        for _ in 0..count {
            let body = sized(component, at)?;
            at = body.content.end;
            bodies.push(body);
        }
        Ok(Self { module, code, data, memory, bodies })
    }

    /// The bytes of a part.
    pub(crate) fn range(&self, part: Part) -> Option<Range<usize>> {
        Some(self.sized(part)?.content.clone())
    }

    fn sized(&self, part: Part) -> Option<&Sized> {
        match part {
            Part::Body(number) => self.bodies.get(number),
            Part::Data => self.data.as_ref(),
            Part::Memory => self.memory.as_ref(),
        }
    }

    /// The component with a change.
    pub(crate) fn apply(&self, component: &[u8], edit: &Edit) -> Result<Vec<u8>> {
        let innermost = self.sized(edit.part).context("there is no such part")?;
        let code = matches!(edit.part, Part::Body(_)).then_some(&self.code);
        let (mut range, mut bytes) = (edit.range.clone(), edit.bytes.clone());
        if range.start < innermost.content.start || range.end > innermost.content.end {
            bail!("the change is not within its part");
        }
        if bytes.len() != range.len() {
            for outer in [Some(innermost), code, Some(&self.module)].into_iter().flatten() {
                let before = component.get(outer.content.start..range.start).unwrap_or_default();
                let after = component.get(range.end..outer.content.end).unwrap_or_default();
                let content = [before, &bytes, after].concat();
                bytes = unsigned(content.len() as u64);
                bytes.extend_from_slice(&content);
                range = outer.start..outer.content.end;
            }
        }
        let before = component.get(..range.start).context("out of range")?;
        let after = component.get(range.end..).context("out of range")?;
        Ok([before, &bytes, after].concat())
    }
}

/// The sections in a range: their ids and contents.
fn sections(bytes: &[u8], range: Range<usize>) -> Result<Vec<(u8, Sized)>> {
    let mut sections = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let id = *bytes.get(at).context("a section without an id")?;
        let section = sized(bytes, at + 1)?;
        at = section.content.end;
        sections.push((id, section));
    }
    Ok(sections)
}

fn sized(bytes: &[u8], start: usize) -> Result<Sized> {
    let (len, at) = number(bytes, start)?;
    let end = at + len as usize;
    if end > bytes.len() {
        bail!("a size that leads out of the binary");
    }
    Ok(Sized { start, content: at..end })
}

/// Reads an unsigned number; it and where it ends.
fn number(bytes: &[u8], mut at: usize) -> Result<(u32, usize)> {
    let (mut value, mut shift) = (0_u64, 0);
    loop {
        let byte = *bytes.get(at).context("a number is cut off")?;
        at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Ok((u32::try_from(value)?, at));
        }
        if shift > 35 {
            bail!("a number is too long");
        }
    }
}

/// The encoding of an unsigned number.
pub(crate) fn unsigned(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

/// The encoding of a signed number.
pub(crate) fn signed(mut value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        let is_last = value == 0 && byte & 0x40 == 0 || value == -1 && byte & 0x40 != 0;
        out.push(if is_last { byte } else { byte | 0x80 });
        if is_last {
            return out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{number, signed, unsigned};

    #[test]
    fn numbers_are_encoded_as_the_specification_says() {
        assert_eq!(unsigned(0), [0]);
        assert_eq!(unsigned(624_485), [0xe5, 0x8e, 0x26]);
        assert_eq!(signed(-1), [0x7f]);
        assert_eq!(signed(64), [0xc0, 0x00]);
        assert_eq!(signed(-123_456), [0xc0, 0xbb, 0x78]);
        for value in [0, 1, 127, 128, 300, u32::MAX] {
            let bytes = unsigned(value.into());
            assert_eq!(number(&bytes, 0).expect("read"), (value, bytes.len()));
        }
        assert!(number(&[0x80], 0).is_err());
    }
}
