//! What can be asked: over which dimensions, of which calls, how finely cut in time.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use domain::UnixMillis;
use jiff::tz::TimeZone;
use ledger::is_label_name;

use super::{Grain, HOUR_MS, hour_of};

/// What calls are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The key's team.
    Team,
    /// The key's project.
    Project,
    /// The key.
    Key,
    /// Whose the key is.
    Owner,
    /// The model the caller named.
    Model,
    /// Who served it.
    Provider,
    /// `provider/upstream-model` that served it.
    Target,
    /// Where the provider is, by today's configuration.
    Region,
    /// A tag of the key. A call of a key with several counts under each of them.
    Tag,
    /// The value of the label of this name.
    Label(String),
    /// What was asked.
    Operation,
    /// How it ended.
    Outcome,
    /// Whether the gate's own cache answered.
    Cached,
    /// The price list the cost was reckoned by.
    PriceVersion,
}

/// A word that names no dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "one of `team`, `project`, `key`, `owner`, `model`, `provider`, `target`, `region`, `tag`, `label:NAME`, \
     `operation`, `outcome`, `cached`, `price_version`"
)]
pub struct NotDimension;

impl Dimension {
    /// All but labels, of which there is one for every name.
    pub const ALL: [Self; 13] = [
        Self::Team,
        Self::Project,
        Self::Key,
        Self::Owner,
        Self::Model,
        Self::Provider,
        Self::Target,
        Self::Region,
        Self::Tag,
        Self::Operation,
        Self::Outcome,
        Self::Cached,
        Self::PriceVersion,
    ];

    const fn word(&self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Project => "project",
            Self::Key => "key",
            Self::Owner => "owner",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Target => "target",
            Self::Region => "region",
            Self::Tag => "tag",
            Self::Label(_) => "label",
            Self::Operation => "operation",
            Self::Outcome => "outcome",
            Self::Cached => "cached",
            Self::PriceVersion => "price_version",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(name) => write!(f, "label:{name}"),
            other => f.write_str(other.word()),
        }
    }
}

impl FromStr for Dimension {
    type Err = NotDimension;

    fn from_str(text: &str) -> Result<Self, NotDimension> {
        if let Some(name) = text.strip_prefix("label:") {
            let is_name = is_label_name(name);
            return is_name.then(|| Self::Label(name.to_owned())).ok_or(NotDimension);
        }
        let mut all = Self::ALL.into_iter();
        all.find(|dimension| dimension.word() == text).ok_or(NotDimension)
    }
}

/// Calls that have one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Of what.
    pub dimension: Dimension,
    /// Any of these.
    pub any_of: Vec<String>,
}

/// Which groups come first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The largest cost.
    #[default]
    Cost,
    /// The most calls.
    Requests,
    /// The most tokens.
    Tokens,
    /// Names, as they sort.
    Name,
}

/// What usage to sum up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageQuery {
    /// Finished at or after.
    pub from: UnixMillis,
    /// Finished before.
    pub until: UnixMillis,
    /// One group for each combination of values of these; all calls are one group where it is empty.
    pub by: Vec<Dimension>,
    /// One row for each group and each of these.
    pub grain: Option<Grain>,
    /// Where days begin.
    pub zone: TimeZone,
    /// All of these must hold.
    pub filters: Vec<Filter>,
    /// Which groups come first.
    pub order: Order,
    /// How many groups are told apart; the others are the rest.
    pub top: usize,
    /// The region of each provider.
    pub regions: BTreeMap<String, String>,
}

impl UsageQuery {
    /// All usage of a time, as one group.
    pub const fn over(from: UnixMillis, until: UnixMillis) -> Self {
        Self {
            from,
            until,
            by: Vec::new(),
            grain: None,
            zone: TimeZone::UTC,
            filters: Vec::new(),
            order: Order::Cost,
            top: usize::MAX,
            regions: BTreeMap::new(),
        }
    }

    /// The same by these dimensions.
    #[must_use]
    pub fn by(mut self, dimensions: impl IntoIterator<Item = Dimension>) -> Self {
        self.by = dimensions.into_iter().collect();
        self
    }

    /// The same of those calls only that have one of these values.
    #[must_use]
    pub fn only(mut self, dimension: Dimension, any_of: impl IntoIterator<Item = String>) -> Self {
        let any_of = any_of.into_iter().collect();
        self.filters.push(Filter { dimension, any_of });
        self
    }

    /// The same, cut in time.
    #[must_use]
    pub const fn each(mut self, grain: Grain) -> Self {
        self.grain = Some(grain);
        self
    }

    /// How many hours an engine may sum up before it hands them on, counted from 1970.
    pub fn hours_together(&self) -> i64 {
        match self.grain {
            None => i64::MAX,
            Some(Grain::Hour) => 1,
            Some(_) if self.zone == TimeZone::UTC => 24,
            Some(_) => 1,
        }
    }

    /// What of the time is whole hours, and what is cut off at either end.
    pub fn cut(&self) -> Cut {
        let whole = |at: UnixMillis| at.0.rem_euclid(HOUR_MS) == 0;
        let first = hour_of(self.from).saturating_add(i64::from(!whole(self.from)));
        let last = hour_of(self.until);
        if first > last {
            return Cut {
                hours: (0, 0),
                edges: [(self.from, self.until), (self.until, self.until)],
            };
        }
        let at = |hour: i64| UnixMillis(hour.saturating_mul(HOUR_MS));
        Cut {
            hours: (first, last),
            edges: [(self.from, at(first)), (at(last), self.until)],
        }
    }
}

/// A time in whole hours and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Hours from the first up to before the second.
    pub hours: (i64, i64),
    /// From the first up to before the second, each within one hour.
    pub edges: [(UnixMillis, UnixMillis); 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_read_as_they_are_written() {
        for dimension in Dimension::ALL
            .into_iter()
            .chain([Dimension::Label("outcome".to_owned())])
        {
            assert_eq!(dimension.to_string().parse(), Ok(dimension));
        }
        for bad in ["", "label", "label:", "label:A b", "Team", "day"] {
            assert_eq!(bad.parse::<Dimension>(), Err(NotDimension), "{bad}");
        }
    }

    #[test]
    fn a_time_is_cut_into_whole_hours_and_two_edges() {
        let cut = |from, until| UsageQuery::over(UnixMillis(from), UnixMillis(until)).cut();
        let (h, at) = (HOUR_MS, |(a, b)| (UnixMillis(a), UnixMillis(b)));
        assert_eq!(
            cut(h, 3 * h),
            Cut {
                hours: (1, 3),
                edges: [at((h, h)), at((3 * h, 3 * h))]
            }
        );
        assert_eq!(
            cut(h + 1, 3 * h + 5),
            Cut {
                hours: (2, 3),
                edges: [at((h + 1, 2 * h)), at((3 * h, 3 * h + 5))]
            }
        );
        assert_eq!(
            cut(h + 1, h + 5),
            Cut {
                hours: (0, 0),
                edges: [at((h + 1, h + 5)), at((h + 5, h + 5))]
            }
        );
        let all = cut(i64::MIN, i64::MAX);
        assert!(all.hours.0 < 0 && all.hours.1 > 0);
    }
}
