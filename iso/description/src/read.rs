//! From the tree to the model, field by field.
//!
//! [`Fields`] hands out the keys of one table and at the end refuses those that nobody asked for,
//! so a misspelt key is never silently ignored.

use crate::{
    SUPERVISOR,
    document::{Entry, Spanned, Table, Value},
    error::Fault,
    interfaces,
    model::{
        Budget, Description, Domain, Import, InterruptGrant, Isolation, Limits, LogAccess,
        PortGrant, Program, Provider, Restart, RestartPolicy, Server, Start, SystemRights,
        WindowGrant,
    },
    units,
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const PAGE: u64 = 4096;

/// The keys of one table that were not read yet.
struct Fields {
    /// What the table is, for messages: ``server `log` ``.
    owner: String,
    at: usize,
    entries: Vec<Entry>,
    /// Keys that were asked for, to suggest them.
    known: Vec<&'static str>,
}

impl Fields {
    fn new(owner: impl Into<String>, at: usize, table: Table) -> Self {
        Self { owner: owner.into(), at, entries: table.entries, known: Vec::new() }
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned> {
        self.known.push(key);
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(index).value)
    }

    fn required(&mut self, key: &'static str) -> Result<Spanned, Fault> {
        self.need(key)?;
        self.take(key).ok_or_else(|| Fault::new(self.at, "a key was lost"))
    }

    /// Refuses the table if the key is not there.
    fn need(&self, key: &'static str) -> Result<(), Fault> {
        if self.entries.iter().any(|entry| entry.key == key) {
            return Ok(());
        }
        Err(Fault::new(self.at, format!("{} has no `{key}`", self.owner)))
    }

    /// The keys of a table inside this one; absent is empty.
    fn inner(&mut self, key: &'static str) -> Result<Self, Fault> {
        let (at, entries) = match self.take(key) {
            None => (self.at, Vec::new()),
            Some(value) => (value.at, table(key, value)?.entries),
        };
        Ok(Self { owner: format!("`{key}`"), at, entries, known: Vec::new() })
    }

    /// A number with unit, within bounds.
    fn measure(
        &mut self,
        key: &'static str,
        read: fn(&str) -> Result<u64, String>,
        bounds: (u64, u64),
        default: u64,
    ) -> Result<u64, Fault> {
        let Some(value) = self.take(key) else { return Ok(default) };
        let at = value.at;
        let text = text(key, value)?;
        let number =
            read(&text).map_err(|message| Fault::new(at, format!("`{key}`: {message}")))?;
        if (bounds.0..=bounds.1).contains(&number) {
            Ok(number)
        } else {
            Err(Fault::new(at, format!("`{key}`: `{text}` is out of range")))
        }
    }

    /// A plain number within bounds.
    fn count(&mut self, key: &'static str, bounds: (u32, u32), default: u32) -> Result<u32, Fault> {
        let Some(value) = self.take(key) else { return Ok(default) };
        number(key, &value, bounds)
    }

    /// One of a few words.
    fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        default: T,
    ) -> Result<T, Fault> {
        match self.take(key) {
            None => Ok(default),
            Some(value) => choose(key, value, words),
        }
    }

    /// Refuses what is left.
    fn finish(self) -> Result<(), Fault> {
        match self.entries.first() {
            None => Ok(()),
            Some(entry) => Err(Fault::new(
                entry.key_at,
                format!(
                    "{} has no key `{}`; it has {}",
                    self.owner,
                    entry.key,
                    self.known.join(", ")
                ),
            )),
        }
    }
}

fn mismatch(what: &str, wanted: &str, value: &Spanned) -> Fault {
    Fault::new(value.at, format!("`{what}` must be {wanted}, not {}", value.value.kind()))
}

fn text(what: &str, value: Spanned) -> Result<String, Fault> {
    match value.value {
        Value::String(text) => Ok(text),
        _ => Err(mismatch(what, "text", &value)),
    }
}

fn table(what: &str, value: Spanned) -> Result<Table, Fault> {
    match value.value {
        Value::Table(table) => Ok(table),
        _ => Err(mismatch(what, "a table", &value)),
    }
}

fn list(what: &str, value: Spanned) -> Result<Vec<Spanned>, Fault> {
    match value.value {
        Value::List(list) => Ok(list),
        _ => Err(mismatch(what, "a list", &value)),
    }
}

fn number(what: &str, value: &Spanned, (least, most): (u32, u32)) -> Result<u32, Fault> {
    let Value::Integer(number) = value.value else { return Err(mismatch(what, "a number", value)) };
    match u32::try_from(number) {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(Fault::new(
            value.at,
            format!("`{what}` must be from {least} to {most}, not {number}"),
        )),
    }
}

fn choose<T: Copy>(what: &str, value: Spanned, words: &[(&str, T)]) -> Result<T, Fault> {
    let at = value.at;
    let given = text(what, value)?;
    words.iter().find(|(word, _)| *word == given).map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Fault::new(at, format!("`{what}` must be one of {}, not `{given}`", words.join(", ")))
    })
}

/// The whole file.
pub(crate) fn description(root: Table) -> Result<Description, Fault> {
    let mut root = Fields::new("the description", 0, root);
    let system = root.required("system")?;
    let mut system = Fields::new("`system`", system.at, table("system", system)?);
    let name = system.required("name")?;
    let name_at = name.at;
    let name = text("name", name)?;
    check_name(&name, name_at)?;
    system.finish()?;

    let servers = root.inner("servers")?.entries;
    let programs = root.inner("programs")?.entries;
    root.finish()?;
    Ok(Description {
        name,
        servers: servers.into_iter().map(server).collect::<Result<_, _>>()?,
        programs: programs.into_iter().map(program).collect::<Result<_, _>>()?,
    })
}

fn check_name(name: &str, at: usize) -> Result<(), Fault> {
    if units::is_name(name) {
        return Ok(());
    }
    Err(Fault::new(
        at,
        format!(
            "`{name}` is no name: at most {} lower-case letters, digits and hyphens, a letter first",
            units::NAME_MAX
        ),
    ))
}

fn server(entry: Entry) -> Result<Server, Fault> {
    let Entry { key: name, key_at: at, value } = entry;
    check_name(&name, at)?;
    if name == SUPERVISOR {
        return Err(Fault::new(at, "the supervisor is started by the kernel and not listed"));
    }
    let mut fields = Fields::new(format!("server `{name}`"), at, table(&name, value)?);
    let domain = domain(&mut fields)?;
    let exports = exports(&mut fields)?;
    let start =
        fields.choice("start", &[("boot", Start::Boot), ("manual", Start::Manual)], Start::Boot)?;
    let restart = restart(&mut fields)?;
    fields.finish()?;
    Ok(Server { name, domain, exports, start, restart, at })
}

fn program(entry: Entry) -> Result<Program, Fault> {
    let Entry { key: name, key_at: at, value } = entry;
    check_name(&name, at)?;
    let mut fields = Fields::new(format!("program `{name}`"), at, table(&name, value)?);
    let domain = domain(&mut fields)?;
    fields.finish()?;
    Ok(Program { name, domain, at })
}

fn domain(fields: &mut Fields) -> Result<Domain, Fault> {
    let component = fields.required("component")?;
    let at = component.at;
    let component = text("component", component)?;
    if !units::is_component(&component) {
        return Err(Fault::new(
            at,
            format!("`{component}` is not the file name of a component, like \"log.wasm\""),
        ));
    }
    let isolation = [("kernel", Isolation::Kernel), ("user", Isolation::User)];
    let isolation = fields.choice("isolation", &isolation, Isolation::Kernel)?;
    let priority = u8::try_from(fields.count("priority", (0, 7), 4)?).unwrap_or(7);
    let memory = fields.measure("memory", units::size, (MIB, 64 * GIB), 16 * MIB)?;
    let budget = budget(fields)?;
    let limits = limits(fields, memory)?;
    let imports = imports(fields)?;
    Ok(Domain { component, isolation, priority, memory, budget, limits, imports })
}

fn budget(fields: &mut Fields) -> Result<Option<Budget>, Fault> {
    let mut fields = fields.inner("budget")?;
    if fields.entries.is_empty() {
        return Ok(None);
    }
    fields.need("use")?;
    fields.need("period")?;
    let use_ns = fields.measure("use", units::duration, (1, 10 * SECOND), SECOND)?;
    let period_ns = fields.measure("period", units::duration, (MS, 10 * SECOND), 50 * MS)?;
    let at = fields.at;
    fields.finish()?;
    if use_ns > period_ns {
        return Err(Fault::new(at, "`budget`: `use` is longer than `period`"));
    }
    Ok(Some(Budget { use_ns, period_ns }))
}

fn limits(fields: &mut Fields, memory: u64) -> Result<Limits, Fault> {
    let mut fields = fields.inner("limits")?;
    let at = fields.at;
    let linear = (8 * MIB).min(memory);
    let linear_memory = fields.measure("linear-memory", units::size, (1 << 16, 4 * GIB), linear)?;
    let component = fields.measure("component-size", units::size, (1, 64 * MIB), MIB)?;
    let limits = Limits {
        linear_memory,
        component_size: u32::try_from(component).unwrap_or(u32::MAX),
        table_elements: fields.count("table-elements", (1, 1_000_000), 10_000)?,
        handles: fields.count("handles", (1, 1_000_000), 1024)?,
        kernel_handles: fields.count("kernel-handles", (1, 65_535), 256)?,
        calls: fields.count("calls", (1, 4096), 32)?,
        call_depth: fields.count("call-depth", (1, 100_000), 1000)?,
    };
    fields.finish()?;
    if linear_memory > memory {
        return Err(Fault::new(at, "`linear-memory` is more than the `memory` of the domain"));
    }
    Ok(limits)
}

fn restart(fields: &mut Fields) -> Result<Restart, Fault> {
    let mut fields = fields.inner("restart")?;
    let at = fields.at;
    let detailed = fields.entries.iter().any(|entry| entry.key != "policy");
    let policies = [
        ("never", RestartPolicy::Never),
        ("on-failure", RestartPolicy::OnFailure),
        ("always", RestartPolicy::Always),
    ];
    let restart = Restart {
        policy: fields.choice("policy", &policies, RestartPolicy::OnFailure)?,
        limit: fields.count("limit", (1, 1000), 5)?,
        window_ns: fields.measure("window", units::duration, (MS, 3600 * SECOND), 10 * SECOND)?,
        backoff_ns: fields.measure("backoff", units::duration, (MS, 600 * SECOND), 100 * MS)?,
        backoff_max_ns: fields.measure(
            "backoff-max",
            units::duration,
            (MS, 600 * SECOND),
            5 * SECOND,
        )?,
    };
    fields.finish()?;
    if restart.policy == RestartPolicy::Never && detailed {
        return Err(Fault::new(at, "`restart`: the policy `never` has no other settings"));
    }
    if restart.backoff_ns > restart.backoff_max_ns {
        return Err(Fault::new(at, "`restart`: `backoff` is longer than `backoff-max`"));
    }
    Ok(restart)
}

fn exports(fields: &mut Fields) -> Result<Vec<String>, Fault> {
    let Some(value) = fields.take("exports") else { return Ok(Vec::new()) };
    let mut exports: Vec<String> = Vec::new();
    for item in list("exports", value)? {
        let at = item.at;
        let interface = text("exports", item)?;
        check_interface(&interface, at)?;
        let name = crate::model::unversioned(&interface);
        if exports.iter().any(|other| crate::model::unversioned(other) == name) {
            return Err(Fault::new(at, format!("`{interface}` is exported twice")));
        }
        exports.push(interface);
    }
    Ok(exports)
}

fn check_interface(interface: &str, at: usize) -> Result<(), Fault> {
    if units::is_interface(interface) {
        return Ok(());
    }
    Err(Fault::new(
        at,
        format!("`{interface}` is not an interface, like \"atoll:console/console\""),
    ))
}

fn imports(fields: &mut Fields) -> Result<Vec<Import>, Fault> {
    let entries = fields.inner("imports")?.entries;
    let mut imports: Vec<Import> = Vec::with_capacity(entries.len());
    for Entry { key: interface, key_at: at, value } in entries {
        check_interface(&interface, at)?;
        let name = crate::model::unversioned(&interface);
        if imports.iter().any(|other| crate::model::unversioned(&other.interface) == name) {
            return Err(Fault::new(at, format!("`{interface}` is granted twice")));
        }
        let value_at = value.at;
        let provider = provider(&interface, value)?;
        if let Some(objection) = interfaces::objection(&interface, &provider) {
            return Err(Fault::new(value_at, objection));
        }
        imports.push(Import { interface, provider, at });
    }
    Ok(imports)
}

fn provider(interface: &str, value: Spanned) -> Result<Provider, Fault> {
    let at = value.at;
    let entries = match value.value {
        Value::String(word) if word == "kernel" => return Ok(Provider::Kernel),
        Value::Table(table) => table.entries,
        _ => {
            let wanted = "\"kernel\" or a grant in braces";
            return Err(Fault::new(at, format!("`{interface}` must be {wanted}")));
        }
    };
    let mut entries = entries.into_iter();
    let (Some(entry), None) = (entries.next(), entries.next()) else {
        return Err(Fault::new(at, format!("`{interface}` must have one kind of grant")));
    };
    let Entry { key, key_at, value } = entry;
    match key.as_str() {
        "server" => Ok(Provider::Server(text("server", value)?)),
        "ports" => labelled("ports", value, port).map(Provider::Ports),
        "interrupts" => labelled("interrupts", value, interrupt).map(Provider::Interrupts),
        "windows" => labelled("windows", value, window).map(Provider::Windows),
        "framebuffer" => match value.value {
            Value::Boolean(true) => Ok(Provider::Framebuffer),
            _ => Err(Fault::new(value.at, "`framebuffer` can only be true")),
        },
        "log" => {
            let words = [("write", LogAccess::Write), ("read", LogAccess::Read)];
            choose("log", value, &words).map(Provider::Log)
        }
        "system" => system(value).map(Provider::System),
        _ => Err(Fault::new(
            key_at,
            format!(
                "there is no grant `{key}`; there are server, ports, interrupts, windows, \
                 framebuffer, log, system"
            ),
        )),
    }
}

/// A table of labels, each with what it grants.
fn labelled<T>(
    what: &str,
    value: Spanned,
    read: fn(String, Spanned) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let at = value.at;
    let entries = table(what, value)?.entries;
    if entries.is_empty() {
        return Err(Fault::new(at, format!("`{what}` grants nothing")));
    }
    entries
        .into_iter()
        .map(|entry| {
            check_name(&entry.key, entry.key_at)?;
            read(entry.key, entry.value)
        })
        .collect()
}

fn numbers(value: Spanned) -> Result<(u64, u64), Fault> {
    let at = value.at;
    units::range(&text("range", value)?).map_err(|message| Fault::new(at, message))
}

fn port(label: String, value: Spanned) -> Result<PortGrant, Fault> {
    let at = value.at;
    let (first, last) = numbers(value)?;
    match (u16::try_from(first), u16::try_from(last)) {
        (Ok(base), Ok(last)) => {
            Ok(PortGrant { label, base, count: u32::from(last.abs_diff(base)).saturating_add(1) })
        }
        _ => Err(Fault::new(at, "ports end at 0xffff")),
    }
}

fn interrupt(label: String, value: Spanned) -> Result<InterruptGrant, Fault> {
    Ok(InterruptGrant { line: number(&label, &value, (0, 1023))?, label })
}

fn window(label: String, value: Spanned) -> Result<WindowGrant, Fault> {
    let at = value.at;
    let (base, last) = numbers(value)?;
    let end = last.checked_add(1).filter(|end| *end <= 1 << 52);
    let Some(length) = end.and_then(|end| end.checked_sub(base)) else {
        return Err(Fault::new(at, "physical addresses end at 0xfffffffffffff"));
    };
    if base.is_multiple_of(PAGE) && length.is_multiple_of(PAGE) {
        Ok(WindowGrant { label, base, length })
    } else {
        Err(Fault::new(at, "a window must be whole pages of 4 KiB"))
    }
}

fn system(value: Spanned) -> Result<SystemRights, Fault> {
    let at = value.at;
    let mut rights = SystemRights::default();
    for item in list("system", value)? {
        let words = [("introspect", 0), ("domains", 1), ("devices", 2), ("power", 3)];
        let right = match choose("system", item, &words)? {
            0 => &mut rights.introspect,
            1 => &mut rights.domains,
            2 => &mut rights.devices,
            _ => &mut rights.power,
        };
        *right = true;
    }
    if rights == SystemRights::default() {
        return Err(Fault::new(at, "`system` grants nothing"));
    }
    Ok(rights)
}
