//! The interfaces that a domain's runtime provides, and what authority each takes.

use crate::model::{LogAccess, Provider, unversioned};

/// Why `interface` cannot be provided by the runtime on that authority; `None` if it can.
pub(crate) fn objection(interface: &str, provider: &Provider) -> Option<String> {
    let name = unversioned(interface);
    if matches!(provider, Provider::Server { .. } | Provider::Operator { .. }) {
        return None;
    }
    let (fits, wanted) = match name {
        "atoll:log/log" => {
            (matches!(provider, Provider::Log(LogAccess::Write)), "{ log = \"write\" }")
        }
        "atoll:log/source" => {
            (matches!(provider, Provider::Log(LogAccess::Read)), "{ log = \"read\" }")
        }
        // Without a range of its own a driver may still import the interface for its types, and
        // for windows that come from elsewhere.
        "atoll:device/port-io" => {
            (matches!(provider, Provider::Ports(_) | Provider::Kernel), "{ ports = { .. } }")
        }
        "atoll:device/irq" => (
            matches!(provider, Provider::Interrupts(_) | Provider::Kernel),
            "{ interrupts = { .. } }",
        ),
        "atoll:device/mmio" => {
            (matches!(provider, Provider::Windows(_) | Provider::Kernel), "{ windows = { .. } }")
        }
        "atoll:device/framebuffer" => {
            (matches!(provider, Provider::Framebuffer), "{ framebuffer = true }")
        }
        "atoll:introspection/system" => {
            (system(provider, |rights| rights.introspect), "{ system = [\"introspect\"] }")
        }
        "atoll:supervision/modules" | "atoll:supervision/domains" => {
            (system(provider, |rights| rights.domains), "{ system = [\"domains\"] }")
        }
        "atoll:supervision/machine" => {
            (system(provider, |rights| rights.power), "{ system = [\"power\"] }")
        }
        "atoll:clocks/monotonic"
        | "atoll:io/pipes"
        | "atoll:io/events"
        | "atoll:io/watch"
        | "atoll:testing/raw-gate" => (matches!(provider, Provider::Kernel), "\"kernel\""),
        "wasi:clocks/wall-clock" => {
            (system(provider, |rights| rights.introspect), "{ system = [\"introspect\"] }")
        }
        // Which of WASI's interfaces it has is the runtime's business, and it says so at start.
        _ if name.starts_with("wasi:") => (matches!(provider, Provider::Kernel), "\"kernel\""),
        "atoll:lifecycle/capsule" => {
            return Some(format!("`{name}` is granted by `capsule` in the server's entry"));
        }
        _ => return Some(format!("the kernel does not provide `{name}`; name a server")),
    };
    if fits { None } else { Some(format!("`{name}` takes another grant: {wanted}")) }
}

fn system(provider: &Provider, has: impl Fn(&crate::model::SystemRights) -> bool) -> bool {
    match provider {
        Provider::System(rights) => has(rights),
        _ => false,
    }
}
