//! Who meets an import: the grants of the start record, and the vocabulary that needs none; and
//! by which numbers clients know an export.

use super::clone::is_published;
use super::{Linked, Place};
use crate::gate::{Calls, Gate, words};
use crate::generated::{INTERFACES, Interface};
use crate::provided;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_gate::call::Status;
use atoll_gate::message::MAX_PAYLOAD;
use atoll_gate::start::GrantKind;
use atoll_runtime::host::Target;
use atoll_runtime::link::name::compatible;
use atoll_runtime::link::{Provider, Resolver, renumber};

/// Interfaces that name what a stream or pollable is. The handles carry the authority.
const VOCABULARY: &[Interface] =
    &[Interface::WasiIoError, Interface::WasiIoPoll, Interface::WasiIoStreams];

impl<G: Gate> Resolver for Place<G> {
    fn resolve(&mut self, interface: &str) -> Result<Provider, String> {
        if let Some((grant, traps)) = self.start.endpoint(interface) {
            let endpoint = grant.handle.ok_or("its grant came without an endpoint")?;
            return self.endpoint(endpoint, traps);
        }
        let number = INTERFACES.iter().position(|(name, _)| compatible(interface, name));
        let provided = number.and_then(|number| Interface::from_raw(number as u32));
        let granted = self.start.grant(GrantKind::Kernel, interface).is_some();
        match provided {
            Some(provided) if granted || VOCABULARY.contains(&provided) => {
                provided::check_grant(self, provided)?;
                let descriptor =
                    INTERFACES.get(provided as usize).map_or(&[][..], |(_, descriptor)| descriptor);
                Ok(Provider {
                    target: Target::Provided(provided as u32),
                    descriptor: Cow::Borrowed(descriptor),
                })
            }
            Some(_) => Err("expected a grant, found none under that name".into()),
            None if granted => {
                Err("expected the runtime to provide it, found that it does not know it".into())
            }
            None => Err("expected a grant of an endpoint, found none under that name".into()),
        }
    }
}

impl<G: Gate> Place<G> {
    /// Fetches what an endpoint publishes.
    fn endpoint(&mut self, endpoint: u32, traps: bool) -> Result<Provider, String> {
        let fail =
            |status| format!("expected an endpoint that is served, found that {}", words(status));
        let id = self.gate.inspect(endpoint).map_err(fail)?.extent;
        let descriptor = self.described(endpoint).map_err(fail)?;
        self.endpoints.push(Linked { endpoint, id, descriptor: descriptor.clone(), traps });
        Ok(Provider { target: Target::Endpoint(endpoint), descriptor: Cow::Owned(descriptor) })
    }

    /// The whole descriptor that an endpoint publishes.
    fn described(&mut self, endpoint: u32) -> Result<Vec<u8>, Status> {
        let mut descriptor = Vec::new();
        loop {
            let whole = self.gate.describe(endpoint, descriptor.len())?;
            let part = whole.saturating_sub(descriptor.len()).min(MAX_PAYLOAD);
            descriptor
                .extend_from_slice(self.gate.receive_payload().get(..part).unwrap_or_default());
            if part == 0 || descriptor.len() >= whole {
                return Ok(descriptor);
            }
        }
    }

    /// Lets an export have the numbers of what is or was last published on the endpoint that it
    /// will serve, if anything was. A domain that prepares itself to take over keeps its own where
    /// that cannot be, and says so: the supervisor knows whether all clients are swapped with it.
    ///
    /// # Errors
    /// Clients may use something that the component does not have; in words.
    pub(crate) fn adopt_numbers(&mut self, export: usize, serve: u32) -> Result<(), String> {
        let known = self.exports.get(export).ok_or("there is no such export")?;
        match is_published(&mut self.gate, serve, &known.descriptor) {
            Ok(true) | Err(Status::NotReady | Status::Closed) => return Ok(()),
            Ok(false) => {}
            Err(status) => return Err(words(status).into()),
        }
        let running = self.described(serve).map_err(words)?;
        let export = self.exports.get_mut(export).ok_or("there is no such export")?;
        match renumber(&export.interface, &running, &export.descriptor) {
            Ok(numbers) => {
                export.numbers = Some(numbers);
                self.is_renumbered = true;
            }
            Err(missing) if self.start.standby => export.missing = Some(missing),
            Err(missing) => return Err(missing),
        }
        Ok(())
    }

    /// What clients of the domain before would miss, in words; empty if nothing.
    pub(crate) fn missing(&self) -> String {
        let exports = self.exports.iter();
        let missing = exports.filter_map(|export| {
            Some(format!("export `{}`: {}", export.name, export.missing.as_ref()?))
        });
        missing.collect::<Vec<_>>().join("; ")
    }

    /// Whether an interface is another one than the domain before had.
    pub(crate) fn is_another(&self, interface: &str) -> bool {
        let mut exports = self.exports.iter();
        exports.any(|export| export.missing.is_some() && compatible(interface, &export.name))
    }
}
