//! The digest: what people want to know of a time's spend, on a page. Made of the same reports that the control plane
//! answers; says nothing of what calls were about.

use std::collections::HashMap;

use control::outlook::{self, Ahead, Asked, By, From};
use domain::{TenantId, TenantScope, UnixMillis};
use exports::Time;
use finops::Day;
use jiff::tz::TimeZone;
use ledger::Budget;
use serde::Serialize;
use store::usage::{Dimension, UsageQuery};
use store::{DirectoryDump, Store};
use worker::{Letter, MakeError, Section};

use crate::command::report;

/// How many of each are named.
const TOP: usize = 5;
/// From how much of a budget on it is near its end, in hundredths of a per cent.
const NEAR_BP: i64 = 8_000;
/// From which chance on that it is gone before its window ends, in ten-thousandths.
const LIKELY_BP: i64 = 5_000;
/// Days that stood out, at most.
const ANOMALIES_MAX: usize = 10;

/// What is spent by something.
#[derive(Debug, Serialize)]
pub struct Line {
    name: String,
    cost_nanos: i64,
    requests: u64,
}

/// The largest of one kind.
#[derive(Debug, Serialize)]
pub struct Largest {
    by: &'static str,
    rows: Vec<Line>,
    /// What all others cost.
    others_nanos: i64,
}

/// What the month will have cost.
#[derive(Debug, Serialize)]
pub struct Expected {
    until: String,
    spent_nanos: i64,
    expected_nanos: i64,
    lower_nanos: i64,
    upper_nanos: i64,
}

/// A budget that is near its end.
#[derive(Debug, Serialize)]
pub struct Near {
    name: String,
    used_bp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exhausted: Option<String>,
}

/// A day that stood out.
#[derive(Debug, Serialize)]
pub struct StoodOut {
    day: String,
    by: &'static str,
    group: String,
    spent_nanos: i64,
    expected_nanos: i64,
}

/// All of it.
#[derive(Debug, Serialize)]
pub struct Page {
    of: String,
    time: String,
    from: String,
    until: String,
    cost_nanos: i64,
    requests: u64,
    before_nanos: i64,
    largest: Vec<Largest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Expected>,
    budgets: Vec<Near>,
    anomalies: Vec<StoodOut>,
}

/// The page of one tenant; of the platform, of all tenants together.
// threat: AGP-I1
pub async fn page(
    store: &dyn Store,
    scope: &TenantScope,
    (time, zone): (&Time, &TimeZone),
) -> Result<Page, MakeError> {
    let directory = store.load().await?;
    // As long before as it is long.
    let before = UnixMillis(
        time.from
            .0
            .saturating_sub(time.until.0.saturating_sub(time.from.0)),
    );
    let mut page = Page {
        of: name_of(&directory, scope.tenant()),
        time: time.name.clone(),
        from: exports::rfc3339(time.from),
        until: exports::rfc3339(time.until),
        cost_nanos: 0,
        requests: 0,
        before_nanos: 0,
        largest: Vec::new(),
        expected: None,
        budgets: Vec::new(),
        anomalies: Vec::new(),
    };
    if scope.tenant() != TenantId::PLATFORM {
        page.add_of(store, scope, (time, zone, before), &directory)
            .await?;
        return Ok(page);
    }
    let mut tenants = Vec::new();
    for tenant in &directory.tenants {
        let own = TenantScope::operator(tenant.id);
        let found = store.usage(&own, &over(time.from, time.until, zone)).await?.total;
        let earlier = store.usage(&own, &over(before, time.from, zone)).await?.total;
        page.cost_nanos = page.cost_nanos.saturating_add(found.cost.nanos());
        page.before_nanos = page.before_nanos.saturating_add(earlier.cost.nanos());
        page.requests = page.requests.saturating_add(found.requests);
        page.outlook(store, &own, (time, tenant.name.as_str()), &directory)
            .await?;
        tenants.push(Line {
            name: tenant.name.clone(),
            cost_nanos: found.cost.nanos(),
            requests: found.requests,
        });
    }
    page.largest.push(largest("tenant", tenants));
    Ok(page)
}

fn over(from: UnixMillis, until: UnixMillis, zone: &TimeZone) -> UsageQuery {
    let mut query = UsageQuery::over(from, until);
    query.zone = zone.clone();
    query
}

fn name_of(directory: &DirectoryDump, tenant: TenantId) -> String {
    let found = directory.tenants.iter().find(|one| one.id == tenant);
    found.map_or_else(|| "all tenants".to_owned(), |one| one.name.clone())
}

fn largest(by: &'static str, mut rows: Vec<Line>) -> Largest {
    rows.retain(|row| row.requests > 0 || row.cost_nanos != 0);
    rows.sort_by(|a, b| (b.cost_nanos, &a.name).cmp(&(a.cost_nanos, &b.name)));
    let others = rows.split_off(rows.len().min(TOP));
    Largest {
        by,
        rows,
        others_nanos: others
            .iter()
            .map(|row| row.cost_nanos)
            .fold(0, i64::saturating_add),
    }
}

impl Page {
    async fn add_of(
        &mut self,
        store: &dyn Store,
        scope: &TenantScope,
        (time, zone, before): (&Time, &TimeZone, UnixMillis),
        directory: &DirectoryDump,
    ) -> Result<(), MakeError> {
        let names: HashMap<String, String> = directory
            .teams
            .iter()
            .map(|team| (team.id.to_string(), team.name.clone()))
            .chain(
                directory
                    .keys
                    .iter()
                    .map(|key| (key.id.to_string(), key.name.clone())),
            )
            .collect();
        for (by, dimension) in [
            ("team", Dimension::Team),
            ("key", Dimension::Key),
            ("model", Dimension::Model),
        ] {
            let report = store
                .usage(scope, &over(time.from, time.until, zone).by([dimension]))
                .await?;
            (self.cost_nanos, self.requests) = (report.total.cost.nanos(), report.total.requests);
            let line = |row: store::usage::UsageRow| {
                let group = row
                    .group
                    .into_iter()
                    .next()
                    .unwrap_or_else(|| "others".to_owned());
                Line {
                    name: names.get(&group).cloned().unwrap_or(group),
                    cost_nanos: row.sums.cost.nanos(),
                    requests: row.sums.requests,
                }
            };
            self.largest
                .push(largest(by, report.rows.into_iter().map(line).collect()));
        }
        let earlier = store.usage(scope, &over(before, time.from, zone)).await?;
        self.before_nanos = earlier.total.cost.nanos();
        self.outlook(store, scope, (time, ""), directory).await?;
        let asked = Asked {
            by: By::Total,
            only: None,
            now: UnixMillis::now(),
        };
        let from = From { store, scope };
        let forecast = outlook::forecast(from, &asked, (Ahead::Month, finops::COVERAGE)).await?;
        let until = forecast.until;
        self.expected = forecast.rows.into_iter().next().and_then(|row| {
            let said = row.forecast?;
            Some(Expected {
                until,
                spent_nanos: row.spent_nanos,
                expected_nanos: said.expected_nanos,
                lower_nanos: said.lower_nanos,
                upper_nanos: said.upper_nanos,
            })
        });
        Ok(())
    }

    /// Budgets near their end now, and days of the time that stood out.
    async fn outlook(
        &mut self,
        store: &dyn Store,
        scope: &TenantScope,
        (time, whose): (&Time, &str),
        directory: &DirectoryDump,
    ) -> Result<(), MakeError> {
        let (from, now) = (From { store, scope }, UnixMillis::now());
        let named = |name: &str| match whose {
            "" => name.to_owned(),
            whose => format!("{whose}: {name}"),
        };
        let own: Vec<&Budget> = directory
            .budgets
            .iter()
            .filter(|it| it.tenant == scope.tenant())
            .collect();
        let budgets = outlook::budgets(from, &own, (directory, now)).await?.budgets;
        let is_near = |line: &outlook::BudgetLine| {
            line.used_bp >= NEAR_BP
                || line
                    .exhaustion_chance_bp
                    .is_some_and(|chance| chance >= LIKELY_BP)
        };
        for line in budgets.into_iter().filter(is_near) {
            self.budgets.push(Near {
                name: named(&line.budget.name),
                used_bp: line.used_bp,
                exhausted: line.exhausted,
            });
        }
        // Of months as of weeks: all of its days, in UTC as days of spend are.
        let days = (Day::of(time.from), Day::of(time.until));
        let found = outlook::anomalies(from, &[By::Total, By::Team, By::Model], days).await?;
        let teams: HashMap<String, &str> = directory
            .teams
            .iter()
            .map(|it| (it.id.to_string(), it.name.as_str()))
            .collect();
        for one in found.anomalies {
            if self.anomalies.len() < ANOMALIES_MAX {
                let group = match one.by {
                    By::Total => "the whole tenant",
                    _ => teams.get(&one.group).copied().unwrap_or(one.group.as_str()),
                };
                self.anomalies.push(StoodOut {
                    day: one.day.clone(),
                    by: one.by.as_str(),
                    group: named(group),
                    spent_nanos: one.spent_nanos,
                    expected_nanos: one.expected_nanos,
                });
            }
        }
        Ok(())
    }

    /// The same, for people.
    pub fn letter(&self) -> Letter {
        let line = |name: &str, value: String| (name.to_owned(), value);
        let section = |heading: String, lines: Vec<(String, String)>, note: &str| Section {
            heading,
            lines,
            note: note.to_owned(),
        };
        let mut sections = vec![section(
            "Spent".to_owned(),
            vec![
                line("In this time", dollars(self.cost_nanos)),
                line("As long before", dollars(self.before_nanos)),
                line("Calls", self.requests.to_string()),
            ],
            &trend(self.cost_nanos, self.before_nanos),
        )];
        for largest in self.largest.iter().filter(|largest| !largest.rows.is_empty()) {
            let mut lines: Vec<_> = largest
                .rows
                .iter()
                .map(|row| line(&row.name, dollars(row.cost_nanos)))
                .collect();
            if largest.others_nanos != 0 {
                lines.push(line("All others", dollars(largest.others_nanos)));
            }
            sections.push(section(format!("By {}", largest.by), lines, ""));
        }
        if let Some(expected) = &self.expected {
            let lines = vec![
                line("So far", dollars(expected.spent_nanos)),
                line("Expected", dollars(expected.expected_nanos)),
                line("Seldom below", dollars(expected.lower_nanos)),
                line("Seldom above", dollars(expected.upper_nanos)),
            ];
            sections.push(section(
                format!("This month, up to {}", expected.until),
                lines,
                "",
            ));
        }
        let near = self.budgets.iter().map(|near| {
            let gone = near
                .exhausted
                .as_ref()
                .map_or_else(String::new, |when| format!(", gone by {when}"));
            line(&near.name, format!("{} % used{gone}", near.used_bp / 100))
        });
        let near: Vec<_> = near.collect();
        let none = if near.is_empty() { "none" } else { "" };
        sections.push(section("Budgets near their end".to_owned(), near, none));
        let odd = self.anomalies.iter().map(|one| {
            let usual = dollars(one.expected_nanos);
            line(
                &format!("{} {}", one.day, one.group),
                format!("{}, usual {usual}", dollars(one.spent_nanos)),
            )
        });
        let odd: Vec<_> = odd.collect();
        let none = if odd.is_empty() { "none" } else { "" };
        sections.push(section("Days that stood out".to_owned(), odd, none));
        Letter {
            title: format!("{}: spend of {}", self.of, self.time),
            sections,
        }
    }
}

/// Dollars as people read them.
fn dollars(nanos: i64) -> String {
    format!("${}", report::dollars(nanos))
}

fn trend(now: i64, before: i64) -> String {
    let (now, before) = (i128::from(now), i128::from(before));
    if before <= 0 {
        return String::new();
    }
    let percent = (now - before) * 100 / before;
    match percent {
        0 => "about as much as before".to_owned(),
        more if more > 0 => format!("{more} % more than before"),
        less => format!("{} % less than before", -less),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let row = |name: &str, dollars: i64| Line {
            name: name.to_owned(),
            cost_nanos: dollars * 1_000_000_000,
            requests: 3,
        };
        Page {
            of: "acme".to_owned(),
            time: "2026-10".to_owned(),
            from: "2026-10-01T00:00:00Z".to_owned(),
            until: "2026-11-01T00:00:00Z".to_owned(),
            cost_nanos: 30_000_000_000,
            requests: 21,
            before_nanos: 20_000_000_000,
            largest: vec![largest(
                "team",
                (1..=7).map(|n| row(&format!("team {n}"), n)).collect(),
            )],
            expected: None,
            budgets: vec![Near {
                name: "month".to_owned(),
                used_bp: 8_750,
                exhausted: Some("2026-11-27".to_owned()),
            }],
            anomalies: Vec::new(),
        }
    }

    #[test]
    fn a_digest_names_the_largest_sums_the_others_and_says_where_it_goes() {
        let letter = page().letter();
        assert_eq!(letter.title, "acme: spend of 2026-10");
        assert_eq!(letter.sections[0].note, "50 % more than before");
        let teams = &letter.sections[1];
        assert_eq!(teams.lines.len(), TOP + 1);
        assert_eq!(teams.lines[0].0, "team 7");
        assert_eq!(
            teams.lines[TOP],
            ("All others".to_owned(), dollars(3_000_000_000))
        );
        assert_eq!(letter.sections[2].lines[0].1, "87 % used, gone by 2026-11-27");
        assert_eq!(
            letter.sections[3].note, "none",
            "nothing stood out, and that is said"
        );
        assert_eq!(trend(5, 10), "50 % less than before");
        assert_eq!(trend(5, 0), "", "nothing to compare with");
    }
}
