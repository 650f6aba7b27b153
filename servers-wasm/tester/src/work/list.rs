//! A singly linked list: looked through, turned round and sorted by merging.

use super::crc;

/// Nodes of the list.
const NODES: u16 = 200;
/// The link of the last node.
const END: u16 = u16::MAX;

#[derive(Clone, Copy)]
struct Node {
    key: u16,
    place: u16,
    next: u16,
}

/// The list; links are indices, as safe code has them.
pub(super) struct List {
    nodes: Vec<Node>,
    head: u16,
}

/// Which field orders a list.
#[derive(Clone, Copy)]
enum Order {
    Key,
    Place,
}

impl List {
    pub(super) fn new() -> Self {
        let node = |place: u16| Node {
            key: place.wrapping_mul(0x6c07) ^ 0x55,
            place,
            next: if place + 1 < NODES { place + 1 } else { END },
        };
        Self { nodes: (0..NODES).map(node).collect(), head: 0 }
    }

    /// Finds some keys, turns the list, sorts it by keys and back by places.
    pub(super) fn round(&mut self, seed: u16) -> u16 {
        let mut crc = seed;
        for step in 0..8_u16 {
            let wanted = seed.wrapping_add(step.wrapping_mul(29)) & 0xff;
            crc = crc::add(crc, self.distance(wanted));
            self.turn();
        }
        if let Some(node) = self.nodes.get_mut(usize::from(seed % NODES)) {
            node.key ^= crc;
        }
        self.sort(Order::Key);
        crc = self.sum(crc);
        self.sort(Order::Place);
        self.sum(crc)
    }

    fn node(&self, index: u16) -> Option<Node> {
        self.nodes.get(usize::from(index)).copied()
    }

    fn link(&mut self, from: u16, to: u16) {
        match self.nodes.get_mut(usize::from(from)) {
            Some(node) => node.next = to,
            None => self.head = to,
        }
    }

    /// How far from the head the first node is whose key has these low bits; the length if none.
    fn distance(&self, low: u16) -> u16 {
        let (mut at, mut distance) = (self.head, 0);
        while let Some(node) = self.node(at) {
            if node.key & 0xff == low {
                break;
            }
            at = node.next;
            distance += 1;
        }
        distance
    }

    fn turn(&mut self) {
        let (mut at, mut before) = (self.head, END);
        while let Some(node) = self.node(at) {
            self.link(at, before);
            before = at;
            at = node.next;
        }
        self.head = before;
    }

    /// Merge sort from the bottom up: runs of 1, 2, 4 ... nodes.
    fn sort(&mut self, order: Order) {
        let mut run = 1;
        while run < NODES {
            let (mut rest, mut tail) = (self.head, END);
            self.head = END;
            while rest != END {
                let left = rest;
                let right = self.split(left, run);
                rest = self.split(right, run);
                tail = self.merge(tail, left, right, order);
            }
            run *= 2;
        }
    }

    /// Ends the list that begins at `from` after `len` nodes; what follows them.
    fn split(&mut self, from: u16, len: u16) -> u16 {
        let mut at = from;
        for _ in 1..len {
            match self.node(at) {
                Some(node) => at = node.next,
                None => return END,
            }
        }
        let Some(last) = self.node(at) else { return END };
        self.link(at, END);
        last.next
    }

    /// Merges two sorted lists behind `tail`; their last node.
    fn merge(&mut self, mut tail: u16, mut left: u16, mut right: u16, order: Order) -> u16 {
        loop {
            let takes_left = match (self.node(left), self.node(right)) {
                (None, None) => return tail,
                (Some(left), Some(right)) => rank(left, order) <= rank(right, order),
                (left, _) => left.is_some(),
            };
            let taken = if takes_left { &mut left } else { &mut right };
            let index = *taken;
            *taken = self.node(index).map_or(END, |node| node.next);
            self.link(tail, index);
            self.link(index, END);
            tail = index;
        }
    }

    fn sum(&self, mut crc: u16) -> u16 {
        let mut at = self.head;
        while let Some(node) = self.node(at) {
            crc = crc::add(crc, node.key ^ node.place);
            at = node.next;
        }
        crc
    }
}

fn rank(node: Node, order: Order) -> u16 {
    match order {
        Order::Key => node.key,
        Order::Place => node.place,
    }
}

#[cfg(test)]
mod tests {
    use super::{List, NODES, Order};

    fn collect(list: &List, field: fn(super::Node) -> u16) -> Vec<u16> {
        let mut at = list.head;
        std::iter::from_fn(|| {
            let node = list.node(at)?;
            at = node.next;
            Some(field(node))
        })
        .collect()
    }

    #[test]
    fn lists_are_sorted_and_turned() {
        let mut list = List::new();
        let mut keys = collect(&list, |node| node.key);
        keys.sort_unstable();
        list.sort(Order::Key);
        assert_eq!(collect(&list, |node| node.key), keys);
        list.turn();
        keys.reverse();
        assert_eq!(collect(&list, |node| node.key), keys);
        list.sort(Order::Place);
        assert!(collect(&list, |node| node.place).into_iter().eq(0..NODES));
    }
}
