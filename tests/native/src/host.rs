//! The place that the program runs in.

use atoll_runtime::host::{CallError, Origin, Passing, ResourceSlot, Target};
use atoll_runtime::link::name::compatible;
use atoll_runtime::{Host, Provider, Resolver};
use std::borrow::Cow;
use std::io::Write;

/// Bytes of a message.
const AREA: usize = 64 * 1024;
/// The number of the one object there is: standard output.
const STDOUT: u32 = 0;
/// Case `ok` of a result, as it crosses.
const OK: u32 = 0;

/// An interface of `wit/`.
struct Interface {
    name: &'static str,
    functions: &'static [&'static str],
    descriptor: &'static [u8],
}

const INTERFACES: &[Interface] = include!(concat!(env!("OUT_DIR"), "/interfaces.rs"));

/// Arguments, standard output and a clock that stands still.
pub(crate) struct Native {
    arguments: Vec<String>,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    /// Handles in what goes out; all of them are of standard output.
    sent: u32,
}

impl Native {
    /// A place for a program with these arguments, its name first.
    pub(crate) fn new(arguments: Vec<String>) -> Self {
        Self { arguments, outgoing: vec![0; AREA], incoming: Vec::new(), sent: 0 }
    }

    /// Carries out a call; the result in the wire form.
    fn answer(&self, interface: &str, function: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
        match (interface, function) {
            ("wasi:cli/environment", "get-arguments") => Ok(list(&self.arguments)),
            ("atoll:clocks/monotonic", "now") => Ok(0_u64.to_le_bytes().to_vec()),
            ("wasi:cli/stdout", "get-stdout") => Ok(STDOUT.to_le_bytes().to_vec()),
            ("wasi:io/streams", "[method]output-stream.blocking-write-and-flush") => {
                // The stream's slot and the length of the text stand before it.
                let text = payload.get(8..).ok_or("the message is too short")?;
                std::io::stdout().write_all(text).map_err(|error| error.to_string())?;
                Ok(OK.to_le_bytes().to_vec())
            }
            _ => Err(format!("`{interface}` has no `{function}` outside of a domain")),
        }
    }
}

/// A list of strings in the wire form.
fn list(strings: &[String]) -> Vec<u8> {
    let mut bytes = (strings.len() as u32).to_le_bytes().to_vec();
    for string in strings {
        bytes.extend((string.len() as u32).to_le_bytes());
        bytes.extend(string.as_bytes());
    }
    bytes
}

impl Host for Native {
    fn outgoing(&mut self) -> &mut [u8] {
        &mut self.outgoing
    }

    fn incoming(&self) -> &[u8] {
        &self.incoming
    }

    fn put_slot(&mut self, _: ResourceSlot) -> Result<u32, String> {
        self.sent += 1;
        Ok(self.sent - 1)
    }

    fn check_slot(&self, _: u32, _: Passing, _: Origin) -> Result<(), String> {
        Ok(())
    }

    fn take_slot(&mut self, _: u32, _: Passing, _: Origin) -> Result<u32, String> {
        Ok(STDOUT)
    }

    fn discard_outgoing(&mut self) {
        self.sent = 0;
    }

    fn discard_incoming(&mut self) {}

    fn call(&mut self, target: Target, method: u32, payload: usize) -> Result<(), CallError> {
        self.sent = 0;
        let Target::Provided(number) = target else {
            return Err(CallError::Failed("there are no endpoints outside of Atoll".into()));
        };
        let found = INTERFACES.get(number as usize).and_then(|interface| {
            let name = interface.name.split('@').next()?;
            Some((name, *interface.functions.get(method as usize)?))
        });
        let (interface, function) =
            found.ok_or_else(|| CallError::Failed("no such function".into()))?;
        let payload = self.outgoing.get(..payload).unwrap_or_default();
        self.incoming = self.answer(interface, function, payload).map_err(CallError::Failed)?;
        Ok(())
    }

    fn drop_resource(&mut self, _: Target, _: u32, _: u32) {}
}

impl Resolver for Native {
    fn resolve(&mut self, wanted: &str) -> Result<Provider, String> {
        let found = INTERFACES.iter().position(|interface| compatible(wanted, interface.name));
        let number = found.ok_or("no such interface is known")?;
        let descriptor = Cow::Borrowed(INTERFACES[number].descriptor);
        Ok(Provider { target: Target::Provided(number as u32), descriptor })
    }
}

#[cfg(test)]
mod tests {
    use super::{INTERFACES, Native, list};

    #[test]
    fn arguments_have_the_wire_form() {
        let words = ["ab".to_owned(), String::new()];
        assert_eq!(list(&words), [2, 0, 0, 0, 2, 0, 0, 0, b'a', b'b', 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_answered_is_declared() {
        let native = Native::new(Vec::new());
        let declared = |interface: &str, function: &str| {
            INTERFACES.iter().any(|known| {
                known.name.split('@').next() == Some(interface)
                    && known.functions.contains(&function)
            })
        };
        for (interface, function) in [
            ("wasi:cli/environment", "get-arguments"),
            ("atoll:clocks/monotonic", "now"),
            ("wasi:cli/stdout", "get-stdout"),
            ("wasi:io/streams", "[method]output-stream.blocking-write-and-flush"),
        ] {
            assert!(declared(interface, function), "{interface} {function}");
            assert!(native.answer(interface, function, &[0; 8]).is_ok());
        }
        assert!(native.answer("wasi:cli/exit", "exit", &[]).is_err());
    }
}
