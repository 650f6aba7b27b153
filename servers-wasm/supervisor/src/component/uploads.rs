//! The service `atoll:supervision/uploads`, and a client's hold on an upload.

use super::{
    Component,
    bindings::{
        atoll::supervision::types,
        exports::atoll::supervision::uploads::{self, GuestUpload, Upload},
    },
    with,
};

impl uploads::Guest for Component {
    type Upload = UploadHandle;

    fn read(component: String, offset: u64, count: u32) -> Result<Vec<u8>, types::Error> {
        Ok(with(|supervisor| supervisor.read_component(&component, offset, count))?)
    }
}

/// Dropping it gives up what is not finished.
pub(super) struct UploadHandle {
    id: u64,
}

impl GuestUpload for UploadHandle {
    fn begin(file: String, size: u64) -> Result<Upload, types::Error> {
        let id = with(|supervisor| supervisor.upload_begin(&file, size))?;
        Ok(Upload::new(Self { id }))
    }

    fn append(&self, data: Vec<u8>) -> Result<(), types::Error> {
        Ok(with(|supervisor| supervisor.upload_append(self.id, &data))?)
    }

    fn finish(&self) -> Result<String, types::Error> {
        Ok(with(|supervisor| supervisor.upload_finish(self.id))?)
    }
}

impl Drop for UploadHandle {
    fn drop(&mut self) {
        with(|supervisor| supervisor.upload_drop(self.id));
    }
}
