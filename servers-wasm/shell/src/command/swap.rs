//! The arguments of `swap`.

use super::{Command, usage};

/// A server that is to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Its name.
    pub server: String,
    /// File name of the other version's component.
    pub component: String,
    /// What that may use beyond what the server was granted, as `INTERFACE=GRANT`.
    pub grants: Vec<String>,
}

/// Understands pairs of name and file with options between them. A grant is for the pair before
/// it.
pub(super) fn parse(arguments: Vec<String>) -> Result<Command, String> {
    let mut replacements: Vec<Replacement> = Vec::new();
    let mut dry_run = false;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--dry-run" => dry_run = true,
            "--grant" => {
                let grant = arguments.next().filter(|grant| grant.contains('='));
                let grant =
                    grant.ok_or_else(|| usage("swap", "needs INTERFACE=GRANT after --grant"))?;
                let last = replacements.last_mut();
                let last = last.ok_or_else(|| usage("swap", "needs a server before --grant"))?;
                last.grants.push(grant);
            }
            option if option.starts_with('-') => {
                return Err(usage("swap", &format!("has no option `{option}`")));
            }
            _ => {
                let component = arguments.next().filter(|file| !file.starts_with('-'));
                let component = component
                    .ok_or_else(|| usage("swap", &format!("needs a file for `{argument}`")))?;
                replacements.push(Replacement { server: argument, component, grants: Vec::new() });
            }
        }
    }
    if replacements.is_empty() {
        return Err(usage("swap", "needs a server and a file"));
    }
    Ok(Command::Swap { replacements, dry_run })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(String::from).collect())
    }

    fn replacement(server: &str, component: &str, grants: &[&str]) -> Replacement {
        let grants = grants.iter().map(|grant| (*grant).to_owned()).collect();
        Replacement { server: server.into(), component: component.into(), grants }
    }

    fn swap(replacements: Vec<Replacement>, dry_run: bool) -> Result<Command, String> {
        Ok(Command::Swap { replacements, dry_run })
    }

    #[test]
    fn servers_files_and_grants_belong_together() {
        let one = vec![replacement("a", "a-v2.wasm", &[])];
        assert_eq!(parsed("a a-v2.wasm"), swap(one.clone(), false));
        assert_eq!(parsed("--dry-run a a-v2.wasm"), swap(one, true));
        let two = vec![
            replacement("a", "b.wasm", &["x:y/z=\"kernel\"", "x:y/w=\"kernel\""]),
            replacement("c", "d.wasm", &["x:y/v={}"]),
        ];
        assert_eq!(
            parsed(
                "a b.wasm --grant x:y/z=\"kernel\" --grant x:y/w=\"kernel\" c d.wasm --grant x:y/v={}"
            ),
            swap(two, false)
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (line, mistake) in [
            ("", "needs a server and a file"),
            ("--dry-run", "needs a server and a file"),
            ("a", "needs a file for `a`"),
            ("a b c", "needs a file for `c`"),
            ("a --dry-run", "needs a file for `a`"),
            ("--grant x=y a b", "needs a server before --grant"),
            ("a b --grant", "needs INTERFACE=GRANT after --grant"),
            ("a b --grant x", "needs INTERFACE=GRANT after --grant"),
            ("a b --dry", "has no option `--dry`"),
        ] {
            let said = parsed(line).expect_err(line);
            assert!(said.starts_with(&format!("swap: {mistake}; usage: swap NAME FILE")), "{said}");
        }
    }
}
