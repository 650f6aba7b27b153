//! What a transaction hears and what it asks for.

use std::fmt;

use crate::{kernel, report};

/// Where a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The new versions load, link and instantiate; the old ones serve.
    Prepare,
    /// The old versions finish what they have taken and give up their state; calls are held.
    Quiesce,
    /// The new versions take the state over.
    Transfer,
    /// The kernel gives the endpoints to the new versions.
    Commit,
    /// The new versions serve, the old ones are kept frozen.
    Probation,
    /// The new versions serve, the old ones are gone. Also the end of a mere check.
    Done,
    /// The old versions serve, the new ones are gone.
    RolledBack,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "prepare",
            Self::Quiesce => "quiesce",
            Self::Transfer => "transfer",
            Self::Commit => "commit",
            Self::Probation => "probation",
            Self::Done => "done",
            Self::RolledBack => "rolled back",
        })
    }
}

/// Which of the two domains of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The one that served before the transaction.
    Old,
    /// The one that is to serve after it.
    New,
}

/// What happened. A member is one server of the transaction, by its place in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The new version is ready to take over, and what clients of the old one would miss, if
    /// anything.
    Prepared(usize, Option<String>),
    /// The old version is frozen and has given up so many bytes of state.
    Quiesced(usize, u64),
    /// The old version could not give up its state, and why.
    SaveFailed(usize, String),
    /// The new version has the state and is ready to serve.
    TookOver(usize),
    /// The kernel has given the endpoints to the new versions.
    Committed,
    /// A domain is no more, and how it ended.
    Ended(usize, Side, String),
    /// The timer of that phase has run out.
    Deadline(Phase),
    /// The serving version does not work, and why.
    Unhealthy(usize, String),
    /// The operator does not want the swap any more.
    Cancelled,
    /// The kernel did not do what was asked, and why.
    Refused(Action, String),
}

impl Event {
    /// What the state of a member's domain means for its transaction; `None` if nothing.
    #[must_use]
    pub fn of(member: usize, side: Side, phase: &kernel::Phase) -> Option<Self> {
        Some(match (side, phase) {
            (side, kernel::Phase::Ended(end)) => Self::Ended(member, side, report::end(end)),
            (Side::New, kernel::Phase::Prepared(missing)) => {
                Self::Prepared(member, missing.clone())
            }
            (Side::New, kernel::Phase::TookOver) => Self::TookOver(member),
            (Side::Old, kernel::Phase::Frozen(saved)) => Self::Quiesced(member, *saved),
            (Side::Old, kernel::Phase::Unsaved(why)) => Self::SaveFailed(member, why.clone()),
            _ => return None,
        })
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Make the new version of a member and let it load.
    Prepare(usize),
    /// Ask the old version of a member for its state; calls to it are held from now on.
    Quiesce(usize),
    /// Let the new version of a member take over the state.
    TakeOver(usize),
    /// Give the endpoints of all members to the new versions. Answered by [`Event::Committed`].
    Commit,
    /// End the old version of a member. After `Commit` this makes the swap final.
    KillOld(usize),
    /// End the new version of a member.
    KillNew(usize),
    /// Let the old version of a member go on.
    Thaw(usize),
    /// Give the endpoints of all members back to the old versions and let these go on.
    Revert,
    /// Set the timer of a phase to so many nanoseconds from now, in place of the one before.
    Arm(Phase, u64),
    /// A phase is over; it took so many nanoseconds.
    Passed(Phase, u64),
    /// The transaction is over. The last action of each.
    Finish(Outcome),
}

/// What a transaction came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The new versions serve.
    New,
    /// The new versions could have taken over: all that was asked.
    Checked,
    /// The old versions serve, and why.
    Old(Failure),
}

/// Why a transaction was rolled back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    /// The phase in which it failed.
    pub phase: Phase,
    /// The member that failed, if it was one.
    pub member: Option<usize>,
    /// What happened.
    pub reason: Reason,
}

/// What made a transaction fail.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The phase took too long.
    Deadline,
    /// The kernel refused an action.
    Refused(String),
    /// Somebody who is not swapped would miss something in the new version.
    Misfit {
        /// Who.
        client: String,
        /// What.
        missing: String,
    },
    /// The old version could not save.
    SaveFailed(String),
    /// The old or the new version ended.
    Ended(Side, String),
    /// The new version does not work.
    Unhealthy(String),
    /// The operator.
    Cancelled,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline => f.write_str("the deadline passed"),
            Self::Refused(why) => f.write_str(why),
            Self::Misfit { client, missing } => write!(
                f,
                "the new version does not fit `{client}`, which is not swapped with it: {missing}"
            ),
            Self::SaveFailed(why) => write!(f, "the old version cannot save: {why}"),
            Self::Ended(Side::Old, how) => write!(f, "the old version {how}"),
            Self::Ended(Side::New, how) => write!(f, "the new version {how}"),
            Self::Unhealthy(why) => write!(f, "the new version does not work: {why}"),
            Self::Cancelled => f.write_str("it was cancelled"),
        }
    }
}
