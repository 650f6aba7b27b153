//! The variables that a domain finds in its environment.

use crate::{
    document::Entry,
    error::Fault,
    fields::{Fields, text},
};

/// Most bytes of all names and values together, so that they fit into a start record with all else.
const MOST_BYTES: usize = 16 << 10;

/// Reads `environment = { NAME = "value" }`: pairs in the order of the file.
pub(crate) fn environment(fields: &mut Fields) -> Result<Vec<(String, String)>, Fault> {
    let inner = fields.inner("environment")?;
    let at = inner.at;
    let variables: Vec<_> = inner.entries.into_iter().map(variable).collect::<Result<_, _>>()?;
    let bytes: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MOST_BYTES {
        let message = format!("`environment` has {bytes} bytes, at most {MOST_BYTES} fit");
        return Err(Fault::new(at, message));
    }
    Ok(variables)
}

fn variable(entry: Entry) -> Result<(String, String), Fault> {
    let Entry { key: name, key_at, value } = entry;
    // What POSIX asks of a name.
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(Fault::new(key_at, format!("`{name}` is not the name of a variable")));
    }
    let at = value.at;
    let value = text(&name, value)?;
    if value.contains('\0') {
        return Err(Fault::new(at, format!("`{name}` has a zero byte in it")));
    }
    Ok((name, value))
}
