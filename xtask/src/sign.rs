//! Keys and signatures on the command line.

use anyhow::Result;
use atoll_iso::signing;
use clap::Args;
use std::path::{Path, PathBuf};

/// `cargo xtask sign`
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// File with the key pair, as `keygen` made it
    key: PathBuf,
    /// Components
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Folder for the signed components; without it they are signed where they are
    #[arg(long)]
    into: Option<PathBuf>,
}

/// Makes a key pair and says how a system description names it.
pub(crate) fn keygen(file: &Path) -> Result<()> {
    let public = signing::make_key(file)?;
    let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into());
    println!("keys = {{ {name} = \"{public}\" }}");
    Ok(())
}

/// Signs components and says where they are.
pub(crate) fn sign(options: &Options) -> Result<()> {
    let key = signing::read_key(&options.key)?;
    for file in &options.files {
        println!("{}", signing::sign_file(file, &key, options.into.as_deref())?.display());
    }
    Ok(())
}
