//! Messages that no runtime would send, to an endpoint that the sender may call.
//!
//! Every method number from 0 to past the last one is called with every payload and every set of
//! slots. None of the messages is right for any method: the payloads that come without slots never
//! end where the last parameter does, and no method takes such slots.

/// Method numbers that are tried: more than the interface has.
pub const METHODS: u64 = 24;

/// A handle slot as the sender writes it: kind, handle, object, detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Kind of passing: 1 to 5 have a meaning.
    pub kind: u32,
    /// A handle of the sender.
    pub handle: u32,
    /// An object id.
    pub object: u32,
    /// Rights or a tag.
    pub detail: u32,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgery {
    /// Method number.
    pub method: u64,
    /// The values.
    pub payload: Vec<u8>,
    /// The handles.
    pub slots: Vec<Slot>,
}

/// All messages; `endpoint` is a handle that the sender has.
pub fn all(endpoint: u32) -> impl Iterator<Item = Forgery> {
    (0..METHODS).flat_map(move |method| {
        let plain = payloads().into_iter().map(move |payload| Forgery {
            method,
            payload,
            slots: Vec::new(),
        });
        let with_slots = slot_sets(endpoint).into_iter().map(move |slots| Forgery {
            method,
            payload: vec![0; 4],
            slots,
        });
        plain.chain(with_slots)
    })
}

/// Payloads: too short, too long, counts that lie, text that is none, cases that do not exist.
fn payloads() -> Vec<Vec<u8>> {
    let count = |count: u32, rest: &[u8]| [&count.to_le_bytes(), rest].concat();
    let mut noise = crate::Noise::new(0x000a_7011);
    vec![
        // Half a number.
        vec![1],
        // Far too much for fixed parameters, and a count beyond the message for lists.
        vec![0xff; 64],
        // More elements than there are bytes.
        count(u32::MAX, &[]),
        count(0x8000_0000, b"abc"),
        count(5, b"abcd"),
        // No UTF-8: a stray continuation, an overlong form, a surrogate; then a byte too many.
        count(1, &[0x80, 0]),
        count(2, &[0xc0, 0x80, 0]),
        count(3, &[0xed, 0xa0, 0x80, 0]),
        // A case that no variant has.
        count(0x7fff_ffff, &[0; 12]),
        // A list of lists, each of which claims the rest of the address space.
        [1, 1, 0xffff_fff0, 0xffff_fff0_u32].iter().flat_map(|n| n.to_le_bytes()).collect(),
        (0..253).map(|_| noise.next_number() as u8).collect(),
    ]
}

/// Sets of slots: kinds that do not exist, handles that are not there, handles of the wrong kind,
/// objects that the sender does not serve, and more than any method takes.
fn slot_sets(endpoint: u32) -> Vec<Vec<Slot>> {
    let slot = |kind, handle, object, detail| Slot { kind, handle, object, detail };
    vec![
        vec![slot(0, 0, 0, 0)],
        vec![slot(99, endpoint, 1, 0)],
        vec![slot(1, 0xdead_beef, 1, 0)],
        vec![slot(2, endpoint, 1, 0)],
        vec![slot(3, endpoint, 1, 0)],
        vec![slot(4, endpoint, 0, u32::MAX)],
        vec![slot(5, endpoint, 1, 0)],
        vec![slot(2, endpoint, 0, 0), slot(2, endpoint, 0, 0)],
        vec![slot(2, endpoint, 0, 0); 64],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_is_empty_or_too_large() {
        let messages: Vec<Forgery> = all(1).collect();
        assert_eq!(messages.len(), METHODS as usize * 20);
        for message in messages {
            assert!(!message.payload.is_empty() && message.payload.len() < 1024);
            assert!(message.slots.len() <= 64);
        }
    }

    #[test]
    fn the_own_endpoint_is_never_given_away() {
        let moves = |slot: &Slot| slot.kind == 1 && slot.handle == 7;
        assert!(!all(7).any(|message| message.slots.iter().any(moves)));
    }
}
