//! Which words stood shortly before. Never knows the words, only what they were about, and where.

use crate::personal::kinds::PersonalKind;
use crate::personal::numbers::Meant;
use crate::personal::words::about as a;

/// So far a word says something of what comes behind it.
const NEAR_BYTES: usize = 56;
/// So near a word labels what comes behind it.
const LABEL_BYTES: usize = 24;

/// Where each kind of word last ended, counted from one in the channel.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    ends: [usize; u64::BITS as usize],
    last: usize,
}

impl Seen {
    pub(crate) const fn new() -> Self {
        Self {
            ends: [0; u64::BITS as usize],
            last: 0,
        }
    }

    /// A word about this ended there.
    pub(crate) fn note(&mut self, about: u64, end: usize) {
        for bit in crate::bits::ones(about) {
            if let Some(slot) = self.ends.get_mut(bit) {
                *slot = end + 1;
            }
        }
        if about != 0 {
            self.last = end + 1;
        }
    }

    /// What was said shortly before `at`.
    pub(crate) const fn near(&self, at: usize) -> Near<'_> {
        Near { seen: self, at }
    }
}

/// What the words shortly before a place are about, and how far each is.
#[derive(Debug)]
pub(crate) struct Near<'s> {
    seen: &'s Seen,
    at: usize,
}

impl Near<'_> {
    pub(crate) fn has(&self, about: u64) -> bool {
        self.behind(about) < NEAR_BYTES
    }

    /// How many bytes back the nearest word about any of these ended; many if it is not near.
    #[inline]
    fn behind(&self, about: u64) -> usize {
        let earliest = (self.at + 2).saturating_sub(NEAR_BYTES);
        if self.seen.last == 0 || self.seen.last < earliest {
            return usize::MAX;
        }
        let ends = crate::bits::ones(about).filter_map(|bit| self.seen.ends.get(bit));
        let nearest = ends.copied().max().unwrap_or(0);
        match nearest > 0 && nearest >= earliest {
            true => (self.at + 1).saturating_sub(nearest),
            false => usize::MAX,
        }
    }

    /// Whether a word about one of these is near, and none of the others nearer.
    pub(crate) fn closest(&self, about: u64, others: u64) -> bool {
        let behind = self.behind(about);
        behind < NEAR_BYTES && behind <= self.behind(others)
    }

    pub(crate) fn within(&self, about: u64, bytes: usize) -> bool {
        self.behind(about) <= bytes
    }

    /// What a code right behind these words is, because they say so.
    pub(crate) fn label(&self) -> Option<Meant> {
        let labels = [
            (a::PASSPORT, PersonalKind::Document, "passport_number", 80),
            (a::LICENCE, PersonalKind::Document, "driving_licence", 75),
            (a::PATIENT, PersonalKind::Health, "medical_record_number", 70),
            (a::TAX, PersonalKind::NationalId, "tax_id", 72),
            (a::NATIONAL, PersonalKind::NationalId, "national_id", 70),
            (a::BANK, PersonalKind::BankAccount, "bank_account", 64),
        ];
        let nearest = labels.iter().map(|(about, ..)| self.behind(*about)).min()?;
        if nearest > LABEL_BYTES || self.behind(a::THING | a::PHONE | a::CARD | a::BIRTH) <= nearest {
            return None;
        }
        let (_, kind, rule, score) = labels.iter().find(|(about, ..)| self.behind(*about) == nearest)?;
        // An account's ID is as often one of a service.
        if *kind == PersonalKind::BankAccount && self.within(a::ID, LABEL_BYTES) {
            return None;
        }
        Some(Meant {
            kind: *kind,
            rule,
            score: *score,
        })
    }
}
