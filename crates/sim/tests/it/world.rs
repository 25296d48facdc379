//! What all tasks of one run share: the store, the truth, the clocks, the dice, and the trace.

use std::cell::Cell as Local;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use data::book::{Book, Cell};
use domain::{BudgetId, Money, NodeId, RequestId, TenantId, TenantScope, UnixMillis};
use futures_util::FutureExt;
use journal::Journal;
use ledger::{Budget, Standing};
use store::{Budgets, MemoryStore};
use telemetry::Metrics;
use tempfile::TempDir;
use tokio::time::Instant;
use worker::Shipper;

use crate::dice::Dice;
use crate::executor::{Of, Order, Work};
use crate::truth::{Death, Place, Truth};

pub const TENANT: TenantId = TenantId::from_u128(1);

/// Half a minute before midnight, 30 November 2026: minutes, hours, days and months end during a run.
pub const BEGINNING: i64 = 1_796_083_170_000;

thread_local! {
    static BEGAN: Local<Option<Instant>> = const { Local::new(None) };
    static SHOWN_MS: Local<i64> = const { Local::new(0) };
}

/// A second's rests near the limit, the question before the first, and once more where a bucket ends or a node begins.
pub const ASKS_MAX: u64 = 1_000 / data::book::REST_NEAR.as_millis() as u64 + 4;

fn since_began_ms() -> i64 {
    let since = BEGAN.get().map_or(Duration::ZERO, |began| began.elapsed());
    i64::try_from(since.as_millis()).unwrap()
}

/// The clock of the node whose task runs.
pub fn clock() -> UnixMillis {
    let since = BEGAN.get().map_or(Duration::ZERO, |began| began.elapsed());
    UnixMillis(BEGINNING + i64::try_from(since.as_millis()).unwrap() + SHOWN_MS.get())
}

pub fn scope() -> TenantScope {
    TenantScope::operator(TENANT)
}

pub fn ms(of: i64) -> Duration {
    Duration::from_millis(u64::try_from(of).unwrap())
}

/// What a run is like, drawn from its seed.
#[derive(Debug, Clone)]
pub struct Plan {
    pub nodes: usize,
    /// Longest wait for the store, each way.
    pub delay_ms: i64,
    /// Of a hundred questions to the store, so many fail; of them some after they were done.
    pub faults: i64,
    /// Longest time between two calls at a node.
    pub think_ms: i64,
    pub call_ms: i64,
    /// Records are synced before anybody relies on them; machines may die.
    pub disk: bool,
    /// Providers use more than they were asked for.
    pub overruns: bool,
    pub lease: Duration,
    pub chaos_ms: i64,
    pub segment_bytes: u64,
}

/// A node that runs.
#[derive(Clone)]
pub struct Live {
    pub book: Arc<Book>,
    pub journal: Journal,
    pub shipper: Shipper,
    pub cells: BTreeMap<BudgetId, Arc<Cell>>,
    /// It takes no more calls.
    pub stopping: bool,
}

#[derive(Default)]
pub struct Node {
    pub live: Option<Live>,
    pub is_cut_off: bool,
    pub clock_ms: i64,
    /// The furthest it ever was.
    pub clock_ms_max: i64,
    /// Which segment is on disk up to where.
    pub synced: (PathBuf, u64),
    pub oldest: Option<PathBuf>,
    pub under_way: usize,
    /// Its process was ended, and is not started again yet.
    pub is_down: bool,
}

pub struct State {
    pub dice: Dice,
    pub truth: Truth,
    pub nodes: Vec<Node>,
    pub budgets: BTreeMap<BudgetId, Budget>,
    pub next_id: u128,
    /// Faults are over, and no new calls are made.
    pub calm: bool,
    known: BTreeMap<Place, i64>,
    pub trace: u64,
    pub refusals: BTreeMap<&'static str, u64>,
    /// Questions to the store about leases.
    pub asked: BTreeMap<&'static str, u64>,
    /// How often a node asked for more of a budget in which second, and the most that any did.
    pub asks: BTreeMap<(usize, BudgetId), (i64, u64)>,
    pub asks_max: u64,
}

pub struct World {
    pub plan: Plan,
    pub central: MemoryStore,
    pub metrics: Arc<Metrics>,
    pub dir: PathBuf,
    state: Mutex<State>,
    orders: Mutex<Vec<Order>>,
}

/// One registry for all runs: making one is dearer than a run's first second.
fn metrics() -> Arc<Metrics> {
    static METRICS: OnceLock<Arc<Metrics>> = OnceLock::new();
    METRICS.get_or_init(|| Arc::new(Metrics::new("sim"))).clone()
}

/// A folder for journals, in memory where there is such a place. It goes when it is dropped: worlds do not, for their
/// tasks hold them.
pub fn folder() -> TempDir {
    let in_memory = tempfile::Builder::new().prefix("sim").tempdir_in("/dev/shm");
    in_memory.or_else(|_| tempfile::tempdir()).unwrap()
}

impl World {
    /// One whose nodes have their journals in this folder.
    pub fn new(seed: u64, plan: Plan, budgets: Vec<Budget>, dir: &Path) -> Arc<Self> {
        let mut truth = Truth::default();
        budgets.iter().for_each(|budget| truth.limit_is(budget));
        let state = State {
            dice: Dice::new(seed),
            truth,
            nodes: (0..plan.nodes).map(|_| Node::default()).collect(),
            budgets: budgets.into_iter().map(|budget| (budget.id, budget)).collect(),
            next_id: 1,
            calm: false,
            known: BTreeMap::new(),
            trace: 0xcbf2_9ce4_8422_2325,
            refusals: BTreeMap::new(),
            asked: BTreeMap::new(),
            asks: BTreeMap::new(),
            asks_max: 0,
        };
        Arc::new(Self {
            plan,
            central: MemoryStore::new(),
            metrics: metrics(),
            dir: dir.to_owned(),
            state: Mutex::new(state),
            orders: Mutex::default(),
        })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Time begins; called from inside of the runtime.
    pub fn begin(&self) {
        BEGAN.set(Some(Instant::now()));
    }

    /// From now on the clock is that of whose task runs.
    pub fn look_through(&self, of: Of) {
        SHOWN_MS.set(match of {
            Of::Script => 0,
            Of::Node(node) => self.state().nodes[node].clock_ms,
        });
    }

    pub fn start(&self, of: Of, files: bool, work: impl Future<Output = ()> + Send + 'static) {
        let work: Work = Box::pin(work);
        self.orders.lock().unwrap().push(Order::Start { of, files, work });
    }

    /// The node's process is gone: nothing of it runs any more, and nobody hears what it had asked.
    pub fn kill(&self, node: usize, how: Death) {
        let mut state = self.state();
        state.note(&format!("node {node} dies: {how:?}"));
        let dead = std::mem::take(&mut state.nodes[node].live);
        state.nodes[node].under_way = 0;
        state.truth.died(node, how);
        drop(state);
        drop(dead);
        self.orders.lock().unwrap().push(Order::Kill { node });
    }

    /// All that runs and all that waits to run holds the world: it is let go of, so that the world ends with its run.
    pub fn end(&self) {
        let live: Vec<_> = self
            .state()
            .nodes
            .iter_mut()
            .map(|node| node.live.take())
            .collect();
        drop(live);
        drop(self.take_orders());
    }

    pub fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut *self.orders.lock().unwrap())
    }

    pub fn standing(&self, place: Place) -> Option<Standing> {
        let scope = scope();
        let found = self.central.standing(&scope, place.0, place.1);
        found.now_or_never().expect("memory answers at once").ok()
    }

    /// Called whenever the store did something: what is spent, lent and unexplained grows only where there is room.
    // threat: AGP-BUDGET-3.1
    pub fn look_at_store(&self) {
        let mut state = self.state();
        let State {
            known,
            truth,
            budgets,
            ..
        } = &mut *state;
        for (place, before) in known.iter_mut() {
            let (Some(standing), Some(budget)) = (self.standing(*place), budgets.get(&place.0)) else {
                continue;
            };
            for part in [standing.spent, standing.leased, standing.unexplained] {
                assert!(part >= Money::ZERO, "{standing:?}");
            }
            if budget.terms.rolling.is_some() {
                continue; // The truth holds every stretch against the limit; the store adds up more than one.
            }
            let counted = standing.taken().nanos();
            // A limit that was lowered below what is out already is not made worse but by overruns.
            let room = budget
                .limit_at(UnixMillis(0))
                .plus(standing.carried)
                .nanos()
                .max(if truth.overruns > 0 { *before } else { 0 })
                + truth.overruns;
            assert!(
                counted <= *before || counted <= room,
                "{standing:?} of a limit of {:?} in {place:?}",
                budget.limit
            );
            *before = counted;
        }
    }

    /// Places whose window has not ended for any node, and buckets that lie in one.
    pub fn places_in_force(&self) -> Vec<Place> {
        let state = self.state();
        let ahead = state
            .nodes
            .iter()
            .map(|node| node.clock_ms_max)
            .max()
            .unwrap_or(0);
        let now = UnixMillis(clock().0 - SHOWN_MS.get() + ahead);
        let lasts = |(id, start): &Place| {
            let Some(budget) = state.budgets.get(id) else {
                return false;
            };
            let moves = budget.terms.rolling.map_or(0, |rolling| rolling.length_ms());
            budget.end(*start).is_none_or(|end| now.0 < end.0 + moves)
        };
        state.places().into_iter().filter(lasts).collect()
    }

    /// What nobody can spend although nobody has spent it.
    pub fn held(&self) -> Vec<(Place, Standing)> {
        let places = self.places_in_force();
        let held = |standing: &Standing| standing.leased > Money::ZERO || standing.unexplained > Money::ZERO;
        let all = places
            .into_iter()
            .filter_map(|place| Some((place, self.standing(place)?)));
        all.filter(|(_, standing)| held(standing)).collect()
    }
}

impl State {
    /// One line of the run's story: printed when asked for, and mixed into what two runs of one seed have in common.
    pub fn note(&mut self, line: &str) {
        for byte in line.bytes().chain(clock().0.to_le_bytes()) {
            self.trace = (self.trace ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        if is_told() {
            println!("{:>9} {line}", clock().0 - BEGINNING);
        }
    }

    /// A node asks for more of a budget.
    pub fn asks(&mut self, node: usize, budget: BudgetId) {
        let second = since_began_ms() / 1_000;
        let (at, count) = self.asks.entry((node, budget)).or_default();
        if std::mem::replace(at, second) != second {
            *count = 0;
        }
        *count += 1;
        self.asks_max = self.asks_max.max(*count);
    }

    pub fn knows(&mut self, place: Place) {
        self.known.entry(place).or_default();
    }

    pub fn new_request(&mut self) -> RequestId {
        self.next_id += 1;
        RequestId::from_u128(self.next_id)
    }

    pub fn places(&self) -> Vec<Place> {
        self.known.keys().copied().collect()
    }
}

fn is_told() -> bool {
    static TOLD: OnceLock<bool> = OnceLock::new();
    *TOLD.get_or_init(|| std::env::var_os("BARTIZAN_SIM_TRACE").is_some())
}

pub const fn node_id(node: usize) -> NodeId {
    NodeId::from_u128(100 + node as u128)
}
