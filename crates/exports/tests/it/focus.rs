//! What we write is FOCUS 1.4, as CSV and as Parquet.

use bytes::Bytes;
use exports::focus::{check_csv, check_parquet};
use exports::{Format, Grain, read_nanos};
use parquet::basic::LogicalType;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use crate::scene::{column, entries, entry, rows, table, text, written};

#[test]
fn our_tables_pass_our_checks() {
    for grain in [Grain::Hour, Grain::Day] {
        let rows = rows(&entries(), grain);
        for check in [
            check_csv(text(Format::Focus, &rows).as_bytes()).unwrap(),
            check_parquet(Bytes::from(written(Format::Parquet, &rows))).unwrap(),
        ] {
            // In Parquet what somebody typed stays as it is, and nothing runs it.
            let found: Vec<_> = check
                .findings
                .iter()
                .filter(|one| !one.what.contains("spreadsheet"))
                .collect();
            assert!(found.is_empty(), "{found:?}");
            assert!(check.rows > 0);
        }
        assert!(
            check_csv(text(Format::Focus, &rows).as_bytes())
                .unwrap()
                .is_good()
        );
    }
}

#[test]
fn a_charge_says_who_what_and_when() {
    let text = text(Format::Focus, &rows(&[entry(1, |_| {})], Grain::Hour));
    let first = |name: &str| column(&text, name).first().unwrap().clone();
    for (name, value) in [
        ("BilledCost", "0.0025025"),
        ("BillingCurrency", "USD"),
        ("BillingPeriodStart", "2026-11-01T00:00:00Z"),
        ("BillingPeriodEnd", "2026-12-01T00:00:00Z"),
        ("ChargePeriodStart", "2026-11-22T12:00:00Z"),
        ("ChargePeriodEnd", "2026-11-22T13:00:00Z"),
        ("ConsumedQuantity", "1001"),
        ("ConsumedUnit", "Tokens"),
        ("ServiceProviderName", "openai"),
        ("HostProviderName", "openai"),
        ("InvoiceIssuerName", "bartizan.example"),
        ("SkuId", "openai/gpt-4o-2024-11-20:input"),
        ("SkuPriceId", "openai/gpt-4o-2024-11-20:input@known/standard"),
        ("SubAccountName", "research"),
        ("Tags", "{\"cost-center:4711\":true,\"eu-only\":true}"),
        ("x_CallCount", "1"),
        ("ChargeClass", ""),
    ] {
        assert_eq!(first(name), value, "{name}");
    }
    assert_eq!(column(&text, "x_CallCount"), ["1", "0", "0", "0"]);
    assert_eq!(
        column(&text, "ConsumedUnit"),
        ["Tokens", "Tokens", "Tokens", "Requests"]
    );
}

#[test]
fn columns_of_the_specification_come_first_and_by_name() {
    let (header, _) = table(&text(Format::Focus, &rows(&entries(), Grain::Day)));
    let (own, focus): (Vec<String>, Vec<String>) =
        header.iter().cloned().partition(|name| name.starts_with("x_"));
    assert_eq!([focus.clone(), own.clone()].concat(), header);
    assert!(focus.is_sorted());
}

#[test]
fn parquet_is_the_same_table_with_types() {
    let rows = rows(&entries(), Grain::Day);
    let file = SerializedFileReader::new(Bytes::from(written(Format::Parquet, &rows))).unwrap();
    let schema = file.metadata().file_metadata().schema_descr_ptr();
    let kind = |name: &str| {
        let columns = schema.columns();
        columns
            .iter()
            .find(|column| column.name() == name)
            .unwrap()
            .logical_type_ref()
            .cloned()
            .unwrap()
    };
    assert!(
        matches!(kind("BilledCost"), LogicalType::Decimal(_)),
        "{:?}",
        kind("BilledCost")
    );
    assert!(matches!(kind("ChargePeriodStart"), LogicalType::Timestamp(_)));
    assert_eq!(kind("Tags"), LogicalType::Json);
    assert_eq!(kind("SkuId"), LogicalType::String);
    let read: Vec<i128> = file
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            let row = row.unwrap();
            let billed = row
                .get_column_iter()
                .find(|(name, _)| name.as_str() == "BilledCost")
                .unwrap();
            let Field::Decimal(decimal) = billed.1 else {
                panic!("no decimal")
            };
            i128::from_be_bytes(decimal.data().try_into().unwrap())
        })
        .collect();
    let csv: Vec<i128> = column(&text(Format::Focus, &rows), "BilledCost")
        .iter()
        .map(|cell| read_nanos(cell).unwrap())
        .collect();
    assert_eq!(read, csv);
}

#[test]
fn a_table_without_charges_is_one_all_the_same() {
    let none = rows(&[], Grain::Day);
    assert!(
        check_csv(text(Format::Focus, &none).as_bytes())
            .unwrap()
            .is_good()
    );
    assert!(
        check_parquet(Bytes::from(written(Format::Parquet, &none)))
            .unwrap()
            .is_good()
    );
}
