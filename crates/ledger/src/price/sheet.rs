//! A price sheet: what one tenant is charged where that is not what the list says. Mark-ups and fixed prices, each
//! from some day on. Laid over a list it gives prices like any others: bounds and costs are reckoned from one and the same.
//! Never knows a tenant, nor what a provider charges beside its list.

use std::cmp::Ordering;
use std::collections::HashSet;

use domain::{Money, PerUnit, UnixMillis};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Price, Rates, rate, unit_rates};
use crate::Dated;
use crate::catalog::name;

/// Lines that a sheet may have.
pub const SHEET_LINES_MAX: usize = 500;
/// The longest name or pattern.
pub const SHEET_NAME_BYTES_MAX: usize = 256;
/// The largest mark-up: a hundred times the list's price.
pub const MARK_UP_BASIS_POINTS_MAX: i32 = 1_000_000;
/// The largest discount: nothing is left.
const DISCOUNT_BASIS_POINTS_MAX: i32 = -10_000;
/// A hundredth of a per cent of something.
const BASIS_POINTS: i128 = 10_000;

/// A sheet that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct NotSheet {
    /// Which line, from 0; nothing where it is about all of them.
    pub line: Option<usize>,
    /// Why.
    pub what: String,
}

/// What one tenant is charged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// What is charged for which calls. Of the lines that name a call's target and hold when it begins, the most
    /// particular is asked: a model's whole name goes before a pattern, more letters of a pattern before fewer, a
    /// provider's before everybody's, and of equals the latest.
    pub lines: Vec<SheetLine>,
}

/// What is charged for some calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SheetLine {
    /// The first day, UTC, on which it holds; at all times when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Date>,
    /// Calls that this provider serves, by its name in `bartizan.yaml`; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Calls of this model, by the provider's own name for it; `*` in it stands for any text. Any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Hundredths of a per cent that are put on the list's price: 1500 is 15 % more, -500 is 5 % less.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mark_up_basis_points: i32,
    /// Prices that hold instead of the list's, at every tier and for prompts of any length. What is not in it costs what
    /// the list says, with the mark-up.
    #[serde(default, skip_serializing_if = "Fixed::is_nothing")]
    pub fixed: Fixed,
}

/// Fixed prices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// Dollars a million prompt tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Dollars>,
    /// Dollars a million generated tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Dollars>,
    /// Dollars a million prompt tokens read from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Dollars>,
    /// Dollars a million prompt tokens written to it for its usual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Dollars>,
    /// Dollars a million prompt tokens written to it for longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_long: Option<Dollars>,
    /// Dollars a million prompt tokens of sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<Dollars>,
    /// Dollars a million generated tokens of sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<Dollars>,
    /// Dollars a second of sound or film that is taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_second: Option<Dollars>,
    /// Dollars a second of sound or film that is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_second: Option<Dollars>,
    /// Dollars a picture that is taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_image: Option<Dollars>,
    /// Dollars a picture that is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_image: Option<Dollars>,
    /// Dollars a million characters that are taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_character: Option<Dollars>,
    /// Dollars a million characters that are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_character: Option<Dollars>,
    /// Dollars for every call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Dollars>,
}

/// Dollars, written as decimal text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dollars(pub Money);

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let amount: Money = text.parse().map_err(serde::de::Error::custom)?;
        if amount.is_negative() {
            return Err(serde::de::Error::custom(format!(
                "`{amount}` is less than nothing"
            )));
        }
        Ok(Self(amount))
    }
}

impl JsonSchema for Dollars {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Dollars".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "Dollars as decimal text, at most nine decimals",
            "examples": ["2.50"]
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(number: &i32) -> bool {
    *number == 0
}

impl Fixed {
    /// Whether it fixes no price.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What is fixed of what is not counted in tokens.
    fn units(&self) -> PerUnit<Option<Money>> {
        let money = |fixed: Option<Dollars>| fixed.map(|dollars| dollars.0);
        PerUnit {
            input_ms: money(self.input_second),
            output_ms: money(self.output_second),
            input_images: money(self.input_image),
            output_images: money(self.output_image),
            input_characters: money(self.input_character),
            output_characters: money(self.output_character),
        }
    }
}

impl Sheet {
    /// Whether it can be taken.
    // threat: AGP-D1
    pub fn check(&self) -> Result<(), NotSheet> {
        if self.lines.len() > SHEET_LINES_MAX {
            return Err(NotSheet {
                line: None,
                what: format!("a sheet has at most {SHEET_LINES_MAX} lines"),
            });
        }
        let mut seen = HashSet::new();
        for (at, line) in self.lines.iter().enumerate() {
            let wrong = |what| NotSheet { line: Some(at), what };
            line.check().map_err(wrong)?;
            if !seen.insert((line.from, &line.provider, &line.model)) {
                let what = "another line says what the same calls cost from the same day".to_owned();
                return Err(wrong(what));
            }
        }
        Ok(())
    }

    /// What a provider's model costs the sheet's tenant through time, where `list` is what it costs by the list.
    pub fn laid_over(&self, (provider, model): (&str, &str), list: &Dated) -> Dated {
        let lines = self.lines.iter().filter(|line| line.names(provider, model));
        let lines: Vec<&SheetLine> = lines.collect();
        if lines.is_empty() {
            return list.clone();
        }
        let mut times: Vec<UnixMillis> = list.all().iter().map(|(from, _)| *from).collect();
        times.extend(lines.iter().map(|line| line.begins()));
        times.sort_unstable();
        times.dedup();
        let mut prices: Vec<(UnixMillis, Price)> = Vec::with_capacity(times.len());
        for at in times {
            let listed = list.at(at);
            let holding = lines.iter().filter(|line| line.begins() <= at);
            let mut holding: Vec<_> = holding.collect();
            holding.sort_unstable_by(|a, b| b.rank(a));
            // What cannot be reckoned, a mark-up on nothing, says nothing.
            let said = holding.iter().find_map(|line| line.price(listed));
            if let Some(price) = said.or_else(|| listed.copied()) {
                prices.push((at, price));
            }
        }
        Dated::new(prices)
    }
}

/// How a version of a list is named where a tenant's sheet of this number is laid over it.
pub fn sheet_version(list: &str, sheet: u64) -> String {
    format!("{list}+{sheet}")
}

/// The list's version, and the number of the sheet that was laid over it.
pub fn split_version(version: &str) -> (&str, Option<u64>) {
    let split = version.split_once('+');
    let read = split.and_then(|(list, sheet)| Some((list, Some(sheet.parse().ok()?))));
    read.unwrap_or((version, None))
}

impl SheetLine {
    fn check(&self) -> Result<(), String> {
        let names = [("provider", &self.provider), ("model", &self.model)];
        for (what, name) in names
            .into_iter()
            .filter_map(|(what, name)| Some((what, name.as_ref()?)))
        {
            if name.is_empty() || name.len() > SHEET_NAME_BYTES_MAX {
                return Err(format!("`{what}` has 1 to {SHEET_NAME_BYTES_MAX} bytes"));
            }
        }
        if self.provider.as_ref().is_some_and(|name| name.contains('*')) {
            return Err("`provider` is a name, not a pattern".to_owned());
        }
        let allowed = DISCOUNT_BASIS_POINTS_MAX..=MARK_UP_BASIS_POINTS_MAX;
        if !allowed.contains(&self.mark_up_basis_points) {
            return Err(format!(
                "`mark_up_basis_points` is between {DISCOUNT_BASIS_POINTS_MAX} and {MARK_UP_BASIS_POINTS_MAX}"
            ));
        }
        if !self.fixed.is_nothing() && self.model.is_none() {
            return Err("prices are fixed for a model: name it under `model`".to_owned());
        }
        if unit_rates(&self.fixed.units()).is_none() {
            return Err("a price of a second or a picture is too dear to be reckoned with".to_owned());
        }
        match self.beginning() {
            Some(_) => Ok(()),
            None => Err("`from` is no day that can be reckoned with".to_owned()),
        }
    }

    fn names(&self, provider: &str, model: &str) -> bool {
        let is_model = |pattern: &String| pattern == model || name::fits(pattern, model);
        self.provider.as_ref().is_none_or(|own| own == provider) && self.model.as_ref().is_none_or(is_model)
    }

    fn beginning(&self) -> Option<UnixMillis> {
        let Some(day) = self.from else {
            return Some(UnixMillis(i64::MIN));
        };
        let midnight = day.to_zoned(TimeZone::UTC).ok()?;
        Some(UnixMillis(midnight.timestamp().as_millisecond()))
    }

    /// A day that is none never begins; [`Sheet::check`] refuses it.
    fn begins(&self) -> UnixMillis {
        self.beginning().unwrap_or(UnixMillis(i64::MAX))
    }

    /// The more particular is the greater.
    fn rank(&self, other: &Self) -> Ordering {
        let key = |line: &Self| {
            let model = line
                .model
                .as_deref()
                .map(|model| (!model.contains('*'), name::letters(model)));
            (model, line.provider.is_some(), line.begins())
        };
        key(self).cmp(&key(other))
    }

    /// What it makes of the list's price; nothing where there is neither that nor a fixed one for both directions.
    fn price(&self, listed: Option<&Price>) -> Option<Price> {
        let (basis_points, list) = match listed {
            Some(list) => (self.mark_up_basis_points, *list),
            None => (0, self.own()?),
        };
        let units = self.units(list.units, basis_points);
        Some(
            list.map(&|rates| self.rates(rates, basis_points), units, |amount| {
                self.fixed
                    .request
                    .map_or_else(|| marked_money(amount, basis_points), |fixed| fixed.0)
            }),
        )
    }

    /// What a model that no list knows costs: its tokens nothing, where it is priced by what is not counted in them.
    fn own(&self) -> Option<Price> {
        let by_unit = self.fixed.units().all().iter().any(Option::is_some);
        let fixed = |tokens: Option<Dollars>| tokens.or(by_unit.then(Dollars::default));
        let (input, output) = fixed(self.fixed.input).zip(fixed(self.fixed.output))?;
        Some(Price::per_million(input.0, output.0))
    }

    fn units(&self, list: PerUnit<u64>, basis_points: i32) -> PerUnit<u64> {
        let fixed = self.fixed.units();
        // Checked when the sheet was: none is too dear.
        let rates = unit_rates(&fixed).unwrap_or_else(|| fixed.zip(&fixed, |_, _| u64::MAX));
        let said = fixed.zip(&rates, |fixed, rate| fixed.map(|_| rate));
        said.zip(&list, |fixed, listed| {
            fixed.unwrap_or_else(|| marked(listed, basis_points))
        })
    }

    fn rates(&self, list: Rates, basis_points: i32) -> Rates {
        let or = |fixed: Option<Dollars>, listed: u64| {
            fixed.map_or_else(|| marked(listed, basis_points), |fixed| rate(fixed.0))
        };
        let Fixed {
            input,
            output,
            cache_read,
            cache_write,
            cache_write_long,
            audio_input,
            audio_output,
            ..
        } = self.fixed;
        Rates {
            input: or(input, list.input),
            output: or(output, list.output),
            cache_read: or(cache_read, list.cache_read),
            cache_write: or(cache_write, list.cache_write),
            cache_write_long: or(cache_write_long, list.cache_write_long),
            audio_input: or(audio_input, list.audio_input),
            audio_output: or(audio_output, list.audio_output),
        }
    }
}

/// A rate with so much put on it, rounded up once.
fn marked(rate: u64, basis_points: i32) -> u64 {
    let whole = i128::from(rate) * (BASIS_POINTS + i128::from(basis_points)).max(0);
    u64::try_from((whole + BASIS_POINTS - 1) / BASIS_POINTS).unwrap_or(u64::MAX)
}

fn marked_money(amount: Money, basis_points: i32) -> Money {
    let marked = marked(rate(amount), basis_points);
    Money::from_nanos(i64::try_from(marked).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
