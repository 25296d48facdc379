//! Labels: what a caller says of a call for reports. Never read by a budget or a policy, never sent to a provider.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many labels a call may have.
pub const LABELS_MAX: usize = 8;
/// The longest name of one, bytes.
pub const LABEL_NAME_BYTES_MAX: usize = 32;
/// The longest value of one, bytes.
pub const LABEL_VALUE_BYTES_MAX: usize = 64;

/// One of them: its name, and its value.
pub type Label = (Box<str>, Box<str>);

/// The labels of a call, sorted by name. None at all cost nothing to hold or to copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Option<Arc<[Label]>>);

/// Labels that cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLabels {
    /// Too many.
    #[error("at most {LABELS_MAX} labels")]
    Many,
    /// One is not `name=value`, or a part of it is too long or holds what it may not.
    #[error(
        "a label is `name=value`: a name of 1 to {LABEL_NAME_BYTES_MAX} of `a-z0-9_.-`, a value of 1 to \
         {LABEL_VALUE_BYTES_MAX} printable ASCII characters without `,`"
    )]
    Spelling,
    /// The same name twice.
    #[error("a label's name is given twice")]
    Twice,
}

impl Labels {
    /// Reads `outcome=resolved, feature=search`. White space around names and values is none of theirs.
    // threat: ANP-0008
    pub fn parse(text: &str) -> Result<Self, NotLabels> {
        let pairs = text.split(',').map(|part| {
            let (name, value) = part.split_once('=').ok_or(NotLabels::Spelling)?;
            Ok((name.trim().into(), value.trim().into()))
        });
        // One more than may be is enough to see that there are too many.
        let pairs = pairs.take(LABELS_MAX + 1).collect::<Result<Vec<Label>, _>>()?;
        Self::new(pairs)
    }

    /// These labels, in the order of their names.
    pub fn new(mut pairs: Vec<Label>) -> Result<Self, NotLabels> {
        if pairs.len() > LABELS_MAX {
            return Err(NotLabels::Many);
        }
        if !pairs.iter().all(|(name, value)| is_name(name) && is_value(value)) {
            return Err(NotLabels::Spelling);
        }
        pairs.sort();
        if pairs.is_empty() {
            return Ok(Self(None));
        }
        if pairs.iter().zip(pairs.iter().skip(1)).any(|(a, b)| a.0 == b.0) {
            return Err(NotLabels::Twice);
        }
        Ok(Self(Some(pairs.into())))
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter().flat_map(|all| all.iter());
        all.map(|(name, value)| (&**name, &**value))
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

/// Whether a label may be called this.
pub fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    (1..=LABEL_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits)
}

fn is_value(text: &str) -> bool {
    let fits = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b',';
    (1..=LABEL_VALUE_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits)
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = self.0.as_deref().unwrap_or_default();
        serializer.collect_map(all.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<Box<str>, Box<str>>()? {
                    pairs.push(pair);
                    if pairs.len() > LABELS_MAX {
                        break;
                    }
                }
                Labels::new(pairs).map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Result<Vec<(String, String)>, NotLabels> {
        let labels = Labels::parse(text)?;
        Ok(labels.iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect())
    }

    fn named(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn labels_are_read_in_the_order_of_their_names() {
        let read = pairs("outcome=resolved,  feature = a b=c ").unwrap();
        assert_eq!(read, [named("feature", "a b=c"), named("outcome", "resolved")]);
        assert_eq!(Labels::parse("a=1").unwrap().get("a"), Some("1"));
        assert_eq!(Labels::parse("a=1").unwrap().get("b"), None);
    }

    #[test]
    fn anp_0008_labels_are_few_short_and_plain() {
        let (name, value) = ("n".repeat(32), "v".repeat(64));
        assert!(pairs(&format!("{name}={value}")).is_ok());
        for bad in [
            "",
            ",",
            "a",
            "=b",
            "a=",
            "A=b",
            "a b=c",
            "a=b,",
            "a=\u{7f}",
            "a=ü",
            "ü=a",
            &format!("{name}n=v"),
            &format!("n={value}v"),
        ] {
            assert_eq!(pairs(bad), Err(NotLabels::Spelling), "{bad}");
        }
        assert_eq!(pairs("a=1, b=2, a=1"), Err(NotLabels::Twice));
        let many = |count: usize| {
            let all: Vec<String> = (0..count).map(|n| format!("n{n}=v")).collect();
            pairs(&all.join(","))
        };
        assert_eq!(many(LABELS_MAX).map(|all| all.len()), Ok(LABELS_MAX));
        assert_eq!(many(LABELS_MAX + 1), Err(NotLabels::Many));
        assert_eq!(many(100_000), Err(NotLabels::Many));
    }

    #[test]
    fn labels_read_back_from_what_is_written() {
        for text in ["b=2, a=1", "quoted=\"\\"] {
            let labels = Labels::parse(text).unwrap();
            let json = serde_json::to_string(&labels).unwrap();
            assert_eq!(serde_json::from_str::<Labels>(&json).unwrap(), labels);
            let compact = postcard::to_allocvec(&labels).unwrap();
            assert_eq!(postcard::from_bytes::<Labels>(&compact).unwrap(), labels);
        }
        assert!(serde_json::from_str::<Labels>(r#"{"A":"1"}"#).is_err());
        assert!(serde_json::from_str::<Labels>(r#"{"a":"1","a":"2"}"#).is_err());
    }
}
