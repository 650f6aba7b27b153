//! `atoll run --watch`: builds the project whenever one of its files has changed, and swaps what
//! comes out into the system that runs.
//!
//! The system is reached over its second serial line, where the server `deploy` of
//! `iso/systems/develop.toml` listens. A project that does not build and a version that is rolled
//! back leave the running server as it is; the next change is the next try.

use crate::files::read;
use crate::home::Home;
use crate::mistake::mistake;
use crate::project::{self, Project};
use anyhow::Result;
use atoll_channel::{Base, Client, Error, Report};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// The system that takes components from the host, from the repository's root.
pub const SYSTEM: &str = "iso/systems/develop.toml";

/// How often the files are looked at.
const PERIOD: Duration = Duration::from_millis(300);
/// How long the system may take to answer a request: a busy host emulates slowly.
const LIMIT: Duration = Duration::from_secs(60);
/// Folders without sources, wherever they are.
const LEFT_OUT: [&str; 5] = ["build", "target", "deps", "node_modules", "__pycache__"];

/// Where a component goes.
pub trait Target {
    /// Swaps a server for a component.
    ///
    /// # Errors
    /// The system cannot be reached, or goes on with the old version.
    fn swap(&mut self, server: &str, component: &[u8]) -> Result<Report>;
}

/// The socket of a running system's second serial line, and a component that the system has.
#[derive(Debug)]
pub struct Line {
    socket: PathBuf,
    /// Its name there, and its bytes.
    base: (String, Vec<u8>),
}

impl Line {
    /// That of a system which has this component of a server since its boot.
    #[must_use]
    pub fn new(socket: &Path, server: &str, component: Vec<u8>) -> Self {
        Self { socket: socket.to_path_buf(), base: (file(server), component) }
    }

    /// Connects, and waits for a system that is only about to start.
    fn connect(&self) -> Result<Client<UnixStream>, Error> {
        let end = Instant::now() + LIMIT;
        loop {
            match Client::connect(&self.socket, LIMIT) {
                Err(Error::Line(error)) if is_early(&error) && Instant::now() < end => {
                    thread::sleep(PERIOD);
                }
                result => return result,
            }
        }
    }
}

/// The file name of a server's component.
fn file(server: &str) -> String {
    format!("{server}.wasm")
}

/// Whether nobody has made the socket yet, or listens there.
fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

impl Target for Line {
    fn swap(&mut self, server: &str, component: &[u8]) -> Result<Report> {
        // A connection of its own for each: `deploy` may have been restarted since.
        let mut system = self.connect()?;
        let file = file(server);
        let (name, bytes) = &self.base;
        let name = match system.put_beside(Base { name, bytes }, &file, component, |_| {}) {
            // The system may have given the other one up since.
            Err(Error::Refused(_)) => system.put(&file, component, |_| {})?,
            result => result?,
        };
        self.base = (name, component.to_vec());
        Ok(system.swap(server, &self.base.0, |_, _| {})?)
    }
}

/// The files of a project with what tells that they have changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stamp(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Stamp {
    /// The files as they are now. What cannot be read counts as not there: the next look sees it.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let mut stamp = Self::default();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let is_hidden = name.to_string_lossy().starts_with('.');
            if is_hidden || LEFT_OUT.iter().any(|left_out| name == *left_out) {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => stamp.0.extend(Self::of(&path).0),
                Ok(metadata) => {
                    stamp.0.insert(path, (metadata.modified().ok(), metadata.len()));
                }
                Err(_) => {}
            }
        }
        stamp
    }
}

/// A project whose files are looked at.
pub struct Watch<B, T> {
    folder: PathBuf,
    server: String,
    build: B,
    target: T,
    /// The files at the last look, and whether they are built.
    stamp: Stamp,
    is_built: bool,
    /// What runs.
    component: Vec<u8>,
}

/// What a look at the files came to.
#[derive(Debug)]
pub enum News {
    /// No file has changed, or one is still changing.
    Nothing,
    /// The component is the same as before.
    Same,
    /// The new version serves.
    Swapped(Report),
    /// There is no new version, or the old one serves; it says why.
    Failed(anyhow::Error),
}

impl<B: FnMut() -> Result<Vec<u8>>, T: Target> Watch<B, T> {
    /// Begins with what the system runs, and the files as they were before that was built of them.
    pub fn new(
        folder: &Path,
        server: &str,
        (stamp, component): (Stamp, Vec<u8>),
        build: B,
        target: T,
    ) -> Self {
        let (folder, server) = (folder.to_path_buf(), server.to_owned());
        Self { folder, server, build, target, stamp, is_built: true, component }
    }

    /// Looks at the files. They are built when they have changed since they were built last, and not
    /// since the last look: editors and tools write many files, or one in pieces.
    pub fn look(&mut self) -> News {
        let stamp = Stamp::of(&self.folder);
        if stamp != self.stamp {
            self.stamp = stamp;
            self.is_built = false;
            return News::Nothing;
        }
        if self.is_built {
            return News::Nothing;
        }
        self.is_built = true;
        match self.bring() {
            Ok(None) => News::Same,
            Ok(Some(report)) => News::Swapped(report),
            Err(error) => News::Failed(error),
        }
    }

    fn bring(&mut self) -> Result<Option<Report>> {
        let component = (self.build)()?;
        if component == self.component {
            return Ok(None);
        }
        let report = self.target.swap(&self.server, &component)?;
        self.component = component;
        Ok(Some(report))
    }
}

/// Watches a project beside its system, whose second serial line has that socket, and tells what
/// comes of it on the terminal that they share. The project is built, of files that were as `built`
/// says or have changed since.
///
/// # Errors
/// If the project has no server of its name, or its component is not there.
pub fn begin(home: &Home, project: &Project, built: Stamp, socket: &Path) -> Result<()> {
    if !project.servers.contains_key(&project.name) {
        mistake!(
            "atoll.toml has no [servers.{}]: only servers are swapped while they run",
            project.name
        );
    }
    let component = read(&project.component())?;
    let (home, folder) = (home.clone(), project.folder.clone());
    let build = move || {
        // Read anew: the manifest is one of the files.
        let project = Project::find(&folder)?;
        let target = project.build_folder().join("target");
        read(&project::build::build(&home, &project, &target)?)
    };
    let line = Line::new(socket, &project.name, component.clone());
    let mut watch = Watch::new(&project.folder, &project.name, (built, component), build, line);
    let name = project.name.clone();
    thread::spawn(move || {
        loop {
            thread::sleep(PERIOD);
            if let Some(words) = words(&watch.look()) {
                // In one piece, or what the system says comes in between.
                let line = format!("\r{name}: {words}\n");
                eprint!("{line}");
            }
        }
    });
    Ok(())
}

/// What is told of a look, if there is anything.
fn words(news: &News) -> Option<String> {
    Some(match news {
        News::Nothing => return None,
        News::Same => "built, and the same as before".to_owned(),
        News::Swapped(Report { state_bytes, calls_held, downtime }) => format!(
            "swapped; {state_bytes} bytes of state, {calls_held} calls held, down for {} us",
            downtime.as_micros()
        ),
        News::Failed(error) => format!("{error:#}"),
    })
}

#[cfg(test)]
mod tests;
