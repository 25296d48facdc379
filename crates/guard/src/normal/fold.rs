//! Folds what looks or reads alike into one spelling. Never changes ASCII.
//!
//! Letters of other scripts that look Latin become Latin, whatever the language: a list of words that
//! is to be found in folded text is folded too ([`fold_word`]).

use std::borrow::Cow;
use std::sync::LazyLock;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};
use unicode_security::confusable_detection::skeleton;

use super::map::{Map, Pieces};
use super::{Found, Via};

/// Below this, what becomes of a character is looked up.
const TABLE_END: u32 = 0x3000;
/// In the table: the character stays, goes, or is worked out; else the ASCII character it becomes.
const STAYS: u8 = 0;
const GOES: u8 = 1;
const WORKED_OUT: u8 = 2;

static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    (0..TABLE_END)
        .map(|code| char::from_u32(code).map_or(STAYS, entry))
        .collect()
});

fn entry(c: char) -> u8 {
    if invisible(c) {
        return GOES;
    }
    let mut out = String::new();
    work_out(c, &mut out);
    let mut chars = out.chars();
    match (chars.next(), chars.next()) {
        (None, _) => GOES,
        (Some(only), None) if only == c => STAYS,
        (Some(only), None) if only.is_ascii() => only as u8,
        _ => WORKED_OUT,
    }
}

/// Han, Kana, Hangul and what is beyond have no Latin lookalikes, and working that out costs.
const fn beyond(c: char) -> u8 {
    match c as u32 {
        // Whole phrases of Arabic in one character: up to eighteen letters each.
        0x3040..=0xD7FF | 0xFDF0..=0xFDFD | 0x20000..=0xDFFFF => STAYS,
        _ => WORKED_OUT,
    }
}

/// A folded text, and the texts that were hidden in what is not shown.
pub(crate) struct Folded<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) map: Map,
    pub(crate) found: Vec<Found>,
}

/// Folds a text; one in ASCII comes back as it is.
pub(crate) fn fold(text: Cow<'_, str>) -> Folded<'_> {
    if text.is_ascii() {
        return Folded {
            text,
            map: Map::Same,
            found: Vec::new(),
        };
    }
    let mut out = String::with_capacity(text.len());
    let mut pieces = Pieces::default();
    let mut unseen = Unseen::default();
    let table = &*TABLE;
    let mut shifted = false;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = ascii_run(rest.as_bytes());
        if plain > 0 {
            if shifted {
                pieces.note(out.len(), at);
                shifted = false;
            }
            out.push_str(rest.get(..plain).unwrap_or_default());
            at += plain;
            continue;
        }
        let Some(c) = rest.chars().next() else { break };
        pieces.note(out.len(), at);
        shifted = true;
        match table.get(c as usize).copied().unwrap_or_else(|| beyond(c)) {
            STAYS => out.push(c),
            GOES => {}
            WORKED_OUT => {
                if !unseen.take(c, out.len()) {
                    work_out(c, &mut out);
                }
            }
            ascii => out.push(char::from(ascii)),
        }
        at += c.len_utf8();
    }
    pieces.note(out.len(), text.len());
    Folded {
        text: Cow::Owned(out),
        map: pieces.map(),
        found: unseen.found(),
    }
}

/// Appends what a character becomes; what spells in characters that are not shown goes.
pub(crate) fn fold_char(c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(c);
        return;
    }
    match TABLE.get(c as usize).copied().unwrap_or_else(|| beyond(c)) {
        STAYS => out.push(c),
        GOES => {}
        WORKED_OUT if unseen(c) => {}
        WORKED_OUT => work_out(c, out),
        ascii => out.push(char::from(ascii)),
    }
}

/// Folds a text of which only the folded form matters.
pub(crate) fn fold_text(text: &str) -> Cow<'_, str> {
    fold(Cow::Borrowed(text)).text
}

/// How many bytes of ASCII these begin with.
fn ascii_run(bytes: &[u8]) -> usize {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let eights = bytes.as_chunks::<8>().0.iter();
    let plain = eights
        .take_while(|eight| u64::from_le_bytes(**eight) & HIGH == 0)
        .count()
        * 8;
    let rest = bytes.get(plain..).unwrap_or_default();
    plain + rest.iter().take_while(|byte| byte.is_ascii()).count()
}

/// Folds a word of a list as text is folded, and lowers it.
pub(crate) fn fold_word(word: &str) -> String {
    fold(Cow::Borrowed(word)).text.to_ascii_lowercase()
}

/// Text spelt in characters that are not shown, with where its place is in the folded text.
#[derive(Default)]
struct Unseen {
    tags: String,
    bytes: Vec<u8>,
    at: usize,
}

impl Unseen {
    fn take(&mut self, c: char, folded: usize) -> bool {
        let code = c as u32;
        match code {
            0xE0000..=0xE007F => {
                if let Some(ascii) = u8::try_from(code - 0xE0000)
                    .ok()
                    .filter(|byte| (0x20..0x7F).contains(byte))
                {
                    self.begin(folded);
                    self.tags.push(char::from(ascii));
                }
            }
            0xFE00..=0xFE0F => self.selector(code - 0xFE00, folded),
            0xE0100..=0xE01EF => self.selector(code - 0xE0100 + 16, folded),
            _ => return false,
        }
        true
    }

    fn selector(&mut self, value: u32, folded: usize) {
        self.begin(folded);
        self.bytes.extend(u8::try_from(value).ok());
    }

    fn begin(&mut self, folded: usize) {
        if self.tags.is_empty() && self.bytes.is_empty() {
            self.at = folded;
        }
    }

    fn found(self) -> Vec<Found> {
        let mut found = Vec::new();
        let at = self.at;
        // Flags are a few tags after a black flag; emoji are followed by one selector.
        if self.tags.len() > 6 {
            found.push(Found::whole(self.tags, Via::Tags, at..at));
        }
        let spelt = String::from_utf8(self.bytes).ok().filter(|text| readable(text));
        if let Some(text) = spelt {
            found.push(Found::whole(text, Via::Selectors, at..at));
        }
        found
    }
}

/// Whether decoded text is text: long enough, and letters more than anything else.
pub(super) fn readable(text: &str) -> bool {
    let (mut all, mut letters, mut odd) = (0_usize, 0_usize, 0_usize);
    for c in text.chars() {
        all += 1;
        letters += usize::from(c.is_alphabetic() || c == ' ' || unseen(c));
        odd += usize::from(c.is_control() && !c.is_ascii_whitespace());
    }
    all >= 4 && odd == 0 && letters * 3 >= all * 2
}

/// Not shown, or only there to spell what is not shown.
fn unseen(c: char) -> bool {
    invisible(c) || matches!(u32::from(c), 0xFE00..=0xFE0F | 0xE0000..=0xE01EF)
}

fn invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164 | 0xFEFF | 0xFFA0 | 0xFFF9..=0xFFFB)
}

fn work_out(c: char, out: &mut String) {
    if invisible(c) {
        return;
    }
    if let Some(letter) = boxed(c) {
        out.push(letter);
        return;
    }
    decompose_compatible(c, |part| {
        if part.is_ascii() {
            out.push(part);
        } else if !is_combining_mark(part) {
            look_alike(part, out);
        }
    });
}

/// Letters in circles and boxes that have no compatibility form, and flags.
fn boxed(c: char) -> Option<char> {
    let code = u32::from(c);
    [0x1F150, 0x1F170, 0x1F1E6]
        .into_iter()
        .find(|start| (*start..start + 26).contains(&code))
        .and_then(|start| char::from_u32(u32::from('a') + code - start))
}

fn look_alike(c: char, out: &mut String) {
    if u32::from(c) >= TABLE_END {
        out.push(c);
        return;
    }
    // The small form first: a capital I of any script looks like a small l, and is none.
    let small = c.to_lowercase().next().unwrap_or(c);
    match own(c)
        .or_else(|| own(small))
        .map(str::to_owned)
        .or_else(|| latin(small))
    {
        Some(shape) => out.push_str(&shape),
        None => out.push(small),
    }
}

/// The Latin letters or digits that a character looks like.
fn latin(c: char) -> Option<String> {
    let mut buffer = [0_u8; 4];
    let shape: String = skeleton(c.encode_utf8(&mut buffer))
        .filter(|part| !is_combining_mark(*part))
        .collect();
    (!shape.is_empty() && shape.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(shape)
}

/// What looks alike in running text though the Unicode tables keep it apart.
fn own(c: char) -> Option<&'static str> {
    Some(match c {
        'ε' | 'є' | 'Є' | 'ɛ' | '€' | 'Ɛ' | 'ǝ' => "e",
        'ν' => "v",
        'η' | 'п' | 'ɴ' | 'Ν' => "n",
        'Υ' => "y",
        'Ζ' => "z",
        'Μ' => "m",
        'τ' | 'т' | 'Т' | 'ᴛ' => "t",
        'κ' | 'к' | 'К' | 'ᴋ' => "k",
        'χ' => "x",
        'β' | 'в' | 'В' | 'ʙ' | 'ь' => "b",
        'н' | 'Н' | 'ʜ' | 'Η' => "h",
        'м' | 'М' | 'ᴍ' => "m",
        'г' | 'ʀ' => "r",
        'ß' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ᴀ' => "a",
        'ᴄ' => "c",
        'ᴅ' => "d",
        'ᴇ' => "e",
        'ꜰ' => "f",
        'ɢ' | 'ɡ' => "g",
        'ɪ' | 'ι' | 'ı' => "i",
        'ᴊ' => "j",
        'ʟ' => "l",
        'ᴏ' => "o",
        'ᴘ' => "p",
        'ꜱ' => "s",
        'ᴜ' => "u",
        'ᴠ' => "v",
        'ᴡ' | 'ω' => "w",
        'ʏ' => "y",
        'ᴢ' => "z",
        '‘' | '’' | 'ʼ' | '′' => "'",
        '“' | '”' | '„' | '«' | '»' => "\"",
        '‐'..='―' => "-",
        '。' => ".",
        '，' | '、' => ",",
        '：' => ":",
        _ => return None,
    })
}
