//! The book: one tree of pages from `docs/`, the READMEs beside what they explain, and `wit/`.
//!
//! No page is copied by hand. The tree in `target/book/src` mirrors the repository, so that the
//! links between pages hold in both; [`summary`] says which pages there are, [`interfaces`] makes
//! those of the packages in `wit/`, [`include`] puts code into pages, and [`links`] looks every link
//! up. What comes out is mdbook's input; mdbook itself is only run, and only if it is there.

mod include;
mod interfaces;
mod links;
mod markdown;
mod summary;

use anyhow::{Context, Result, bail};
use atoll::files::write_if_changed;
use atoll::home::Home;
use atoll::process::{run, step};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use summary::Entry;

/// Where the chapters are listed, in the repository.
const SUMMARY: &str = "docs/book/SUMMARY.md";
/// mdbook's settings, in the repository.
const SETTINGS: &str = "docs/book/book.toml";
/// The package that `--install` takes, in the version that the settings are for.
const MDBOOK: &str = "mdbook@0.5.4";

/// What `cargo xtask book` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Installs mdbook into target/tools first, from the registry, if it is not there
    #[arg(long)]
    install: bool,
    /// Only checks the pages, as the tests do
    #[arg(long)]
    check: bool,
}

/// The pages as they are in the book, and what they refer to besides.
struct Book {
    entries: Vec<Entry>,
    /// Text by path in the repository.
    pages: BTreeMap<PathBuf, String>,
    /// Files that are no pages and go into the book as they are: images, sources.
    files: BTreeSet<PathBuf>,
}

/// Builds the book in target/book, as far as mdbook is there.
pub(crate) fn book(home: &Home, options: &Options) -> Result<()> {
    let book = read(home)?;
    if options.check {
        println!("book: {} pages, {} other files", book.pages.len(), book.files.len());
        return Ok(());
    }
    let folder = home.target.join("book");
    write(home, &book, &folder)?;
    if options.install && program(home).is_none() {
        install(home)?;
    }
    match program(home) {
        Some(mdbook) => {
            run(Command::new(mdbook).arg("build").arg(&folder))?;
            println!("{}", folder.join("html/index.html").display());
        }
        None => println!(
            "{} has all pages; `cargo xtask book --install` gets mdbook, which makes HTML of them",
            folder.join("src").display()
        ),
    }
    Ok(())
}

/// Checks that every page, included text, link and anchor is there.
pub(crate) fn check(home: &Home) -> Result<()> {
    book(home, &Options { install: false, check: true })
}

/// Puts all pages together and checks them.
fn read(home: &Home) -> Result<Book> {
    atoll::wit::fill_deps(home)?;
    let generated = interfaces::pages(home)?;
    let entries = summary::read(&home.root, Path::new(SUMMARY), &generated)?;
    let mut faults = summary::unlisted(&home.root, &entries)?;
    let mut pages = BTreeMap::new();
    for path in entries.iter().filter_map(|entry| entry.page.as_ref()) {
        let text = match generated.iter().find(|page| &page.path == path) {
            Some(page) => page.text.clone(),
            None => include::page(&home.root, path, &mut faults)?,
        };
        if pages.insert(path.clone(), text).is_some() {
            faults.push(format!("{SUMMARY}: {} is there twice", path.display()));
        }
    }
    let files = links::resolve(&home.root, &mut pages, &mut faults);
    if !faults.is_empty() {
        bail!("the book has {} faults:\n  {}", faults.len(), faults.join("\n  "));
    }
    Ok(Book { entries, pages, files })
}

/// Writes what mdbook reads, and takes away what is not in the book any more.
fn write(home: &Home, book: &Book, folder: &Path) -> Result<()> {
    let sources = folder.join("src");
    if sources.is_dir() {
        fs::remove_dir_all(&sources).context("cannot clear the book's pages")?;
    }
    for (path, text) in &book.pages {
        write_if_changed(&sources.join(path), text.as_bytes())?;
    }
    for path in &book.files {
        let bytes = fs::read(home.root.join(path))?;
        write_if_changed(&sources.join(path), &bytes)?;
    }
    write_if_changed(&sources.join("SUMMARY.md"), summary::text(&book.entries).as_bytes())?;
    let settings = fs::read(home.root.join(SETTINGS))?;
    write_if_changed(&folder.join("book.toml"), &settings)
}

/// Our own mdbook, or that of the path.
fn program(home: &Home) -> Option<PathBuf> {
    let candidates = [home.target.join("tools/bin/mdbook"), PathBuf::from("mdbook")];
    candidates.into_iter().find(|program| {
        let version = Command::new(program).arg("--version").output();
        version.is_ok_and(|output| output.status.success())
    })
}

fn install(home: &Home) -> Result<()> {
    step("installing mdbook, which takes some minutes");
    let mut cargo = home.plain_cargo("install");
    // Not with our settings, and not into our target folder, where its dependencies would stay.
    cargo.env_remove("RUSTC_BOOTSTRAP").env_remove("CARGO_TARGET_DIR");
    run(cargo.args([MDBOOK, "--locked", "--root"]).arg(home.target.join("tools")))
}
