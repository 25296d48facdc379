//! Tells generated values from words, names, versions and placeholders. Looks at a bounded stretch only.

use crate::check::{is_distinct, varied};
use crate::pairs::is_common_pair;

/// The shortest value without a form of its own that can be told from a word.
const GENERATED_BYTES_MIN: usize = 16;

/// Whether a value behind the name of a secret is one: generated, and no filler, name or version.
pub(crate) fn generated(bytes: &[u8]) -> bool {
    let digits = count(bytes, u8::is_ascii_digit);
    let letters = count(bytes, u8::is_ascii_alphabetic);
    let long_enough = bytes.len() >= GENERATED_BYTES_MIN && letters + digits >= GENERATED_BYTES_MIN - 1;
    let (least, words) = if digits == 0 { (10, 30) } else { (7, 45) };
    // What is cheap to tell comes first.
    long_enough
        && letters >= 2
        && is_distinct(bytes, least)
        && !wordy(bytes, words)
        && varied(bytes)
        && !is_public_form(bytes)
        && !is_google_key(bytes)
        && !is_placeholder(bytes)
}

/// Whether there is an unbroken stretch of letters and digits such as few words have, or a UUID: what a
/// value needs that has no sign of assignment before it.
pub(crate) fn solid(bytes: &[u8]) -> bool {
    let stretch = bytes
        .split(|byte| !byte.is_ascii_alphanumeric())
        .any(|part| part.len() >= GENERATED_BYTES_MIN && part.iter().any(u8::is_ascii_digit));
    (stretch && !bytes.contains(&b'.')) || is_uuid(bytes)
}

/// Whether this is 32 letters and digits in the groups of a UUID.
pub(crate) fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_alphanumeric(),
        })
        && bytes.iter().any(u8::is_ascii_digit)
        && is_distinct(bytes, 6)
}

fn count(bytes: &[u8], is: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().filter(|byte| is(byte)).count()
}

/// Whether most of the bytes are letters that stand together as they do in words: of their pairs, at
/// least this percentage is common.
fn wordy(bytes: &[u8], percent: usize) -> bool {
    let (mut pairs, mut common) = (0, 0);
    for pair in bytes.windows(2) {
        // Words change case at their beginning alone.
        if let [a, b] = pair
            && a.is_ascii_alphabetic()
            && (b.is_ascii_lowercase() || a.is_ascii_uppercase() && b.is_ascii_uppercase())
        {
            pairs += 1;
            common += usize::from(is_common_pair(a.to_ascii_lowercase(), b.to_ascii_lowercase()));
        }
    }
    pairs >= 4 && pairs * 5 >= bytes.len() * 2 && common * 100 >= pairs * percent
}

/// Parts of what people write where a secret would stand.
const PLACEHOLDERS: [&str; 20] = [
    "example",
    "placeholder",
    "xxxx",
    "your-",
    "your_",
    "yourapi",
    "yourkey",
    "yourtoken",
    "yoursecret",
    "changeme",
    "change-me",
    "change_me",
    "dummy",
    "redacted",
    "replace",
    "-here",
    "_here",
    "insert",
    "....",
    "----",
];

/// Whether this is, or contains, what people write instead of a secret.
pub(crate) fn is_placeholder(bytes: &[u8]) -> bool {
    let begins = |at: usize| {
        let here = bytes.get(at..).unwrap_or_default();
        PLACEHOLDERS.iter().any(|word| {
            here.get(..word.len())
                .is_some_and(|here| here.eq_ignore_ascii_case(word.as_bytes()))
        })
    };
    // Few beginnings are one of theirs.
    let mut starts = bytes.windows(STEM_BYTES).enumerate();
    bytes.ends_with(b"..") || starts.any(|(at, stem)| is_stem(stem) && begins(at))
}

/// All placeholders have so many bytes.
const STEM_BYTES: usize = 4;

/// Whether a placeholder may begin with these bytes, in any case: says yes too often.
#[inline]
fn is_stem(stem: &[u8]) -> bool {
    const STEMS: [u64; 4] = stems();
    let Some(stem) = stem.first_chunk::<STEM_BYTES>() else {
        return false;
    };
    let place = stem_place(*stem);
    STEMS
        .get(place / 64)
        .is_some_and(|bits| (bits >> (place % 64)) & 1 == 1)
}

const fn stem_place(stem: [u8; STEM_BYTES]) -> usize {
    let folded = u32::from_le_bytes(stem) | 0x2020_2020;
    (folded.wrapping_mul(0x9E37_79B1) >> 24) as usize
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where iterators cannot be"
)]
const fn stems() -> [u64; 4] {
    let mut stems = [0; 4];
    let mut at = 0;
    while at < PLACEHOLDERS.len() {
        if let Some(stem) = PLACEHOLDERS[at].as_bytes().first_chunk::<STEM_BYTES>() {
            let place = stem_place(*stem);
            stems[place / 64] |= 1 << (place % 64);
        }
        at += 1;
    }
    stems
}

/// Whether `word`, in small letters, is in `bytes` in any case.
pub(crate) fn contains(bytes: &[u8], word: &str) -> bool {
    bytes
        .windows(word.len())
        .any(|here| here.eq_ignore_ascii_case(word.as_bytes()))
}

/// Forms of what is not secret: digests of packages, paths, file names, versions, public keys.
fn is_public_form(bytes: &[u8]) -> bool {
    let starts = |words: &[&str]| words.iter().any(|word| bytes.starts_with(word.as_bytes()));
    let last = bytes.last().copied();
    let ends = |words: &[&str]| {
        let mut alike = words
            .iter()
            .filter(|word| word.as_bytes().last().copied() == last);
        alike.any(|word| bytes.ends_with(word.as_bytes()))
    };
    starts(&[
        "sha1-", "sha256-", "sha384-", "sha512-", "ssh-", "/", "./", "../", "pk.",
    ]) || ends(&[
        ".js",
        ".ts",
        ".py",
        ".json",
        ".yaml",
        ".yml",
        ".pem",
        ".crt",
        ".cer",
        ".key",
        ".txt",
        ".md",
        ".png",
        ".tgz",
        ".com",
        ".org",
        ".net",
        ".io",
        ".html",
        ".internal",
        ".local",
        "-SNAPSHOT",
    ]) || dotted_names(bytes)
        || ends_in_version(bytes)
        || is_alphabet(bytes)
}

/// Whether this is a key of Google's: it has a form, and the rule of that knows which are public.
pub(crate) fn is_google_key(bytes: &[u8]) -> bool {
    const KEY_BYTES: usize = 39;
    bytes.len() == KEY_BYTES && bytes.starts_with(b"AIza")
}

/// Whether a version ends this, as it ends the names of packages: `jackson-0.11.2`.
fn ends_in_version(bytes: &[u8]) -> bool {
    let is_version = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let before = bytes.iter().rposition(|byte| !is_version(byte));
    let version = bytes.get(before.map_or(0, |at| at + 1)..).unwrap_or_default();
    let joined = before.and_then(|at| bytes.get(at));
    version.contains(&b'.') && matches!(joined, Some(b'-' | b'_' | b'v' | b'/'))
}

/// Whether this is an alphabet that an encoding is defined by.
fn is_alphabet(bytes: &[u8]) -> bool {
    contains_exactly(bytes, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        || contains_exactly(bytes, b"0123456789abcdefghijklmnopqrstuvwxyz")
}

fn contains_exactly(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|here| here == part)
}

/// Whether the bytes are names with dots between them: `process.env.KEY_2`, `module.sub1.Type`.
fn dotted_names(bytes: &[u8]) -> bool {
    if !bytes.contains(&b'.') {
        return false;
    }
    let parts = bytes.split(|&byte| byte == b'.');
    let named = parts
        .clone()
        .all(|part| part.first().is_some_and(u8::is_ascii_alphabetic) && part.len() < 24);
    named && parts.count() >= 3
}

/// Ends of names that do not hold the secret itself: `token_type`, `SECRET_NAME`, `key_path`.
const OTHER_ENDS: [&str; 40] = [
    "id",
    "ids",
    "name",
    "names",
    "file",
    "path",
    "url",
    "uri",
    "type",
    "length",
    "len",
    "size",
    "count",
    "limit",
    "max",
    "min",
    "version",
    "vault",
    "field",
    "arn",
    "ref",
    "alg",
    "algorithm",
    "expiry",
    "expires",
    "ttl",
    "format",
    "prefix",
    "selector",
    "label",
    "usage",
    "store",
    "pair",
    "chars",
    "index",
    "endpoint",
    "hash",
    "digest",
    "fingerprint",
    "checksum",
];

/// Whether `word` ends the text, as a word of its own or a part that a capital begins.
pub(crate) fn ends_in_word(text: &[u8], word: &str) -> bool {
    let parts = text
        .len()
        .checked_sub(word.len())
        .and_then(|at| text.split_at_checked(at));
    parts.is_some_and(|(before, end)| {
        let joined = before.last().is_some_and(u8::is_ascii_alphabetic);
        let begun = before.last().is_some_and(u8::is_ascii_lowercase)
            && end.first().is_some_and(u8::is_ascii_uppercase);
        end.eq_ignore_ascii_case(word.as_bytes()) && (!joined || begun)
    })
}

/// Whether the name of a secret that goes on like this still names one.
pub(crate) fn continues_name(token: &[u8]) -> bool {
    let worded = token
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    let last = token.last().map(u8::to_ascii_lowercase);
    let mut alike = OTHER_ENDS.iter().filter(|end| end.bytes().last() == last);
    worded && !alike.any(|end| ends_in_word(token, end))
}

/// Words that stand between the name of a secret and the secret.
const LEADING: [&str; 45] = [
    "key",
    "keys",
    "token",
    "secret",
    "access",
    "private",
    "api",
    "api_key",
    "api-key",
    "apikey",
    "code",
    "auth",
    "bearer",
    "basic",
    "is",
    "was",
    "are",
    "for",
    "to",
    "the",
    "my",
    "our",
    "this",
    "value",
    "default",
    "of",
    "as",
    "use",
    "using",
    "with",
    "account",
    "live",
    "prod",
    "production",
    "client",
    "user",
    "app",
    "password",
    "login",
    "id_token",
    "access_token",
    "string",
    "str",
    "env",
    "set",
];

/// Whether a value may still follow behind this word: it leads to one, or is what is called or named
/// first (`os.getenv('NAME', '…')`).
pub(crate) fn leads_to_value(word: &[u8], signed: bool, next: Option<u8>) -> bool {
    let known = LEADING
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    let named = word
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    let passes_on = matches!(next, Some(b'(' | b'\'' | b'"' | b','));
    known || (signed && named && passes_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_is_known_by_its_beginning() {
        for word in PLACEHOLDERS {
            assert!(is_placeholder(word.as_bytes()), "{word}");
            assert!(
                is_placeholder(format!("9k{}7", word.to_uppercase()).as_bytes()),
                "{word}"
            );
        }
        assert!(!is_placeholder(b"k9Qz7LmN2pRtVw8sXb4d"));
    }

    #[test]
    fn generated_values_are_told_from_words_and_versions() {
        for value in [
            "k9Qz7LmN2pRtVwXy",
            "951bc382db9abad29c68634761dd6e19",
            "4b18315e-6b7d-4337-b449-5d38f5a189ec",
            "vzqhlaqwknrxqlhtzvbn",
            "lm12no34pq56rs78tu90vw12xy34za56",
        ] {
            assert!(generated(value.as_bytes()), "{value}");
        }
        for value in [
            "my-application-secret-1",
            "production_database_password2",
            "12345678901234567890",
            "xxxxxxxxxxxxxxxxxxxxxxxx1",
            "your-api-key-goes-here-123",
            "AKIAIOSFODNN7EXAMPLE",
            "sha512-oIPzksmTg4MriiaYGO9okXDT7ztn",
            "process.env.SECRET_TOKEN_2",
            "https.example.v1.com",
            "short1",
        ] {
            assert!(!generated(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn without_a_sign_a_value_must_be_in_one_piece() {
        assert!(solid(b"951bc382db9abad29c68634761dd6e19"));
        assert!(solid(b"4b18315e-6b7d-4337-b449-5d38f5a189ec"));
        assert!(!solid(b"v0.0.0-20200512144102-f13ba8f2f2fd"));
        assert!(!solid(b"1.0-py3-none-any.whl"));
        assert!(!solid(b"internationalization"));
    }

    #[test]
    fn names_of_other_things_are_not_names_of_secrets() {
        assert!(continues_name(b"prod") && continues_name(b"Value") && continues_name(b"2"));
        assert!(!continues_name(b"id") && !continues_name(b"SecretName") && !continues_name(b"a/b"));
    }
}
