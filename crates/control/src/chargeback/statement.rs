//! A final statement as it is kept: its text, and the digest of that.

use domain::{TenantId, UnixMillis};
use finops::{Closed, CostLine, Day, LateItem, Quantities, Rules};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Record, RecordKind};

use super::reckoning::ChargebackError;
use crate::record::Document;

/// What the text begins with saying it is, and in which version.
pub const FORMAT: &str = "bartizan-chargeback/2";
/// The version before, whose statements have nothing that came late.
const FORMAT_WITHOUT_LATE: &str = "bartizan-chargeback/1";
/// The id of a tenant's one document of rules.
const RULES_ID: &str = "rules";

/// The signed head of the ledger that a statement was reckoned from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerHead {
    /// How many entries it covers.
    pub size: u64,
    /// The root over them, hex.
    pub root: String,
    /// The signed note: what whoever has the instance's public key verifies.
    pub note: String,
}

/// What a final statement says. The order of its members is part of its format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// [`FORMAT`].
    pub format: String,
    /// Whose.
    pub tenant: TenantId,
    /// From 1, without a gap.
    pub number: u64,
    /// The first day.
    pub from: Day,
    /// The day after the last.
    pub until: Day,
    /// When it was made final.
    pub finalized: UnixMillis,
    /// The digest of the statement before it.
    pub before: Option<String>,
    /// What it was reckoned from.
    pub ledger: LedgerHead,
    /// By which rules.
    pub rules: Rules,
    /// The sum, of its own time and of what came late.
    pub total: Quantities,
    /// Who bears what of its own time.
    pub lines: Vec<CostLine>,
    /// What came late for the statements before it, each time by itself.
    #[serde(default)]
    pub late: Vec<LateItem>,
}

impl Body {
    /// The sum of its own time.
    pub fn own(&self) -> Quantities {
        let bears = self.lines.iter().map(|line| line.bears);
        bears.fold(Quantities::default(), Quantities::plus)
    }

    /// What it closed.
    pub fn closed(&self) -> Closed {
        Closed {
            number: self.number,
            from: self.from,
            until: self.until,
            size: self.ledger.size,
            takes_late: self.format == FORMAT,
        }
    }
}

/// A final statement as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Its number.
    pub number: u64,
    /// When it was made final.
    pub created: UnixMillis,
    /// BLAKE3 of the text, hex.
    pub digest: String,
    /// [`Body`] as JSON.
    pub text: String,
}

impl Statement {
    /// What is kept of this.
    pub fn of(body: &Body) -> Result<Self, serde_json::Error> {
        let text = serde_json::to_string(body)?;
        Ok(Self {
            number: body.number,
            created: body.finalized,
            digest: digest(&text),
            text,
        })
    }

    /// What it says, if it says what its digest is of.
    // threat: AGP-R2
    pub fn body(&self) -> Result<Body, String> {
        if digest(&self.text) != self.digest {
            return Err("its text is not what its digest is of".to_owned());
        }
        let body: Body =
            serde_json::from_str(&self.text).map_err(|error| format!("it does not read: {error}"))?;
        let is_known = body.format == FORMAT || (body.format == FORMAT_WITHOUT_LATE && body.late.is_empty());
        if !is_known || body.number != self.number {
            return Err("it is another statement than it is kept as".to_owned());
        }
        Ok(body)
    }
}

impl Statement {
    /// As the store keeps it.
    pub fn record(&self) -> Result<Record, ChargebackError> {
        Ok(self.to_record()?)
    }
}

impl RulesDocument {
    /// As the store keeps them.
    pub fn record(&self) -> Result<Record, ChargebackError> {
        Ok(self.to_record()?)
    }
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// The id of the statement of that number: they sort as their numbers do, and no two can be made with one.
pub fn number_id(number: u64) -> String {
    format!("{number:08}")
}

impl Document for Statement {
    const KIND: RecordKind = RecordKind::ChargebackStatement;
    fn id(&self) -> String {
        number_id(self.number)
    }
    fn created(&self) -> UnixMillis {
        self.created
    }
}

/// A tenant's rules as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesDocument {
    /// When there were first any.
    pub created: UnixMillis,
    /// The rules.
    pub rules: Rules,
}

impl RulesDocument {
    /// Its one id in a tenant.
    pub const ID: &'static str = RULES_ID;
}

impl Document for RulesDocument {
    const KIND: RecordKind = RecordKind::ChargebackRules;
    fn id(&self) -> String {
        RULES_ID.to_owned()
    }
    fn created(&self) -> UnixMillis {
        self.created
    }
}
