//! Arbitrary bytes as a component.

use crate::{choices::Choices, load};

/// The input is the component. Its last bytes, which are a part of it, also decide what the host
/// answers.
pub(crate) fn run(input: &[u8]) {
    let tail = input.len().saturating_sub(64);
    load::all(input, &mut Choices::new(&input[tail..]));
}
