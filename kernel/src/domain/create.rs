//! Making and starting domains.

use super::transfer::Slots;
use super::{Activity, Body, Domain, Kernel, Life, Pristine, Reserved, Swap};
use crate::arch::Start;
use crate::capability::{BlobId, DomainId, HandleTable, Link, List, Object};
use crate::ipc::Inbox;
use crate::memory::{Access, AddressSpace, MapError, PAGE_SIZE, PageRun, VirtAddr};
use crate::scheduler::{PRIORITIES, Share};
use alloc::sync::Arc;
use atoll_gate::Status;
use atoll_gate::layout::{
    COMPONENT_BASE, RECEIVE_AREA, REGION_BASE, SEND_AREA, STACK_BASE, STACK_SIZE,
};
use atoll_gate::message::{AREA_SIZE, Header, Lengths, PAYLOAD_OFFSET};
use atoll_gate::record::name_field;
use atoll_gate::start::{DomainConfig, Isolation};

/// Most handles that a configuration may ask for.
const MOST_HANDLES: u32 = crate::capability::table::MOST_HANDLES;

impl From<MapError> for Status {
    fn from(error: MapError) -> Self {
        match error {
            MapError::OutOfFrames => Self::OutOfMemory,
            MapError::Exists => Self::Exists,
            MapError::BadAddress | MapError::Missing => Self::Invalid,
        }
    }
}

fn at(address: u64) -> Result<VirtAddr, Status> {
    VirtAddr::new(address).ok_or(Status::Invalid)
}

/// Fails with `Invalid` where a configuration makes no sense.
fn check(config: &DomainConfig<'_>) -> Result<(), Status> {
    let budget_fits = config.budget_ns == 0 || config.budget_ns <= config.period_ns;
    if config.priority < PRIORITIES && config.handle_limit <= MOST_HANDLES && budget_fits {
        Ok(())
    } else {
        Err(Status::Invalid)
    }
}

impl Body {
    /// What a domain with this memory runs in, with areas that are not mapped yet.
    pub(super) fn new(space: AddressSpace, reserved: Reserved) -> Result<Self, Status> {
        let pages = AREA_SIZE / PAGE_SIZE as usize;
        let area = || PageRun::allocate(pages).ok_or(Status::OutOfMemory);
        Ok(Self { space, send: area()?, receive: area()?, next_region: REGION_BASE, reserved })
    }

    /// Maps the message areas, for reading and writing.
    pub(super) fn map_areas(&mut self) -> Result<(), Status> {
        for (base, run) in [(SEND_AREA, &self.send), (RECEIVE_AREA, &self.receive)] {
            self.space.map_run(at(base)?, run, Access::ReadWrite)?;
        }
        Ok(())
    }
}

impl Kernel {
    /// Makes a domain that runs the component in `module` and holds that; nobody holds it yet and it does
    /// not run.
    pub(crate) fn create_domain(
        &mut self,
        config: &DomainConfig<'_>,
        module: BlobId,
    ) -> Result<DomainId, Status> {
        check(config)?;
        let component = self.ipc.blobs.get(module).ok_or(Status::NotFound)?.sealed()?.clone();
        let number = self.next_number()?;
        let body = self.build_body(number, config.isolation, &component)?;
        self.add_domain(config, module, number, body, None)
    }

    /// The number of a domain for which there is room.
    pub(super) fn next_number(&mut self) -> Result<u32, Status> {
        self.domains.reserve(1).map_err(|_| Status::OutOfMemory)?;
        self.newest.checked_add(1).ok_or(Status::OutOfMemory)
    }

    /// Adds a domain with the number that was taken last; a clone comes with what it began with.
    pub(super) fn add_domain(
        &mut self,
        config: &DomainConfig<'_>,
        module: BlobId,
        number: u32,
        body: Body,
        pristine: Option<Arc<Pristine>>,
    ) -> Result<DomainId, Status> {
        let (budget_ns, period_ns) = (config.budget_ns, config.period_ns);
        let share = Share { priority: config.priority, budget_ns, period_ns };
        let mut domain = Domain {
            number,
            module,
            name: name_field(config.name),
            life: Life::Created,
            activity: Activity::Runnable,
            body: Some(body),
            is_clone: pristine.is_some(),
            loaded: 0,
            pristine,
            handles: HandleTable::new(config.handle_limit),
            handle_limit: config.handle_limit,
            inbox: Inbox::default(),
            charged: 0,
            memory_limit: config.memory_limit,
            calls_open: 0,
            call_limit: config.call_limit,
            ring: config.isolation,
            share,
            calls_sent: 0,
            calls_served: 0,
            holders: 0,
            changes: 0,
            watchers: List::new(),
            ending: None,
            swap: Swap::new(config.standby),
            health: super::Health::default(),
            link: Link::FREE,
        };
        domain.require_memory(0)?;
        let id = self.domains.insert(domain).map_err(|_| Status::OutOfMemory)?;
        self.newest = number;
        self.hold(Object::Blob(module), 0);
        self.scheduler.add(id, share);
        Ok(id)
    }

    /// Forgets a domain that has ended and that nobody holds.
    pub(super) fn forget_domain(&mut self, id: DomainId) {
        if let Some(domain) = self.domains.remove(id) {
            self.release_blob(domain.module);
        }
    }

    /// The address space of a new domain with everything in it, and its first registers.
    fn build_body(
        &self,
        number: u32,
        ring: Isolation,
        component: &Arc<PageRun>,
    ) -> Result<Body, Status> {
        let space = AddressSpace::new(ring).ok_or(Status::OutOfMemory)?;
        let mut body = Body::new(space, Reserved::default())?;
        body.map_areas()?;
        let space = &mut body.space;
        self.image.map_into(space)?;
        space.commit(at(STACK_BASE)?, STACK_SIZE / PAGE_SIZE, Access::ReadWrite)?;
        if !component.is_empty() {
            space.map_run(at(COMPONENT_BASE)?, component, Access::Read)?;
        }
        space.context().start(Start {
            entry: self.image.entry(),
            stack: at(STACK_BASE + STACK_SIZE)?,
            user: ring == Isolation::User,
            owner: number,
            arguments: [component.len() as u64, 0, 0],
        });
        Ok(body)
    }

    /// Delivers a start record from the send area of `supervisor` and lets the domain run.
    pub(crate) fn start_domain(
        &mut self,
        supervisor: DomainId,
        domain: DomainId,
        lengths: Lengths,
    ) -> Result<(), Status> {
        if self.live(domain)?.0.life != Life::Created {
            return Err(Status::Invalid);
        }
        if lengths.slots > 0 {
            self.pass_grants(supervisor, domain, lengths)?;
        }
        let (sender, from) = self.live(supervisor)?;
        let to = &self.live(domain)?.1.receive;
        let copied =
            from.send.copy_to(PAYLOAD_OFFSET, to, PAYLOAD_OFFSET, lengths.payload as usize);
        copied.map_err(|_| Status::Invalid)?;
        let number = sender.number;
        self.launch(domain, lengths, number)
    }

    fn pass_grants(
        &mut self,
        supervisor: DomainId,
        domain: DomainId,
        lengths: Lengths,
    ) -> Result<(), Status> {
        let slots = Slots::read(&self.live(supervisor)?.1.send, lengths.slots)?;
        self.pledge(supervisor, &slots, false)?;
        match self.transfer(supervisor, domain, &slots) {
            Ok((arrived, _)) => arrived.write(&self.live(domain)?.1.receive),
            Err(status) => {
                self.withdraw_pledge(supervisor, slots.as_slice());
                Err(status)
            }
        }
    }

    /// Lets a domain run whose start record is in its receive area.
    pub(super) fn launch(
        &mut self,
        id: DomainId,
        lengths: Lengths,
        sender: u32,
    ) -> Result<(), Status> {
        let standby = self.live(id)?.0.swap.is_standby();
        let header = Header {
            method: u32::from(standby),
            payload_len: lengths.payload,
            slot_count: lengths.slots,
            sender,
            ..Header::default()
        };
        super::calls::write_header(&self.live(id)?.1.receive, header)?;
        self.domain_mut(id)?.life = Life::Starting;
        self.scheduler.wake(id, self.now);
        Ok(())
    }

    /// A domain says that it is ready to serve, or has done its part in a swap: whoever watches it
    /// is told.
    pub(crate) fn become_ready(&mut self, id: DomainId) {
        let Some(domain) = self.domains.get_mut(id) else { return };
        if domain.life != Life::Starting {
            self.advance_swap(id);
            return;
        }
        domain.life = Life::Ready;
        if domain.swap.is_standby() {
            self.advance_swap(id);
        } else {
            self.tell_change(id);
        }
    }

    /// Tells whoever watches a domain that something about it changed.
    pub(super) fn tell_change(&mut self, id: DomainId) {
        if let Some(domain) = self.domains.get_mut(id) {
            domain.changes = domain.changes.saturating_add(1);
            self.fire_watches(Object::Domain(id));
        }
    }
}
