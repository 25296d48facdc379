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

/// Bounds by class. What is said of a class holds for every graver one too: the least that applies wins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ByClass<T> {
    /// Of what is public, and so of everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<T>,
    /// Of what is internal, and graver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<T>,
    /// Of what is confidential, and graver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidential: Option<T>,
    /// Of what is restricted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted: Option<T>,
}

impl<T: Copy + Ord> ByClass<T> {
    /// No bounds.
    pub const NONE: Self = Self {
        public: None,
        internal: None,
        confidential: None,
        restricted: None,
    };

    /// What is said of each class itself, from the least grave.
    pub const fn said(&self) -> [(DataClass, Option<T>); 4] {
        [
            (DataClass::Public, self.public),
            (DataClass::Internal, self.internal),
            (DataClass::Confidential, self.confidential),
            (DataClass::Restricted, self.restricted),
        ]
    }

    /// The least that applies to what is of this class; none where nothing does.
    pub fn of(&self, class: DataClass) -> Option<T> {
        let applying = self.said().into_iter().filter(|(one, _)| *one <= class);
        applying.filter_map(|(_, bound)| bound).min()
    }

    /// Whether nothing is said.
    pub fn is_none(&self) -> bool {
        self.said().iter().all(|(_, bound)| bound.is_none())
    }

    /// The same bounds in other units.
    pub fn map<U: Copy + Ord>(self, unit: impl Fn(T) -> U) -> ByClass<U> {
        ByClass {
            public: self.public.map(&unit),
            internal: self.internal.map(&unit),
            confidential: self.confidential.map(&unit),
            restricted: self.restricted.map(&unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anp_0020_the_least_bound_of_a_class_and_of_those_below_it_applies() {
        let bounds = ByClass {
            internal: Some(30),
            confidential: Some(90),
            restricted: Some(7),
            ..ByClass::NONE
        };
        let of = DataClass::ALL.map(|class| bounds.of(class));
        assert_eq!(of, [None, Some(30), Some(30), Some(7)]);
        assert!(!bounds.is_none() && ByClass::<u16>::NONE.is_none());
        assert_eq!(serde_json::to_string(&ByClass::<u16>::NONE).unwrap(), "{}");
        assert_eq!(bounds.map(|days| days * 2).of(DataClass::Restricted), Some(14));
    }

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
