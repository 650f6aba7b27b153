//! The interfaces that a domain's runtime provides, and what authority each takes.

use crate::model::{LogAccess, Provider, SystemRights, unversioned};

/// What a program has without a line of its own: its arguments and streams, and its exit.
pub const PROGRAM_INTERFACES: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
];

/// The grant on which the runtime provides an interface, as a description writes it, with `..` for
/// what depends on the machine. `None` if there is no such grant. Which of WASI's interfaces it has
/// is the runtime's business, and it says so at start.
#[must_use]
pub fn grant(interface: &str) -> Option<&'static str> {
    Some(match unversioned(interface) {
        "atoll:log/log" => "{ log = \"write\" }",
        "atoll:log/source" => "{ log = \"read\" }",
        "atoll:device/port-io" => "{ ports = { .. } }",
        "atoll:device/irq" => "{ interrupts = { .. } }",
        "atoll:device/mmio" => "{ windows = { .. } }",
        "atoll:device/framebuffer" => "{ framebuffer = true }",
        "atoll:introspection/system" | "wasi:clocks/wall-clock" => "{ system = [\"introspect\"] }",
        "atoll:supervision/modules" | "atoll:supervision/domains" => "{ system = [\"domains\"] }",
        "atoll:supervision/machine" => "{ system = [\"power\"] }",
        "atoll:clocks/monotonic"
        | "atoll:io/pipes"
        | "atoll:io/events"
        | "atoll:io/watch"
        | "atoll:testing/raw-gate" => "\"kernel\"",
        name if name.starts_with("wasi:") => "\"kernel\"",
        _ => return None,
    })
}

/// Why `interface` cannot be provided by the runtime on that authority; `None` if it can.
pub(crate) fn objection(interface: &str, provider: &Provider) -> Option<String> {
    let name = unversioned(interface);
    if matches!(provider, Provider::Server { .. } | Provider::Operator { .. }) {
        return None;
    }
    if name == "atoll:lifecycle/capsule" {
        return Some(format!("`{name}` is granted by `capsule` in the server's entry"));
    }
    let Some(grant) = grant(name) else {
        return Some(format!("the kernel does not provide `{name}`; name a server"));
    };
    if fits(name, provider) { None } else { Some(format!("`{name}` takes another grant: {grant}")) }
}

/// Whether an authority is the one of [`grant`].
fn fits(name: &str, provider: &Provider) -> bool {
    match name {
        "atoll:log/log" => matches!(provider, Provider::Log(LogAccess::Write)),
        "atoll:log/source" => matches!(provider, Provider::Log(LogAccess::Read)),
        // Without a range of its own a driver may still import the interface for its types, and
        // for windows that come from elsewhere.
        "atoll:device/port-io" => matches!(provider, Provider::Ports(_) | Provider::Kernel),
        "atoll:device/irq" => matches!(provider, Provider::Interrupts(_) | Provider::Kernel),
        "atoll:device/mmio" => matches!(provider, Provider::Windows(_) | Provider::Kernel),
        "atoll:device/framebuffer" => matches!(provider, Provider::Framebuffer),
        "atoll:introspection/system" | "wasi:clocks/wall-clock" => {
            system(provider, |rights| rights.introspect)
        }
        "atoll:supervision/modules" | "atoll:supervision/domains" => {
            system(provider, |rights| rights.domains)
        }
        "atoll:supervision/machine" => system(provider, |rights| rights.power),
        _ => matches!(provider, Provider::Kernel),
    }
}

fn system(provider: &Provider, has: impl Fn(&SystemRights) -> bool) -> bool {
    match provider {
        Provider::System(rights) => has(rights),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::grant;
    use crate::Description;

    #[test]
    fn what_is_named_as_a_grant_is_one() {
        for interface in [
            "atoll:log/log",
            "atoll:log/source",
            "atoll:device/framebuffer",
            "atoll:introspection/system",
            "atoll:supervision/domains",
            "atoll:supervision/machine",
            "atoll:clocks/monotonic@0.1.0",
            "wasi:clocks/wall-clock@0.2.12",
            "wasi:random/random",
        ] {
            let grant = grant(interface).expect(interface);
            let text = format!(
                "[system]\nname = \"a\"\n[servers.a]\ncomponent = \"a.wasm\"\n\
                 [servers.a.imports]\n\"{interface}\" = {grant}\n"
            );
            Description::parse(&text, "a.toml").expect(interface);
        }
        assert_eq!(grant("atoll:supervision/guardian"), None);
        assert_eq!(grant("acme:a/b"), None);
    }
}
