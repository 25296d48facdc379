//! From entries to roll-ups: what a batch adds to which series in which hour.

use std::collections::HashMap;

use ledger::{Entry, Posting};

use super::{Counts, Series, SeriesId, hour_of};
use crate::StoreError;
use crate::row::damaged;

/// One entry as reports see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The UTC hour it was settled in.
    pub hour: i64,
    /// What it is told apart by.
    pub series: Series,
    /// What it counts.
    pub counts: Counts,
}

impl Fact {
    /// An entry's, by its posting.
    pub fn of(posting: &Posting) -> Self {
        Self {
            hour: hour_of(posting.finished),
            series: Series::of(posting),
            counts: Counts::of(posting),
        }
    }

    /// An entry's, by its canonical bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        let entry = Entry::from_bytes(bytes).map_err(|error| damaged("an entry", error))?;
        Ok(Self::of(&Posting::of(&entry)))
    }
}

/// What is to be added to one roll-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rolled {
    /// The UTC hour.
    pub hour: i64,
    /// Names the series.
    pub series: SeriesId,
    /// The series as it is kept.
    pub said: String,
    /// What is added.
    pub counts: Counts,
}

impl Rolled {
    /// The series' name, hex.
    pub fn name(&self) -> String {
        hex::encode(self.series)
    }
}

/// What facts add, each roll-up once, in order.
pub fn rolled(facts: impl IntoIterator<Item = Fact>) -> Vec<Rolled> {
    // Naming a series costs a digest, and of a batch most are alike.
    let mut alike: HashMap<(i64, Series), Counts> = HashMap::new();
    for fact in facts {
        let counts = alike.entry((fact.hour, fact.series)).or_default();
        *counts = counts.plus(&fact.counts);
    }
    let named = alike.into_iter().map(|((hour, series), counts)| {
        let (series, said) = series.said();
        Rolled {
            hour,
            series,
            said,
            counts,
        }
    });
    let mut all: Vec<_> = named.collect();
    all.sort_unstable_by_key(|one| (one.hour, one.series));
    all
}
