//! Pages: where a list goes on, sealed, so that a cursor says nothing and fits one list of one tenant only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential::SealingKey;
use schemars::JsonSchema;
use serde::Serialize;

use crate::problem::{Code, Problem};

/// How many items a page has unless the caller says.
pub const LIMIT_DEFAULT: usize = 50;
/// How many items a page has at most.
pub const LIMIT_MAX: usize = 200;
/// The longest cursor that is read.
const CURSOR_BYTES_MAX: usize = 512;

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
    fn limits_of_pages_are_bounded() {
        assert_eq!(limit(None).unwrap(), LIMIT_DEFAULT);
        assert_eq!(limit(Some("200")).unwrap(), 200);
        for bad in ["0", "201", "-1", "ten", ""] {
            assert!(limit(Some(bad)).is_err());
        }
    }
}
