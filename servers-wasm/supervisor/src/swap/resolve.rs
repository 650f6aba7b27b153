//! What becomes of a swap whose supervisor ended in the middle of it.
//!
//! The next supervisor finds the domains as the kernel has them. Commit and revert of the kernel
//! are one step each, and only the end of an old domain makes a swap final, so the domains say all
//! that there is to know: if one has ended and its successor serves, the swap had succeeded, and it
//! is finished; from anywhere else there is a way back, and that is taken.

use crate::kernel::Part;

/// The two domains of a member, each if it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remains {
    /// The one that served before.
    pub old: Option<Part>,
    /// The one that was to serve after.
    pub new: Option<Part>,
}

/// Which versions are to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The new ones; what is left of the old ones ends.
    New,
    /// The old ones; what is left of the new ones ends.
    Old,
}

/// Judges a swap by what is left of it.
#[must_use]
pub fn verdict(members: &[Remains]) -> Verdict {
    let was_final = |member: &Remains| member.old.is_none() && member.new == Some(Part::Serves);
    if members.iter().any(was_final) { Verdict::New } else { Verdict::Old }
}

/// How an old domain comes to serve again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It serves.
    Here,
    /// It is thawed.
    Thaw,
    /// Its successor is taken back from, with those of all other members.
    Revert,
}

/// The way back of an old domain that lives.
#[must_use]
pub const fn way_back(old: Part) -> Way {
    match old {
        Part::Replaced => Way::Revert,
        Part::Resting => Way::Thaw,
        Part::Serves | Part::Standby | Part::Probation | Part::Reverted => Way::Here,
    }
}

#[cfg(test)]
mod tests {
    use super::{Remains, Verdict, Way, verdict, way_back};
    use crate::kernel::Part;

    #[test]
    fn only_what_is_final_stays() {
        let at = |old, new| Remains { old, new };
        let (serves, replaced) = (Some(Part::Serves), Some(Part::Replaced));
        let (resting, standby) = (Some(Part::Resting), Some(Part::Standby));
        let probation = Some(Part::Probation);
        for (members, expected) in [
            (vec![at(serves, standby)], Verdict::Old),
            (vec![at(resting, standby), at(serves, None)], Verdict::Old),
            (vec![at(replaced, probation), at(replaced, probation)], Verdict::Old),
            (vec![at(resting, None), at(replaced, probation)], Verdict::Old),
            (vec![at(None, serves), at(replaced, probation)], Verdict::New),
            (vec![at(None, serves), at(None, None)], Verdict::New),
            // It crashed before the commit: its restart is the way back.
            (vec![at(None, standby)], Verdict::Old),
            (vec![at(None, None)], Verdict::Old),
        ] {
            assert_eq!(verdict(&members), expected, "{members:?}");
        }
        assert_eq!(way_back(Part::Replaced), Way::Revert);
        assert_eq!(way_back(Part::Resting), Way::Thaw);
        assert_eq!(way_back(Part::Serves), Way::Here);
    }
}
