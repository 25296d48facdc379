//! Reports for people: tables that align, and charts.

use std::io::{self, Write};

use control::outlook::{AnomaliesView, BudgetLine, BudgetsView, By, ForecastLine, ForecastView, TrendView};
use serde::Serialize;

use super::chart::{Bar, lines, spark};
use crate::command::arguments::window_name;
use crate::command::find::Names;
use crate::command::show::Shown;
use crate::command::table::{Column, Table};

/// Days of history that a chart has before what is to come.
const CHARTED_DAYS: usize = 42;
/// Days that a line of a table has room for.
const SPARK_DAYS: usize = 30;
const NANOS: i64 = 1_000_000_000;

/// Something to show, and what ids in it are called.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Named<'a, T> {
    pub view: T,
    #[serde(skip)]
    pub names: &'a Names,
    #[serde(skip)]
    pub tenant: String,
}

impl<T> Named<'_, T> {
    /// What people call a group.
    fn name(&self, by: By, group: &str) -> String {
        let unknown = || group.to_owned();
        match by {
            By::Total => format!("all of {}", self.tenant),
            By::Team => group
                .parse()
                .map_or_else(|_| unknown(), |id| self.names.team_name(id)),
            By::Key => group
                .parse()
                .map_or_else(|_| unknown(), |id| self.names.key_name(id)),
            By::Model => unknown(),
        }
    }
}

/// Dollars as people read them: to the cent, and small amounts to a hundredth of one.
pub fn dollars(nanos: i64) -> String {
    let (sign, nanos) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let (whole, unit, digits) = match nanos < NANOS.unsigned_abs() {
        true => (10_000, 100_000, 4),
        false => (100, 10_000_000, 2),
    };
    let rounded = nanos.saturating_add(unit / 2) / unit;
    format!("{sign}{}.{:0digits$}", rounded / whole, rounded % whole)
}

/// Hundredths of a per cent.
pub fn percent(bp: i64) -> String {
    let sign = if bp < 0 { "-" } else { "" };
    format!(
        "{sign}{}.{} %",
        bp.unsigned_abs() / 100,
        bp.unsigned_abs() % 100 / 10
    )
}

impl Shown for Named<'_, TrendView> {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let view = &self.view;
        if view.rows.is_empty() {
            return writeln!(out, "nothing was spent from {} until {}", view.from, view.until);
        }
        let mut table = Table::new(&[
            Column::Text(view.by.as_str()),
            Column::Number("earlier half $"),
            Column::Number("later half $"),
            Column::Number("change"),
            Column::Text("trend"),
            Column::Number("a day $"),
            Column::Text(""),
        ]);
        for row in &view.rows {
            let change = row.change_bp.map_or_else(|| "new".to_owned(), percent);
            let clear = if row.is_clear { ", clear" } else { "" };
            let skipped = row.days.len().saturating_sub(SPARK_DAYS);
            table.row([
                self.name(view.by, &row.group),
                dollars(row.earlier_nanos),
                dollars(row.later_nanos),
                change,
                format!("{}{clear}", row.direction),
                dollars(row.per_day_nanos),
                spark(row.days.iter().skip(skipped).map(|day| day.cost_nanos)),
            ]);
        }
        table.write(out)?;
        writeln!(
            out,
            "from {} until {}, days of UTC; up and down are more than 10 %",
            view.from, view.until
        )
    }
}

impl Shown for Named<'_, ForecastView> {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let view = &self.view;
        if view.rows.is_empty() {
            return writeln!(
                out,
                "nothing was spent in the last quarter: there is nothing to forecast from"
            );
        }
        let mut table = Table::new(&[
            Column::Text(view.by.as_str()),
            Column::Number("so far $"),
            Column::Number("expected $"),
            Column::Number("at least $"),
            Column::Number("at most $"),
            Column::Text(""),
        ]);
        for row in &view.rows {
            table.row(self.forecast_cells(row));
        }
        table.write(out)?;
        if let [only] = view.rows.as_slice() {
            chart(only, out)?;
        }
        let (from, until, coverage) = (&view.from, &view.until, view.coverage_percent);
        writeln!(
            out,
            "from {from} until before {until}; the bounds are to hold in {coverage} of 100 cases"
        )
    }
}

impl Named<'_, ForecastView> {
    fn forecast_cells(&self, row: &ForecastLine) -> [String; 6] {
        let name = self.name(self.view.by, &row.group);
        let amounts = match (&row.forecast, &row.too_short) {
            (Some(said), _) => {
                let marks = [(said.is_seasonal, "weekdays"), (said.is_growing, "growth")];
                let marks: Vec<&str> = marks
                    .iter()
                    .filter(|(is, _)| *is)
                    .map(|(_, mark)| *mark)
                    .collect();
                let amounts = [said.expected_nanos, said.lower_nanos, said.upper_nanos].map(dollars);
                (amounts, marks.join(", "))
            }
            (None, Some(short)) => {
                let said = format!(
                    "not enough history: {} days, and it takes {}",
                    short.days, short.needs
                );
                (["-", "-", "-"].map(str::to_owned), said)
            }
            (None, None) => (["-", "-", "-"].map(str::to_owned), String::new()),
        };
        let ([expected, lower, upper], said) = amounts;
        [name, dollars(row.spent_nanos), expected, lower, upper, said]
    }
}

fn chart(row: &ForecastLine, out: &mut dyn Write) -> io::Result<()> {
    let Some(said) = &row.forecast else {
        return Ok(());
    };
    let skipped = row.history.len().saturating_sub(CHARTED_DAYS);
    let before = row.history.iter().skip(skipped);
    let ahead = said.days.iter().map(|day| Bar::Ahead {
        lower: day.lower_nanos,
        expected: day.expected_nanos,
        upper: day.upper_nanos,
    });
    let bars: Vec<Bar> = before
        .clone()
        .map(|day| Bar::Was(day.cost_nanos))
        .chain(ahead)
        .collect();
    let (drawn, top) = lines(&bars);
    let label = format!("${}", dollars(top));
    let width = label.chars().count();
    writeln!(out)?;
    for (at, line) in drawn.iter().enumerate() {
        let label = if at == 0 { label.as_str() } else { "" };
        writeln!(out, "  {label:>width$} │{}", line.trim_end())?;
    }
    writeln!(out, "  {:>width$} └{}", "$0", "─".repeat(bars.len()))?;
    let first = before.clone().next().map_or("", |day| day.day.as_str());
    let today = said.days.first().map_or("", |day| day.day.as_str());
    let gap = before.count().saturating_sub(first.chars().count());
    writeln!(out, "  {:>width$}  {first}{:gap$}{today}", "", "")?;
    writeln!(
        out,
        "  {:>width$}  █ what a day cost   ━ expected   ░ its bounds\n",
        ""
    )
}

impl Shown for Named<'_, AnomaliesView> {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let view = &self.view;
        if !view.anomalies.is_empty() {
            let mut table = Table::new(&[
                Column::Text("day"),
                Column::Text("of"),
                Column::Text(""),
                Column::Number("spent $"),
                Column::Number("usual $"),
                Column::Number("up to $"),
                Column::Number("score"),
            ]);
            for line in &view.anomalies {
                table.row([
                    line.day.clone(),
                    line.by.as_str().to_owned(),
                    self.name(line.by, &line.group),
                    dollars(line.spent_nanos),
                    dollars(line.expected_nanos),
                    dollars(line.upper_nanos),
                    format!(
                        "{}.{}",
                        line.score_milli / 1_000,
                        line.score_milli.unsigned_abs() % 1_000 / 100
                    ),
                ]);
            }
            table.write(out)?;
        }
        let (found, judged) = (view.anomalies.len(), view.judged);
        writeln!(
            out,
            "{found} of {judged} days of series stood out, from {}; ordinary days do so less than once in {}",
            view.from, view.false_alarms_in
        )?;
        if !view.too_new.is_empty() {
            let needs = view.too_new.first().map_or(0, |series| series.needs);
            writeln!(
                out,
                "{} series are too new to be judged: it takes {needs} days",
                view.too_new.len()
            )?;
        }
        Ok(())
    }
}

impl Shown for Named<'_, BudgetsView> {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.view.budgets.is_empty() {
            return writeln!(out, "no budgets; `bartizan budgets create` makes one");
        }
        let mut table = Table::new(&[
            Column::Text("budget"),
            Column::Text("window"),
            Column::Number("limit"),
            Column::Number("spent"),
            Column::Number("used"),
            Column::Number("elapsed"),
            Column::Number("a day"),
            Column::Text("gone"),
            Column::Number("chance"),
        ]);
        for line in &self.view.budgets {
            table.row(cells(line));
        }
        table.write(out)
    }
}

fn cells(line: &BudgetLine) -> [String; 9] {
    let amount = |amount: i64| match line.unit {
        "tokens" => format!("{amount} tok"),
        _ => format!("${}", dollars(amount)),
    };
    let none = || "-".to_owned();
    let limit = line.budget.limit_nanos.or(line.budget.limit_tokens);
    let gone = match (&line.exhausted, &line.exhausted_earliest, &line.exhausted_latest) {
        (Some(at), Some(early), Some(late)) => format!("{at} ({early} to {late})"),
        (Some(at), Some(early), None) => format!("{at} ({early} or later)"),
        (Some(at), _, _) => at.clone(),
        (None, Some(early), _) => format!("perhaps from {early}"),
        (None, None, _) if line.basis == "unknown" => "not known yet".to_owned(),
        (None, None, _) => "not in its window".to_owned(),
    };
    [
        line.budget.name.clone(),
        window_name(line.budget.window).to_owned(),
        limit.map_or_else(none, amount),
        amount(line.spent),
        percent(line.used_bp),
        line.elapsed_bp.map_or_else(none, percent),
        line.burn_per_day.map_or_else(none, amount),
        gone,
        line.exhaustion_chance_bp.map_or_else(none, percent),
    ]
}
