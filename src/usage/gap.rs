//! Why what a run has used may be more than what is told.

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// A turn is under way, or was cut off before it was reported.
    TurnNotReported,
    /// A part of the output could not be read.
    OutputUnread,
    /// A turn's report says less than its answers had told.
    ReportTooSmall,
    /// The CLI tells the total of a session, and nobody knows what that was before.
    EarlierTotalUnknown,
    /// The total of a session cannot be true beside what was known of it: its file was changed.
    TotalUnbelievable,
    /// The reports leave out a review: of code, or of what needed an approval.
    Review,
    /// The reports leave out other agents that worked for this one.
    Subagents,
    /// They may do so: nobody can tell whether there were any.
    SubagentsUnknown,
    /// The reports leave out the requests that sum a long session up.
    Compaction,
}

impl Gap {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::TurnNotReported,
        Self::OutputUnread,
        Self::ReportTooSmall,
        Self::EarlierTotalUnknown,
        Self::TotalUnbelievable,
        Self::Review,
        Self::Subagents,
        Self::SubagentsUnknown,
        Self::Compaction,
    ];

    /// As JavaScript sees it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TurnNotReported => "turn-not-reported",
            Self::OutputUnread => "output-unread",
            Self::ReportTooSmall => "report-too-small",
            Self::EarlierTotalUnknown => "earlier-total-unknown",
            Self::TotalUnbelievable => "total-unbelievable",
            Self::Review => "review",
            Self::Subagents => "subagents",
            Self::SubagentsUnknown => "subagents-unknown",
            Self::Compaction => "compaction",
        }
    }
}

/// Several reasons, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps(u16);

impl Gaps {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(self, gap: Gap) -> bool {
        self.0 & (1 << gap as u16) != 0
    }

    /// Adds one.
    pub fn insert(&mut self, gap: Gap) {
        self.0 |= 1 << gap as u16;
    }

    /// One after another.
    pub fn iter(self) -> impl Iterator<Item = Gap> {
        Gap::ALL.iter().copied().filter(move |gap| self.has(*gap))
    }
}

impl FromIterator<Gap> for Gaps {
    fn from_iter<I: IntoIterator<Item = Gap>>(reasons: I) -> Self {
        let mut gaps = Self::default();
        reasons.into_iter().for_each(|gap| gaps.insert(gap));
        gaps
    }
}
