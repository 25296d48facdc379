//! The walk through a text, word by word, forward. What was read is remembered as a handful of positions, so that a text
//! that arrives in pieces is walked as the whole would be: a step that asks for what has not arrived is taken again later.

mod people;
mod skim;

use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use crate::finding::{Finding, Kind};
use crate::personal::address;
use crate::personal::codes;
use crate::personal::coins;
use crate::personal::coordinates;
use crate::personal::dates;
use crate::personal::health;
use crate::personal::kinds::{PersonalKind, PersonalKinds};
use crate::personal::machines;
use crate::personal::names::Lists;
use crate::personal::near::{Near, Seen};
use crate::personal::numbers::{self, DIGITS_MIN, Meant, Number};
use crate::personal::streets;
use crate::personal::text::{Text, WORD_BYTES_MAX, Word, char_bytes, word_at};
use crate::personal::words::{Known, Words, about, part};
use people::Announced;

/// So many numbers in a row are read as numbers; what may be a number's inside is one of few.
const ROW_MAX: u8 = 3;
/// So many bytes may be looked at ahead in vain before what is walked has to make up for them.
const SPENT_BYTES_MAX: usize = 1_536;
/// So long are cards, accounts and most national ids in one piece.
const ALONE_BYTES: RangeInclusive<usize> = 12..=34;
/// So far behind a word with a capital its house number stands.
const HOUSE_BYTES: usize = 64;
/// So far behind "username" stands what it names.
const USER_BYTES: usize = 8;
/// So near behind other data a name stands beside it.
const BESIDE_BYTES: usize = 32;

/// What is looked for, and with what.
pub(crate) struct Search {
    pub(crate) kinds: PersonalKinds,
    pub(crate) score_min: u8,
    /// Made when they are first needed, for they take memory.
    pub(crate) words: Arc<LazyLock<Words>>,
    pub(crate) lists: Arc<LazyLock<Lists>>,
}

/// What is remembered of the text so far. Positions are of the channel.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    seen: Seen,
    /// Up to here, all bytes from the last word on may be of one local part.
    local_to: usize,
    /// This `@` is of no address; counted from one.
    no_email: usize,
    /// From the place that is looked at on, there is no `@` before this; it may be behind.
    no_at_to: usize,
    announced: Announced,
    /// Where the announcing word ended.
    announced_at: usize,
    /// Up to here an account's name may begin.
    user_to: usize,
    /// Where the last number ended that was nothing, and how many stood in a row before it.
    row_to: usize,
    row: u8,
    /// Up to here a name stands beside other data.
    beside_to: usize,
    /// How far what was looked ahead for in vain would reach, had it been walked.
    spent_to: usize,
    /// Words with capitals that begin before this have no house number behind them.
    no_house_to: usize,
    /// Words that begin before this are of a name that nothing speaks for.
    no_name_to: usize,
}

impl Walk {
    pub(crate) const fn new() -> Self {
        Self {
            seen: Seen::new(),
            local_to: 0,
            no_email: 0,
            no_at_to: 0,
            announced: Announced::No,
            announced_at: 0,
            user_to: 0,
            row_to: 0,
            row: 0,
            beside_to: 0,
            spent_to: 0,
            no_house_to: 0,
            no_name_to: 0,
        }
    }

    /// One step from `at`, and where the next one starts. Only what `text` says is not hungry counts.
    pub(crate) fn step(
        &mut self,
        search: &Search,
        text: &Text<'_>,
        at: usize,
        found: &mut Vec<Finding>,
    ) -> usize {
        text.look_from(at);
        let byte = text.at(at);
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => self.word(search, text, at, found),
            b'+' | b'(' => self.signed_number(search, text, at, found),
            0xC2 | 0xE2 => at + char_bytes(byte),
            0xC3.. => self.word(search, text, at, found).max(at + 1),
            _ => at + 1,
        }
    }

    fn signed_number(
        &mut self,
        search: &Search,
        text: &Text<'_>,
        at: usize,
        found: &mut Vec<Finding>,
    ) -> usize {
        let next = text.at(at + 1);
        let is_number = next.is_ascii_digit() || (text.at(at) != next && matches!(next, b'+' | b'('));
        if !is_number || !text.begins(at) || !search.kinds.has(PersonalKind::Phone) {
            return at + 1;
        }
        self.in_row(text, at);
        if self.row > ROW_MAX {
            return at + 1;
        }
        let near = self.seen.near(text.base + at);
        let meant = Number::read(text, at)
            .filter(Number::is_signed)
            .and_then(|number| number.judge(text, &near))
            .filter(|(meant, _)| meant.kind == PersonalKind::Phone);
        match meant {
            Some((meant, end)) if search.report(text, meant, at, end, found) => {
                self.beside_to = text.base + end + BESIDE_BYTES;
                end
            }
            _ => at + 1,
        }
    }

    /// Counts how many numbers stand in a row, blanks and signs between them: of a long one, what follows the first
    /// few is read as a number no more.
    fn in_row(&mut self, text: &Text<'_>, at: usize) {
        let goes_on = text.base + at <= self.row_to + 3 && self.row_to > 0;
        self.row = if goes_on { self.row.saturating_add(1) } else { 0 };
        self.row_to = text.base + at + 1;
    }

    fn word(&mut self, search: &Search, text: &Text<'_>, at: usize, found: &mut Vec<Finding>) -> usize {
        let inside = text.before(at, 1).is_ascii_alphanumeric() && text.at(at).is_ascii_alphanumeric();
        let (seen, base) = (&mut self.seen, text.base);
        let word = word_at(text, at, |hash, end| {
            seen.note(search.words.get(hash).about, base + end)
        });
        if inside || word.len() >= WORD_BYTES_MAX {
            return word.end.max(at + 1);
        }
        let known = if word.is_number() {
            Known::default()
        } else {
            search.words.get(word.hash)
        };
        let follows = text.at(word.end);
        // Most words are nothing.
        let nothing = known.about == 0 && known.parts == 0 && base + at > self.user_to;
        if word.is_small() && nothing && ends_plainly(text, word.end, follows) {
            self.announced = Announced::No;
            return word.end + usize::from(follows != b'(');
        }
        let about = self.with_id(known.about, base + at);
        if let Some(end) = self.email(search, text, &word, found) {
            self.beside_to = base + end + BESIDE_BYTES;
            return end;
        }
        if word.len() == 1 && text.has(at, b"d.o.b") {
            self.seen.note(about::BIRTH, base + at + 5);
        }
        let may_be_code = word.has_digit() || starts_code(text, &word);
        if may_be_code && left_is_free(text, at) {
            if word.is_number() {
                self.in_row(text, at);
                self.row_to = base + word.end;
            }
            let near = self.seen.near(base + at);
            let in_row = word.is_number()
                && self.row > ROW_MAX
                && !near.has(about::PHONE | about::CARD | about::ANY_ID);
            let told = near.has(about::PHONE | about::CARD | about::ANY_ID | about::ADDRESS | about::BANK);
            let afforded = self.affords(base + at, told);
            let before = text.spent();
            // What is long enough by itself is read however much was looked at in vain: no flood of numbers hides a card.
            let is_alone = ALONE_BYTES.contains(&word.len());
            let end = (is_alone || (!in_row && afforded))
                .then(|| search.code(text, &word, &near, found))
                .flatten();
            if end.is_none() {
                self.charge(base + at, text.spent() - before);
            }
            if let Some(end) = end {
                (self.announced, self.row_to) = (Announced::No, 0);
                self.beside_to = base + end + BESIDE_BYTES;
                return end;
            }
        }
        let before = text.spent();
        if let Some(end) = self.letters(search, text, &word, known, found) {
            self.seen.note(about, base + word.end);
            self.announced = Announced::No;
            return end;
        }
        self.charge(base + at, text.spent() - before);
        self.seen.note(about, base + word.end);
        self.announce(text, &word, known);
        if about & about::USER != 0 {
            self.user_to = base + word.end + USER_BYTES;
        }
        // A blank begins nothing.
        word.end.max(at + 1) + usize::from(follows == b' ')
    }

    /// Whether there is room to look ahead from `at`. What is looked ahead for in vain is paid for byte by byte by going on,
    /// so that a text of beginnings is walked in the time of any other; where words say that something comes, there is more.
    const fn affords(&self, at: usize, told: bool) -> bool {
        let room = if told {
            4 * SPENT_BYTES_MAX
        } else {
            SPENT_BYTES_MAX
        };
        self.spent_to <= at + room
    }

    fn charge(&mut self, at: usize, spent: usize) {
        self.spent_to = self.spent_to.max(at) + spent;
    }

    /// Whether a number stands behind the words with capitals that go on at `at`.
    fn is_before_house(&mut self, text: &Text<'_>, at: usize) -> bool {
        if text.base + at < self.no_house_to {
            return false;
        }
        let mut next = at;
        while next < at + HOUSE_BYTES {
            let (byte, after) = (text.at(next), text.at(next + 1));
            let goes_on = match byte {
                b' ' | b'-' | b'.' | b',' if after.is_ascii_digit() => return true,
                b' ' | b'-' => after.is_ascii_uppercase() || after >= 0xC3,
                b'.' | b',' => after == b' ' && text.at(next + 2).is_ascii_digit(),
                b'\'' => true,
                _ => byte.is_ascii_alphabetic() || byte >= 0x80,
            };
            if !goes_on {
                break;
            }
            next += 1;
        }
        self.no_house_to = text.base + next;
        false
    }

    /// What a word is about where it stands: an "ID card" is no payment card, an "ID number" no thing's.
    fn with_id(&self, known: u64, at: usize) -> u64 {
        if known & (about::CARD | about::NUMBER) == 0 {
            return known;
        }
        let near = self.seen.near(at);
        let ids = if known & about::CARD != 0 {
            about::ID | about::ANY_ID
        } else {
            about::ID | about::NATIONAL
        };
        match near.within(ids, 2) && !near.within(about::THING, 16) {
            true => known & !about::CARD | about::NATIONAL,
            false => known,
        }
    }

    /// The e-mail address that begins with the word.
    fn email(
        &mut self,
        search: &Search,
        text: &Text<'_>,
        word: &Word,
        found: &mut Vec<Finding>,
    ) -> Option<usize> {
        if !machines::may_be_local(text.at(word.end))
            || self.is_free_of_at(text.bytes(), text.base, (word.start, word.end))
        {
            return None;
        }
        let known = self.local_to.saturating_sub(text.base);
        let mut next = known.max(word.end);
        let limit = word.start + machines::LOCAL_BYTES_MAX;
        while next < limit && machines::is_local(text.at(next)) {
            next += 1;
        }
        self.local_to = text.base + next;
        if text.at(next) != b'@' || self.no_email == text.base + next + 1 {
            return None;
        }
        let meant = |score: u8| Meant {
            kind: PersonalKind::Email,
            rule: "email_address",
            score,
        };
        match machines::email(text, word.start, next) {
            Some((end, score)) if search.report(text, meant(score), word.start, end, found) => Some(end),
            Some(_) => None,
            None => {
                self.no_email = text.base + next + 1;
                None
            }
        }
    }

    /// What begins with a word of letters: streets, dates of birth, names, conditions, accounts, pages.
    fn letters(
        &mut self,
        search: &Search,
        text: &Text<'_>,
        word: &Word,
        known: Known,
        found: &mut Vec<Finding>,
    ) -> Option<usize> {
        let at = word.start;
        let mut report = |meant: Meant, end: usize| search.report(text, meant, at, end, found).then_some(end);
        let follows = text.at(word.end);
        if !word.has_digit()
            && follows == b'.'
            && search.kinds.has(PersonalKind::Url)
            && let Some(end) = machines::profile(text, at)
        {
            return report(of(PersonalKind::Url, "profile_url", 72), end);
        }
        if word.is_capitals()
            && word.len() == 3
            && search.kinds.has(PersonalKind::StreetAddress)
            && let Some(end) = address::military(text, at)
        {
            return report(of(PersonalKind::StreetAddress, "street_address", 85), end);
        }
        if known.does(part::MONTH) {
            let near = self.seen.near(text.base + at);
            let date = near
                .closest(about::BIRTH, about::THING)
                .then(|| dates::date(text, &search.words, at))
                .flatten();
            if let Some(end) = date {
                return report(of(PersonalKind::BirthDate, "date_of_birth", 85), end);
            }
        }
        let before_house = word.capital
            && !word.has_digit()
            && matches!(follows, b' ' | b'.' | b'-' | b',')
            && self.is_before_house(text, word.end);
        let told = self.seen.near(text.base + at).has(about::ADDRESS);
        if search.kinds.has(PersonalKind::StreetAddress) && self.affords(text.base + at, told) {
            let near = self.seen.near(text.base + at);
            let placed = match () {
                () if known.does(part::BOX) => {
                    address::boxed(text, &search.words, at, near.has(about::ADDRESS))
                }
                () if known.does(part::UNIT) && word.capital && matches!(follows, b' ' | b'.' | b':') => {
                    streets::within(text, &search.words, word, &near)
                }
                () if word.capital && near.within(about::ADDRESS, 16) => {
                    address::line(text, &search.words, at).map(|end| (end, 66))
                }
                () => None,
            };
            if let Some((end, score)) = placed
                && let Some(end) = report(of(PersonalKind::StreetAddress, "street_address", score), end)
            {
                return Some(end);
            }
            let street = if known.does(part::STREET_FIRST) && matches!(follows, b' ' | b'.' | b'/') {
                streets::first(text, &search.words, word, &near)
            } else if before_house {
                streets::german(text, &search.words, word, &near)
            } else {
                None
            };
            if let Some((end, score)) = street
                && let Some(end) = report(of(PersonalKind::StreetAddress, "street_address", score), end)
            {
                return Some(end);
            }
        }
        if known.does(part::CONDITION)
            && let Some((end, score)) =
                health::condition(text, &search.words, word, &self.seen.near(text.base + at))
            && let Some(end) = report(of(PersonalKind::Health, "health_condition", score), end)
        {
            return Some(end);
        }
        if let Some(end) = self
            .username(search, text, word)
            .and_then(|end| report(of(PersonalKind::Username, "username", 68), end))
        {
            return Some(end);
        }
        if search.kinds.has(PersonalKind::Name) && word.capital && !word.has_digit() {
            let (meant, end) = self.name(search, text, word, known)?;
            if meant.score < search.score_min {
                self.no_name_to = text.base + end;
            }
            return report(meant, end);
        }
        None
    }
}

const fn of(kind: PersonalKind, rule: &'static str, score: u8) -> Meant {
    Meant { kind, rule, score }
}

/// Whether what follows a word shows that it begins nothing: no address, no page, no code.
#[inline]
fn ends_plainly(text: &Text<'_>, at: usize, follows: u8) -> bool {
    match follows {
        b' ' | b'\n' | b',' | b')' | b'(' | b'"' | b';' | b']' | b'<' | b'>' | b'=' | b'?' | b'`' => true,
        b'.' => matches!(text.at(at + 1), b' ' | b'\n'),
        _ => false,
    }
}

/// Whether a word of letters alone may begin a code: capitals before digits, or hexadecimal before a colon.
fn starts_code(text: &Text<'_>, word: &Word) -> bool {
    let follows = text.at(word.end);
    let hex = || text.get(word.start..word.end).iter().all(u8::is_ascii_hexdigit);
    match word.len() {
        2 if follows == b' ' => word.is_capitals() && text.at(word.end + 1).is_ascii_digit(),
        1 if follows == b'-' && word.is_capitals() => text.at(word.end + 1).is_ascii_digit(),
        1..=4 if matches!(follows, b':' | b'-' | b'.') => hex(),
        8 | 11 => word.is_capitals(),
        // Wallets and codes without a digit do not occur.
        _ => false,
    }
}

/// Whether nothing stands before `at` that the code would be the rest of.
fn left_is_free(text: &Text<'_>, at: usize) -> bool {
    let (before, earlier) = (text.before(at, 1), text.before(at, 2));
    match before {
        b'_' | b'@' | b'\\' | b'%' => false,
        b'-' | b'.' | b'/' | b'+' | b'&' => {
            !(earlier.is_ascii_alphanumeric() || matches!(earlier, b'_' | b'.' | b')'))
        }
        b',' | b':' => !(earlier.is_ascii_digit() && text.at(at).is_ascii_digit()),
        _ => true,
    }
}

/// Whether groups with colons stand before `at`, which is no beginning then.
fn is_amid_groups(text: &Text<'_>, at: usize) -> bool {
    text.before(at, 1) == b':' && (2..=6).any(|back| text.before(at, back) == b':')
}

impl Search {
    /// Reports it if it is wanted and sure enough.
    fn report(
        &self,
        text: &Text<'_>,
        meant: Meant,
        start: usize,
        end: usize,
        found: &mut Vec<Finding>,
    ) -> bool {
        let wanted = self.kinds.has(meant.kind) && meant.score >= self.score_min;
        if wanted {
            found.push(Finding {
                span: text.base + start..text.base + end,
                rule: meant.rule.into(),
                category: meant.kind.as_str(),
                kind: Kind::Personal,
                score: meant.score,
            });
        }
        wanted
    }

    /// What begins with a word that has digits in it, or may be a code.
    fn code(&self, text: &Text<'_>, word: &Word, near: &Near<'_>, found: &mut Vec<Finding>) -> Option<usize> {
        let at = word.start;
        let mut report = |meant: Meant, end: usize| self.report(text, meant, at, end, found).then_some(end);
        let follows = text.at(word.end);
        if follows == b'.'
            && word.is_number()
            && let Some((end, score)) = machines::ipv4(text, at, near)
        {
            return report(of(PersonalKind::MachineAddress, "ip_address", score), end).or(Some(end));
        }
        if matches!(follows, b':' | b'-' | b'.')
            && word.len() <= 4
            && !is_amid_groups(text, at)
            && let Some((end, rule, score)) = machines::colons(text, at)
        {
            return report(of(PersonalKind::MachineAddress, rule, score), end).or(Some(end));
        }
        if word.len() >= 25 {
            let wallet = coins::wallet(text, at, word.end);
            if let Some(end) = wallet
                .and_then(|score| report(of(PersonalKind::CryptoAddress, "crypto_address", score), word.end))
            {
                return Some(end);
            }
        }
        let digit_first = text.at(at).is_ascii_digit();
        // A few digits alone are neither a number nor a code.
        let few = word.is_number() && word.len() < DIGITS_MIN;
        let numbered = digit_first && (!few || numbers::goes_on(text, word.end));
        let coded = !few || matches!(follows, b'-' | b'.') && text.at(word.end + 1).is_ascii_alphanumeric();
        if digit_first
            && near.closest(about::BIRTH, about::THING)
            && let Some(end) = dates::date(text, &self.words, at)
        {
            return report(of(PersonalKind::BirthDate, "date_of_birth", 85), end).or(Some(end));
        }
        // "am 12. März 1985 geboren".
        if digit_first
            && follows == b'.'
            && word.len() <= 2
            && let Some(end) = dates::date(text, &self.words, at)
            && text.has(end, b" geboren")
        {
            return report(of(PersonalKind::BirthDate, "date_of_birth", 85), end);
        }
        if digit_first
            && matches!(follows, b'.' | 0xC2)
            && word.len() <= 3
            && let Some((end, score)) = coordinates::coordinates(text, at, near)
            && let Some(end) = report(of(PersonalKind::Coordinates, "coordinates", score), end)
        {
            return Some(end);
        }
        if numbered {
            let number = Number::read(text, at).and_then(|number| number.judge(text, near));
            // In the midst of a row of numbers, a form is often an accident.
            let amid = text.before(at, 1) == b' '
                && (text.before(at, 2).is_ascii_digit()
                    || (text.before(at, 2) == b',' && text.before(at, 3).is_ascii_digit()));
            let money = matches!(text.before(at, 1), b'$') || text.before(at, 1) == 0xAC;
            if let Some((mut meant, end)) = number.filter(|_| !money) {
                meant.score = meant.score.saturating_sub(if amid { 15 } else { 0 });
                if let Some(end) = report(meant, end) {
                    return Some(end);
                }
            }
        }
        if coded && let Some(end) = codes::code(text, word, near).and_then(|(meant, end)| report(meant, end))
        {
            return Some(end);
        }
        if digit_first && self.kinds.has(PersonalKind::StreetAddress) && word.len() <= 7 {
            let (end, score) = streets::numbered(text, &self.words, at, near)
                .or_else(|| streets::coded(text, &self.words, at, near))?;
            return report(of(PersonalKind::StreetAddress, "street_address", score), end);
        }
        None
    }
}
