//! Directives, one after another, and what they have made so far.

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use atoll_runtime::RuntimeLimits;

use super::{
    Code, Outcome,
    component::{self, Refusal},
    core::{Core, Translated},
};
use crate::script::{Action, Execute, Expected, Invoke, Kind, Unit};

/// What a file's directives share.
pub(super) struct Session<'a> {
    limits: RuntimeLimits,
    code: Code,
    core: Core,
    instances: Vec<Started>,
    /// Which of the instances directives without a name mean.
    current: Option<usize>,
    named: BTreeMap<&'a str, usize>,
    definitions: BTreeMap<&'a str, Definition<'a>>,
}

/// An instance.
enum Started {
    Core(wasmi::Instance),
    Component(Box<component::Instance>),
}

#[derive(Clone)]
enum Definition<'a> {
    Core(Translated),
    Component(&'a [u8]),
}

/// How a call, an access or an instantiation ended.
pub(super) enum Ended {
    /// With these results.
    Core(Vec<wasmi::Val>),
    /// With a result in the wire form, of the function with that number.
    Component(Vec<u8>, u32),
    /// A component was instantiated.
    Started,
    /// With a trap of a core module.
    Trapped(String),
    /// With a trap of a component.
    Dead(String),
}

/// What a directive comes to: an error says why it failed.
pub(super) type Done<T = ()> = Result<T, String>;

impl<'a> Session<'a> {
    /// Sets up what a file starts with.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) fn new(limits: RuntimeLimits, code: Code) -> Done<Self> {
        Ok(Self {
            limits,
            code,
            core: Core::new(&limits, code).map_err(|error| error.to_string())?,
            instances: Vec::new(),
            current: None,
            named: BTreeMap::new(),
            definitions: BTreeMap::new(),
        })
    }

    /// Carries out a directive.
    pub(super) fn directive(&mut self, action: &Action<'a>) -> Outcome {
        let done = match action {
            Action::Text => return Outcome::Skipped,
            Action::Unknown(what) => Err(format!("the runner has no {what}")),
            Action::Define(unit) => self.define(unit),
            Action::Start(unit) => self.start(unit),
            Action::Instance { instance, definition } => self.instance(instance, definition),
            Action::Register { name, instance } => self.register(name, instance),
            Action::Invoke(invoke) => self.invoke(invoke).and_then(|ended| match ended {
                Ended::Trapped(why) | Ended::Dead(why) => Err(why),
                _ => Ok(()),
            }),
            Action::Returns(execute, expected) => self.returns(execute, expected),
            Action::Traps(execute, message) => {
                self.execute(execute).and_then(|ended| trapped(ended, message))
            }
            Action::Exhausts(invoke, message) => {
                self.invoke(invoke).and_then(|ended| trapped(ended, message))
            }
            Action::Refused(unit) => self.refused(unit),
            Action::Unlinkable(unit) => self.unlinkable(unit),
        };
        match done {
            Ok(()) => Outcome::Passed,
            Err(why) => Outcome::Failed(why),
        }
    }

    fn definition(&self, unit: &Unit<'a>) -> Done<Definition<'a>> {
        match unit.kind {
            Kind::Core => self.core.compile(unit.bytes).map(Definition::Core),
            Kind::Component => {
                component::check(unit.bytes, &self.limits, self.code)
                    .map_err(|refusal| refusal.to_string())?;
                Ok(Definition::Component(unit.bytes))
            }
        }
    }

    fn define(&mut self, unit: &Unit<'a>) -> Done {
        let definition = self.definition(unit)?;
        // One without a name is meant by instances that name none: the last.
        self.definitions.insert("", definition.clone());
        self.definitions.insert(unit.name, definition);
        Ok(())
    }

    fn start(&mut self, unit: &Unit<'a>) -> Done {
        // What follows is about this unit, even if it could not be made.
        self.current = None;
        let definition = self.definition(unit)?;
        self.begin(&definition, unit.name)
    }

    fn instance(&mut self, instance: &'a str, definition: &str) -> Done {
        self.current = None;
        let definition = self.definitions.get(definition).cloned().ok_or("no such definition")?;
        self.begin(&definition, instance)
    }

    /// Instantiates a definition under a name.
    fn begin(&mut self, definition: &Definition<'a>, name: &'a str) -> Done {
        let started = match definition {
            Definition::Core(module) => {
                Started::Core(self.core.instantiate(module).map_err(|error| error.to_string())?)
            }
            Definition::Component(bytes) => {
                let started = component::start(bytes, &self.limits, self.code);
                Started::Component(Box::new(started.map_err(|refusal| refusal.to_string())?))
            }
        };
        let number = self.instances.len();
        self.instances.push(started);
        self.current = Some(number);
        if !name.is_empty() {
            self.named.insert(name, number);
        }
        Ok(())
    }

    /// The number of an instance.
    fn find(&self, name: &str) -> Done<usize> {
        let found = if name.is_empty() { self.current } else { self.named.get(name).copied() };
        found.ok_or_else(|| format!("there is no instance `{name}`"))
    }

    fn register(&mut self, name: &str, instance: &str) -> Done {
        let number = self.find(instance)?;
        match self.instances.get(number) {
            Some(Started::Core(instance)) => self.core.register(name, *instance),
            _ => Err("components cannot be registered".into()),
        }
    }

    fn invoke(&mut self, invoke: &Invoke<'a>) -> Done<Ended> {
        let number = self.find(invoke.instance)?;
        match self.instances.get_mut(number) {
            Some(Started::Core(instance)) => {
                self.core.invoke(*instance, invoke.function, &invoke.arguments)
            }
            Some(Started::Component(instance)) => {
                instance.invoke(invoke.function, &invoke.arguments)
            }
            None => Err("there is no instance".into()),
        }
    }

    fn execute(&mut self, execute: &Execute<'a>) -> Done<Ended> {
        match execute {
            Execute::Invoke(invoke) => self.invoke(invoke),
            Execute::Get { instance, global } => {
                let number = self.find(instance)?;
                match self.instances.get(number) {
                    Some(Started::Core(instance)) => self.core.get(*instance, global),
                    _ => Err("components have no globals".into()),
                }
            }
            Execute::Unit(unit) if unit.kind == Kind::Core => {
                let module = self.core.compile(unit.bytes)?;
                Ok(match self.core.instantiate(&module) {
                    Ok(_) => Ended::Core(Vec::new()),
                    Err(error) => Ended::Trapped(error.to_string()),
                })
            }
            Execute::Unit(unit) => match component::start(unit.bytes, &self.limits, self.code) {
                Ok(_) => Ok(Ended::Started),
                Err(Refusal::Trapped(why)) => Ok(Ended::Dead(why)),
                Err(refusal) => Err(refusal.to_string()),
            },
        }
    }

    fn returns(&mut self, execute: &Execute<'a>, expected: &[Expected<'a>]) -> Done {
        match self.execute(execute)? {
            Ended::Trapped(why) | Ended::Dead(why) => Err(why),
            Ended::Started => Ok(()),
            Ended::Core(results) => self.core.compare(&results, expected),
            Ended::Component(result, function) => {
                let Execute::Invoke(invoke) = execute else { return Ok(()) };
                let number = self.find(invoke.instance)?;
                match self.instances.get(number) {
                    Some(Started::Component(instance)) => {
                        instance.compare(function, &result, expected)
                    }
                    _ => Err("there is no such component".into()),
                }
            }
        }
    }

    fn refused(&self, unit: &Unit<'a>) -> Done {
        match unit.kind {
            Kind::Core => match self.core.compile(unit.bytes) {
                Err(_) => Ok(()),
                Ok(_) => Err("the module was accepted".into()),
            },
            Kind::Component => match component::start(unit.bytes, &self.limits, self.code) {
                Err(Refusal::Invalid(_)) => Ok(()),
                Err(refusal) => Err(format!("the component is valid: {refusal}")),
                Ok(_) => Err("the component was accepted".into()),
            },
        }
    }

    fn unlinkable(&mut self, unit: &Unit<'a>) -> Done {
        match unit.kind {
            Kind::Core => {
                let module = self.core.compile(unit.bytes)?;
                match self.core.instantiate(&module) {
                    Err(_) => Ok(()),
                    Ok(_) => Err("the module was linked".into()),
                }
            }
            Kind::Component => match component::start(unit.bytes, &self.limits, self.code) {
                Err(Refusal::Unlinkable(_)) => Ok(()),
                Err(refusal) => Err(format!("it is not refused for its imports: {refusal}")),
                Ok(_) => Err("the component was linked".into()),
            },
        }
    }
}

/// Checks a trap. The texts are those of the reference interpreter, which wasmi has taken over for
/// core modules; what our runtime says of components has words of its own.
fn trapped(ended: Ended, message: &str) -> Done {
    match ended {
        Ended::Dead(_) => Ok(()),
        Ended::Trapped(why) if why.contains(message) => Ok(()),
        Ended::Trapped(why) => Err(format!("it trapped, but not for `{message}`: {why}")),
        Ended::Core(_) | Ended::Component(..) | Ended::Started => {
            Err(format!("it did not trap for `{message}`"))
        }
    }
}
