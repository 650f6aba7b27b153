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

fn component() -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = "package a:b;
        interface api { narrow: func(v: u32) -> u32; wide: func(v: u64) -> u64;
                        bytes: func(data: list<u8>) -> list<u8>; }
        world both { import api; export api; }";
    let package = resolve.push_str("a.wit", wit).expect("wit");
    let world = resolve.select_world(&[package], Some("both")).expect("world");
    let core = r#"(module
        (import "a:b/api" "narrow" (func $narrow (param i32) (result i32)))
        (import "a:b/api" "wide" (func $wide (param i64) (result i64)))
        (import "a:b/api" "bytes" (func $bytes (param i32 i32 i32)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "a:b/api#narrow") (param i32) (result i32) (call $narrow (local.get 0)))
        (func (export "a:b/api#wide") (param i64) (result i64) (call $wide (local.get 0)))
        (func (export "a:b/api#bytes") (param i32 i32) (result i32)
            (call $bytes (local.get 0) (local.get 1) (i32.const 8))
            (i32.const 8)))"#;
    let mut module = wat::parse_str(core).expect("wat");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .expect("metadata");
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).expect("module");
    encoder.encode().expect("component")
}

#[test]
fn a_call_into_the_guest_and_out_again_allocates_nothing() {
    let bytes = component();
    let component = Component::parse(&bytes, &LIMITS).expect("parses");
    let descriptor = component.descriptor(0).expect("descriptor");
    let (outgoing, incoming) = (vec![0; 4096], vec![0; 4096]);
    let mut host = Echo { outgoing, incoming, len: 0, descriptor };
    let linked = component.link(&mut host).expect("links");
    let mut instance = Instance::instantiate(linked, host, &LIMITS).expect("starts");
    let message = [&64u32.to_le_bytes()[..], &[7; 64]].concat();
    for (function, len) in [("narrow", 4), ("wide", 8), ("bytes", 68)] {
        let method = instance.function_index(0, function).expect("exported");
        let mut call = || {
            let host = instance.host_mut();
            host.incoming[..len].copy_from_slice(&message[..len]);
            host.len = len;
            assert_eq!(instance.dispatch(0, method), Ok(len));
            assert_eq!(instance.host().outgoing[..len], message[..len]);
        };
        // The interpreter makes its stacks the first times.
        call();
        call();
        assert_eq!(allocations(call), 0, "{function}");
    }
}
