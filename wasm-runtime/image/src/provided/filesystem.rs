//! `wasi:filesystem`: a file system without directories, for components that import one by habit.
//!
//! Nobody is given a directory, so there is no descriptor and no way to one: nothing that the
//! interface names can be reached, and what a component opens does not exist. Files that a server
//! may reach are the server's `files`, under the same interfaces.

use super::Outcome;
use crate::Place;
use crate::gate::Gate;
use crate::generated::{wasi_filesystem_preopens, wasi_filesystem_types};

/// Case `none` of an option.
const NONE: u32 = 0;

pub(super) fn preopens<G: Gate>(
    place: &mut Place<G>,
    function: wasi_filesystem_preopens::Function,
) -> Outcome {
    let wasi_filesystem_preopens::Function::GetDirectories = function;
    place.answer.put(|out| out.u32(0));
    Ok(())
}

pub(super) fn types<G: Gate>(
    place: &mut Place<G>,
    function: wasi_filesystem_types::Function,
) -> Outcome {
    match function {
        // No error of a stream comes from a file.
        wasi_filesystem_types::Function::FilesystemErrorCode => {
            place.method(|_| Ok(()))?;
            place.answer.case(NONE);
            Ok(())
        }
        // All others are methods of a descriptor or of what a descriptor gives.
        _ => Err("there are no files".into()),
    }
}
