//! The component: `atoll:samples/counter` on the server's capsule.

#[allow(missing_docs, unreachable_pub, reason = "generated")]
#[allow(clippy::all, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "atoll:servers/counter",
        generate_all,
    });
}

use atoll_allocator as _;
use bindings::{
    atoll::lifecycle::capsule,
    exports::atoll::samples::counter::{Error, Guest},
};

use crate::Count;

struct Component;

impl Guest for Component {
    fn count(client: u32, request: u64) -> Result<u64, Error> {
        let before = Count::read(capsule::read(client).as_deref());
        let Some(after) = before.after(request) else { return Ok(before.count()) };
        capsule::write(client, &after.record()).map_err(|_| Error::Full)?;
        Ok(after.count())
    }
}

bindings::export!(Component with_types_in bindings);
