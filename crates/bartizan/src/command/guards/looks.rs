//! `bartizan guard test`: what the guards find in one text.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use guard::{
    FLAG, Finding, Injection, MODERATION_FLAG, Moderation, Origin, PERSONAL_SCORE_MIN, Personal, RULES_FLAG,
    SURE, Secrets, Verdict,
};
use serde::Serialize;

use crate::failure::Failure;

use super::super::show::{Show, Shown, finish};
use super::super::table::{Column, Table};
use super::places::Places;

pub const HELP: &str = "\
Examples:
  bartizan guard test prompt.txt
  git diff --cached | bartizan guard test - --guard secrets --deny
  bartizan guard test prompt.txt --redacted
  bartizan guard test prompt.txt --digests     # for an exception of one text

Says where findings stand and by which rule, never what they are.";

/// The largest text that is read.
const TEXT_BYTES_MAX: u64 = 64 << 20;

/// On what.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The text; `-` for standard input
    #[arg(value_name = "FILE")]
    text: PathBuf,
    /// Only these guards; secrets, personal data, injection and moderation unless given
    #[arg(long, value_enum)]
    guard: Vec<Looks>,
    /// Print the text with what was found replaced, instead of a table
    #[arg(long)]
    redacted: bool,
    /// Print the SHA-256 of what was found, by which an exception names that one text
    #[arg(long)]
    digests: bool,
    /// Fail when something is found: for hooks before commits
    #[arg(long)]
    deny: bool,
}

/// A guard, as it is called on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Looks {
    /// Credentials: keys, tokens, passwords, private keys
    Secrets,
    /// Personal data: what says who somebody is, or how to reach them
    Personal,
    /// Text that is to be taken for an instruction where it is none, as its user's words
    Injection,
    /// The same, by its rules alone: without the model
    InjectionRules,
    /// What nobody should be helped with: hate, harassment, self-harm, sex, violence, crime
    Moderation,
    /// Injection, as what a tool says of itself: its name, a colon, and its description
    Tool,
}

/// What a guard says of a text.
#[derive(Debug, Default)]
pub struct Scored {
    /// How sure it is that the text is what it looks for, 0 to 100.
    pub score: f64,
    /// What it found.
    pub findings: Vec<Finding>,
}

impl Scored {
    /// Whether it counts at this threshold.
    pub fn is_found(&self, threshold: u8) -> bool {
        self.score > 0.0 && self.score >= f64::from(threshold)
    }

    fn of(findings: Vec<Finding>) -> Self {
        let score = findings.iter().map(|it| f64::from(it.score)).fold(0.0, f64::max);
        Self { score, findings }
    }

    /// The layers together may be sure where no finding is.
    fn by(verdict: Verdict) -> Self {
        Self {
            score: f64::from(verdict.score),
            findings: verdict.findings,
        }
    }

    fn by_rules(verdict: Verdict) -> Self {
        Self {
            score: f64::from(verdict.rules),
            findings: verdict.findings,
        }
    }
}

/// A guard, built.
pub enum Ready {
    /// See [`Looks::Secrets`].
    Secrets(Box<Secrets>),
    /// See [`Looks::Personal`].
    Personal(Box<Personal>),
    /// See [`Looks::Injection`].
    Injection(Box<Injection>),
    /// See [`Looks::InjectionRules`].
    InjectionRules(Box<Injection>),
    /// See [`Looks::Moderation`].
    Moderation(Box<Moderation>),
    /// See [`Looks::Tool`].
    Tool(Box<Injection>),
}

impl Looks {
    /// Builds it.
    pub fn ready(self) -> Ready {
        match self {
            Self::Secrets => Ready::Secrets(Box::default()),
            Self::Personal => Ready::Personal(Box::default()),
            Self::Injection => Ready::Injection(Box::default()),
            Self::InjectionRules => Ready::InjectionRules(Box::default()),
            Self::Moderation => Ready::Moderation(Box::new(Moderation::new())),
            Self::Tool => Ready::Tool(Box::default()),
        }
    }

    /// As it is written on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::Personal => "personal",
            Self::Injection => "injection",
            Self::InjectionRules => "injection-rules",
            Self::Moderation => "moderation",
            Self::Tool => "tool",
        }
    }

    /// The threshold it is used with unless told otherwise, in percent.
    pub const fn threshold(self) -> u8 {
        match self {
            Self::Secrets => SURE / 2,
            Self::Personal => PERSONAL_SCORE_MIN,
            Self::InjectionRules => RULES_FLAG,
            Self::Moderation => MODERATION_FLAG,
            Self::Injection | Self::Tool => FLAG,
        }
    }
}

impl Ready {
    /// Looks at one text.
    pub fn look(&self, text: &str) -> Scored {
        match self {
            Self::Secrets(secrets) => {
                let mut found = Vec::new();
                secrets.scan(text, &mut found);
                Scored::of(found)
            }
            Self::Personal(personal) => {
                let mut found = Vec::new();
                personal.scan(text, &mut found);
                Scored::of(found)
            }
            Self::Injection(injection) => Scored::by(injection.judge(text, Origin::User)),
            Self::InjectionRules(injection) => Scored::by_rules(injection.judge(text, Origin::User)),
            Self::Moderation(moderation) => {
                let judgement = moderation.judge_readings(text);
                Scored {
                    score: f64::from(judgement.score),
                    findings: judgement.findings,
                }
            }
            Self::Tool(injection) => {
                let (name, description) = text.split_once(':').unwrap_or(("", text));
                Scored::by(injection.poisoned(name, description.trim_start()))
            }
        }
    }
}

/// One finding, for people and programs.
#[derive(Debug, Serialize)]
struct Told {
    guard: &'static str,
    rule: String,
    score: u8,
    line: usize,
    /// In characters, from 1.
    column: usize,
    characters: usize,
    /// By which an exception names this one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Tested(Vec<Told>);

impl Shown for Tested {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(out, "nothing found");
        }
        let mut columns = vec![
            Column::Text("at"),
            Column::Text("guard"),
            Column::Text("rule"),
            Column::Number("sure"),
            Column::Number("characters"),
        ];
        let digests = self.0.iter().any(|told| told.sha256.is_some());
        if digests {
            columns.push(Column::Text("sha256"));
        }
        let mut table = Table::new(&columns);
        for told in &self.0 {
            let digest = told.sha256.clone().filter(|_| digests);
            let cells = [
                format!("{}:{}", told.line, told.column),
                told.guard.to_owned(),
                told.rule.to_owned(),
                format!("{} %", told.score),
                told.characters.to_string(),
            ];
            table.row(cells.into_iter().chain(digest));
        }
        table.write(out)
    }
}

/// Tests.
pub fn run(args: &TestArgs, show: Show) -> Result<(), Failure> {
    let text = read(&args.text)?;
    let asked = if args.guard.is_empty() {
        &[
            Looks::Secrets,
            Looks::Personal,
            Looks::Injection,
            Looks::Moderation,
        ][..]
    } else {
        &args.guard
    };
    let found: Vec<(Looks, Finding)> = asked
        .iter()
        .flat_map(|looks| {
            let findings = looks.ready().look(&text).findings;
            findings.into_iter().map(|finding| (*looks, finding))
        })
        .collect();
    if args.redacted {
        let findings: Vec<Finding> = found.iter().map(|(_, finding)| finding.clone()).collect();
        finish(
            io::stdout()
                .lock()
                .write_all(guard::redact(&text, &findings).as_bytes()),
        )?;
    } else {
        show.say(&Tested(told(&text, found.clone(), args.digests)))?;
    }
    match found.len() {
        0 => Ok(()),
        _ if !args.deny => Ok(()),
        one => Err(Failure::new(format!("{one} found"))),
    }
}

fn told(text: &str, mut found: Vec<(Looks, Finding)>, digests: bool) -> Vec<Told> {
    found.sort_by_key(|(_, finding)| (finding.span.start, finding.span.end));
    let mut places = Places::of(text);
    let tell = |(looks, finding): (Looks, Finding)| {
        let place = places.next(&finding.span);
        Told {
            guard: looks.name(),
            rule: finding.rule.into_owned(),
            score: finding.score,
            line: place.line,
            column: place.column,
            characters: place.found.chars().count(),
            sha256: digests.then(|| guard::exception_digest(place.found)),
        }
    };
    found.into_iter().map(tell).collect()
}

/// A text or a body from a file, or from standard input for `-`.
pub fn read(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(TEXT_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(TEXT_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    let unreadable = |e: io::Error| Failure::usage(format!("`{}` cannot be read: {e}", path.display()));
    if read.map_err(unreadable)? as u64 > TEXT_BYTES_MAX {
        return Err(Failure::usage(format!(
            "the text is larger than {TEXT_BYTES_MAX} bytes"
        )));
    }
    // What is no text is looked through all the same: the rest of it may hold what is looked for.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
