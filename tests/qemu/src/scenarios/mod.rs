//! All scenarios, by what they are about.

mod book;
mod boot;
mod calls;
mod capsules;
mod clones;
mod console;
mod crashes;
mod debugger;
mod foreign;
mod guardian;
mod heirs;
mod hostile;
mod iso;
mod layouts;
mod limits;
mod operators;
mod projects;
mod recovery;
mod sets;
mod shell;
mod signed;
mod supervision;
mod swap;
mod tool;
mod uploads;
mod wasi;

use crate::Scenario;

/// Every scenario. To add one, write a function in a file here and a line in that file's `ALL`.
#[must_use]
pub fn all() -> Vec<&'static Scenario> {
    [
        boot::ALL,
        book::ALL,
        shell::ALL,
        calls::ALL,
        foreign::ALL,
        projects::ALL,
        tool::ALL,
        wasi::ALL,
        hostile::ALL,
        limits::ALL,
        supervision::ALL,
        clones::ALL,
        swap::ALL,
        layouts::ALL,
        uploads::ALL,
        console::ALL,
        debugger::ALL,
        operators::ALL,
        signed::ALL,
        sets::ALL,
        recovery::ALL,
        heirs::ALL,
        crashes::ALL,
        capsules::ALL,
        guardian::ALL,
        iso::ALL,
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_for_files() {
        let mut names: Vec<_> = all().iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        let fits = |name: &str| {
            name.chars().all(|letter| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-'
            })
        };
        assert!(names.iter().all(|name| fits(name)));
    }
}
