//! The imports that were added to a module so that it records its calls.

use wasmi::{AsContextMut, Error, Extern, ExternType, Memory, Module};

use super::Trace;

/// Meets the added imports, which are the last of their kinds: the interpreter lists imports kind
/// by kind.
#[derive(Debug)]
pub struct AddedImports {
    trace: Trace,
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
    pub fn new(module: &Module, defined: u32, trace: Trace) -> Self {
        let count = |wanted: fn(&ExternType) -> bool| {
            module.imports().filter(|import| wanted(import.ty())).count()
        };
        let memories = count(|ty| ty.memory().is_some());
        Self {
            trace,
            memories: memories.saturating_sub(defined as usize + 1),
            defined,
            globals: count(|ty| ty.global().is_some()).saturating_sub(1),
        }
    }

    /// What meets the next import of [`Module::imports`]; `None` if its author wrote it.
    ///
    /// # Errors
    /// A memory that the module was to define cannot be made.
    pub fn next(
        &mut self,
        store: impl AsContextMut,
        ty: &ExternType,
    ) -> Option<Result<Extern, Error>> {
        match ty {
            ExternType::Memory(_) if self.memories > 0 => self.memories -= 1,
            ExternType::Memory(ty) if self.defined > 0 => {
                self.defined -= 1;
                return Some(Memory::new(store, *ty).map(Extern::Memory));
            }
            ExternType::Memory(_) => return Some(Ok(Extern::Memory(self.trace.memory))),
            ExternType::Global(_) if self.globals > 0 => self.globals -= 1,
            ExternType::Global(_) => return Some(Ok(Extern::Global(self.trace.cursor))),
            ExternType::Table(_) | ExternType::Func(_) => {}
        }
        None
    }
}
