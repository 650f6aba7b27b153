//! Reading the values of one table: kinds, bounds, words, and names.
//!
//! [`Fields`] hands out the keys of a table and at the end refuses those that nobody asked for, so
//! a misspelt key is never silently ignored.

use crate::{
    document::{Entry, Spanned, Table, Value},
    error::Fault,
    units,
};

/// The keys of one table that were not read yet.
pub(crate) struct Fields {
    /// What the table is, for messages: ``server `log` ``.
    pub(crate) owner: String,
    pub(crate) at: usize,
    pub(crate) entries: Vec<Entry>,
    /// Keys that were asked for, to suggest them.
    known: Vec<&'static str>,
}

impl Fields {
    pub(crate) fn new(owner: impl Into<String>, at: usize, table: Table) -> Self {
        Self { owner: owner.into(), at, entries: table.entries, known: Vec::new() }
    }

    pub(crate) fn take(&mut self, key: &'static str) -> Option<Spanned> {
        self.known.push(key);
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(index).value)
    }

    pub(crate) fn required(&mut self, key: &'static str) -> Result<Spanned, Fault> {
        self.need(key)?;
        self.take(key).ok_or_else(|| Fault::new(self.at, "a key was lost"))
    }

    /// Refuses the table if the key is not there.
    pub(crate) fn need(&self, key: &'static str) -> Result<(), Fault> {
        if self.entries.iter().any(|entry| entry.key == key) {
            return Ok(());
        }
        Err(Fault::new(self.at, format!("{} has no `{key}`", self.owner)))
    }

    /// The keys of a table inside this one; absent is empty.
    pub(crate) fn inner(&mut self, key: &'static str) -> Result<Self, Fault> {
        let (at, entries) = match self.take(key) {
            None => (self.at, Vec::new()),
            Some(value) => (value.at, table(key, value)?.entries),
        };
        Ok(Self { owner: format!("`{key}`"), at, entries, known: Vec::new() })
    }

    /// A number with unit, within bounds.
    pub(crate) fn measure(
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
    pub(crate) fn count(
        &mut self,
        key: &'static str,
        bounds: (u32, u32),
        default: u32,
    ) -> Result<u32, Fault> {
        let Some(value) = self.take(key) else { return Ok(default) };
        number(key, &value, bounds)
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, key: &'static str, default: bool) -> Result<bool, Fault> {
        match self.take(key) {
            None => Ok(default),
            Some(Spanned { value: Value::Boolean(flag), .. }) => Ok(flag),
            Some(value) => Err(mismatch(key, "true or false", &value)),
        }
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(
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
    pub(crate) fn finish(self) -> Result<(), Fault> {
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

pub(crate) fn mismatch(what: &str, wanted: &str, value: &Spanned) -> Fault {
    Fault::new(value.at, format!("`{what}` must be {wanted}, not {}", value.value.kind()))
}

pub(crate) fn text(what: &str, value: Spanned) -> Result<String, Fault> {
    match value.value {
        Value::String(text) => Ok(text),
        _ => Err(mismatch(what, "text", &value)),
    }
}

pub(crate) fn table(what: &str, value: Spanned) -> Result<Table, Fault> {
    match value.value {
        Value::Table(table) => Ok(table),
        _ => Err(mismatch(what, "a table", &value)),
    }
}

pub(crate) fn list(what: &str, value: Spanned) -> Result<Vec<Spanned>, Fault> {
    match value.value {
        Value::List(list) => Ok(list),
        _ => Err(mismatch(what, "a list", &value)),
    }
}

pub(crate) fn number(what: &str, value: &Spanned, (least, most): (u32, u32)) -> Result<u32, Fault> {
    let Value::Integer(number) = value.value else { return Err(mismatch(what, "a number", value)) };
    match u32::try_from(number) {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(Fault::new(
            value.at,
            format!("`{what}` must be from {least} to {most}, not {number}"),
        )),
    }
}

pub(crate) fn choose<T: Copy>(what: &str, value: Spanned, words: &[(&str, T)]) -> Result<T, Fault> {
    let at = value.at;
    let given = text(what, value)?;
    words.iter().find(|(word, _)| *word == given).map(|(_, choice)| *choice).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Fault::new(at, format!("`{what}` must be one of {}, not `{given}`", words.join(", ")))
    })
}

/// Refuses what is no name of a server, program or label.
pub(crate) fn check_name(name: &str, at: usize) -> Result<(), Fault> {
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

/// Refuses what is no name of an interface.
pub(crate) fn check_interface(interface: &str, at: usize) -> Result<(), Fault> {
    if units::is_interface(interface) {
        return Ok(());
    }
    Err(Fault::new(
        at,
        format!("`{interface}` is not an interface, like \"atoll:console/console\""),
    ))
}
