//! The imports that were added to a module so that it records its calls.

use wasmi::{AsContextMut, Error, Extern, ExternType, Memory, MemoryType, Module};

use super::Trace;

/// An import that was added.
#[derive(Clone, Copy, Debug)]
pub enum Added {
    /// A memory that the module was to define.
    Memory(MemoryType),
    /// The memory of the trace.
    Slots,
    /// The cursor of the trace.
    Cursor,
}

/// Finds the added imports, which are the last of their kinds: the interpreter lists imports kind
/// by kind.
#[derive(Debug)]
pub struct AddedImports {
    /// Memories before those that the module was to define.
    memories: usize,
    /// Memories that it was to define.
    defined: u32,
    /// Globals before the cursor.
    globals: usize,
}

impl AddedImports {
    /// Those of a translated module that was rewritten, and defined so many memories before.
    #[must_use]
    pub fn new(module: &Module, defined: u32) -> Self {
        let count = |wanted: fn(&ExternType) -> bool| {
            module.imports().filter(|import| wanted(import.ty())).count()
        };
        let memories = count(|ty| ty.memory().is_some());
        Self {
            memories: memories.saturating_sub(defined as usize + 1),
            defined,
            globals: count(|ty| ty.global().is_some()).saturating_sub(1),
        }
    }

    /// What the next import of [`Module::imports`] is; `None` if its author wrote it.
    pub fn next(&mut self, ty: &ExternType) -> Option<Added> {
        match ty {
            ExternType::Memory(_) if self.memories > 0 => self.memories -= 1,
            ExternType::Memory(ty) if self.defined > 0 => {
                self.defined -= 1;
                return Some(Added::Memory(*ty));
            }
            ExternType::Memory(_) => return Some(Added::Slots),
            ExternType::Global(_) if self.globals > 0 => self.globals -= 1,
            ExternType::Global(_) => return Some(Added::Cursor),
            ExternType::Table(_) | ExternType::Func(_) => {}
        }
        None
    }
}

impl Trace {
    /// What meets an added import.
    ///
    /// # Errors
    /// A memory that the module was to define cannot be made.
    pub fn meet(&self, store: impl AsContextMut, added: Added) -> Result<Extern, Error> {
        Ok(match added {
            Added::Memory(ty) => Extern::Memory(Memory::new(store, ty)?),
            Added::Slots => Extern::Memory(self.memory),
            Added::Cursor => Extern::Global(self.cursor),
        })
    }
}
