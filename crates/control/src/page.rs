//! Pages: in which order a list is, and where it goes on, sealed, so that a cursor says nothing and fits one list of one
//! tenant in one order only.

use std::cmp::Ordering;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential::SealingKey;
use domain::UnixMillis;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{Code, Problem};

/// How many items a page has unless the caller says.
pub const LIMIT_DEFAULT: usize = 50;
/// How many items a page has at most.
pub const LIMIT_MAX: usize = 200;
/// The longest cursor that is read.
const CURSOR_BYTES_MAX: usize = 4096;

/// One page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where the list goes on: send it as `cursor`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Ids, which is the order of making where ids are ours.
    Id,
    /// When it was made.
    Created,
    /// What it is called, by bytes.
    Name,
}

/// In which order a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sorting {
    /// By what.
    pub by: By,
    /// From the last to the first.
    pub descending: bool,
}

impl Sorting {
    /// As the caller wants it, of the words that this list knows.
    pub fn read(text: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let Some(text) = text else {
            return Ok(Self {
                by: By::Id,
                descending: false,
            });
        };
        let (word, descending) = text.strip_prefix('-').map_or((text, false), |word| (word, true));
        if !known.contains(&word) {
            let known: Vec<String> = known.iter().map(|word| format!("`{word}`, `-{word}`")).collect();
            let detail = format!("`sort` is one of {}", known.join(", "));
            return Err(Problem::new(Code::Malformed, detail));
        }
        let by = if word == "created" { By::Created } else { By::Name };
        Ok(Self { by, descending })
    }

    /// Which of two comes first.
    pub fn compare(self, one: &Place, other: &Place) -> Ordering {
        let ordering = one.cmp(other);
        if self.descending {
            ordering.reverse()
        } else {
            ordering
        }
    }
}

/// Where something stands in a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// When it was made; 0 in lists that are not sorted by that.
    pub created: UnixMillis,
    /// What it is called; nothing in lists that are not sorted by that.
    pub name: String,
    /// Its id, for those that are alike.
    pub id: String,
}

impl Place {
    /// Of something with this id in a list that is sorted so.
    pub fn of(by: By, id: impl ToString, name: &str, created: UnixMillis) -> Self {
        Self {
            created: if by == By::Created { created } else { UnixMillis(0) },
            name: if by == By::Name {
                name.to_owned()
            } else {
                String::new()
            },
            id: id.to_string(),
        }
    }

    /// Of something that its id alone gives its place; ids are in the order of their making.
    pub fn by_id(id: impl ToString) -> Self {
        Self::of(By::Id, id, "", UnixMillis(0))
    }
}

/// Seals and opens cursors.
#[derive(Debug)]
pub struct Cursors(SealingKey);

impl Cursors {
    /// Under this key.
    pub const fn new(key: SealingKey) -> Self {
        Self(key)
    }

    /// The cursor of the place after `last` in `list`.
    // threat: AGP-E1
    pub fn seal(&self, list: &str, last: &str) -> Option<String> {
        let sealed = self.0.seal(last.as_bytes(), list.as_bytes()).ok()?;
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The place a cursor of this very `list` names.
    // threat: AGP-E1
    pub fn open(&self, list: &str, cursor: &str) -> Result<String, Problem> {
        let bytes = Some(cursor)
            .filter(|text| text.len() <= CURSOR_BYTES_MAX)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
            .and_then(|sealed| self.0.open(&sealed, list.as_bytes()).ok());
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
            Problem::new(
                Code::Malformed,
                "`cursor` is not of this list: send the `next_cursor` of the page before, with the same filters",
            )
        })
    }
}

/// How many items the caller wants.
pub fn limit(text: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = text else {
        return Ok(LIMIT_DEFAULT);
    };
    match text.parse() {
        Ok(limit @ 1..=LIMIT_MAX) => Ok(limit),
        _ => Err(Problem::new(
            Code::Malformed,
            format!("`limit` is a number from 1 to {LIMIT_MAX}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agp_e1_a_cursor_says_nothing_and_fits_one_list_only() {
        let cursors = Cursors::new(SealingKey::new(&[1; 32]).unwrap());
        let cursor = cursors.seal("tnt_1/users", "usr_secret").unwrap();
        assert!(!String::from_utf8_lossy(&URL_SAFE_NO_PAD.decode(&cursor).unwrap()).contains("usr_secret"));
        assert_eq!(cursors.open("tnt_1/users", &cursor).unwrap(), "usr_secret");
        for (list, text) in [
            ("tnt_2/users", cursor.as_str()),
            ("tnt_1/keys", &cursor),
            ("tnt_1/users", &cursor[1..]),
            ("tnt_1/users", ""),
            ("tnt_1/users", &"A".repeat(10_000)),
        ] {
            assert_eq!(cursors.open(list, text).unwrap_err().code, Code::Malformed);
        }
    }

    #[test]
    fn lists_are_sorted_only_by_what_they_know() {
        let known = ["created", "name"];
        let by = |by, descending| Sorting { by, descending };
        assert_eq!(Sorting::read(None, &[]).unwrap(), by(By::Id, false));
        assert_eq!(
            Sorting::read(Some("created"), &known).unwrap(),
            by(By::Created, false)
        );
        assert_eq!(Sorting::read(Some("-name"), &known).unwrap(), by(By::Name, true));
        for bad in ["", "-", "id", "--name", "Name", "name,created", " name"] {
            assert_eq!(
                Sorting::read(Some(bad), &known).unwrap_err().code,
                Code::Malformed,
                "{bad}"
            );
        }
    }

    #[test]
    fn limits_of_pages_are_bounded() {
        assert_eq!(limit(None).unwrap(), LIMIT_DEFAULT);
        assert_eq!(limit(Some("200")).unwrap(), 200);
        for bad in ["0", "201", "-1", "ten", ""] {
            assert!(limit(Some(bad)).is_err());
        }
    }
}
