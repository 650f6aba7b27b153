//! From the tree to the model: the system, its servers and programs, their bounds.

use crate::{
    SUPERVISOR,
    document::{Entry, Spanned, Table},
    environment::environment,
    error::Fault,
    fields::{Fields, check_interface, check_name, list, table, text},
    grants::imports,
    model::{
        Budget, Description, Domain, Health, Isolation, Limits, Program, Restart, RestartPolicy,
        Server, Start, SwapDeadlines, unversioned,
    },
    signers::Keys,
    units,
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// The whole file.
pub(crate) fn description(root: Table) -> Result<Description, Fault> {
    let mut root = Fields::new("the description", 0, root);
    let system = root.required("system")?;
    let mut system = Fields::new("`system`", system.at, table("system", system)?);
    let name = system.required("name")?;
    let name_at = name.at;
    let name = text("name", name)?;
    check_name(&name, name_at)?;
    let versions = versions(&mut system)?;
    let keys = Keys::read(&mut system)?;
    // The supervisor, which pays for them, has 64 MiB.
    let uploads = system.measure("uploads", units::size, (4 << 10, 48 * MIB), 0)?;
    system.finish()?;

    let servers = root.inner("servers")?.entries;
    let programs = root.inner("programs")?.entries;
    root.finish()?;
    Ok(Description {
        name,
        servers: servers.into_iter().map(|entry| server(entry, &keys)).collect::<Result<_, _>>()?,
        programs: programs
            .into_iter()
            .map(|entry| program(entry, &keys))
            .collect::<Result<_, _>>()?,
        versions,
        requires_signatures: keys.required,
        uploads: (uploads > 0).then_some(uploads),
    })
}

fn versions(system: &mut Fields) -> Result<Vec<String>, Fault> {
    let Some(value) = system.take("versions") else { return Ok(Vec::new()) };
    list("versions", value)?.into_iter().map(|item| component("versions", item)).collect()
}

/// The file name of a component.
fn component(what: &str, value: Spanned) -> Result<String, Fault> {
    let at = value.at;
    let name = text(what, value)?;
    if units::is_component(&name) {
        return Ok(name);
    }
    let message = format!("`{name}` is not the file name of a component, like \"log.wasm\"");
    Err(Fault::new(at, message))
}

fn server(entry: Entry, keys: &Keys) -> Result<Server, Fault> {
    let Entry { key: name, key_at: at, value } = entry;
    check_name(&name, at)?;
    if name == SUPERVISOR {
        return Err(Fault::new(at, "the supervisor is started by the kernel and not listed"));
    }
    let mut fields = Fields::new(format!("server `{name}`"), at, table(&name, value)?);
    let domain = domain(&mut fields, keys)?;
    let exports = exports(&mut fields)?;
    let start =
        fields.choice("start", &[("boot", Start::Boot), ("manual", Start::Manual)], Start::Boot)?;
    let restart = restart(&mut fields)?;
    let snapshot = fields.flag("snapshot", true)?;
    // As much as `atoll_gate::capsule` allows; a test compares.
    let capsule = fields.measure("capsule", units::size, (1 << 10, 512 << 10), 0)?;
    let capsule = (capsule > 0).then_some(capsule);
    let health = health(&mut fields)?;
    let swap = swap(&mut fields)?;
    fields.finish()?;
    Ok(Server { name, domain, exports, start, restart, snapshot, capsule, health, swap, at })
}

fn program(entry: Entry, keys: &Keys) -> Result<Program, Fault> {
    let Entry { key: name, key_at: at, value } = entry;
    check_name(&name, at)?;
    let mut fields = Fields::new(format!("program `{name}`"), at, table(&name, value)?);
    let domain = domain(&mut fields, keys)?;
    fields.finish()?;
    Ok(Program { name, domain, at })
}

fn domain(fields: &mut Fields, keys: &Keys) -> Result<Domain, Fault> {
    let component = component("component", fields.required("component")?)?;
    let isolation = [("kernel", Isolation::Kernel), ("user", Isolation::User)];
    let isolation = fields.choice("isolation", &isolation, Isolation::Kernel)?;
    let priority = u8::try_from(fields.count("priority", (0, 7), 4)?).unwrap_or(7);
    let memory = fields.measure("memory", units::size, (MIB, 64 * GIB), 16 * MIB)?;
    let budget = budget(fields)?;
    let limits = limits(fields, memory)?;
    let deadline = (MS, 3600 * SECOND);
    let start_deadline_ns =
        fields.measure("start-deadline", units::duration, deadline, 30 * SECOND)?;
    let backtrace = fields.flag("backtrace", true)?;
    let signers = keys.signers(fields)?;
    let environment = environment(fields)?;
    let imports = imports(fields)?;
    Ok(Domain {
        component,
        isolation,
        priority,
        memory,
        budget,
        limits,
        start_deadline_ns,
        backtrace,
        signers,
        environment,
        imports,
    })
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

/// The bounds that the runtime keeps are those of `atoll_gate::limits`, which has the same keys,
/// ranges and defaults; a test compares.
fn limits(fields: &mut Fields, memory: u64) -> Result<Limits, Fault> {
    let mut fields = fields.inner("limits")?;
    let at = fields.at;
    let linear = (8 * MIB).min(memory);
    let linear_memory = fields.measure("linear-memory", units::size, (1 << 16, 4 * GIB), linear)?;
    let component = fields.measure("component-size", units::size, (1, 64 * MIB), MIB)?;
    let stack = fields.measure("stack-size", units::size, (1 << 14, 64 * MIB), MIB)?;
    let limits = Limits {
        linear_memory,
        component_size: u32::try_from(component).unwrap_or(u32::MAX),
        stack_size: u32::try_from(stack).unwrap_or(u32::MAX),
        table_elements: fields.count("table-elements", (1, 1_000_000), 10_000)?,
        handles: fields.count("handles", (1, 1_000_000), 1024)?,
        kernel_handles: fields.count("kernel-handles", (1, 65_535), 256)?,
        calls: fields.count("calls", (1, 4096), 32)?,
        call_depth: fields.count("call-depth", (1, 100_000), 1000)?,
        core_modules: fields.count("core-modules", (1, 1000), 64)?,
        core_functions: fields.count("core-functions", (1, 1_000_000), 100_000)?,
        core_definitions: fields.count("core-definitions", (1, 1_000_000), 20_000)?,
        core_instances: fields.count("core-instances", (1, 10_000), 1000)?,
        instances: fields.count("instances", (1, 10_000), 500)?,
        memories: fields.count("memories", (1, 400), 100)?,
        tables: fields.count("tables", (1, 10_000), 1000)?,
        interface_items: fields.count("interface-items", (1, 20_000), 2000)?,
        type_parts: fields.count("type-parts", (1, 10_000), 10_000)?,
        type_depth: fields.count("type-depth", (1, 64), 64)?,
        instantiation_steps: fields.count("instantiation-steps", (1, 10_000_000), 200_000)?,
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
        escalate: fields.flag("escalate", false)?,
        heir: fields.flag("heir", false)?,
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

fn health(fields: &mut Fields) -> Result<Option<Health>, Fault> {
    let Some(value) = fields.take("health") else { return Ok(None) };
    let mut fields = Fields::new("`health`", value.at, table("health", value)?);
    let bounds = (MS, 3600 * SECOND);
    let health = Health {
        every_ns: fields.measure("every", units::duration, bounds, SECOND)?,
        deadline_ns: fields.measure("deadline", units::duration, bounds, SECOND)?,
    };
    fields.finish()?;
    Ok(Some(health))
}

fn swap(fields: &mut Fields) -> Result<SwapDeadlines, Fault> {
    let mut fields = fields.inner("swap")?;
    let bounds = (MS, 3600 * SECOND);
    let swap = SwapDeadlines {
        prepare_ns: fields.measure("prepare", units::duration, bounds, 30 * SECOND)?,
        quiesce_ns: fields.measure("quiesce", units::duration, bounds, SECOND)?,
        transfer_ns: fields.measure("transfer", units::duration, bounds, SECOND)?,
        probation_ns: fields.measure("probation", units::duration, bounds, SECOND)?,
    };
    fields.finish()?;
    Ok(swap)
}

fn exports(fields: &mut Fields) -> Result<Vec<String>, Fault> {
    let Some(value) = fields.take("exports") else { return Ok(Vec::new()) };
    let mut exports: Vec<String> = Vec::new();
    for item in list("exports", value)? {
        let at = item.at;
        let interface = text("exports", item)?;
        check_interface(&interface, at)?;
        let name = unversioned(&interface);
        if exports.iter().any(|other| unversioned(other) == name) {
            return Err(Fault::new(at, format!("`{interface}` is exported twice")));
        }
        exports.push(interface);
    }
    Ok(exports)
}
