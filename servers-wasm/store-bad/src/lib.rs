//! A version of the sample server `store` that goes wrong as the key `mischief` of the table
//! `control` tells, for scenarios. It needs a clock, which `store` is not granted.
//!
//! [`Trick`] is what it can do; `component.rs` does it.

#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the generated glue of the component model is unsafe")]
mod component;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    /// `restore` traps.
    TrapInRestore,
    /// `restore` gives an error.
    FailInRestore,
    /// `restore` does not return.
    HangInRestore,
    /// The first call traps.
    TrapOnCall,
    /// The first call does not return.
    HangOnCall,
}

impl Trick {
    /// The trick of that name; `None` if there is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "trap-in-restore" => Self::TrapInRestore,
            "fail-in-restore" => Self::FailInRestore,
            "hang-in-restore" => Self::HangInRestore,
            "trap-on-call" => Self::TrapOnCall,
            "hang-on-call" => Self::HangOnCall,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Trick;

    #[test]
    fn tricks_have_names() {
        assert_eq!(Trick::named("hang-on-call"), Some(Trick::HangOnCall));
        assert_eq!(Trick::named(""), None);
    }
}
