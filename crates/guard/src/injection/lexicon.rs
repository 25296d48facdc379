//! Classes of words, in the languages that attacks are written in, and the look-up by hash. Never holds a
//! phrase: what words make together is for the rules.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use super::tokens::{SEED, hash, mix, plain};
use crate::normal::fold_word;

/// A set of classes of words, as bits.
pub(crate) type Classes = u128;

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: Classes = 1 << $bit;)*
    };
}

classes! {
    /// To pay no regard.
    OVERRIDE = 0;
    /// The same in forms that stand behind what is disregarded.
    OVERRIDE_LATE = 1;
    /// What came earlier.
    PRIOR = 2;
    /// What tells one what to do.
    INSTRUCTION = 3;
    /// All, any, every.
    ALL = 4;
    /// Belonging to who is spoken to.
    YOUR = 5;
    /// To show.
    REVEAL = 6;
    /// To say again.
    REPEAT = 7;
    /// What is set up or kept from view.
    SYSTEM = 8;
    /// A prompt.
    PROMPT = 9;
    /// Before this place.
    ABOVE = 10;
    /// Text, words, everything.
    TEXT = 11;
    /// Who is spoken to.
    YOU = 12;
    /// From this moment.
    NOW = 13;
    /// To be, become, behave.
    BE = 14;
    /// Bound by nothing.
    UNBOUND = 15;
    /// None, without.
    WITHOUT = 16;
    /// What bounds conduct.
    LIMIT = 17;
    /// Names of well-known personas.
    PERSONA = 18;
    /// To put out of order.
    DISABLE = 19;
    /// What protects.
    SAFETY = 20;
    /// Not.
    NOT = 21;
    /// To let know.
    TELL = 22;
    /// The person who is served.
    USER = 23;
    /// Without being seen.
    SECRETLY = 24;
    /// To send away.
    SEND = 25;
    /// What is worth stealing.
    LOOT = 26;
    /// Where things are sent.
    DESTINATION = 27;
    /// A model, by what it is or by name.
    ASSISTANT = 28;
    /// New, real, updated.
    NEW = 29;
    /// A task, goal, role.
    TASK = 30;
    /// A mode.
    MODE = 31;
    /// Names of modes that open things.
    MODE_NAME = 32;
    /// Who may command.
    MASTER = 33;
    /// Broken into.
    PWNED = 34;
    /// To say, answer.
    SAY = 35;
    /// To refuse, warn, apologise.
    REFUSE = 36;
    /// What must not be.
    ILLEGAL = 37;
    /// To read a file.
    READ = 38;
    /// To call, use, run.
    CALL = 39;
    /// A tool or function.
    TOOL = 40;
    /// Must, always.
    MUST = 41;
    /// Here it ends, or begins.
    END = 42;
    /// Was told, given.
    TOLD = 43;
    /// A note, attention.
    NOTE = 44;
    /// Tokens of chat templates.
    TEMPLATE = 45;
    /// Blocks that shout.
    BLOCK = 46;
    /// Files and addresses that hold secrets.
    VAULT = 47;
    /// A role's name, such as `system`.
    ROLE_NAME = 48;
    /// The same at a line's start with a colon.
    ROLE_LINE = 49;
    /// To do harm to a machine.
    MALICE = 50;
    /// To do.
    DO = 51;
    /// Anything.
    ANYTHING = 52;
    /// If, when.
    IF = 53;
    /// Before, first.
    FIRST = 54;
    /// To decode.
    DECODE = 55;
    /// Instead.
    INSTEAD = 56;
    /// I, me, we.
    I = 57;
    /// Only, exactly.
    ONLY = 58;
    /// To keep to.
    FOLLOW = 59;
    /// Longer, anymore.
    LONGER = 60;
    /// A character to be played.
    PLAY = 61;
    /// To switch on.
    ENABLE = 62;
    /// Belonging to who speaks.
    MINE = 63;
    /// What, which.
    WHAT = 64;
    /// Answers.
    ANSWERS = 65;
    /// What an answer that obliges begins with.
    AFFIRM = 66;
    /// Two of a kind.
    TWO = 67;
    /// To put together what is in parts.
    JOIN = 68;
    /// To come upon a text.
    SEE = 69;
    /// Not in this world.
    HYPOTHETICAL = 70;
    /// What stands behind conduct.
    BEHIND = 71;
    /// How a model was made.
    MAKING = 72;
    /// This, these.
    THIS = 73;
    /// A part of an address that carries data.
    CARRIER = 74;
    /// Outside, against.
    BEYOND = 75;
    /// Letter for letter.
    VERBATIM = 76;
    /// To hold, to count.
    APPLY = 77;
}

/// Hashes are their own hash.
#[derive(Default)]
pub(crate) struct Own(u64);

impl Hasher for Own {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.0 = u64::from(value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_u128(&mut self, value: u128) {
        let [low, high] = [value, value >> 64].map(|half| (half & u128::from(u64::MAX)) as u64);
        let mixed = (low ^ high.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 31);
    }
}

type ByHash<T> = HashMap<u32, T, BuildHasherDefault<Own>>;

/// By a set of classes.
pub(crate) type ByClasses<T> = HashMap<Classes, T, BuildHasherDefault<Own>>;

/// Says quickly of most hashes that they are not there.
struct Sieve(Box<[u64; SIEVE_WORDS]>);

const SIEVE_BITS: u32 = 1 << 15;
const SIEVE_WORDS: usize = SIEVE_BITS as usize / 64;

impl Sieve {
    fn of<'a>(hashes: impl Iterator<Item = &'a u32>) -> Self {
        let mut bits = Box::new([0_u64; SIEVE_WORDS]);
        for hash in hashes {
            if let Some(bits) = bits.get_mut((hash % SIEVE_BITS / 64) as usize) {
                *bits |= 1 << (hash % 64);
            }
        }
        Self(bits)
    }

    fn maybe(&self, hash: u32) -> bool {
        self.0
            .get((hash % SIEVE_BITS / 64) as usize)
            .is_some_and(|bits| bits >> (hash % 64) & 1 == 1)
    }
}

/// All words of the lists, by hash.
pub(crate) struct Lexicon {
    exact: ByHash<Classes>,
    exact_sieve: Sieve,
    stems: ByHash<Classes>,
    stems_sieve: Sieve,
    /// By the hash of the word with lookalike letters made one: the word's hash and classes.
    plain: ByHash<(u32, Classes)>,
    plain_sieve: Sieve,
}

impl Lexicon {
    /// A lexicon of these lists: words by their classes, a `*` at the end standing for any rest.
    pub(crate) fn new(lists: &[(Classes, &str)]) -> Self {
        let (mut exact, mut stems): (ByHash<Classes>, ByHash<Classes>) = Default::default();
        let mut plain_words: ByHash<(u32, Classes)> = HashMap::default();
        for (classes, list) in lists {
            for word in list.split_whitespace() {
                let stem = word.ends_with('*');
                let folded = fold_word(word.trim_end_matches('*'));
                let key = hash(folded.as_bytes());
                if stem {
                    *stems.entry(key).or_default() |= classes;
                } else {
                    *exact.entry(key).or_default() |= classes;
                }
                if folded.is_ascii() && folded.len() >= 2 {
                    let shape = folded.bytes().fold(SEED, |hash, byte| mix(hash, plain(byte)));
                    let entry = plain_words.entry(shape).or_insert((key, 0));
                    entry.1 |= classes;
                }
            }
        }
        Self {
            exact_sieve: Sieve::of(exact.keys()),
            stems_sieve: Sieve::of(stems.keys()),
            plain_sieve: Sieve::of(plain_words.keys()),
            exact,
            stems,
            plain: plain_words,
        }
    }

    /// The classes of a whole word.
    pub(crate) fn exact(&self, hash: u32) -> Classes {
        if self.exact_sieve.maybe(hash) {
            self.exact.get(&hash).copied().unwrap_or(0)
        } else {
            0
        }
    }

    /// The classes of words that begin so.
    pub(crate) fn stem(&self, hash: u32) -> Classes {
        if self.stems_sieve.maybe(hash) {
            self.stems.get(&hash).copied().unwrap_or(0)
        } else {
            0
        }
    }

    /// The sets of classes that words have, also where they begin a turn.
    pub(crate) fn sets(&self) -> impl Iterator<Item = Classes> {
        let sets: HashSet<Classes> = self.exact.values().chain(self.stems.values()).copied().collect();
        let turns: Vec<Classes> = sets.iter().filter(|set| *set & ROLE_NAME != 0).copied().collect();
        let turns = turns.into_iter().map(|set| set | ROLE_LINE);
        sets.into_iter().chain(turns).chain([TEMPLATE, BLOCK, VAULT])
    }

    /// The word of the lists that is spelt so with digits and signs: its hash and classes.
    pub(crate) fn plain(&self, shape: u32) -> Option<(u32, Classes)> {
        let maybe = self.plain_sieve.maybe(shape);
        maybe.then(|| self.plain.get(&shape).copied()).flatten()
    }
}
