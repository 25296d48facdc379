//! A small house with calls of all kinds.

use domain::{KeyId, Money, NodeId, ProjectId, RequestId, TeamId, TenantId, Tier, UnixMillis, Usage};
use exports::{Format, Grain, KeyNames, Names, Pricing, Rows, write};
use ledger::{Entry, Outcome, Price};

pub const NOON: i64 = 1_795_348_800_000;
pub const HOUR: i64 = 3_600_000;

/// One price for everything, a fee for the call included.
pub struct Priced;

pub fn price() -> Price {
    let mut price = Price::per_million("2.50".parse().unwrap(), "10".parse().unwrap());
    price.standard.rates.cache_read = 1_250_000_000;
    price.request = Money::from_nanos(7);
    price
}

impl Pricing for Priced {
    fn version(&self) -> &str {
        "known"
    }

    fn listed(&self, _: &str) -> ledger::Dated {
        ledger::Dated::default()
    }

    fn price(&self, entry: &Entry) -> Option<Price> {
        (entry.price_version.as_ref() == "known").then(price)
    }
}

pub fn entry(number: u128, change: impl FnOnce(&mut Entry)) -> Entry {
    let usage = Usage {
        input: 1_001,
        output: 333,
        cache_read: 77,
        ..Usage::default()
    };
    let mut entry = Entry {
        team: TeamId::from_u128(2),
        project: Some(ProjectId::from_u128(3)),
        key: KeyId::from_u128(4),
        node: NodeId::from_u128(5),
        started: UnixMillis(NOON - 1),
        finished: UnixMillis(NOON),
        model: Some("gpt-4o".into()),
        target: Some("openai/gpt-4o-2024-11-20".into()),
        usage,
        cost: price().cost(&usage),
        price_version: "known".into(),
        ..Entry::sample(RequestId::from_u128(number), TenantId::from_u128(1))
    };
    change(&mut entry);
    entry
}

/// Calls of all kinds: priced and not, refused, of another team without a name, of hostile names, of another month.
pub fn entries() -> Vec<Entry> {
    vec![
        entry(1, |_| {}),
        entry(2, |entry| entry.finished = UnixMillis(NOON + HOUR)),
        entry(3, |entry| {
            entry.price_version = "forgotten".into();
            entry.usage.tier = Tier::Flex;
            entry.cost = Money::from_nanos(1);
        }),
        entry(4, |entry| {
            (entry.model, entry.target) = (Some("=HYPERLINK(\"http://x\")".into()), None);
            entry.outcome = Outcome::Refused("model_not_found".into());
            (entry.usage, entry.cost) = (Usage::default(), Money::ZERO);
        }),
        entry(5, |entry| {
            (entry.team, entry.key, entry.project) = (TeamId::from_u128(9), KeyId::from_u128(9), None);
            entry.finished = UnixMillis(NOON + 10 * 24 * HOUR);
            entry.model = Some("a,b\"c\r\nd".into());
        }),
        entry(6, |entry| {
            entry.cost = Money::from_nanos(i64::MAX);
            entry.usage = Usage {
                input: u64::MAX,
                output: u64::MAX,
                ..Usage::default()
            };
        }),
    ]
}

pub fn rows(entries: &[Entry], grain: Grain) -> Rows {
    let mut rows = Rows::new(grain, 1000);
    for (index, entry) in (0..).zip(entries) {
        rows.add(index, &entry.to_bytes(), &Priced).unwrap();
    }
    rows
}

pub fn names() -> Names {
    let tags = vec!["cost-center:4711".to_owned(), "eu-only".to_owned()];
    let key = KeyNames {
        name: "=cmd|' /C calc'!A0".to_owned(),
        owner: Some("usr_7".to_owned()),
        tags,
    };
    Names {
        tenant: TenantId::from_u128(1),
        tenant_name: "acme".to_owned(),
        issuer: "bartizan.example".to_owned(),
        teams: [(TeamId::from_u128(2), "research".to_owned())].into(),
        projects: [(ProjectId::from_u128(3), "search".to_owned())].into(),
        keys: [(KeyId::from_u128(4), key)].into(),
    }
}

pub fn written(format: Format, rows: &Rows) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(format, rows, &names(), &mut bytes).unwrap();
    bytes
}

pub fn text(format: Format, rows: &Rows) -> String {
    String::from_utf8(written(format, rows)).unwrap()
}

/// The columns of a table in CSV, and its rows.
pub fn table(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let own = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    (
        header,
        reader.records().map(|record| own(record.unwrap())).collect(),
    )
}

pub fn column(text: &str, name: &str) -> Vec<String> {
    let (header, rows) = table(text);
    let at = header.iter().position(|column| column == name).unwrap();
    rows.iter().map(|row| row[at].clone()).collect()
}
