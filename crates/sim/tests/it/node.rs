//! One simulated node: the product's own start, calls and work beside them, put together as `bartizan serve` does.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use data::book::{Book, Cell, Reservation, Served, Unreserved};
use domain::{KeyId, Money, Operation, RequestId, TeamId, UnixMillis, Usage};
use journal::{Journal, JournalOptions, Record, Sync};
use ledger::{Charge, Entry, Intent, Outcome, Spend, Unit, UsageSource};
use store::Store;
use tokio::sync::watch;
use worker::{ShipOptions, Shipper, Sweeper};

use crate::executor::Of;
use crate::link::Link;
use crate::truth::Death;
use crate::world::{Live, TENANT, World, clock, ms, node_id};

/// How long recovery may take, as in the product.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// How long a call waits for more of a lease.
const WAIT: Duration = Duration::from_millis(250);

/// Starts a node, or starts it again.
pub fn boot(world: &Arc<World>, node: usize) {
    world.state().nodes[node].is_down = false;
    let started = start(world.clone(), node);
    world.start(Of::Node(node), true, started);
}

fn options(world: &World, node: usize) -> JournalOptions {
    JournalOptions {
        sync: Sync::Process,
        segment_bytes_max: world.plan.segment_bytes,
        ..JournalOptions::new(world.dir.join(format!("node-{node}")))
    }
}

/// What `serving` does before it takes calls; a start that fails is tried again, as a supervisor would.
async fn start(world: Arc<World>, node: usize) {
    let link: Arc<dyn Store> = Arc::new(Link {
        world: world.clone(),
        node,
    });
    let shipper = loop {
        let (journal, recovered) = Journal::open(options(&world, node)).unwrap();
        let pause = Duration::from_nanos(1);
        let shipping = ShipOptions {
            linger: ms(100),
            retry_min: pause,
            retry_max: pause,
            ..ShipOptions::new(&world.dir)
        };
        let shipper = Shipper::new(
            journal,
            link.clone(),
            node_id(node),
            world.metrics.clone(),
            shipping,
        );
        match worker::recover(&shipper, recovered, clock(), START_DEADLINE).await {
            Ok(recovery) => {
                assert_eq!(recovery.quarantined, 0);
                world
                    .state()
                    .note(&format!("node {node} recovered: {recovery:?}"));
                break shipper;
            }
            Err(_) => drop(shipper),
        }
        tokio::time::sleep(ms(100)).await;
    };
    let place = (link.clone(), node_id(node));
    let lease = world.plan.lease;
    let (book, keeper) = Book::by_clock(clock, place, lease, WAIT, world.metrics.clone());
    let dump = loop {
        if let Ok(dump) = link.load().await {
            break dump;
        }
        tokio::time::sleep(ms(50)).await;
    };
    let live = Live {
        cells: book.reconcile(&dump.budgets, clock()),
        book: book.clone(),
        journal: shipper.journal().clone(),
        shipper: shipper.clone(),
        stopping: false,
    };
    world.state().nodes[node].live = Some(live);
    let of = Of::Node(node);
    world.start(of, false, keeper.run());
    // Nobody tells it to stop: it dies with its node.
    let (told, shutdown) = watch::channel(false);
    world.start(of, true, async move {
        shipper.run(shutdown).await;
        drop(told);
    });
    let sweeper = Sweeper::new(link.clone(), node_id(node), lease, world.metrics.clone());
    world.start(of, false, sweep(sweeper, lease));
    world.start(of, false, follow(world.clone(), node, link, dump.revision));
    world.start(of, false, traffic(world.clone(), node));
}

async fn sweep(sweeper: Sweeper, lease: Duration) {
    loop {
        let _ = sweeper.sweep(clock()).await;
        tokio::time::sleep(lease / 3).await;
    }
}

/// Follows the directory of budgets.
async fn follow(world: Arc<World>, node: usize, link: Arc<dyn Store>, mut revision: u64) {
    loop {
        tokio::time::sleep(ms(500)).await;
        if link.revision().await.is_ok_and(|now| now == revision) {
            continue;
        }
        let Ok(dump) = link.load().await else {
            continue;
        };
        revision = dump.revision;
        if let Some(live) = &mut world.state().nodes[node].live {
            live.cells = live.book.reconcile(&dump.budgets, clock());
        }
    }
}

async fn traffic(world: Arc<World>, node: usize) {
    loop {
        let think = {
            let mut state = world.state();
            if state.calm {
                return;
            }
            state.dice.within(1, world.plan.think_ms + 1)
        };
        tokio::time::sleep(ms(think)).await;
        let Some((cells, bound)) = draw(&world, node) else {
            continue;
        };
        world.state().nodes[node].under_way += 1;
        let calling = call(world.clone(), node, cells, bound);
        let after = world.clone();
        world.start(Of::Node(node), false, async move {
            calling.await;
            after.state().nodes[node].under_way -= 1;
        });
    }
}

/// Which budgets the next call spends from, and how much of them at most.
fn draw(world: &World, node: usize) -> Option<(Vec<Arc<Cell>>, i64)> {
    let mut state = world.state();
    let live = state.nodes[node].live.clone().filter(|live| !live.stopping)?;
    if state.calm || live.cells.is_empty() {
        return None;
    }
    let first = state.dice.below(live.cells.len());
    let cells: Vec<_> = live.cells.values().skip(first).cloned().collect();
    let limit = cells
        .iter()
        .filter_map(|cell| state.budgets.get(&cell.id()))
        .map(|budget| budget.limit.nanos())
        .min()?;
    let part = [3, 10, 40, 200][state.dice.below(4)];
    let bound = state.dice.within(1, (limit / part).max(1) + 1);
    Some((cells, bound))
}

/// One call: reserve, intend, send, settle, record, answer; in the order of the pipeline's stages.
pub async fn call(world: Arc<World>, node: usize, cells: Vec<Arc<Cell>>, bound: i64) {
    let Some(live) = world.state().nodes[node].live.clone() else {
        return;
    };
    let started = clock();
    let reserved = live.book.reserve(&cells, costs(bound), started).await;
    let reservation = match reserved {
        Ok(reservation) => reservation,
        Err(refused) => {
            let why = match refused {
                Unreserved::Exhausted { .. } => "exhausted",
                Unreserved::Paused(_) => "paused",
                Unreserved::Shut(..) => "shut",
                Unreserved::NoSession(_) | Unreserved::ManySessions(_) => "sessions",
                Unreserved::Unavailable(_) => "unavailable",
            };
            *world.state().refusals.entry(why).or_default() += 1;
            return;
        }
    };
    let id = {
        let mut state = world.state();
        let id = state.new_request();
        let charges = charges(&reservation, 0);
        charges
            .iter()
            .for_each(|at| state.knows((at.budget, at.window_start)));
        state.truth.admitted(id, node, &charges, bound);
        state.note(&format!("node {node} reserved {bound}"));
        id
    };
    let intent = intent(id, node, started, bound, &reservation);
    let record = Record::Intent {
        id,
        bytes: &intent.to_bytes(),
    };
    live.journal.append(record).unwrap();
    world.state().truth.intended(id);
    synced(&world, node).await;
    let (is_sent, cost, takes) = {
        let mut state = world.state();
        let over = i64::from(world.plan.overruns) * state.dice.within(0, bound + 1);
        let cost = if state.dice.chance(20) {
            bound + over
        } else {
            state.dice.within(0, bound + 1)
        };
        (
            state.dice.chance(92),
            cost,
            state.dice.within(0, world.plan.call_ms + 1),
        )
    };
    if is_sent {
        world.state().truth.sent(id, cost);
        tokio::time::sleep(ms(takes)).await;
    }
    settle(
        &world,
        (node, &live),
        intent,
        reservation,
        is_sent.then_some(cost),
    );
    synced(&world, node).await;
    world.state().truth.answered(id);
}

/// What stage 11 does: the charges, the reservation's end, the record.
fn settle(
    world: &World,
    (node, live): (usize, &Live),
    intent: Intent,
    reservation: Reservation,
    cost: Option<i64>,
) {
    let (id, spent) = (intent.id, Money::from_nanos(cost.unwrap_or(0)));
    let entry = Entry {
        outcome: cost.map_or(Outcome::Refused("unreachable".into()), |_| Outcome::Completed),
        status: 200,
        usage_source: cost.map_or(UsageSource::None, |_| UsageSource::Provider),
        usage: Usage::default(),
        cost: spent,
        charges: charges(&reservation, spent.nanos()),
        ..intent.interrupted(clock())
    };
    match cost {
        Some(cost) => reservation.settle(costs(cost), Served::Perhaps),
        None => reservation.void(),
    }
    let bytes = entry.to_record();
    live.journal.append(Record::Entry { id, bytes: &bytes }).unwrap();
    let mut state = world.state();
    state.truth.recorded(id, spent.nanos());
    state.note(&format!("node {node} settled {spent:?}"));
}

fn intent(id: RequestId, node: usize, started: UnixMillis, bound: i64, reservation: &Reservation) -> Intent {
    Intent {
        id,
        tenant: TENANT,
        team: TeamId::from_u128(3),
        project: None,
        key: KeyId::from_u128(5),
        node: node_id(node),
        started,
        operation: Operation::Chat,
        dialect: "openai".into(),
        model: "m".into(),
        target: None,
        bound: Money::from_nanos(bound),
        charges: charges(reservation, bound),
        price_version: "1".into(),
        token_charges: Vec::new(),
        owner: None,
        tags: [].into(),
        labels: ledger::Labels::default(),
        session: None,
    }
}

/// What a call costs; no budget here counts tokens.
pub fn costs(nanos: i64) -> Spend {
    Spend {
        cost: Money::from_nanos(nanos),
        tokens: 0,
    }
}

fn charges(reservation: &Reservation, nanos: i64) -> Vec<Charge> {
    reservation.charges(Unit::Money, costs(nanos), Served::Perhaps)
}

/// The newest segment of a node's journal.
fn newest_segment(world: &World, node: usize) -> Option<PathBuf> {
    segments(world, node).max()
}

fn segments(world: &World, node: usize) -> impl Iterator<Item = PathBuf> {
    let found = std::fs::read_dir(world.dir.join(format!("node-{node}")));
    let paths = found.into_iter().flatten().map(|item| item.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|ext| ext == "journal"))
}

/// Drained segments are deleted after what is still open in them was carried forward and synced.
pub fn look_at_segments(world: &World, node: usize) {
    let Some(newest) = newest_segment(world, node).filter(|_| world.plan.disk) else {
        return;
    };
    let oldest = segments(world, node).min();
    let length = std::fs::metadata(&newest).unwrap().len();
    let node = &mut world.state().nodes[node];
    if std::mem::replace(&mut node.oldest, oldest.clone()) != oldest {
        node.synced = std::mem::take(&mut node.synced).max((newest, length));
    }
}

/// Waits for the disk, where calls do: what stood in the journal when this began is safe when it ends.
async fn synced(world: &Arc<World>, node: usize) {
    if !world.plan.disk {
        return;
    }
    let segment = newest_segment(world, node).unwrap();
    let length = std::fs::metadata(&segment).unwrap().len();
    let takes = world.state().dice.within(0, 8);
    tokio::time::sleep(ms(takes)).await;
    let kept = &mut world.state().nodes[node].synced;
    *kept = std::mem::take(kept).max((segment, length));
}

/// Power is lost: the end of the journal that nobody synced is cut at some byte.
pub fn lose_the_end(world: &World, node: usize) {
    let Some(segment) = newest_segment(world, node) else {
        return;
    };
    let whole = std::fs::metadata(&segment).unwrap().len();
    let mut state = world.state();
    let (kept, safe) = state.nodes[node].synced.clone();
    let safe = if kept == segment {
        safe
    } else {
        SEGMENT_HEAD_BYTES.min(whole)
    };
    let end = state.dice.within(safe as i64, whole as i64 + 1) as u64;
    state.note(&format!("node {node} loses {} bytes of its journal", whole - end));
    drop(state);
    let file = std::fs::OpenOptions::new().write(true).open(segment).unwrap();
    file.set_len(end).unwrap();
}

const SEGMENT_HEAD_BYTES: u64 = 32;

/// An orderly stop: no new calls, those under way end, everything idle goes back, the journal is shipped.
pub async fn stop(world: Arc<World>, node: usize) {
    let Some(live) = world.state().nodes[node].live.as_mut().map(|live| {
        live.stopping = true;
        live.clone()
    }) else {
        return;
    };
    for _ in 0..100 {
        if world.state().nodes[node].under_way == 0 {
            break;
        }
        tokio::time::sleep(ms(100)).await;
    }
    live.book.close().await;
    let _ = live.shipper.flush(Duration::from_secs(5)).await;
    drop(live);
    world.kill(node, Death::Process);
}
