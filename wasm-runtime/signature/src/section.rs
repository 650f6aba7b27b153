//! Where the signatures of a component are, and what they are about.

use crate::data::Reader;

/// What a component begins with, and a core module does not: no signature covers these bytes.
pub(crate) const PREAMBLE: [u8; 8] = *b"\0asm\x0d\0\x01\0";
/// Name of the section.
pub(crate) const NAME: &[u8] = b"signature";
/// Number of all custom sections.
const CUSTOM: u8 = 0;

/// A component in two parts.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// What is in its section of signatures, if that is the first.
    pub(crate) signatures: Option<&'a [u8]>,
    /// Everything behind that, or behind the preamble.
    pub(crate) content: &'a [u8],
}

/// Takes a component apart; `None` if it does not begin like one.
pub(crate) fn parts(component: &[u8]) -> Option<Parts<'_>> {
    let content = component.strip_prefix(&PREAMBLE)?;
    Some(first_section(content).unwrap_or(Parts { signatures: None, content }))
}

fn first_section(content: &[u8]) -> Option<Parts<'_>> {
    let mut reader = Reader::new(content);
    if reader.byte()? != CUSTOM {
        return None;
    }
    let mut section = Reader::new(reader.counted()?);
    let name = section.counted()?;
    (name == NAME).then(|| Parts { signatures: Some(section.rest()), content: reader.rest() })
}
