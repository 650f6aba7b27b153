//! Parameters in the wire form of `docs/architecture.md`, section "IPC".

/// Bytes of a payload, appended one value after another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(pub(crate) Vec<u8>);

impl Wire {
    /// A number of 32 bits: an integer, a case, flags, the index of a handle.
    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A number of 64 bits.
    pub(crate) fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A number of 16 bits.
    pub(crate) fn u16(mut self, value: u16) -> Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A number of 8 bits, or a truth value.
    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// A string, or a list of bytes.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let mut wire = self.u32(bytes.len() as u32);
        wire.0.extend_from_slice(bytes);
        wire
    }
}
