//! Microsoft Presidio's analyzer: `POST /analyze`, as of its REST API v2.

use guard::{Finding, Kind, PersonalKind};
use serde::{Deserialize, Serialize};

use super::{FINDINGS_MAX, Malformed, Read, Spent, parsed, percent, rule};
use crate::points::Points;
use crate::question::Text;

/// How Presidio is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presidio {
    /// In which language texts are read.
    pub language: String,
    /// Findings below this are left out, in percent.
    pub score_min: u8,
    /// Which entities are looked for; all that it knows where empty.
    pub entities: Vec<String>,
}

#[derive(Serialize)]
struct Asked<'a> {
    text: &'a str,
    language: &'a str,
    score_threshold: f64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    entities: &'a [String],
}

#[derive(Deserialize)]
struct Said {
    entity_type: String,
    start: u64,
    end: u64,
    score: f64,
}

impl Presidio {
    pub(super) fn write(&self, texts: &[Text<'_>]) -> serde_json::Result<String> {
        serde_json::to_string(&Asked {
            text: texts.first().map_or("", |it| it.text),
            language: &self.language,
            score_threshold: f64::from(self.score_min) / 100.0,
            entities: &self.entities,
        })
    }

    pub(super) fn read(&self, texts: &[Text<'_>], answer: &[u8]) -> Result<Read, Malformed> {
        let said: Vec<Said> = parsed(answer)?;
        if said.len() > FINDINGS_MAX {
            return Err(Malformed::Many);
        }
        let points = Points::of(texts.first().ok_or(Malformed::Texts)?.text);
        let findings = said.into_iter().map(|it| {
            Ok(Finding {
                span: points.bytes(it.start, it.end).ok_or(Malformed::Place)?,
                rule: rule("presidio", &it.entity_type)?.into(),
                kind: Kind::Personal,
                category: category(&it.entity_type),
                score: percent(it.score)?,
            })
        });
        let findings = findings.collect::<Result<Vec<_>, Malformed>>()?;
        let sure = findings.into_iter().filter(|it| it.score >= self.score_min);
        Ok(Read {
            findings: vec![sure.collect()],
            spent: Spent::default(),
        })
    }
}

/// What the gate calls an entity; nothing where it has no word for it.
fn category(entity: &str) -> &'static str {
    let kind = match entity {
        "EMAIL_ADDRESS" => PersonalKind::Email,
        "PHONE_NUMBER" => PersonalKind::Phone,
        "CREDIT_CARD" => PersonalKind::PaymentCard,
        "IBAN_CODE" | "US_BANK_NUMBER" => PersonalKind::BankAccount,
        "CRYPTO" => PersonalKind::CryptoAddress,
        "US_SSN"
        | "US_ITIN"
        | "UK_NINO"
        | "ES_NIF"
        | "ES_NIE"
        | "IT_FISCAL_CODE"
        | "IT_IDENTITY_CARD"
        | "IT_VAT_CODE"
        | "PL_PESEL"
        | "SG_NRIC_FIN"
        | "SG_UEN"
        | "AU_TFN"
        | "AU_ABN"
        | "AU_ACN"
        | "IN_AADHAAR"
        | "IN_PAN"
        | "IN_VOTER"
        | "FI_PERSONAL_IDENTITY_CODE"
        | "KR_RRN"
        | "TH_TNIN" => PersonalKind::NationalId,
        "US_PASSPORT" | "IT_PASSPORT" | "IN_PASSPORT" | "US_DRIVER_LICENSE" | "IT_DRIVER_LICENSE" => {
            PersonalKind::Document
        }
        "IP_ADDRESS" | "MAC_ADDRESS" => PersonalKind::MachineAddress,
        "UK_NHS" | "AU_MEDICARE" | "MEDICAL_LICENSE" => PersonalKind::Health,
        "URL" => PersonalKind::Url,
        "PERSON" => PersonalKind::Name,
        _ => return "",
    };
    kind.as_str()
}
