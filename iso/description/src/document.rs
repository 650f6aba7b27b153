//! From TOML text to a tree in which every key and value knows its place.
//!
//! `toml_parser` knows the grammar and reports events; this module builds tables from them and
//! enforces what the grammar cannot: a key is defined once. Only the shapes that a description
//! uses come out; lists of tables, floats and dates are refused here. Nesting is bounded, so
//! neither building nor dropping a tree can exhaust the stack.

use toml_parser::{
    ParseError, Source,
    decoder::ScalarKind,
    parser::{Event, EventKind, RecursionGuard, parse_document},
};

use crate::error::Fault;

/// Deepest nesting, as keys of one path and as values inside values.
const MAX_DEPTH: usize = 8;
/// Longest text; far above any real description.
const MAX_BYTES: usize = 1 << 20;

/// A value and the byte where it starts.
#[derive(Debug)]
pub(crate) struct Spanned {
    pub(crate) at: usize,
    pub(crate) value: Value,
}

/// A value of the kinds that descriptions use.
#[derive(Debug)]
pub(crate) enum Value {
    String(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Spanned>),
    Table(Table),
}

/// Keys and values in the order of the text.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) entries: Vec<Entry>,
    origin: Origin,
}

/// One key of a table.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: usize,
    pub(crate) value: Spanned,
}

/// What made a table; decides whether later text may add to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// A longer header mentioned it; its own header may still come.
    Implied,
    /// Its own header.
    Header,
    /// Dotted keys.
    Dotted,
    /// Braces; closed.
    Inline,
}

struct Key {
    name: String,
    at: usize,
}

/// Reads a whole text.
pub(crate) fn read(text: &str) -> Result<Table, Fault> {
    if text.len() > MAX_BYTES {
        return Err(Fault::new(MAX_BYTES, "the description is longer than 1 MiB"));
    }
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut events = Vec::new();
    let mut error: Option<ParseError> = None;
    let mut guard = RecursionGuard::new(&mut events, MAX_DEPTH as u32);
    parse_document(&tokens, &mut guard, &mut error);
    if let Some(error) = error {
        return Err(syntax(&error));
    }
    events.retain(|event| {
        !matches!(event.kind(), EventKind::Whitespace | EventKind::Comment | EventKind::Newline)
    });
    Builder { source, events: &events, next: 0 }.document()
}

fn syntax(error: &ParseError) -> Fault {
    let at = error.unexpected().or(error.context()).map_or(0, |span| span.start());
    let mut message = error.description().to_string();
    let expected: Vec<&str> = error
        .expected()
        .unwrap_or_default()
        .iter()
        .filter_map(|expected| match expected {
            toml_parser::Expected::Literal("\n") => Some("the end of the line"),
            toml_parser::Expected::Literal(text) | toml_parser::Expected::Description(text) => {
                Some(*text)
            }
            _ => None,
        })
        .collect();
    if !expected.is_empty() {
        message.push_str(", expected ");
        message.push_str(&expected.join(" or "));
    }
    Fault::new(at, message)
}

struct Builder<'a> {
    source: Source<'a>,
    events: &'a [Event],
    next: usize,
}

impl Builder<'_> {
    fn peek(&self) -> Option<EventKind> {
        self.events.get(self.next).map(Event::kind)
    }

    fn take(&mut self) -> Option<Event> {
        let event = self.events.get(self.next).copied();
        self.next = self.next.saturating_add(1);
        event
    }

    fn document(mut self) -> Result<Table, Fault> {
        let mut root = Table { entries: Vec::new(), origin: Origin::Header };
        let mut path: Vec<Key> = Vec::new();
        while let Some(kind) = self.peek() {
            match kind {
                EventKind::StdTableOpen => {
                    self.take();
                    path = self.path()?;
                    self.take();
                    open(&mut root, &path)?;
                }
                EventKind::SimpleKey => {
                    let table = descend(&mut root, &path, Origin::Implied)?;
                    self.assignment(table)?;
                }
                _ => return Err(self.unsupported()),
            }
        }
        Ok(root)
    }

    /// A dotted path of keys, up to whatever follows it.
    fn path(&mut self) -> Result<Vec<Key>, Fault> {
        let mut keys = Vec::new();
        while let Some(EventKind::SimpleKey | EventKind::KeySep) = self.peek() {
            let Some(event) = self.take() else { break };
            if event.kind() == EventKind::KeySep {
                continue;
            }
            let at = event.span().start();
            if keys.len() == MAX_DEPTH {
                return Err(Fault::new(at, "the key has too many parts"));
            }
            let mut name = String::new();
            let mut error: Option<ParseError> = None;
            if let Some(raw) = self.source.get(event) {
                raw.decode_key(&mut name, &mut error);
            }
            match error {
                Some(error) => return Err(syntax(&error)),
                None => keys.push(Key { name, at }),
            }
        }
        Ok(keys)
    }

    /// `path = value` into `table`.
    fn assignment(&mut self, table: &mut Table) -> Result<(), Fault> {
        let mut path = self.path()?;
        self.take();
        let value = self.value()?;
        let Some(last) = path.pop() else { return Err(self.unsupported()) };
        let table = descend(table, &path, Origin::Dotted)?;
        if table.entries.iter().any(|entry| entry.key == last.name) {
            return Err(Fault::new(last.at, format!("`{}` is given twice", last.name)));
        }
        table.entries.push(Entry { key: last.name, key_at: last.at, value });
        Ok(())
    }

    fn value(&mut self) -> Result<Spanned, Fault> {
        let Some(event) = self.take() else { return Err(self.unsupported()) };
        let at = event.span().start();
        let value = match event.kind() {
            EventKind::Scalar => self.scalar(&event)?,
            EventKind::ArrayOpen => Value::List(self.list()?),
            EventKind::InlineTableOpen => Value::Table(self.inline_table()?),
            _ => return Err(Fault::new(at, "a description has no use for this")),
        };
        Ok(Spanned { at, value })
    }

    fn list(&mut self) -> Result<Vec<Spanned>, Fault> {
        let mut list = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.unsupported()),
                Some(EventKind::ArrayClose) => {
                    self.take();
                    return Ok(list);
                }
                Some(EventKind::ValueSep) => {
                    self.take();
                }
                Some(_) => list.push(self.value()?),
            }
        }
    }

    fn inline_table(&mut self) -> Result<Table, Fault> {
        let mut table = Table { entries: Vec::new(), origin: Origin::Inline };
        loop {
            match self.peek() {
                None => return Err(self.unsupported()),
                Some(EventKind::InlineTableClose) => {
                    self.take();
                    return Ok(table);
                }
                Some(EventKind::ValueSep) => {
                    self.take();
                }
                Some(_) => self.assignment(&mut table)?,
            }
        }
    }

    fn scalar(&self, event: &Event) -> Result<Value, Fault> {
        let at = event.span().start();
        let mut text = String::new();
        let mut error: Option<ParseError> = None;
        let kind = match self.source.get(event) {
            Some(raw) => raw.decode_scalar(&mut text, &mut error),
            None => return Err(self.unsupported()),
        };
        if let Some(error) = error {
            return Err(syntax(&error));
        }
        match kind {
            ScalarKind::String => Ok(Value::String(text)),
            ScalarKind::Boolean(value) => Ok(Value::Boolean(value)),
            ScalarKind::Integer(radix) => i64::from_str_radix(&text, radix.value())
                .map(Value::Integer)
                .map_err(|_| Fault::new(at, "the number is too large")),
            ScalarKind::Float => Err(Fault::new(at, "a description has no fractions")),
            ScalarKind::DateTime => Err(Fault::new(at, "a description has no dates")),
        }
    }

    /// Refuses what comes next.
    fn unsupported(&self) -> Fault {
        let at = self.events.get(self.next).map_or(0, |event| event.span().start());
        Fault::new(at, "a description has no use for this")
    }
}

/// Defines the table of a header.
fn open(root: &mut Table, path: &[Key]) -> Result<(), Fault> {
    let Some((last, parents)) = path.split_last() else {
        return Err(Fault::new(0, "a header without a name"));
    };
    let twice = || Fault::new(last.at, format!("`{}` is given twice", last.name));
    let parent = descend(root, parents, Origin::Implied)?;
    match parent.entries.iter_mut().find(|entry| entry.key == last.name) {
        None => {
            parent.entries.push(empty_table(last, Origin::Header));
            Ok(())
        }
        Some(Entry { value: Spanned { value: Value::Table(table), .. }, .. })
            if table.origin == Origin::Implied =>
        {
            table.origin = Origin::Header;
            Ok(())
        }
        Some(_) => Err(twice()),
    }
}

/// Goes down along `path`, making the tables that are missing.
fn descend<'t>(table: &'t mut Table, path: &[Key], origin: Origin) -> Result<&'t mut Table, Fault> {
    let mut table = table;
    for key in path {
        let index = match table.entries.iter().position(|entry| entry.key == key.name) {
            Some(index) => index,
            None => {
                table.entries.push(empty_table(key, origin));
                table.entries.len().saturating_sub(1)
            }
        };
        table = match table.entries.get_mut(index).map(|entry| &mut entry.value.value) {
            Some(Value::Table(inner)) if may_enter(inner.origin, origin) => inner,
            _ => return Err(Fault::new(key.at, format!("`{}` is given twice", key.name))),
        };
    }
    Ok(table)
}

/// Headers reach into every table but inline ones; dotted keys only into those of dotted keys.
fn may_enter(table: Origin, way: Origin) -> bool {
    table != Origin::Inline && (way == Origin::Implied || table == Origin::Dotted)
}

fn empty_table(key: &Key, origin: Origin) -> Entry {
    Entry {
        key: key.name.clone(),
        key_at: key.at,
        value: Spanned { at: key.at, value: Value::Table(Table { entries: Vec::new(), origin }) },
    }
}

impl Value {
    /// The kind in words, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "text",
            Self::Integer(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}
