//! Reads what follows the name of a secret: the rest of the name, a sign, the value. Walks forward once,
//! within a bound, and never takes a value for a secret on its own authority: a test of it decides.

use crate::class::{ALNUM, Class};
use crate::value::{continues_name, leads_to_value, solid};

/// What a test makes of a value.
pub(crate) type Test = fn(&[u8]) -> bool;

/// What stands between a name and its value: quotes, spaces, signs, brackets of calls and lists.
const GAP: Class = Class::of(" \t\"'`=:>,()[]|\\");

/// What makes an assignment of a name and a value next to each other.
const SIGN: Class = Class::of("=:>,(");

/// What values are made of. The sign `=` ends one, since it also stands between name and value.
const VALUE: Class = Class::of("A-Za-z0-9+/_.~-");

/// What a value that goes on is made of.
pub(crate) const VALUE_ON: Class = Class::of("A-Za-z0-9+/=_.~-");

/// What may join a name and what follows it: `KEY-…`, `token_prod`.
const JOINT: Class = Class::of("_.-");

const GAP_BYTES_MAX: usize = 24;

/// The longest stretch of a value that its test is shown.
const VALUE_BYTES_MAX: usize = 96;

/// How much of what is joined to a name must show that it is a value.
const JOINED_BYTES_MAX: usize = 40;

/// A value that is rejected hides the names inside it from so many bytes on: else a long one made of names would be
/// judged once for each.
const REJECTED_BYTES_MIN: usize = 64;

/// Words between the name and the value, such as `Bearer`, `is`, or the function that is called.
const WORDS_MAX: usize = 3;

/// The longest of them.
const WORD_BYTES_MAX: usize = 24;

/// The most bytes between a name and the start of its value.
pub(crate) const LEAD_BYTES_MAX: usize = WORDS_MAX * (GAP_BYTES_MAX + WORD_BYTES_MAX) + GAP_BYTES_MAX;

/// The most bytes that a verdict depends on.
#[cfg(test)]
pub(crate) const ASSIGNED_BYTES_MAX: usize = LEAD_BYTES_MAX + VALUE_BYTES_MAX + 1;

/// What was read.
pub(crate) enum Read {
    /// A value that its test accepts: where it starts, and where the part that was looked at ends.
    Value(usize, usize),
    /// No such value, whatever follows.
    Nothing,
    /// A long value that is none of a secret, from where to where: names inside it are parts of it.
    Rejected(usize, usize),
    /// What follows decides.
    Wait,
}

/// Reads on from just behind a name. `upper` says that the name is in capitals.
pub(crate) fn read(rest: &[u8], complete: bool, upper: bool, test: Test) -> Read {
    let mut reader = Reader {
        rest,
        complete,
        at: 0,
        signed: false,
    };
    match reader.value(upper, test) {
        Ok((start, end)) => Read::Value(start, end),
        Err(Halt::Nothing) => Read::Nothing,
        Err(Halt::Rejected(start)) if reader.at >= start + REJECTED_BYTES_MIN => {
            Read::Rejected(start, reader.at)
        }
        Err(Halt::Rejected(_)) => Read::Nothing,
        Err(Halt::Wait) => Read::Wait,
    }
}

/// Why reading ends without a value.
enum Halt {
    Nothing,
    /// What starts there is a value, and no secret.
    Rejected(usize),
    Wait,
}

struct Reader<'t> {
    rest: &'t [u8],
    complete: bool,
    at: usize,
    /// Whether a sign of assignment was seen.
    signed: bool,
}

impl<'t> Reader<'t> {
    fn value(&mut self, upper: bool, test: Test) -> Result<(usize, usize), Halt> {
        if let Some(found) = self.end_of_name(upper, test)? {
            return Ok(found);
        }
        for _ in 0..WORDS_MAX {
            let joined = self.gap()?;
            let start = self.at;
            let token = self.token(VALUE_BYTES_MAX)?;
            let called = self.peek()? == Some(b'(');
            let trusted = self.signed || solid(token);
            if !joined && trusted && !called && test(token) {
                return Ok((start, self.at));
            }
            if trusted && token.len() > WORD_BYTES_MAX {
                return Err(Halt::Rejected(start));
            }
            let goes_on = !token.is_empty() && token.len() <= WORD_BYTES_MAX;
            if !goes_on || !leads_to_value(token, self.signed, self.peek()?) {
                return Err(Halt::Nothing);
            }
        }
        Err(Halt::Nothing)
    }

    /// The rest of the name, up to a sign or space; or a value that is joined to the name.
    fn end_of_name(&mut self, upper: bool, test: Test) -> Result<Option<(usize, usize)>, Halt> {
        let Some(first) = self.peek()? else {
            return Err(Halt::Nothing);
        };
        // `tokens` and `KEYWORDS` are other words; `tokenValue` and `key2` go on.
        let other_word = if upper {
            first.is_ascii_uppercase()
        } else {
            first.is_ascii_lowercase()
        };
        if other_word || !(GAP.has(first) || JOINT.has(first) || ALNUM.has(first)) {
            return Err(Halt::Nothing);
        }
        if GAP.has(first) {
            return Ok(None);
        }
        if JOINT.has(first) {
            self.at += 1;
        }
        let start = self.at;
        let token = self.token(JOINED_BYTES_MAX)?;
        if solid(token) {
            self.at = start;
            let whole = self.token(VALUE_BYTES_MAX)?;
            return if test(whole) {
                Ok(Some((start, self.at)))
            } else {
                Err(Halt::Rejected(start))
            };
        }
        if token.len() <= WORD_BYTES_MAX && continues_name(token) {
            Ok(None)
        } else {
            Err(Halt::Nothing)
        }
    }

    /// Passes over quotes, spaces and signs. Whether there were none.
    fn gap(&mut self) -> Result<bool, Halt> {
        let gap = self.run(GAP, GAP_BYTES_MAX)?;
        self.signed |= gap.iter().any(|&byte| SIGN.has(byte));
        Ok(gap.is_empty())
    }

    /// What may be a value, or the beginning of one.
    fn token(&mut self, max: usize) -> Result<&'t [u8], Halt> {
        static VALUES: [bool; 256] = VALUE.table();
        let is_value = |byte: &&u8| VALUES.get(usize::from(**byte)).is_some_and(|is| *is);
        let rest = self.rest.get(self.at..).unwrap_or_default();
        let taken = rest.iter().take(max).take_while(is_value).count();
        self.take(taken, max)
    }

    fn run(&mut self, class: Class, max: usize) -> Result<&'t [u8], Halt> {
        let rest = self.rest.get(self.at..).unwrap_or_default();
        self.take(class.run(rest, max), max)
    }

    fn take(&mut self, taken: usize, max: usize) -> Result<&'t [u8], Halt> {
        let rest = self.rest.get(self.at..).unwrap_or_default();
        if taken == rest.len() && taken < max && !self.complete {
            return Err(Halt::Wait);
        }
        self.at += taken;
        Ok(rest.get(..taken).unwrap_or_default())
    }

    fn peek(&self) -> Result<Option<u8>, Halt> {
        match self.rest.get(self.at) {
            None if !self.complete => Err(Halt::Wait),
            next => Ok(next.copied()),
        }
    }
}
