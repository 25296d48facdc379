//! Witnesses of the ledgers: what each kind needs, and the bounds of its times.

use crate::read;

const HTTP: &str = "kind: http, url: \"https://w.example\", key: \"w+1a2b3c4d+BA\"";

fn with(witnesses: &[&str]) -> String {
    let lines: String = witnesses
        .iter()
        .map(|line| format!("    - {{ {line} }}\n"))
        .collect();
    format!("ledger:\n  witnesses:\n{lines}")
}

/// What is wrong with the configuration.
fn problems(witnesses: &[&str]) -> String {
    match read(&with(witnesses)) {
        Ok(config) => config
            .validate()
            .iter()
            .map(|problem| format!("{problem:?}\n"))
            .collect(),
        Err(error) => error.to_string(),
    }
}

fn refused(witnesses: &[&str], part: &str) {
    let said = problems(witnesses);
    assert!(said.contains(part), "`{part}` is not in {said}");
}

#[test]
fn anp_0012_witnesses_are_read_with_what_their_kind_needs() {
    let both = [
        &*format!("name: a, {HTTP}"),
        "name: b, kind: file, path: /mnt/heads",
    ];
    let said = problems(&both);
    assert!(!said.contains("ledger.witnesses"), "{said}");
    let read = read(&with(&both)).unwrap().ledger.witnesses;
    assert_eq!((read[0].every_ms, read[0].silent_after_ms), (60_000, 3_600_000));
    assert_eq!(read[1].path.as_ref().unwrap().to_str(), Some("/mnt/heads"));
    refused(&["name: a, kind: http, url: \"https://w.example\""], "key");
    refused(&["name: a, kind: file"], "path");
    refused(
        &[&format!("name: a, {HTTP}, path: /mnt/heads")],
        "means nothing here",
    );
    refused(
        &["name: a, kind: http, url: \"ftp://w.example\", key: k"],
        "no http or https address",
    );
    refused(&["name: a, kind: ftp, path: /mnt/heads"], "ftp");
    let twice = format!("name: a, {HTTP}");
    refused(&[&twice, &twice], "ledger.witnesses");
}

fn bucket(rest: &str) -> String {
    format!("name: a, kind: s3, bucket: {{ {rest} }}")
}

#[test]
fn anp_0012_anp_d0005_a_bucket_of_heads_has_a_place_that_may_be_called_and_a_key() {
    let (place, key) = ("address: 's3://heads'", "secrets: ['env:ID', 'env:SECRET']");
    for good in [
        format!("{place}, {key}"),
        format!("address: 's3://heads/of/gate-1', region: eu-central-1, virtual_host: true, {key}"),
        format!("{place}, endpoint: 'http://127.0.0.1:9000', {key}"),
        format!("{place}, endpoint: 'http://minio.lan', allow_plaintext: true, {key}"),
    ] {
        let said = problems(&[&bucket(&good)]);
        assert!(!said.contains("ledger.witnesses"), "{good}: {said}");
    }
    for (bad, at) in [
        (format!("address: 'https://heads', {key}"), "bucket.address"),
        (format!("address: 's3://UP', {key}"), "bucket.address"),
        (format!("address: 's3://heads/../x', {key}"), "bucket.address"),
        (
            format!("{place}, endpoint: 'http://minio.lan', {key}"),
            "bucket.endpoint",
        ),
        (
            format!("{place}, endpoint: 'https://169.254.169.254', {key}"),
            "bucket.endpoint",
        ),
        (
            format!("{place}, region: 'x.evil.example/', {key}"),
            "bucket.endpoint",
        ),
        (format!("{place}, secrets: ['env:ID']"), "bucket.secrets"),
        (
            format!("{place}, secrets: ['a-secret-as-it-is', 'env:S']"),
            "not a secret reference",
        ),
        (place.to_owned(), "secrets"),
        (format!("{place}, {key}, path: /mnt"), "path"),
        (
            format!("{place}, secrets: ['env:ID', 'vault:secret/heads#key']"),
            "bucket.secrets[1]",
        ),
        (
            format!("{place}, secrets: ['env:ID', 'stored:heads']"),
            "bucket.secrets[1]",
        ),
    ] {
        refused(&[&bucket(&bad)], at);
    }
    let read = read(&with(&[&bucket(&format!("{place}, {key}"))])).unwrap();
    let of = read.ledger.witnesses[0].bucket.as_ref().unwrap();
    assert_eq!(
        (of.place(), of.endpoint()),
        (
            Some(("heads", "")),
            "https://s3.us-east-1.amazonaws.com".to_owned()
        )
    );
    refused(&["name: a, kind: s3"], "bucket");
    refused(&["name: a, kind: s3, path: /mnt/heads"], "path");
    let both = format!("name: a, {HTTP}, bucket: {{ {place}, {key} }}");
    refused(&[&both], "means nothing here");
}

#[test]
fn anp_0012_a_witness_is_asked_neither_all_the_time_nor_never() {
    for (times, is_good) in [
        ("every_ms: 1000", true),
        ("every_ms: 999", false),
        ("every_ms: 86400000, silent_after_ms: 86400000", true),
        ("every_ms: 86400001, silent_after_ms: 86400001", false),
        ("every_ms: 60000, silent_after_ms: 59999", false),
        ("silent_after_ms: 2592000000", true),
        ("silent_after_ms: 2592000001", false),
    ] {
        let said = problems(&[&format!("name: a, {HTTP}, {times}")]);
        assert_eq!(!said.contains("ledger.witnesses"), is_good, "{times}: {said}");
    }
    let many: Vec<String> = (0..17).map(|n| format!("name: w{n}, {HTTP}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let said = problems(&many[..16]);
    assert!(!said.contains("ledger.witnesses"), "{said}");
    refused(&many, "ledger.witnesses");
}
