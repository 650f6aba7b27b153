//! The exports that the runtime itself calls, with their types.
//!
//! An export is known by its name, and its author may have given it any type: the type is checked
//! when it is called.

use alloc::{format, string::String};

use atoll_gate::start::Reader;

use super::Instance;
use crate::{component::Interface, error::Trap, host::Host, link::print};

impl<H: Host> Instance<H> {
    /// Calls `atoll:lifecycle/start.start`; `None` when it is not exported. The inner result is
    /// the server's own.
    pub fn start(&mut self) -> Option<Result<Result<(), String>, Trap>> {
        let result = self.known(
            "atoll:lifecycle/start@0.1.0",
            "start",
            "func() -> result<_, string>",
            &[],
            |reader| match reader.u32()? {
                0 => Some(Ok(())),
                _ => Some(Err(String::from(reader.string()?))),
            },
        );
        result.transpose()
    }

    /// Calls `atoll:io/handler.ready`; `None` when it is not exported.
    pub fn ready(&mut self, token: u64) -> Option<Result<(), Trap>> {
        let result = self.known(
            "atoll:io/handler@0.1.0",
            "ready",
            "func(token: u64)",
            &token.to_le_bytes(),
            |_| Some(()),
        );
        result.transpose()
    }

    /// Calls `wasi:cli/run.run`; `None` when it is not exported. The inner result is the
    /// program's own.
    pub fn run(&mut self) -> Option<Result<Result<(), ()>, Trap>> {
        let result = self.known("wasi:cli/run@0.2.0", "run", "func() -> result", &[], |reader| {
            Some(if reader.u32()? == 0 { Ok(()) } else { Err(()) })
        });
        result.transpose()
    }

    /// Calls a function whose interface and type the runtime knows.
    fn known<T>(
        &mut self,
        interface: &str,
        function: &str,
        expected: &str,
        parameters: &[u8],
        read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
    ) -> Result<Option<T>, Trap> {
        let Some(export) = self.export_index(interface) else { return Ok(None) };
        let found = self.function_index(export, function);
        let text = found.and_then(|method| self.text(export, method));
        let Some(method) = found.filter(|_| text.as_deref() == Some(expected)) else {
            let found = text.unwrap_or_else(|| "no such function".into());
            return Err(Trap::new(format!(
                "export `{interface}`, function `{function}`: expected `{expected}`, found \
                 `{found}`"
            )));
        };
        let result = self.call(export, method, parameters)?;
        let result = read(&mut Reader::new(&result));
        result
            .ok_or_else(|| Trap::new(format!("`{function}` gave a result of another type")))
            .map(Some)
    }

    /// The type of an exported function, WIT-like.
    fn text(&self, export: u32, method: u32) -> Option<String> {
        let Interface { ty, .. } = self.exports().get(export as usize)?;
        let (_, function) = ty.functions.get(method as usize)?;
        Some(print::function(self.types(), function, &|_| "resource".into()))
    }
}
