//! Classes of demand (Syntetos, Boylan and Croston 2005).

/// How demand comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Often and even.
    Smooth,
    /// Seldom and even.
    Intermittent,
    /// Often and uneven.
    Erratic,
    /// Seldom and uneven.
    Lumpy,
}

impl Class {
    const ALL: [Self; 4] = [Self::Smooth, Self::Intermittent, Self::Erratic, Self::Lumpy];

    /// The stored code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Smooth => "smooth",
            Self::Intermittent => "intermittent",
            Self::Erratic => "erratic",
            Self::Lumpy => "lumpy",
        }
    }

    /// Reads the stored code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.code() == code)
    }
}
