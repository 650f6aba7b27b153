//! The kernel as the supervisor calls it, on the machine.

use std::rc::Rc;

use atoll_supervisor::kernel::{
    Action, Adopted, Authority, Beginning, Cause, Error, Kernel, Level, Phase, Pulse, Streams,
};
use atoll_system_description::{Domain, OnCrash, Signer};

use super::{
    Machine, Simulated, Source,
    handles::{DomainHandle, Guard, ModuleHandle},
    machine::Made,
};

#[derive(Clone)]
pub(crate) struct Play(pub(crate) Rc<Machine>);

impl Play {
    fn pollable(&self, source: Source) -> Guard {
        let number = self.0.numbers.get() + 1;
        self.0.numbers.set(number);
        self.0.pollables.borrow_mut().insert(number, (source, None));
        Guard { machine: self.0.clone(), number }
    }

    fn made(&self, domain: Simulated) -> DomainHandle {
        let mut domains = self.0.domains.borrow_mut();
        domains.push(domain);
        DomainHandle { machine: self.0.clone(), index: domains.len() - 1 }
    }

    fn grant(&self, domain: &DomainHandle, line: String) -> Result<(), Error> {
        if !self.0.room.get() {
            return Err(Error::OutOfResources("handles".to_string()));
        }
        self.0.domains.borrow_mut()[domain.index].grants.push(line);
        Ok(())
    }
}

impl Kernel for Play {
    type Endpoint = u32;
    type Capsule = (u32, u64);
    type Module = ModuleHandle;
    type Domain = DomainHandle;
    type Pollable = Guard;
    type Event = usize;
    type Input = &'static str;
    type Output = &'static str;
    type Status = usize;
    type Handle = String;

    fn log(&self, level: Level, text: &str) {
        self.0.log.borrow_mut().push(format!("{level:?}: {text}"));
    }

    fn now(&self) -> u64 {
        self.0.now.get()
    }

    fn read_module(&self, name: &str) -> Result<Vec<u8>, Error> {
        let module = self.0.modules.borrow().get(name).cloned();
        module.ok_or_else(|| Error::NotFound(name.to_string()))
    }

    fn read_part(&self, name: &str, offset: u64, count: u32) -> Result<Vec<u8>, Error> {
        let made = self.0.made.borrow();
        let made =
            made.iter().find(|made| made.name == name && made.bytes.len() as u64 == made.size);
        let bytes = made.map_or_else(|| self.read_module(name), |made| Ok(made.bytes.clone()))?;
        let part = bytes.into_iter().skip(usize::try_from(offset).expect("small"));
        Ok(part.take(count as usize).collect())
    }

    fn make_module(&self, name: &str, size: u64) -> Result<ModuleHandle, Error> {
        if !self.0.room.get() {
            return Err(Error::OutOfResources(name.to_string()));
        }
        assert!(!self.0.made.borrow().iter().any(|made| made.name == name), "{name} is taken");
        let made = Made { name: name.to_string(), size, bytes: Vec::new(), holders: 0 };
        self.0.made.borrow_mut().push(made);
        Ok(ModuleHandle::new(&self.0, name).expect("made just now"))
    }

    fn fill_module(&self, module: &ModuleHandle, bytes: &[u8]) -> Result<(), Error> {
        let mut all = self.0.made.borrow_mut();
        let made = all.iter_mut().find(|made| made.name == module.name).expect("held");
        made.bytes.extend(bytes);
        assert!(made.bytes.len() as u64 <= made.size, "the supervisor counts");
        Ok(())
    }

    fn open_module(&self, name: &str) -> Result<ModuleHandle, Error> {
        let module = ModuleHandle::new(&self.0, name).filter(|_| self.0.has_component(name));
        module.ok_or_else(|| Error::NotFound(name.to_string()))
    }

    fn make_endpoint(&self) -> u32 {
        self.0.endpoints.set(self.0.endpoints.get() + 1);
        self.0.endpoints.get()
    }

    fn hold_calls(&self, endpoint: &u32, hold: bool) {
        let mut refusing = self.0.refusing.borrow_mut();
        refusing.retain(|other| other != endpoint);
        if !hold {
            refusing.push(*endpoint);
        }
    }

    fn revoke_objects(&self, endpoint: &u32) -> u64 {
        self.0.revoked.borrow_mut().push(*endpoint);
        1
    }

    /// The endpoint's number and a thousand.
    fn twin(&self, endpoint: &u32, server: &DomainHandle) -> Result<u32, Error> {
        match self.0.domains.borrow()[server.index].phase {
            Phase::Prepared(_) => Ok(endpoint + 1_000),
            _ => Err(Error::NotFound("the interface".to_string())),
        }
    }

    fn publish(&self, endpoint: &u32, interface: &str, number: u64) -> Result<(), Error> {
        let line = format!("{interface} on {endpoint} as {number}");
        self.0.published.borrow_mut().push(line);
        Ok(())
    }

    fn make_capsule(&self, limit: u64) -> Result<(u32, u64), Error> {
        if !self.0.room.get() {
            return Err(Error::OutOfResources("memory".to_string()));
        }
        self.0.capsules.set(self.0.capsules.get() + 1);
        Ok((self.0.capsules.get(), limit))
    }

    fn create(&self, name: &str, plan: &Domain, standby: bool) -> Result<DomainHandle, Error> {
        if !self.0.has_component(&plan.component) {
            return Err(Error::NotFound(plan.component.clone()));
        }
        Ok(self.made(Simulated::new(name, &plan.component, standby)))
    }

    fn clone_domain(&self, original: &DomainHandle, standby: bool) -> Result<DomainHandle, Error> {
        let domains = self.0.domains.borrow();
        let Simulated { ref name, ref component, kept, .. } = domains[original.index];
        if !kept {
            return Err(Error::NotFound("a snapshot".to_string()));
        }
        if !self.0.clones.get() {
            return Err(Error::OutOfResources("memory".to_string()));
        }
        let clone = Simulated { kept, is_clone: true, ..Simulated::new(name, component, standby) };
        drop(domains);
        Ok(self.made(clone))
    }

    fn set_heir(&self, domain: &DomainHandle, heir: &DomainHandle) -> Result<(), Error> {
        self.0.set_heir(domain.index, heir.index)
    }

    fn grant_endpoint(
        &self,
        domain: &DomainHandle,
        interface: &str,
        to: &u32,
        on_crash: OnCrash,
    ) -> Result<(), Error> {
        let policy = match on_crash {
            OnCrash::Error => "",
            OnCrash::Retry => " or again",
            OnCrash::Trap => " or trap",
        };
        self.grant(domain, format!("{interface} to {to}{policy}"))
    }

    fn grant_export(&self, domain: &DomainHandle, interface: &str, on: &u32) -> Result<(), Error> {
        self.grant(domain, format!("{interface} on {on}"))
    }

    fn grant_kernel(
        &self,
        domain: &DomainHandle,
        interface: &str,
        label: &str,
        authority: Authority,
    ) -> Result<(), Error> {
        if authority == Authority::Framebuffer && !self.0.screen.get() {
            return Err(Error::NotFound(interface.to_string()));
        }
        self.grant(domain, format!("{interface} [{label}] {authority:?}"))
    }

    fn grant_capsule(&self, domain: &DomainHandle, capsule: &(u32, u64)) -> Result<(), Error> {
        self.grant(domain, format!("capsule of {}", capsule.1))
    }

    fn grant_streams(
        &self,
        domain: &DomainHandle,
        streams: Streams<&'static str, &'static str>,
    ) -> Result<(), Error> {
        self.grant(domain, format!("{} {} {}", streams.input, streams.output, streams.error))
    }

    fn add_signer(&self, domain: &DomainHandle, signer: &Signer) -> Result<(), Error> {
        self.grant(domain, format!("signed by {} {:?}", signer.name, &signer.key[..2]))
    }

    fn start(
        &self,
        domain: &DomainHandle,
        _: &Domain,
        snapshot: bool,
        arguments: &[String],
    ) -> Result<(), Error> {
        let domain = &mut self.0.domains.borrow_mut()[domain.index];
        domain.arguments = arguments.to_vec();
        domain.kept = snapshot;
        Ok(())
    }

    fn kill(&self, domain: &DomainHandle) {
        if matches!(self.0.domains.borrow()[domain.index].phase, Phase::Ended(_)) {
            self.0.domains.borrow_mut()[domain.index].kept = false;
        }
        self.0.end(domain.index, Cause::Killed, 0);
    }

    fn phase(&self, domain: &DomainHandle) -> Phase {
        let mut domains = self.0.domains.borrow_mut();
        domains[domain.index].changed = false;
        domains[domain.index].phase.clone()
    }

    fn status(&self, domain: &DomainHandle) -> usize {
        self.phase(domain);
        domain.index
    }

    fn calls_open(&self, domain: &DomainHandle) -> u64 {
        self.0.domains.borrow()[domain.index].calls
    }

    fn stands_still(&self, domain: &DomainHandle) -> bool {
        let mut domains = self.0.domains.borrow_mut();
        let domain = &mut domains[domain.index];
        domain.changed = false;
        domain.calls > 0 && domain.hangs && !domain.is_calling
    }

    fn quiesce(&self, domain: &DomainHandle, next: &DomainHandle) -> Result<(), Error> {
        self.0.quiesce(domain.index, next.index)
    }

    fn thaw(&self, domain: &DomainHandle) -> Result<(), Error> {
        self.0.thaw(domain.index)
    }

    fn take_over(&self, old: &DomainHandle, new: &DomainHandle) -> Result<(), Error> {
        self.0.take_over(old.index, new.index)
    }

    fn commit(&self, pairs: &[(&DomainHandle, &DomainHandle)]) -> Result<(), Error> {
        self.0.commit(&numbers(pairs))
    }

    fn revert(&self, pairs: &[(&DomainHandle, &DomainHandle)]) -> Result<(), Error> {
        self.0.revert(&numbers(pairs))
    }

    fn probe(&self, domain: &DomainHandle, number: u64) -> Result<(), Error> {
        if !self.0.probes.get() {
            return Err(Error::Other("no probes".to_string()));
        }
        self.0.domains.borrow_mut()[domain.index].probed = number;
        Ok(())
    }

    fn pulse(&self, domain: &DomainHandle) -> Pulse {
        let domains = self.0.domains.borrow();
        let domain = &domains[domain.index];
        let (answered, verdict) = domain.pulse.clone();
        Pulse { answered, verdict, is_calling: domain.is_calling }
    }

    fn handles(&self, domain: &DomainHandle) -> Vec<String> {
        vec![self.0.domains.borrow()[domain.index].name.clone()]
    }

    fn changes(&self, domain: &DomainHandle) -> Guard {
        self.pollable(Source::Domain(domain.index))
    }

    fn timer(&self, after_ns: u64) -> Guard {
        self.pollable(Source::Timer(self.now() + after_ns))
    }

    fn watch(&self, source: &Guard, token: u64) {
        let mut pollables = self.0.pollables.borrow_mut();
        pollables.get_mut(&source.number).expect("pollable").1 = Some(token);
    }

    fn read_record(&self, record: u32) -> Option<Vec<u8>> {
        self.0.records.borrow().get(&record).cloned()
    }

    fn write_record(&self, record: u32, bytes: &[u8]) -> Result<(), Error> {
        let mut records = self.0.records.borrow_mut();
        if bytes.is_empty() {
            records.remove(&record);
        } else {
            records.insert(record, bytes.to_vec());
        }
        Ok(())
    }

    fn began(&self) -> Beginning {
        self.0.began.borrow().clone()
    }

    fn endpoint_id(&self, endpoint: &u32) -> u32 {
        *endpoint
    }

    fn capsule_id(&self, capsule: &(u32, u64)) -> u32 {
        capsule.0
    }

    fn domain_id(&self, domain: &DomainHandle) -> u32 {
        domain.index as u32 + 1
    }

    fn adopt_endpoints(&self) -> Vec<(u32, u32)> {
        (1..=self.0.endpoints.get()).map(|endpoint| (endpoint, endpoint)).collect()
    }

    fn adopt_capsules(&self) -> Vec<(u32, (u32, u64))> {
        (1..=self.0.capsules.get()).map(|number| (number, (number, 4096))).collect()
    }

    fn adopt_domains(&self) -> Vec<Adopted<DomainHandle>> {
        let adopted = |index: usize| {
            let part = self.0.part(index);
            let domain = &mut self.0.domains.borrow_mut()[index];
            if domain.dropped {
                return None;
            }
            domain.holders += 1;
            domain.changed = false;
            Some(Adopted {
                id: index as u32 + 1,
                name: domain.name.clone(),
                lives: !matches!(domain.phase, Phase::Ended(_)),
                part,
                is_clone: domain.is_clone,
                domain: DomainHandle { machine: self.0.clone(), index },
            })
        };
        let count = self.0.domains.borrow().len();
        (0..count).filter_map(adopted).collect()
    }

    fn settle(&self) {
        self.0.settle();
    }

    fn make_successor(&self, component: &str) -> Result<DomainHandle, Error> {
        let plan = Domain { component: component.to_string(), ..self.0.plan() };
        self.create("supervisor", &plan, true)
    }

    fn succeed(&self, successor: &DomainHandle, _: u64, _: u64) -> Result<(), Error> {
        if self.0.domains.borrow()[successor.index].phase != Phase::Prepared(None) {
            return Err(Error::Other("it is not prepared".to_string()));
        }
        self.0.succeeding.set(Some(successor.index));
        Ok(())
    }

    fn make_event(&self) -> usize {
        self.0.events.borrow_mut().push(false);
        self.0.events.borrow().len() - 1
    }

    fn set_event(&self, event: &usize) {
        self.0.events.borrow_mut()[*event] = true;
    }

    fn subscribe(&self, event: &usize) -> Guard {
        self.pollable(Source::Event(*event))
    }

    fn crash(&self) {
        self.0.crashed.set(true);
    }

    fn power(&self, action: Action) {
        self.0.power.set(Some(action));
    }
}

fn numbers(pairs: &[(&DomainHandle, &DomainHandle)]) -> Vec<(usize, usize)> {
    pairs.iter().map(|(old, new)| (old.index, new.index)).collect()
}
