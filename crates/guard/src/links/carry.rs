//! What a link carries away: values in its path, query, fragment and host that no address needs. Never keeps any of it.

use super::address::Parts;
use super::context::Said;
use super::text::unescaped;
use crate::class::Class;
use crate::finding::Finding;
use crate::personal::{Personal, PersonalKind, PersonalKinds};
use crate::runs::RUN_BYTES_MIN;
use crate::secrets::Secrets;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// Kinds of personal data that no ordinary link holds.
const KINDS: [PersonalKind; 6] = [
    PersonalKind::Email,
    PersonalKind::Phone,
    PersonalKind::PaymentCard,
    PersonalKind::BankAccount,
    PersonalKind::NationalId,
    PersonalKind::Health,
];
/// How sure they must be.
const KINDS_SCORE: u8 = 80;

/// Names of parameters that say that a conversation is to be filled in.
const NAMES: [&str; 20] = [
    "conversation",
    "chathistory",
    "history",
    "transcript",
    "systemprompt",
    "prompt",
    "secret",
    "secrets",
    "password",
    "passwd",
    "apikey",
    "credentials",
    "cookie",
    "cookies",
    "exfil",
    "leak",
    "stolen",
    "userdata",
    "messages",
    "ssn",
];
/// Words of placeholders that ask for what was said, in a path too.
const ASKED: [&str; 14] = [
    "conversation",
    "history",
    "prompt",
    "secret",
    "password",
    "api_key",
    "apikey",
    "credential",
    "user_data",
    "userdata",
    "message",
    "summary",
    "transcript",
    "data",
];
/// Those that no example of an API has in its addresses.
const ASKED_OF_LINKS: [&str; 6] = [
    "conversation",
    "chat_history",
    "system_prompt",
    "password",
    "credential",
    "secret",
];
/// Parameters that sign an address for a while.
const SIGNS: [&str; 12] = [
    "xamz",
    "xgoog",
    "signature",
    "sig",
    "policy",
    "keypairid",
    "expires",
    "hmac",
    "awsaccesskeyid",
    "googleaccessid",
    "se",
    "sv",
];

/// How much of each is too much: of what loads by itself, and of what somebody must follow.
struct Limits {
    decoded: usize,
    words: usize,
    value: usize,
    query: usize,
    said: u32,
}

const LOADS: Limits = Limits {
    decoded: 12,
    words: 6,
    value: 128,
    query: 512,
    said: 2,
};
const FOLLOWED: Limits = Limits {
    decoded: 48,
    words: 40,
    value: 1_024,
    query: 1_536,
    said: 8,
};

/// Letters and digits of a host's labels that are no name.
const HOST_BYTES: usize = 40;
/// Letters and digits of a path's segment that are no name.
const PATH_BYTES: usize = 256;

/// Looks into what links carry.
#[derive(Clone)]
pub(super) struct Carry {
    secrets: std::sync::Arc<Secrets>,
    personal: std::sync::Arc<Personal>,
}

impl Carry {
    pub(super) fn new(secrets: std::sync::Arc<Secrets>, personal: &Personal) -> Self {
        let kinds: PersonalKinds = KINDS.into_iter().collect();
        Self {
            secrets,
            personal: std::sync::Arc::new(personal.narrowed(kinds, KINDS_SCORE)),
        }
    }

    /// What it carries that no address needs, by its stable name; `None` where it is ordinary.
    // threat: AGP-I3
    pub(super) fn what(&self, link: &Parts<'_>, loads: bool, said: Option<&Said>) -> Option<&'static str> {
        let limits = if loads { LOADS } else { FOLLOWED };
        let (path, query, fragment) = (link.path(), link.query(), link.fragment());
        let is_bare = query.is_empty() && fragment.is_empty();
        if is_bare && (path.len() < 8 || is_slight(path, loads)) && !is_full_host(link) {
            return None;
        }
        let pairs: Vec<(String, String)> = pairs(query).chain(pairs(fragment)).collect();
        let path_text = unescaped(path);
        if is_template(&pairs, &path_text, loads) {
            return Some("template");
        }
        let mut text = path_text.clone();
        let mut hidden = String::new();
        for piece in pairs
            .iter()
            .flat_map(|(name, value)| [name, value])
            .chain([&path_text])
        {
            text.push('\n');
            text.push_str(piece);
            for run in
                piece.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '_' | '=')))
            {
                if let Some(readable) = readable(run) {
                    hidden.push_str(&readable);
                    hidden.push('\n');
                }
            }
        }
        if self.is_secret(&text) || (!hidden.is_empty() && self.is_secret(&hidden)) {
            return Some("secret");
        }
        if let Some(said) = said
            && (said.repeats(&text) >= limits.said || said.repeats(&hidden) >= limits.said)
            && !said.has_link(link)
        {
            return Some("conversation");
        }
        if loads && (self.is_personal(&text) || self.is_personal(&hidden)) {
            return Some("personal");
        }
        let is_address = |line: &&str| line.starts_with("http://") || line.starts_with("https://");
        let data: usize = hidden
            .lines()
            .filter(|line| !is_address(line))
            .map(str::len)
            .sum();
        if data >= limits.decoded {
            return Some("encoded");
        }
        let says = |(name, value): &(String, String)| {
            let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            value.len() >= 4 && NAMES.contains(&name.to_ascii_lowercase().as_str())
        };
        if loads && pairs.iter().any(says) {
            return Some("named");
        }
        let words = |text: &str| text.split([' ', '+', '\n']).filter(|word| is_word(word)).count();
        if pairs.iter().any(|(_, value)| words(value) >= limits.words)
            || path_text
                .split('/')
                .any(|segment| words(segment) >= 2 * limits.words)
        {
            return Some("text");
        }
        let unsigned = || pairs.iter().filter(|(name, _)| !signs(name));
        let longest = unsigned().map(|(_, value)| value.len()).max().unwrap_or_default();
        let all: usize = unsigned().map(|(name, value)| name.len() + value.len()).sum();
        let is_full = longest >= limits.value
            || all >= limits.query
            || (loads && is_full_host(link))
            || (loads && path.split('/').any(|segment| segment.len() >= PATH_BYTES));
        is_full.then_some("volume")
    }

    fn is_secret(&self, text: &str) -> bool {
        let mut found: Vec<Finding> = Vec::new();
        self.secrets.scan(text, &mut found);
        // An access key's id is a name, and stands in every signed address.
        found.iter().any(|it| it.rule != "aws_access_key_id")
    }

    fn is_personal(&self, text: &str) -> bool {
        let mut found: Vec<Finding> = Vec::new();
        self.personal.scan(text, &mut found);
        !found.is_empty()
    }
}

/// A path that is too short for anything of words and signs to stand in it: no credential, no piece of what was said, no
/// encoded text. What loads by itself must not have digits either.
fn is_slight(path: &str, loads: bool) -> bool {
    const WORDS: Class = Class::of("A-Za-z/_.~-");
    const SIGNS: Class = Class::of("A-Za-z0-9/_.~-");
    let class = if loads { WORDS } else { SIGNS };
    path.len() < RUN_BYTES_MIN && class.run(path.as_bytes(), path.len()) == path.len()
}

fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        (unescaped(name), unescaped(value))
    })
}

fn is_word(word: &str) -> bool {
    word.chars().count() >= 2
        && word
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, '.' | ',' | '\'' | '!' | '?'))
}

fn signs(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    SIGNS
        .iter()
        .any(|sign| name == *sign || (sign.starts_with('x') && name.starts_with(sign)))
}

/// Labels of a host that are data, not names.
fn is_full_host(link: &Parts<'_>) -> bool {
    let Some(domain) = link.domain().filter(|domain| domain.len() >= HOST_BYTES) else {
        return false;
    };
    let mut labels: Vec<&str> = domain.split('.').collect();
    labels.truncate(labels.len().saturating_sub(2));
    let opaque = |label: &&&str| {
        label.len() >= 20 && label.bytes().any(|byte| byte.is_ascii_digit()) && !label.contains('-')
    };
    labels
        .iter()
        .filter(opaque)
        .map(|label| label.len())
        .sum::<usize>()
        >= HOST_BYTES
}

/// The text that a run of base64 or hexadecimal digits stands for, where it reads like text.
fn readable(run: &str) -> Option<String> {
    let run = run.trim_matches(['-', '_', '=']);
    if run.len() < 12 {
        return None;
    }
    let bytes =
        if run.len() >= 24 && run.len().is_multiple_of(2) && run.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or_default() as u8;
            run.as_bytes()
                .chunks(2)
                .map(|pair| pair.iter().fold(0, |all, byte| all << 4 | digit(*byte)))
                .collect()
        } else {
            let plain: String = run
                .chars()
                .map(|c| match c {
                    '-' => '+',
                    '_' => '/',
                    c => c,
                })
                .collect();
            BASE64.decode(plain).ok()?
        };
    let text = String::from_utf8(bytes).ok()?;
    let is_read = |c: char| {
        c.is_alphanumeric() || c == ' ' || c.is_ascii_punctuation() || matches!(c, '\n' | '\r' | '\t')
    };
    let letters = text
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == ' ')
        .count();
    (text.len() >= 8 && text.chars().all(is_read) && 3 * letters >= 2 * text.chars().count()).then_some(text)
}

/// Whether something is to be filled in: a name in brackets where a value stands.
fn is_template(pairs: &[(String, String)], path: &str, loads: bool) -> bool {
    let asks = |text: &str, words: &[&str]| {
        holes(text).any(|hole| {
            let hole = hole.to_ascii_lowercase().replace([' ', '-'], "_");
            words.iter().any(|word| hole.contains(word))
        })
    };
    if !loads {
        return pairs.iter().any(|(_, value)| asks(value, &ASKED_OF_LINKS));
    }
    pairs.iter().any(|(_, value)| holes(value).next().is_some()) || asks(path, &ASKED)
}

/// Names in brackets: `{data}`, `<data>`, `[DATA]`, `$DATA`, `%s`.
fn holes(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    text.char_indices().filter_map(move |(at, c)| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let close = match c {
            '{' => '}',
            '<' => '>',
            '[' if before
                .is_none_or(|byte| matches!(byte, b'=' | b'/' | b' ' | b'+' | b'-' | b':' | b',')) =>
            {
                ']'
            }
            _ => return None,
        };
        let rest = text.get(at + 1..text.floor_char_boundary(at + 66))?;
        let name = rest.split(close).next().filter(|name| name.len() < rest.len())?;
        let plain = name.trim_matches(|c: char| matches!(c, '{' | '}' | '$' | ' '));
        let letters = plain.chars().filter(|c| c.is_alphabetic()).count();
        let is_name = plain
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'));
        (letters >= 2 && is_name).then_some(plain)
    })
}
