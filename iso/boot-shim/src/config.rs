//! The boot configuration `limine.cfg`, in the syntax that Limine read up to version 7: global
//! `KEY=value` lines, then menu entries that start with `:Title` and have lines of their own.
//!
//! Keys are compared without regard to case, as Limine does. Macros, sub-entries and URIs other
//! than `boot:///` do not occur in Atoll's configuration and are refused.

/// What is wrong with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// Number of the line, from 1; 0 if it is the whole file.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// A configuration, checked line by line.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    text: &'a str,
}

/// A menu entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its title.
    pub title: &'a str,
    body: &'a str,
}

/// A module of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Module<'a> {
    /// Its path on the boot volume, without a leading slash.
    pub path: &'a str,
    /// Its command line.
    pub command_line: &'a str,
}

impl<'a> Config<'a> {
    /// Checks a configuration.
    ///
    /// # Errors
    /// A line that is neither blank, a comment, a title nor `KEY=value`; an unsupported URI; a
    /// file without an entry.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        for (index, line) in text.lines().enumerate() {
            check(line).map_err(|reason| Error { line: index + 1, reason })?;
        }
        let config = Self { text };
        match config.entries().next() {
            Some(_) => Ok(config),
            None => Err(Error { line: 0, reason: "there is no menu entry (a line `:Title`)" }),
        }
    }

    /// The whole text.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The value of a global key.
    #[must_use]
    pub fn global(&self, key: &str) -> Option<&'a str> {
        let end = title_start(self.text).unwrap_or(self.text.len());
        pairs(self.text.get(..end)?)
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|found| found.1)
    }

    /// The global keys and their values, in order.
    pub fn globals(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        pairs(
            self.text.get(..title_start(self.text).unwrap_or(self.text.len())).unwrap_or_default(),
        )
    }

    /// The menu entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let start = title_start(self.text).unwrap_or(self.text.len());
        let mut rest = self.text.get(start..).unwrap_or_default();
        core::iter::from_fn(move || {
            let (first, body) = rest.split_once('\n').unwrap_or((rest, ""));
            let title = first.strip_prefix(':')?.trim();
            let (body, next) = body.split_at(title_start(body).unwrap_or(body.len()));
            rest = next;
            Some(Entry { title, body })
        })
    }

    /// The entry that boots by itself: `DEFAULT_ENTRY`, counted from 1, or the first.
    #[must_use]
    pub fn default_entry(&self) -> Option<Entry<'a>> {
        let number = self.global("DEFAULT_ENTRY").and_then(|value| value.parse::<usize>().ok());
        self.entries().nth(number.unwrap_or(1).saturating_sub(1))
    }
}

impl<'a> Entry<'a> {
    /// The keys and values of the entry, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        pairs(self.body)
    }

    /// The value of a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&'a str> {
        self.pairs().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|found| found.1)
    }

    /// The kernel's path on the boot volume, without a leading slash.
    #[must_use]
    pub fn kernel(&self) -> Option<&'a str> {
        boot_path(self.value("KERNEL_PATH")?)
    }

    /// The kernel's command line.
    #[must_use]
    pub fn command_line(&self) -> &'a str {
        self.value("KERNEL_CMDLINE").or_else(|| self.value("CMDLINE")).unwrap_or_default()
    }

    /// The modules, in order. A `MODULE_CMDLINE` belongs to the `MODULE_PATH` before it.
    pub fn modules(&self) -> impl Iterator<Item = Module<'a>> + use<'a> {
        let mut pairs = self.pairs().peekable();
        core::iter::from_fn(move || {
            let path = loop {
                let (key, value) = pairs.next()?;
                if key.eq_ignore_ascii_case("MODULE_PATH") {
                    break boot_path(value)?;
                }
            };
            let command_line = pairs.next_if(|(key, _)| key.eq_ignore_ascii_case("MODULE_CMDLINE"));
            Some(Module { path, command_line: command_line.map_or("", |pair| pair.1) })
        })
    }

    /// The wished screen size, `RESOLUTION=<width>x<height>[x<bits>]`.
    #[must_use]
    pub fn resolution(&self) -> Option<(u16, u16)> {
        let mut numbers = self.value("RESOLUTION")?.split('x').map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    }
}

/// Takes the path out of a `boot:///` URI.
#[must_use]
pub fn boot_path(uri: &str) -> Option<&str> {
    uri.strip_prefix("boot:///").filter(|path| !path.is_empty())
}

fn check(line: &str) -> Result<(), &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    if let Some(title) = line.strip_prefix(':') {
        return match title.trim() {
            "" => Err("a menu entry needs a title"),
            title if title.starts_with([':', '+']) => Err("sub-entries are not supported"),
            _ => Ok(()),
        };
    }
    let (key, value) = line.split_once('=').ok_or("expected `KEY=value`, `:Title` or a comment")?;
    if key.contains("${") || value.contains("${") {
        return Err("macros are not supported");
    }
    if key.rsplit('_').next().is_some_and(|last| last.eq_ignore_ascii_case("PATH"))
        && boot_path(value).is_none()
    {
        return Err("a path must be written boot:///path");
    }
    Ok(())
}

fn title_start(text: &str) -> Option<usize> {
    if text.starts_with(':') { Some(0) } else { text.find("\n:").map(|at| at + 1) }
}

fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    const TEXT: &str = "# a comment with = in it\nTIMEOUT=0\ndefault_entry=2\n\n:First\n\
        PROTOCOL=limine\nKERNEL_PATH=boot:///boot/k\n\n:Second one\nKERNEL_PATH=boot:///boot/k2\n\
        KERNEL_CMDLINE=init=a log=info\nMODULE_PATH=boot:///boot/m1\nMODULE_CMDLINE=m1\n\
        MODULE_PATH=boot:///boot/m2\nRESOLUTION=800x600x32\nMODULE_PATH=boot:///m3\nMODULE_CMDLINE=x y\n";

    #[test]
    fn entries_have_their_own_keys() {
        let config = Config::parse(TEXT).unwrap();
        assert_eq!(
            config.entries().map(|entry| entry.title).collect::<Vec<_>>(),
            ["First", "Second one"]
        );
        assert_eq!(config.global("timeout"), Some("0"));
        assert_eq!(config.global("KERNEL_PATH"), None);
        assert_eq!(config.globals().count(), 2);
        let entry = config.default_entry().unwrap();
        assert_eq!(entry.kernel(), Some("boot/k2"));
        assert_eq!(entry.command_line(), "init=a log=info");
        assert_eq!(entry.resolution(), Some((800, 600)));
        assert_eq!(config.entries().next().unwrap().command_line(), "");
    }

    #[test]
    fn command_lines_belong_to_the_module_before() {
        let modules: Vec<_> =
            Config::parse(TEXT).unwrap().default_entry().unwrap().modules().collect();
        let expected = [("boot/m1", "m1"), ("boot/m2", ""), ("m3", "x y")];
        assert_eq!(modules, expected.map(|(path, command_line)| Module { path, command_line }));
    }

    #[test]
    fn mistakes_are_named_by_line() {
        for (text, line) in [
            ("", 0),
            ("TIMEOUT=0\n", 0),
            (":A\nnonsense\n", 2),
            (":A\n::B\n", 2),
            (":\n", 1),
            ("\n:A\nKERNEL_PATH=hdd://1:1/k\n", 3),
            (":A\nkernel_path=boot:///\n", 2),
            (":A\nCMDLINE=${X}\n", 2),
        ] {
            assert_eq!(Config::parse(text).unwrap_err().line, line, "{text}");
        }
    }
}
