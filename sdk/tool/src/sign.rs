//! Keys and signatures on the command line.

use anyhow::Result;
use atoll_iso::signing;
use std::path::{Path, PathBuf};

/// Makes a key pair in a file and says how a system description names it.
///
/// # Errors
/// If the file is there already or cannot be written.
pub fn keygen(file: &Path) -> Result<()> {
    let public = signing::make_key(file)?;
    let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into());
    println!("keys = {{ {name} = \"{public}\" }}");
    Ok(())
}

/// What to sign.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// File with the key pair, as `keygen` made it
    key: PathBuf,
    /// Components
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Folder for the signed components; without it they are signed where they are
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
}

/// Signs components and says where they are.
///
/// # Errors
/// If the key or a component cannot be read, or what is signed cannot be written.
pub fn sign(options: &Options) -> Result<()> {
    let key = signing::read_key(&options.key)?;
    for file in &options.files {
        println!("{}", signing::sign_file(file, &key, options.into.as_deref())?.display());
    }
    Ok(())
}
