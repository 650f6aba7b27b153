//! Bounds that a runtime keeps inside its domain, as the system description sets them.
//!
//! The table in this file is the one list of them: key, range and default. Out of it come the
//! fields of [`RuntimeLimits`], their encoding in the start record, and the [`Limit`] that an
//! error names, so that an operator reads what to change. What a component can cost in spite of
//! them is bounded by its domain's quota.

use core::fmt;

use crate::encoding::{Reader, Writer};

/// A field of the encoding.
trait Field: Copy {
    fn write(self, out: &mut Writer<'_>);
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

impl Field for u32 {
    fn write(self, out: &mut Writer<'_>) {
        out.u32(self);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.u32()
    }
}

impl Field for u64 {
    fn write(self, out: &mut Writer<'_>) {
        out.u64(self);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.u64()
    }
}

macro_rules! limits {
    ($($(#[$doc:meta])* $limit:ident, $field:ident: $kind:ident, $key:literal,
        $least:expr => $most:expr, $default:expr, $what:literal;)*) => {
        /// Bounds that the runtime keeps inside its domain.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct RuntimeLimits {
            $($(#[$doc])* pub $field: $kind,)*
        }

        impl RuntimeLimits {
            /// What holds where the system description says nothing.
            pub const DEFAULT: Self = Self { $($field: $default,)* };

            /// Appends the bounds in the order of the table.
            pub fn write(&self, out: &mut Writer<'_>) {
                $(Field::write(self.$field, out);)*
            }

            /// Takes what [`RuntimeLimits::write`] appended.
            #[must_use]
            pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
                Some(Self { $($field: Field::read(reader)?,)* })
            }

            /// The same but for one bound; a value that is too large for it is the largest.
            #[must_use]
            pub fn with(self, limit: Limit, value: u64) -> Self {
                match limit {
                    $(Limit::$limit => {
                        Self { $field: value.try_into().unwrap_or($kind::MAX), ..self }
                    })*
                }
            }

            /// The value of a bound.
            #[must_use]
            pub fn get(&self, limit: Limit) -> u64 {
                match limit {
                    $(Limit::$limit => u64::from(self.$field),)*
                }
            }
        }

        /// One of the bounds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Limit {
            $($(#[$doc])* $limit,)*
        }

        impl Limit {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$limit,)*];

            /// Its key under `limits` in the system description.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$limit => $key,)* }
            }

            /// What it counts, in words.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$limit => $what,)* }
            }

            /// Least and greatest value that a system description may give it.
            #[must_use]
            pub const fn range(self) -> (u64, u64) {
                match self { $(Self::$limit => ($least, $most),)* }
            }
        }
    };
}

limits! {
    /// Most bytes in each linear memory.
    LinearMemory, linear_memory: u64, "linear-memory",
        1 << 16 => 4 << 30, 8 << 20, "bytes in a linear memory";
    /// Most elements in each table.
    TableElements, table_elements: u32, "table-elements",
        1 => 1_000_000, 10_000, "elements in a table";
    /// Most bytes in the component.
    ComponentBytes, component_bytes: u32, "component-size",
        1 => 64 << 20, 1 << 20, "bytes in the component";
    /// Most entries in each component instance's handle table.
    Handles, handles: u32, "handles",
        1 => 1_000_000, 1024, "resource handles in a component instance";
    /// Most Wasm frames on the stack.
    CallDepth, call_depth: u32, "call-depth",
        1 => 100_000, 1000, "Wasm frames on the stack";
    /// Most bytes of parameters, locals and operands of all Wasm frames together.
    StackBytes, stack_bytes: u32, "stack-size",
        1 << 14 => 64 << 20, 1 << 20, "bytes on the Wasm stack";
    /// Most core modules in the component.
    CoreModules, core_modules: u32, "core-modules",
        1 => 1000, 64, "core modules";
    /// Most functions that the core modules define together: the interpreter keeps a record for
    /// each, however short its body is.
    CoreFunctions, core_functions: u32, "core-functions",
        1 => 1_000_000, 100_000, "functions in the core modules";
    /// Most types, imports, tables, memories, globals, exports and segments of the core modules
    /// together.
    CoreDefinitions, core_definitions: u32, "core-definitions",
        1 => 1_000_000, 20_000, "definitions in the core modules";
    /// Most core instances in the domain.
    CoreInstances, core_instances: u32, "core-instances",
        1 => 10_000, 1000, "core instances";
    /// Most component instances in the domain, nested ones included.
    Instances, instances: u32, "instances",
        1 => 10_000, 500, "component instances";
    /// Most linear memories in the domain.
    Memories, memories: u32, "memories",
        1 => 400, 100, "linear memories";
    /// Most tables in the domain.
    Tables, tables: u32, "tables",
        1 => 10_000, 1000, "tables";
    /// Most functions and resource types in the interfaces that the component imports and exports.
    InterfaceItems, interface_items: u32, "interface-items",
        1 => 20_000, 2000, "functions and resources in imports and exports";
    /// Most parts of one type when it is written out in full, shared parts counted each time.
    TypeParts, type_parts: u32, "type-parts",
        1 => 10_000, 10_000, "parts in one type";
    /// Deepest nesting of one type.
    TypeDepth, type_depth: u32, "type-depth",
        1 => 64, 64, "levels in one type";
    /// Most steps of instantiation: definitions, arguments and names of all nested components.
    Steps, steps: u32, "instantiation-steps",
        1 => 10_000_000, 200_000, "steps of instantiation";
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
