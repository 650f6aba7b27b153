//! When an interrupt line fires too often: the decision, without the hardware.

/// Interrupts of one line between two acknowledgements after which it is silenced. An
/// edge-triggered line that its owner neglects reaches it; a level-triggered one is masked after
/// the first.
const LIMIT: u32 = 10_000;

/// What one line did since its owner last acknowledged it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meter {
    raised: u32,
}

/// What to do with an interrupt that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Tell the owner.
    Deliver,
    /// Silence the line and say so.
    Silence,
    /// The line was silenced already: say nothing.
    Ignore,
}

impl Meter {
    /// Counts an interrupt.
    pub(super) fn raise(&mut self) -> Verdict {
        self.raised = self.raised.saturating_add(1);
        match self.raised {
            0..LIMIT => Verdict::Deliver,
            LIMIT => Verdict::Silence,
            _ => Verdict::Ignore,
        }
    }

    /// The owner acknowledged; tells whether the line had been silenced.
    pub(super) fn acknowledge(&mut self) -> bool {
        let silenced = self.raised >= LIMIT;
        self.raised = 0;
        silenced
    }
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, Meter, Verdict};

    #[test]
    fn a_neglected_line_is_silenced_once_and_comes_back() {
        let mut meter = Meter::default();
        for _ in 1..LIMIT {
            assert_eq!(meter.raise(), Verdict::Deliver);
        }
        assert_eq!(meter.raise(), Verdict::Silence);
        assert_eq!(meter.raise(), Verdict::Ignore);
        assert!(meter.acknowledge());
        assert_eq!(meter.raise(), Verdict::Deliver);
        assert!(!meter.acknowledge());
    }
}
