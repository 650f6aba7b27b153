//! Random values through two component instances of one domain and back: host, A, B, A, host.
//!
//! Both instances hand on what they get, each in a memory and an encoding of its own. What comes
//! back is compared with the wire form that the model gives the value.

use std::fmt::Write as _;

use atoll_runtime::{
    Component, Host, Instance, Provider, Resolver, RuntimeLimits,
    host::{CallError, Origin, Passing, ResourceSlot, Target},
};
use proptest::{prelude::*, sample::select};

use crate::{
    model,
    values::{self, Ty, config},
};

/// Where A has results of B written.
const RETURN_AREA: u64 = 1024;
/// Where the allocators of A and B start.
const FREE: u64 = 65_536;

/// A place that offers nothing.
pub(crate) struct Nowhere;

impl Host for Nowhere {
    fn outgoing(&mut self) -> &mut [u8] {
        &mut []
    }
    fn incoming(&self) -> &[u8] {
        &[]
    }
    fn put_slot(&mut self, _: ResourceSlot) -> Result<u32, String> {
        Err("nowhere".into())
    }
    fn check_slot(&self, _: u32, _: Passing, _: Origin) -> Result<(), String> {
        Err("nowhere".into())
    }
    fn take_slot(&mut self, _: u32, _: Passing, _: Origin) -> Result<u32, String> {
        Err("nowhere".into())
    }
    fn discard_outgoing(&mut self) {}
    fn discard_incoming(&mut self) {}
    fn call(&mut self, _: Target, _: u32, _: usize) -> Result<(), CallError> {
        Err(CallError::Failed("nowhere".into()))
    }
    fn drop_resource(&mut self, _: Target, _: u32, _: u32) {}
}

impl Resolver for Nowhere {
    fn resolve(&mut self, _: &str) -> Result<Provider, String> {
        Err("nowhere".into())
    }
}

/// Starts a component that imports nothing but types.
pub(crate) fn start(text: &str) -> Instance<Nowhere> {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let limits = RuntimeLimits { linear_memory: 4 << 20, ..RuntimeLimits::DEFAULT };
    let component = Component::parse(&bytes, &limits);
    let component = component.unwrap_or_else(|error| panic!("{error}\n{text}"));
    let linked = component.link(&mut Nowhere).expect("nothing to be met");
    Instance::instantiate(linked, Nowhere, &limits).unwrap_or_else(|error| panic!("{error}"))
}

/// Calls a function of the root.
pub(crate) fn call(
    instance: &mut Instance<Nowhere>,
    function: &str,
    parameters: &[u8],
) -> Result<Vec<u8>, String> {
    let export = instance.export_index("$root").expect("functions of the root");
    let method = instance.function_index(export, function).expect("a function");
    instance.call(export, method, parameters).map_err(|trap| trap.to_string())
}

/// Types in text form. Those that have to be imported or exported to be used have names.
#[derive(Default)]
struct Names {
    named: Vec<String>,
}

impl Names {
    fn text(&mut self, ty: &Ty) -> String {
        let list = |names: &mut Self, types: &[Ty]| -> String {
            types.iter().map(|ty| format!(" {}", names.text(ty))).collect()
        };
        let named = match ty {
            Ty::List(element) => return format!("(list {})", self.text(element)),
            Ty::FixedList(elements) => {
                return format!("(list {} {})", self.text(&elements[0]), elements.len());
            }
            Ty::Map(pair) => {
                let pair = values::fields(pair).expect("a pair");
                return format!("(map{})", list(self, pair));
            }
            Ty::Tuple(fields) => return format!("(tuple{})", list(self, fields)),
            Ty::Option(payload) => return format!("(option {})", self.text(payload)),
            Ty::Result(ok, err) => {
                let ok = ok.as_ref().map(|ty| self.text(ty)).unwrap_or_default();
                let err = err.as_ref().map(|ty| format!(" (error {})", self.text(ty)));
                return format!("(result {ok}{})", err.unwrap_or_default());
            }
            Ty::Record(fields) => {
                let mut text = String::from("(record");
                for (number, field) in fields.iter().enumerate() {
                    let _ = write!(text, " (field \"label{number}\" {})", self.text(field));
                }
                text + ")"
            }
            Ty::Variant(cases) => {
                let mut text = String::from("(variant");
                for (number, case) in cases.iter().enumerate() {
                    let payload = case.as_ref().map(|ty| self.text(ty)).unwrap_or_default();
                    let _ = write!(text, " (case \"label{number}\" {payload})");
                }
                text + ")"
            }
            Ty::Enum(count) => labels("enum", *count),
            Ty::Flags(count) => labels("flags", *count),
            scalar => return format!("{scalar:?}").to_lowercase(),
        };
        self.named.push(named);
        format!("$t{}", self.named.len() - 1)
    }

    /// Names the types in a component, by importing them.
    fn imports(&self) -> String {
        (0..)
            .zip(&self.named)
            .map(|(n, text)| {
                format!("(type $d{n} {text}) (import \"t{n}\" (type $t{n} (eq $d{n})))\n")
            })
            .collect()
    }

    fn arguments(&self) -> String {
        (0..self.named.len()).map(|n| format!("(with \"t{n}\" (type $t{n}))")).collect()
    }
}

fn labels(kind: &str, count: u32) -> String {
    let labels: String = (0..count).map(|number| format!(" \"label{number}\"")).collect();
    format!("({kind}{labels})")
}

/// The type without what this test has no place for: handles, and flags that the binary format
/// does not have.
fn plain(ty: &Ty) -> Ty {
    let boxed = |ty: &Ty| Box::new(plain(ty));
    match ty {
        Ty::Own(_) | Ty::Borrow(_) => Ty::U32,
        Ty::Flags(count) => Ty::Flags((*count).min(32)),
        Ty::List(element) => Ty::List(boxed(element)),
        Ty::FixedList(elements) => Ty::FixedList(elements.iter().map(plain).collect()),
        Ty::Map(pair) => Ty::Map(boxed(pair)),
        Ty::Record(fields) => Ty::Record(fields.iter().map(plain).collect()),
        Ty::Tuple(fields) => Ty::Tuple(fields.iter().map(plain).collect()),
        Ty::Variant(cases) => {
            Ty::Variant(cases.iter().map(|case| case.as_ref().map(plain)).collect())
        }
        Ty::Option(payload) => Ty::Option(boxed(payload)),
        Ty::Result(ok, err) => Ty::Result(ok.as_deref().map(boxed), err.as_deref().map(boxed)),
        other => other.clone(),
    }
}

/// A memory with an allocator that grows it.
const LIBRARY: &str = r#"
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 65536))
    (func (export "realloc") (param $old i32) (param $was i32) (param $align i32) (param $len i32)
      (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $free (i32.add (local.get $at) (local.get $len)))
      (block $done (loop $grow
        (br_if $done (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
        (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
        (br $grow)))
      (memory.copy (local.get $at) (local.get $old)
        (select (local.get $len) (local.get $was) (i32.lt_u (local.get $len) (local.get $was))))
      (local.get $at))"#;

/// A function of a type, and how a core function hands a value of it on.
struct Shape {
    /// Parameters and result in text form.
    signature: String,
    /// Core parameters of A's and B's function.
    core: &'static str,
    /// A's call of B's: from its own parameter to its own result.
    call: String,
    /// Core parameters of the lowered function.
    lowered: &'static str,
}

/// The component: A and B, connected.
fn component(names: &Names, shape: &Shape, a: &str, b: &str) -> String {
    let Shape { signature, core, call, lowered } = shape;
    let options = |encoding| {
        format!(
            "(memory (core memory $l \"memory\")) (realloc (core func $l \"realloc\")) \
             string-encoding={encoding}"
        )
    };
    format!(
        r#"(component {imports}
        (component $b {imports}
          (core module $l {LIBRARY} (func (export "f") {core} (local.get 0)))
          (core instance $l (instantiate $l))
          (func (export "f") {signature} (canon lift (core func $l "f") {in_b})))
        (component $a {imports}
          (import "f" (func $f {signature}))
          (core module $l {LIBRARY})
          (core instance $l (instantiate $l))
          (core func $lowered (canon lower (func $f) {in_a}))
          (core module $m (import "b" "f" (func $f {lowered})) (func (export "f") {core} {call}))
          (core instance $m (instantiate $m
            (with "b" (instance (export "f" (func $lowered))))))
          (func (export "f") {signature} (canon lift (core func $m "f") {in_a})))
        (instance $b (instantiate $b {arguments}))
        (instance $a (instantiate $a (with "f" (func $b "f")) {arguments}))
        (func $f (alias export $a "f"))
        (export "f" (func $f)))"#,
        imports = names.imports(),
        arguments = names.arguments(),
        in_a = options(a),
        in_b = options(b),
    )
}

fn encoding() -> impl Strategy<Value = &'static str> {
    select(vec!["utf8", "utf16", "latin1+utf16"])
}

fn core_of(ty: &Ty) -> Option<&'static str> {
    match model::flatten(ty)[..] {
        [model::Core::I32] => Some("i32"),
        [model::Core::I64] => Some("i64"),
        [model::Core::F32] => Some("f32"),
        [model::Core::F64] => Some("f64"),
        _ => None,
    }
}

/// The shape of a function that takes and returns the one value.
fn shape(names: &mut Names, ty: &Ty) -> (Shape, bool) {
    let text = names.text(ty);
    match core_of(ty) {
        Some(core) => {
            let signature = match core {
                "i32" => "(param i32) (result i32)",
                "i64" => "(param i64) (result i64)",
                "f32" => "(param f32) (result f32)",
                _ => "(param f64) (result f64)",
            };
            let shape = Shape {
                signature: format!("(param \"x\" {text}) (result {text})"),
                core: signature,
                call: "(call $f (local.get 0))".into(),
                lowered: signature,
            };
            (shape, false)
        }
        // More parameters than are passed flat: the value stands in memory, first of them, and
        // where it stands is the result.
        None => {
            let more: String = (0..17).map(|n| format!(" (param \"p{n}\" u8)")).collect();
            let shape = Shape {
                signature: format!("(param \"x\" {text}){more} (result {text})"),
                core: "(param i32) (result i32)",
                call: format!(
                    "(call $f (local.get 0) (i32.const {RETURN_AREA})) (i32.const {RETURN_AREA})"
                ),
                lowered: "(param i32 i32)",
            };
            (shape, true)
        }
    }
}

proptest! {
    #![proptest_config(config(160))]

    #[test]
    fn values_go_there_and_back(
        (ty, given) in values::ty(false).prop_flat_map(|ty| {
            let ty = plain(&ty);
            let value = values::value(&ty);
            (Just(ty), value)
        }),
        a in encoding(),
        b in encoding(),
    ) {
        prop_assume!(RETURN_AREA + model::elem_size(&ty) <= FREE);
        let mut names = Names::default();
        let (shape, spilled) = shape(&mut names, &ty);
        let mut instance = start(&component(&names, &shape, a, b));
        let mut wire = Vec::new();
        model::encode(&given, &ty, &mut wire, &mut 0);
        let mut message = wire.clone();
        if spilled {
            message.extend([7; 17]);
        }
        // Twice, because areas and allocators are not fresh the second time.
        for _ in 0..2 {
            prop_assert_eq!(call(&mut instance, "f", &message), Ok(wire.clone()));
        }
    }
}
