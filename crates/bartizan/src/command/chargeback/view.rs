//! Rules and statements for people.

use std::io::{self, Write};

use control::chargeback::{StatementLine, StatementView, Verified};
use finops::{Part, Rules, Source, Split};
use serde::Serialize;

use crate::command::report::{dollars, percent};
use crate::command::show::Shown;
use crate::command::table::{Column, Table};

/// A tenant's rules.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct RulesView(pub Rules);

impl Shown for RulesView {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.0.rules.is_empty() {
            writeln!(
                out,
                "no rules; `bartizan chargeback rules --set rules.yaml` makes some"
            )?;
            return writeln!(out, "all cost goes to `{}`", self.0.rest);
        }
        let mut table = Table::new(&[
            Column::Number("#"),
            Column::Text("rule"),
            Column::Text("takes"),
            Column::Text("split"),
            Column::Text("among"),
        ]);
        for (at, rule) in (1..).zip(&self.0.rules) {
            let takes: Vec<String> = rule.takes.iter().map(taken).collect();
            let number: i32 = at;
            table.row([
                number.to_string(),
                rule.name.clone(),
                takes.join(", "),
                rule.split.kind().to_owned(),
                among(&rule.split),
            ]);
        }
        table.write(out)?;
        writeln!(
            out,
            "the first rule that takes a cost has it; what none takes goes to `{}`",
            self.0.rest
        )
    }
}

fn taken(source: &Source) -> String {
    match source {
        Source::Team(id) | Source::Project(id) | Source::Key(id) => id.clone(),
        Source::Everything => "everything".to_owned(),
    }
}

fn among(split: &Split) -> String {
    let weighed = |parts: &[Part], said: &dyn Fn(u64) -> String| {
        let parts = parts
            .iter()
            .map(|part| format!("{} {}", part.to, said(part.weight)));
        parts.collect::<Vec<_>>().join(", ")
    };
    match split {
        Split::Whole { to } => to.clone(),
        Split::Even { to } => to.join(", "),
        Split::Percent { parts } => weighed(parts, &|bp| percent(i64::try_from(bp).unwrap_or(i64::MAX))),
        Split::Weights { parts } => weighed(parts, &|weight| weight.to_string()),
        Split::Usage { to, by } => format!("{} by {by:?}", to.join(", ")).to_lowercase(),
    }
}

/// A statement.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Statement(pub StatementView);

impl Shown for Statement {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let view = &self.0;
        match (view.number, &view.digest) {
            (Some(number), Some(digest)) => writeln!(out, "statement {number}, final  {digest}")?,
            _ => writeln!(out, "draft: nothing is kept of it")?,
        }
        writeln!(out, "from {} until before {}\n", view.from, view.until)?;
        let mut table = Table::new(&[
            Column::Text("cost centre"),
            Column::Number("bears $"),
            Column::Number("share"),
            Column::Number("requests"),
            Column::Number("tokens"),
        ]);
        let all = i128::from(view.total.cost.nanos().max(1));
        for line in &view.targets {
            let share = i64::try_from(i128::from(line.bears.cost.nanos()) * 10_000 / all).unwrap_or(0);
            table.row([
                line.target.clone(),
                line.bears.cost.to_string(),
                percent(share),
                line.bears.requests.to_string(),
                line.bears.tokens.to_string(),
            ]);
        }
        table.row([
            "total".to_owned(),
            view.total.cost.to_string(),
            percent(10_000),
            view.total.requests.to_string(),
            view.total.tokens.to_string(),
        ]);
        table.write(out)?;
        for item in &view.late {
            writeln!(
                out,
                "of it ${} for {} calls from {} until before {} that came after statement {} was made",
                item.total.cost, item.total.requests, item.from, item.until, item.statement
            )?;
        }
        match &view.ledger {
            Some(head) => writeln!(
                out,
                "\nfrom the ledger's first {} entries, root {}",
                head.size, head.root
            ),
            None => Ok(()),
        }
    }
}

/// Final statements.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Statements(pub Vec<StatementLine>);

impl Shown for Statements {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(
                out,
                "no final statements; `bartizan chargeback finalize` makes one"
            );
        }
        let mut table = Table::new(&[
            Column::Number("#"),
            Column::Text("from"),
            Column::Text("until"),
            Column::Number("total $"),
            Column::Text("made"),
            Column::Text("digest"),
        ]);
        for line in &self.0 {
            table.row([
                line.number.to_string(),
                line.from.clone(),
                line.until.clone(),
                dollars(line.total.cost.nanos()),
                line.finalized.clone(),
                line.digest.clone(),
            ]);
        }
        table.write(out)
    }
}

/// What became of verifying them.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Checked(pub Verified);

impl Shown for Checked {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        for one in &self.0.statements {
            let said = if one.problems.is_empty() {
                "holds"
            } else {
                "DOES NOT HOLD"
            };
            writeln!(out, "statement {}  {}  {said}", one.number, one.digest)?;
            for problem in &one.problems {
                writeln!(out, "  {problem}")?;
            }
            if one.came_later > 0 {
                writeln!(
                    out,
                    "  {} calls of its time came into the ledger after it was made",
                    one.came_later
                )?;
            }
            if one.waiting != finops::Quantities::default() {
                writeln!(
                    out,
                    "  of what came after it, ${} of {} calls waits for the next statement",
                    one.waiting.cost, one.waiting.requests
                )?;
            }
        }
        match (self.0.statements.len(), self.0.holds) {
            (0, _) => writeln!(out, "no final statements: there is nothing to verify"),
            (count, true) => writeln!(
                out,
                "all {count} are as they were made, and the ledger still says the same"
            ),
            (_, false) => Ok(()),
        }
    }
}
