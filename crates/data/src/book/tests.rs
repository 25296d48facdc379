//! The book against a store in memory: several nodes, many callers, and answers that never arrive.

use std::sync::atomic::Ordering;

use domain::{RequestId, TenantId, TenantScope};
use ledger::{Between, BudgetScope, Charge, Entry, Holding, Pause, Rolling, Standing, Terms, Window};
use store::{Budgets, EntryLog, Registry, Shipment, Tenant};

use super::fake_store::FakeStore;
use super::*;

const WAIT: Duration = Duration::from_millis(200);

pub(super) const fn nanos(amount: i64) -> Money {
    Money::from_nanos(amount)
}

/// A call that costs so much and has twice as many tokens.
pub(super) fn costs(amount: i64) -> Spend {
    Spend {
        cost: nanos(amount),
        tokens: amount.unsigned_abs() * 2,
    }
}

pub(super) const ANY: Served<'_> = Served::Perhaps;

/// One tenant's budgets in one store, and a node that spends from them.
pub(super) struct Scene {
    pub(super) store: Arc<FakeStore>,
    pub(super) scope: TenantScope,
    pub(super) budgets: Vec<Budget>,
    pub(super) book: Arc<Book>,
    _keeper: Keeper,
    pub(super) cells: Vec<Arc<Cell>>,
}

impl Scene {
    async fn set(limits: &[i64], window: Window) -> Self {
        Self::with(limits, |budget| budget.window = window).await
    }

    pub(super) async fn with(limits: &[i64], change: impl Fn(&mut Budget)) -> Self {
        let (store, tenant) = (Arc::new(FakeStore::default()), TenantId::generate());
        let limited = Tenant {
            id: tenant,
            name: "t".to_owned(),
            limits: credential::Limits::default(),
            state: store::TenantState::default(),
            history: ledger::Keeping::NONE,
        };
        store.create_tenant(&limited).await.unwrap();
        let budget = |limit: &i64| {
            let mut budget = Budget {
                id: BudgetId::generate(),
                tenant,
                scope: BudgetScope::Tenant,
                name: "b".to_owned(),
                limit: nanos(*limit),
                window: Window::Total,
                terms: Terms::default(),
            };
            change(&mut budget);
            budget
        };
        Self::of(tenant, store, limits.iter().map(budget).collect()).await
    }

    async fn of(tenant: TenantId, store: Arc<FakeStore>, budgets: Vec<Budget>) -> Self {
        let scope = TenantScope::operator(tenant);
        for budget in &budgets {
            store.put_budget(&scope, budget).await.unwrap();
        }
        let (book, keeper, cells) = node(&store, &budgets);
        Self {
            store,
            scope,
            budgets,
            book,
            _keeper: keeper,
            cells,
        }
    }

    async fn reserve(&self, amount: i64) -> Result<Reservation, Unreserved> {
        self.book
            .reserve(&self.cells, costs(amount), UnixMillis::now())
            .await
    }

    async fn standing(&self, at: usize) -> Standing {
        let budget = &self.budgets[at];
        let start = budget.window.start(UnixMillis::now());
        self.store.standing(&self.scope, budget.id, start).await.unwrap()
    }

    /// An entry of this node arrives in the store that took so much in the budget's windows.
    pub(super) async fn ship(&self, at: usize, windows: &[UnixMillis], amount: i64) {
        let budget = &self.budgets[at];
        let charge = |window_start: &UnixMillis| Charge {
            budget: budget.id,
            window_start: *window_start,
            amount: nanos(amount),
        };
        let entry = Entry {
            charges: windows.iter().map(charge).collect(),
            ..Entry::sample(RequestId::generate(), budget.tenant)
        };
        let shipment = Shipment::from(&entry);
        self.store
            .append(&self.scope, self.book.node, &[shipment])
            .await
            .unwrap();
    }

    pub(super) fn held(&self, at: usize) -> Holding {
        self.cells[at].lock().current.holding
    }
}

/// One more node on the same store.
pub(super) fn node(store: &Arc<FakeStore>, budgets: &[Budget]) -> (Arc<Book>, Keeper, Vec<Arc<Cell>>) {
    let metrics = Arc::new(Metrics::new("test"));
    let (book, keeper) = Book::new(
        (store.clone(), NodeId::generate()),
        Duration::from_secs(30),
        WAIT,
        metrics,
    );
    let mut by_id = book.reconcile(budgets, UnixMillis::now());
    let cells = budgets
        .iter()
        .map(|budget| by_id.remove(&budget.id).unwrap())
        .collect();
    (book, keeper, cells)
}

/// Two hundred callers on two nodes, and money for fifty.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn agp_d1_callers_on_two_nodes_get_exactly_what_there_is() {
    let scene = Scene::set(&[50, 1000], Window::Total).await;
    let (other, _keeper, other_cells) = node(&scene.store, &scene.budgets);
    let mut callers = Vec::new();
    for caller in 0..200 {
        let (book, cells) = match caller % 2 {
            0 => (scene.book.clone(), scene.cells.clone()),
            _ => (other.clone(), other_cells.clone()),
        };
        callers.push(tokio::spawn(async move {
            book.reserve(&cells, costs(1), UnixMillis::now()).await
        }));
    }
    let mut held = Vec::new();
    for caller in callers {
        match caller.await.unwrap() {
            Ok(reservation) => held.push(reservation),
            Err(Unreserved::Exhausted { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(held.len(), 50);
    assert_eq!(scene.standing(0).await.leased, nanos(50));
    held.into_iter().for_each(Reservation::void);
    scene.book.close().await;
    other.close().await;
    for at in 0..2 {
        assert_eq!(scene.standing(at).await, Standing::default());
    }
}

/// Sixty-four callers who find the lease too small ask the store together, not one by one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_asks_the_store_asks_for_all_who_wait() {
    let scene = Scene::set(&[1_000_000], Window::Total).await;
    let callers = (0..64).map(|_| {
        let (book, cells) = (scene.book.clone(), scene.cells.clone());
        tokio::spawn(async move { book.reserve(&cells, costs(10_000), UnixMillis::now()).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap().unwrap().settle(costs(1), ANY);
    }
    let asked = scene.store.grown.load(Ordering::SeqCst);
    assert!(asked <= 20, "asked {asked} times");
}

/// In every budget or in none.
#[tokio::test]
async fn agp_budget_3_1_a_reservation_is_made_in_every_budget_or_in_none() {
    let scene = Scene::set(&[1000, 10, 1000], Window::Total).await;
    assert!(matches!(
        scene.reserve(11).await,
        Err(Unreserved::Exhausted { .. })
    ));
    for at in 0..3 {
        assert_eq!(scene.held(at).reserved(), Money::ZERO);
    }
    scene.reserve(10).await.unwrap().settle(costs(4), ANY);
    for at in 0..3 {
        assert_eq!(
            (scene.held(at).reserved(), scene.held(at).used()),
            (Money::ZERO, nanos(4))
        );
    }
}

/// "Too little for that" is not "nothing left".
#[tokio::test]
async fn agp_d1_a_dear_wish_that_is_refused_does_not_refuse_a_cheap_one() {
    let scene = Scene::set(&[100], Window::Total).await;
    for _ in 0..10 {
        assert!(matches!(
            scene.reserve(101).await,
            Err(Unreserved::Exhausted { .. })
        ));
        scene.reserve(10).await.unwrap().settle(costs(10), ANY);
    }
    assert!(matches!(
        scene.reserve(1).await,
        Err(Unreserved::Exhausted { .. })
    ));
}

/// The store granted, and nobody heard of it: refused now, and the money is not lent for ever.
#[tokio::test]
async fn agp_budget_3_2_a_grant_whose_answer_was_lost_comes_back() {
    let scene = Scene::set(&[100], Window::Total).await;
    scene.store.mute.store(true, Ordering::SeqCst);
    assert!(matches!(scene.reserve(60).await, Err(Unreserved::Unavailable(_))));
    assert_eq!(scene.standing(0).await.leased, nanos(60));
    scene.store.mute.store(false, Ordering::SeqCst);
    scene.book.tidy().await;
    assert_eq!(scene.standing(0).await, Standing::default());
}

/// So is one that came too late for its caller.
#[tokio::test]
async fn agp_budget_3_2_a_store_that_is_silent_is_waited_for_and_not_longer() {
    let scene = Scene::set(&[100], Window::Total).await;
    scene.store.silent.store(true, Ordering::SeqCst);
    let began = std::time::Instant::now();
    assert!(matches!(scene.reserve(60).await, Err(Unreserved::Unavailable(_))));
    assert!(
        began.elapsed() >= WAIT && began.elapsed() < WAIT * 5,
        "{:?}",
        began.elapsed()
    );
    assert!(scene.cells[0].lock().current.unsure && scene.cells[0].lock().waiting == Money::ZERO);
    scene.store.silent.store(false, Ordering::SeqCst);
    scene.book.tidy().await;
    assert!(!scene.cells[0].lock().current.unsure);
    scene.reserve(100).await.unwrap().void();
}

/// What was perhaps given back is not spent here; once the store answers both agree again.
#[tokio::test]
async fn agp_budget_3_2_a_give_back_whose_answer_was_lost_is_neither_spent_nor_leaked() {
    for done in [true, false] {
        let scene = Scene::set(&[100], Window::Total).await;
        scene.reserve(80).await.unwrap().void();
        let fault = if done {
            &scene.store.mute
        } else {
            &scene.store.down
        };
        fault.store(true, Ordering::SeqCst);
        scene.book.tidy().await;
        assert_eq!(scene.held(0).available(), Money::ZERO);
        fault.store(false, Ordering::SeqCst);
        scene.book.tidy().await;
        assert_eq!(scene.standing(0).await, Standing::default(), "done: {done}");
        scene.reserve(100).await.unwrap().void();
    }
}

/// While the store is known to be away what is held is kept: it is all there is to spend.
#[tokio::test]
async fn agp_d1_a_lease_serves_while_the_store_is_away() {
    let scene = Scene::set(&[100], Window::Total).await;
    scene.reserve(80).await.unwrap().void();
    scene.store.down.store(true, Ordering::SeqCst);
    assert!(matches!(scene.reserve(90).await, Err(Unreserved::Unavailable(_))));
    for _ in 0..3 {
        scene.book.tidy().await;
        scene.reserve(80).await.unwrap().void();
    }
    scene.store.down.store(false, Ordering::SeqCst);
    scene.book.tidy().await;
    assert_eq!(scene.standing(0).await, Standing::default());
}

/// A call that ends in the next window is charged to the one it was reserved in, and frees its money there.
#[tokio::test]
async fn agp_d1_a_call_that_outlives_its_window_is_charged_where_it_was_reserved() {
    let scene = Scene::set(&[100], Window::Minute).await;
    let before = UnixMillis::now();
    let reservation = scene.book.reserve(&scene.cells, costs(60), before).await.unwrap();
    let after = UnixMillis(before.0 + 60_000);
    let next = scene.book.reserve(&scene.cells, costs(100), after).await.unwrap();
    assert_eq!(
        reservation.charges(Unit::Money, costs(5), ANY)[0].window_start,
        Window::Minute.start(before)
    );
    assert_eq!(
        next.charges(Unit::Money, costs(5), ANY)[0].window_start,
        Window::Minute.start(after)
    );
    reservation.settle(costs(5), ANY);
    next.void();
    scene.store.down.store(true, Ordering::SeqCst);
    scene.book.close().await;
    assert_eq!(
        scene.cells[0].lock().past.len(),
        1,
        "what was not given back is tried again"
    );
    scene.store.down.store(false, Ordering::SeqCst);
    scene.book.close().await;
    assert!(scene.cells[0].lock().past.is_empty());
    let ended = Window::Minute.start(before);
    let left = scene
        .store
        .standing(&scene.scope, scene.budgets[0].id, ended)
        .await
        .unwrap();
    assert_eq!(left.leased, nanos(5), "used, and not shipped yet");
}

/// A budget that is no longer there lends nothing more, and calls under way end in order.
#[tokio::test]
async fn a_budget_that_is_removed_is_forgotten() {
    let scene = Scene::set(&[100, 100], Window::Total).await;
    let reservation = scene.reserve(10).await.unwrap();
    scene
        .store
        .delete_budget(&scene.scope, scene.budgets[1].id)
        .await
        .unwrap();
    assert!(matches!(scene.reserve(50).await, Err(Unreserved::Unavailable(_))));
    let kept = scene.book.reconcile(&scene.budgets[..1], UnixMillis::now());
    assert_eq!(kept.len(), 1);
    reservation.settle(costs(10), ANY);
    scene
        .book
        .reserve(&scene.cells[..1], costs(90), UnixMillis::now())
        .await
        .unwrap()
        .void();
    scene.book.close().await;
    assert_eq!(
        scene.standing(0).await.leased,
        nanos(10),
        "used, and not shipped yet"
    );
}

impl Scene {
    /// The same budgets, changed so, as the directory brings them.
    async fn change(&mut self, change: impl Fn(usize, &mut Budget)) {
        for (at, budget) in self.budgets.iter_mut().enumerate() {
            change(at, budget);
        }
        self.book.reconcile(&self.budgets, UnixMillis::now());
    }
}

/// Nothing is spent from a paused budget, not even nothing; and nothing of the others is held for such a call.
#[tokio::test]
async fn agp_d1_a_paused_budget_holds_nothing_until_it_is_resumed() {
    let mut scene = Scene::set(&[100, 100], Window::Total).await;
    scene.reserve(10).await.unwrap().settle(costs(10), ANY);
    let under_way = scene.reserve(10).await.unwrap();
    let paused = |at: usize, budget: &mut Budget| {
        let why = "an agent runs in circles".to_owned();
        let since = UnixMillis(1);
        budget.terms.paused = (at == 1).then_some(Pause { since, why });
    };
    scene.change(paused).await;
    for amount in [0, 1, 30] {
        let refused = scene.reserve(amount).await;
        assert!(matches!(refused, Err(Unreserved::Paused(_))), "{refused:?}");
    }
    assert_eq!(scene.held(0).reserved(), nanos(10), "only what was under way");
    under_way.settle(costs(7), ANY);
    assert_eq!(scene.held(1).used(), nanos(17), "what was under way is charged");
    scene.change(|_, budget| budget.terms.paused = None).await;
    scene.reserve(83).await.unwrap().void();
}

/// A budget of tokens beside one of money: each call takes from each what that counts.
#[tokio::test]
async fn agp_d1_money_and_tokens_are_held_and_charged_each_by_its_own_count() {
    let scene = Scene::set(&[1000], Window::Total).await;
    let mut tokens = scene.budgets[0].clone();
    tokens.id = BudgetId::generate();
    tokens.limit = nanos(100);
    tokens.terms.unit = Unit::Tokens;
    scene.store.put_budget(&scene.scope, &tokens).await.unwrap();
    let both = [scene.budgets[0].clone(), tokens];
    let (book, _keeper, cells) = node(&scene.store, &both);
    // 50 nano-dollars are 100 tokens here.
    let one = book.reserve(&cells, costs(50), UnixMillis::now()).await.unwrap();
    let refused = book.reserve(&cells, costs(1), UnixMillis::now()).await;
    assert!(
        matches!(
            &refused,
            Err(Unreserved::Exhausted {
                unit: Unit::Tokens,
                ..
            })
        ),
        "{refused:?}"
    );
    assert!(one.counts_tokens());
    let charged = |unit| one.charges(unit, costs(30), ANY);
    assert_eq!(
        (charged(Unit::Money)[0].budget, charged(Unit::Money)[0].amount),
        (both[0].id, nanos(30))
    );
    assert_eq!(
        (charged(Unit::Tokens)[0].budget, charged(Unit::Tokens)[0].amount),
        (both[1].id, nanos(60))
    );
    one.settle(costs(30), ANY);
    book.reserve(&cells, costs(20), UnixMillis::now())
        .await
        .unwrap()
        .void();
    assert!(book.reserve(&cells, costs(21), UnixMillis::now()).await.is_err());
}

/// What is held for several targets is charged where one of them served, and free again elsewhere.
#[tokio::test]
async fn agp_d1_only_budgets_of_the_target_that_served_are_charged() {
    let scene = Scene::set(&[100, 100, 5], Window::Total).await;
    let (a, b, c): (Arc<str>, Arc<str>, Arc<str>) = ("p/a".into(), "q/b".into(), "q/c".into());
    let (book, now, cells) = (&scene.book, UnixMillis::now(), &scene.cells);
    let mut held = book.reserve([], costs(40), now).await.unwrap();
    for (cell, targets) in [(0, vec![a.clone()]), (1, vec![b.clone(), c.clone()])] {
        let reserved = book
            .reserve_for(&mut held, (&cells[cell], &targets), costs(40), now)
            .await;
        reserved.unwrap();
    }
    let refused = book
        .reserve_for(&mut held, (&cells[2], &[c]), costs(40), now)
        .await;
    assert!(
        matches!(refused, Err(Unreserved::Exhausted { .. })),
        "{refused:?}"
    );
    let reserved = |at| scene.held(at).reserved();
    assert_eq!(
        [reserved(0), reserved(1), reserved(2)],
        [nanos(40), nanos(40), Money::ZERO]
    );
    // A crash now hides nobody's part of it.
    assert_eq!(held.charges(Unit::Money, costs(40), Served::Perhaps).len(), 2);
    assert!(held.charges(Unit::Money, costs(40), Served::By(None)).is_empty());
    let by_b = held.charges(Unit::Money, costs(9), Served::By(Some("q/b")));
    let charged: Vec<_> = by_b.iter().map(|charge| charge.budget).collect();
    assert_eq!(charged, [scene.budgets[1].id]);
    held.settle(costs(9), Served::By(Some("q/b")));
    let used = |at| scene.held(at).used();
    assert_eq!([used(0), used(1)], [Money::ZERO, nanos(9)]);
    assert_eq!([reserved(0), reserved(1)], [Money::ZERO, Money::ZERO]);
}

async fn with_terms(terms: Terms) -> Scene {
    let scene = Scene::set(&[], Window::Total).await;
    let budget = Budget {
        id: BudgetId::generate(),
        tenant: scene.scope.tenant(),
        scope: BudgetScope::Tenant,
        name: "b".to_owned(),
        limit: nanos(100),
        window: Window::Total,
        terms,
    };
    Scene::of(scene.scope.tenant(), scene.store.clone(), vec![budget]).await
}

fn rolling() -> Terms {
    Terms {
        rolling: Some(Rolling { minutes: 1 }),
        ..Terms::default()
    }
}

/// What this node itself still holds in a bucket that has ended keeps nobody waiting.
#[tokio::test]
async fn agp_d1_the_rest_of_an_ended_bucket_is_given_back_before_anybody_is_refused() {
    let scene = with_terms(rolling()).await;
    let now = UnixMillis::now();
    let next = UnixMillis(now.0 + 1000);
    let reserve = async |amount, at| scene.book.reserve(&scene.cells, costs(amount), at).await;
    reserve(60, now).await.unwrap().settle(costs(10), ANY);
    let all = reserve(90, next).await.unwrap();
    let refused = reserve(1, next).await;
    let Err(Unreserved::Exhausted { because, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(because, Because::Rolling(1));
    all.void();
    // Calls that are under way in an ended bucket hold what they may cost until they end.
    let under_way = reserve(50, next).await.unwrap();
    let later = UnixMillis(next.0 + 1000);
    assert!(reserve(41, later).await.is_err());
    under_way.settle(costs(0), ANY);
    let later = UnixMillis(later.0 + EXHAUSTED_MS);
    reserve(90, later).await.unwrap().void();
}

/// An answer that was lost in a bucket that has ended: its money is asked for, or it would be lent for the whole window.
#[tokio::test]
async fn agp_budget_3_2_what_an_ended_bucket_holds_unheard_is_asked_for() {
    let scene = with_terms(rolling()).await;
    let now = UnixMillis::now();
    scene.reserve(10).await.unwrap().void();
    {
        let mut state = scene.cells[0].lock();
        state.current.unsure = true;
        // As if the last grant had not been heard of.
        state.current.holding.adopt(Money::ZERO);
    }
    let next = UnixMillis(now.0 + 2000);
    scene
        .book
        .reserve(&scene.cells, costs(1), next)
        .await
        .unwrap()
        .void();
    scene.book.close().await;
    assert!(scene.cells[0].lock().past.is_empty());
    assert_eq!(scene.standing(0).await, Standing::default());
    let start = scene.budgets[0].start(next);
    let left = scene
        .store
        .standing(&scene.scope, scene.budgets[0].id, start)
        .await;
    assert_eq!(left.unwrap().leased, Money::ZERO);
}

#[tokio::test]
async fn agp_d1_outside_of_its_time_a_budget_is_not_spent_from_also_by_a_warm_lease() {
    let now = UnixMillis::now();
    let (from, until) = (UnixMillis(now.0 - 1000), UnixMillis(now.0 + 600_000));
    let scene = with_terms(Terms {
        between: Some(Between { from, until }),
        ..Terms::default()
    })
    .await;
    let reserve = async |at| scene.book.reserve(&scene.cells, costs(1), at).await;
    reserve(now).await.unwrap().void();
    assert!(scene.held(0).leased() > Money::ZERO);
    for (at, why) in [
        (UnixMillis(from.0 - 1), Shut::Until(from)),
        (until, Shut::Since(until)),
    ] {
        let refused = reserve(at).await;
        assert!(
            matches!(&refused, Err(Unreserved::Shut(_, shut)) if *shut == why),
            "{refused:?}"
        );
    }
    reserve(now).await.unwrap().void();
}
