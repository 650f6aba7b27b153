//! Values in the wire form, as Atoll's domain image and native peers read and write them.

use super::{Item, Ten};
use anyhow::{Context, Result};

/// Bytes of a [`Ten`].
const TEN: usize = 40;
/// Bytes of an [`Item`].
const ITEM: usize = 13;

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
        let mut out = [0; TEN];
        out[0] = value.a;
        out[1..3].copy_from_slice(&value.b.to_le_bytes());
        out[3..7].copy_from_slice(&value.c.to_le_bytes());
        out[7..15].copy_from_slice(&value.d.to_le_bytes());
        out[15..19].copy_from_slice(&value.e.to_le_bytes());
        out[19..23].copy_from_slice(&value.f.to_le_bytes());
        out[23..31].copy_from_slice(&value.g.to_le_bytes());
        out[31] = u8::from(value.h);
        out[32..36].copy_from_slice(&u32::from(value.i).to_le_bytes());
        out[36..40].copy_from_slice(&value.j.to_le_bytes());
        self.0.extend_from_slice(&out);
    }

    pub(crate) fn items(&mut self, values: &[Item]) {
        self.u32(values.len() as u32);
        let start = self.0.len();
        self.0.resize(start + values.len() * ITEM, 0);
        for (out, value) in self.0[start..].as_chunks_mut::<ITEM>().0.iter_mut().zip(values) {
            out[..4].copy_from_slice(&value.id.to_le_bytes());
            out[4] = value.kind;
            out[5..].copy_from_slice(&value.weight.to_le_bytes());
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
        let bytes: [u8; TEN] = self.fixed()?;
        Ok(Ten {
            a: bytes[0],
            b: u16::from_le_bytes(part(&bytes, 1)),
            c: u32::from_le_bytes(part(&bytes, 3)),
            d: u64::from_le_bytes(part(&bytes, 7)),
            e: i32::from_le_bytes(part(&bytes, 15)),
            f: f32::from_le_bytes(part(&bytes, 19)),
            g: f64::from_le_bytes(part(&bytes, 23)),
            h: bytes[31] != 0,
            i: char::from_u32(u32::from_le_bytes(part(&bytes, 32))).context("no character")?,
            j: u32::from_le_bytes(part(&bytes, 36)),
        })
    }

    pub(crate) fn items(&mut self) -> Result<Vec<Item>> {
        let count = self.u32()? as usize;
        let (items, _) = self.0.as_chunks::<ITEM>();
        let items = items.get(..count).context("the message is too short")?;
        self.0 = self.0.get(count * ITEM..).unwrap_or_default();
        let item = |bytes: &[u8; ITEM]| Item {
            id: u32::from_le_bytes(part(bytes, 0)),
            kind: bytes[4],
            weight: f64::from_le_bytes(part(bytes, 5)),
        };
        Ok(items.iter().map(item).collect())
    }
}

/// `N` of the bytes, from a place that is known when this is compiled.
#[inline(always)]
fn part<const N: usize, const M: usize>(bytes: &[u8; M], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[at + i])
}

#[cfg(test)]
mod tests {
    use super::super::{Call, Values};
    use super::{ITEM, Reader, TEN, Writer};

    #[test]
    fn values_come_back() {
        let Values { ten, items, text, .. } = Values::of(Call::Items);
        let mut bytes = Vec::new();
        let mut writer = Writer(&mut bytes);
        writer.ten(&ten);
        writer.items(items);
        writer.bytes(text.as_bytes());
        assert_eq!(bytes.len(), TEN + 4 + 100 * ITEM + 4 + text.len());
        let mut reader = Reader(&bytes);
        assert_eq!(reader.ten().unwrap(), ten);
        assert_eq!(reader.items().unwrap(), items);
        assert_eq!(reader.text().unwrap(), text);
        assert!(reader.u32().is_err());
    }
}
