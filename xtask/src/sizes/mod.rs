//! `cargo xtask sizes`: what the text of the domain image consists of.
//!
//! Symbols are counted for rooms ([`rooms`]), so that it shows what a crate or a room of the
//! runtime costs. `--features` builds the image again with features of the interpreter that could
//! be had, and compares.

mod rooms;

use anyhow::{Context, Result};
use atoll::artifacts::{DOMAIN, runtime_arguments};
use atoll::home::Home;
use atoll::process::{run, step};
use atoll::wit;
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

/// Features of the interpreter that the image does without, one build each.
const FEATURES: [&str; 3] = ["simd", "memory64", "indirect-dispatch"];

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Also builds the image with further features of the interpreter, which takes minutes each
    #[arg(long)]
    features: bool,
}

/// Bytes of one image.
#[derive(Debug, Default)]
struct Sizes {
    text: u64,
    rodata: u64,
    /// Bytes of code by room.
    rooms: BTreeMap<String, u64>,
}

/// Builds the image and prints the tables.
pub(crate) fn sizes(home: &Home, options: &Options) -> Result<()> {
    wit::fill_deps(home)?;
    let base = build(home, None)?;
    print!("{}", by_room(&base));
    if options.features {
        let mut table = String::from("\n| image | text | more | rodata |\n|---|---:|---:|---:|\n");
        row(&mut table, "as it is", &base, &base);
        for feature in FEATURES {
            let sizes = build(home, Some(feature))?;
            row(&mut table, &format!("`{feature}`"), &sizes, &base);
        }
        print!("{table}");
    }
    Ok(())
}

/// Builds the image, with a feature of the interpreter if one is named, and measures it.
fn build(home: &Home, feature: Option<&str>) -> Result<Sizes> {
    step(&format!("building the domain image: {}", feature.unwrap_or("as it is")));
    let mut cargo = home.cargo("build")?;
    cargo.args(["--quiet", "--release"]).args(runtime_arguments(false));
    if let Some(feature) = feature {
        // It is that of a dependency of the runtime, which is selected for that.
        cargo.args(["-p", "atoll-runtime"]).arg(format!("--features=wasmi/{feature}"));
    }
    run(&mut cargo)?;
    let path = home.target.join(DOMAIN).join("release/runtime");
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    measure(&bytes).with_context(|| format!("cannot understand {}", path.display()))
}

/// Counts sections and symbols of an executable.
fn measure(bytes: &[u8]) -> Result<Sizes> {
    let file: ElfFile64<'_> = ElfFile64::parse(bytes)?;
    let section = |name| file.section_by_name(name).map_or(0, |section| section.size());
    let mut sizes =
        Sizes { text: section(".text"), rodata: section(".rodata"), rooms: BTreeMap::new() };
    let mut symbols = Vec::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
        symbols.push((rustc_demangle::demangle(symbol.name()?).to_string(), symbol.size()));
    }
    let parser = symbols.iter().find_map(|(name, _)| rooms::component_parser(name));
    for (name, size) in &symbols {
        *sizes.rooms.entry(rooms::room_of(name, parser)).or_default() += size;
    }
    Ok(sizes)
}

/// Rooms by size, then what no symbol accounts for.
fn by_room(sizes: &Sizes) -> String {
    let mut rooms: Vec<_> = sizes.rooms.iter().collect();
    rooms.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
    let mut table = String::from("| code | bytes | part |\n|---|---:|---:|\n");
    let mut line = |name: &str, bytes: u64| {
        let part = bytes as f64 * 100.0 / sizes.text.max(1) as f64;
        let _ = writeln!(table, "| {name} | {} | {part:.1} % |", grouped(bytes));
    };
    for (name, bytes) in &rooms {
        line(name, **bytes);
    }
    let known: u64 = rooms.iter().map(|(_, bytes)| **bytes).sum();
    line("between symbols", sizes.text.saturating_sub(known));
    line("all text", sizes.text);
    table
}

fn row(table: &mut String, name: &str, sizes: &Sizes, base: &Sizes) {
    let more = sizes.text.cast_signed().saturating_sub(base.text.cast_signed());
    let sign = if more < 0 { "−" } else { "+" };
    let _ = writeln!(
        table,
        "| {name} | {} | {sign}{} | {} |",
        grouped(sizes.text),
        grouped(more.unsigned_abs()),
        grouped(sizes.rodata)
    );
}

/// With a comma between groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.char_indices() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Sizes, by_room, grouped, row};

    #[test]
    fn tables() {
        let rooms = [("a".to_owned(), 250), ("b".to_owned(), 500)].into();
        let base = Sizes { text: 1000, rodata: 7, rooms };
        let lines: Vec<_> = by_room(&base).lines().skip(2).map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                "| b | 500 | 50.0 % |",
                "| a | 250 | 25.0 % |",
                "| between symbols | 250 | 25.0 % |",
                "| all text | 1,000 | 100.0 % |",
            ]
        );
        let mut table = String::new();
        row(&mut table, "x", &Sizes { text: 900, ..Sizes::default() }, &base);
        assert_eq!(table, "| x | 900 | −100 | 0 |\n");
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
