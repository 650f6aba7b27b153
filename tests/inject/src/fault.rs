//! The kinds of faults, and how one is made of an operator ([`operators`]).
//!
//! What is changed was valid; what comes out mostly is, and if not, it is refused when it is loaded.

mod operators;

use crate::{
    program::{Program, Site},
    random::Random,
};

/// What is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Another constant.
    Constant,
    /// Another arithmetic operator, or another width of a load or store.
    Operator,
    /// A comparison or a condition the other way about.
    Condition,
    /// Another local variable.
    Local,
    /// Another offset of a load or store.
    Offset,
    /// Another label to branch to.
    Branch,
    /// Another function to call.
    Call,
    /// An instruction less.
    Removed,
    /// A bit in the code, whatever it belongs to.
    CodeBit,
    /// A bit in what the memory contains at first.
    DataBit,
    /// Another size of the memory.
    MemorySize,
    /// A gate call that fails.
    GateCall,
}

impl Fault {
    /// Those that change an operator.
    pub(crate) const CODE: [Self; 8] = [
        Self::Constant,
        Self::Operator,
        Self::Condition,
        Self::Local,
        Self::Offset,
        Self::Branch,
        Self::Call,
        Self::Removed,
    ];

    /// Those that change a component.
    pub(crate) const COMPONENT: [Self; 11] = [
        Self::Constant,
        Self::Operator,
        Self::Condition,
        Self::Local,
        Self::Offset,
        Self::Branch,
        Self::Call,
        Self::Removed,
        Self::CodeBit,
        Self::DataBit,
        Self::MemorySize,
    ];

    /// In words, for reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Operator => "operator",
            Self::Condition => "condition inverted",
            Self::Local => "local swapped",
            Self::Offset => "offset",
            Self::Branch => "branch target",
            Self::Call => "call target",
            Self::Removed => "instruction removed",
            Self::CodeBit => "bit of the code",
            Self::DataBit => "bit of the data",
            Self::MemorySize => "memory size",
            Self::GateCall => "k-th gate call fails",
        }
    }

    /// The bytes that take the operator's place; `None` if there is no such fault here.
    pub(crate) fn make(
        self,
        program: &Program,
        site: &Site,
        random: &mut Random,
    ) -> Option<Vec<u8>> {
        let operator = program.operator(site)?;
        let bytes = program.bytes.get(site.range.clone())?;
        let opcode = *bytes.first()?;
        match self {
            Self::Constant => operators::constant(&operator, random),
            Self::Operator => operators::other_operator(opcode, &operator, bytes, random),
            Self::Condition => operators::inverted(opcode, bytes),
            Self::Local => {
                operators::local(program.locals.get(site.body)?, &operator, opcode, random)
            }
            Self::Offset => operators::offset(opcode, &operator, random),
            Self::Branch => operators::branch(site.labels, &operator, opcode, bytes, random),
            Self::Call => operators::call(program, &operator, bytes, random),
            Self::Removed => operators::removed(program, opcode, &operator),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;
    use crate::{
        layout::{Edit, Part},
        program::Program,
        random::Random,
    };
    use wasmparser::{Validator, WasmFeatures};

    const COMPONENT: &str = r#"(component
        (core module
            (type $two (func (param i32 i32) (result i32)))
            (memory 1)
            (table 2 funcref)
            (global $g (mut i32) (i32.const 0))
            (func $add (type $two) (i32.add (local.get 0) (local.get 1)))
            (func $less (type $two) (i32.lt_u (local.get 0) (local.get 1)))
            (func $work (param i32 i64) (result i64) (local i32 i64 f64)
                (local.set 2 (call $add (local.get 0) (i32.const 70)))
                (i64.store offset=8 (local.get 2) (local.tee 3 (i64.const -5)))
                (if (i64.eqz (local.get 1)) (then (global.set $g (i32.load8_u (i32.const 3)))))
                (block (br_if 0 (i32.eqz (local.get 0))) (memory.fill (i32.const 0) (i32.const 1) (i32.const 2)))
                (block (block (br_table 0 1 0 (local.get 2))))
                (local.set 4 (f64.mul (f64.const 1.5) (f64.load (i32.const 16))))
                (drop (call_indirect (type $two) (i32.const 1) (i32.const 2) (i32.const 0)))
                (i64.add (i64.load32_s (i32.const 4)) (select (i64.const 1) (local.get 3) (local.get 0))))
        ))"#;

    fn validate(bytes: &[u8]) -> Result<(), wasmparser::BinaryReaderError> {
        let features = WasmFeatures::default();
        Validator::new_with_features(features).validate_all(bytes).map(drop)
    }

    /// Every change but that of a label leaves the types as they are, whatever its length.
    #[test]
    fn what_is_changed_is_valid() {
        let bytes = wat::parse_str(COMPONENT).expect("well formed");
        let program = Program::of(bytes).expect("taken apart");
        let mut random = Random::of(1, 1);
        for fault in Fault::CODE {
            let sites = program.sites_of(fault);
            assert!(!sites.is_empty(), "{fault:?} fits nowhere");
            for _ in 0..200 {
                let site = random.pick(sites).map(|number| &program.sites[*number]);
                let site = site.expect("there are some");
                let Some(bytes) = fault.make(&program, site, &mut random) else { continue };
                let edit = Edit { part: Part::Body(site.body), range: site.range.clone(), bytes };
                let changed = program.layout.apply(&program.bytes, &edit).expect("within");
                assert_ne!(changed, program.bytes, "{fault:?}");
                let outcome = validate(&changed);
                assert!(
                    outcome.is_ok() || fault == Fault::Branch,
                    "{fault:?} {:?}: {outcome:?}",
                    program.operator(site)
                );
            }
        }
    }

    #[test]
    fn a_trap_can_be_put_before_any_block() {
        let bytes = wat::parse_str(COMPONENT).expect("well formed");
        let program = Program::of(bytes).expect("taken apart");
        assert!(program.blocks.len() > 10);
        for block in 0..program.blocks.len() {
            validate(&program.trapping_at(block).expect("there")).expect("valid");
        }
    }
}
