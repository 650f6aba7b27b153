//! Backtraces of traps: [`frames`] has which frames there are, [`names`] what they are called,
//! [`rewriting`] that keeping note of them changes nothing.

#[path = "../common/mod.rs"]
mod common;
mod frames;
mod names;
mod rewriting;

use atoll_runtime::trace::Backtrace;
use atoll_runtime::{Component, Instance, RuntimeLimits, Translation, Trap};
use common::{LIMITS, System, TestHost, wire};

/// A component and the way in which it ended.
struct Ended {
    bytes: Vec<u8>,
    trap: Trap,
}

impl Ended {
    /// What is left of a component of these bytes, with the functions of the frames found in them.
    fn of(bytes: Vec<u8>, mut trap: Trap) -> Self {
        trap.describe(&bytes);
        Self { bytes, trap }
    }

    fn backtrace(&self) -> &Backtrace {
        self.trap.backtrace().expect("a backtrace")
    }

    /// The names of the frames.
    fn names(&self) -> Vec<&str> {
        let frames = self.backtrace().frames().iter();
        frames.map(|frame| frame.function.as_ref().expect("found").name.as_str()).collect()
    }

    /// The instructions that the frames' offsets lead to.
    fn opcodes(&self) -> Vec<u8> {
        let frames = self.backtrace().frames().iter();
        frames.map(|frame| self.bytes[frame.offset as usize]).collect()
    }
}

fn instantiate(
    bytes: &[u8],
    limits: &RuntimeLimits,
    backtrace: bool,
) -> Result<Instance<TestHost>, Trap> {
    let mut host = TestHost::new(System::new(), 0);
    let component = Component::parse(bytes, limits).expect("a component");
    let translation = Translation { metered: false, backtrace };
    let translated = component.translate_for(limits, translation).expect("valid");
    let linked = component.link(&mut host).expect("no imports");
    Instance::from_translated(&linked, &translated, host, limits)
}

fn run(bytes: &[u8], parameters: &[u32], backtrace: bool) -> Result<Vec<u8>, Trap> {
    let mut instance = instantiate(bytes, &LIMITS, backtrace)?;
    let export = instance.export_index("$root").expect("exports");
    let method = instance.function_index(export, "run").expect("run");
    instance.call(export, method, &wire(parameters))
}

fn parse(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs the export `run`, which traps.
fn trap(text: &str) -> Ended {
    let bytes = parse(text);
    let trap = run(&bytes, &[], true).expect_err("traps");
    Ended::of(bytes, trap)
}

/// A component of one core module whose function `$run` is exported.
fn module(fields: &str) -> String {
    format!(
        r#"(component
        (core module $m {fields} (export "run" (func $run)))
        (core instance $i (instantiate $m))
        (func (export "run") (canon lift (core func $i "run"))))"#
    )
}
