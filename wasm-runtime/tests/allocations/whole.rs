//! Whole calls, trampolines and interpreter included: a component that calls itself through a host
//! that echoes.

use std::borrow::Cow;

use atoll_runtime::{
    Component, Host, Instance, Provider, Resolver, RuntimeLimits,
    host::{CallError, Origin, Passing, ResourceSlot, Target},
};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::allocations;

const LIMITS: RuntimeLimits = RuntimeLimits {
    linear_memory: 1 << 20,
    table_elements: 100,
    component_bytes: 1 << 20,
    handles: 100,
    call_depth: 100,
    ..RuntimeLimits::DEFAULT
};

/// Answers each call with its own parameters.
struct Echo {
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    len: usize,
    descriptor: Vec<u8>,
}

impl Host for Echo {
    fn outgoing(&mut self) -> &mut [u8] {
        &mut self.outgoing
    }
    fn incoming(&self) -> &[u8] {
        &self.incoming[..self.len]
    }
    fn put_slot(&mut self, _: ResourceSlot) -> Result<u32, String> {
        Err("no handles here".into())
    }
    fn check_slot(&self, _: u32, _: Passing, _: Origin) -> Result<(), String> {
        Err("no handles here".into())
    }
    fn take_slot(&mut self, _: u32, _: Passing, _: Origin) -> Result<u32, String> {
        Err("no handles here".into())
    }
    fn discard_outgoing(&mut self) {}
    fn discard_incoming(&mut self) {}
    fn call(&mut self, _: Target, _: u32, payload: usize) -> Result<(), CallError> {
        self.incoming[..payload].copy_from_slice(&self.outgoing[..payload]);
        self.len = payload;
        Ok(())
    }
    fn drop_resource(&mut self, _: Target, _: u32, _: u32) {}
}

impl Resolver for Echo {
    fn resolve(&mut self, _: &str) -> Result<Provider, String> {
        let descriptor = Cow::Owned(self.descriptor.clone());
        Ok(Provider { target: Target::Endpoint(0), descriptor })
    }
}

/// A function that gives back what it takes, in WIT and in a core module, and bytes for a call.
struct Case {
    name: &'static str,
    parameters: String,
    result: String,
    /// Core types of the parameters of the lifted function.
    core: String,
    core_result: &'static str,
    message: Vec<u8>,
}

impl Case {
    /// Takes one value and gives one.
    fn single(name: &'static str, wit: &str, core: &'static str, message: &[u8]) -> Self {
        let (parameters, result) = (format!("a: {wit}"), wit.into());
        Self {
            name,
            parameters,
            result,
            core: core.into(),
            core_result: core,
            message: message.into(),
        }
    }

    /// Takes values and gives a tuple of them, which is always spilled.
    fn tuple(name: &'static str, wit: &[&str], core: &str, message: &[u8]) -> Self {
        let named = wit.iter().enumerate().map(|(number, ty)| format!("a{number}: {ty}"));
        Self {
            name,
            parameters: named.collect::<Vec<_>>().join(", "),
            result: format!("tuple<{}>", wit.join(", ")),
            core: core.into(),
            core_result: "i32",
            message: message.into(),
        }
    }

    fn is_spilled(&self) -> bool {
        self.result.starts_with("tuple") || ["list<u8>", "string"].contains(&self.result.as_str())
    }

    fn wit(&self) -> String {
        format!("{}: func({}) -> {};\n", self.name, self.parameters, self.result)
    }

    /// The import, and an export that calls it with its own arguments.
    fn core(&self) -> [String; 2] {
        let Self { name, core, core_result, .. } = self;
        let arguments: String =
            (0..core.split(' ').count()).map(|index| format!("(local.get {index})")).collect();
        let (extra, result, call) = if self.is_spilled() {
            (
                " i32",
                String::new(),
                format!("(call ${name} {arguments} (i32.const 512)) (i32.const 512)"),
            )
        } else {
            ("", format!("(result {core_result})"), format!("(call ${name} {arguments})"))
        };
        [
            format!(
                "(import \"a:b/api\" \"{name}\" (func ${name} (param {core}{extra}) {result}))\n"
            ),
            format!(
                "(func (export \"a:b/api#{name}\") (param {core}) (result {core_result}) {call})\n"
            ),
        ]
    }
}

fn cases() -> Vec<Case> {
    let list = [&64u32.to_le_bytes()[..], &[7; 64]].concat();
    let text = [&6u32.to_le_bytes()[..], b"caf\xc3\xa9!"].concat();
    let mixed: Vec<u8> = (1..22).collect();
    let words: Vec<u8> = (0..=255).cycle().take(17 * 8).collect();
    vec![
        Case::single("narrow", "u32", "i32", &[1, 2, 3, 4]),
        Case::single("wide", "u64", "i64", &[1, 2, 3, 4, 5, 6, 7, 8]),
        Case::single("single", "f32", "f32", &1.5f32.to_le_bytes()),
        Case::single("double", "f64", "f64", &(-2.5f64).to_le_bytes()),
        Case::single("letter", "char", "i32", &0xe9u32.to_le_bytes()),
        Case::tuple("mixed", &["f32", "f64", "u64", "u8"], "f32 f64 i64 i32", &mixed),
        Case::tuple("eight", &["f32"; 8], "f32 f32 f32 f32 f32 f32 f32 f32", &words[..32]),
        Case::tuple("sixteen", &["u64"; 16], &["i64"; 16].join(" "), &words[..128]),
        Case::tuple("doubles", &["f64"; 16], &["f64"; 16].join(" "), &words[..128]),
        // One more than is passed flat.
        Case::tuple("spilled", &["f64"; 17], "i32", &words),
        Case {
            core: "i32 i32".into(),
            core_result: "i32",
            ..Case::single("bytes", "list<u8>", "", &list)
        },
        Case {
            core: "i32 i32".into(),
            core_result: "i32",
            ..Case::single("text", "string", "", &text)
        },
    ]
}

fn component(cases: &[Case]) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let functions: String = cases.iter().map(Case::wit).collect();
    let wit = format!(
        "package a:b; interface api {{ {functions} }} world both {{ import api; export api; }}"
    );
    let package = resolve.push_str("a.wit", &wit).expect("wit");
    let world = resolve.select_world(&[package], Some("both")).expect("world");
    let [imports, exports] = [0, 1]
        .map(|part: usize| cases.iter().map(|case| case.core()[part].clone()).collect::<String>());
    let core = format!(
        "(module {imports} (memory (export \"memory\") 1)
            (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            {exports})"
    );
    let mut module = wat::parse_str(core).expect("wat");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .expect("metadata");
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).expect("module");
    encoder.encode().expect("component")
}

#[test]
fn a_call_into_the_guest_and_out_again_allocates_nothing() {
    let cases = cases();
    let bytes = component(&cases);
    let component = Component::parse(&bytes, &LIMITS).expect("parses");
    let descriptor = component.descriptor(0).expect("descriptor");
    let (outgoing, incoming) = (vec![0; 4096], vec![0; 4096]);
    let mut host = Echo { outgoing, incoming, len: 0, descriptor };
    let linked = component.link(&mut host).expect("links");
    let mut instance = Instance::instantiate(linked, host, &LIMITS).expect("starts");
    for Case { name, message, .. } in &cases {
        let method = instance.function_index(0, name).expect("exported");
        let len = message.len();
        let mut call = || {
            let host = instance.host_mut();
            host.incoming[..len].copy_from_slice(message);
            host.len = len;
            assert_eq!(instance.dispatch(0, method), Ok(len), "{name}");
            assert_eq!(instance.host().outgoing[..len], **message, "{name}");
        };
        // The interpreter makes its stacks the first times.
        call();
        call();
        assert_eq!(allocations(call), 0, "{name}");
    }
}
