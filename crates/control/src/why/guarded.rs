//! What guards and consents had to do with a recorded call: what its entry says of then, and whose profiles are about such calls
//! now.

use domain::DataClass;
use guard::{Profile, Profiles};
use ledger::Entry;
use policy::Consents;
use schemars::JsonSchema;
use serde::Serialize;
use store::StoreError;

use super::Scene;
use crate::documents;
use crate::problem::Problem;
use crate::resource::guards::maker;
use crate::resource::words::time;

/// What guards and consents had to do with a recorded call.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct GuardedView {
    /// Names what the call's text was judged by, where profiles were about it: the same wherever the same is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What guards found and did, as recorded then.
    pub findings: Vec<FoundView>,
    /// Profiles that are about such calls as they are set now.
    pub profiles: Vec<MetView>,
    /// The version of the tenant's consents that decided about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consents: Option<ConsentedView>,
}

/// What guards did about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FoundView {
    /// `input` or `output`.
    pub direction: String,
    /// The rule that found something.
    pub rule: String,
    /// What was done, or would have been.
    pub verdict: String,
}

/// A profile that is about such calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MetView {
    /// What it is called.
    pub name: String,
    /// `instance` or `tenant`.
    pub of: &'static str,
    /// Whether it is only tried out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
}

/// A version of consents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConsentedView {
    /// Which.
    pub number: u64,
    /// Since when it was in force, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// `input:email_address:block`, read back.
fn found(note: &str) -> Option<FoundView> {
    let (direction, rest) = note.split_once(':')?;
    let (rule, verdict) = rest.rsplit_once(':')?;
    Some(FoundView {
        direction: direction.to_owned(),
        rule: rule.to_owned(),
        verdict: verdict.to_owned(),
    })
}

/// What an entry names behind a word: `7` of `consents:7`.
fn named<'e>(entry: &'e Entry, word: &str) -> Option<&'e str> {
    let mut all = entry.policies.iter();
    all.find_map(|policy| policy.strip_prefix(word)?.strip_prefix(':'))
}

impl Scene<'_> {
    /// What guards and consents had to do with it, where `instance` has these profiles.
    pub async fn guarded(&self, entry: &Entry, instance: &[Profile]) -> Result<GuardedView, Problem> {
        Ok(GuardedView {
            version: named(entry, "guards").map(str::to_owned),
            findings: entry.findings.iter().filter_map(|note| found(note)).collect(),
            profiles: self.met(entry, instance).await?,
            consents: self.consented(entry).await?,
        })
    }

    async fn met(&self, entry: &Entry, instance: &[Profile]) -> Result<Vec<MetView>, Problem> {
        let Some(key) = self.names.key(self.tenant, entry.key) else {
            return Ok(Vec::new());
        };
        let own = documents::newest::<Profiles>(self.store, &self.scope()).await?;
        let own = own.map(|(_, kept)| kept.document.profiles).unwrap_or_default();
        let tenant = self.names.tenant(self.tenant);
        let team = self.names.team(self.tenant, entry.team);
        let call = guard::Call {
            tenant: (self.tenant, tenant.as_ref().map_or("", |tenant| &tenant.name)),
            team: (entry.team, team.map_or("", |team| &team.name)),
            project: entry.project,
            key: (entry.key, &key.name),
            tags: &entry.tags,
            model: entry.model.as_deref().unwrap_or_default(),
            operation: entry.operation,
            data_class: self.carried(entry, key.marks.data_class),
        };
        let of = |all: &[Profile], of: &'static str| {
            let met = all.iter().filter(|profile| profile.when.means(&call));
            let met = met.map(|profile| MetView {
                name: profile.name.clone(),
                of,
                shadow: profile.shadow,
            });
            met.collect::<Vec<_>>()
        };
        Ok([of(instance, "instance"), of(&own, "tenant")].concat())
    }

    /// What the entry says that it carried, or what its key says of every call.
    fn carried(&self, entry: &Entry, key: Option<DataClass>) -> DataClass {
        let least = self.engine.data_class(key, None);
        entry.data_class.unwrap_or(least)
    }

    async fn consented(&self, entry: &Entry) -> Result<Option<ConsentedView>, Problem> {
        let Some(number) = named(entry, "consents").and_then(|number| number.parse().ok()) else {
            return Ok(None);
        };
        let kept = match documents::version::<Consents>(self.store, &self.scope(), number).await {
            Err(StoreError::NotFound) => None,
            kept => Some(kept?),
        };
        Ok(Some(ConsentedView {
            number,
            made: kept.as_ref().map(|kept| time(kept.made)),
            by: kept.as_ref().map(|kept| maker(&kept.by)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_read_back_as_they_were_written_down() {
        let read = found("input:own:word:would_block").unwrap();
        let parts = [&read.direction, &read.rule, &read.verdict].map(String::as_str);
        assert_eq!(
            parts,
            ["input", "own:word", "would_block"],
            "names may have colons"
        );
        assert_eq!(found("nothing"), None);
    }
}
