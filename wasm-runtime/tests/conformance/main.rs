//! Runs the component model's own test suite, if its folder is named.
//!
//! The suite is the folder `test` of the repository WebAssembly/component-model; the variable
//! `ATOLL_COMPONENT_TESTS` names a copy of it. Without the variable the test says so and passes.
//! `not-yet.txt` lists the directives that are known to fail, a file a line with a reason: a line
//! too many fails the test like a line too few.

#[path = "../common/mod.rs"]
mod common;
mod values;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    rc::Rc,
};

use common::{Domain, LIMITS, System};
use wast::{
    QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat,
    parser::{self, ParseBuffer},
};

#[test]
fn the_component_model_s_suite() {
    let Some(folder) = env::var_os("ATOLL_COMPONENT_TESTS").map(PathBuf::from) else {
        println!("ATOLL_COMPONENT_TESTS is not set: nothing tested");
        return;
    };
    let mut expected: BTreeMap<&str, u32> = BTreeMap::new();
    for line in include_str!("not-yet.txt").lines().filter(|line| !line.starts_with('#')) {
        let (file, rest) = line.split_once(' ').expect("FILE COUNT REASON");
        let (count, _) = rest.split_once(' ').expect("FILE COUNT REASON");
        expected.insert(file, count.parse().expect("a count"));
    }
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let (mut passed, mut wrong) = (0, Vec::new());
    for file in files {
        let name = file.strip_prefix(&folder).expect("below").to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("readable");
        let failures = match run(&text) {
            Ok((passes, failures)) => {
                passed += passes;
                failures
            }
            Err(error) => vec![format!("the file is not read: {error}")],
        };
        if failures.len() as u32 != expected.get(name.as_str()).copied().unwrap_or_default() {
            wrong.push(format!("{name}: {} failures\n  {}", failures.len(), failures.join("\n  ")));
        }
    }
    println!("{passed} directives passed");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "wast") {
            files.push(path);
        }
    }
}

/// What a script works on: the components so far.
#[derive(Default)]
struct Script {
    current: Option<Domain>,
    named: BTreeMap<String, Domain>,
    definitions: BTreeMap<String, Vec<u8>>,
}

/// Runs a script; gives back how many directives passed, and what is wrong with the others.
fn run(text: &str) -> Result<(u32, Vec<String>), wast::Error> {
    let mut lexer = wast::lexer::Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer)?;
    let wast: Wast<'_> = parser::parse(&buffer)?;
    let (mut passed, mut failures, mut script) = (0, Vec::new(), Script::default());
    for directive in wast.directives {
        let (line, _) = directive.span().linecol_in(text);
        match script.directive(directive) {
            Ok(()) => passed += 1,
            Err(why) => failures.push(format!("line {}: {why}", line + 1)),
        }
    }
    Ok((passed, failures))
}

impl Script {
    fn directive(&mut self, directive: WastDirective<'_>) -> Result<(), String> {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name().map(|id| id.name().to_string());
                let domain = start(&encode(&mut module)?)?;
                if let Some(name) = name {
                    self.named.insert(name, domain.clone());
                }
                self.current = Some(domain);
                Ok(())
            }
            WastDirective::ModuleDefinition(mut module) => {
                let name = module.name().map(|id| id.name().to_string()).unwrap_or_default();
                self.definitions.insert(name, encode(&mut module)?);
                Ok(())
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                let module = module.map(|id| id.name().to_string()).unwrap_or_default();
                let bytes = self.definitions.get(&module).ok_or("no such definition")?;
                let domain = start(bytes)?;
                if let Some(instance) = instance {
                    self.named.insert(instance.name().into(), domain.clone());
                }
                self.current = Some(domain);
                Ok(())
            }
            WastDirective::AssertMalformed { mut module, .. }
            | WastDirective::AssertInvalid { mut module, .. } => match encode(&mut module) {
                Err(_) => Ok(()),
                Ok(bytes) => match start(&bytes) {
                    Err(_) => Ok(()),
                    Ok(_) => Err("it was accepted".into()),
                },
            },
            WastDirective::AssertUnlinkable { module: mut wat, .. } => {
                let bytes = wat.encode().map_err(|error| error.to_string())?;
                start(&bytes).err().map(|_| ()).ok_or_else(|| "it was linked".into())
            }
            WastDirective::AssertTrap { exec, .. } => match self.execute(exec)? {
                Err(_) => Ok(()),
                Ok(_) => Err("it did not trap".into()),
            },
            WastDirective::AssertReturn { exec, results, .. } => self.returns(exec, &results),
            WastDirective::Invoke(invoke) => self.invoke(invoke)?.map(|_| ()),
            other => Err(format!("the runner does not know {other:?}").chars().take(80).collect()),
        }
    }

    fn returns(&self, exec: WastExecute<'_>, results: &[WastRet<'_>]) -> Result<(), String> {
        let (found, expected) = match (self.execute(exec)??, results) {
            ((found, None), []) => (found, Vec::new()),
            ((found, Some((domain, export, method))), [WastRet::Component(value)]) => {
                let instance = domain.instance.borrow();
                let (_, ty) = &instance.exports()[export].ty.functions[method];
                let ty = ty.result.ok_or("the function has no result")?;
                (found, values::encode(instance.types(), ty, value)?)
            }
            ((found, Some(_)), []) => (found, Vec::new()),
            _ => return Err("the runner does not know such a result".into()),
        };
        if found == expected {
            Ok(())
        } else {
            Err(format!("expected {expected:?}, found {found:?}"))
        }
    }

    /// The outer error is the runner's, the inner a trap.
    fn execute(&self, exec: WastExecute<'_>) -> Result<Result<Returned, String>, String> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(invoke),
            WastExecute::Wat(Wat::Component(component)) => {
                let bytes = Wat::Component(component).encode().map_err(|e| e.to_string())?;
                Ok(start(&bytes).map(|_| (Vec::new(), None)))
            }
            _ => Err("the runner does not know such an action".into()),
        }
    }

    fn invoke(&self, invoke: WastInvoke<'_>) -> Result<Result<Returned, String>, String> {
        let domain = match invoke.module {
            Some(id) => self.named.get(id.name()),
            None => self.current.as_ref(),
        };
        let domain = domain.ok_or("no component to call")?.clone();
        let (export, method, parameters) = {
            let instance = domain.instance.borrow();
            let export = instance.export_index("$root").ok_or("no function to call")? as usize;
            let functions = &instance.exports()[export].ty.functions;
            let method = functions.iter().position(|(name, _)| name == invoke.name);
            let method = method.ok_or_else(|| format!("no function {}", invoke.name))?;
            let mut parameters = Vec::new();
            for ((_, ty), value) in functions[method].1.parameters.iter().zip(&invoke.args) {
                let WastArg::Component(value) = value else { return Err("core value".into()) };
                parameters.extend(values::encode(instance.types(), *ty, value)?);
            }
            (export, method, parameters)
        };
        let result = domain.instance.borrow_mut().call(export as u32, method as u32, &parameters);
        Ok(match result {
            Ok(result) => Ok((result, Some((domain, export, method)))),
            Err(trap) => Err(trap.to_string()),
        })
    }
}

/// Result in the wire form and which function of which component gave it.
type Returned = (Vec<u8>, Option<(Domain, usize, usize)>);

fn encode(module: &mut QuoteWat<'_>) -> Result<Vec<u8>, String> {
    module.encode().map_err(|error| error.to_string())
}

fn start(bytes: &[u8]) -> Result<Domain, String> {
    let system: Rc<System> = System::new();
    system.start_with(bytes, &LIMITS)
}
