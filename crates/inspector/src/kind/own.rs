//! The gate's own contract: `docs/guard-connectors.md` and its JSON Schema say it in full.

use guard::{Direction, Finding, Kind, Origin};
use serde::{Deserialize, Serialize};

use super::{FINDINGS_MAX, Malformed, Read, Spent, parsed, percent, rule};
use crate::points::Points;
use crate::question::{Question, Text};

/// A server of one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Findings below this are left out, in percent.
    pub score_min: u8,
}

#[derive(Serialize)]
struct Asked<'a> {
    request_id: String,
    direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    texts: Vec<AskedText<'a>>,
}

#[derive(Serialize)]
struct AskedText<'a> {
    origin: &'static str,
    text: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    findings: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    text: usize,
    rule: String,
    kind: String,
    start: Option<u64>,
    end: Option<u64>,
    score: Option<f64>,
}

impl Own {
    pub(super) fn write(&self, question: &Question<'_>, texts: &[Text<'_>]) -> serde_json::Result<String> {
        let texts = texts.iter().map(|it| AskedText {
            origin: origin(it.origin),
            text: it.text,
        });
        serde_json::to_string(&Asked {
            request_id: question.request.to_string(),
            direction: Direction::as_str(question.direction),
            model: question.model,
            texts: texts.collect(),
        })
    }

    pub(super) fn read(&self, name: &str, texts: &[Text<'_>], answer: &[u8]) -> Result<Read, Malformed> {
        let answer: Answer = parsed(answer)?;
        if answer.findings.len() > FINDINGS_MAX {
            return Err(Malformed::Many);
        }
        let mut findings = vec![Vec::new(); texts.len()];
        let points: Vec<Points<'_>> = texts.iter().map(|it| Points::of(it.text)).collect();
        for said in answer.findings {
            let text = texts.get(said.text).ok_or(Malformed::Texts)?;
            let span = match (said.start, said.end) {
                (None, None) => Some(0..text.text.len()),
                (Some(start), Some(end)) => points.get(said.text).and_then(|it| it.bytes(start, end)),
                _ => None,
            };
            let mut kinds = Kind::ALL.into_iter();
            let finding = Finding {
                span: span.ok_or(Malformed::Place)?,
                rule: rule(name, &said.rule)?.into(),
                kind: kinds
                    .find(|kind| kind.as_str() == said.kind)
                    .ok_or(Malformed::Name)?,
                category: "",
                score: percent(said.score.unwrap_or(1.0))?,
            };
            if let Some(own) = findings
                .get_mut(said.text)
                .filter(|_| finding.score >= self.score_min)
            {
                own.push(finding);
            }
        }
        Ok(Read {
            findings,
            spent: Spent::default(),
        })
    }
}

/// Who wrote a text, for the other side.
pub(super) const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::System => "system",
        Origin::User => "user",
        Origin::Assistant => "assistant",
        Origin::ToolResult => "tool_result",
        Origin::Document => "document",
        Origin::ToolDescription => "tool_description",
        _ => "other",
    }
}
