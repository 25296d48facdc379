//! Tables that are not FOCUS 1.4, each for one reason, and files that are none at all.

use bytes::Bytes;
use exports::focus::{Check, FINDINGS_MAX, check_csv, check_parquet};
use exports::{Format, Grain};
use proptest::prelude::*;

use crate::scene::{entry, rows, table, text};

/// A good table of one charge, with some columns that we do not write ourselves.
fn good() -> (Vec<String>, Vec<String>) {
    let (mut header, rows) = table(&text(
        Format::Focus,
        &rows(&[entry(1, |entry| entry.price_version = "f".into())], Grain::Day),
    ));
    let mut row = rows[0].clone();
    for (name, value) in [
        ("ListUnitPrice", "0.0000042"),
        ("RegionId", ""),
        ("RegionName", ""),
        ("CommitmentDiscountId", ""),
        ("CommitmentDiscountStatus", ""),
    ] {
        header.push(name.to_owned());
        row.push(value.to_owned());
    }
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    row[at("PricingQuantity")] = "1000".to_owned();
    row[at("ListCost")] = "0.0042".to_owned();
    (header, row)
}

fn checked(header: &[String], rows: &[Vec<String>]) -> Check {
    let mut out = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    out.write_record(header).unwrap();
    rows.iter().for_each(|row| out.write_record(row).unwrap());
    check_csv(out.into_inner().unwrap().as_slice()).unwrap()
}

/// Checks the good table with this value instead.
fn with(changes: &[(&str, &str)]) -> Check {
    let (header, mut row) = good();
    for (name, value) in changes {
        let at = header.iter().position(|column| column == name).unwrap();
        row[at] = (*value).to_owned();
    }
    checked(&header, &[row])
}

#[test]
fn the_table_they_are_made_of_is_good() {
    let check = with(&[]);
    assert!(check.is_good(), "{:?}", check.findings);
}

#[test]
fn every_wrong_value_is_found_where_it_is() {
    for (name, value) in [
        ("BilledCost", ""),
        ("BilledCost", "NaN"),
        ("BilledCost", "inf"),
        ("BilledCost", "1,5"),
        ("BilledCost", "$3"),
        ("BilledCost", "+3"),
        ("BilledCost", "35.2E+7"),
        ("BilledCost", "1e99999999"),
        ("BilledCost", "--1"),
        ("BilledCost", "٣"),
        ("BilledCost", "99999999999999999999999999999999999999999"),
        ("BillingCurrency", "usd"),
        ("BillingCurrency", "ZZZ"),
        ("BillingCurrency", "credits"),
        ("BillingAccountId", ""),
        ("BillingAccountId", "   "),
        ("SubAccountName", "N/A"),
        ("ResourceName", "null"),
        ("ChargeDescription", "Not Applicable"),
        ("ChargePeriodStart", "2026-11-22"),
        ("ChargePeriodStart", "2026-11-22T00:00:00+02:00"),
        ("ChargePeriodStart", "2026-02-30T00:00:00Z"),
        ("ChargeCategory", "usage"),
        ("ChargeCategory", "Refund"),
        ("ChargeClass", "correction"),
        ("ChargeFrequency", "Hourly"),
        ("PricingCategory", "Cheap"),
        ("ServiceCategory", "AI"),
        ("ServiceSubcategory", "Chat"),
        ("ListUnitPrice", "-1"),
        ("PricingUnit", "tokens"),
        ("PricingUnit", "1000 tokens"),
        ("ConsumedUnit", "/"),
        ("Tags", "eu-only"),
        ("Tags", "[1]"),
        ("Tags", "{\"a\":{\"b\":1}}"),
        ("Tags", "{\"a\":[1]}"),
        ("Tags", "{\"a\":1,\"a\":2}"),
        ("SkuPriceDetails", "{\"a\":1"),
        ("x_TargetName", "=HYPERLINK(\"http://x\")"),
        ("SubAccountName", "@SUM(A1)"),
    ] {
        let check = with(&[(name, value)]);
        let found = check
            .findings
            .iter()
            .find(|one| one.column == name && one.row == 1);
        assert!(found.is_some(), "{name} `{value}`: {:?}", check.findings);
    }
}

#[test]
fn values_that_contradict_each_other_are_found() {
    for (at, changes) in [
        ("ConsumedUnit", vec![("ConsumedUnit", "")]),
        ("PricingUnit", vec![("PricingUnit", "")]),
        ("SubAccountName", vec![("SubAccountId", "")]),
        ("ResourceName", vec![("ResourceId", ""), ("ResourceType", "")]),
        ("RegionName", vec![("RegionId", "eu-1")]),
        (
            "ChargePeriodEnd",
            vec![("ChargePeriodEnd", "2026-11-22T00:00:00Z")],
        ),
        (
            "BillingPeriodEnd",
            vec![("BillingPeriodEnd", "2020-01-01T00:00:00Z")],
        ),
        ("ServiceSubcategory", vec![("ServiceCategory", "Compute")]),
        ("SkuId", vec![("SkuId", "")]),
        ("SkuPriceId", vec![("SkuPriceId", "")]),
        ("SkuPriceId", vec![("ChargeCategory", "Tax")]),
        (
            "ConsumedQuantity",
            vec![("ChargeCategory", "Purchase"), ("ChargeFrequency", "One-Time")],
        ),
        ("ChargeFrequency", vec![("ChargeCategory", "Purchase")]),
        (
            "ConsumedQuantity",
            vec![("ConsumedQuantity", ""), ("ConsumedUnit", "")],
        ),
        (
            "ConsumedQuantity",
            vec![
                ("CommitmentDiscountId", "c"),
                ("CommitmentDiscountStatus", "Unused"),
            ],
        ),
        (
            "CommitmentDiscountStatus",
            vec![("CommitmentDiscountStatus", "Used")],
        ),
        ("EffectiveCost", vec![("EffectiveCost", "0")]),
        ("ListCost", vec![("ListCost", "0.004200001")]),
    ] {
        let check = with(&changes);
        let found = check.findings.iter().any(|one| one.column == at && one.row == 1);
        assert!(found, "{changes:?}: {:?}", check.findings);
    }
    let exact = with(&[("ListCost", "4.2E-3"), ("PricingQuantity", "1E3")]);
    assert!(exact.is_good(), "{:?}", exact.findings);
}

#[test]
fn wrong_columns_are_found() {
    let (header, row) = good();
    let found = |header: &[String], row: &[String], at: &str| {
        let check = checked(header, &[row.to_vec()]);
        assert!(
            check.findings.iter().any(|one| one.row == 0 && one.column == at),
            "{at}: {:?}",
            check.findings
        );
    };
    for name in [
        "BilledCost",
        "ServiceProviderName",
        "HostProviderName",
        "ChargeClass",
        "PricingUnit",
    ] {
        let at = header.iter().position(|column| column == name).unwrap();
        let (mut header, mut row) = (header.clone(), row.clone());
        header.remove(at);
        row.remove(at);
        found(&header, &row, name);
    }
    for name in [
        "ProviderName",
        "PublisherName",
        "billedcost",
        "TeamId",
        "x_",
        "Tags",
    ] {
        let (mut header, mut row) = (header.clone(), row.clone());
        header.push(name.to_owned());
        row.push("openai".to_owned());
        found(&header, &row, name);
    }
}

#[test]
fn rows_that_contradict_each_other_are_found() {
    let (header, row) = good();
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    let mut other = row.clone();
    other[at("SkuId")] = "another".to_owned();
    let mut third = row.clone();
    third[at("ServiceCategory")] = "Other".to_owned();
    third[at("ServiceSubcategory")] = "Other (Other)".to_owned();
    let check = checked(&header, &[row.clone(), other, third]);
    let found: Vec<(u64, &str)> = check
        .findings
        .iter()
        .map(|one| (one.row, one.column.as_str()))
        .collect();
    assert!(
        found.contains(&(2, "SkuPriceId")) && found.contains(&(3, "ServiceName")),
        "{found:?}"
    );
    let mut short = row.clone();
    short.pop();
    assert_eq!(checked(&header, &[short]).findings[0].row, 1);
}

#[test]
fn findings_are_counted_and_not_all_kept() {
    let (header, mut row) = good();
    row[0] = "NaN".to_owned();
    let check = checked(&header, &vec![row; 500]);
    assert!(check.found >= 500 && check.findings.len() == FINDINGS_MAX);
}

#[test]
fn what_is_no_table_is_refused() {
    for bytes in [&b""[..], b"\n", b"\xff\xfe", b"BilledCost\n\xff\n"] {
        assert!(check_csv(bytes).is_err(), "{bytes:?}");
    }
    let line = "a".repeat(2 << 20);
    assert!(check_csv(format!("BilledCost\n{line}\n").as_bytes()).is_err());
    for bytes in [&b""[..], b"PAR1", b"PAR1PAR1", b"PAR1\xff\xff\xff\x7fPAR1"] {
        assert!(check_parquet(Bytes::copy_from_slice(bytes)).is_err());
    }
}

proptest! {
    #[test]
    fn no_bytes_break_the_checks(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = check_csv(bytes.as_slice());
        let _ = check_parquet(Bytes::from(bytes));
    }
}
