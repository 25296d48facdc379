//! Reports: roll-ups are the sums over the entries, however those came, whatever is asked.

use std::collections::BTreeMap;

use domain::{ActorId, KeyId, NodeId, Operation, ServiceId, TeamId, UnixMillis, Usage, UserId};
use ledger::{Entry, Labels, Outcome, Tokens};

use super::fixtures::{Engine, House, MIDNIGHT, nanos};
use crate::usage::{Dimension, Grain, HOUR_MS, Order, Sums, UsageQuery, UsageReport};
use crate::{Shipment, row};

const ALWAYS: (UnixMillis, UnixMillis) = (UnixMillis(0), UnixMillis(i64::MAX));

fn over((from, until): (UnixMillis, UnixMillis)) -> UsageQuery {
    UsageQuery::over(from, until)
}

async fn ask(store: &Engine, house: &House, query: &UsageQuery) -> UsageReport {
    store.usage(&house.scope, query).await.unwrap()
}

/// Groups, and how many calls, of them refused, prompt and output tokens, and cost.
async fn rows(store: &Engine, house: &House, query: &UsageQuery) -> Vec<(String, [u64; 4], i64)> {
    let report = ask(store, house, query).await;
    let row = |row: crate::usage::UsageRow| {
        let sums = &row.sums;
        let numbers = [
            sums.requests,
            sums.refused,
            sums.tokens.prompt(),
            sums.tokens.output,
        ];
        let period = row.period.map(|period| period.name);
        let names: Vec<String> = period.into_iter().chain(row.group).collect();
        (names.join(" "), numbers, sums.cost.nanos())
    };
    report.rows.into_iter().map(row).collect()
}

fn is(group: impl ToString, numbers: [u64; 4], cost: i64) -> (String, [u64; 4], i64) {
    (group.to_string(), numbers, cost)
}

pub(super) async fn usage_sums_by_every_group(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let (team, key) = (TeamId::generate(), KeyId::generate());
    let shipments = [
        house.shipment_of(node, |entry| entry.cost = nanos(7)),
        house.shipment_of(node, |entry| {
            entry.model = Some("large".into());
            entry.usage = Usage {
                input: 1,
                output: 2,
                cache_read: 10,
                cache_write: 100,
                reasoning: 1,
                ..Usage::default()
            };
            entry.cost = nanos(50);
            entry.finished = UnixMillis(MIDNIGHT.0 + row::DAY_MS);
        }),
        house.shipment_of(node, |entry| {
            (entry.team, entry.key, entry.model) = (team, key, None);
            entry.outcome = Outcome::Refused("model_not_found".into());
            entry.usage = Usage::default();
            entry.finished = UnixMillis(MIDNIGHT.0 - 1);
        }),
        house.shipment_of(node, |entry| {
            entry.outcome = Outcome::UpstreamFailed("upstream_timeout".into());
            entry.cost = nanos(3);
        }),
    ];
    store.append(&house.scope, node, &shipments).await.unwrap();
    let by = async |dimension| rows(&store, &house, &over(ALWAYS).by([dimension])).await;
    let models = [
        is("large", [1, 0, 111, 2], 50),
        is("small", [2, 0, 20, 10], 10),
        is("-", [1, 1, 0, 0], 0),
    ];
    assert_eq!(by(Dimension::Model).await, models);
    let keys = [is(house.key.id, [3, 0, 131, 12], 60), is(key, [1, 1, 0, 0], 0)];
    assert_eq!(by(Dimension::Key).await, keys);
    let teams = [is(house.team.id, [3, 0, 131, 12], 60), is(team, [1, 1, 0, 0], 0)];
    assert_eq!(by(Dimension::Team).await, teams);
    let days = [
        is("2026-11-21", [1, 1, 0, 0], 0),
        is("2026-11-22", [2, 0, 20, 10], 10),
        is("2026-11-23", [1, 0, 111, 2], 50),
    ];
    assert_eq!(rows(&store, &house, &over(ALWAYS).each(Grain::Day)).await, days);
    let total = ask(&store, &house, &over(ALWAYS)).await.total;
    assert_eq!((total.failed, total.wasted, total.cost), (1, nanos(3), nanos(60)));
}

pub(super) async fn usage_counts_only_the_window_asked_for(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    assert_eq!(ask(&store, &house, &over(ALWAYS)).await, UsageReport::default());
    for offset in [-1, 0, 1, 2, HOUR_MS, HOUR_MS + 1] {
        let shipment = house.shipment_of(node, |entry| entry.finished = UnixMillis(MIDNIGHT.0 + offset));
        store.append(&house.scope, node, &[shipment]).await.unwrap();
    }
    let count = async |from: i64, until: i64| {
        let window = (UnixMillis(MIDNIGHT.0 + from), UnixMillis(MIDNIGHT.0 + until));
        ask(&store, &house, &over(window)).await.total.requests
    };
    assert_eq!(count(0, 2).await, 2, "from is included, until is not");
    assert_eq!((count(0, 0).await, count(3, 2).await), (0, 0));
    assert_eq!((count(0, HOUR_MS).await, count(1, HOUR_MS + 1).await), (3, 3));
    assert_eq!((count(-1, 2 * HOUR_MS).await, count(-HOUR_MS, 0).await), (6, 1));
}

pub(super) async fn usage_of_enormous_counts_saturates(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let enormous = || {
        house.shipment_of(node, |entry| {
            entry.usage = Usage {
                input: u64::MAX,
                output: u64::MAX,
                ..Usage::default()
            };
            entry.cost = nanos(i64::MAX);
        })
    };
    for batch in [vec![enormous(), enormous()], vec![enormous()]] {
        store.append(&house.scope, node, &batch).await.unwrap();
    }
    let sums = ask(&store, &house, &over(ALWAYS)).await.total;
    assert_eq!((sums.requests, sums.cost), (3, nanos(i64::MAX)));
    let tokens = sums.tokens;
    assert!(
        tokens.input >= i64::MAX as u64 && tokens.output >= i64::MAX as u64,
        "{sums:?}"
    );
    let negative = |amount| house.shipment_of(node, move |entry| entry.cost = nanos(amount));
    let (low, lower) = (negative(-5), negative(i64::MIN));
    store.append(&house.scope, node, &[low]).await.unwrap();
    store.append(&house.scope, node, &[lower]).await.unwrap();
    assert!(ask(&store, &house, &over(ALWAYS)).await.total.cost < nanos(0));
}

pub(super) async fn usage_is_told_apart_by_tags_labels_and_where_it_went(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let labelled = |labels: &'static str, target: &'static str, cost| {
        house.shipment_of(node, move |entry| {
            entry.labels = Labels::parse(labels).unwrap();
            entry.target = Some(target.into());
            entry.tags = ["eu".to_owned(), "cc:1".to_owned()].into();
            entry.owner = Some(ActorId::User(UserId::from_u128(1)));
            entry.cost = nanos(cost);
        })
    };
    let shipments = [
        labelled("outcome=resolved", "near/m", 5),
        labelled("outcome=open", "far/m", 7),
        labelled("outcome=resolved, feature=x", "far/n/o", 9),
        house.shipment_of(node, |entry| entry.cost = nanos(1)),
    ];
    store.append(&house.scope, node, &shipments).await.unwrap();
    let by = async |query: UsageQuery| -> Vec<(String, u64, i64)> {
        let report = ask(&store, &house, &query).await;
        assert_eq!(report.total.requests, 4);
        let row =
            |row: crate::usage::UsageRow| (row.group.join(" "), row.sums.requests, row.sums.cost.nanos());
        report.rows.into_iter().map(row).collect()
    };
    let group = |name: &str, requests, cost| (name.to_owned(), requests, cost);
    let outcomes = [group("resolved", 2, 14), group("open", 1, 7), group("-", 1, 1)];
    let outcome = Dimension::Label("outcome".to_owned());
    assert_eq!(by(over(ALWAYS).by([outcome])).await, outcomes);
    // A call counts under each of its key's tags; the total counts it once.
    let tags = [group("cc:1", 3, 21), group("eu", 3, 21), group("-", 1, 1)];
    assert_eq!(by(over(ALWAYS).by([Dimension::Tag])).await, tags);
    let providers = [group("far", 2, 16), group("near", 1, 5), group("local", 1, 1)];
    assert_eq!(by(over(ALWAYS).by([Dimension::Provider])).await, providers);
    let mut regions = over(ALWAYS).by([Dimension::Region, Dimension::Owner]);
    regions.regions = [("far".to_owned(), "us".to_owned())].into();
    let owner = UserId::from_u128(1);
    let wanted = [
        group(&format!("us {owner}"), 2, 16),
        group(&format!("- {owner}"), 1, 5),
        group("- -", 1, 1),
    ];
    assert_eq!(by(regions).await, wanted);
}

pub(super) async fn the_rest_is_what_the_top_is_not(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    for (model, cost, day) in [("a", 9, 0), ("b", 5, 0), ("c", 3, 0), ("a", 1, 1), ("c", 4, 1)] {
        let shipment = house.shipment_of(node, |entry| {
            entry.model = Some(model.into());
            entry.cost = nanos(cost);
            entry.finished = UnixMillis(MIDNIGHT.0 + day * row::DAY_MS);
        });
        store.append(&house.scope, node, &[shipment]).await.unwrap();
    }
    let mut query = over(ALWAYS).by([Dimension::Model]);
    query.top = 1;
    let report = ask(&store, &house, &query).await;
    let said = |report: &UsageReport| -> Vec<(String, bool, i64)> {
        let row = |row: &crate::usage::UsageRow| (row.group.join(" "), row.is_rest, row.sums.cost.nanos());
        report.rows.iter().map(row).collect()
    };
    assert_eq!(
        said(&report),
        [("a".to_owned(), false, 10), (String::new(), true, 12)]
    );
    assert_eq!((report.groups, report.total.cost), (3, nanos(22)));
    // Over time the same groups are told apart in every period.
    query.grain = Some(Grain::Day);
    let days = [
        ("a".to_owned(), false, 9),
        (String::new(), true, 8),
        ("a".to_owned(), false, 1),
        (String::new(), true, 4),
    ];
    assert_eq!(said(&ask(&store, &house, &query).await), days);
    let query = over(ALWAYS)
        .by([Dimension::Model])
        .only(Dimension::Model, ["c".to_owned()]);
    let report = ask(&store, &house, &query).await;
    assert_eq!(
        (said(&report), report.total.cost),
        (vec![("c".to_owned(), false, 7)], nanos(7))
    );
}

/// Numbers that look chosen by chance and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % n
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        let place = self.below(all.len() as u64);
        all[usize::try_from(place).unwrap()].clone()
    }
}

fn any_entry(dice: &mut Dice, entry: &mut Entry) {
    entry.finished = UnixMillis(MIDNIGHT.0 + i64::try_from(dice.below(60 * 3_600_000)).unwrap());
    entry.team = TeamId::from_u128(u128::from(dice.below(2)));
    entry.key = KeyId::from_u128(u128::from(dice.below(3)));
    entry.owner = dice.of(&[None, Some(ActorId::Service(ServiceId::from_u128(1)))]);
    entry.model = dice.of(&[None, Some("a".into()), Some("b\0".into())]);
    entry.target = dice.of(&[None, Some("p/a".into()), Some("q/b/c".into())]);
    entry.operation = dice.of(&[Operation::Chat, Operation::Embeddings]);
    entry.tags = dice.of(&[[].into(), ["x".to_owned(), "y".to_owned()].into()]);
    entry.labels = Labels::parse(dice.of(&["f=1", "f=2, g=\"", "g=3"])).unwrap();
    let failed = Outcome::UpstreamFailed("upstream_timeout".into());
    entry.outcome = dice.of(&[
        Outcome::Completed,
        Outcome::Completed,
        Outcome::Refused("rate_limited".into()),
        Outcome::ClientGone,
        failed,
        Outcome::Interrupted,
    ]);
    entry.cached = dice.below(4) == 0;
    entry.usage = Usage {
        input: dice.below(1000),
        output: dice.below(1000),
        cache_read: dice.below(3),
        cache_write: dice.below(3),
        cache_write_long: dice.below(3),
        reasoning: dice.below(3),
        audio_input: dice.below(3),
        audio_output: dice.below(3),
        ..Usage::default()
    };
    entry.cost = nanos(i64::try_from(dice.below(1 << 40)).unwrap() - 1000);
    entry.price_version = dice.of(&["1".into(), "2".into()]);
}

/// What an entry adds to a report, reckoned from itself alone.
fn sums_of(entry: &Entry) -> Sums {
    let if_so = u64::from;
    let is_completed = entry.outcome == Outcome::Completed;
    let failed = matches!(entry.outcome, Outcome::UpstreamFailed(_) | Outcome::Interrupted);
    Sums {
        requests: 1,
        refused: if_so(matches!(entry.outcome, Outcome::Refused(_))),
        failed: if_so(failed),
        cached: if_so(entry.cached),
        tokens: Tokens::from(&entry.usage),
        cost: entry.cost,
        wasted: if is_completed { nanos(0) } else { entry.cost },
    }
}

/// The groups of an entry by team, tag and one label, on its day.
fn groups_of(entry: &Entry) -> Vec<Vec<String>> {
    let label = entry.labels.get("f").unwrap_or("-").to_owned();
    let tags = match entry.tags.is_empty() {
        true => vec!["-".to_owned()],
        false => entry.tags.to_vec(),
    };
    let day = row::day_name(entry.finished.0.div_euclid(row::DAY_MS));
    let group = |tag| vec![day.clone(), entry.team.to_string(), tag, label.clone()];
    tags.into_iter().map(group).collect()
}

type Groups = BTreeMap<Vec<String>, Sums>;

fn expected<'a>(entries: impl Iterator<Item = &'a Entry>) -> (Groups, Sums) {
    let (mut groups, mut total) = (Groups::new(), Sums::default());
    for entry in entries {
        let sums = sums_of(entry);
        total = total.plus(&sums);
        for group in groups_of(entry) {
            let cell = groups.entry(group).or_default();
            *cell = cell.plus(&sums);
        }
    }
    (groups, total)
}

fn told(report: &UsageReport) -> Groups {
    let row = |row: &crate::usage::UsageRow| {
        let day = row.period.iter().map(|period| period.name.clone());
        (day.chain(row.group.clone()).collect(), row.sums)
    };
    report.rows.iter().map(row).collect()
}

/// Random entries come in random batches, some of them again; random questions are answered as the entries say.
pub(super) async fn agp_r2_roll_ups_are_the_sums_over_the_entries(store: Engine) {
    let (house, node) = (House::build(&store).await, NodeId::generate());
    let mut dice = Dice(4711);
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..12 {
        let mut batch: Vec<Shipment> = Vec::new();
        for _ in 0..dice.below(40) {
            let shipment = house.shipment_of(node, |entry| {
                any_entry(&mut dice, entry);
                entries.push(entry.clone());
            });
            batch.push(shipment);
        }
        let again = dice.below(1 + entries.len() as u64 / 2);
        let again = (0..again).map(|_| Shipment::from(&dice.of(&entries)));
        batch.extend(again.collect::<Vec<_>>());
        store.append(&house.scope, node, &batch).await.unwrap();
        assert_eq!(store.roll_up(&house.scope).await, Ok(0));
        for _ in 0..4 {
            let mut at = || MIDNIGHT.0 - HOUR_MS + i64::try_from(dice.below(62)).unwrap() * HOUR_MS;
            let (from, until) = (at(), at());
            let odd = dice.of(&[0, 0, 1, 12_345]);
            let window = (UnixMillis(from + odd), UnixMillis(until + dice.of(&[0, 0, 7])));
            agrees(&store, &house, &entries, window).await;
        }
    }
}

async fn agrees(store: &Engine, house: &House, entries: &[Entry], window: (UnixMillis, UnixMillis)) {
    let label = Dimension::Label("f".to_owned());
    let query = over(window)
        .by([Dimension::Team, Dimension::Tag, label])
        .each(Grain::Day);
    let inside = |entry: &&Entry| window.0 <= entry.finished && entry.finished < window.1;
    let (groups, total) = expected(entries.iter().filter(inside));
    let report = ask(store, house, &query).await;
    assert_eq!((told(&report), report.total), (groups, total), "{window:?}");
    let mut query = query
        .only(Dimension::Provider, ["q".to_owned()])
        .only(Dimension::Outcome, ["completed".to_owned(), "refused".to_owned()]);
    query.order = Order::Name;
    let asked = |entry: &&Entry| {
        let outcome = matches!(entry.outcome, Outcome::Completed | Outcome::Refused(_));
        outcome && entry.target.as_deref() == Some("q/b/c")
    };
    let (groups, total) = expected(entries.iter().filter(inside).filter(asked));
    let report = ask(store, house, &query).await;
    assert_eq!((told(&report), report.total), (groups, total), "{window:?}");
}
