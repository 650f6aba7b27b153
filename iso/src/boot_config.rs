//! From `limine.cfg` to what each loader reads: the same with modules, `limine.conf` for Limine 8
//! and later, `grub.cfg` for GRUB with the boot shim.

use anyhow::{Result, bail};
use atoll_boot_shim::config::{Config, boot_path};
use std::fmt::Write as _;

/// Name of the configuration at the root of the repository and of the boot archive.
pub const FILE: &str = "limine.cfg";
/// Where GRUB finds the boot shim.
pub const SHIM_PATH: &str = "boot/atoll-shim";
/// Where GRUB finds the boot archive.
pub const ARCHIVE_PATH: &str = "boot/atoll.tar";

/// Checks a configuration.
///
/// # Errors
/// The first mistake, with its line.
pub fn parse(text: &str) -> Result<Config<'_>> {
    Config::parse(text).map_err(|error| match error.line {
        0 => anyhow::anyhow!("{FILE}: {}", error.reason),
        line => anyhow::anyhow!("{FILE}:{line}: {}", error.reason),
    })
}

/// Where a module lies on the boot volume.
#[must_use]
pub fn module_path(name: &str) -> String {
    format!("boot/{name}")
}

/// Adds the modules and the words to every entry.
///
/// # Errors
/// If the configuration is malformed, names modules itself, or a name or word would break a line.
pub fn complete(text: &str, modules: &[&str], append: &str) -> Result<String> {
    let config = parse(text)?;
    if let Some(bad) = modules.iter().chain([&append]).find(|text| text.contains(char::is_control))
    {
        bail!("{bad:?} cannot stand in a boot configuration");
    }
    let mut out = String::from("# Made from limine.cfg by the image builder.\n");
    for (key, value) in config.globals() {
        writeln!(out, "{key}={value}")?;
    }
    for entry in config.entries() {
        if entry.modules().next().is_some() {
            bail!("{FILE}: `{}` names modules; the system description does that", entry.title);
        }
        writeln!(out, "\n:{}", entry.title)?;
        let is_command_line = |key: &str| key.to_ascii_uppercase().ends_with("CMDLINE");
        for (key, value) in entry.pairs().filter(|(key, _)| !is_command_line(key)) {
            writeln!(out, "{key}={value}")?;
        }
        writeln!(out, "KERNEL_CMDLINE={}", format!("{} {append}", entry.command_line()).trim())?;
        for name in modules {
            writeln!(out, "MODULE_PATH=boot:///{}\nMODULE_CMDLINE={name}", module_path(name))?;
        }
    }
    Ok(out)
}

/// Rewrites a configuration in the syntax of Limine 8 and later.
///
/// # Errors
/// If the configuration is malformed.
pub fn limine_conf(text: &str) -> Result<String> {
    let config = parse(text)?;
    let mut out = String::from("# Made from limine.cfg by the image builder.\n");
    let line = |(key, value): (&str, &str)| match boot_path(value) {
        Some(path) => format!("{}: boot():/{path}\n", key.to_ascii_lowercase()),
        None => format!("{}: {value}\n", key.to_ascii_lowercase()),
    };
    out.extend(config.globals().map(line));
    for entry in config.entries() {
        writeln!(out, "\n/{}", entry.title)?;
        out.extend(entry.pairs().map(line));
    }
    Ok(out)
}

/// Makes GRUB's menu: each entry starts the boot shim, which finds the entry of the same number
/// in the archive's configuration.
///
/// # Errors
/// If the configuration is malformed or a title cannot be quoted.
pub fn grub_cfg(text: &str) -> Result<String> {
    let config = parse(text)?;
    let default =
        config.global("DEFAULT_ENTRY").and_then(|number| number.parse().ok()).unwrap_or(1_usize);
    let mut out = String::from("# Made from limine.cfg by the image builder.\ninsmod all_video\n");
    writeln!(out, "set default={}", default.saturating_sub(1))?;
    match config.global("TIMEOUT").unwrap_or("5") {
        "no" => writeln!(out, "set timeout=-1")?,
        seconds => writeln!(out, "set timeout={seconds}")?,
    }
    for (index, entry) in config.entries().enumerate() {
        if entry.title.contains(['\'', '\\']) {
            bail!("{FILE}: GRUB cannot show the title `{}`", entry.title);
        }
        writeln!(out, "\nmenuentry '{}' {{", entry.title)?;
        if let Some((width, height)) = entry.resolution() {
            writeln!(out, "    set gfxpayload={width}x{height}x32,auto")?;
        }
        writeln!(
            out,
            "    multiboot2 /{SHIM_PATH} entry={}\n    module2 /{ARCHIVE_PATH}\n}}",
            index + 1
        )?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# comment\nTIMEOUT=3\nDEFAULT_ENTRY=2\n:One\nPROTOCOL=limine\n\
        KERNEL_PATH=boot:///boot/k\nCMDLINE=a=b log=info\nRESOLUTION=800x600\n:Two\nKERNEL_PATH=boot:///boot/k\n";

    #[test]
    fn modules_and_words_go_to_every_entry() {
        let complete = complete(TEXT, &["runtime.elf", "a.wasm"], "exit=x").unwrap();
        let config = parse(&complete).unwrap();
        assert_eq!(config.global("DEFAULT_ENTRY"), Some("2"));
        let lines: Vec<_> = config.entries().map(|entry| entry.command_line()).collect();
        assert_eq!(lines, ["a=b log=info exit=x", "exit=x"]);
        for entry in config.entries() {
            let modules: Vec<_> =
                entry.modules().map(|module| (module.path, module.command_line)).collect();
            assert_eq!(modules, [("boot/runtime.elf", "runtime.elf"), ("boot/a.wasm", "a.wasm")]);
            assert_eq!(entry.kernel(), Some("boot/k"));
        }
    }

    #[test]
    fn what_would_break_a_line_is_refused() {
        assert!(complete(TEXT, &["a\nb"], "").is_err());
        assert!(complete(TEXT, &[], "a\nKERNEL_PATH=x").is_err());
        assert!(complete(":A\nMODULE_PATH=boot:///m\n", &[], "").is_err());
        let error = complete(":A\nnonsense\n", &[], "").unwrap_err().to_string();
        assert!(error.starts_with("limine.cfg:2: "), "{error}");
    }

    #[test]
    fn limine_8_gets_its_own_syntax() {
        let conf = limine_conf(&complete(TEXT, &["a.wasm"], "").unwrap()).unwrap();
        let expected = "# Made from limine.cfg by the image builder.\ntimeout: 3\ndefault_entry: 2\n\n\
            /One\nprotocol: limine\nkernel_path: boot():/boot/k\nresolution: 800x600\n\
            kernel_cmdline: a=b log=info\nmodule_path: boot():/boot/a.wasm\nmodule_cmdline: a.wasm\n\n\
            /Two\nkernel_path: boot():/boot/k\nkernel_cmdline: \n\
            module_path: boot():/boot/a.wasm\nmodule_cmdline: a.wasm\n";
        assert_eq!(conf, expected);
    }

    #[test]
    fn grub_starts_the_shim_by_number() {
        let expected = "# Made from limine.cfg by the image builder.\ninsmod all_video\nset default=1\n\
            set timeout=3\n\nmenuentry 'One' {\n    set gfxpayload=800x600x32,auto\n    \
            multiboot2 /boot/atoll-shim entry=1\n    module2 /boot/atoll.tar\n}\n\n\
            menuentry 'Two' {\n    multiboot2 /boot/atoll-shim entry=2\n    module2 /boot/atoll.tar\n}\n";
        assert_eq!(grub_cfg(TEXT).unwrap(), expected);
        assert!(grub_cfg(":It's\nKERNEL_PATH=boot:///k\n").is_err());
    }

    #[test]
    fn the_repository_s_configuration_is_sound() {
        let text = include_str!("../../limine.cfg");
        let config = parse(text).unwrap();
        assert_eq!(config.global("TIMEOUT"), Some("0"));
        for entry in config.entries() {
            assert_eq!(entry.value("PROTOCOL"), Some("limine"));
            assert_eq!(entry.kernel(), Some("boot/atoll-kernel"));
            assert!(entry.command_line().contains("init="));
        }
        complete(text, &["a.wasm"], "").unwrap();
        grub_cfg(text).unwrap();
    }
}
