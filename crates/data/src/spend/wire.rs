//! What is said over the wire of reservations: strictly read, for whoever misreads an amount holds or bills another.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use dialect::{Dialect, Endpoint, Envelope};
use domain::{NodeId, RequestId, Threat, Units, Usage};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::refusal::{Code, Gated, Refusal};
use crate::settings::Bounds;
use crate::stage::authorize::{Understood, in_its_dialect};

/// A name that a caller gives.
const NAME_BYTES_MAX: usize = 128;
/// Tokens that a prompt or an answer may be said to have: what no model takes, and no sum of it wraps.
const TOKENS_MAX: u64 = 1_000_000_000;
/// Milliseconds, pictures or characters that a call may be said to have.
const UNITS_MAX: u64 = 1_000_000_000;

/// Which reservation: the request that was given it, and the node that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The request, and its entry.
    pub request: RequestId,
    /// The node.
    pub node: NodeId,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.request, self.node)
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Reference {
    /// As [`Reference::to_string`] writes it; anything else names nothing.
    pub fn read(text: &str) -> Option<Self> {
        let (request, node) = text.split_once('.')?;
        Some(Self {
            request: request.parse().ok()?,
            node: node.parse().ok()?,
        })
    }
}

pub fn invalid(detail: impl Into<String>) -> Box<Refusal> {
    Refusal::new(Code::RequestInvalid, detail).against(Threat::Anp0008)
}

/// What is said beside the call that money is wanted for.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    /// The caller's own name for it: asked again under it, the same reservation is answered.
    pub request_id: Option<String>,
    expires_s: Option<u64>,
    prompt_tokens: Option<u64>,
    messages: Option<IgnoredAny>,
    prompt: Option<IgnoredAny>,
    input: Option<IgnoredAny>,
}

/// A call of which only numbers are told.
#[derive(Debug, Deserialize)]
struct Numbers {
    model: String,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    n: Option<u32>,
    #[serde(default)]
    units: Units,
}

impl Wish {
    /// What the body says beside the call.
    pub fn read(body: &[u8]) -> Gated<Self> {
        let wish: Self = serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
        let is_name = |name: &String| {
            (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if wish.request_id.as_ref().is_some_and(|name| !is_name(name)) {
            let detail = format!("`request_id` is 1 to {NAME_BYTES_MAX} visible ASCII characters");
            return Err(invalid(detail));
        }
        Ok(wish)
    }

    /// For how long it is to be held, where that is no longer than may be.
    pub fn lasts(&self, most: Duration) -> Gated<Duration> {
        let Some(seconds) = self.expires_s else {
            return Ok(most);
        };
        let asked = Duration::from_secs(seconds);
        if seconds == 0 || asked > most {
            return Err(invalid(format!("`expires_s` is 1 to {}", most.as_secs())));
        }
        Ok(asked)
    }

    /// The call: as it would be made, or in numbers.
    pub fn understand(&self, endpoint: Endpoint, body: &Bytes, bounds: &Bounds) -> Gated<Understood> {
        let Some(prompt_tokens) = self.prompt_tokens else {
            return in_its_dialect(endpoint, body, bounds);
        };
        if self.messages.is_some() || self.prompt.is_some() || self.input.is_some() {
            return Err(invalid(
                "say `prompt_tokens`, or send the prompt itself, not both",
            ));
        }
        let numbers: Numbers = serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
        let output = numbers.max_completion_tokens.max(numbers.max_tokens);
        if numbers.model.is_empty() || prompt_tokens.max(output.unwrap_or_default()) > TOKENS_MAX {
            return Err(invalid(format!(
                "a model, and numbers of tokens up to {TOKENS_MAX}, are said"
            )));
        }
        if !are_believable(&numbers.units) {
            return Err(invalid(format!("`units` are numbers up to {UNITS_MAX}")));
        }
        let choices = numbers.n.unwrap_or(1);
        let mut envelope = Envelope::counted(numbers.model, prompt_tokens, output, choices);
        envelope.told = Some(numbers.units);
        Ok(Understood {
            envelope,
            body: Bytes::new(),
            is_countable: false,
        })
    }
}

/// How it ended, as is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Which reservation.
    pub which: Reference,
    /// In the ledger's words.
    pub how: &'static str,
    /// What was used; nothing where nothing is to be billed.
    pub usage: Option<Usage>,
    /// Which target served, by its label.
    pub target: Option<String>,
    /// Of the body that says so.
    pub digest: blake3::Hash,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    #[default]
    Completed,
    Failed,
    None,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settlement<'a> {
    reservation: &'a str,
    #[serde(default)]
    outcome: How,
    usage: Option<Counted>,
    #[serde(borrow)]
    provider_usage: Option<&'a RawValue>,
    target: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Voiding<'a> {
    reservation: &'a str,
}

/// Tokens by class, all of them known here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counted {
    #[serde(default)]
    input: u64,
    #[serde(default)]
    output: u64,
    #[serde(default)]
    cache_read: u64,
    #[serde(default)]
    cache_write: u64,
    #[serde(default)]
    cache_write_long: u64,
    #[serde(default)]
    reasoning: u64,
    #[serde(default)]
    audio_input: u64,
    #[serde(default)]
    audio_output: u64,
    #[serde(default)]
    tier: domain::Tier,
    #[serde(default)]
    units: Units,
}

impl Said {
    /// How a call ended.
    pub fn settled(body: &[u8], dialect: Dialect) -> Gated<Self> {
        let said: Settlement<'_> =
            serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
        let usage = match (said.usage, said.provider_usage) {
            (Some(_), Some(_)) => return Err(invalid("say `usage` or `provider_usage`, not both")),
            (Some(counted), None) => Some(counted.usage()?),
            (None, Some(raw)) => Some(provider_usage(raw, dialect)?),
            (None, None) => None,
        };
        let how = match (said.outcome, usage.is_some()) {
            (How::Completed, true) => "completed",
            (How::Completed, false) => {
                return Err(invalid("`usage` is missing: what did the call use?"));
            }
            (How::Failed, _) => "failed",
            (How::None, false) => "voided",
            (How::None, true) => return Err(invalid("`outcome: none` says that nothing was used")),
        };
        Ok(Self {
            which: reference(said.reservation)?,
            how,
            usage,
            target: said.target,
            digest: blake3::hash(body),
        })
    }

    /// That it was not made.
    pub fn voided(body: &[u8]) -> Gated<Self> {
        let said: Voiding<'_> = serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
        Ok(Self {
            which: reference(said.reservation)?,
            how: "voided",
            usage: None,
            target: None,
            digest: blake3::hash(body),
        })
    }
}

fn reference(text: &str) -> Gated<Reference> {
    Reference::read(text).ok_or_else(super::settle::not_found)
}

impl Counted {
    fn usage(self) -> Gated<Usage> {
        let usage = Usage {
            input: self.input,
            output: self.output,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            reasoning: self.reasoning,
            cache_write_long: self.cache_write_long,
            audio_input: self.audio_input,
            audio_output: self.audio_output,
            tier: self.tier,
            units: self.units,
        };
        believable(usage)
    }
}

/// The block that a provider's answer has under `usage`.
pub fn provider_usage(raw: &RawValue, dialect: Dialect) -> Gated<Usage> {
    let heard = serde_json::from_str::<Heard<'_>>(raw.get()).ok();
    if let Some(heard) = heard.filter(|heard| heard.kind == "duration") {
        let units = Units {
            input_ms: Some(millis(heard.seconds)?),
            ..Units::UNKNOWN
        };
        return believable(Usage {
            units,
            ..Usage::default()
        });
    }
    let body = format!(r#"{{"usage":{}}}"#, raw.get());
    let facts = dialect::read_response(dialect.chat(), body.as_bytes());
    let facts = facts.map_err(|error| invalid(error.to_string()))?;
    let usage = facts
        .usage
        .ok_or_else(|| invalid("the usage says nothing of tokens"))?;
    believable(usage)
}

/// What OpenAI says of a transcription that is sold by the second: `{"type": "duration", "seconds": …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Heard<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    seconds: &'a RawValue,
}

/// Seconds as they are written, rounded up to the millisecond.
fn millis(seconds: &RawValue) -> Gated<u64> {
    let wrong = || invalid("`seconds` is a number of seconds, as `12` or `12.5`");
    let (whole, part) = seconds.get().split_once('.').unwrap_or((seconds.get(), "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(part) {
        return Err(wrong());
    }
    let (exact, beyond) = part.split_at_checked(3).unwrap_or((part, ""));
    let more = u64::from(beyond.bytes().any(|digit| digit != b'0'));
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let exact: u64 = format!("{exact:0<3}").parse().map_err(|_| wrong())?;
    let millis = whole
        .checked_mul(1_000)
        .and_then(|ms| ms.checked_add(exact + more));
    millis.ok_or_else(wrong)
}

fn are_believable(units: &Units) -> bool {
    units.all().into_iter().flatten().all(|count| count <= UNITS_MAX)
}

/// Numbers that no call has are a mistake or a lie; parts are no larger than what they are part of.
// threat: ANP-0008
fn believable(usage: Usage) -> Gated<Usage> {
    let is_whole = usage.reasoning <= usage.output && usage.audio_output <= usage.output;
    if !is_whole || usage.total() > TOKENS_MAX || !are_believable(&usage.units) {
        return Err(invalid("the usage makes no sense: no call uses so much"));
    }
    Ok(usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn which() -> Reference {
        Reference {
            request: RequestId::from_u128(7),
            node: NodeId::from_u128(9),
        }
    }

    fn settled(rest: &str) -> Result<Said, Code> {
        let body = format!(r#"{{"reservation":"{}"{rest}}}"#, which());
        Said::settled(body.as_bytes(), Dialect::OpenAi).map_err(|refusal| refusal.code)
    }

    #[test]
    fn references_are_read_as_they_are_written_and_no_other_way() {
        assert_eq!(Reference::read(&which().to_string()), Some(which()));
        for bad in ["", ".", "req_1.node_2", &which().request.to_string()] {
            assert_eq!(Reference::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn anp_0008_only_what_makes_sense_is_taken_for_usage() {
        let said = settled(r#","usage":{"input":5,"output":2,"cache_read":1,"tier":"flex"}"#).unwrap();
        let usage = said.usage.unwrap();
        assert_eq!((usage.input, usage.output, usage.cache_read), (5, 2, 1));
        assert_eq!((said.how, usage.tier), ("completed", domain::Tier::Flex));
        let block =
            r#"{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}"#;
        let usage = settled(&format!(r#","provider_usage":{block}"#))
            .unwrap()
            .usage
            .unwrap();
        assert_eq!((usage.input, usage.cache_read, usage.output), (6, 4, 3));
        for (seconds, millis) in [
            ("7", 7_000),
            ("0", 0),
            ("12.5", 12_500),
            ("1.0001", 1_001),
            ("1.000", 1_000),
        ] {
            let said = settled(&format!(
                r#","provider_usage":{{"type":"duration","seconds":{seconds}}}"#
            ));
            let units = said.unwrap().usage.unwrap().units;
            assert_eq!(units.input_ms, Some(millis), "{seconds}");
        }
        assert_eq!(settled(r#","outcome":"failed""#).unwrap().how, "failed");
        assert_eq!(settled(r#","outcome":"none""#).unwrap().how, "voided");
        for bad in [
            "",
            r#","usage":{"input":-1}"#,
            r#","usage":{"input":1.5}"#,
            r#","usage":{"input":18446744073709551615,"output":1}"#,
            r#","usage":{"input":1000000001}"#,
            r#","usage":{"output":1,"reasoning":2}"#,
            r#","usage":{"input":1,"inputs":1}"#,
            r#","usage":{"input":1,"input":2}"#,
            r#","usage":{},"provider_usage":{}"#,
            r#","provider_usage":{}"#,
            r#","provider_usage":{"prompt_tokens":-4}"#,
            r#","usage":{"input":1},"outcome":"none""#,
            r#","usage":{"input":1},"cost":0"#,
            r#","usage":{"input":1},"outcome":"free""#,
            r#","usage":{"units":{"input_ms":-1}}"#,
            r#","usage":{"units":{"input_ms":1000000001}}"#,
            r#","usage":{"units":{"seconds":1}}"#,
            r#","provider_usage":{"type":"duration","seconds":"5"}"#,
            r#","provider_usage":{"type":"duration","seconds":-5}"#,
            r#","provider_usage":{"type":"duration","seconds":1e3}"#,
            r#","provider_usage":{"type":"duration","seconds":99999999999999999999}"#,
        ] {
            assert_eq!(settled(bad), Err(Code::RequestInvalid), "{bad}");
        }
    }
}
