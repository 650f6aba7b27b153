//! What the supervisor asks of the place it runs in.

mod types;

use atoll_system_description::{Domain, OnCrash, Signer};

pub use types::*;

/// The kernel, its clock, its log and its domains. No function blocks.
pub trait Kernel {
    /// Where calls to one interface go. Dropping it gives it up.
    type Endpoint;
    /// What a server keeps beyond its end. Dropping it gives it up.
    type Capsule;
    /// A component that was made at run time. Dropping it gives it up, unless a domain runs it.
    type Module;
    /// A domain under control. Dropping it forgets an ended domain and ends a living one's
    /// supervision.
    type Domain;
    /// Something that becomes ready. Dropping it ends its watch.
    type Pollable;
    /// A flag that others wait for.
    type Event;
    /// Reading end of a pipe.
    type Input;
    /// Writing end of a pipe.
    type Output;
    /// All that the kernel tells of a domain, for clients.
    type Status;
    /// One handle of a domain, for clients.
    type Handle;

    /// Adds an entry to the log.
    fn log(&self, level: Level, text: &str);
    /// Nanoseconds since boot.
    fn now(&self) -> u64;
    /// The bytes of a boot module.
    ///
    /// # Errors
    /// When there is no such module.
    fn read_module(&self, name: &str) -> Result<Vec<u8>, Error>;

    /// Some bytes of a module, fewer at its end.
    ///
    /// # Errors
    /// When there is no such module, or it does not have all its bytes yet.
    fn read_part(&self, name: &str, offset: u64, count: u32) -> Result<Vec<u8>, Error>;

    /// Makes a module of so many bytes, which has none of them yet. No other one has its name.
    ///
    /// # Errors
    /// When there is no room, or one of that name.
    fn make_module(&self, name: &str, size: u64) -> Result<Self::Module, Error>;
    /// Puts bytes behind those that a module has. It can be used when it has all of them.
    ///
    /// # Errors
    /// When it lacks fewer.
    fn fill_module(&self, module: &Self::Module, bytes: &[u8]) -> Result<(), Error>;
    /// One that has all its bytes and that somebody still holds.
    ///
    /// # Errors
    /// When there is none.
    fn open_module(&self, name: &str) -> Result<Self::Module, Error>;

    /// Makes an endpoint nobody serves yet.
    fn make_endpoint(&self) -> Self::Endpoint;
    /// Whether calls wait while nobody serves it, as they do at first, or fail.
    fn hold_calls(&self, endpoint: &Self::Endpoint, hold: bool);
    /// Revokes every object handed out on it; how many there were.
    fn revoke_objects(&self, endpoint: &Self::Endpoint) -> u64;
    /// Makes the twin of an endpoint: where a prepared standby that is to serve it can be called by
    /// other standbys once it has taken over, and which the commit makes one with it.
    ///
    /// # Errors
    /// When the standby does not serve it, or a quota has no room.
    fn twin(
        &self,
        endpoint: &Self::Endpoint,
        server: &Self::Domain,
    ) -> Result<Self::Endpoint, Error>;
    /// Serves the supervisor's own export on it; calls that come by it are told from others by the
    /// number.
    ///
    /// # Errors
    /// When the runtime refuses.
    fn publish(&self, endpoint: &Self::Endpoint, interface: &str, number: u64)
    -> Result<(), Error>;

    /// Makes a capsule for so many bytes.
    ///
    /// # Errors
    /// When there is no room.
    fn make_capsule(&self, limit: u64) -> Result<Self::Capsule, Error>;

    /// Makes a domain; it does not run yet. A standby prepares itself when it is started and
    /// serves nothing until it has taken over.
    ///
    /// # Errors
    /// When the component is missing or there is no room.
    fn create(&self, name: &str, plan: &Domain, standby: bool) -> Result<Self::Domain, Error>;
    /// Makes a domain that begins as another was when it had been instantiated; that one may have
    /// ended. It does not run yet and needs the same grants in the same order.
    ///
    /// # Errors
    /// `NotFound` when nothing was kept, or when there is no room.
    fn clone_domain(&self, original: &Self::Domain, standby: bool) -> Result<Self::Domain, Error>;
    /// Lets a prepared domain take the place of one that serves as soon as that fails; both changes
    /// are told a little later.
    ///
    /// # Errors
    /// When one of them is in another phase.
    fn set_heir(&self, domain: &Self::Domain, heir: &Self::Domain) -> Result<(), Error>;
    /// Grants an import by endpoint, and says what calls come to when its server ends in them.
    ///
    /// # Errors
    /// When a quota has no room.
    fn grant_endpoint(
        &self,
        domain: &Self::Domain,
        interface: &str,
        to: &Self::Endpoint,
        on_crash: OnCrash,
    ) -> Result<(), Error>;
    /// Lets a domain serve an export on an endpoint.
    ///
    /// # Errors
    /// When a quota has no room.
    fn grant_export(
        &self,
        domain: &Self::Domain,
        interface: &str,
        on: &Self::Endpoint,
    ) -> Result<(), Error>;
    /// Grants an import that the domain's runtime provides.
    ///
    /// # Errors
    /// When the machine has no such device or it is taken.
    fn grant_kernel(
        &self,
        domain: &Self::Domain,
        interface: &str,
        label: &str,
        authority: Authority,
    ) -> Result<(), Error>;
    /// Grants a domain its capsule.
    ///
    /// # Errors
    /// When a quota has no room.
    fn grant_capsule(&self, domain: &Self::Domain, capsule: &Self::Capsule) -> Result<(), Error>;
    /// Gives a program its streams.
    ///
    /// # Errors
    /// When a quota has no room.
    fn grant_streams(
        &self,
        domain: &Self::Domain,
        streams: Streams<Self::Input, Self::Output>,
    ) -> Result<(), Error>;
    /// Names one who can have signed the component of a domain: if any was named, what none of
    /// them has signed is refused when it starts.
    ///
    /// # Errors
    /// When it runs already.
    fn add_signer(&self, domain: &Self::Domain, signer: &Signer) -> Result<(), Error>;
    /// Lets a domain run, and has it kept for clones if `snapshot`.
    ///
    /// # Errors
    /// When the machine or a quota has no room.
    fn start(
        &self,
        domain: &Self::Domain,
        plan: &Domain,
        snapshot: bool,
        arguments: &[String],
    ) -> Result<(), Error>;
    /// Ends a domain now. Of one that has ended, lets go of what was kept for clones.
    fn kill(&self, domain: &Self::Domain);
    /// Where a domain is; also ends the readiness of its pollable.
    fn phase(&self, domain: &Self::Domain) -> Phase;
    /// All that the kernel tells of a domain; ends the readiness of its pollable too.
    fn status(&self, domain: &Self::Domain) -> Self::Status;
    /// Calls of others that a domain has and has not answered; ends the readiness of its pollable
    /// too.
    fn calls_open(&self, domain: &Self::Domain) -> u64;
    /// Whether a domain has calls of others, has not answered any since it was made, and waits for
    /// no reply itself; ends the readiness of its pollable too.
    fn stands_still(&self, domain: &Self::Domain) -> bool;
    /// The handles of a domain.
    fn handles(&self, domain: &Self::Domain) -> Vec<Self::Handle>;

    /// Asks a domain for its state, for the prepared standby that is `next`: calls to it are held
    /// from now on, and when it has answered those that it took, it saves and becomes frozen.
    ///
    /// # Errors
    /// When it does not serve, or the other is not prepared.
    fn quiesce(&self, domain: &Self::Domain, next: &Self::Domain) -> Result<(), Error>;
    /// Lets a domain go on that was asked for its state and was not replaced.
    ///
    /// # Errors
    /// When it was not asked, or lives no more.
    fn thaw(&self, domain: &Self::Domain) -> Result<(), Error>;
    /// Lets a prepared standby take over the state of a frozen domain.
    ///
    /// # Errors
    /// When one of them is not there yet, or lives no more.
    fn take_over(&self, old: &Self::Domain, new: &Self::Domain) -> Result<(), Error>;
    /// Gives the endpoints of all old domains to the new ones, and the held calls with them. The
    /// old ones stay frozen. Until an old one is killed its new one is on probation: if that ends,
    /// the calls that it had are held and do not fail.
    ///
    /// # Errors
    /// When one of them is not frozen, or has not taken over; then nothing was done.
    fn commit(&self, pairs: &[(&Self::Domain, &Self::Domain)]) -> Result<(), Error>;
    /// Takes back a commit: the old domains go on and get the calls that wait, and what the new
    /// ones had taken. These end.
    ///
    /// # Errors
    /// When one of the old ones lives no more; then nothing was done.
    fn revert(&self, pairs: &[(&Self::Domain, &Self::Domain)]) -> Result<(), Error>;
    /// Asks a domain for a sign that it works, which it gives between two calls. The answer is a
    /// change and shows in `pulse`.
    ///
    /// # Errors
    /// When it cannot be asked.
    fn probe(&self, domain: &Self::Domain, number: u64) -> Result<(), Error>;
    /// What it answered last.
    fn pulse(&self, domain: &Self::Domain) -> Pulse;

    /// Becomes ready when the domain's `phase` or `pulse` changed since `phase` or `status`.
    fn changes(&self, domain: &Self::Domain) -> Self::Pollable;
    /// Becomes ready when the time has passed.
    fn timer(&self, after_ns: u64) -> Self::Pollable;
    /// Asks for one [`crate::Supervisor::ready`] with the token.
    fn watch(&self, source: &Self::Pollable, token: u64);

    /// The bytes of a record of the supervisor's own capsule.
    fn read_record(&self, record: u32) -> Option<Vec<u8>>;
    /// Replaces a record; without bytes, removes it.
    ///
    /// # Errors
    /// When the capsule has no room.
    fn write_record(&self, record: u32, bytes: &[u8]) -> Result<(), Error>;
    /// How this supervisor began.
    fn began(&self) -> Beginning;
    /// The id of an endpoint.
    fn endpoint_id(&self, endpoint: &Self::Endpoint) -> u32;
    /// The id of a capsule.
    fn capsule_id(&self, capsule: &Self::Capsule) -> u32;
    /// The id of a domain. This ends no readiness of its pollable.
    fn domain_id(&self, domain: &Self::Domain) -> u32;
    /// The endpoints that the supervisor before this one had, with their ids; likewise the rest.
    fn adopt_endpoints(&self) -> Vec<(u32, Self::Endpoint)>;
    /// Its capsules.
    fn adopt_capsules(&self) -> Vec<(u32, Self::Capsule)>;
    /// The domains that it had under control.
    fn adopt_domains(&self) -> Vec<Adopted<Self::Domain>>;
    /// Everything is taken over: what was not adopted or let go of ends.
    fn settle(&self);
    /// Makes a standby of another version of the supervisor.
    ///
    /// # Errors
    /// When the component is missing or there is no room.
    fn make_successor(&self, component: &str) -> Result<Self::Domain, Error>;
    /// Has the guardian let it succeed this supervisor within `deadline_ns`, and take this one's
    /// component again if it ends within `probation_ns`.
    ///
    /// # Errors
    /// When it is not prepared.
    fn succeed(
        &self,
        successor: &Self::Domain,
        deadline_ns: u64,
        probation_ns: u64,
    ) -> Result<(), Error>;

    /// Makes an event.
    fn make_event(&self) -> Self::Event;
    /// Sets it for good.
    fn set_event(&self, event: &Self::Event);
    /// A pollable of it, for a client.
    fn subscribe(&self, event: &Self::Event) -> Self::Pollable;

    /// Ends the supervisor itself, as a bug in it would. Does not return but in a simulation.
    fn crash(&self);
    /// Switches off or reboots; returns if the machine cannot.
    fn power(&self, action: Action);
}
