//! One pass over a folded text that says which readings are worth making. Never makes one.

use std::ops::Range;
use std::sync::LazyLock;

/// Words that ordinary text of any length holds, in the languages that attacks are written in most, and
/// those that attacks hold; long enough to be no accident when they are turned.
const WORDS: &str = "the and you your for with that this not are all what ignore previous instructions \
    instruction prompt system say tell print repeat above prior disregard forget reveal output following \
    rules from now only have been user write password secret how can would about should they which there \
    please their will when make into time just know people some could them other than then der die und \
    nicht alle anweisungen ist das ein eine les des vous est pour dans instructions toutes los las que para \
    una instrucciones todas";

/// Bits of a small filter for hashes of words.
const FILTER_BITS: u32 = 1 << 13;

struct Turned {
    plain: Filter,
    reversed: Filter,
    rot13: Filter,
}

#[derive(Default)]
struct Filter {
    bits: Vec<u64>,
    hashes: Vec<u32>,
}

impl Filter {
    fn of(words: impl Iterator<Item = Vec<u8>>) -> Self {
        let mut hashes: Vec<u32> = words.map(|word| hash(&word)).collect();
        hashes.sort_unstable();
        let mut bits = vec![0_u64; FILTER_BITS as usize / 64];
        for hash in &hashes {
            if let Some(bits) = bits.get_mut((hash % FILTER_BITS / 64) as usize) {
                *bits |= 1 << (hash % 64);
            }
        }
        Self { bits, hashes }
    }

    fn has(&self, hash: u32) -> bool {
        let maybe = self
            .bits
            .get((hash % FILTER_BITS / 64) as usize)
            .is_some_and(|bits| bits >> (hash % 64) & 1 == 1);
        maybe && self.hashes.binary_search(&hash).is_ok()
    }
}

static TURNED: LazyLock<Turned> = LazyLock::new(|| {
    let plain: Vec<&str> = WORDS.split_whitespace().collect();
    // What is a word either way tells nothing: "not" and "ton", "are" and "era".
    let words = |turn: fn(u8) -> u8, backwards: bool| {
        plain.iter().filter_map(move |word| {
            let mut turned: Vec<u8> = word.bytes().map(turn).collect();
            if backwards {
                turned.reverse();
            }
            let also_plain = [
                "ton", "era", "saw", "nac", "wen", "los", "sol", "emit", "ekam", "won",
            ]
            .iter()
            .any(|other| other.as_bytes() == turned);
            (!also_plain).then_some(turned)
        })
    };
    Turned {
        plain: Filter::of(plain.iter().map(|word| word.as_bytes().to_vec())),
        reversed: Filter::of(words(|byte| byte, true)),
        rot13: Filter::of(words(rot13, false)),
    }
});

/// Letters in a row longer than this are several words.
const WORD_LETTERS_MAX: usize = 14;
/// The longest word of the list.
const LISTED_LETTERS_MAX: usize = 13;

/// Sets the words of the list apart in letters that have no spaces, the longest first.
pub(super) fn apart(letters: &str) -> String {
    if letters.len() <= WORD_LETTERS_MAX {
        return letters.to_owned();
    }
    let listed = &TURNED.plain;
    let mut out = String::with_capacity(letters.len() * 2);
    let mut rest = letters;
    while let Some(first) = rest.chars().next() {
        let (mut seen, mut longest) = (SEED, None);
        for (index, byte) in rest.bytes().take(LISTED_LETTERS_MAX).enumerate() {
            seen = mix(seen, byte.to_ascii_lowercase());
            if index >= 2 && listed.has(seen) {
                longest = rest.get(..=index);
            }
        }
        if let Some(word) = longest {
            out.extend([" ", word, " "]);
        } else {
            out.push(first);
        }
        rest = rest
            .get(longest.map_or(first.len_utf8(), str::len)..)
            .unwrap_or_default();
    }
    out
}

/// The letter thirteen places on; other bytes stay.
pub(super) const fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'm' | b'A'..=b'M' => byte + 13,
        b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
        other => other,
    }
}

fn hash(word: &[u8]) -> u32 {
    word.iter().fold(SEED, |hash, byte| mix(hash, *byte))
}

const SEED: u32 = 0x811C_9DC5;

const fn mix(hash: u32, byte: u8) -> u32 {
    (hash ^ (byte as u32)).wrapping_mul(0x0100_0193)
}

/// Which readings a text shows signs of.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each sign is independent of the others"
)]
pub(super) struct Signs {
    pub(super) runs: bool,
    /// Where groups stand in a row, from the first to the last.
    pub(super) groups: Option<Range<usize>>,
    pub(super) escapes: bool,
    /// Where letters stand apart, from the first to the last.
    pub(super) spaced: Option<Range<usize>>,
    pub(super) markup: bool,
    pub(super) reversed: bool,
    pub(super) rot13: bool,
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const SPACE: u8 = 3;
const ESCAPE: u8 = 4;
const CODE: u8 = 5;
const OTHER: u8 = 0;

static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    #[expect(clippy::indexing_slicing, reason = "at compile time")]
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => LETTER,
            b'0'..=b'9' => DIGIT,
            b' ' | b'\n' | b'\t' | b'\r' => SPACE,
            b'%' | b'&' | b'\\' => ESCAPE,
            b'+' | b'/' | b'=' => CODE,
            _ => OTHER,
        };
        byte += 1;
    }
    table
}

/// Looks once at every byte.
pub(super) fn signs(text: &str) -> Signs {
    let turned = &*TURNED;
    let mut signs = Signs::default();
    let (mut reversed, mut rot13) = (Close::default(), Close::default());
    let mut words = 0_usize;
    // Of the word at hand: its hash and length. Of the run of letters, digits and code signs: its length.
    let (mut word, mut letters, mut run) = (SEED, 0_usize, 0_usize);
    // How many words of a single letter stand in a row, and groups of digits or signs.
    let (mut singles, mut groups) = (0_usize, 0_usize);
    let mut separators = 0_usize;
    // Where the single letters or digits at hand began, and where the row of groups.
    let (mut apart, mut row) = (None, 0_usize);
    for (at, byte) in text.bytes().chain(std::iter::once(b' ')).enumerate() {
        let class = CLASS.get(usize::from(byte)).copied().unwrap_or(OTHER);
        match class {
            LETTER => {
                word = mix(word, byte.to_ascii_lowercase());
                letters += 1;
                run += 1;
                continue;
            }
            DIGIT | CODE => run += 1,
            _ => {
                signs.runs |= run >= ENCODED_RUN;
                if run == 1 {
                    // Digits may stand for letters, and alone are numbers.
                    singles += letters;
                    separators = 0;
                    let from = *apart.get_or_insert(at.saturating_sub(1));
                    if singles >= SINGLES {
                        signs.spaced.get_or_insert(from..at).end = at;
                    }
                } else if run > 1 {
                    groups = if letters <= 2 { groups + 1 } else { 0 };
                    if groups == 1 {
                        row = at - run;
                    }
                    if groups >= GROUPS {
                        signs.groups.get_or_insert(row..at).end = at;
                    }
                    singles = 0;
                    apart = None;
                    separators = 0;
                } else {
                    separators += 1;
                    if separators > 3 && !matches!(byte, b'.' | b'-' | b' ') {
                        singles = 0;
                        apart = None;
                    }
                }
                run = 0;
                signs.escapes |= class == ESCAPE;
                signs.markup |= byte == b'<' || byte == b'[';
                if matches!(byte, b'.' | b'-') && separators >= 3 {
                    signs.groups.get_or_insert(at + 1 - separators..at).end = at + 1;
                }
            }
        }
        if letters > 0 {
            words += 1;
        }
        if letters >= 3 {
            if turned.reversed.has(word) {
                reversed.at(words, word);
            }
            if turned.rot13.has(word) {
                rot13.at(words, word);
            }
        }
        word = SEED;
        letters = 0;
    }
    signs.reversed = reversed.met;
    signs.rot13 = rot13.met;
    signs
}

/// Whether two words stand close to each other somewhere. One may be met in any text by accident, and two far apart.
#[derive(Default)]
struct Close {
    last: Option<(usize, u32)>,
    met: bool,
}

impl Close {
    fn at(&mut self, place: usize, word: u32) {
        let near = |(before, other): (usize, u32)| place - before <= CLOSE_WORDS && other != word;
        self.met |= self.last.is_some_and(near);
        self.last = Some((place, word));
    }
}

/// A run of this many characters may be an encoding: twelve bytes in base64.
pub(super) const ENCODED_RUN: usize = 16;
/// This many groups in a row may be codes of characters.
const GROUPS: usize = 6;
/// This many single letters in a row are spaced out.
const SINGLES: usize = 5;
/// Turned words this close to each other are no accident.
const CLOSE_WORDS: usize = 8;
