//! Components that clients hand over while the system runs (ADR 103).
//!
//! Each becomes a module of the kernel under a file name that no other has had since boot, and is
//! from then on what a component of the boot archive is to [`crate::launch`] and [`crate::swap`].
//! Here is which of them are kept: those that a server runs, ran before its last swap or is about
//! to run, and the newest of each file. The others give way. Their names stand in the ledger, and
//! the next supervisor opens them by these.

use atoll_system_description::{Description, SUPERVISOR, SUPERVISOR_UPLOADS, is_component};

use crate::{
    kernel::{Error, Kernel, Level},
    ledger::{
        UPLOADS,
        bytes::{Reader, Writer},
    },
    resume::take,
    supervisor::Supervisor,
    swap::Transaction,
};

/// Most uploads at one time, whatever their size.
const MOST: usize = 64;
/// Most bytes that one message carries back.
const MOST_READ: u32 = 60_000;
/// Modules take whole pages.
const PAGE: u64 = 4096;
/// What follows the stem of every file name.
const ENDING: &str = ".wasm";

/// One upload.
#[derive(Debug)]
struct Upload<M> {
    /// Number since boot.
    id: u64,
    /// The file name that its client gave it.
    file: String,
    size: u64,
    /// Bytes that came.
    given: u64,
    /// Whether its client said that they are all.
    finished: bool,
    module: M,
}

/// The name of the module: the file name with the number.
fn numbered(file: &str, id: u64) -> String {
    format!("{}~{id}{ENDING}", file.strip_suffix(ENDING).unwrap_or(file))
}

impl<M> Upload<M> {
    fn name(&self) -> String {
        numbered(&self.file, self.id)
    }

    /// Bytes that it takes.
    const fn footprint(&self) -> u64 {
        self.size.next_multiple_of(PAGE)
    }
}

/// All uploads, the oldest first.
#[derive(Debug)]
pub(crate) struct Uploads<M> {
    all: Vec<Upload<M>>,
    /// File names of the components that were there at boot.
    at_boot: Vec<String>,
    /// Number of the newest.
    newest: u64,
    /// Whether the ledger has them as they are.
    written: bool,
}

impl<M> Default for Uploads<M> {
    fn default() -> Self {
        Self { all: Vec::new(), at_boot: Vec::new(), newest: 0, written: true }
    }
}

impl<M> Uploads<M> {
    /// None yet, in a system as its description in the boot archive has it.
    pub(crate) fn of(description: &Description) -> Self {
        let at_boot = description.components().into_iter().map(str::to_string).collect();
        Self { at_boot, ..Self::default() }
    }

    fn taken(&self) -> u64 {
        self.all.iter().fold(0, |sum, upload| sum.saturating_add(upload.footprint()))
    }

    fn find(&mut self, id: u64) -> Result<&mut Upload<M>, Error> {
        let gone = || Error::Invalid("the upload was given up".to_string());
        self.all.iter_mut().find(|upload| upload.id == id).ok_or_else(gone)
    }
}

/// A number of bytes in words.
fn bytes(count: u64) -> String {
    if count.is_multiple_of(1 << 10) {
        format!("{} KiB", count >> 10)
    } else {
        format!("{count} bytes")
    }
}

impl<K: Kernel> Supervisor<K> {
    /// Serves uploads, if the system has any; at boot.
    ///
    /// # Errors
    /// When the runtime refuses.
    pub(crate) fn serve_uploads(&mut self) -> Result<(), Error> {
        if self.description.uploads.is_none() {
            return Ok(());
        }
        let endpoint = self.kernel.make_endpoint();
        self.publish_uploads(endpoint)?;
        self.uploads.written = false;
        Ok(())
    }

    fn publish_uploads(&mut self, endpoint: K::Endpoint) -> Result<(), Error> {
        self.kernel.publish(&endpoint, SUPERVISOR_UPLOADS, 0)?;
        self.endpoints.add(SUPERVISOR, SUPERVISOR_UPLOADS, endpoint);
        Ok(())
    }

    /// Begins an upload; its number.
    ///
    /// # Errors
    /// A name that is no component's, a size that is out of range, or no room beside what is kept.
    pub fn upload_begin(&mut self, file: &str, size: u64) -> Result<u64, Error> {
        if !is_component(file) {
            let why = format!("`{file}` is not the file name of a component, like \"blink.wasm\"");
            return Err(Error::Invalid(why));
        }
        let most = self.description.uploads.unwrap_or(0);
        if size == 0 || size > most {
            return Err(Error::Invalid(format!(
                "{file} has {size} bytes; this system takes 1 to {most}"
            )));
        }
        self.make_room(file, size, most)?;
        let id = self.uploads.newest.saturating_add(1);
        let module = self.kernel.make_module(&numbered(file, id), size)?;
        self.uploads.newest = id;
        self.uploads.written = false;
        self.uploads.all.push(Upload {
            id,
            file: file.to_string(),
            size,
            given: 0,
            finished: false,
            module,
        });
        Ok(id)
    }

    /// Gives up the oldest that nobody needs until there is room for `size` bytes.
    fn make_room(&mut self, file: &str, size: u64, most: u64) -> Result<(), Error> {
        let size = size.next_multiple_of(PAGE);
        let is_full = |uploads: &Uploads<K::Module>| {
            uploads.taken().saturating_add(size) > most || uploads.all.len() >= MOST
        };
        while is_full(&self.uploads) {
            let mut all = self.uploads.all.iter();
            let idle = all.position(|upload| upload.finished && !self.is_needed(upload));
            let Some(idle) = idle else {
                let names: Vec<String> = self.uploads.all.iter().map(Upload::name).collect();
                return Err(Error::OutOfResources(format!(
                    "{file} takes {} of {}, and {} have {} of it",
                    bytes(size),
                    bytes(most),
                    names.join(", "),
                    bytes(self.uploads.taken()),
                )));
            };
            self.uploads.all.remove(idle);
        }
        Ok(())
    }

    /// Puts bytes behind those that an upload has.
    ///
    /// # Errors
    /// More than it lacks; it goes on as if they had not come.
    pub fn upload_append(&mut self, id: u64, data: &[u8]) -> Result<(), Error> {
        let upload = self.uploads.find(id)?;
        let given = upload.given.saturating_add(data.len() as u64);
        if given > upload.size {
            let Upload { file, size, .. } = upload;
            return Err(Error::Invalid(format!("{file} has {size} bytes, and {given} came")));
        }
        self.kernel.fill_module(&upload.module, data)?;
        upload.given = given;
        Ok(())
    }

    /// Some bytes of a component by the name that [`Supervisor::swap`] knows; fewer at its end.
    ///
    /// # Errors
    /// There is no such component, or not all of it yet.
    pub fn read_component(&self, file: &str, offset: u64, count: u32) -> Result<Vec<u8>, Error> {
        // The description is a module too, and no component.
        if !file.ends_with(ENDING) {
            return Err(Error::NotFound(file.to_string()));
        }
        self.kernel.read_part(&self.component_named(file), offset, count.min(MOST_READ))
    }

    /// All bytes of an upload are there; its name. Earlier ones of its file that nobody needs are
    /// given up.
    ///
    /// # Errors
    /// Some are not.
    pub fn upload_finish(&mut self, id: u64) -> Result<String, Error> {
        let upload = self.uploads.find(id)?;
        let Upload { ref file, size, given, .. } = *upload;
        if given < size {
            return Err(Error::Invalid(format!("{given} of {size} bytes of {file} came")));
        }
        let (name, file) = (numbered(file, id), file.clone());
        upload.finished = true;
        let message = format!("`{name}` was handed over: {size} bytes");
        self.kernel.log(Level::Info, &message);
        let all = core::mem::take(&mut self.uploads.all);
        let stays = |upload: &Upload<K::Module>| {
            upload.file != file || upload.id >= id || !upload.finished || self.is_needed(upload)
        };
        self.uploads.all = all.into_iter().filter(stays).collect();
        self.uploads.written = false;
        Ok(name)
    }

    /// The client of an upload lets go of it; what is not finished goes.
    pub fn upload_drop(&mut self, id: u64) {
        self.uploads.all.retain(|upload| upload.id != id || upload.finished);
    }

    /// Whether a server or the supervisor runs it, would come back to it or is about to run it.
    fn is_needed(&self, upload: &Upload<K::Module>) -> bool {
        let name = upload.name();
        let now = self.description.servers.iter().map(|server| &server.domain.component);
        let before = self.servers.iter().filter_map(|server| server.previous.as_ref());
        let before = before.map(|previous| &previous.version.component);
        let unfinished = self.transactions.iter().filter(|other| !other.swap.is_over());
        let next = unfinished.flat_map(Transaction::versions);
        let next = next.map(|version| &version.component);
        now.chain(before).chain(next).chain(self.own_components()).any(|used| *used == name)
    }

    /// The component that a file name stands for: itself, or the newest upload of that file if the
    /// system had none of that name at boot.
    pub(crate) fn component_named(&self, file: &str) -> String {
        let at_boot = self.uploads.at_boot.iter().any(|other| other == file);
        let mut uploads = self.uploads.all.iter().rev().filter(|upload| upload.finished);
        let newest = uploads.find(|upload| upload.file == file).filter(|_| !at_boot);
        newest.map_or_else(|| file.to_string(), Upload::name)
    }

    /// Writes down which there are, if that changed.
    pub(crate) fn keep_uploads(&mut self) {
        if core::mem::replace(&mut self.uploads.written, true) {
            return;
        }
        let endpoint = self.endpoints.find(SUPERVISOR, SUPERVISOR_UPLOADS);
        let Some(endpoint) = endpoint.map(|endpoint| self.kernel.endpoint_id(endpoint)) else {
            return;
        };
        let mut out = Writer::default();
        out.u32(endpoint);
        out.u64(self.uploads.newest);
        let kept: Vec<&Upload<K::Module>> =
            self.uploads.all.iter().filter(|upload| upload.finished).collect();
        out.list(&kept, |out, upload| {
            out.u64(upload.id);
            out.u64(upload.size);
            out.text(&upload.file);
        });
        self.put_down_entry(UPLOADS, &out.finish());
    }

    /// Goes on with the uploads of the supervisor before this one, and serves on its endpoint.
    ///
    /// # Errors
    /// When the runtime refuses.
    pub(crate) fn resume_uploads(
        &mut self,
        endpoints: &mut Vec<(u32, K::Endpoint)>,
    ) -> Result<(), Error> {
        let record = self.kernel.read_record(UPLOADS);
        let Some((endpoint, newest, kept)) = record.and_then(|bytes| read(&bytes)) else {
            return self.serve_uploads();
        };
        let endpoint = take(endpoints, endpoint).unwrap_or_else(|| self.kernel.make_endpoint());
        self.publish_uploads(endpoint)?;
        self.uploads.newest = newest;
        for (id, size, file) in kept {
            if let Ok(module) = self.kernel.open_module(&numbered(&file, id)) {
                self.uploads.all.push(Upload {
                    id,
                    file,
                    size,
                    given: size,
                    finished: true,
                    module,
                });
            }
        }
        Ok(())
    }
}

/// An upload in the ledger: number, size and file.
type Kept = (u64, u64, String);

/// What [`Supervisor::keep_uploads`] wrote: the endpoint, the newest number, and those that are
/// there.
fn read(bytes: &[u8]) -> Option<(u32, u64, Vec<Kept>)> {
    let mut input = Reader::new(bytes);
    let kept = |input: &mut Reader<'_>| Some((input.u64()?, input.u64()?, input.text()?));
    Some((input.u32()?, input.u64()?, input.list(kept)?))
}
