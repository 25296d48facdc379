//! OpenAI's moderation endpoint, and what speaks like it: `POST /v1/moderations`.

use std::collections::BTreeMap;

use guard::{Finding, Kind};
use serde::{Deserialize, Serialize};

use super::{FINDINGS_MAX, Malformed, Read, Spent, parsed, percent, rule};
use crate::question::Text;

/// How moderation is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moderation {
    /// The model; the server's own where there is none.
    pub model: Option<String>,
    /// From which score a category counts, in percent; where there is none, the server decides.
    pub score_min: Option<u8>,
}

#[derive(Serialize)]
struct Asked<'a> {
    input: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    flagged: bool,
    categories: BTreeMap<String, bool>,
    category_scores: BTreeMap<String, f64>,
}

impl Moderation {
    pub(super) fn write(&self, texts: &[Text<'_>]) -> serde_json::Result<String> {
        serde_json::to_string(&Asked {
            input: texts.iter().map(|it| it.text).collect(),
            model: self.model.as_deref(),
        })
    }

    pub(super) fn read(&self, texts: &[Text<'_>], answer: &[u8]) -> Result<Read, Malformed> {
        let answer: Answer = parsed(answer)?;
        if answer.results.len() != texts.len() {
            return Err(Malformed::Texts);
        }
        let of = |(text, said): (&Text<'_>, &Said)| self.findings(text, said);
        let findings = texts.iter().zip(&answer.results).map(of);
        Ok(Read {
            findings: findings.collect::<Result<_, _>>()?,
            spent: Spent::default(),
        })
    }

    fn findings(&self, text: &Text<'_>, said: &Said) -> Result<Vec<Finding>, Malformed> {
        if said.categories.len() > FINDINGS_MAX {
            return Err(Malformed::Many);
        }
        let mut found = Vec::new();
        for (category, is_so) in &said.categories {
            let score = said.category_scores.get(category).ok_or(Malformed::Form)?;
            let score = percent(*score)?;
            let rule = rule("moderation", category)?;
            if self.score_min.map_or(*is_so, |least| score >= least) {
                found.push(finding(text, rule, score));
            }
        }
        // What is flagged without a category that says why is still flagged.
        if said.flagged && self.score_min.is_none() && found.is_empty() {
            found.push(finding(text, "moderation:flagged".to_owned(), guard::SURE));
        }
        Ok(found)
    }
}

fn finding(text: &Text<'_>, rule: String, score: u8) -> Finding {
    Finding {
        span: 0..text.text.len(),
        rule: rule.into(),
        kind: Kind::Moderation,
        category: "",
        score,
    }
}
