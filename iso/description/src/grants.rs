//! The lines of authority: who provides an import, on what.

use std::rc::Rc;

use crate::{
    SUPERVISOR, SUPERVISOR_OPERATORS,
    document::{self, Entry, Spanned, Value},
    error::Fault,
    fields::{Fields, check_interface, check_name, choose, list, number, table, text},
    interfaces,
    model::{
        Import, InterruptGrant, LogAccess, OnCrash, PortGrant, Provider, SystemRights, WindowGrant,
        unversioned,
    },
    scope::Scope,
    units,
};

const PAGE: u64 = 4096;

/// All grants of a domain.
pub(crate) fn imports(fields: &mut Fields) -> Result<Vec<Import>, Fault> {
    lines(fields.inner("imports")?.entries)
}

/// Lines of authority.
fn lines(entries: Vec<Entry>) -> Result<Vec<Import>, Fault> {
    let mut imports: Vec<Import> = Vec::with_capacity(entries.len());
    for Entry { key: interface, key_at: at, value } in entries {
        check_interface(&interface, at)?;
        let name = unversioned(&interface);
        if imports.iter().any(|other| unversioned(&other.interface) == name) {
            return Err(Fault::new(at, format!("`{interface}` is granted twice")));
        }
        let value_at = value.at;
        let provider = provider(&interface, value)?;
        if let Some(objection) = interfaces::objection(&interface, &provider) {
            return Err(Fault::new(value_at, objection));
        }
        imports.push(Import { interface, provider, line: None, at });
    }
    Ok(imports)
}

/// One line of authority that somebody grants in a command: `INTERFACE=GRANT`, the grant as in a
/// description, its quotes optional around `kernel`.
pub(crate) fn line(text: &str) -> Result<Import, String> {
    let usage = || {
        format!(
            "`{text}` is no grant; write it like atoll:clocks/monotonic=kernel or \
             atoll:log/log={{ log = \"write\" }}"
        )
    };
    let (interface, grant) = text.split_once('=').ok_or_else(usage)?;
    let (interface, grant) = (interface.trim(), grant.trim());
    let grant = if grant == "kernel" { "\"kernel\"" } else { grant };
    check_interface(interface, 0).map_err(|fault| fault.message)?;
    let root = document::read(&format!("[imports]\n\"{interface}\" = {grant}\n"));
    let root = root.map_err(|_| usage())?;
    let mut fields = Fields::new("the grant", 0, root);
    let mut granted = imports(&mut fields).map_err(|fault| fault.message)?;
    match (granted.pop(), granted.is_empty(), fields.finish()) {
        (Some(import), true, Ok(())) => Ok(Import { line: Some(text.to_string()), ..import }),
        _ => Err(usage()),
    }
}

fn provider(interface: &str, value: Spanned) -> Result<Provider, Fault> {
    let at = value.at;
    let entries = match value.value {
        Value::String(word) if word == "kernel" => return Ok(Provider::Kernel),
        Value::Table(table) if table.entries.iter().any(|entry| entry.key == "server") => {
            return server(interface, Fields::new(format!("`{interface}`"), at, table));
        }
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

fn server(interface: &str, mut fields: Fields) -> Result<Provider, Fault> {
    let name = text("server", fields.required("server")?)?;
    let words = [("error", OnCrash::Error), ("retry", OnCrash::Retry), ("trap", OnCrash::Trap)];
    let on_crash = fields.choice("on-crash", &words, OnCrash::default())?;
    if name == SUPERVISOR && unversioned(interface) == SUPERVISOR_OPERATORS {
        let scope = Rc::new(scope(&mut fields)?);
        fields.finish()?;
        return Ok(Provider::Operator { scope, on_crash });
    }
    fields.finish()?;
    Ok(Provider::Server { name, on_crash })
}

/// What an operator may change: everything, if nothing is said. With `servers` it may grant to
/// these what is listed.
fn scope(fields: &mut Fields) -> Result<Scope, Fault> {
    let servers = fields.take("servers").map(servers).transpose()?;
    let grants = match fields.take("grants") {
        None => servers.as_ref().map(|_| Vec::new()),
        Some(Spanned { value: Value::String(word), .. }) if word == "any" => None,
        Some(value) => {
            let mut granted = lines(table("grants", value)?.entries)?;
            // Equal scopes stand in several places.
            granted.iter_mut().for_each(|import| import.at = 0);
            Some(granted)
        }
    };
    Ok(Scope { servers, grants })
}

fn servers(value: Spanned) -> Result<Vec<String>, Fault> {
    let at = value.at;
    let mut names = Vec::new();
    for item in list("servers", value)? {
        let at = item.at;
        let name = text("servers", item)?;
        check_name(&name, at)?;
        names.push(name);
    }
    if names.is_empty() {
        return Err(Fault::new(at, "`servers` names no server"));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
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
