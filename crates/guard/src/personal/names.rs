//! Names of people: behind words that announce one, or by lists of given names and surnames that are common in census
//! data. Never says that a lone word is a name.

use crate::personal::text::{Text, Word, hash_of, word_at};
use crate::personal::words::{Known, Words, part};

/// Common names, in small letters. Where they are from is said in the files.
const GIVEN: &str = include_str!("lists/given.txt");
const SURNAMES: &str = include_str!("lists/surnames.txt");

/// A name has no more words.
const WORDS_MAX: usize = 5;

/// The lists, by hash.
pub(crate) struct Lists {
    /// A power of two of places: the lower bits of a hash, and one bit each for given names and surnames.
    places: Vec<u32>,
}

const PLACES: usize = 65_536;
const IS_GIVEN: u32 = 1;
const IS_SURNAME: u32 = 2;
const NAME: u32 = 3;

impl Lists {
    pub(crate) fn new() -> Self {
        let mut lists = Self {
            places: vec![0; PLACES],
        };
        for (list, bit) in [(GIVEN, IS_GIVEN), (SURNAMES, IS_SURNAME)] {
            for name in list.lines().filter(|line| !line.starts_with('#')) {
                let hash = hash_of(name);
                let place = lists.place(hash);
                if let Some(slot) = lists.places.get_mut(place) {
                    *slot = (hash as u32 & !NAME) | (*slot & NAME) | bit;
                }
            }
        }
        lists
    }

    fn place(&self, hash: u64) -> usize {
        let mut place = (hash >> 40) as usize % PLACES;
        while self
            .places
            .get(place)
            .is_some_and(|there| *there != 0 && *there & !NAME != hash as u32 & !NAME)
        {
            place = (place + 1) % PLACES;
        }
        place
    }

    fn bits(&self, hash: u64) -> u32 {
        self.places.get(self.place(hash)).copied().unwrap_or(0) & NAME
    }

    pub(crate) fn is_given(&self, hash: u64) -> bool {
        self.bits(hash) & IS_GIVEN != 0
    }

    fn is_name(&self, hash: u64) -> bool {
        self.bits(hash) != 0
    }
}

/// A name as it stands in a text.
pub(crate) struct Named {
    pub(crate) end: usize,
    /// How many words with capitals it has.
    pub(crate) words: usize,
    /// How many of them are on the lists.
    pub(crate) listed: usize,
    /// The last of them is.
    pub(crate) last_listed: bool,
}

/// The name that begins with `word`: words with capitals, initials and particles, on one line.
pub(crate) fn name(
    text: &Text<'_>,
    words: &Words,
    lists: &Lists,
    first: &Word,
    known: Known,
) -> Option<Named> {
    let (mut word, mut known) = (*first, known);
    let mut named = Named {
        end: first.start,
        words: 0,
        listed: 0,
        last_listed: false,
    };
    for _ in 0..WORDS_MAX + 2 {
        let particle = named.words > 0 && known.does(part::PARTICLE) && !word.capital;
        let initial = word.len() == 1 && word.capital && text.at(word.end) == b'.';
        let alone = known.does(part::NO_NAME | part::UNIT) && !lists.is_name(word.hash);
        if !particle
            && (!(word.is_name_like() || initial)
                || alone
                || (known.does(part::NO_NAME) && named.words == 0 && !known.does(part::PARTICLE)))
        {
            break;
        }
        if !particle {
            named.end = word.end + usize::from(initial);
            named.words += 1;
            named.last_listed = lists.is_name(word.hash);
            named.listed += usize::from(named.last_listed);
        }
        if named.words == WORDS_MAX {
            break;
        }
        let mut next =
            word.end + usize::from(initial || (text.at(word.end) == b'.' && known.does(part::TITLE)));
        match text.at(next) {
            b'-' | b'\'' => next += 1,
            0xE2 if text.at(next + 1) == 0x80 && text.at(next + 2) == 0x99 => next += 3,
            b' ' => next += 1,
            _ => break,
        }
        let byte = text.at(next);
        if !(byte.is_ascii_alphabetic() || byte >= 0xC3) {
            break;
        }
        word = word_at(text, next, |_, _| ());
        known = words.get(word.hash);
    }
    (named.words > 0).then_some(named)
}

/// Whether an e-mail address stands shortly behind a name that ends at `at`: `Ada Lovelace <ada@example.org>`.
pub(crate) fn is_before_address(text: &Text<'_>, at: usize) -> bool {
    let mut behind = at..at + ADDRESS_BYTES;
    let sign = behind.find(|next| matches!(text.at(*next), b'@' | 0));
    sign.is_some_and(|sign| {
        text.at(sign) == b'@'
            && text.at(sign + 1).is_ascii_alphanumeric()
            && text.at(sign - 1).is_ascii_alphanumeric()
    })
}

/// So near an address says that a name is one.
const ADDRESS_BYTES: usize = 48;
