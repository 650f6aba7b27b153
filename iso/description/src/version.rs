//! The system after a swap: the same description with another version of a server in it.

use crate::{
    check, grants,
    model::{Description, Domain, Import, unversioned},
};

impl Import {
    /// Reads one line of authority that is granted in a command, `INTERFACE=GRANT`: the grant is
    /// written as in a description.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(line: &str) -> Result<Self, String> {
        grants::line(line)
    }
}

impl Domain {
    /// The same domain with another component and further grants. A grant of an interface that
    /// was granted before takes the earlier one's place.
    #[must_use]
    pub fn version(&self, component: &str, granted: &[Import]) -> Self {
        let name = |import: &Import| unversioned(&import.interface).to_string();
        let mut version = Self { component: component.to_string(), ..self.clone() };
        version.imports.retain(|old| granted.iter().all(|new| name(new) != name(old)));
        version.imports.extend_from_slice(granted);
        version
    }
}

impl Description {
    /// The description with other domains for some of its servers, each with its index.
    ///
    /// # Errors
    /// What no system may have: a grant from a server that does not export it, a device that
    /// another one has, servers that need each other.
    pub fn with_versions(&self, versions: &[(usize, Domain)]) -> Result<Self, String> {
        let mut changed = self.clone();
        for (index, domain) in versions {
            if let Some(server) = changed.servers.get_mut(*index) {
                server.domain = domain.clone();
            }
        }
        check::check(&changed).map_err(|fault| fault.message)?;
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Description, Import, LogAccess, Provider};

    const SYSTEM: &str = r#"
        [system]
        name = "versions"
        [servers.a]
        component = "a.wasm"
        exports = ["x:y/a"]
        imports = { "atoll:log/log" = { log = "write" }, "x:y/b" = { server = "b" } }
        [servers.b]
        component = "b.wasm"
        exports = ["x:y/b"]
        imports = { "atoll:device/port-io" = { ports = { uart = "0x3f8-0x3ff" } } }
    "#;

    #[test]
    fn lines_of_authority_are_read() {
        let grant = |line: &str| Import::parse(line).map(|import| import.provider);
        assert_eq!(grant("atoll:clocks/monotonic=kernel"), Ok(Provider::Kernel));
        assert_eq!(grant("atoll:clocks/monotonic = \"kernel\""), Ok(Provider::Kernel));
        let log = grant("atoll:log/log={ log = \"write\" }");
        assert_eq!(log, Ok(Provider::Log(LogAccess::Write)));
        for bad in [
            "",
            "kernel",
            "atoll:clocks/monotonic=",
            "atoll:clocks/monotonic=nobody",
            "clocks=kernel",
            "a:b/c=\"kernel\"\n\"d:e/f\" = \"kernel\"",
            "a:b/c=\"kernel\"\n[servers]",
        ] {
            assert!(Import::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_version_keeps_what_it_was_granted_and_is_checked_within_the_system() {
        let system = Description::parse(SYSTEM, "versions.toml").expect("good");
        let line = |line: &str| Import::parse(line).expect("grant");
        let domain = &system.servers[0].domain;
        let clock = line("atoll:clocks/monotonic=kernel");
        let write = line("atoll:log/log@0.1.0={ log = \"write\" }");
        let version = domain.version("a2.wasm", &[clock, write]);
        assert_eq!(version.component, "a2.wasm");
        let names: Vec<&str> = version.imports.iter().map(|i| i.interface.as_str()).collect();
        assert_eq!(names, ["x:y/b", "atoll:clocks/monotonic", "atoll:log/log@0.1.0"]);
        let changed = system.with_versions(&[(0, version)]).expect("good");
        assert_eq!(changed.servers[0].domain.component, "a2.wasm");
        assert_eq!(changed.servers[1], system.servers[1]);

        let refused = |index: usize, grant: &str| {
            let version = system.servers[index].domain.version("v.wasm", &[line(grant)]);
            system.with_versions(&[(index, version)]).expect_err("refused")
        };
        let taken = refused(0, "atoll:device/port-io={ ports = { x = \"0x3f8\" } }");
        assert_eq!(taken, "`b` is granted ports that `a` has already");
        assert!(refused(0, "x:y/z={ server = \"b\" }").contains("does not export"));
        assert!(refused(1, "x:y/a={ server = \"a\" }").contains("cannot start"));
    }
}
