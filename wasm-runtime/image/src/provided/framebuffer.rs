//! `atoll:device/framebuffer`: the window of the grant, and its shape, which stands in the label.

use super::Outcome;
use super::devices::code;
use crate::Place;
use crate::gate::Gate;
use crate::generated::atoll_device_framebuffer;
use crate::objects::{Hold, Object};
use alloc::format;
use alloc::string::String;
use atoll_gate::start::GrantKind;

/// Shape of a screen of 32-bit pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Pixels in a row.
    pub(super) width: u32,
    /// Rows.
    pub(super) height: u32,
    /// Bytes from one row to the next.
    pub(super) pitch: u32,
}

impl Geometry {
    /// As a grant's label.
    pub(super) fn label(self) -> String {
        format!("{}x{}/{}", self.width, self.height, self.pitch)
    }

    /// Reads a grant's label.
    pub(super) fn parse(label: &str) -> Option<Self> {
        let (width, rest) = label.split_once('x')?;
        let (height, pitch) = rest.split_once('/')?;
        Some(Self {
            width: width.parse().ok()?,
            height: height.parse().ok()?,
            pitch: pitch.parse().ok()?,
        })
    }
}

pub(super) fn call<G: Gate>(
    place: &mut Place<G>,
    function: atoll_device_framebuffer::Function,
) -> Outcome {
    let atoll_device_framebuffer::Function::Open = function;
    let grant = place.start.grant(GrantKind::Kernel, "atoll:device/framebuffer");
    let found = grant.and_then(|grant| Some((Geometry::parse(&grant.label)?, grant.handle?)));
    let Some((geometry, handle)) = found else {
        place.answer.case(1);
        place.answer.case(code::NOT_PRESENT);
        return Ok(());
    };
    match place.gate.map_window(handle) {
        Ok(window) => {
            place.answer.put(|out| {
                out.u32(0);
                out.u32(geometry.width);
                out.u32(geometry.height);
                out.u32(geometry.pitch);
            });
            place.give_held(Object::Window(window), Hold::Granted);
        }
        Err(_) => {
            place.answer.case(1);
            place.answer.case(code::OUT_OF_RESOURCES);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Geometry;

    #[test]
    fn a_label_is_read_as_it_was_written() {
        let geometry = Geometry { width: 1024, height: 768, pitch: 4096 };
        assert_eq!(Geometry::parse(&geometry.label()), Some(geometry));
        for bad in ["", "1024x768", "1024/4096x768", "axb/c", "1x2/99999999999"] {
            assert_eq!(Geometry::parse(bad), None, "{bad}");
        }
    }
}
