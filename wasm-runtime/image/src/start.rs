//! The start record, taken out of the receive area before anything overwrites it.

use crate::gate::Gate;
use alloc::string::String;
use alloc::vec::Vec;
use atoll_gate::message::ReceiveSlot;
use atoll_gate::start::{GrantKind, NO_SLOT, Options, RuntimeLimits, StartReader};
use atoll_runtime::link::name::compatible;
use atoll_signature::PublicKey;

/// One grant with the handle it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// How it is meant.
    pub kind: GrantKind,
    /// Interface, with or without version.
    pub interface: String,
    /// Tells grants of one interface apart.
    pub label: String,
    /// The kernel handle, if there is one. Several grants may share it.
    pub handle: Option<u32>,
}

/// Who this domain is and what it may.
#[derive(Debug)]
pub struct Start {
    /// The server's name.
    pub name: String,
    /// Its bounds.
    pub limits: RuntimeLimits,
    /// How its runtime behaves.
    pub options: Options,
    /// Who can have signed the component: the name of each key, and the key. None if nobody must.
    pub signers: Vec<(String, PublicKey)>,
    /// Program arguments, the name first.
    pub arguments: Vec<String>,
    /// Program environment.
    pub environment: Vec<(String, String)>,
    /// Its authority.
    pub grants: Vec<Grant>,
    /// Whether it prepares itself to take over from another domain.
    pub standby: bool,
}

impl Start {
    /// Reads the record that the kernel delivered; `None` if it is malformed.
    pub fn take<G: Gate>(gate: &G) -> Option<Self> {
        let header = gate.header();
        let bytes = gate.receive_payload().get(..header.payload_len as usize)?;
        let record = StartReader::read(bytes)?;
        let mut grants = Vec::new();
        for grant in record.grants() {
            let handle = match grant.slot {
                NO_SLOT => None,
                slot if slot < header.slot_count => {
                    let slot = gate.slot(slot as usize);
                    (ReceiveSlot::from_raw(slot.kind) == Some(ReceiveSlot::Handle))
                        .then_some(slot.handle)
                }
                _ => return None,
            };
            let (interface, label) = (grant.interface.into(), grant.label.into());
            grants.push(Grant { kind: grant.kind, interface, label, handle });
        }
        Some(Self {
            name: record.name.into(),
            limits: record.limits,
            options: record.options,
            signers: record
                .signers()
                .map(|signer| (signer.name.into(), PublicKey(signer.key)))
                .collect(),
            arguments: record.arguments().map(String::from).collect(),
            environment: record
                .environment()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            grants,
            standby: header.method == 1,
        })
    }

    /// What of it decides how a component is instantiated and is different in another record;
    /// arguments and environment do not.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.name != other.name {
            Some("names")
        } else if self.limits != other.limits {
            Some("limits")
        } else if self.options != other.options {
            Some("options")
        } else if self.signers != other.signers {
            Some("signers")
        } else if self.grants != other.grants {
            Some("grants")
        } else {
            None
        }
    }

    /// The grant of a kind for an interface, in a compatible version.
    pub fn grant(&self, kind: GrantKind, interface: &str) -> Option<&Grant> {
        self.grants
            .iter()
            .find(|grant| grant.kind == kind && compatible(interface, &grant.interface))
    }

    /// The grant of an endpoint for an interface, and whether calls trap when their server ends.
    pub fn endpoint(&self, interface: &str) -> Option<(&Grant, bool)> {
        let plain = || Some((self.grant(GrantKind::Endpoint, interface)?, false));
        let trapping = || Some((self.grant(GrantKind::EndpointOrTrap, interface)?, true));
        plain().or_else(trapping)
    }

    /// The handle of the kernel grant for an interface under a label.
    pub fn labelled(&self, interface: &str, label: &str) -> Option<u32> {
        let mut grants = self.grants.iter();
        let found = grants.find(|grant| {
            grant.kind == GrantKind::Kernel
                && compatible(interface, &grant.interface)
                && grant.label == label
        });
        found.and_then(|grant| grant.handle)
    }

    /// The pipe granted as a standard stream.
    pub fn stream(&self, label: &str) -> Option<u32> {
        let mut grants = self.grants.iter();
        grants
            .find(|grant| grant.kind == GrantKind::Stream && grant.label == label)
            .and_then(|grant| grant.handle)
    }
}
