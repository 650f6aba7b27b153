//! The life of a domain: check signatures, load, link, instantiate, publish, start, and then run
//! once or serve. The life of a clone begins with an instance.
//!
//! A server's loop takes one event at a time: a call, which goes to the export that the endpoint
//! was published for, a notification or a timer, which goes to `atoll:io/handler`, or the end of
//! an object that a client held. Whatever ends the domain comes out of [`live`] as an [`End`].

use crate::gate::{Calls, Gate};
use crate::place::{Export, Incoming, Minted, Pending, Place};
use crate::start::Start;
use crate::wire::Input;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use atoll_gate::record::Cause;
use atoll_gate::start::GrantKind;
use atoll_runtime::{Component, DispatchError, Instance, Progress, Translation, Trap};

/// Pages that looking up a backtrace takes at most: 33 names of 96 characters, once alone and once
/// in the text, and the blocks that the heap cuts for them.
const LOOK_UP_PAGES: u64 = 16;

/// A component of so many bytes takes long enough to load that its progress is told.
const LARGE: usize = 1 << 20;

/// How the domain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Why.
    pub cause: Cause,
    /// Exit code.
    pub code: u64,
    /// The reason in words; of a trap the frames too, a line each.
    pub message: String,
    /// The trap that ended it, as long as its frames are not looked up.
    pub trap: Option<Trap>,
}

impl End {
    pub(crate) fn refused(message: impl ToString) -> Self {
        Self { cause: Cause::Refused, code: 1, message: message.to_string(), trap: None }
    }

    pub(crate) fn trapped(trap: Trap) -> Self {
        let message = trap.message().into();
        Self { cause: Cause::Trapped, code: 1, message, trap: Some(trap) }
    }

    /// Looks up what was running.
    fn described(mut self, component: &[u8]) -> Self {
        if let Some(mut trap) = self.trap.take() {
            trap.describe(component);
            if let Some(backtrace) = trap.backtrace() {
                self.message = format!("{}{backtrace}", self.message);
            }
        }
        self
    }
}

/// Lives the life of the domain whose start record is in the receive area, and tells its end. The
/// memory of the guest is there until then: the domain's end is told before anything is taken
/// apart, and the kernel takes all of it at once.
pub fn live<G: Gate, T>(gate: G, component: &[u8], tell: impl FnOnce(End) -> T) -> T {
    let mut life = match begin(gate, component) {
        Ok(instance) => Life { instance },
        Err(end) => return tell(end.described(component)),
    };
    let end = life.run();
    let has_room = end.trap.is_none() || life.place().gate().room(LOOK_UP_PAGES);
    // Where the guest has all there was, its memory has to go first.
    let _life = has_room.then_some(life);
    tell(end.described(component))
}

/// Everything up to the first instruction of an export.
fn begin<G: Gate>(gate: G, bytes: &[u8]) -> Result<Instance<Place<G>>, End> {
    let start = Start::take(&gate).ok_or_else(|| End::refused("the start record is malformed"))?;
    check_signature(&start, bytes)?;
    let mut instance = instantiate(gate, start, bytes)?;
    #[cfg(feature = "testing")]
    instance.host_mut().note_heap();
    keep(&mut instance)?;
    publish(&mut instance)?;
    Ok(instance)
}

/// Refuses a component that has to be signed and is not, before anything else reads it.
fn check_signature(start: &Start, bytes: &[u8]) -> Result<(), End> {
    if start.signers.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = start.signers.iter().map(|(_, key)| *key).collect();
    atoll_signature::check(bytes, &keys).map(drop).map_err(|refusal| {
        let names: Vec<_> = start.signers.iter().map(|(name, _)| format!("`{name}`")).collect();
        let names = names.join(" or ");
        End::refused(format!("the component must be signed by {names}: {refusal}"))
    })
}

/// Makes the component's instance. What only that needs is let go of here, so that it is neither
/// kept with a snapshot nor freed in each clone.
fn instantiate<G: Gate>(gate: G, start: Start, bytes: &[u8]) -> Result<Instance<Place<G>>, End> {
    let limits = start.limits;
    let backtrace = start.options.backtrace;
    let fuel = gate.fuel();
    let mut place = Place::new(gate, start);
    let mut tell = |percent| place.gate.report_loaded(percent);
    let mut progress = match bytes.len() {
        LARGE.. => Progress::of_reading(bytes.len(), &mut tell),
        _ => Progress::default(),
    };
    let component =
        Component::parse_telling(bytes, &limits, &mut progress).map_err(End::refused)?;
    place.handler = component.export_index("atoll:io/handler");
    let linked = component.link(&mut place).map_err(End::refused)?;
    let translation = Translation { metered: fuel.is_some(), backtrace };
    let mut tell = |percent| place.gate.report_loaded(percent);
    let mut progress = match bytes.len() {
        LARGE.. => Progress::of_translating(bytes.len(), &mut tell),
        _ => Progress::default(),
    };
    let translated = linked.component().translate_telling(&limits, translation, &mut progress);
    let mut translated = translated.map_err(End::refused)?;
    if let Some(fuel) = fuel {
        translated = translated.with_fuel(fuel);
    }
    let mut instance =
        Instance::from_translated(&linked, &translated, place, &limits).map_err(|trap| {
            let end = End::trapped(trap);
            End { message: format!("instantiation: {}", end.message), ..end }
        })?;
    let exports = (0u32..).zip(instance.exports()).map(|(number, export)| Export {
        name: export.name.clone(),
        interface: export.interface().into(),
        descriptor: instance.descriptor(number).unwrap_or_default(),
        services: Vec::new(),
        numbers: None,
        missing: None,
    });
    let exports = exports.collect();
    let layout = instance.layout().map(<[u8]>::to_vec);
    let place = instance.host_mut();
    (place.exports, place.layout) = (exports, layout);
    Ok(instance)
}

/// Has the domain kept for clones, if that is wanted and nothing of this life is in it. A clone
/// begins here and takes over what its own life gave it.
fn keep<G: Gate>(instance: &mut Instance<Place<G>>) -> Result<(), End> {
    let place = instance.host_mut();
    if !place.start().options.snapshot || place.has_called() {
        return Ok(());
    }
    match place.gate().snapshot() {
        Ok(true) => place.begin_again().map_err(End::refused),
        // A domain that is not kept goes on all the same.
        Ok(false) | Err(_) => Ok(()),
    }
}

/// Serves each granted export on its endpoint.
fn publish<G: Gate>(instance: &mut Instance<Place<G>>) -> Result<(), End> {
    let grants =
        instance.host().start().grants.iter().filter(|grant| grant.kind == GrantKind::Export);
    let grants: alloc::vec::Vec<_> = grants.cloned().collect();
    for grant in grants {
        let refused = |found: &str| End::refused(format!("export `{}`: {found}", grant.interface));
        let export = instance.export_index(&grant.interface);
        let export =
            export.ok_or_else(|| refused("it is granted, but the component does not export it"))?;
        let serve = grant.handle.ok_or_else(|| refused("its grant came without an endpoint"))?;
        let published = instance.host_mut().publish(export as usize, serve, 0);
        published.map_err(|text| refused(&text))?;
    }
    Ok(())
}

/// A domain that runs.
pub(crate) struct Life<G: Gate> {
    pub(crate) instance: Instance<Place<G>>,
}

impl<G: Gate> Life<G> {
    fn run(&mut self) -> End {
        let standby = self.place().start().standby;
        let started = if standby { self.stand_by() } else { self.start() };
        if let Err(end) = started {
            return end;
        }
        self.place().gate().report_ready();
        let result = match self.instance.export_index("wasi:cli/run") {
            Some(program) => self.program(program),
            None => self.serve(),
        };
        match result {
            Ok(end) | Err(end) => end,
        }
    }

    pub(crate) fn place(&mut self) -> &mut Place<G> {
        self.instance.host_mut()
    }

    /// Calls a function of the component that takes no handles and gives none.
    pub(crate) fn own_call(
        &mut self,
        export: u32,
        function: &str,
        parameters: &[u8],
    ) -> Result<alloc::vec::Vec<u8>, End> {
        let method = self.instance.function_index(export, function).ok_or_else(|| {
            let interface = self.instance.exports().get(export as usize);
            let name = interface.map_or("?", |interface| interface.name.as_str());
            End::refused(format!("export `{name}` has no function `{function}`"))
        })?;
        self.instance.call(export, method, parameters).map_err(End::trapped)
    }

    /// Lets the component set itself up, if it wants to.
    pub(crate) fn start(&mut self) -> Result<(), End> {
        let Some(export) = self.instance.export_index("atoll:lifecycle/start") else {
            return Ok(());
        };
        let result = self.own_call(export, "start", &[])?;
        let mut result = Input::new(&result);
        match result.case(2) {
            Ok(0) => Ok(()),
            _ => {
                let text = result.string().unwrap_or("no reason given");
                let message = format!("start failed: {text}");
                Err(End { cause: Cause::Exited, code: 1, message, trap: None })
            }
        }
    }

    /// Runs a program.
    fn program(&mut self, export: u32) -> Result<End, End> {
        let result = self.own_call(export, "run", &[]);
        self.place().finish_lines();
        let code = Input::new(&result?).case(2).unwrap_or(1);
        let message = String::new();
        Ok(End { cause: Cause::Exited, code: u64::from(code), message, trap: None })
    }

    /// Serves until something ends it.
    fn serve(&mut self) -> Result<End, End> {
        loop {
            self.settle()?;
            if let Some(call) = self.place().next_call() {
                self.call(call)?;
            }
        }
    }

    /// Does what is to be done before the next event: destructors, watches that came true.
    fn settle(&mut self) -> Result<(), End> {
        while let Some(pending) = self.place().next_pending() {
            match pending {
                Pending::Dropped(Minted { interface, resource, rep }) => {
                    let dropped = self.instance.drop_object(interface, resource, rep);
                    dropped.map_err(End::trapped)?;
                }
                Pending::Quiesce(is_alike) => self.quiesce(is_alike)?,
                Pending::Probe(number) => self.answer_probe(number)?,
                Pending::Ready(token) => {
                    if let Some(handler) = self.place().handler {
                        self.own_call(handler, "ready", &token.to_le_bytes())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs an export for a client.
    fn call(&mut self, Incoming { export, method }: Incoming) -> Result<(), End> {
        let result = match self.instance.dispatch(export, method) {
            Ok(payload) => Some(payload),
            Err(DispatchError::Refused(_)) => None,
            Err(DispatchError::Trap(trap)) => return Err(End::trapped(trap)),
        };
        let ended = self.place().end_call(result);
        ended.map_err(|text| {
            End::trapped(Trap::new(format!("{}: {text}", self.function(export, method))))
        })
    }

    /// Name of an exported function, for messages.
    fn function(&self, export: u32, method: u32) -> String {
        let Some(export) = self.instance.exports().get(export as usize) else { return "?".into() };
        let function =
            export.ty.functions.get(method as usize).map_or("?", |(name, _)| name.as_str());
        format!("{}#{function}", export.name)
    }
}
