//! Whether reports can be delivered as described.

use crate::validation::{one, problems};

const NONE: [&str; 0] = [];
const FOLDER: &str = "{ name: share, address: 'file:///srv/exports' }";

fn to(destination: &str) -> String {
    format!("exports: {{ destinations: [{{ name: it, {destination} }}] }}")
}

fn scheduled(schedule: &str) -> String {
    format!(
        "exports: {{ destinations: [{FOLDER}], schedules: [{{ name: monthly, to: share, {schedule} }}] }}"
    )
}

#[test]
fn anp_d0005_destinations_are_folders_buckets_and_webhooks_that_may_be_called() {
    let (two, one_secret) = ("secrets: ['env:A', 'env:B']", "secrets: ['env:A']");
    for good in [
        "address: 'file:///srv/exports'".to_owned(),
        format!("address: 's3://costs', {two}"),
        format!("address: 's3://costs/a/b=1', region: eu-west-1, {two}"),
        format!("address: 's3://costs', endpoint: 'http://127.0.0.1:9000', {two}"),
        format!("address: 's3://costs', endpoint: 'http://minio.lan', allow_plaintext: true, {two}"),
        format!("address: 'https://finance.example/in', {one_secret}"),
    ] {
        assert_eq!(problems(&to(&good)), NONE, "{good}");
    }
    for bad in [
        "address: 'file://srv'".to_owned(),
        "address: 'file://'".to_owned(),
        format!("address: 's3://', {two}"),
        format!("address: 's3://UP', {two}"),
        format!("address: 's3://costs/../x', {two}"),
        format!("address: 's3://costs/a//b', {two}"),
        format!("address: 'http://finance.example', {one_secret}"),
        format!("address: 'https://169.254.169.254/', {one_secret}"),
        format!("address: 'https://me@finance.example', {one_secret}"),
        format!("address: 'ftp://finance.example', {one_secret}"),
    ] {
        one(&to(&bad), "exports.destinations[0].address");
    }
    for bad in [
        format!("address: 's3://costs', endpoint: 'http://minio.lan', {two}"),
        format!("address: 's3://costs', endpoint: 'http://169.254.169.254', allow_plaintext: true, {two}"),
        format!("address: 's3://costs', region: 'x.evil.example/', {two}"),
        "address: 'file:///srv', virtual_host: true".to_owned(),
    ] {
        one(&to(&bad), "exports.destinations[0].endpoint");
    }
}

#[test]
fn agp_t1_buckets_have_a_key_and_webhooks_are_signed() {
    for bad in [
        "address: 's3://costs'",
        "address: 's3://costs', secrets: ['env:A']",
        "address: 'https://finance.example'",
        "address: 'file:///srv', secrets: ['env:A']",
    ] {
        one(&to(bad), "exports.destinations[0].secrets");
    }
}

#[test]
fn schedules_name_what_there_is() {
    for good in [
        "every: day",
        "zone: Europe/Berlin, every: week, format: parquet, grain: hour, tenants: [acme]",
        "report: usage, format: csv, zone: Asia/Tokyo, since: '2026-10-01'",
        "report: chargeback, format: json",
    ] {
        assert_eq!(problems(&scheduled(good)), NONE, "{good}");
    }
    for (bad, at) in [
        ("zone: Mars/Base", "zone"),
        ("report: chargeback, format: csv, zone: Europe/Berlin", "zone"),
        ("report: usage", "format"),
        ("report: chargeback, format: originals", "format"),
        ("since: soon", "since"),
        ("since: '2026-02-30'", "since"),
        ("give_up_after_ms: 1", "give_up_after_ms"),
    ] {
        one(&scheduled(bad), &format!("exports.schedules[0].{at}"));
    }
    one(
        "exports: { schedules: [{ name: m, to: nowhere }] }",
        "exports.schedules[0].to",
    );
    let odd = |name: &str| {
        format!("exports: {{ destinations: [{FOLDER}], schedules: [{{ name: '{name}', to: share }}] }}")
    };
    for name in ["a:b", ".a", "..", ".."] {
        one(&odd(name), "exports.schedules[0].name");
    }
    one(
        &format!("exports: {{ destinations: [{FOLDER}, {FOLDER}] }}"),
        "exports.destinations[1].name",
    );
}

#[test]
fn digests_go_to_people_and_files_do_not() {
    let mail = "mail: { from: 'g@example.com', to: ['a@example.com'] }";
    for good in [
        format!("address: 'smtps://mail.example.com:465', {mail}"),
        format!("address: 'smtp://mail.example.com:587', ca_file: '/etc/ca.pem', {mail}"),
        "address: 'https://hooks.slack.example/services', form: slack, secrets: ['env:A']".to_owned(),
    ] {
        assert_eq!(problems(&to(&good)), NONE, "{good}");
        let schedule = |report: &str| {
            format!(
                "exports: {{ destinations: [{{ name: it, {good} }}], schedules: [{{ name: weekly, to: it, every: week, report: {report} }}] }}"
            )
        };
        assert_eq!(problems(&schedule("digest")), NONE, "{good}");
        one(&schedule("costs"), "exports.schedules[0].to");
    }
    one(
        &to("address: 'smtp://mail.example.com:587'"),
        "exports.destinations[0].mail",
    );
    one(
        &to(&format!("address: 'file:///srv', {mail}")),
        "exports.destinations[0].mail",
    );
    one(
        &to(&format!("address: 'smtp://mail.example.com', {mail}")),
        "exports.destinations[0].address",
    );
    one(
        &to("address: 'file:///srv', form: slack"),
        "exports.destinations[0].form",
    );
    one(
        &to("address: 'https://h.example', form: slack"),
        "exports.destinations[0].secrets",
    );
    one(
        &to(&format!(
            "address: 'smtps://m.example:465', secrets: ['env:A'], {mail}"
        )),
        "exports.destinations[0].secrets",
    );
}

#[test]
fn anp_d0012_what_tenants_may_reach_is_named_and_never_everything() {
    let delivery = |text: &str| format!("delivery: {{ {text} }}");
    for good in [
        "networks: ['10.1.0.0/16', 'fd00::/8'], hosts: [hooks.internal], ports: [8443]",
        "mail: { address: 'smtps://mail.example.com:465', from: 'Gate <g@example.com>' }",
        "mail: { address: 'smtp://mail.example.com:587', from: 'g@example.com', user: g, secrets: ['env:A'], domains: [a.example] }",
    ] {
        assert_eq!(problems(&delivery(good)), NONE, "{good}");
    }
    for (bad, at) in [
        ("networks: ['0.0.0.0/0']", "delivery.networks[0]"),
        ("networks: ['::/0']", "delivery.networks[0]"),
        ("hosts: ['https://x']", "delivery.hosts[0]"),
        ("hosts: ['x:443']", "delivery.hosts[0]"),
        ("ports: [0]", "delivery.ports[0]"),
        (
            "mail: { address: 'mail.example.com', from: 'g@example.com' }",
            "delivery.mail.address",
        ),
        (
            "mail: { address: 'smtp://169.254.169.254:25', from: 'g@example.com' }",
            "delivery.mail.address",
        ),
        (
            "mail: { address: 'smtp://m.example:25', from: 'nobody' }",
            "delivery.mail.from",
        ),
        (
            "mail: { address: 'smtp://m.example:25', from: 'g@example.com', user: g }",
            "delivery.mail.secrets",
        ),
    ] {
        one(&delivery(bad), at);
    }
}
