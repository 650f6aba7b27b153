//! The guardian: the kernel's part that watches over the first domain, the supervisor, which
//! watches over all others.
//!
//! When the supervisor ends, however that comes, another domain has its place before the kernel
//! entry is over: a clone of it, else one that loads the same component. That finds the capsule and
//! what the one before held, its *estate*, so that nothing else ends. One that hangs is ended
//! (`watch`). It can be succeeded by another version of itself, which can be undone (`succession`).
//! What a supervisor is made with is in `init`; what it knows of others is its own business.
//!
//! Invariants: as long as there is an estate, it keeps alive all that the first domain controls;
//! a first domain that ends before it has settled leaves the same estate again. Whoever ends too
//! often leaves none: then everything ends and begins anew, a few times.

mod estate;
mod succession;
mod watch;

use super::Kernel;
use super::{BootError, Ending};
use crate::arch::power;
use crate::boot::OnPanic;
use crate::capability::{BlobId, CapsuleId, DomainId, Entry, Object};
use crate::trace;
use alloc::vec::Vec;
use atoll_gate::Status;
use atoll_gate::record::{Cause, Level};
use succession::{Before, Succession};
use watch::Question;

/// Ends within [`WINDOW_NS`] after which another domain goes on. One more, and all begins anew.
const PATIENCE: usize = 5;
/// See [`PATIENCE`].
const WINDOW_NS: u64 = 10_000_000_000;
/// Times that everything begins anew.
const BEGINNINGS: u32 = 3;

/// What the guardian knows.
#[derive(Debug, Default)]
pub(super) struct Guardian {
    /// The first domain, of which the guardian holds a handle.
    first: Option<DomainId>,
    /// The capsule that each first domain finds; the guardian holds it too.
    capsule: Option<CapsuleId>,
    /// What the one before held, until the first domain has settled.
    estate: Option<Vec<Entry>>,
    /// When first domains ended, the oldest first.
    ends: [Option<u64>; PATIENCE],
    /// How often everything began anew.
    beginnings: u32,
    /// What the first domain is asked.
    question: Option<Question>,
    /// Whether nothing has to be looked at before something happens.
    rests: bool,
    /// A domain that is to succeed the first one.
    successor: Option<DomainId>,
    /// It is doing so.
    succession: Option<Succession>,
    /// The version that was succeeded, while its successor is on probation.
    before: Option<Before>,
}

impl Kernel {
    /// Starts the first domain from the module that the command line names.
    pub(super) fn start_first(&mut self) -> Result<(), BootError> {
        let name = self.boot.command_line.init().ok_or(BootError::NoInit)?;
        let module = self.ipc.blob_named(name.as_bytes()).ok_or(BootError::NoInit)?;
        self.begin(module).map_err(BootError::InitFailed)
    }

    /// Makes a first domain that finds nothing.
    fn begin(&mut self, module: BlobId) -> Result<(), Status> {
        let id = self.create_first(module, false)?;
        if let Some(capsule) = self.guardian.capsule.take() {
            self.release(Object::Capsule(capsule), 0);
        }
        let begun = self.begin_with(id);
        if begun.is_err() {
            self.release_domain(id);
            self.reap();
        }
        begun
    }

    fn begin_with(&mut self, id: DomainId) -> Result<(), Status> {
        self.guardian.capsule = Some(self.create_first_capsule(id)?);
        self.equip_first(id, None)?;
        self.guardian.first = Some(id);
        self.set_watch();
        Ok(())
    }

    /// The capsule that first domains find.
    pub(super) const fn first_capsule(&self) -> Option<CapsuleId> {
        self.guardian.capsule
    }

    /// Whether `id` is the first domain.
    pub(crate) fn is_first(&self, id: DomainId) -> bool {
        self.guardian.first == Some(id)
    }

    /// Whether the first domain has ended.
    pub(super) fn has_no_first(&self) -> bool {
        self.guardian.first.is_some_and(|first| self.live(first).is_err())
    }

    /// Notes that a domain is about to end; whether another one is to have what it holds.
    pub(super) fn note_end(&mut self, id: DomainId) -> bool {
        if !self.is_first(id) {
            return false;
        }
        let now = self.now;
        let ends = &mut self.guardian.ends;
        let first = ends.first().copied().flatten();
        let often = first.is_some_and(|first| now.saturating_sub(first) < WINDOW_NS);
        ends.rotate_left(1);
        if let Some(last) = ends.last_mut() {
            *last = Some(now);
        }
        if often {
            self.drop_estate();
        }
        !often
    }

    /// Lets another domain take the place of the first one, which ended.
    pub(super) fn replace_first(&mut self) {
        let Some(old) = self.guardian.first.take() else { return };
        self.guardian.question = None;
        self.abandon_succession();
        let replaced = match self.guardian.estate {
            Some(_) => self.go_on_after(old),
            None => Err(Status::QuotaExceeded),
        };
        match replaced {
            Ok(new) => {
                self.guardian.first = Some(new);
                self.set_watch();
                self.forget_before();
                self.release_domain(old);
            }
            Err(_) => self.begin_anew(old),
        }
    }

    /// Makes the domain that goes on in the place of `old`.
    fn go_on_after(&mut self, old: DomainId) -> Result<DomainId, Status> {
        let original = self.version_to_go_on_with(old);
        let module = self.domains.get(original).ok_or(Status::Closed)?.module;
        let id = match self.clone_domain(original, false) {
            Ok(id) => id,
            Err(_) => self.create_first(module, false)?,
        };
        if let Some(domain) = self.domains.get_mut(id) {
            domain.holders = 1;
        }
        let ending = self.domains.get_mut(old).and_then(|domain| domain.ending.take());
        if let Err(status) = self.equip_first(id, ending.as_ref()) {
            self.release_domain(id);
            self.reap();
            return Err(status);
        }
        let (was, is) = (self.number(old), self.number(id));
        trace::kernel(
            Level::Warn,
            format_args!("domain {is} goes on as supervisor after domain {was}"),
        );
        self.inherit_endpoints(old, id);
        self.pass_capsules(old, id);
        self.pass_blobs(old, id);
        Ok(id)
    }

    fn number(&self, id: DomainId) -> u32 {
        self.domains.get(id).map_or(0, |domain| domain.number)
    }

    /// The last resort: all that supervisors made ends, and one begins as at boot.
    fn begin_anew(&mut self, old: DomainId) {
        let original = self.version_to_go_on_with(old);
        let module = self.domains.get(original).map(|domain| domain.module);
        if let Some(module) = module {
            // It would go with the domains.
            self.hold(Object::Blob(module), 0);
        }
        self.forget_before();
        self.release_domain(old);
        self.drop_estate();
        self.reap();
        self.guardian.ends = [None; PATIENCE];
        let has_begun = module.is_some_and(|module| self.try_to_begin(module));
        if let Some(module) = module {
            self.release_blob(module);
        }
        if !has_begun {
            self.give_up();
        }
    }

    /// Makes a first domain that finds nothing, unless that was done too often; whether there is one.
    fn try_to_begin(&mut self, module: BlobId) -> bool {
        while self.guardian.beginnings < BEGINNINGS {
            self.guardian.beginnings += 1;
            let time = self.guardian.beginnings;
            trace::kernel(
                Level::Error,
                format_args!(
                    "the supervisor ended too often: all begins anew, time {time} of {BEGINNINGS}"
                ),
            );
            match self.begin(module) {
                Ok(()) => return true,
                Err(status) => trace::kernel(
                    Level::Error,
                    format_args!("cannot start the supervisor: {status:?}"),
                ),
            }
        }
        false
    }

    /// Nobody is left who could start anything.
    fn give_up(&self) {
        trace::kernel(Level::Error, format_args!("no supervisor is left"));
        match self.boot.command_line.on_panic() {
            OnPanic::Reboot => power::reboot(),
            OnPanic::Halt if self.boot.command_line.exit_by_debug_port() => power::off(),
            OnPanic::Halt => {}
        }
    }

    /// Ends a domain on the guardian's own account.
    fn put_down(&mut self, id: DomainId) {
        self.end(id, Ending::new(Cause::Killed, 0));
    }
}
