//! A server's own code, operator by operator: where which fault can be injected.

use std::{collections::HashMap, ops::Range};

use anyhow::{Context, Result};
use wasmparser::{
    BinaryReader, FunctionBody, Operator, OperatorsReader, Parser, Payload, TypeRef, ValType,
};

use crate::{
    fault::Fault,
    layout::{Edit, Layout, Part},
    random::Random,
};

/// An operator.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The function, by its number among those that the module defines.
    pub(crate) body: usize,
    /// Its bytes in the component.
    pub(crate) range: Range<usize>,
    /// Which straight run of operators it is in: all of them run, or none.
    pub(crate) block: usize,
    /// How many labels there are to branch to, that of the function included.
    pub(crate) labels: u32,
}

/// A function type.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) parameters: Vec<ValType>,
    pub(crate) results: Vec<ValType>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) bytes: Vec<u8>,
    pub(crate) layout: Layout,
    pub(crate) sites: Vec<Site>,
    /// By fault, the sites at which it can be injected.
    by_fault: HashMap<Fault, Vec<usize>>,
    /// Function and begin of each block.
    pub(crate) blocks: Vec<(usize, usize)>,
    /// Locals of each defined function, parameters first.
    pub(crate) locals: Vec<Vec<ValType>>,
    pub(crate) types: Vec<Signature>,
    /// The type of every function, imported ones first.
    pub(crate) functions: Vec<u32>,
    /// Functions by type.
    pub(crate) by_type: HashMap<u32, Vec<u32>>,
}

impl Program {
    /// Takes a component apart.
    pub(crate) fn of(bytes: Vec<u8>) -> Result<Self> {
        let layout = Layout::of(&bytes)?;
        let module = layout.module.content.clone();
        let (types, functions, imported) =
            declared(bytes.get(module).context("the module is cut off")?)?;
        let mut by_type: HashMap<u32, Vec<u32>> = HashMap::new();
        for (function, ty) in (0..).zip(&functions) {
            by_type.entry(*ty).or_default().push(function);
        }
        let mut program = Self {
            bytes,
            layout,
            sites: Vec::new(),
            by_fault: HashMap::new(),
            blocks: Vec::new(),
            locals: Vec::new(),
            types,
            functions,
            by_type,
        };
        for body in 0..program.layout.bodies.len() {
            program.read_body(body, imported)?;
        }
        program.sort();
        Ok(program)
    }

    fn read_body(&mut self, number: usize, imported: usize) -> Result<()> {
        let range = self.layout.range(Part::Body(number)).context("no such body")?;
        let bytes = self.bytes.get(range.clone()).context("the body is cut off")?;
        let body = FunctionBody::new(BinaryReader::new(bytes, range.start as u64));
        let ty = self.functions.get(imported + number).context("a body without a type")?;
        let signature = self.types.get(*ty as usize).context("no such type")?;
        let mut locals = signature.parameters.clone();
        for group in body.get_locals_reader()? {
            let (count, ty) = group?;
            locals.extend((0..count).map(|_| ty));
        }
        let mut operators = body.get_operators_reader()?;
        let (mut sites, mut labels) = (Vec::new(), 1_u32);
        let mut is_first = true;
        while !operators.eof() {
            let start = operators.original_position() as usize;
            let operator = operators.read()?;
            if std::mem::take(&mut is_first) {
                self.blocks.push((number, start));
            }
            let range = start..operators.original_position() as usize;
            let block = self.blocks.len() - 1;
            sites.push(Site { body: number, range, block, labels });
            match operator {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => labels += 1,
                Operator::End => labels = labels.saturating_sub(1),
                _ => {}
            }
            is_first = ends_block(&operator);
        }
        self.sites.extend(sites);
        self.locals.push(locals);
        Ok(())
    }

    /// Sorts the sites by what can be done there.
    fn sort(&mut self) {
        let mut by_fault: HashMap<Fault, Vec<usize>> = HashMap::new();
        for (number, site) in self.sites.iter().enumerate() {
            for fault in Fault::CODE {
                let mut tries = (0..4).map(|try_| Random::of(try_, number as u64));
                if tries.any(|mut random| fault.make(self, site, &mut random).is_some()) {
                    by_fault.entry(fault).or_default().push(number);
                }
            }
        }
        self.by_fault = by_fault;
    }

    /// The sites at which a fault can be injected.
    pub(crate) fn sites_of(&self, fault: Fault) -> &[usize] {
        self.by_fault.get(&fault).map_or(&[], Vec::as_slice)
    }

    /// The site of the operator that a byte of the component belongs to.
    pub(crate) fn site_at(&self, at: usize) -> Option<usize> {
        let after = self.sites.partition_point(|site| site.range.end <= at);
        self.sites.get(after).filter(|site| site.range.contains(&at)).map(|_| after)
    }

    /// The operator at a site.
    pub(crate) fn operator(&self, site: &Site) -> Option<Operator<'_>> {
        let bytes = self.bytes.get(site.range.clone())?;
        OperatorsReader::new(BinaryReader::new(bytes, 0)).read().ok()
    }

    /// The component that traps when it comes to a block.
    pub(crate) fn trapping_at(&self, block: usize) -> Result<Vec<u8>> {
        let (body, start) = *self.blocks.get(block).context("no such block")?;
        let edit = Edit { part: Part::Body(body), range: start..start, bytes: vec![0x00] };
        self.layout.apply(&self.bytes, &edit)
    }

    /// The signature of a type or of a block's.
    pub(crate) fn signature(&self, ty: u32) -> Option<&Signature> {
        self.types.get(ty as usize)
    }
}

/// Types, the type of each function, and how many functions are imported.
fn declared(module: &[u8]) -> Result<(Vec<Signature>, Vec<u32>, usize)> {
    let (mut types, mut functions, mut imported) = (Vec::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    let ty = ty?;
                    let (parameters, results) = (ty.params().to_vec(), ty.results().to_vec());
                    types.push(Signature { parameters, results });
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let TypeRef::Func(ty) = import?.ty {
                        functions.push(ty);
                        imported += 1;
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    functions.push(ty?);
                }
            }
            _ => {}
        }
    }
    Ok((types, functions, imported))
}

/// Whether what follows may run though this did not, or the other way about.
const fn ends_block(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::End
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrTable { .. }
            | Operator::Return
            | Operator::Unreachable
    )
}
