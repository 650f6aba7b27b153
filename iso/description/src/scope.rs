//! What operators may change.

use std::rc::Rc;

use crate::model::{Description, Import, Provider, unversioned};

/// What an operator, a client of the supervisor, may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Names of the servers; all, and programs, if absent.
    pub servers: Option<Vec<String>>,
    /// Lines that it may grant to new versions of them; any if absent.
    pub grants: Option<Vec<Import>>,
}

impl Scope {
    /// Whether it has this server or program.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.servers.as_ref().is_none_or(|servers| servers.iter().any(|server| server == name))
    }

    /// Whether it may grant this.
    #[must_use]
    pub fn may_grant(&self, line: &Import) -> bool {
        let same = |other: &Import| {
            unversioned(&other.interface) == unversioned(&line.interface)
                && other.provider == line.provider
        };
        self.grants.as_ref().is_none_or(|lines| lines.iter().any(same))
    }
}

impl Description {
    /// What every server and program may change through the supervisor, with its name and the line
    /// that says so, if that was granted in a command.
    #[must_use]
    pub fn operators(&self) -> Vec<(&str, &Rc<Scope>, Option<&str>)> {
        let mut operators = Vec::new();
        for (name, domain) in self.domains() {
            for import in &domain.imports {
                if let Provider::Operator { scope, .. } = &import.provider {
                    operators.push((name, scope, import.line.as_deref()));
                }
            }
        }
        operators
    }
}
