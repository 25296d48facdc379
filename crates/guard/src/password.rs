//! Reads a password behind its name: `password = "…"`, `DB_PASSWD=…`, `Pwd=…;`. People choose passwords, so
//! they are shorter than generated values, and only a sign and a mix of characters tell them from words.
//! Walks forward once, within a bound.

use crate::assigned::Read;
use crate::check::is_distinct;
use crate::class::Class;
use crate::value::{continues_name, generated, is_google_key, is_placeholder};

const NAME: Class = Class::of("A-Za-z0-9_.-");

const GAP: Class = Class::of(" \t\"'`=:>()[]\\");

const SIGN: Class = Class::of("=:>");

const LETTER: Class = Class::of("a-z");

/// Words that stand for a sign.
const VERBS: [&[u8]; 3] = [b"is", b"was", b"to"];

const VERB_BYTES_MAX: usize = 3;

const QUOTE: Class = Class::of("\"'`\\");

/// What a quoted password may contain.
const QUOTED: Class = Class::of("!-~").minus(QUOTE);

/// What one without quotes may.
const BARE: Class = QUOTED.minus(Class::of(",;<>(){}[]&|"));

const NAME_BYTES_MAX: usize = 24;

const GAP_BYTES_MAX: usize = 24;

const PASSWORD_BYTES_MAX: usize = 128;

/// The most bytes that a verdict depends on.
#[cfg(test)]
pub(crate) const NAMED_PASSWORD_BYTES_MAX: usize =
    NAME_BYTES_MAX + 2 * GAP_BYTES_MAX + VERB_BYTES_MAX + 1 + PASSWORD_BYTES_MAX + 1;

/// What a test makes of a value, and of whether it is quoted.
pub(crate) type Test = fn(&[u8], bool) -> bool;

/// Reads on from just behind the name.
pub(crate) fn read(rest: &[u8], complete: bool, test: Test) -> Read {
    let run = |from: usize, class: Class, max: usize| {
        let rest = rest.get(from..).unwrap_or_default();
        let taken = class.run(rest, max);
        let cut = taken == rest.len() && taken < max;
        (cut && !complete, from + taken)
    };
    let part = |from: usize, to: usize| rest.get(from..to).unwrap_or_default();
    // `passwords` and `PASSWORDS` are other words.
    match rest.first() {
        None if !complete => return Read::Wait,
        Some(byte) if GAP.has(*byte) || !byte.is_ascii_lowercase() && NAME.has(*byte) => {}
        _ => return Read::Nothing,
    }
    let (waits, name_end) = run(0, NAME, NAME_BYTES_MAX);
    if waits {
        return Read::Wait;
    }
    if !continues_name(part(0, name_end)) {
        return Read::Nothing;
    }
    let (waits, mut start) = run(name_end, GAP, GAP_BYTES_MAX);
    if waits {
        return Read::Wait;
    }
    let mut gap = part(name_end, start);
    if !gap.iter().any(|&byte| SIGN.has(byte)) {
        // In sentences the sign is a word.
        let (waits, word_end) = run(start, LETTER, VERB_BYTES_MAX + 1);
        let (waits_too, value) = run(word_end, GAP, GAP_BYTES_MAX);
        if waits || waits_too {
            return Read::Wait;
        }
        if !VERBS.contains(&part(start, word_end)) || word_end == value || gap.is_empty() {
            return Read::Nothing;
        }
        gap = part(word_end, value);
        start = value;
    }
    let quoted = gap.last().is_some_and(|&byte| QUOTE.has(byte));
    let (waits, end) = run(start, if quoted { QUOTED } else { BARE }, PASSWORD_BYTES_MAX);
    if waits {
        return Read::Wait;
    }
    // Nobody chooses one so long.
    if end - start == PASSWORD_BYTES_MAX {
        return if quoted {
            Read::Nothing
        } else {
            Read::Rejected(start, end)
        };
    }
    let ends = match rest.get(end) {
        None if !complete => return Read::Wait,
        None => true,
        Some(&byte) if quoted => QUOTE.has(byte),
        Some(byte) => !matches!(byte, b'(' | b'[' | b'{' | b'<'),
    };
    if ends && test(part(start, end), quoted) {
        Read::Value(start, end)
    } else {
        Read::Nothing
    }
}

/// Whether a password stands in an argument such as `name:password`, without quotes of its own.
pub(crate) fn argument_password(bytes: &[u8]) -> bool {
    is_password(bytes, false)
}

/// Whether the value of something called a token or a secret is one, though it is short or has signs in it
/// that generated values have not: letters and digits both, and not as names mix them.
pub(crate) fn is_short_secret(bytes: &[u8], quoted: bool) -> bool {
    if !(10..PASSWORD_BYTES_MAX).contains(&bytes.len()) {
        return false;
    }
    let mix = Mix::of(bytes);
    mix.letters >= 2
        && mix.digits >= if mix.joints > 0 { 4 } else { 2 }
        && (mix.joints == 0 || mix.signs > 0)
        && is_distinct(bytes, 7)
        && is_password(bytes, quoted)
        && !generated(bytes)
        && !is_google_key(bytes)
}

/// How many bytes of each kind a value has.
struct Mix {
    digits: u32,
    letters: u32,
    /// What joins the parts of names.
    joints: u32,
    /// What people make passwords strong with.
    signs: u32,
}

impl Mix {
    fn of(bytes: &[u8]) -> Self {
        // Four counters of a byte's width in one word; a value is too short for them to overflow.
        let sum = bytes.iter().fold(0_u32, |sum, byte| {
            sum + KINDS.get(usize::from(*byte)).copied().unwrap_or(0)
        });
        let [digits, letters, joints, signs] = sum.to_le_bytes().map(u32::from);
        Self {
            digits,
            letters,
            joints,
            signs,
        }
    }
}

/// One in the counter of each byte's kind.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where iterators cannot be"
)]
const KINDS: [u32; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < kinds.len() {
        kinds[byte] = match byte as u8 {
            b'0'..=b'9' => 1,
            b'a'..=b'z' | b'A'..=b'Z' => 1 << 8,
            b'.' | b'_' | b'-' | b'/' | b':' => 1 << 16,
            b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'+' | b'?' | b'~' | b'=' => 1 << 24,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// Whether this is a password, and no word, reference or name.
pub(crate) fn is_password(bytes: &[u8], quoted: bool) -> bool {
    if !(6..PASSWORD_BYTES_MAX).contains(&bytes.len()) {
        return false;
    }
    let Mix {
        digits,
        letters,
        joints,
        signs: special,
    } = Mix::of(bytes);
    // `self.password2`, `user_1`, `step-2`: names of things.
    let named = special == 0 && joints > 0;
    let chosen = match () {
        () if special > 0 => letters + digits >= 4 && (digits > 0 || !bytes.contains(&b'/')),
        () if named => letters >= 2 && digits >= 4,
        () if quoted && digits == 0 => is_chosen_word(bytes),
        () if quoted => digits >= 1,
        () => digits >= 2,
    };
    // What is cheap to tell comes first.
    chosen && letters + digits > 0 && is_distinct(bytes, 4) && !refers(bytes) && !is_placeholder(bytes)
}

/// Whether this stands for a value that is elsewhere: `${NAME}`, `{{ name }}`, `/run/name`, `***`.
fn refers(bytes: &[u8]) -> bool {
    const FIRST: Class = Class::of("${<[*#(%/.@&+=-");
    const PARTS: [&[u8]; 7] = [b"${", b"{{", b"$(", b"%(", b"#{", b"://", b"***"];
    bytes.first().is_some_and(|first| FIRST.has(*first))
        || bytes.iter().enumerate().any(|(at, byte)| {
            matches!(byte, b'$' | b'{' | b'%' | b'#' | b':' | b'*')
                && PARTS
                    .iter()
                    .any(|part| bytes.get(at..).is_some_and(|here| here.starts_with(part)))
        })
}

/// What forms, type names and messages assign to passwords.
const NO_PASSWORDS: [&str; 22] = [
    "password",
    "passwd",
    "required",
    "optional",
    "disabled",
    "enabled",
    "username",
    "undefined",
    "plaintext",
    "encrypted",
    "protected",
    "invalid",
    "incorrect",
    "missing",
    "forgot",
    "secret",
    "string",
    "current",
    "confirm",
    "unchanged",
    "default",
    "credential",
];

/// Whether small letters alone are a password that somebody chose: long enough, and none of the words that
/// stand there in code.
fn is_chosen_word(bytes: &[u8]) -> bool {
    bytes.len() >= 8
        && bytes.iter().all(u8::is_ascii_lowercase)
        && !NO_PASSWORDS.iter().any(|word| bytes.starts_with(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(rest: &str) -> Option<&str> {
        match read(rest.as_bytes(), true, is_password) {
            Read::Value(start, end) => rest.get(start..end),
            Read::Nothing | Read::Rejected(..) | Read::Wait => None,
        }
    }

    #[test]
    fn passwords_are_read_with_and_without_quotes() {
        assert_eq!(value(" = \"Tr0ub4dor&3\";"), Some("Tr0ub4dor&3"));
        assert_eq!(value("=s3cret99;Database=app"), Some("s3cret99"));
        assert_eq!(value("\": \"su$ecret\","), Some("su$ecret"));
        assert_eq!(value("_PROD=9c8d7e6f"), Some("9c8d7e6f"));
        assert_eq!(value(" is 'Secret123'"), Some("Secret123"));
        assert_eq!(value(" was Tr0ub4dor!3 once"), Some("Tr0ub4dor!3"));
        assert_eq!(value(" = \"correcthorse\""), Some("correcthorse"));
    }

    #[test]
    fn words_references_and_names_are_none() {
        for rest in [
            "s = \"Tr0ub4dor&3\"",
            " Tr0ub4dor",
            " is required",
            " issue 12345",
            " reset4you",
            " = \"required\"",
            " = \"PasswordField\"",
            " = \"string\"",
            "=$DB_PASSWORD1",
            ": ${PASSWORD_1}",
            " = config.password2",
            "Field1 = id",
            "_file = \"/run/secrets/db1\"",
            "=********",
            "=%s",
            " = get1234(x)",
            "=/home/user1",
            ": \"your-password1\"",
        ] {
            assert_eq!(value(rest), None, "{rest}");
        }
    }
}
