//! Words that several resources share on the wire: names, limits, times.

use credential::{Limits, Marks};
use domain::{DataClass, UnixMillis, UnknownDataClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{Code, Problem};

/// The longest name.
const NAME_CHARS_MAX: usize = 120;
/// The longest e-mail address (RFC 5321 section 4.5.3.1.3).
const EMAIL_CHARS_MAX: usize = 254;

/// Rates and concurrency; what is left out is not limited at this level. Limits of all levels apply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsView {
    /// Requests a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// LLM tokens a minute, prompt and output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u32>,
    /// Requests under way at once, streams included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_requests: Option<u32>,
    /// Streams open at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_streams: Option<u32>,
    /// What one request may cost at most, in nano-dollars: one whose bound is above is refused before it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_cost_nanos_max: Option<u64>,
}

impl LimitsView {
    /// Whether it limits nothing.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Limits> for LimitsView {
    fn from(limits: Limits) -> Self {
        Self {
            requests_per_minute: limits.requests_per_minute,
            tokens_per_minute: limits.tokens_per_minute,
            concurrent_requests: limits.concurrent_requests,
            concurrent_streams: limits.concurrent_streams,
            request_cost_nanos_max: limits.request_cost_nanos_max,
        }
    }
}

impl From<LimitsView> for Limits {
    fn from(view: LimitsView) -> Self {
        Self {
            requests_per_minute: view.requests_per_minute,
            tokens_per_minute: view.tokens_per_minute,
            concurrent_requests: view.concurrent_requests,
            concurrent_streams: view.concurrent_streams,
            request_cost_nanos_max: view.request_cost_nanos_max,
        }
    }
}

/// A name as people write it: something to see, on one line, not too long.
pub fn name(text: &str, pointer: &str) -> Result<String, Problem> {
    let text = text.trim();
    let wrong = if text.is_empty() {
        "a name needs a visible character".to_owned()
    } else if text.chars().count() > NAME_CHARS_MAX {
        format!("a name has at most {NAME_CHARS_MAX} characters")
    } else if text.chars().any(char::is_control) {
        "a name has no control characters".to_owned()
    } else {
        return Ok(text.to_owned());
    };
    Err(Problem::new(Code::Invalid, wrong).at(pointer))
}

/// Tags and a class, as they are kept.
pub fn marks(tags: Vec<String>, class: Option<DataClass>, pointer: &str) -> Result<Marks, Problem> {
    Marks::new(tags, class).map_err(|error| Problem::new(Code::Invalid, error.to_string()).at(pointer))
}

/// A data class by its name; an empty text is none.
pub fn data_class(text: Option<&str>) -> Result<Option<DataClass>, Problem> {
    let given = text.filter(|text| !text.is_empty());
    let class = given.map(str::parse).transpose();
    class.map_err(|error: UnknownDataClass| Problem::new(Code::Invalid, error.to_string()).at("/data_class"))
}

/// An e-mail address as accounts are known by it: in lower case. Whether mail arrives is not asked.
pub fn email(text: &str, pointer: &str) -> Result<String, Problem> {
    let text = text.trim().to_lowercase();
    let halves = text.rsplit_once('@');
    let fits = text.chars().count() <= EMAIL_CHARS_MAX
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && halves.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if fits {
        return Ok(text);
    }
    Err(Problem::new(Code::Invalid, "an e-mail address looks like `name@example.com`").at(pointer))
}

/// A time as RFC 3339 text.
pub fn time(at: UnixMillis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |time| time.to_string())
}

/// RFC 3339 text as a time.
pub fn read_time(text: &str, what: &str) -> Result<UnixMillis, Problem> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(|time| UnixMillis(time.as_millisecond())).map_err(|_| {
        Problem::new(
            Code::Malformed,
            format!("{what} is a time such as `2026-11-22T09:00:00Z`"),
        )
    })
}
