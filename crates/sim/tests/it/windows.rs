//! Every state that two nodes and one store can reach while windows come and go: of a rolling budget, whose buckets are
//! looked at together, and of one that carries over. Found breadth first, over the product's own arithmetic. What is lost,
//! late or dead is the matter of [`crate::states`]; here clocks disagree, and calls end after their windows.

use std::collections::{HashSet, VecDeque};

use domain::{BudgetId, Money, NodeId, TenantId, UnixMillis};
use ledger::{Budget, BudgetScope, Rolling, Rollover, Standing, Terms, Window};
use store::accounts::{self, Held};
use store::{LeaseAnswer, LeaseWish};

const NODES: usize = 2;
/// Of the budget, in nano-dollars.
const LIMIT: i64 = 2;
/// Bounds of the calls that each node makes in its life.
const CALLS: [[i64; EACH]; NODES] = [[1, 1], [2, 0]];
const EACH: usize = 2;
const PLACES: usize = 4;
/// Beginnings of buckets of a minute that moves: neighbours, the two ends of one stretch, and one beyond.
const BUCKETS: [i64; PLACES] = [0, 30_000, 60_000, 61_000];
/// Beginnings of minutes.
const MINUTES: [i64; PLACES] = [0, 60_000, 120_000, 180_000];

/// A way to get windows wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    None,
    /// A grant looks at the buckets before its own, and not at those that a faster clock has opened.
    LooksBackOnly,
    /// What is carried over stays where it was as well.
    CarriedAndKept,
    /// It is carried whenever the window is asked for, and not when it is opened.
    CarriedAgain,
    /// What is lent is carried as if it were free.
    LentIsCarried,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Call {
    Unborn,
    /// Held in that place.
    Held(usize),
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    /// The newest window that has begun.
    now: usize,
    /// Spent, leased and carried of the windows that were opened.
    rows: [Option<(i64, i64, i64)>; PLACES],
    /// Amount and used.
    leases: [[(i64, i64); PLACES]; NODES],
    calls: [[Call; EACH]; NODES],
}

/// A budget, and when its windows begin.
struct Model {
    budget: Budget,
    starts: [i64; PLACES],
    /// How many of them time comes to.
    places: usize,
    mistake: Mistake,
}

const fn nanos(of: i64) -> Money {
    Money::from_nanos(of)
}

fn standing((spent, leased, carried): (i64, i64, i64)) -> Standing {
    Standing {
        spent: nanos(spent),
        leased: nanos(leased),
        unexplained: Money::ZERO,
        carried: nanos(carried),
    }
}

fn row(standing: &Standing) -> (i64, i64, i64) {
    (
        standing.spent.nanos(),
        standing.leased.nanos(),
        standing.carried.nanos(),
    )
}

impl Model {
    fn new(terms: Terms, mistake: Mistake) -> Self {
        let is_rolling = terms.rolling.is_some();
        let (window, starts, places) = match is_rolling {
            true => (Window::Total, BUCKETS, PLACES),
            // Into one window, and out of it into the next.
            false => (Window::Minute, MINUTES, PLACES - 1),
        };
        let budget = Budget {
            id: BudgetId::from_u128(1),
            tenant: TenantId::from_u128(1),
            scope: BudgetScope::Tenant,
            name: "b".to_owned(),
            limit: nanos(LIMIT),
            window,
            terms,
        };
        Self {
            budget,
            starts,
            places,
            mistake,
        }
    }

    fn rolling(mistake: Mistake) -> Self {
        let rolling = Some(Rolling { minutes: 1 });
        let terms = Terms {
            rolling,
            ..Terms::default()
        };
        Self::new(terms, mistake)
    }

    fn carrying(percent_max: u8, mistake: Mistake) -> Self {
        let since = UnixMillis(i64::MIN);
        let rollover = Some(Rollover { percent_max, since });
        let terms = Terms {
            rollover,
            ..Terms::default()
        };
        Self::new(terms, mistake)
    }

    fn at(&self, place: usize) -> UnixMillis {
        UnixMillis(self.starts[place])
    }

    /// What buckets hold together with this one, without itself.
    fn beside(&self, world: &World, place: usize) -> Money {
        let Some(rolling) = self.budget.terms.rolling else {
            return Money::ZERO;
        };
        let (first, mut last) = rolling.beside(self.at(place));
        if self.mistake == Mistake::LooksBackOnly {
            last = self.at(place);
        }
        let others = (0..PLACES).filter(|other| *other != place);
        let near = others.filter(|other| (first..=last).contains(&self.at(*other)));
        near.filter_map(|other| world.rows[other])
            .map(|row| standing(row).taken())
            .sum()
    }

    fn open(&self, world: &mut World, place: usize) {
        let is_open = world.rows[place].is_some() && self.mistake != Mistake::CarriedAgain;
        let before = (place > 0 && self.budget.carries_from(self.at(place)).is_some()).then(|| place - 1);
        let Some(before) = before.filter(|_| !is_open) else {
            world.rows[place].get_or_insert_default();
            return;
        };
        let mut left = standing(world.rows[before].unwrap_or_default());
        let mut own = standing(world.rows[place].unwrap_or_default());
        let lent = left.leased;
        if self.mistake == Mistake::LentIsCarried {
            left.leased = Money::ZERO;
        }
        let opened = accounts::open(&self.budget, &mut left);
        left.leased = lent;
        own.carried = own.carried.plus(opened.carried);
        if self.mistake != Mistake::CarriedAndKept {
            world.rows[before] = Some(row(&left));
        }
        world.rows[place] = Some(row(&own));
    }

    fn grant(&self, world: &World, node: usize, place: usize, amount: i64) -> Option<World> {
        let mut world = world.clone();
        self.open(&mut world, place);
        let limit = accounts::limit(&self.budget, self.at(place), self.beside(&world, place));
        let wish = self.wish(place, amount);
        let granted = change(&mut world, node, place, |standing, held| {
            accounts::grow(standing, limit, held, &wish)
        });
        matches!(granted, LeaseAnswer::Granted { .. }).then_some(world)
    }

    fn wish(&self, place: usize, amount: i64) -> LeaseWish {
        let window_start = self.at(place);
        LeaseWish {
            budget: self.budget.id,
            window_start,
            node: NodeId::from_u128(1),
            at_least: nanos(amount),
            wanted: nanos(amount),
            at: window_start,
            expires: window_start,
        }
    }

    fn next(&self, world: &World) -> Vec<(String, World)> {
        let mut next = Vec::new();
        if world.now + 1 < self.places {
            let mut later = world.clone();
            later.now += 1;
            next.push(("time goes on".to_owned(), later));
        }
        for node in 0..NODES {
            // A clock may be a window behind.
            for place in world.now.saturating_sub(1)..=world.now {
                for amount in 1..=2 {
                    if let Some(granted) = self.grant(world, node, place, amount) {
                        next.push((format!("grant {amount} to {node} in {place}"), granted));
                    }
                }
                next.extend(begun(world, node, place));
            }
            next.extend(ended(world, node));
            for place in 0..PLACES {
                next.extend(given_back(world, node, place));
            }
        }
        next
    }

    /// What must hold in every state; the sentence says what does not.
    fn wrong(&self, world: &World) -> Option<&'static str> {
        let taken = |place: usize| world.rows[place].map_or(0, |(spent, leased, _)| spent + leased);
        for (place, row) in world.rows.iter().enumerate() {
            let (_, _, carried) = row.unwrap_or_default();
            if self.budget.terms.rolling.is_none() && taken(place) > LIMIT + carried {
                return Some("a window holds more than its limit and what was carried into it");
            }
            let most = self
                .budget
                .terms
                .rollover
                .map_or(Money::ZERO, |it| it.most(nanos(LIMIT)));
            if nanos(carried) > most {
                return Some("more was carried into a window than may be");
            }
            let leases: i64 = world.leases.iter().map(|of| of[place].0 - of[place].1).sum();
            if row.unwrap_or_default().1 != leases {
                return Some("the sum is not that of the leases");
            }
        }
        if let Some(rolling) = self.budget.terms.rolling {
            for first in 0..PLACES {
                let ends = self.starts[first] + rolling.length_ms();
                let stretch = (first..PLACES).filter(|place| self.starts[*place] <= ends);
                if stretch.map(taken).sum::<i64>() > LIMIT {
                    return Some("a stretch of the length holds more than the limit");
                }
            }
            return None;
        }
        // However it is carried: what so many windows hold is so often the limit.
        for until in 1..=PLACES {
            let of = i64::try_from(until).unwrap();
            if (0..until).map(taken).sum::<i64>() > LIMIT * of {
                return Some("some windows hold more than their limits together");
            }
        }
        None
    }
}

fn change<T>(
    world: &mut World,
    node: usize,
    place: usize,
    rule: impl FnOnce(&mut Standing, &mut Held) -> T,
) -> T {
    let wish = Model::rolling(Mistake::None).wish(place, 0);
    let (mut held, mut own) = (Held::new(&wish), standing(world.rows[place].unwrap_or_default()));
    let (amount, used) = world.leases[node][place];
    (held.lease.amount, held.lease.used) = (nanos(amount), nanos(used));
    let outcome = rule(&mut own, &mut held);
    world.rows[place] = Some(row(&own));
    world.leases[node][place] = (held.lease.amount.nanos(), held.lease.used.nanos());
    outcome
}

/// What of a lease no call holds.
fn free(world: &World, node: usize, place: usize) -> i64 {
    let (amount, used) = world.leases[node][place];
    let calls = world.calls[node].iter().zip(CALLS[node]);
    let held = calls.filter(|(call, _)| **call == Call::Held(place));
    amount - used - held.map(|(_, bound)| bound).sum::<i64>()
}

fn begun(world: &World, node: usize, place: usize) -> Vec<(String, World)> {
    let mut next = Vec::new();
    for (at, bound) in CALLS[node].into_iter().enumerate() {
        let fits = bound > 0 && bound <= free(world, node, place);
        if world.calls[node][at] == Call::Unborn && fits {
            let mut held = world.clone();
            held.calls[node][at] = Call::Held(place);
            next.push((format!("reserve {bound} at {node} in {place}"), held));
        }
    }
    next
}

/// A call ends, in whatever window time has come to: it is booked where it began.
fn ended(world: &World, node: usize) -> Vec<(String, World)> {
    let mut next = Vec::new();
    for (at, bound) in CALLS[node].into_iter().enumerate() {
        let Call::Held(place) = world.calls[node][at] else {
            continue;
        };
        for cost in 0..=bound {
            let mut over = world.clone();
            over.calls[node][at] = Call::Over;
            change(&mut over, node, place, |standing, held| {
                accounts::charge(standing, Some(held), nanos(cost));
            });
            next.push((format!("settle {cost} of {bound} at {node} in {place}"), over));
        }
    }
    next
}

fn given_back(world: &World, node: usize, place: usize) -> Option<(String, World)> {
    let idle = free(world, node, place);
    (idle > 0).then(|| {
        let mut back = world.clone();
        change(&mut back, node, place, |standing, held| {
            accounts::shrink(standing, held, nanos(idle))
        });
        (format!("give back {idle} at {node} in {place}"), back)
    })
}

struct Found {
    states: usize,
    steps: usize,
    wrong: Option<(World, &'static str)>,
}

fn explore(model: &Model) -> Found {
    let first = World {
        now: 0,
        rows: [None; PLACES],
        leases: [[(0, 0); PLACES]; NODES],
        calls: [[Call::Unborn; EACH]; NODES],
    };
    let (mut seen, mut queue) = (HashSet::from([first.clone()]), VecDeque::from([first]));
    let mut steps = 0;
    while let Some(world) = queue.pop_front() {
        if let Some(why) = model.wrong(&world) {
            let (states, wrong) = (seen.len(), Some((world, why)));
            return Found { states, steps, wrong };
        }
        for (_, after) in model.next(&world) {
            steps += 1;
            if seen.insert(after.clone()) {
                queue.push_back(after);
            }
        }
    }
    Found {
        states: seen.len(),
        steps,
        wrong: None,
    }
}

#[test]
fn agp_d1_no_reachable_state_of_moving_and_carrying_windows_is_wrong() {
    for (what, model) in [
        ("rolling", Model::rolling(Mistake::None)),
        ("half carried over", Model::carrying(50, Mistake::None)),
        ("all carried over", Model::carrying(100, Mistake::None)),
    ] {
        let found = explore(&model);
        println!(
            "{what}: {} states, {} steps between them",
            found.states, found.steps
        );
        assert!(found.wrong.is_none(), "{what}: {:?}", found.wrong);
        assert!(found.states > 10_000, "too few to say anything: {}", found.states);
    }
}

#[test]
fn agp_d1_every_known_mistake_in_windows_is_found() {
    for model in [
        Model::rolling(Mistake::LooksBackOnly),
        Model::carrying(100, Mistake::CarriedAndKept),
        Model::carrying(50, Mistake::CarriedAgain),
        Model::carrying(100, Mistake::LentIsCarried),
    ] {
        let found = explore(&model);
        let mistake = model.mistake;
        let (world, why) = found.wrong.unwrap_or_else(|| panic!("{mistake:?} was not found"));
        println!("{mistake:?}, after {} states: {why}: {world:?}", found.states);
    }
}
