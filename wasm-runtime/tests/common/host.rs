//! The [`Host`] of a test domain: what the kernel and the domain image do, with plain data.

use std::{borrow::Cow, rc::Rc};

use atoll_runtime::{
    DispatchError, Host, Provider, Resolver,
    host::{CallError, Origin, Passing, ResourceSlot, Target},
    link::name,
};

use super::System;

/// An object that a server minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Object {
    pub(crate) endpoint: usize,
    pub(crate) resource: u32,
    pub(crate) rep: u32,
    pub(crate) incarnation: u32,
}

/// A handle on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moving {
    object: Object,
    passing: Passing,
}

/// Bytes of a test message.
pub(crate) const AREA: usize = 64 * 1024;

pub(crate) struct TestHost {
    system: Rc<System>,
    number: usize,
    outgoing: Vec<u8>,
    sending: Vec<Moving>,
    pub(crate) incoming: Vec<u8>,
    pub(crate) received: Vec<Option<Moving>>,
    /// The handle table.
    pub(crate) handles: Vec<Option<(Object, Passing)>>,
    /// What calls fail with instead of being made.
    pub(crate) failing: Option<CallError>,
}

impl TestHost {
    pub(crate) fn new(system: Rc<System>, number: usize) -> Self {
        Self {
            system,
            number,
            outgoing: vec![0; AREA],
            sending: Vec::new(),
            incoming: Vec::new(),
            received: Vec::new(),
            handles: Vec::new(),
            failing: None,
        }
    }

    /// How many handles the domain has.
    pub(crate) fn held(&self) -> usize {
        self.handles.iter().flatten().count()
    }

    fn hold(&mut self, moving: Moving) -> u32 {
        let index = self.handles.iter().position(Option::is_none).unwrap_or(self.handles.len());
        if index == self.handles.len() {
            self.handles.push(None);
        }
        self.handles[index] = Some((moving.object, moving.passing));
        index as u32
    }

    /// Which endpoint an exported interface of this domain is served on.
    fn served(&self, interface: u32) -> Result<usize, String> {
        let endpoints = self.system.endpoints.borrow();
        let mut numbers = endpoints.iter();
        numbers
            .position(|endpoint| endpoint.server == self.number && endpoint.export == interface)
            .ok_or_else(|| "the interface is not published".into())
    }

    fn incarnation(&self, endpoint: usize) -> u32 {
        self.system.endpoints.borrow()[endpoint].incarnation
    }

    fn look(&self, index: u32, passing: Passing, origin: Origin) -> Result<Moving, String> {
        let moving = self.received.get(index as usize).copied().flatten();
        let moving = moving.ok_or("no such handle in the message")?;
        if moving.passing != passing {
            return Err("the handle is passed the other way".into());
        }
        let (endpoint, resource) = match origin {
            Origin::Export { interface, resource } => (self.served(interface)?, resource),
            Origin::Import { target: Target::Endpoint(endpoint), resource } => {
                (endpoint as usize, resource)
            }
            Origin::Import { .. } => return Err("no provided interface has objects here".into()),
        };
        let object = moving.object;
        if object.endpoint != endpoint || object.resource != resource {
            return Err("the object is of another type".into());
        }
        let own = matches!(origin, Origin::Export { .. });
        if own && object.incarnation != self.incarnation(endpoint) {
            return Err("the object is of an earlier life".into());
        }
        Ok(moving)
    }

    fn retain(&self, object: Object) {
        *self.system.holders.borrow_mut().entry(object).or_default() += 1;
    }

    fn release(&self, object: Object) {
        let mut holders = self.system.holders.borrow_mut();
        let count = holders.entry(object).or_insert(1);
        *count -= 1;
        if *count == 0 {
            holders.remove(&object);
            self.system.dropped.borrow_mut().push(object);
        }
    }

    /// Runs the server of an endpoint on the message and fetches the result.
    fn enter(&mut self, endpoint: usize, method: u32, payload: usize) -> Result<(), CallError> {
        let (server, export) = {
            let endpoints = self.system.endpoints.borrow();
            (endpoints[endpoint].server, endpoints[endpoint].export)
        };
        let stale = self
            .sending
            .iter()
            .any(|moving| moving.object.incarnation != self.incarnation(moving.object.endpoint));
        if stale {
            return Err(CallError::PeerRestarted);
        }
        let server = self.system.domains.borrow()[server].clone();
        let Ok(mut server) = server.try_borrow_mut() else {
            return Err(CallError::Failed("the server waits for this domain itself".into()));
        };
        let host = server.host_mut();
        host.incoming = self.outgoing[..payload].to_vec();
        host.received = self.sending.drain(..).map(Some).collect();
        let outcome = server.dispatch(export, method);
        let host = server.host_mut();
        // Whatever was lent is given back.
        host.handles.iter_mut().for_each(|handle| {
            if matches!(handle, Some((_, Passing::Borrow))) {
                *handle = None;
            }
        });
        match outcome {
            Ok(payload) => {
                self.incoming = host.outgoing[..payload].to_vec();
                self.received = host.sending.drain(..).map(Some).collect();
                Ok(())
            }
            Err(DispatchError::Refused(why)) => Err(CallError::Failed(format!("refused: {why}"))),
            Err(DispatchError::Trap(_)) => {
                self.system.endpoints.borrow_mut()[endpoint].incarnation += 1;
                Err(CallError::PeerRestarted)
            }
        }
    }
}

impl Host for TestHost {
    fn room(&mut self, bytes: u64) -> bool {
        let room = self.system.room.get();
        room == 0 || bytes <= room
    }

    fn outgoing(&mut self) -> &mut [u8] {
        &mut self.outgoing
    }

    fn incoming(&self) -> &[u8] {
        &self.incoming
    }

    fn put_slot(&mut self, slot: ResourceSlot) -> Result<u32, String> {
        let object = match slot.origin {
            Origin::Export { interface, resource } => {
                let endpoint = self.served(interface)?;
                let incarnation = self.incarnation(endpoint);
                let object = Object { endpoint, resource, rep: slot.number, incarnation };
                if slot.passing == Passing::Own {
                    self.retain(object);
                }
                object
            }
            Origin::Import { .. } => {
                let entry = self.handles.get_mut(slot.number as usize);
                let entry = entry.ok_or("no such handle")?;
                let (object, _) = (*entry).ok_or("the handle is gone")?;
                if slot.passing == Passing::Own {
                    *entry = None;
                }
                object
            }
        };
        self.sending.push(Moving { object, passing: slot.passing });
        Ok((self.sending.len() - 1) as u32)
    }

    fn check_slot(&self, index: u32, passing: Passing, origin: Origin) -> Result<(), String> {
        self.look(index, passing, origin).map(|_| ())
    }

    fn take_slot(&mut self, index: u32, passing: Passing, origin: Origin) -> Result<u32, String> {
        let moving = self.look(index, passing, origin)?;
        self.received[index as usize] = None;
        Ok(match origin {
            Origin::Export { .. } => {
                if passing == Passing::Own {
                    // The object came home: the guest owns it again and its handle is gone.
                    self.system.holders.borrow_mut().remove(&moving.object);
                }
                moving.object.rep
            }
            Origin::Import { .. } => self.hold(moving),
        })
    }

    fn discard_outgoing(&mut self) {
        for moving in std::mem::take(&mut self.sending) {
            if moving.passing == Passing::Own {
                self.release(moving.object);
            }
        }
    }

    fn discard_incoming(&mut self) {
        for moving in std::mem::take(&mut self.received).into_iter().flatten() {
            if moving.passing == Passing::Own {
                self.release(moving.object);
            }
        }
    }

    fn call(&mut self, target: Target, method: u32, payload: usize) -> Result<(), CallError> {
        if let Some(error) = &self.failing {
            return Err(error.clone());
        }
        match target {
            Target::Endpoint(endpoint) => self.enter(endpoint as usize, method, payload),
            Target::Provided(number) => {
                let function = self.system.provided.borrow()[number as usize].2.clone();
                self.incoming = function(method, &self.outgoing[..payload]);
                Ok(())
            }
        }
    }

    fn drop_resource(&mut self, _: Target, _: u32, number: u32) {
        if let Some(Some((object, Passing::Own))) =
            self.handles.get_mut(number as usize).map(Option::take)
        {
            self.release(object);
        }
    }
}

impl Resolver for TestHost {
    fn resolve(&mut self, interface: &str) -> Result<Provider, String> {
        let provided = self.system.provided.borrow();
        let found = provided.iter().position(|(name, ..)| name::compatible(interface, name));
        if let Some(number) = found {
            let descriptor = Cow::Owned(provided[number].1.clone());
            return Ok(Provider { target: Target::Provided(number as u32), descriptor });
        }
        let endpoints = self.system.endpoints.borrow();
        let found =
            endpoints.iter().position(|endpoint| name::compatible(interface, &endpoint.name));
        let number = found.ok_or("nothing is granted under that name")?;
        let descriptor = Cow::Owned(endpoints[number].descriptor.clone());
        Ok(Provider { target: Target::Endpoint(number as u32), descriptor })
    }
}
