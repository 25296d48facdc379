//! A provider credential that the instance keeps in its store: its versions, sealed, and which one is in force.
//!
//! Rules only: nothing here reads a store or calls a provider. A value goes in, and comes out again for the call
//! that presents it; no view is made from this.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Secret, UnixMillis};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{MasterKey, Pepper, SealError, SealingKey, purpose};

/// Versions that are remembered, those that can never be used again included.
const VERSIONS_MAX: usize = 20;
/// Half of the digits of a 96-bit print: enough to tell two values apart, too few to find one by.
const FINGERPRINT_CHARS: usize = 12;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How far a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Put in, not tried yet.
    Candidate,
    /// Presented to providers.
    Active,
    /// Replaced; may come back until its grace ends.
    Previous,
    /// Replaced for good: its value is gone.
    Retired,
    /// Taken away: its value is gone.
    Revoked,
}

/// One value that the credential had, has or may have.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredVersion {
    /// From 1; never used twice.
    pub number: u32,
    /// How far it is.
    pub state: VersionState,
    /// The value, sealed, base64; nothing once it can never be used again.
    #[serde(default)]
    sealed: Option<String>,
    /// What tells it from other values, and nothing about it.
    pub fingerprint: String,
    /// When it was put in.
    pub created: UnixMillis,
    /// Who put it in.
    pub by: String,
    /// Since when it is or was in force.
    #[serde(default)]
    pub activated: Option<UnixMillis>,
    /// Until when it may come back.
    #[serde(default)]
    pub until: Option<UnixMillis>,
    /// When a candidate is to be put in force by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

/// When a candidate is to be put in force by itself, once providers take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Not before.
    pub at: UnixMillis,
    /// How long what it replaces may come back, in seconds.
    pub grace_s: u32,
}

impl fmt::Debug for StoredVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredVersion")
            .field("number", &self.number)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// A provider credential and its versions, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCredential {
    /// What `stored:` references call it.
    pub name: String,
    /// When it was made.
    pub created: UnixMillis,
    /// After how many days in force a version should be replaced.
    #[serde(default)]
    pub rotate_after_days: Option<u16>,
    /// Its versions.
    pub versions: Vec<StoredVersion>,
}

/// Why a credential does not do what was asked of it. Never says what a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// No such version.
    #[error("it has no such version")]
    NoVersion,
    /// Not a candidate.
    #[error("that version is no candidate: put the value in again")]
    NoCandidate,
    /// The same value is in force.
    #[error("that value is the one in force already")]
    SameValue,
    /// Nothing to go back to.
    #[error("there is no previous version to go back to, or its grace is over")]
    NoPrevious,
    /// Nothing is in force.
    #[error("none of its versions is in force")]
    NoneActive,
    /// It does not open: changed, or sealed under another master key.
    #[error("its value was changed, or is sealed under another master key")]
    Damaged,
    /// No randomness, or the cipher failed.
    #[error("sealing failed")]
    Sealing,
}

/// What seals values, and what prints are made under. Derived from the master key.
pub struct CredentialKeys {
    sealing: SealingKey,
    prints: Pepper,
}

impl CredentialKeys {
    /// Derives them.
    pub fn derive(master: &MasterKey) -> Result<Self, SealError> {
        Ok(Self {
            sealing: master.sealing_key(purpose::STORED_CREDENTIALS)?,
            prints: Pepper::new(&master.derive(purpose::CREDENTIAL_PRINTS)),
        })
    }

    fn seal(&self, name: &str, number: u32, value: &Secret) -> Result<String, StoredError> {
        let sealed = self
            .sealing
            .seal(value.expose().as_bytes(), place(name, number).as_bytes());
        sealed
            .map(|bytes| STANDARD.encode(bytes))
            .map_err(|_| StoredError::Sealing)
    }

    fn open(&self, name: &str, version: &StoredVersion) -> Result<Secret, StoredError> {
        let sealed = version.sealed.as_ref().ok_or(StoredError::NoVersion)?;
        let bytes = STANDARD.decode(sealed).map_err(|_| StoredError::Damaged)?;
        let opened = self.sealing.open(&bytes, place(name, version.number).as_bytes());
        let plain = Zeroizing::new(opened.map_err(|_| StoredError::Damaged)?);
        let text = std::str::from_utf8(&plain).map_err(|_| StoredError::Damaged)?;
        Ok(Secret::new(text))
    }

    fn fingerprint(&self, value: &Secret) -> String {
        let digest = hex::encode(self.prints.digest(value.expose().as_bytes()));
        digest.chars().take(FINGERPRINT_CHARS).collect()
    }
}

impl fmt::Debug for CredentialKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[keys of stored credentials]")
    }
}

/// A sealed value opens only as the version it was sealed as.
fn place(name: &str, number: u32) -> String {
    format!("bartizan stored credential 1 {number} {name}")
}

impl StoredVersion {
    fn end(&mut self, state: VersionState) {
        self.state = state;
        self.sealed = None;
        self.until = None;
        self.plan = None;
    }
}

impl StoredCredential {
    /// One without any version.
    pub const fn new(name: String, rotate_after_days: Option<u16>, now: UnixMillis) -> Self {
        Self {
            name,
            created: now,
            rotate_after_days,
            versions: Vec::new(),
        }
    }

    /// The version in force.
    pub fn active(&self) -> Option<&StoredVersion> {
        self.versions.iter().find(|one| one.state == VersionState::Active)
    }

    /// The newest candidate.
    pub fn candidate(&self) -> Option<&StoredVersion> {
        self.versions
            .iter()
            .rfind(|one| one.state == VersionState::Candidate)
    }

    /// The value in force and its number.
    // threat: AGP-I1
    pub fn value(&self, keys: &CredentialKeys) -> Result<(Secret, u32), StoredError> {
        let active = self.active().ok_or(StoredError::NoneActive)?;
        Ok((keys.open(&self.name, active)?, active.number))
    }

    /// The value of a candidate, to be tried.
    pub fn tried(&self, number: u32, keys: &CredentialKeys) -> Result<Secret, StoredError> {
        let mut candidates = self
            .versions
            .iter()
            .filter(|one| one.state == VersionState::Candidate);
        let found = candidates.find(|one| one.number == number);
        keys.open(&self.name, found.ok_or(StoredError::NoCandidate)?)
    }

    /// Puts a value in; nothing presents it yet. Takes the place of an earlier candidate.
    pub fn propose(
        &mut self,
        value: &Secret,
        by: String,
        keys: &CredentialKeys,
        now: UnixMillis,
    ) -> Result<u32, StoredError> {
        let fingerprint = keys.fingerprint(value);
        if self.active().is_some_and(|one| one.fingerprint == fingerprint) {
            return Err(StoredError::SameValue);
        }
        let number = self.versions.last().map_or(0, |last| last.number) + 1;
        let sealed = Some(keys.seal(&self.name, number, value)?);
        self.end_all(VersionState::Candidate);
        self.versions.push(StoredVersion {
            number,
            state: VersionState::Candidate,
            sealed,
            fingerprint,
            created: now,
            by,
            activated: None,
            until: None,
            plan: None,
        });
        self.forget_oldest();
        Ok(number)
    }

    /// Puts a candidate in force. What was in force may come back for `grace`.
    // threat: AGP-I1
    pub fn activate(&mut self, number: u32, grace: Duration, now: UnixMillis) -> Result<(), StoredError> {
        let at = self.position(number)?;
        if !self
            .versions
            .get(at)
            .is_some_and(|one| one.state == VersionState::Candidate)
        {
            return Err(StoredError::NoCandidate);
        }
        self.end_all(VersionState::Previous);
        for one in &mut self.versions {
            if one.state == VersionState::Active && grace.is_zero() {
                one.end(VersionState::Retired);
            } else if one.state == VersionState::Active {
                one.state = VersionState::Previous;
                one.until = Some(now.plus(grace));
            } else if one.number == number {
                one.state = VersionState::Active;
                one.activated = Some(now);
                one.plan = None;
            }
        }
        Ok(())
    }

    /// Says when a candidate is to be put in force, or with `None` that it is not to be by itself.
    pub fn plan(&mut self, number: u32, plan: Option<Plan>) -> Result<(), StoredError> {
        let mut candidates = self
            .versions
            .iter_mut()
            .filter(|one| one.state == VersionState::Candidate);
        let found = candidates.find(|one| one.number == number);
        found.ok_or(StoredError::NoCandidate)?.plan = plan;
        Ok(())
    }

    /// The candidate whose time has come, and how long what it replaces may come back.
    pub fn planned(&self, now: UnixMillis) -> Option<(u32, Duration)> {
        let candidate = self.candidate()?;
        let plan = candidate.plan.filter(|plan| now >= plan.at)?;
        Some((candidate.number, Duration::from_secs(plan.grace_s.into())))
    }

    /// Puts the previous version back in force; the one that was becomes a candidate again.
    pub fn roll_back(&mut self, now: UnixMillis) -> Result<u32, StoredError> {
        self.settle(now);
        let previous = self
            .versions
            .iter()
            .find(|one| one.state == VersionState::Previous);
        let number = previous.map(|one| one.number).ok_or(StoredError::NoPrevious)?;
        self.end_all(VersionState::Candidate);
        for one in &mut self.versions {
            if one.number == number {
                one.state = VersionState::Active;
                one.until = None;
                one.activated = Some(now);
            } else if one.state == VersionState::Active {
                one.state = VersionState::Candidate;
            }
        }
        Ok(number)
    }

    /// Takes one version away, or all: their values are gone for good. No other takes the place of the one in
    /// force: whoever revokes says by activating what shall.
    // threat: CTX-T3
    pub fn revoke(&mut self, number: Option<u32>) -> Result<(), StoredError> {
        if let Some(number) = number {
            self.position(number)?;
        }
        let wanted = |one: &&mut StoredVersion| number.is_none_or(|number| one.number == number);
        for one in self.versions.iter_mut().filter(wanted) {
            if one.state != VersionState::Retired {
                one.end(VersionState::Revoked);
            }
        }
        Ok(())
    }

    /// Ends the previous version whose grace is over; whether there was one.
    pub fn settle(&mut self, now: UnixMillis) -> bool {
        let mut is_changed = false;
        for one in &mut self.versions {
            if one.state == VersionState::Previous && one.until.is_none_or(|until| now >= until) {
                one.end(VersionState::Retired);
                is_changed = true;
            }
        }
        is_changed
    }

    /// Whether the version in force is older than it should be.
    // threat: AGP-BUDGET-1.2
    pub fn is_due(&self, now: UnixMillis) -> bool {
        let Some((days, active)) = self.rotate_after_days.zip(self.active()) else {
            return false;
        };
        let since = active.activated.unwrap_or(active.created);
        now >= since.plus(DAY * u32::from(days))
    }

    fn position(&self, number: u32) -> Result<usize, StoredError> {
        let at = self.versions.iter().position(|one| one.number == number);
        at.ok_or(StoredError::NoVersion)
    }

    fn end_all(&mut self, state: VersionState) {
        for one in self.versions.iter_mut().filter(|one| one.state == state) {
            one.end(VersionState::Retired);
        }
    }

    /// What can never be used again is forgotten first, oldest first.
    fn forget_oldest(&mut self) {
        while self.versions.len() > VERSIONS_MAX {
            let is_over = |one: &StoredVersion| one.sealed.is_none();
            let at = self.versions.iter().position(is_over).unwrap_or(0);
            self.versions.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);
    const GRACE: Duration = Duration::from_secs(60);

    fn keys(byte: u8) -> CredentialKeys {
        CredentialKeys::derive(&MasterKey::from_bytes([byte; 32])).unwrap()
    }

    fn with(values: &[&str]) -> StoredCredential {
        let mut made = StoredCredential::new("openai".to_owned(), Some(30), NOW);
        for value in values {
            let number = made
                .propose(&Secret::new(*value), "ann".to_owned(), &keys(1), NOW)
                .unwrap();
            made.activate(number, GRACE, NOW).unwrap();
        }
        made
    }

    fn value(of: &StoredCredential) -> Result<String, StoredError> {
        of.value(&keys(1)).map(|(value, _)| value.expose().to_owned())
    }

    fn states(of: &StoredCredential) -> Vec<VersionState> {
        of.versions.iter().map(|one| one.state).collect()
    }

    #[test]
    fn agp_i1_no_text_of_it_holds_a_value_and_no_other_key_or_place_opens_it() {
        let made = with(&["sk-cnry-one"]);
        let text = serde_json::to_string(&made).unwrap();
        assert!(!text.contains("cnry") && !format!("{made:?}").contains("cnry"));
        assert_eq!(value(&made).unwrap(), "sk-cnry-one");
        assert_eq!(made.value(&keys(2)).unwrap_err(), StoredError::Damaged);
        let mut moved = made.clone();
        moved.name = "anthropic".to_owned();
        assert_eq!(value(&moved), Err(StoredError::Damaged));
        let mut older = made;
        older.versions[0].number = 2;
        assert_eq!(value(&older), Err(StoredError::Damaged));
    }

    #[test]
    fn a_candidate_is_not_in_force_and_one_is_kept() {
        let mut made = with(&["one"]);
        made.propose(&Secret::new("two"), "ann".to_owned(), &keys(1), NOW)
            .unwrap();
        made.propose(&Secret::new("three"), "ann".to_owned(), &keys(1), NOW)
            .unwrap();
        assert_eq!(value(&made).unwrap(), "one");
        use VersionState::{Active, Candidate, Retired};
        assert_eq!(states(&made), [Active, Retired, Candidate]);
        assert_eq!(made.activate(2, GRACE, NOW), Err(StoredError::NoCandidate));
        assert_eq!(made.activate(9, GRACE, NOW), Err(StoredError::NoVersion));
        assert_eq!(made.tried(3, &keys(1)).unwrap().expose(), "three");
        let again = made.propose(&Secret::new("one"), "ann".to_owned(), &keys(1), NOW);
        assert_eq!(again, Err(StoredError::SameValue));
    }

    #[test]
    fn the_old_one_comes_back_exactly_within_its_grace() {
        let mut made = with(&["one", "two"]);
        let end = NOW.plus(GRACE);
        let mut late = made.clone();
        assert_eq!(late.roll_back(end), Err(StoredError::NoPrevious));
        assert!(late.versions[0].sealed.is_none(), "its value is gone");
        assert_eq!(made.roll_back(UnixMillis(end.0 - 1)), Ok(1));
        assert_eq!(value(&made).unwrap(), "one");
        assert_eq!(states(&made), [VersionState::Active, VersionState::Candidate]);
        made.activate(2, Duration::ZERO, NOW).unwrap();
        assert_eq!(states(&made), [VersionState::Retired, VersionState::Active]);
        assert_eq!(made.roll_back(NOW), Err(StoredError::NoPrevious));
    }

    #[test]
    fn ctx_t3_what_is_revoked_never_comes_back() {
        let mut made = with(&["one", "two"]);
        made.revoke(Some(2)).unwrap();
        assert_eq!(value(&made), Err(StoredError::NoneActive));
        assert_eq!(made.roll_back(NOW), Ok(1));
        made.revoke(None).unwrap();
        assert_eq!(value(&made), Err(StoredError::NoneActive));
        assert_eq!(made.roll_back(NOW), Err(StoredError::NoPrevious));
        assert_eq!(made.activate(2, GRACE, NOW), Err(StoredError::NoCandidate));
        assert!(!serde_json::to_string(&made).unwrap().contains("sealed\":\""));
    }

    #[test]
    fn agp_budget_1_2_it_is_due_exactly_when_its_days_are_over() {
        let made = with(&["one"]);
        let end = NOW.plus(DAY * 30);
        assert!(!made.is_due(UnixMillis(end.0 - 1)) && made.is_due(end));
        assert!(!StoredCredential::new("x".to_owned(), Some(1), NOW).is_due(end));
    }

    #[test]
    fn numbers_are_never_used_twice_and_few_versions_are_kept() {
        let values: Vec<String> = (0..40).map(|number| format!("value {number}")).collect();
        let made = with(&values.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(made.versions.len(), VERSIONS_MAX);
        assert_eq!(made.versions.last().unwrap().number, 40);
        assert_eq!(value(&made).unwrap(), "value 39");
    }
}
