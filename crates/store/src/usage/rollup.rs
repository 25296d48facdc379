//! From entries to roll-ups: what a batch adds to which series in which hour.

use std::collections::BTreeMap;

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
    let mut all: BTreeMap<(i64, SeriesId), (String, Counts)> = BTreeMap::new();
    for fact in facts {
        let (id, said) = fact.series.said();
        let (_, counts) = all
            .entry((fact.hour, id))
            .or_insert_with(|| (said, Counts::default()));
        *counts = counts.plus(&fact.counts);
    }
    let one = |((hour, series), (said, counts))| Rolled {
        hour,
        series,
        said,
        counts,
    };
    all.into_iter().map(one).collect()
}
