//! One script and one instance of the component.

use super::host::{Moving, Object, TestHost};
use super::provided::Services;
use super::script::{Call, Outcome, Statement};
use super::value::{Message, Printer, Variables, Writer};
use anyhow::{Context, Result, anyhow, bail, ensure};
use atoll_runtime::host::Passing;
use atoll_runtime::types::FunctionType;
use atoll_runtime::{Component, DispatchError, Instance, RuntimeLimits};
use wasm_wave::untyped::{UntypedFuncCall, UntypedValue};

/// A component that runs, and what the script has of it.
pub(super) struct Session {
    instance: Instance<TestHost>,
    variables: Variables,
    /// Number of the interface that calls are for.
    interface: Option<u32>,
}

/// What a call gave.
struct Answer {
    bytes: Vec<u8>,
    handles: Vec<Moving>,
}

impl Session {
    /// Instantiates a component and starts it.
    pub(super) fn start(component: &[u8], interfaces: &[(String, Vec<u8>)]) -> Result<Self> {
        let limits = widest();
        let mut host = TestHost::new(Services::new(interfaces.to_vec()));
        let component = Component::parse(component, &limits)?;
        let linked = component.link(&mut host)?;
        let instance =
            Instance::instantiate(linked, host, &limits).map_err(|trap| anyhow!("{trap}"))?;
        let mut session = Self { instance, variables: Variables::new(), interface: None };
        match session.instance.start() {
            None | Some(Ok(Ok(()))) => Ok(session),
            Some(Ok(Err(why))) => bail!("`start` refused: {why}"),
            Some(Err(trap)) => bail!("`start` trapped: {trap}"),
        }
    }

    /// Carries out a statement; an error says what came out instead.
    pub(super) fn perform(&mut self, statement: &Statement<'_>) -> Result<()> {
        match statement {
            Statement::Use(name) => {
                let found = self.instance.export_index(name);
                self.interface = Some(found.with_context(|| {
                    let exports = self.instance.exports().iter().map(|export| &*export.name);
                    let exports: Vec<_> = exports.collect();
                    format!("the component exports no {name} but {}", exports.join(", "))
                })?);
                Ok(())
            }
            Statement::Drop(name) => {
                let object = self.variables.remove(*name);
                self.give_up(object.with_context(|| format!("there is no resource `{name}`"))?)
            }
            Statement::Log(text) => self.is_written(text),
            Statement::Let(name, call) => self.bind(name, call),
            Statement::Call(call, outcome) => self.judge(call, outcome),
        }?;
        self.drop_forgotten()
    }

    fn is_written(&self, text: &str) -> Result<()> {
        let wanted = UntypedValue::parse(text)?;
        let wanted = wanted.node().as_str(text)?;
        let written = &self.instance.host().services.written;
        ensure!(
            written.iter().any(|line| line.contains(&*wanted)),
            "it is not there; the log has {written:?}"
        );
        Ok(())
    }

    fn bind(&mut self, name: &str, call: &Call<'_>) -> Result<()> {
        ensure!(!self.variables.contains_key(name), "there is a resource `{name}` already");
        let (method, answer) = self.call(call)?;
        let answer = answer?;
        match answer.handles.as_slice() {
            [Moving { object, .. }] => {
                self.variables.insert(name.to_owned(), *object);
                Ok(())
            }
            _ => bail!("the result is {}, and no resource", self.show(method, &answer)?),
        }
    }

    fn judge(&mut self, call: &Call<'_>, outcome: &Outcome<'_>) -> Result<()> {
        let (method, answer) = self.call(call)?;
        match (outcome, answer) {
            (Outcome::Any, answer) => self.release(answer?.handles),
            (Outcome::Trap, Err(_)) => Ok(()),
            (Outcome::Trap, Ok(answer)) => bail!("it gives {}", self.show(method, &answer)?),
            (Outcome::Equals(expected), answer) => {
                let answer = answer?;
                let wanted = self.expected(method, expected)?;
                ensure!(wanted == answer.bytes, "it gives {}", self.show(method, &answer)?);
                self.release(answer.handles)
            }
        }
    }

    /// Makes a call; gives its function's number and what came of it, an error for a trap.
    fn call(&mut self, call: &Call<'_>) -> Result<(u32, Result<Answer>)> {
        let export = self.interface.context("say `use INTERFACE` first")?;
        let parsed = UntypedFuncCall::parse(call.text)?;
        let (method, this) = self.function(export, call.receiver, parsed.name())?;
        let message = self.message(export, method, this, &parsed)?;
        for name in &message.given {
            self.variables.remove(name);
        }
        self.instance.host_mut().deliver(message.bytes, message.handles);
        let answer = match self.instance.dispatch(export, method) {
            Ok(payload) => {
                let (bytes, handles) = self.instance.host_mut().answer(payload);
                Ok(Answer { bytes, handles })
            }
            Err(DispatchError::Refused(why)) => bail!("the runtime refuses the call: {why}"),
            Err(DispatchError::Trap(trap)) => Err(anyhow!("it traps: {trap}")),
        };
        Ok((method, answer))
    }

    /// The function that is meant: one of the interface, a constructor, or a method of a resource.
    fn function(
        &self,
        export: u32,
        receiver: Option<&str>,
        name: &str,
    ) -> Result<(u32, Option<Object>)> {
        let Some(receiver) = receiver else {
            let names = [name.to_owned(), format!("[constructor]{name}")];
            let found = names.iter().find_map(|name| self.instance.function_index(export, name));
            return Ok((found.with_context(|| format!("there is no function `{name}`"))?, None));
        };
        let Some(object) = self.variables.get(receiver).copied() else {
            let found = self.instance.function_index(export, &format!("[static]{receiver}.{name}"));
            let missing = || format!("there is no resource `{receiver}`");
            return Ok((found.with_context(missing)?, None));
        };
        let resource = self.resource(object).context("it is no resource of the component")?;
        let found = self.instance.function_index(export, &format!("[method]{resource}.{name}"));
        let missing = || format!("`{resource}` has no method `{name}`");
        Ok((found.with_context(missing)?, Some(object)))
    }

    /// The name of an object's resource.
    fn resource(&self, object: Object) -> Option<&str> {
        let Object::Own { interface, resource, .. } = object else { return None };
        let export = self.instance.exports().get(interface as usize)?;
        export.ty.resources.get(resource as usize).map(|(name, _)| name.as_str())
    }

    fn ty(&self, export: u32, method: u32) -> Result<&FunctionType> {
        let interface = self.instance.exports().get(export as usize);
        let function = interface.and_then(|interface| interface.ty.functions.get(method as usize));
        Ok(&function.context("there is no such function")?.1)
    }

    fn message(
        &self,
        export: u32,
        method: u32,
        this: Option<Object>,
        call: &UntypedFuncCall<'_>,
    ) -> Result<Message> {
        let mut writer = self.writer(call.source());
        let mut types = self.ty(export, method)?.parameters.iter();
        if let Some(object) = this {
            types.next();
            writer.lend(object, Passing::Borrow)?;
        }
        let given: Vec<_> = match call.params_node() {
            Some(node) => node.as_tuple()?.collect(),
            None => Vec::new(),
        };
        ensure!(given.len() == types.len(), "the function takes {} parameters", types.len());
        for ((name, ty), node) in types.zip(given) {
            writer.put(*ty, node).with_context(|| format!("parameter `{name}`"))?;
        }
        Ok(writer.message)
    }

    fn writer<'a>(&'a self, source: &'a str) -> Writer<'a> {
        let (types, variables) = (self.instance.types(), &self.variables);
        Writer { types, source, variables, message: Message::default() }
    }

    /// The wire form of the value that a function should give.
    fn expected(&self, method: u32, text: &str) -> Result<Vec<u8>> {
        let export = self.interface.context("say `use INTERFACE` first")?;
        let ty = self.ty(export, method)?.result;
        let ty = ty.context("the function gives nothing; leave `==` out")?;
        let value = UntypedValue::parse(text).context("the expected value")?;
        let mut writer = self.writer(text);
        writer.put(ty, value.node()).context("the expected value")?;
        ensure!(writer.message.handles.is_empty(), "resources are not compared; use `let`");
        Ok(writer.message.bytes)
    }

    /// A result in words.
    fn show(&self, method: u32, answer: &Answer) -> Result<String> {
        let export = self.interface.context("say `use INTERFACE` first")?;
        match self.ty(export, method)?.result {
            Some(ty) => Printer { types: self.instance.types(), bytes: &answer.bytes }.value(ty),
            None => Ok("nothing".to_owned()),
        }
    }

    fn release(&mut self, handles: Vec<Moving>) -> Result<()> {
        handles.into_iter().try_for_each(|moving| self.give_up(moving.object))
    }

    /// Drops the script's handle to an object, which is the last one.
    fn give_up(&mut self, object: Object) -> Result<()> {
        let Object::Own { interface, resource, rep } = object else { return Ok(()) };
        let dropped = self.instance.drop_object(interface, resource, rep);
        dropped.map_err(|trap| anyhow!("its destructor traps: {trap}"))
    }

    fn drop_forgotten(&mut self) -> Result<()> {
        let forgotten = std::mem::take(&mut self.instance.host_mut().dropped);
        if self.instance.trap().is_some() {
            return Ok(());
        }
        forgotten.into_iter().try_for_each(|object| self.give_up(object))
    }
}

/// Limits that keep nothing from being tested: those of the system are for the system.
fn widest() -> RuntimeLimits {
    use atoll_runtime::limits::Limit;
    let wide =
        [Limit::LinearMemory, Limit::TableElements, Limit::ComponentBytes, Limit::CoreModules];
    let wide = wide.into_iter().chain([Limit::CoreFunctions, Limit::CoreDefinitions, Limit::Steps]);
    let most = |limits: RuntimeLimits, limit: Limit| limits.with(limit, limit.range().1);
    wide.fold(RuntimeLimits::DEFAULT, most)
}
