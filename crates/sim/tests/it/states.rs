//! Every state that two nodes, one budget and one store can reach by the actions of docs/money.md, "The protocol of
//! leases": found breadth first, over the product's own arithmetic (`store::accounts`, `ledger::Holding`).
//!
//! A checker that cannot fail proves nothing: each known mistake in [`Mistake`] must be found.

use std::collections::{HashMap, HashSet, VecDeque};

use domain::{BudgetId, Money, NodeId, UnixMillis};
use ledger::{Holding, Standing};
use store::accounts::{self, Held};
use store::{LeaseAnswer, LeaseWish};

const NODES: usize = 2;
/// Of the budget, in nano-dollars.
const LIMIT: i64 = 2;
/// Bounds of the calls that each node makes in its life, one after the other or at once; 0 is no call.
const CALLS: [[i64; EACH]; NODES] = [[1, 1], [2, 0]];
const EACH: usize = 2;

/// A way to get the protocol wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    None,
    /// What is left of an expired lease is free at once.
    ExpiredIsFree,
    /// A grant looks at what is left, and is written without looking again.
    GrantIsBlind,
    /// What was perhaps given back is taken back into the holding.
    GiveBackUndone,
    /// Leases are closed before the journal is shipped.
    ClosedBeforeShipped,
    /// An entry is booked each time it is shipped.
    BookedTwice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Call {
    Unborn,
    Reserved,
    /// Its intent is in the journal, and the provider bills up to its bound.
    Sent,
    /// Its entry is in the journal.
    Recorded(i64),
    Void,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Node {
    is_up: bool,
    /// Leased, used, reserved.
    holding: (i64, i64, i64),
    /// An answer was lost: how large the lease is, is not known.
    unsure: bool,
    calls: [Call; EACH],
    /// Entries that the store has.
    shipped: [bool; EACH],
    crashes: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    /// Spent, leased, unexplained.
    standing: (i64, i64, i64),
    /// Amount, used, expired.
    leases: [Option<(i64, i64, bool)>; NODES],
    nodes: [Node; NODES],
    /// What providers billed.
    billed: i64,
}

const fn nanos(of: i64) -> Money {
    Money::from_nanos(of)
}

fn held(lease: (i64, i64, bool)) -> Held {
    let mut held = Held::new(&wish(0, 0));
    (held.lease.amount, held.lease.used, held.expired) = (nanos(lease.0), nanos(lease.1), lease.2);
    held
}

fn lease(held: &Held) -> (i64, i64, bool) {
    (held.lease.amount.nanos(), held.lease.used.nanos(), held.expired)
}

const fn wish(at_least: i64, wanted: i64) -> LeaseWish {
    LeaseWish {
        budget: BudgetId::from_u128(1),
        window_start: UnixMillis(0),
        node: NodeId::from_u128(1),
        at_least: nanos(at_least),
        wanted: nanos(wanted),
        at: UnixMillis(0),
        expires: UnixMillis(0),
    }
}

/// A holding is what it was made by: granted, then reserved and settled.
fn holding(of: (i64, i64, i64)) -> Holding {
    let mut holding = Holding::new();
    holding.grow(nanos(of.0.max(of.1 + of.2)));
    holding.reserve(nanos(of.1)).unwrap();
    assert!(holding.settle(nanos(of.1), nanos(of.1)).is_none());
    holding.reserve(nanos(of.2)).unwrap();
    holding.adopt(nanos(of.0));
    holding
}

fn parts(holding: &Holding) -> (i64, i64, i64) {
    (
        holding.leased().nanos(),
        holding.used().nanos(),
        holding.reserved().nanos(),
    )
}

impl World {
    fn first() -> Self {
        let node = Node {
            is_up: true,
            holding: (0, 0, 0),
            unsure: false,
            calls: [Call::Unborn; EACH],
            shipped: [false; EACH],
            crashes: 0,
        };
        Self {
            standing: (0, 0, 0),
            leases: [None; NODES],
            nodes: [node.clone(), node],
            billed: 0,
        }
    }

    /// The store does something to a node's lease, in one transaction.
    fn store<T>(&mut self, node: usize, rule: impl FnOnce(&mut Standing, &mut Held) -> T) -> T {
        let mut standing = Standing {
            spent: nanos(self.standing.0),
            leased: nanos(self.standing.1),
            unexplained: nanos(self.standing.2),
            ..Standing::default()
        };
        let mut found = held(self.leases[node].unwrap_or((0, 0, false)));
        let outcome = rule(&mut standing, &mut found);
        self.standing = (
            standing.spent.nanos(),
            standing.leased.nanos(),
            standing.unexplained.nanos(),
        );
        self.leases[node] = Some(lease(&found));
        outcome
    }

    fn hold<T>(&mut self, node: usize, rule: impl FnOnce(&mut Holding) -> T) -> T {
        let mut found = holding(self.nodes[node].holding);
        let outcome = rule(&mut found);
        self.nodes[node].holding = parts(&found);
        outcome
    }

    /// All that can happen next, and its name.
    fn next(&self, mistake: Mistake) -> Vec<(String, Self)> {
        let mut next = Vec::new();
        for node in 0..NODES {
            if self.nodes[node].is_up {
                self.leasing(node, mistake, &mut next);
                self.calling(node, &mut next);
                self.shipping(node, mistake, &mut next);
                if self.nodes[node].crashes < 1 {
                    next.push((format!("crash {node}"), self.crashed(node)));
                }
            } else {
                next.push((format!("recover {node}"), self.recovered(node, mistake)));
            }
            if self.leases[node].is_some_and(|lease| !lease.2 && lease.0 > lease.1) {
                next.push((format!("expire {node}"), self.expired(node, mistake)));
            }
        }
        next
    }

    fn leasing(&self, node: usize, mistake: Mistake, next: &mut Vec<(String, Self)>) {
        for wanted in 0..=2 {
            let mut world = self.clone();
            let answer = world.store(node, |standing, held| {
                // Blind: the limit is what it was when somebody else had not been granted anything yet.
                let limit = match mistake {
                    Mistake::GrantIsBlind => nanos(LIMIT).plus(standing.leased),
                    _ => nanos(LIMIT),
                };
                accounts::grow(standing, limit, held, &wish(wanted, wanted))
            });
            let LeaseAnswer::Granted { lease, .. } = answer else {
                continue;
            };
            if wanted > 0 {
                let mut lost = world.clone();
                lost.nodes[node].unsure = true;
                next.push((format!("grant {wanted} to {node}, answer lost"), lost));
            }
            // A wish for nothing is how a node learns what it holds; it is made only where that is not known.
            if wanted > 0 || self.nodes[node].unsure {
                world.hold(node, |holding| holding.adopt(lease.amount));
                world.nodes[node].unsure = false;
                next.push((format!("grant {wanted} to {node}"), world));
            }
        }
        self.giving_back(node, mistake, next);
        if self.leases[node].is_some_and(|lease| lease.2) {
            let mut world = self.clone();
            world.store(node, |standing, held| {
                accounts::revive(standing, held, UnixMillis(0));
            });
            next.push((format!("renew {node}"), world));
        }
    }

    fn giving_back(&self, node: usize, mistake: Mistake, next: &mut Vec<(String, Self)>) {
        let mut world = self.clone();
        let idle = world.hold(node, |holding| holding.give_back(Money::ZERO));
        if idle == Money::ZERO || self.nodes[node].unsure || self.leases[node].is_none() {
            return;
        }
        let mut refused = world.clone();
        refused.nodes[node].unsure = true;
        next.push((format!("give back at {node}, refused"), refused));
        world.store(node, |standing, held| accounts::shrink(standing, held, idle));
        let mut lost = world.clone();
        if mistake == Mistake::GiveBackUndone {
            lost.hold(node, |holding| holding.undo_give_back(idle));
        } else {
            lost.nodes[node].unsure = true;
        }
        next.push((format!("give back at {node}, answer lost"), lost));
        next.push((format!("give back at {node}"), world));
    }

    fn calling(&self, node: usize, next: &mut Vec<(String, Self)>) {
        for (at, bound) in CALLS[node].into_iter().enumerate() {
            let mut world = self.clone();
            match self.nodes[node].calls[at] {
                Call::Unborn if bound == 0 => {}
                Call::Unborn => {
                    if world.hold(node, |holding| holding.reserve(nanos(bound))).is_ok() {
                        world.nodes[node].calls[at] = Call::Reserved;
                        next.push((format!("reserve {bound} at {node}"), world));
                    }
                }
                Call::Reserved => {
                    let mut void = self.clone();
                    void.hold(node, |holding| holding.void(nanos(bound)));
                    void.nodes[node].calls[at] = Call::Void;
                    next.push((format!("void {bound} at {node}"), void));
                    world.nodes[node].calls[at] = Call::Sent;
                    next.push((format!("send {bound} at {node}"), world));
                }
                Call::Sent => {
                    for cost in 0..=bound {
                        let mut world = self.clone();
                        assert!(
                            world
                                .hold(node, |holding| holding.settle(nanos(bound), nanos(cost)))
                                .is_none()
                        );
                        world.nodes[node].calls[at] = Call::Recorded(cost);
                        world.billed += cost;
                        next.push((format!("settle {cost} of {bound} at {node}"), world));
                    }
                }
                Call::Recorded(_) | Call::Void => {}
            }
        }
    }

    fn shipping(&self, node: usize, mistake: Mistake, next: &mut Vec<(String, Self)>) {
        for at in 0..EACH {
            let Call::Recorded(cost) = self.nodes[node].calls[at] else {
                continue;
            };
            // An entry whose answer was lost is shipped again: the store knows it, and books nothing.
            if self.nodes[node].shipped[at] && mistake != Mistake::BookedTwice {
                continue;
            }
            let mut world = self.clone();
            world.book(node, at, cost);
            next.push((format!("ship {cost} from {node}"), world));
        }
    }

    fn book(&mut self, node: usize, at: usize, cost: i64) {
        let had_lease = self.leases[node].is_some();
        self.store(node, |standing, held| {
            accounts::charge(standing, had_lease.then_some(held), nanos(cost));
        });
        if !had_lease {
            self.leases[node] = None;
        }
        self.nodes[node].shipped[at] = true;
    }

    fn crashed(&self, node: usize) -> Self {
        let mut world = self.clone();
        let down = &mut world.nodes[node];
        (down.is_up, down.holding, down.unsure) = (false, (0, 0, 0), false);
        down.crashes += 1;
        for (at, call) in down.calls.iter_mut().enumerate() {
            match *call {
                // Nothing was written of it, and nothing was sent.
                Call::Reserved => *call = Call::Void,
                // The provider finishes it, and bills it whole.
                Call::Sent => world.billed += CALLS[node][at],
                _ => {}
            }
        }
        world
    }

    /// Open intents are billed at their bound, all is shipped, and only then the lease is closed.
    fn recovered(&self, node: usize, mistake: Mistake) -> Self {
        let mut world = self.clone();
        if mistake == Mistake::ClosedBeforeShipped {
            world.close(node);
            world.nodes[node].is_up = true;
            // It takes calls, and its journal is shipped when there is time.
            world.bill_open(node);
            return world;
        }
        world.bill_open(node);
        for at in 0..EACH {
            if let (Call::Recorded(cost), false) =
                (world.nodes[node].calls[at], world.nodes[node].shipped[at])
            {
                world.book(node, at, cost);
            }
        }
        world.close(node);
        world.nodes[node].is_up = true;
        world
    }

    fn bill_open(&mut self, node: usize) {
        for (call, bound) in self.nodes[node].calls.iter_mut().zip(CALLS[node]) {
            if *call == Call::Sent {
                *call = Call::Recorded(bound);
            }
        }
    }

    fn close(&mut self, node: usize) {
        if self.leases[node].is_some() {
            self.store(node, |standing, held| accounts::close(standing, held));
        }
        self.leases[node] = None;
    }

    fn expired(&self, node: usize, mistake: Mistake) -> Self {
        let mut world = self.clone();
        if mistake == Mistake::ExpiredIsFree {
            world.store(node, |standing, held| {
                let left = held.remainder();
                accounts::shrink(standing, held, left)
            });
        } else {
            world.store(node, accounts::expire);
        }
        world
    }

    /// What must hold in every state; the sentence says what does not.
    fn wrong(&self) -> Option<&'static str> {
        let (spent, leased, unexplained) = self.standing;
        let sum = |expired: bool| -> i64 {
            let of = self.leases.iter().flatten().filter(|lease| lease.2 == expired);
            of.map(|lease| lease.0 - lease.1).sum()
        };
        let shipped = |node: &Node| -> i64 {
            let costs = node
                .calls
                .iter()
                .zip(node.shipped)
                .map(|(call, shipped)| match call {
                    Call::Recorded(cost) if shipped => *cost,
                    _ => 0,
                });
            costs.sum()
        };
        if spent + leased + unexplained > LIMIT {
            return Some("spent, lent and unexplained are more than the limit");
        }
        if self.billed > LIMIT {
            return Some("providers billed more than the limit");
        }
        if (sum(false), sum(true)) != (leased, unexplained) {
            return Some("the sums are not those of the leases");
        }
        if self.nodes.iter().map(shipped).sum::<i64>() != spent {
            return Some("what was spent is not what entries say");
        }
        let believes_more = |(node, lease): (&Node, &Option<(i64, i64, bool)>)| {
            node.holding.0 > lease.map_or(0, |lease| lease.0)
        };
        if self.nodes.iter().zip(&self.leases).any(believes_more) {
            return Some("a node believes to hold more than it was lent");
        }
        None
    }

    /// From every state, by what the product does by itself: all that nobody spent is free again.
    fn settles(&self) -> bool {
        let mut world = self.clone();
        for node in 0..NODES {
            if world.nodes[node].is_up {
                world.idle(node);
            } else {
                world = world.recovered(node, Mistake::None);
            }
        }
        world.standing.1 == 0 && world.standing.2 == 0 && world.standing.0 <= LIMIT
    }

    /// Calls end, entries are shipped, a node that is unsure asks, and what is idle is given back.
    fn idle(&mut self, node: usize) {
        for (at, bound) in CALLS[node].into_iter().enumerate() {
            match self.nodes[node].calls[at] {
                Call::Reserved => self.hold(node, |holding| holding.void(nanos(bound))),
                Call::Sent => {
                    assert!(
                        self.hold(node, |holding| holding.settle(nanos(bound), nanos(bound)))
                            .is_none()
                    );
                    self.book(node, at, bound);
                    continue;
                }
                Call::Recorded(cost) if !self.nodes[node].shipped[at] => self.book(node, at, cost),
                _ => {}
            }
        }
        let Some(lease) = self.leases[node] else {
            return;
        };
        self.store(node, |standing, held| {
            accounts::revive(standing, held, UnixMillis(0));
        });
        if self.nodes[node].unsure {
            self.hold(node, |holding| holding.adopt(nanos(lease.0)));
        }
        let idle = self.hold(node, |holding| holding.give_back(Money::ZERO));
        self.store(node, |standing, held| accounts::shrink(standing, held, idle));
    }
}

/// What looking at every state came to.
struct Found {
    states: usize,
    steps: usize,
    depth: usize,
    /// The shortest way to a state that is wrong, and what is.
    story: Option<(Vec<String>, &'static str)>,
}

fn explore(mistake: Mistake) -> Found {
    let first = World::first();
    let (mut seen, mut queue) = (
        HashSet::from([first.clone()]),
        VecDeque::from([(first.clone(), 0)]),
    );
    let mut came: HashMap<World, (World, String)> = HashMap::new();
    let (mut steps, mut depth) = (0, 0);
    let mut story = None;
    while let Some((world, deep)) = queue.pop_front() {
        depth = deep;
        let wrong = world.wrong().or_else(|| {
            let stays = mistake == Mistake::None && !world.settles();
            stays.then_some("money stays with nobody")
        });
        if let Some(why) = wrong {
            story = Some((tale(&came, world), why));
            break;
        }
        for (action, after) in world.next(mistake) {
            steps += 1;
            if seen.insert(after.clone()) {
                came.insert(after.clone(), (world.clone(), action));
                queue.push_back((after, deep + 1));
            }
        }
    }
    Found {
        states: seen.len(),
        steps,
        depth,
        story,
    }
}

fn tale(came: &HashMap<World, (World, String)>, mut world: World) -> Vec<String> {
    let mut actions = Vec::new();
    while let Some((before, action)) = came.get(&world) {
        actions.push(action.clone());
        world = before.clone();
    }
    actions.reverse();
    actions
}

#[test]
fn agp_budget_3_1_no_reachable_state_of_the_leases_is_wrong() {
    let found = explore(Mistake::None);
    println!(
        "{} states, {} steps between them, the furthest {} steps away",
        found.states, found.steps, found.depth
    );
    assert!(found.story.is_none(), "{:#?}", found.story);
    assert!(found.states > 10_000, "too few to say anything: {}", found.states);
}

#[test]
fn agp_budget_3_2_every_known_mistake_in_the_leases_is_found() {
    for mistake in [
        Mistake::ExpiredIsFree,
        Mistake::GrantIsBlind,
        Mistake::GiveBackUndone,
        Mistake::ClosedBeforeShipped,
        Mistake::BookedTwice,
    ] {
        let found = explore(mistake);
        let (actions, why) = found.story.unwrap_or_else(|| panic!("{mistake:?} was not found"));
        println!(
            "{mistake:?}, after {} states: {why}: {}",
            found.states,
            actions.join("; ")
        );
        assert!(actions.len() > 1);
    }
}
