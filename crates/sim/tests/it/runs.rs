//! Runs of a simulated gate: from a seed to a verdict.
//!
//! `BARTIZAN_SIM_RUNS` says how many, `BARTIZAN_SIM_SEED` from which seed on, `BARTIZAN_SIM_TRACE` tells the story.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use data::book::{Cell, Unreserved};
use domain::{Money, UnixMillis};
use ledger::{Budget, Entry, Increase, Rolling, Rollover, Window};
use store::{EntryLog, Registry, Tenant};
use tokio::sync::oneshot;

use crate::chaos::{self, budget};
use crate::dice::Dice;
use crate::executor::{Executor, Of};
use crate::node::{self, costs};
use crate::truth::Truth;
use crate::world::{ASKS_MAX, BEGINNING, Plan, TENANT, World, clock, folder, ms, scope};

/// In the usual run; every one is another world.
const RUNS: u64 = 1000;

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    pub steps: u64,
    pub trace: u64,
    pub answered: u64,
    pub interrupted: u64,
    pub exhausted: u64,
    pub unavailable: u64,
    pub idle_after_ms: u64,
    /// The most that a node asked for more of a budget in one second.
    pub asks_max: u64,
}

impl Verdict {
    fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.answered += other.answered;
        self.interrupted += other.interrupted;
        self.exhausted += other.exhausted;
        self.unavailable += other.unavailable;
        self.idle_after_ms = self.idle_after_ms.max(other.idle_after_ms);
        self.asks_max = self.asks_max.max(other.asks_max);
    }
}

fn plan(dice: &mut Dice) -> (Plan, Vec<Budget>) {
    let plan = Plan {
        nodes: 1 + dice.below(3),
        delay_ms: [0, 5, 60, 250][dice.below(4)],
        faults: [0, 5, 25][dice.below(3)],
        think_ms: [60, 300, 1500][dice.below(3)],
        call_ms: [0, 100, 3000][dice.below(3)],
        disk: dice.chance(40),
        overruns: dice.chance(10),
        lease: ms([3_000, 10_000, 30_000][dice.below(3)]),
        chaos_ms: dice.within(1_000, 7_000),
        segment_bytes: [2_000, 20_000, 1_000_000][dice.below(3)],
    };
    let windows = [
        Window::Total,
        Window::Minute,
        Window::Hour,
        Window::Day,
        Window::Month,
    ];
    let count = 1 + dice.below(3);
    let limits = [7, 60, 1_000, 40_000, 5_000_000];
    let mut drawn: Vec<_> = (0..count)
        .map(|at| budget(9 + at as u128, limits[dice.below(5)], windows[dice.below(5)]))
        .collect();
    drawn.iter_mut().for_each(|budget| vary(dice, budget));
    (plan, drawn)
}

/// A third of the budgets have a window that moves, carry over, or hold more for a while.
fn vary(dice: &mut Dice, budget: &mut Budget) {
    let terms = &mut budget.terms;
    match dice.below(9) {
        0 => {
            let minutes = [1, 2, 15][dice.below(3)];
            terms.rolling = Some(Rolling { minutes });
            budget.window = Window::Total;
        }
        1 if budget.window != Window::Total => {
            let percent_max = [10, 50, 100][dice.below(3)];
            let since = UnixMillis([0, BEGINNING][dice.below(2)]);
            terms.rollover = Some(Rollover { percent_max, since });
        }
        2 => terms.increases.push(Increase {
            number: 1,
            amount: budget.limit,
            since: UnixMillis(0),
            until: UnixMillis(BEGINNING + dice.within(0, 10_000)),
            why: "a launch".to_owned(),
        }),
        _ => {}
    }
}

/// The world of a seed, from its beginning to its verdict.
pub fn run(seed: u64) -> Verdict {
    let mut dice = Dice::new(seed);
    let (plan, budgets) = plan(&mut dice);
    let folder = folder();
    let world = World::new(seed, plan, budgets, folder.path());
    let (told, verdict) = std::sync::mpsc::channel();
    let script = script(world.clone(), told);
    let ends = Arc::downgrade(&world);
    let steps = Executor::run(world, seed, Box::pin(script));
    assert_eq!(ends.strong_count(), 0, "a world outlives its run");
    Verdict {
        steps,
        ..verdict.recv().unwrap()
    }
}

async fn script(world: Arc<World>, told: std::sync::mpsc::Sender<Verdict>) {
    begin(&world).await;
    (0..world.plan.nodes).for_each(|node| node::boot(&world, node));
    chaos::reign(world.clone()).await;
    calm(&world).await;
    let idle_after_ms = until_idle(&world).await;
    check(&world).await;
    for node in 0..world.plan.nodes {
        spend_the_last(&world, node).await;
        until_idle(&world).await;
    }
    let state = world.state();
    // threat: AGP-D2
    assert!(
        state.asks_max <= ASKS_MAX,
        "a node asked {} times in a second",
        state.asks_max
    );
    let refused = |why| state.refusals.get(why).copied().unwrap_or(0);
    let _ = told.send(Verdict {
        steps: 0,
        trace: state.trace,
        answered: state.truth.answered,
        interrupted: state.truth.interrupted,
        exhausted: refused("exhausted"),
        unavailable: refused("unavailable"),
        idle_after_ms,
        asks_max: state.asks_max,
    });
}

pub async fn begin(world: &World) {
    world.begin();
    let tenant = Tenant {
        id: TENANT,
        name: "t".to_owned(),
        limits: credential::Limits::default(),
        state: store::TenantState::default(),
        history: ledger::Keeping::NONE,
    };
    world.central.create_tenant(&tenant).await.unwrap();
    let budgets: Vec<_> = world.state().budgets.values().cloned().collect();
    for budget in budgets {
        world.central.put_budget(&scope(), &budget).await.unwrap();
    }
}

/// Everything is well again: all nodes run, and what is under way ends.
pub async fn calm(world: &Arc<World>) {
    world.state().note("calm");
    {
        // A node does not go back into a window that ended for it: clocks that were set back are set right.
        let mut state = world.state();
        state.calm = true;
        state
            .nodes
            .iter_mut()
            .for_each(|node| node.clock_ms = node.clock_ms_max);
    }
    for _ in 0..2_000 {
        tokio::time::sleep(ms(100)).await;
        let mut state = world.state();
        state.nodes.iter_mut().for_each(|node| node.is_cut_off = false);
        let rests = |node: &crate::world::Node| node.live.is_some() && !node.is_down && node.under_way == 0;
        if state.nodes.iter().all(rests) {
            return;
        }
    }
    panic!("a node did not come back, or a call did not end");
}

/// Whatever nobody spent is free again, and all is shipped: within one lease. Returns after how long.
// threat: AGP-BUDGET-3.2
pub async fn until_idle(world: &World) -> u64 {
    let within = world.plan.lease.max(Duration::from_secs(10));
    let began = tokio::time::Instant::now();
    loop {
        let (held, waiting) = (world.held(), unshipped(world));
        if held.is_empty() && waiting == 0 {
            return u64::try_from(began.elapsed().as_millis()).unwrap();
        }
        assert!(
            began.elapsed() <= within,
            "after {:?} at rest still held: {held:?}; {waiting} bytes not shipped",
            began.elapsed()
        );
        tokio::time::sleep(ms(100)).await;
    }
}

fn unshipped(world: &World) -> u64 {
    let state = world.state();
    let live = state.nodes.iter().filter_map(|node| node.live.as_ref());
    live.map(|live| live.journal.depth_bytes()).sum()
}

/// The ledger says what happened, and the budgets say what the ledger says.
// threat: AGP-R1
async fn check(world: &World) {
    let stored = world.central.entries(&scope(), 0, u64::MAX).await.unwrap();
    let read = |stored: &store::StoredEntry| Entry::from_bytes(&stored.bytes).unwrap();
    let entries: Vec<Entry> = stored.iter().map(read).collect();
    let spent = Truth::spent_by(&entries);
    let mut state = world.state();
    state.truth.check_ledger(&entries);
    for place in state.places() {
        if let Some(standing) = world.standing(place) {
            let rolling = state
                .budgets
                .get(&place.0)
                .and_then(|budget| budget.terms.rolling);
            let (first, last) = rolling.map_or((place.1, place.1), |rolling| rolling.beside(place.1));
            let booked: i64 = spent
                .range((place.0, first)..=(place.0, last))
                .map(|(_, spent)| spent)
                .sum();
            assert_eq!(standing.spent.nanos(), booked, "{place:?}");
        }
    }
}

/// All that is left of each budget can be spent at this node, to the last nano-dollar, and not one more.
async fn spend_the_last(world: &Arc<World>, node: usize) {
    let Some(live) = world.state().nodes[node].live.clone() else {
        panic!("node {node} does not run");
    };
    for cell in live.cells.into_values() {
        let (done, spent) = oneshot::channel();
        let (world_of, book) = (world.clone(), live.book.clone());
        world.start(Of::Node(node), false, async move {
            spend_all(&world_of, &book, cell).await;
            let _ = done.send(());
        });
        spent.await.unwrap();
    }
}

async fn spend_all(world: &World, book: &data::book::Book, cell: Arc<Cell>) {
    let Some(budget) = world.state().budgets.get(&cell.id()).cloned() else {
        return;
    };
    // What is remembered of an empty budget is forgotten after a quarter of a second.
    tokio::time::sleep(ms(300)).await;
    let now = clock();
    let place = (budget.id, budget.start(now));
    let left = world
        .standing(place)
        .unwrap_or_default()
        .remaining(budget.limit_at(now));
    if left == Money::ZERO {
        return;
    }
    let cells = [cell];
    let mut all = book.reserve(&cells, costs(left.nanos()), now).await;
    // A question whose answer was lost while things were still bad may be under way.
    for _ in 0..10 {
        if !matches!(all, Err(Unreserved::Unavailable(_))) {
            break;
        }
        all = book.reserve(&cells, costs(left.nanos()), now).await;
    }
    let all = all.unwrap_or_else(|refused| panic!("{left:?} is left in {place:?}, and {refused:?}"));
    let more = book.reserve(&cells, costs(1), now).await;
    if budget.start(clock()) == place.1 && world.places_in_force().contains(&place) {
        assert!(matches!(more, Err(Unreserved::Exhausted { .. })), "{more:?}");
    }
    if let Ok(more) = more {
        more.void();
    }
    all.void();
}

/// Runs a seed, and says how to run it again should it fail.
fn told(seed: u64) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| run(seed))).unwrap_or_else(|failure| {
        println!("{:?}", plan(&mut Dice::new(seed)));
        println!("seed {seed} failed; its story: BARTIZAN_SIM_TRACE=1 BARTIZAN_SIM_SEED={seed} BARTIZAN_SIM_RUNS=1 cargo test -p sim --test it agp_budget_3_1_no_run -- --nocapture");
        resume_unwind(failure)
    })
}

fn asked(variable: &str, else_: u64) -> u64 {
    std::env::var(variable).map_or(else_, |said| said.parse().expect("a number"))
}

#[test]
fn agp_budget_3_1_no_run_overspends_loses_an_entry_or_keeps_money_from_everybody() {
    let (first, runs) = (asked("BARTIZAN_SIM_SEED", 1), asked("BARTIZAN_SIM_RUNS", RUNS));
    let mut all = Verdict::default();
    for seed in first..first + runs {
        all.add(&told(seed));
    }
    println!("{runs} runs from seed {first}: {all:?}");
    if runs >= 100 {
        assert!(
            all.answered > runs && all.interrupted > 0 && all.exhausted > 0 && all.unavailable > 0,
            "too quiet to say anything: {all:?}"
        );
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    for seed in 1..=40 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
    assert_ne!(run(1).trace, run(2).trace);
}

/// What stands between the gates and the memory engine here is a store like any other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_without_faults_passes_the_conformance_suite() {
    store::conformance::run(async || {
        let (mut plan, budgets) = plan(&mut Dice::new(0));
        (plan.delay_ms, plan.faults, plan.nodes) = (0, 0, 1);
        let world = World::new(0, plan, budgets, &std::env::temp_dir());
        Arc::new(crate::link::Link { world, node: 0 }) as Arc<dyn store::Store>
    })
    .await;
}
