//! Operators: clients that change servers, each as far as its grant goes.
//!
//! There is an endpoint for each scope that the description grants, and what a client may change
//! follows from the endpoint that its call came by. It cannot name another one.

use std::rc::Rc;

use atoll_system_description::{Description, Import, Provider, SUPERVISOR_OPERATORS, Scope};

use crate::{
    kernel::{Error, Kernel},
    ledger::entries::KeptOperator,
    resume::take,
    supervisor::Supervisor,
    swap::{Purpose, Record, Replacement},
};

/// The supervisor as an operator reaches it.
pub struct Operator<'s, K: Kernel> {
    supervisor: &'s mut Supervisor<K>,
    /// What it may change; nothing, if absent.
    scope: Option<Rc<Scope>>,
}

/// What operators may change by one line.
pub(crate) struct Line {
    scope: Rc<Scope>,
    /// The line, if it was granted in a command.
    text: Option<String>,
}

/// What operators of a system may change.
pub(crate) fn lines(description: &Description) -> Vec<Line> {
    let operators = description.operators().into_iter();
    let line = |(_, scope, line): (_, &Rc<Scope>, Option<&str>)| Line {
        scope: scope.clone(),
        text: line.map(str::to_string),
    };
    operators.map(line).collect()
}

impl<K: Kernel> Supervisor<K> {
    /// Serves operators on an endpoint for the scope of each of these lines that has none yet.
    ///
    /// # Errors
    /// When the runtime refuses.
    pub(crate) fn serve_operators(&mut self, lines: Vec<Line>) -> Result<(), Error> {
        for line in lines {
            if self.endpoints.of_scope(&line.scope).is_none() {
                let endpoint = self.kernel.make_endpoint();
                self.serve_operator(line, endpoint)?;
            }
        }
        Ok(())
    }

    fn serve_operator(&mut self, line: Line, endpoint: K::Endpoint) -> Result<(), Error> {
        let number = self.endpoints.next_scope();
        self.kernel.publish(&endpoint, SUPERVISOR_OPERATORS, number)?;
        self.endpoints.add_scope(line.scope, line.text, endpoint);
        Ok(())
    }

    /// Serves operators on the endpoints by which they know the supervisor: those of the lines of
    /// the description come first.
    ///
    /// # Errors
    /// When the runtime refuses.
    pub(crate) fn resume_operators(
        &mut self,
        endpoints: &mut Vec<(u32, K::Endpoint)>,
        kept: &[KeptOperator],
    ) -> Result<(), Error> {
        let mut described = lines(&self.description).into_iter();
        for KeptOperator { endpoint, line } in kept {
            let line = match line {
                None => described.find(|line| self.endpoints.of_scope(&line.scope).is_none()),
                Some(text) => granted(text),
            };
            let line = line.ok_or_else(|| Error::Invalid("its scope is lost".to_string()))?;
            let endpoint =
                take(endpoints, *endpoint).unwrap_or_else(|| self.kernel.make_endpoint());
            self.serve_operator(line, endpoint)?;
        }
        Ok(())
    }

    /// The operator whose call came by the endpoint that was published under this number; one that
    /// may do nothing, if there is none.
    pub fn operator(&mut self, number: Option<u64>) -> Operator<'_, K> {
        let scope = number.and_then(|number| self.endpoints.scope(number).cloned());
        Operator { supervisor: self, scope }
    }

    /// Those who may do something, in words.
    fn who(&self, may: &dyn Fn(&Scope) -> bool) -> String {
        let mut names = String::new();
        for (name, scope, _) in self.description.operators() {
            if may(scope) {
                names.push_str(if names.is_empty() { "`" } else { " or `" });
                names.push_str(name);
                names.push('`');
            }
        }
        if names.is_empty() { "nobody".to_string() } else { names }
    }
}

/// What a line in a command lets operators change.
fn granted(text: &str) -> Option<Line> {
    match Import::parse(text).ok()?.provider {
        Provider::Operator { scope, .. } => Some(Line { scope, text: Some(text.to_string()) }),
        _ => None,
    }
}

impl<K: Kernel> Operator<'_, K> {
    /// Refuses a server or program that is not in the scope.
    fn reach(&self, name: &str) -> Result<(), Error> {
        if self.scope.as_ref().is_some_and(|scope| scope.has(name)) {
            return Ok(());
        }
        let who = self.supervisor.who(&|scope| scope.has(name));
        Err(Error::Denied(format!("`{name}` may be changed by {who}, not by this client")))
    }

    /// Refuses a line of authority that is not the operator's to give. One that cannot be read is
    /// refused later.
    fn may_grant(&self, server: &str, line: &str) -> Result<(), Error> {
        let Ok(line) = Import::parse(line) else { return Ok(()) };
        if self.scope.as_ref().is_some_and(|scope| scope.may_grant(&line)) {
            return Ok(());
        }
        let who = self.supervisor.who(&|scope| scope.has(server) && scope.may_grant(&line));
        let interface = &line.interface;
        Err(Error::Denied(format!("`{interface}` may be granted so by {who}, not by this client")))
    }

    /// [`Supervisor::start`], within the scope.
    ///
    /// # Errors
    /// Denied, or as there.
    pub fn start(&mut self, name: &str) -> Result<(), Error> {
        self.reach(name)?;
        self.supervisor.start(name)
    }

    /// [`Supervisor::stop`], within the scope.
    ///
    /// # Errors
    /// Denied, or as there.
    pub fn stop(&mut self, name: &str) -> Result<(), Error> {
        self.reach(name)?;
        self.supervisor.stop(name)
    }

    /// [`Supervisor::kill`], within the scope.
    ///
    /// # Errors
    /// Denied, or as there.
    pub fn kill(&mut self, name: &str) -> Result<(), Error> {
        self.reach(name)?;
        self.supervisor.kill(name)
    }

    /// [`Supervisor::restart`], within the scope.
    ///
    /// # Errors
    /// Denied, or as there.
    pub fn restart(&mut self, name: &str) -> Result<(), Error> {
        self.reach(name)?;
        self.supervisor.restart(name)
    }

    /// [`Supervisor::revoke`], within the scope.
    ///
    /// # Errors
    /// Denied, or as there.
    pub fn revoke(&mut self, name: &str) -> Result<u64, Error> {
        self.reach(name)?;
        self.supervisor.revoke(name)
    }

    /// [`Supervisor::swap`], if all servers are in the scope and the operator may grant what it
    /// grants.
    ///
    /// # Errors
    /// Denied, or as there.
    pub fn swap(&mut self, versions: &[Replacement], purpose: Purpose) -> Result<u64, Error> {
        for Replacement { server, grants, .. } in versions {
            self.reach(server)?;
            grants.iter().try_for_each(|line| self.may_grant(server, line))?;
        }
        self.supervisor.swap(versions, purpose)
    }

    /// [`Supervisor::rollback`], if all servers that it changes are in the scope.
    ///
    /// # Errors
    /// Denied, or as there.
    pub fn rollback(&mut self, name: &str) -> Result<u64, Error> {
        self.reach(name)?;
        for server in self.supervisor.rolled_back_with(name)? {
            self.reach(&server)?;
        }
        self.supervisor.rollback(name)
    }

    /// [`Supervisor::history`], within the scope.
    ///
    /// # Errors
    /// Denied, or as there.
    pub fn history(&self, name: &str) -> Result<Vec<Record>, Error> {
        self.reach(name)?;
        self.supervisor.history(name)
    }
}
