//! The kinds of personal data that can be looked for. Never says how each is found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PersonalKind {
    /// E-mail addresses.
    Email,
    /// Telephone numbers, international and as people of a country write them.
    Phone,
    /// Payment cards.
    PaymentCard,
    /// Bank accounts (IBAN) and, where it says so, codes of banks (BIC).
    BankAccount,
    /// Addresses of wallets that check.
    CryptoAddress,
    /// Numbers that states give to people, for identity, insurance or taxes.
    NationalId,
    /// Passports and driving licences, where it says so.
    Document,
    /// Addresses of machines: IPv4, IPv6, MAC.
    MachineAddress,
    /// Coordinates on Earth.
    Coordinates,
    /// Streets with a house number and boxes of the post, with the towns, codes and countries behind them.
    StreetAddress,
    /// Dates of birth, where it says so.
    BirthDate,
    /// Numbers of patients and their records, and conditions of health, where it says that somebody has one.
    Health,
    /// URLs that name a person or carry their data.
    Url,
    /// Names of accounts, where it says so.
    Username,
    /// Names of people, where a sentence, a label, a title, a letter or other data beside them says so; others by lists, with a
    /// low score.
    Name,
}

impl PersonalKind {
    /// All kinds.
    pub const ALL: [Self; 15] = [
        Self::Email,
        Self::Phone,
        Self::PaymentCard,
        Self::BankAccount,
        Self::CryptoAddress,
        Self::NationalId,
        Self::Document,
        Self::MachineAddress,
        Self::Coordinates,
        Self::StreetAddress,
        Self::BirthDate,
        Self::Health,
        Self::Url,
        Self::Username,
        Self::Name,
    ];

    /// Its name in records and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::PaymentCard => "payment_card",
            Self::BankAccount => "bank_account",
            Self::CryptoAddress => "crypto_address",
            Self::NationalId => "national_id",
            Self::Document => "document",
            Self::MachineAddress => "machine_address",
            Self::Coordinates => "coordinates",
            Self::StreetAddress => "street_address",
            Self::BirthDate => "birth_date",
            Self::Health => "health",
            Self::Url => "url",
            Self::Username => "username",
            Self::Name => "name",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PersonalKinds(u16);

impl PersonalKinds {
    /// Every kind.
    pub const ALL: Self = Self(u16::MAX);
    /// No kind.
    pub const NONE: Self = Self(0);

    /// This set and one kind more.
    #[must_use]
    pub const fn with(self, kind: PersonalKind) -> Self {
        Self(self.0 | kind.bit())
    }

    /// This set and that one.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set less one kind.
    #[must_use]
    pub const fn without(self, kind: PersonalKind) -> Self {
        Self(self.0 & !kind.bit())
    }

    /// Whether the kind is in the set.
    #[must_use]
    pub const fn has(self, kind: PersonalKind) -> bool {
        self.0 & kind.bit() != 0
    }
}

impl FromIterator<PersonalKind> for PersonalKinds {
    fn from_iter<I: IntoIterator<Item = PersonalKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, Self::with)
    }
}
