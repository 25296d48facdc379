//! How much harm it does when data gets about: four classes, each above the one before.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much harm it does when what a call carries gets about. Ordered: the later, the more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataClass {
    /// None: anybody may know it.
    Public,
    /// Little: it is for those who work here.
    #[default]
    Internal,
    /// Much: it is for those who need it.
    Confidential,
    /// The most: law or contract says who may have it, and where.
    Restricted,
}

/// No class is called so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a data class is `public`, `internal`, `confidential` or `restricted`")]
pub struct UnknownDataClass;

impl DataClass {
    /// All, from the least to the most.
    pub const ALL: [Self; 4] = [Self::Public, Self::Internal, Self::Confidential, Self::Restricted];

    /// Its place in the order, for policies to compare: 0 to 3.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Public => 0,
            Self::Internal => 1,
            Self::Confidential => 2,
            Self::Restricted => 3,
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
        }
    }
}

impl fmt::Display for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DataClass {
    type Err = UnknownDataClass;

    fn from_str(text: &str) -> Result<Self, UnknownDataClass> {
        let mut all = Self::ALL.into_iter();
        all.find(|class| class.as_str() == text).ok_or(UnknownDataClass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_classes_is_that_of_their_ranks_and_names_read_back() {
        for pair in DataClass::ALL.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].rank() + 1 == pair[1].rank());
        }
        for class in DataClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        }
        for text in ["", "Public", "secret", "restricted "] {
            assert_eq!(text.parse::<DataClass>(), Err(UnknownDataClass));
        }
    }
}
