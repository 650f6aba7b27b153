//! The place that a component is tested in: what the kernel and the domain image do, with plain
//! data. The only other party is the script, which has every object that the component hands out.

use super::provided::Services;
use atoll_gate::message::MAX_PAYLOAD;
use atoll_runtime::host::{CallError, Host, Origin, Passing, ResourceSlot, Target};
use atoll_runtime::link::name::compatible;
use atoll_runtime::link::{Provider, Resolver};
use std::borrow::Cow;

/// An object: of the component under test, by the numbers of its export and within it, or of an
/// interface that is provided to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// Minted by the component, with its representation.
    Own {
        /// Number of the export.
        interface: u32,
        /// Number of the resource in it.
        resource: u32,
        /// What the component knows it by.
        rep: u32,
    },
    /// Provided, by its number.
    Provided(u32),
}

/// A handle on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moving {
    pub(super) object: Object,
    pub(super) passing: Passing,
}

/// See the module.
pub(super) struct TestHost {
    pub(super) services: Services,
    outgoing: Vec<u8>,
    /// Handles that were put and not sent.
    pub(super) sending: Vec<Moving>,
    incoming: Vec<u8>,
    received: Vec<Option<Moving>>,
    /// Objects whose last handle is gone.
    pub(super) dropped: Vec<Object>,
}

impl TestHost {
    pub(super) fn new(services: Services) -> Self {
        Self {
            services,
            outgoing: vec![0; MAX_PAYLOAD],
            sending: Vec::new(),
            incoming: Vec::new(),
            received: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Puts a message where the component finds it.
    pub(super) fn deliver(&mut self, bytes: Vec<u8>, handles: impl IntoIterator<Item = Moving>) {
        self.incoming = bytes;
        self.received = handles.into_iter().map(Some).collect();
    }

    /// Takes what the component answered.
    pub(super) fn answer(&mut self, payload: usize) -> (Vec<u8>, Vec<Moving>) {
        let bytes = self.outgoing.get(..payload).unwrap_or_default().to_vec();
        (bytes, std::mem::take(&mut self.sending))
    }

    fn look(&self, index: u32, passing: Passing, origin: Origin) -> Result<Moving, String> {
        let moving = self.received.get(index as usize).copied().flatten();
        let moving = moving.ok_or("there is no such handle in the message")?;
        if moving.passing != passing {
            return Err("the handle is passed the other way".into());
        }
        let fits = match (origin, moving.object) {
            (
                Origin::Export { interface, resource },
                Object::Own { interface: i, resource: r, .. },
            ) => (interface, resource) == (i, r),
            (Origin::Import { .. }, Object::Provided(_)) => true,
            _ => false,
        };
        if fits { Ok(moving) } else { Err("the resource is of another type".into()) }
    }

    /// What belongs to nobody when a message is thrown away.
    fn forget(&mut self, handles: impl IntoIterator<Item = Moving>) {
        let owned = handles.into_iter().filter(|moving| moving.passing == Passing::Own);
        self.dropped.extend(owned.map(|moving| moving.object));
    }
}

impl Host for TestHost {
    fn outgoing(&mut self) -> &mut [u8] {
        &mut self.outgoing
    }

    fn incoming(&self) -> &[u8] {
        &self.incoming
    }

    fn put_slot(&mut self, slot: ResourceSlot) -> Result<u32, String> {
        let object = match slot.origin {
            Origin::Export { interface, resource } => {
                Object::Own { interface, resource, rep: slot.number }
            }
            Origin::Import { .. } => Object::Provided(slot.number),
        };
        self.sending.push(Moving { object, passing: slot.passing });
        u32::try_from(self.sending.len() - 1).map_err(|_| "too many handles".into())
    }

    fn check_slot(&self, index: u32, passing: Passing, origin: Origin) -> Result<(), String> {
        self.look(index, passing, origin).map(drop)
    }

    fn take_slot(&mut self, index: u32, passing: Passing, origin: Origin) -> Result<u32, String> {
        let moving = self.look(index, passing, origin)?;
        if let Some(slot) = self.received.get_mut(index as usize) {
            *slot = None;
        }
        Ok(match moving.object {
            Object::Own { rep, .. } => rep,
            Object::Provided(number) => number,
        })
    }

    fn discard_outgoing(&mut self) {
        let sending = std::mem::take(&mut self.sending);
        self.forget(sending);
    }

    fn discard_incoming(&mut self) {
        let received = std::mem::take(&mut self.received);
        self.forget(received.into_iter().flatten());
    }

    fn call(&mut self, target: Target, method: u32, payload: usize) -> Result<(), CallError> {
        let Target::Provided(interface) = target else {
            return Err(CallError::Failed("there are no other servers in a test".into()));
        };
        self.sending.clear();
        let parameters = self.outgoing.get(..payload).unwrap_or_default();
        let answer = self.services.call(interface, method, parameters);
        let answer = answer.map_err(CallError::Failed)?;
        let handles = answer
            .handle
            .map(|number| Moving { object: Object::Provided(number), passing: Passing::Own });
        self.deliver(answer.bytes, handles);
        Ok(())
    }

    fn drop_resource(&mut self, _: Target, _: u32, _: u32) {}
}

impl Resolver for TestHost {
    fn resolve(&mut self, interface: &str) -> Result<Provider, String> {
        let mut declared = self.services.interfaces.iter();
        let found = declared.position(|(name, _)| compatible(interface, name));
        let number = found.ok_or("no interface of that name is declared in wit/")?;
        let descriptor = self.services.interfaces.get(number).map(|(_, bytes)| bytes.clone());
        Ok(Provider {
            target: Target::Provided(u32::try_from(number).map_err(|_| "too many interfaces")?),
            descriptor: Cow::Owned(descriptor.unwrap_or_default()),
        })
    }
}
