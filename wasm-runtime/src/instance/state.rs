//! The store's data: the host, the component instances' handles, the resource types, and the
//! message areas of the call in progress.
//!
//! Marshalling sees it as [`Transfer`] and need not know whether a message leaves the domain. One
//! that does stands in the host's areas; one between two component instances of this domain in a
//! [`LocalArea`].

use alloc::{format, string::String, sync::Arc, vec::Vec};

use super::{limiter::Refused, local::LocalArea};
use crate::{
    canonical::{InstanceId, Transfer},
    error::Trap,
    host::{Host, Origin, Passing, ResourceSlot, Target},
    limits::{MAX_NESTED_CALLS, RuntimeLimits},
    resources::InstanceState,
    types::ResourceId,
};

/// A resource type of the domain.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResourceType {
    /// Its name, as far as it has one.
    pub name: Arc<str>,
    /// What it is called in messages that leave the domain; `None` for one that is used within it
    /// only.
    pub origin: Option<Origin>,
    /// The instance that implements it; `None` if it is imported.
    pub implementer: Option<InstanceId>,
    /// What to call when the last handle is gone.
    pub destructor: Option<wasmi::TypedFunc<u32, ()>>,
}

/// Which message areas are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Area {
    /// The host's.
    Host,
    /// That of a call within the domain, by its depth.
    Local(usize),
}

/// A component instance and its place among the others.
#[derive(Debug)]
struct Placed {
    state: InstanceState,
    /// The instance whose component instantiated it.
    parent: Option<InstanceId>,
}

/// Data of a domain's store.
pub(crate) struct State<H> {
    pub host: H,
    pub limits: RuntimeLimits,
    /// What the last memory or table that did not grow met.
    pub refused: Option<Refused>,
    pub area: Area,
    pub resources: Vec<ResourceType>,
    instances: Vec<Placed>,
    /// Stands in for an instance that does not exist: it can neither be called nor call.
    nobody: Placed,
    locals: Vec<LocalArea>,
    locals_in_use: usize,
    nested: u32,
}

impl<H: Host> State<H> {
    /// The data of a domain with these resource types, and with a component instance for each of
    /// `parents`, the one whose component instantiated it.
    pub(crate) fn new(
        host: H,
        limits: &RuntimeLimits,
        resources: Vec<ResourceType>,
        parents: &[Option<InstanceId>],
    ) -> Self {
        let mut nobody = InstanceState::new(0);
        nobody.may_leave = false;
        nobody.may_enter = false;
        Self {
            host,
            limits: *limits,
            refused: None,
            area: Area::Host,
            resources,
            instances: parents
                .iter()
                .map(|parent| Placed { state: InstanceState::new(limits.handles), parent: *parent })
                .collect(),
            nobody: Placed { state: nobody, parent: None },
            locals: Vec::new(),
            locals_in_use: 0,
            nested: 0,
        }
    }

    /// Enters an instance for a call from `caller`, `None` for one from outside the component: the
    /// instance and those that it is within, except for those that the caller is in already, which
    /// are not entered but stayed in. `false` when one of them is in a call; then the component
    /// cannot go on. Specification: "Canonical ABI", `entering_set`.
    #[inline]
    pub(crate) fn enter(&mut self, instance: InstanceId, caller: Option<InstanceId>) -> bool {
        let mut entering = Some(instance);
        while let Some(outermost) = entering.filter(|id| !self.is_in(caller, *id)) {
            let placed = self.placed(outermost);
            if !core::mem::replace(&mut placed.state.may_enter, false) {
                return false;
            }
            entering = placed.parent;
        }
        true
    }

    /// Ends what [`State::enter`] began.
    #[inline]
    pub(crate) fn leave(&mut self, instance: InstanceId, caller: Option<InstanceId>) {
        let mut entering = Some(instance);
        while let Some(outermost) = entering.filter(|id| !self.is_in(caller, *id)) {
            let placed = self.placed(outermost);
            placed.state.may_enter = true;
            entering = placed.parent;
        }
    }

    /// The component instances.
    pub(super) fn instances(&self) -> impl Iterator<Item = &InstanceState> {
        self.instances.iter().map(|placed| &placed.state)
    }

    /// The component instances, to change.
    pub(super) fn instances_mut(&mut self) -> impl Iterator<Item = &mut InstanceState> {
        self.instances.iter_mut().map(|placed| &mut placed.state)
    }

    #[inline]
    fn placed(&mut self, instance: InstanceId) -> &mut Placed {
        match self.instances.get_mut(instance.0 as usize) {
            Some(placed) => placed,
            None => &mut self.nobody,
        }
    }

    fn is_in(&self, caller: Option<InstanceId>, instance: InstanceId) -> bool {
        caller.is_some_and(|caller| self.is_within(caller, instance))
    }

    /// The instance whose component instantiated this one's.
    fn parent(&self, instance: InstanceId) -> Option<InstanceId> {
        self.instances.get(instance.0 as usize)?.parent
    }

    fn is_within(&self, inner: InstanceId, outer: InstanceId) -> bool {
        let mut current = Some(inner);
        while let Some(instance) = current {
            if instance == outer {
                return true;
            }
            // A parent has a smaller number than its children.
            current = self.parent(instance);
        }
        false
    }

    pub(crate) fn resource(&self, id: ResourceId) -> Option<&ResourceType> {
        self.resources.get(id.0 as usize)
    }

    /// Begins a call of Wasm code by the runtime; each level costs native stack.
    pub(crate) fn nest(&mut self) -> Result<(), Trap> {
        if self.nested >= MAX_NESTED_CALLS {
            return Err(Trap::new(format!(
                "more than {MAX_NESTED_CALLS} calls are nested through the runtime"
            )));
        }
        self.nested += 1;
        Ok(())
    }

    /// Ends what [`State::nest`] began.
    pub(crate) fn unnest(&mut self) {
        self.nested = self.nested.saturating_sub(1);
    }

    /// Takes a local area into use, which is empty, and makes it the current one. Gives back the
    /// area that was current before.
    pub(crate) fn enter_local(&mut self) -> Area {
        if self.locals_in_use == self.locals.len() {
            self.locals.push(LocalArea::default());
        }
        let area = Area::Local(self.locals_in_use);
        if let Some(local) = self.locals.get_mut(self.locals_in_use) {
            local.clear();
        }
        self.locals_in_use += 1;
        core::mem::replace(&mut self.area, area)
    }

    /// Ends what [`State::enter_local`] began.
    pub(crate) fn leave_local(&mut self, before: Area) {
        self.locals_in_use = self.locals_in_use.saturating_sub(1);
        self.area = before;
    }

    /// The current local area; `None` when the current area is the host's.
    pub(crate) fn local(&mut self) -> Option<&mut LocalArea> {
        match self.area {
            Area::Host => None,
            Area::Local(depth) => self.locals.get_mut(depth),
        }
    }

    /// Forgets what stands in the current area: a message was not sent or not read to the end.
    pub(crate) fn discard(&mut self) {
        match self.area {
            Area::Host => {
                self.host.discard_outgoing();
                self.host.discard_incoming();
            }
            Area::Local(depth) => {
                if let Some(local) = self.locals.get_mut(depth) {
                    local.clear();
                }
            }
        }
    }

    /// The message in the current area was read to the end: handles that nobody took are let go.
    pub(crate) fn received(&mut self) {
        if self.area == Area::Host {
            self.host.discard_incoming();
        }
    }

    fn origin(&self, resource: ResourceId) -> Result<Origin, String> {
        let resource = self.resource(resource).ok_or("a resource type is not known")?;
        resource.origin.ok_or_else(|| {
            format!("resource `{}` belongs to the component's inside", resource.name)
        })
    }

    /// Where an imported resource comes from: target and number there.
    pub(crate) fn imported(&self, resource: ResourceId) -> Option<(Target, u32)> {
        match self.resource(resource)?.origin? {
            Origin::Import { target, resource } => Some((target, resource)),
            Origin::Export { .. } => None,
        }
    }

    fn local_at(&self, depth: usize) -> Result<&LocalArea, String> {
        self.locals.get(depth).ok_or_else(no_area)
    }

    fn local_at_mut(&mut self, depth: usize) -> Result<&mut LocalArea, String> {
        self.locals.get_mut(depth).ok_or_else(no_area)
    }
}

fn no_area() -> String {
    "the message area of a call within the domain is gone".into()
}

impl<H: Host> Transfer for State<H> {
    fn outgoing(&mut self) -> &mut [u8] {
        match self.area {
            Area::Host => self.host.outgoing(),
            Area::Local(depth) => match self.locals.get_mut(depth) {
                Some(local) => local.outgoing(),
                None => &mut [],
            },
        }
    }

    fn grow_outgoing(&mut self, bytes: usize) -> bool {
        match self.area {
            Area::Host => false,
            Area::Local(depth) => self.locals.get_mut(depth).is_some_and(|local| local.grow(bytes)),
        }
    }

    fn incoming(&self) -> &[u8] {
        match self.area {
            Area::Host => self.host.incoming(),
            Area::Local(depth) => match self.locals.get(depth) {
                Some(local) => local.incoming(),
                None => &[],
            },
        }
    }

    fn put_slot(
        &mut self,
        resource: ResourceId,
        passing: Passing,
        number: u32,
    ) -> Result<u32, String> {
        match self.area {
            Area::Host => {
                let origin = self.origin(resource)?;
                self.host.put_slot(ResourceSlot { passing, origin, number })
            }
            Area::Local(depth) => self.local_at_mut(depth)?.put_slot(resource, passing, number),
        }
    }

    fn check_slot(&self, index: u32, resource: ResourceId, passing: Passing) -> Result<(), String> {
        match self.area {
            Area::Host => self.host.check_slot(index, passing, self.origin(resource)?),
            Area::Local(depth) => {
                self.local_at(depth)?.check_slot(index, resource, passing).map(|_| ())
            }
        }
    }

    fn take_slot(
        &mut self,
        index: u32,
        resource: ResourceId,
        passing: Passing,
    ) -> Result<u32, String> {
        match self.area {
            Area::Host => {
                let origin = self.origin(resource)?;
                self.host.take_slot(index, passing, origin)
            }
            Area::Local(depth) => self.local_at_mut(depth)?.take_slot(index, resource, passing),
        }
    }

    #[inline]
    fn instance(&mut self, instance: InstanceId) -> &mut InstanceState {
        &mut self.placed(instance).state
    }

    fn resource_implementer(&self, resource: ResourceId) -> Option<InstanceId> {
        self.resource(resource)?.implementer
    }
}
