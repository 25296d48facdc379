//! What is said of a key for policies to decide by: tags, and the class of what it carries. Nothing else
//! depends on them.

use domain::DataClass;
use serde::{Deserialize, Serialize};

/// How many tags a key may have.
pub const TAGS_MAX: usize = 16;
/// The longest tag, bytes.
pub const TAG_BYTES_MAX: usize = 64;

/// Tags and a class. Tags are sorted and distinct: they are a set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Words of the house's own, such as `eu-only` or `cost-center:4711`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What calls of the key carry, at least; what the configuration says where nothing is said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_class: Option<DataClass>,
}

/// Tags that cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTags {
    /// Too many.
    #[error("at most {TAGS_MAX} tags")]
    Many,
    /// One is empty, too long, or holds what may not be in one.
    #[error("a tag is 1 to {TAG_BYTES_MAX} letters, digits and any of `-_.:/`")]
    Spelling,
}

impl Marks {
    /// These tags, each once, and this class.
    // threat: ANP-0008
    pub fn new(mut tags: Vec<String>, data_class: Option<DataClass>) -> Result<Self, NotTags> {
        if tags.len() > TAGS_MAX {
            return Err(NotTags::Many);
        }
        if !tags.iter().all(|tag| is_tag(tag)) {
            return Err(NotTags::Spelling);
        }
        tags.sort();
        tags.dedup();
        Ok(Self { tags, data_class })
    }

    /// Whether nothing is said.
    pub fn is_none(&self) -> bool {
        self.tags.is_empty() && self.data_class.is_none()
    }
}

fn is_tag(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    (1..=TAG_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(texts: &[&str]) -> Result<Vec<String>, NotTags> {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Marks::new(texts, None).map(|marks| marks.tags)
    }

    #[test]
    fn tags_are_a_bounded_set_of_short_words() {
        assert_eq!(tags(&["b", "a", "b"]).unwrap(), ["a", "b"]);
        let longest = "x".repeat(TAG_BYTES_MAX);
        assert!(tags(&[&longest]).is_ok());
        let many: Vec<String> = (0..=TAGS_MAX).map(|n| format!("t{n}")).collect();
        assert!(Marks::new(many[..TAGS_MAX].to_vec(), None).is_ok());
        assert_eq!(Marks::new(many, None), Err(NotTags::Many));
        for bad in ["", "a b", "a,b", "ü", "a\"", &format!("{longest}x")] {
            assert_eq!(tags(&[bad]), Err(NotTags::Spelling), "{bad}");
        }
    }
}
