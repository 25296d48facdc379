//! Whether a table is FOCUS 1.4: its columns, each value, what values say of each other, and what rows say of each other.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::allowed::category_of;
use super::columns::{NOT_WITHOUT, PRICED, PRODUCTS, REMOVED, RULES, Rule, TOGETHER};
use super::rules::{clipped, objection};
use crate::decimal;
use crate::defuse::is_formula;

/// How many findings are kept; all are counted.
pub const FINDINGS_MAX: usize = 100;

/// Something that is not as FOCUS wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The row, from 1, without the header; 0 is the header.
    pub row: u64,
    /// The column.
    pub column: String,
    /// What is wrong.
    pub what: String,
}

/// A check under way, and what came of it.
#[derive(Debug, Default, Serialize)]
pub struct Check {
    /// Rows that were looked at.
    pub rows: u64,
    /// How much was found.
    pub found: u64,
    /// The first of it.
    pub findings: Vec<Finding>,
    #[serde(skip)]
    header: Vec<String>,
    #[serde(skip)]
    places: HashMap<&'static str, usize>,
    /// The product of each price, and the category of each service.
    #[serde(skip)]
    parents: BTreeMap<(&'static str, String), String>,
}

/// A row, by the specification's names.
struct Row<'a> {
    values: &'a [Option<String>],
    places: &'a HashMap<&'static str, usize>,
}

impl<'a> Row<'a> {
    fn has(&self, column: &str) -> bool {
        self.places.contains_key(column)
    }

    fn get(&self, column: &str) -> Option<&'a str> {
        self.values.get(*self.places.get(column)?)?.as_deref()
    }
}

impl Check {
    /// A check of a table with these columns.
    pub(crate) fn new(header: Vec<String>) -> Self {
        let mut check = Self {
            header,
            ..Self::default()
        };
        check.columns();
        check
    }

    /// Whether nothing was found.
    pub const fn is_good(&self) -> bool {
        self.found == 0
    }

    fn find(&mut self, row: u64, column: &str, what: impl Into<String>) {
        self.found += 1;
        if self.findings.len() < FINDINGS_MAX {
            let (column, what) = (clipped(column), what.into());
            self.findings.push(Finding { row, column, what });
        }
    }

    fn columns(&mut self) {
        let header = self.header.clone();
        for (at, name) in header.iter().enumerate() {
            if header.iter().take(at).any(|before| before == name) {
                self.find(0, name, "is there twice");
            } else if let Some(rule) = rule(name) {
                self.places.insert(rule.name, at);
            } else if let Some(what) = stranger(name) {
                self.find(0, name, what);
            }
        }
        for rule in RULES.iter().filter(|rule| rule.is_mandatory) {
            if !self.places.contains_key(rule.name) {
                self.find(0, rule.name, "is missing");
            }
        }
        for (one, other) in TOGETHER {
            if self.places.contains_key(one) && !self.places.contains_key(other) {
                self.find(0, other, format!("is missing, though `{one}` is there"));
            }
        }
    }

    /// Looks at a row.
    pub(crate) fn row(&mut self, values: &[Option<String>]) {
        self.rows += 1;
        let number = self.rows;
        if values.len() != self.header.len() {
            let what = format!("{} values for {} columns", values.len(), self.header.len());
            return self.find(number, "", what);
        }
        for (name, value) in self.header.clone().iter().zip(values) {
            if let Some(what) = value_objection(rule(name), value.as_deref()) {
                self.find(number, name, what);
            }
        }
        let places = std::mem::take(&mut self.places);
        let row = Row {
            values,
            places: &places,
        };
        let mut found = Vec::new();
        between(&row, &mut found);
        by_category(&row, &mut found);
        products(&row, &mut found);
        for (column, what) in found {
            self.find(number, column, what);
        }
        self.parent(number, &row, ("SkuPriceId", "SkuId"));
        self.parent(number, &row, ("ServiceName", "ServiceCategory"));
        self.places = places;
    }

    /// One and only one `parent` for each `child`, in all rows.
    fn parent(&mut self, number: u64, row: &Row<'_>, (child, parent): (&'static str, &'static str)) {
        let (Some(of), Some(is)) = (row.get(child), row.get(parent)) else {
            return;
        };
        let known = self
            .parents
            .entry((child, of.to_owned()))
            .or_insert_with(|| is.to_owned());
        if known != is {
            let what = format!(
                "belongs to `{}` here and to `{}` in a row before",
                clipped(is),
                clipped(known)
            );
            self.find(number, child, what);
        }
    }
}

fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// Why there is no such column, if it is not one of the file's own.
fn stranger(name: &str) -> Option<String> {
    if let Some(own) = name.strip_prefix("x_") {
        return own.is_empty().then(|| "has no name after `x_`".to_owned());
    }
    if REMOVED.contains(&name) {
        return Some("is not in FOCUS 1.4 any more".to_owned());
    }
    let alike = RULES.iter().find(|rule| rule.name.eq_ignore_ascii_case(name));
    Some(match alike {
        Some(rule) => format!("is spelt `{}`", rule.name),
        None => "is no column of FOCUS 1.4; columns of your own begin with `x_`".to_owned(),
    })
}

// threat: AGP-R3
fn value_objection(rule: Option<&Rule>, value: Option<&str>) -> Option<String> {
    let Some(text) = value else {
        let rule = rule.filter(|rule| !rule.is_nullable)?;
        return Some(format!("`{}` has no value", rule.name));
    };
    if is_formula(text) && decimal::read(text).is_none() {
        return Some(format!("`{}` would be run by a spreadsheet", clipped(text)));
    }
    let what = objection(rule?.form, text)?;
    Some(format!("`{}` {what}", clipped(text)))
}

type Found = Vec<(&'static str, String)>;

/// What one value says of another.
fn between(row: &Row<'_>, found: &mut Found) {
    for (one, other) in TOGETHER
        .iter()
        .filter(|(one, other)| row.has(one) && row.has(other))
    {
        if row.get(one).is_some() != row.get(other).is_some() {
            found.push((one, format!("and `{other}` have a value both, or neither")));
        }
    }
    for (one, other) in NOT_WITHOUT
        .iter()
        .filter(|(one, other)| row.has(one) && row.has(other))
    {
        if row.get(one).is_some() && row.get(other).is_none() {
            found.push((one, format!("has a value, and `{other}` has none")));
        }
    }
    for (start, end) in [
        ("BillingPeriodStart", "BillingPeriodEnd"),
        ("ChargePeriodStart", "ChargePeriodEnd"),
    ] {
        // Moments of one form are in the order of their texts.
        if let (Some(from), Some(until)) = (row.get(start), row.get(end))
            && from >= until
        {
            found.push((end, format!("is not after `{start}`")));
        }
    }
    if let (Some(category), Some(subcategory)) = (row.get("ServiceCategory"), row.get("ServiceSubcategory"))
        && category_of(subcategory).is_some_and(|parent| parent != category)
    {
        found.push((
            "ServiceSubcategory",
            format!("is no part of `{}`", clipped(category)),
        ));
    }
}

/// What depends on the kind of charge.
fn by_category(row: &Row<'_>, found: &mut Found) {
    let category = row.get("ChargeCategory").unwrap_or_default();
    let corrects = row.get("ChargeClass").is_some();
    for column in PRICED.iter().filter(|column| row.has(column)) {
        let is_there = row.get(column).is_some();
        match category {
            "Tax" if is_there => found.push((column, "has a value, and the charge is a tax".to_owned())),
            "Usage" | "Purchase" if !is_there && !corrects => {
                found.push((column, format!("has no value, and the charge is a `{category}`")));
            }
            _ => {}
        }
    }
    let is_measured = category == "Usage" && row.get("CommitmentDiscountStatus") != Some("Unused");
    if row.has("ConsumedQuantity") {
        match (is_measured, row.get("ConsumedQuantity").is_some()) {
            (true, false) if !corrects => {
                found.push(("ConsumedQuantity", "has no value for usage".to_owned()))
            }
            (false, true) => found.push(("ConsumedQuantity", "has a value for what is not used".to_owned())),
            _ => {}
        }
    }
    if category == "Purchase" && row.get("ChargeFrequency") == Some("Usage-Based") {
        found.push(("ChargeFrequency", "is `Usage-Based` for a purchase".to_owned()));
    }
    let covered = ["CommitmentDiscountId", "ContractApplied"]
        .iter()
        .any(|column| row.get(column).is_some());
    let is_alike = matches!(category, "Tax" | "Credit") || (category == "Usage" && !covered && !corrects);
    if is_alike && !equal(row.get("EffectiveCost"), row.get("BilledCost")) {
        found.push((
            "EffectiveCost",
            format!("is not `BilledCost`, and the charge is a `{category}` that nothing covers"),
        ));
    }
}

/// Costs are prices times quantities, to the last digit.
fn products(row: &Row<'_>, found: &mut Found) {
    let quantity = row.get("PricingQuantity").and_then(decimal::read);
    for (cost, price) in PRODUCTS {
        let (Some(quantity), Some(price_of), Some(cost_of)) = (
            quantity,
            row.get(price).and_then(decimal::read),
            row.get(cost).and_then(decimal::read),
        ) else {
            continue;
        };
        let product = price_of
            .0
            .checked_mul(quantity.0)
            .map(|number| (number, price_of.1 + quantity.1));
        if product.is_some_and(|product| !same(product, cost_of)) {
            found.push((cost, format!("is not `{price}` times `PricingQuantity`")));
        }
    }
}

fn equal(one: Option<&str>, other: Option<&str>) -> bool {
    match (one.and_then(decimal::read), other.and_then(decimal::read)) {
        (Some(one), Some(other)) => same(one, other),
        // What does not read is found elsewhere.
        _ => true,
    }
}

/// Whether two numbers are one, whatever they are written with.
fn same(one: (i128, i32), other: (i128, i32)) -> bool {
    bare(one) == bare(other)
}

/// Without the zeros at its end.
fn bare((mut number, mut power): (i128, i32)) -> (i128, i32) {
    if number == 0 {
        return (0, 0);
    }
    while number % 10 == 0 {
        number /= 10;
        power += 1;
    }
    (number, power)
}
