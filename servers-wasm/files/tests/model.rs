//! The file system against a model of it: a table of whole paths. Every step gives the same answer
//! in both, and afterwards both hold the same.

use std::collections::{BTreeMap, BTreeSet};

use atoll_files::pages::Pool;
use atoll_files::tree::{NodeKind, Opening, ROOT, Tree};
use atoll_files::{Error, Time};
use proptest::prelude::*;

type Names = Vec<&'static str>;

/// What a path names: a directory, or a file by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Directory,
    File(usize),
}

#[derive(Debug, Default)]
struct Model {
    things: BTreeMap<Names, Thing>,
    files: Vec<Vec<u8>>,
}

impl Model {
    fn at(&self, path: &[&'static str]) -> Option<Thing> {
        if path.is_empty() { Some(Thing::Directory) } else { self.things.get(path).copied() }
    }

    /// Whether what a path is in is there.
    fn parent(&self, path: &[&'static str]) -> Result<(), Error> {
        let parents = (1..path.len()).map(|len| self.at(&path[..len]));
        for parent in parents {
            match parent {
                Some(Thing::Directory) => {}
                Some(Thing::File(_)) => return Err(Error::NotDirectory),
                None => return Err(Error::NoEntry),
            }
        }
        Ok(())
    }

    fn thing(&self, path: &[&'static str]) -> Result<Thing, Error> {
        self.parent(path)?;
        self.at(path).ok_or(Error::NoEntry)
    }

    fn is_empty(&self, path: &[&'static str]) -> bool {
        !self.things.keys().any(|other| other.len() > path.len() && other.starts_with(path))
    }

    fn make_directory(&mut self, path: &Names) -> Result<(), Error> {
        self.parent(path)?;
        if self.at(path).is_some() {
            return Err(Error::Exist);
        }
        self.things.insert(path.clone(), Thing::Directory);
        Ok(())
    }

    fn write(&mut self, path: &Names, how: Opening, bytes: &[u8]) -> Result<(), Error> {
        self.parent(path)?;
        let file = match self.at(path) {
            Some(_) if how.create && how.exclusive => return Err(Error::Exist),
            Some(Thing::Directory) => return Err(Error::IsDirectory),
            Some(Thing::File(file)) => file,
            None if !how.create => return Err(Error::NoEntry),
            None => {
                self.files.push(Vec::new());
                self.things.insert(path.clone(), Thing::File(self.files.len() - 1));
                self.files.len() - 1
            }
        };
        if how.truncate {
            self.files[file].clear();
        }
        self.files[file].extend(bytes);
        Ok(())
    }

    fn unlink(&mut self, path: &Names) -> Result<(), Error> {
        match self.thing(path)? {
            Thing::Directory => Err(Error::IsDirectory),
            Thing::File(_) => {
                self.things.remove(path);
                Ok(())
            }
        }
    }

    fn remove_directory(&mut self, path: &Names) -> Result<(), Error> {
        match self.thing(path)? {
            Thing::File(_) => Err(Error::NotDirectory),
            Thing::Directory if !self.is_empty(path) => Err(Error::NotEmpty),
            Thing::Directory => {
                self.things.remove(path);
                Ok(())
            }
        }
    }

    fn link(&mut self, from: &Names, to: &Names) -> Result<(), Error> {
        let Thing::File(file) = self.thing(from)? else { return Err(Error::NotPermitted) };
        self.parent(to)?;
        if self.at(to).is_some() {
            return Err(Error::Exist);
        }
        self.things.insert(to.clone(), Thing::File(file));
        Ok(())
    }

    fn rename(&mut self, from: &Names, to: &Names) -> Result<(), Error> {
        self.parent(from)?;
        self.parent(to)?;
        let thing = self.at(from).ok_or(Error::NoEntry)?;
        if thing == Thing::Directory && to.len() > from.len() && to.starts_with(from) {
            return Err(Error::Invalid);
        }
        match (thing, self.at(to)) {
            _ if from == to => return Ok(()),
            (Thing::File(one), Some(Thing::File(other))) if one == other => return Ok(()),
            (Thing::File(_), Some(Thing::Directory)) => return Err(Error::IsDirectory),
            (Thing::Directory, Some(Thing::File(_))) => return Err(Error::NotDirectory),
            (Thing::Directory, Some(Thing::Directory)) if !self.is_empty(to) => {
                return Err(Error::NotEmpty);
            }
            _ => {}
        }
        let moved: Vec<_> =
            self.things.keys().filter(|path| path.starts_with(from)).cloned().collect();
        let moved: Vec<_> = moved
            .into_iter()
            .filter_map(|path| {
                let thing = self.things.remove(&path)?;
                Some(([&to[..], &path[from.len()..]].concat(), thing))
            })
            .collect();
        self.things.extend(moved);
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum Step {
    MakeDirectory(Names),
    Write(Names, Opening, Vec<u8>),
    Unlink(Names),
    RemoveDirectory(Names),
    Link(Names, Names),
    Rename(Names, Names),
}

fn path() -> impl Strategy<Value = Names> {
    proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c")], 1..4)
}

fn opening() -> impl Strategy<Value = Opening> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(create, exclusive, truncate)| {
        Opening { create, exclusive, truncate, write: true, directory: false }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..6000);
    prop_oneof![
        3 => path().prop_map(Step::MakeDirectory),
        3 => (path(), opening(), bytes).prop_map(|(path, how, bytes)| Step::Write(path, how, bytes)),
        1 => path().prop_map(Step::Unlink),
        1 => path().prop_map(Step::RemoveDirectory),
        1 => (path(), path()).prop_map(|(from, to)| Step::Link(from, to)),
        2 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
    ]
}

const NOW: Time = Time { seconds: 7, nanoseconds: 0 };

fn perform(
    tree: &mut Tree,
    model: &mut Model,
    step: Step,
) -> (Result<(), Error>, Result<(), Error>) {
    match step {
        Step::MakeDirectory(path) => {
            (tree.create_directory(ROOT, &path.join("/"), NOW), model.make_directory(&path))
        }
        Step::Write(path, how, bytes) => {
            let opened = tree.open(ROOT, &path.join("/"), how, NOW);
            let done = opened.and_then(|id| tree.write(id, None, &bytes, NOW));
            (done.map(|count| assert_eq!(count, bytes.len())), model.write(&path, how, &bytes))
        }
        Step::Unlink(path) => (tree.unlink_file(ROOT, &path.join("/"), NOW), model.unlink(&path)),
        Step::RemoveDirectory(path) => {
            (tree.remove_directory(ROOT, &path.join("/"), NOW), model.remove_directory(&path))
        }
        Step::Link(from, to) => {
            (tree.link((ROOT, &from.join("/")), (ROOT, &to.join("/")), NOW), model.link(&from, &to))
        }
        Step::Rename(from, to) => (
            tree.rename((ROOT, &from.join("/")), (ROOT, &to.join("/")), NOW),
            model.rename(&from, &to),
        ),
    }
}

/// All paths in the tree, by its lists of entries.
fn all(tree: &Tree, directory: &str, found: &mut BTreeSet<String>) {
    let id = if directory.is_empty() { ROOT } else { tree.find(ROOT, directory).unwrap() };
    let mut last: Option<String> = None;
    while let Some((name, kind)) = tree.entry_after(id, last.as_deref()).unwrap() {
        let path = if directory.is_empty() { name.into() } else { format!("{directory}/{name}") };
        if kind == NodeKind::Directory {
            all(tree, &path, found);
        }
        last = Some(name.to_owned());
        found.insert(path);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn behaves_like_a_table_of_paths(steps in proptest::collection::vec(step(), 1..60)) {
        let mut tree = Tree::new(Pool::default(), NOW);
        let mut model = Model::default();
        for step in steps {
            let shown = format!("{step:?}");
            let (tree, model) = perform(&mut tree, &mut model, step);
            prop_assert_eq!(tree, model, "{}", shown);
        }
        let mut found = BTreeSet::new();
        all(&tree, "", &mut found);
        let expected: BTreeSet<_> = model.things.keys().map(|path| path.join("/")).collect();
        prop_assert_eq!(&found, &expected);
        let mut nodes = BTreeSet::new();
        for (path, thing) in &model.things {
            let id = tree.find(ROOT, &path.join("/")).unwrap();
            nodes.insert(id);
            if let Thing::File(file) = thing {
                let bytes = &model.files[*file];
                prop_assert_eq!(&tree.read(id, 0, usize::MAX, NOW).unwrap(), bytes);
                let links = model.things.values().filter(|other| *other == thing).count();
                prop_assert_eq!(tree.stat(id).unwrap().links, links as u64);
            }
        }
        // Nothing is left of what has no name.
        prop_assert_eq!(tree.len(), nodes.len() + 1);
    }

    /// However a path twists, it leads to what its steps lead to, or nowhere.
    #[test]
    fn no_path_leads_out(steps in proptest::collection::vec(
        prop_oneof![Just("a"), Just(".."), Just("."), Just("")], 1..12))
    {
        let mut tree = Tree::new(Pool::default(), NOW);
        for path in ["a", "a/a", "a/a/a", "a/a/a/a", "a/a/a/a/a"] {
            tree.create_directory(ROOT, path, NOW).unwrap();
        }
        let base = tree.find(ROOT, "a/a").unwrap();
        let mut expected = Ok(0_i32);
        for step in &steps {
            let change = match *step { "a" => 1, ".." => -1, _ => 0 };
            expected = expected.and_then(|depth| match depth + change {
                -1 => Err(Error::NotPermitted),
                4 => Err(Error::NoEntry),
                depth => Ok(depth),
            });
        }
        let found = tree.find(base, &format!("./{}", steps.join("/")));
        let straight = |depth: i32| tree.find(ROOT, &["a"].repeat(2 + depth as usize).join("/"));
        prop_assert_eq!(found, expected.and_then(straight));
    }
}

#[test]
fn what_is_held_outlives_its_name() {
    let mut tree = Tree::new(Pool::new(1), NOW);
    let how = Opening { create: true, write: true, ..Opening::default() };
    let id = tree.open(ROOT, "kept", how, NOW).unwrap();
    tree.hold(id);
    tree.write(id, None, b"still here", NOW).unwrap();
    tree.unlink_file(ROOT, "kept", NOW).unwrap();
    assert_eq!(tree.find(ROOT, "kept"), Err(Error::NoEntry));
    assert_eq!(tree.read(id, 6, 9, NOW).unwrap(), b"here");
    assert_eq!((tree.stat(id).unwrap().links, tree.pool.used()), (0, 1));
    tree.release(id);
    assert!(tree.is_empty() && tree.pool.used() == 0);
}

#[test]
fn a_directory_that_was_removed_takes_nothing() {
    let mut tree = Tree::new(Pool::default(), NOW);
    tree.create_directory(ROOT, "gone", NOW).unwrap();
    let id = tree.find(ROOT, "gone").unwrap();
    tree.hold(id);
    tree.remove_directory(ROOT, "gone", NOW).unwrap();
    assert_eq!(tree.create_directory(id, "in", NOW), Err(Error::NoEntry));
    let how = Opening { create: true, ..Opening::default() };
    assert_eq!(tree.open(id, "in", how, NOW), Err(Error::NoEntry));
    tree.create_directory(ROOT, "other", NOW).unwrap();
    assert_eq!(tree.rename((ROOT, "other"), (id, "in"), NOW), Err(Error::NoEntry));
    assert!(tree.find(ROOT, "other").is_ok(), "it stays where it was");
    tree.release(id);
    assert_eq!(tree.len(), 2);
}

#[test]
fn flags_and_paths_that_contradict_what_is_there() {
    let mut tree = Tree::new(Pool::default(), NOW);
    tree.create_directory(ROOT, "d/", NOW).unwrap();
    let create = Opening { create: true, write: true, ..Opening::default() };
    tree.open(ROOT, "f", create, NOW).unwrap();
    let directory = Opening { directory: true, ..Opening::default() };
    let mut open = |path: &str, how: Opening| tree.open(ROOT, path, how, NOW).map(drop);
    assert_eq!(open("d", directory), Ok(()));
    assert_eq!(open("f", directory), Err(Error::NotDirectory));
    assert_eq!(open("f/", Opening::default()), Err(Error::NotDirectory));
    assert_eq!(open("new/", create), Err(Error::IsDirectory));
    assert_eq!(open("d", create), Err(Error::IsDirectory));
    assert_eq!(open(".", directory), Ok(()));
    assert_eq!(open("d", Opening { create: true, ..directory }), Err(Error::Invalid));
    assert_eq!(tree.unlink_file(ROOT, "f/", NOW), Err(Error::NotDirectory));
    assert_eq!(tree.unlink_file(ROOT, ".", NOW), Err(Error::IsDirectory));
    assert_eq!(tree.remove_directory(ROOT, ".", NOW), Err(Error::Invalid));
    assert_eq!(tree.remove_directory(ROOT, "..", NOW), Err(Error::NotPermitted));
    assert_eq!(tree.create_directory(ROOT, ".", NOW), Err(Error::Exist));
    assert_eq!(tree.rename((ROOT, "f"), (ROOT, "g/"), NOW), Err(Error::NotDirectory));
}

#[test]
fn times_and_hashes_follow_changes() {
    let mut tree = Tree::new(Pool::default(), NOW);
    let how = Opening { create: true, write: true, ..Opening::default() };
    let id = tree.open(ROOT, "f", how, NOW).unwrap();
    let other = tree.open(ROOT, "g", how, NOW).unwrap();
    let hash = tree.hash(id).unwrap();
    assert_ne!(hash, tree.hash(other).unwrap());
    let later = Time { seconds: 8, ..NOW };
    tree.read(id, 0, 1, later).unwrap();
    let stat = tree.stat(id).unwrap();
    assert_eq!((stat.accessed, stat.modified, stat.changed), (later, NOW, NOW));
    assert_eq!(tree.hash(id).unwrap(), hash, "reading changes nothing");
    tree.write(id, None, b"x", later).unwrap();
    let stat = tree.stat(id).unwrap();
    assert_eq!((stat.modified, stat.changed), (later, later));
    assert_ne!(tree.hash(id).unwrap(), hash);
    tree.set_times(id, None, Some(NOW), later).unwrap();
    let stat = tree.stat(id).unwrap();
    assert_eq!((stat.accessed, stat.modified, stat.changed), (later, NOW, later));
}

#[test]
fn a_loss_is_told_once() {
    let mut tree = Tree::new(Pool::default(), NOW);
    let how = Opening { create: true, write: true, ..Opening::default() };
    let id = tree.open(ROOT, "f", how, NOW).unwrap();
    assert_eq!(tree.sync(id), Ok(()));
    tree.note_failure(id, Error::InsufficientSpace);
    assert_eq!(tree.sync(id), Err(Error::InsufficientSpace));
    assert_eq!(tree.sync(id), Ok(()));
}
