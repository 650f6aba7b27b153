//! Values in the wire form, as Atoll's domain image and native peers read and write them.

use super::{Item, Ten};
use anyhow::{Context, Result};

/// Appends values.
#[derive(Debug)]
pub(crate) struct Writer<'a>(pub(crate) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.u32(value.len() as u32);
        self.0.extend_from_slice(value);
    }

    pub(crate) fn ten(&mut self, value: &Ten) {
        let out = &mut *self.0;
        out.push(value.a);
        out.extend_from_slice(&value.b.to_le_bytes());
        out.extend_from_slice(&value.c.to_le_bytes());
        out.extend_from_slice(&value.d.to_le_bytes());
        out.extend_from_slice(&value.e.to_le_bytes());
        out.extend_from_slice(&value.f.to_le_bytes());
        out.extend_from_slice(&value.g.to_le_bytes());
        out.push(u8::from(value.h));
        out.extend_from_slice(&u32::from(value.i).to_le_bytes());
        out.extend_from_slice(&value.j.to_le_bytes());
    }

    pub(crate) fn items(&mut self, values: &[Item]) {
        self.u32(values.len() as u32);
        for value in values {
            self.u32(value.id);
            self.0.push(value.kind);
            self.0.extend_from_slice(&value.weight.to_le_bytes());
        }
    }
}

/// Takes values off.
#[derive(Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>().context("the message is too short")?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        self.fixed().map(u32::from_le_bytes)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let count = self.u32()? as usize;
        let (taken, rest) = self.0.split_at_checked(count).context("the message is too short")?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        Ok(std::str::from_utf8(self.bytes()?)?)
    }

    pub(crate) fn ten(&mut self) -> Result<Ten> {
        Ok(Ten {
            a: u8::from_le_bytes(self.fixed()?),
            b: u16::from_le_bytes(self.fixed()?),
            c: self.u32()?,
            d: u64::from_le_bytes(self.fixed()?),
            e: i32::from_le_bytes(self.fixed()?),
            f: f32::from_le_bytes(self.fixed()?),
            g: f64::from_le_bytes(self.fixed()?),
            h: self.fixed::<1>()? != [0],
            i: char::from_u32(self.u32()?).context("no character")?,
            j: self.u32()?,
        })
    }

    pub(crate) fn items(&mut self) -> Result<Vec<Item>> {
        let count = self.u32()? as usize;
        let mut items = Vec::with_capacity(count.min(self.0.len()));
        for _ in 0..count {
            let id = self.u32()?;
            let [kind] = self.fixed()?;
            items.push(Item { id, kind, weight: f64::from_le_bytes(self.fixed()?) });
        }
        Ok(items)
    }
}
