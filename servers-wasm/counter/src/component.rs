//! The component: `atoll:samples/counter` on the server's capsule.

atoll_sdk::bindings!("atoll:servers/counter" in "../../wit");

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

bindings::export!(Component);
