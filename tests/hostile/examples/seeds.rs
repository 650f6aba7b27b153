//! Writes the seeds of fuzzing into `fuzz/seeds`: components from the texts in `seeds/`, and
//! dummies of random WIT as `wit-component` makes them. `cargo run -p atoll-hostile --example seeds`

use std::{fs, path::Path};

use arbitrary::Unstructured;
use atoll_hostile::{load, seeds};
use atoll_runtime::Component;
use wasm_encoder::{
    CodeSection, Function, Instruction, Module,
    reencode::{Error, Reencode},
};
use wasmparser::{FuncType, FunctionBody, Parser, Payload, ValType};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi};

/// Most bytes of a random seed, and of all of them.
const ONE: usize = 6_000;
const ALL: usize = 100_000;

fn main() {
    let folder = seeds::folder("component");
    fs::create_dir_all(&folder).expect("a folder");
    let texts = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for entry in fs::read_dir(texts).expect("texts") {
        let path = entry.expect("a text").path();
        let bytes = wat::parse_file(&path).unwrap_or_else(|error| panic!("{error}"));
        if let Err(error) = Component::parse(&bytes, &load::LIMITS) {
            panic!("{}: {error}", path.display());
        }
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        fs::write(folder.join(name), bytes).expect("a seed");
    }
    let (mut number, mut bytes) = (0, 0);
    for seed in 0..100_000_u64 {
        let Some(component) = random(seed).filter(|component| component.len() < ONE) else {
            continue;
        };
        if bytes + component.len() > ALL {
            break;
        }
        bytes += component.len();
        fs::write(folder.join(format!("wit-{number:02}")), component).expect("a seed");
        number += 1;
    }
    println!("{number} random components, {bytes} bytes");
}

/// A component of a random world; its functions are not there to be called.
fn random(seed: u64) -> Option<Vec<u8>> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let bytes: Vec<u8> = (0..4096)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect();
    let mut input = Unstructured::new(&bytes);
    let package = wit_smith::smith(&wit_smith::Config::default(), &mut input).ok()?;
    let wit_component::DecodedWasm::WitPackage(resolve, _) =
        wit_component::decode(&package).ok()?
    else {
        return None;
    };
    let (world, _) = resolve.worlds.iter().next()?;
    let mangling = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
    let mut module = answering(&dummy_module(&resolve, world, mangling));
    let encoding = [StringEncoding::UTF8, StringEncoding::UTF16, StringEncoding::CompactUTF16]
        [seed as usize % 3];
    embed_component_metadata(&mut module, &resolve, world, encoding, false).ok()?;
    let component = ComponentEncoder::default().module(&module).ok()?.encode().ok()?;
    let parsed = Component::parse(&component, &load::LIMITS).ok()?;
    let functions = parsed.imports().iter().chain(parsed.exports());
    functions
        .map(|interface| interface.ty.functions.len())
        .sum::<usize>()
        .gt(&1)
        .then_some(component)
}

/// The same module, with functions that return zeros instead of trapping.
fn answering(module: &[u8]) -> Vec<u8> {
    let mut writer = Answering::default();
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("a module") {
            Payload::TypeSection(types) => {
                writer.types =
                    types.into_iter_err_on_gc_types().collect::<Result<_, _>>().expect("types");
            }
            Payload::FunctionSection(functions) => {
                writer.functions =
                    functions.into_iter().collect::<Result<_, _>>().expect("indices");
            }
            _ => {}
        }
    }
    let mut written = Module::new();
    writer.parse_core_module(&mut written, Parser::new(0), module).expect("a module");
    written.finish()
}

#[derive(Default)]
struct Answering {
    types: Vec<FuncType>,
    functions: Vec<u32>,
    written: usize,
}

impl Reencode for Answering {
    type Error = std::convert::Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        _: FunctionBody<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let ty = &self.types[self.functions[self.written] as usize];
        self.written += 1;
        let mut body = Function::new([]);
        for result in ty.results() {
            body.instruction(&match result {
                ValType::I32 => Instruction::I32Const(0),
                ValType::I64 => Instruction::I64Const(0),
                ValType::F32 => Instruction::F32Const(0.0.into()),
                _ => Instruction::F64Const(0.0.into()),
            });
        }
        body.instruction(&Instruction::End);
        code.function(&body);
        Ok(())
    }
}
