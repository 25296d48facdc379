//! One budget, one window, many nodes: whatever happens in whatever order, the budget is not overspent and
//! nothing that was spent is lost.
//!
//! The centre is a small reference of what a store does; the nodes use the real [`Holding`]. What can go
//! wrong between them does: replies are lost, shipments come late and twice, leases expire, nodes die with
//! calls in flight and come back.

use domain::Money;
use ledger::{Holding, Standing, lease_size};
use proptest::prelude::*;

const NODES: usize = 3;

fn nanos(amount: i64) -> Money {
    Money::from_nanos(amount)
}

/// What the store knows of one node's lease.
#[derive(Debug, Clone, Copy, Default)]
struct CentralLease {
    amount: Money,
    used: Money,
    expired: bool,
}

impl CentralLease {
    fn remainder(&self) -> Money {
        self.amount.minus_floor_zero(self.used)
    }
}

/// What the store knows: what was shipped, and the leases.
#[derive(Debug, Clone, Default)]
struct Central {
    limit: Money,
    spent: Money,
    leases: [CentralLease; NODES],
    shipped: std::collections::HashSet<u64>,
}

impl Central {
    fn standing(&self) -> Standing {
        let sum = |expired: bool| {
            self.leases
                .iter()
                .filter(|lease| lease.expired == expired)
                .map(CentralLease::remainder)
                .sum()
        };
        Standing {
            spent: self.spent,
            leased: sum(false),
            unexplained: sum(true),
            ..Standing::default()
        }
    }

    /// One conditional update, as a store does it.
    fn grow(&mut self, node: usize, at_least: Money, wanted: Money) -> Option<Money> {
        let remaining = self.standing().remaining(self.limit);
        if remaining < at_least {
            return None;
        }
        let granted = wanted.max(at_least).min(remaining);
        self.leases[node].amount = self.leases[node].amount.plus(granted);
        Some(granted)
    }

    fn shrink(&mut self, node: usize, amount: Money) -> Money {
        let given = amount.min(self.leases[node].remainder());
        self.leases[node].amount = self.leases[node].amount.minus(given);
        given
    }

    /// Appends an entry with its charge; the same entry again changes nothing.
    fn ship(&mut self, node: usize, charge: &JournalCharge) {
        if self.shipped.insert(charge.id) {
            self.spent = self.spent.plus(charge.amount);
            let lease = &mut self.leases[node];
            lease.used = lease.used.plus(charge.amount);
            lease.amount = lease.amount.max(lease.used);
        }
    }

    fn close(&mut self, node: usize) {
        self.leases[node] = CentralLease::default();
    }
}

#[derive(Debug, Clone, Copy)]
struct JournalCharge {
    id: u64,
    amount: Money,
}

/// One node: the holding and the calls in flight die with the process, the journal does not.
#[derive(Debug, Clone, Default)]
struct Node {
    holding: Holding,
    in_flight: Vec<JournalCharge>,
    journal: Vec<JournalCharge>,
    intents: Vec<JournalCharge>,
    down: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Call {
        node: usize,
        bound: i64,
        rate: i64,
    },
    GrowReplyLost {
        node: usize,
        amount: i64,
    },
    Settle {
        node: usize,
        which: usize,
        part: i64,
    },
    SettleOver {
        node: usize,
        which: usize,
        extra: i64,
    },
    Void {
        node: usize,
        which: usize,
    },
    Ship {
        node: usize,
        count: usize,
    },
    ShipAgain {
        node: usize,
    },
    GiveBack {
        node: usize,
        keep: i64,
        refused: bool,
    },
    GiveBackReplyLost {
        node: usize,
        keep: i64,
    },
    /// The store is asked how large the lease is.
    Adopt {
        node: usize,
    },
    Expire {
        node: usize,
    },
    Renew {
        node: usize,
    },
    Crash {
        node: usize,
    },
    Replay {
        node: usize,
    },
}

/// The whole world.
#[derive(Debug, Clone, Default)]
struct World {
    central: Central,
    nodes: [Node; NODES],
    next: u64,
    /// Every charge that was ever made, as the ledger will show it.
    charges: Money,
    /// By how much calls used more than had been reserved for them and no lease covered.
    overruns: Money,
}

impl World {
    fn new(limit: i64) -> Self {
        Self {
            central: Central {
                limit: nanos(limit),
                ..Central::default()
            },
            ..Self::default()
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Call { node, bound, rate } => self.call(node, nanos(bound), nanos(rate)),
            Step::GrowReplyLost { node, amount } => {
                if !self.nodes[node].down {
                    let _ = self.central.grow(node, nanos(0), nanos(amount));
                }
            }
            Step::Settle { node, which, part } => self.settle(node, which, |bound| bound * part / 100),
            Step::SettleOver { node, which, extra } => self.settle(node, which, |bound| bound + extra),
            Step::Void { node, which } => {
                if let Some(call) = self.take(node, which) {
                    self.nodes[node].holding.void(call.amount);
                }
            }
            Step::Ship { node, count } => self.ship(node, count),
            Step::ShipAgain { node } => {
                self.nodes[node]
                    .journal
                    .iter()
                    .for_each(|charge| self.central.ship(node, charge));
            }
            Step::GiveBack { node, keep, refused } => self.give_back(node, nanos(keep), refused),
            Step::GiveBackReplyLost { node, keep } => {
                let idle = self.nodes[node].holding.give_back(nanos(keep));
                self.central.shrink(node, idle);
            }
            Step::Adopt { node } => {
                if !self.nodes[node].down {
                    self.nodes[node].holding.adopt(self.central.leases[node].amount);
                }
            }
            Step::Expire { node } => self.central.leases[node].expired = true,
            Step::Renew { node } => self.central.leases[node].expired &= self.nodes[node].down,
            Step::Crash { node } => self.crash(node),
            Step::Replay { node } => self.replay(node),
        }
    }

    /// Reserves, growing the lease if it is short; what a gate does at admission. The intent is journaled
    /// before the call goes out.
    fn call(&mut self, node: usize, bound: Money, rate: Money) {
        if self.nodes[node].down {
            return;
        }
        if let Err(short) = self.nodes[node].holding.reserve(bound) {
            let remaining = self.central.standing().remaining(self.central.limit);
            let wanted = lease_size(self.central.limit, remaining, rate, short.missing);
            let Some(granted) = self.central.grow(node, short.missing, wanted) else {
                return;
            };
            self.nodes[node].holding.grow(granted);
            self.nodes[node]
                .holding
                .reserve(bound)
                .expect("what was missing was granted");
        }
        self.next += 1;
        let call = JournalCharge {
            id: self.next,
            amount: bound,
        };
        self.nodes[node].in_flight.push(call);
        self.nodes[node].intents.push(call);
    }

    /// Ends a call in flight: its intent is explained.
    fn take(&mut self, node: usize, which: usize) -> Option<JournalCharge> {
        let node = &mut self.nodes[node];
        if node.in_flight.is_empty() {
            return None;
        }
        let call = node.in_flight.remove(which % node.in_flight.len());
        node.intents.retain(|intent| intent.id != call.id);
        Some(call)
    }

    fn settle(&mut self, node: usize, which: usize, actual: impl Fn(i64) -> i64) {
        let Some(call) = self.take(node, which) else {
            return;
        };
        let actual = nanos(actual(call.amount.nanos()));
        let overrun = self.nodes[node].holding.settle(call.amount, actual);
        self.overruns = self.overruns.plus(overrun.0);
        self.journal(
            node,
            JournalCharge {
                id: call.id,
                amount: actual,
            },
        );
    }

    fn journal(&mut self, node: usize, charge: JournalCharge) {
        self.charges = self.charges.plus(charge.amount);
        self.nodes[node].journal.push(charge);
    }

    /// Ships the oldest of the journal, which keeps what it shipped until told otherwise.
    fn ship(&mut self, node: usize, count: usize) {
        let journal = &self.nodes[node].journal;
        journal
            .iter()
            .take(count)
            .for_each(|charge| self.central.ship(node, charge));
    }

    fn give_back(&mut self, node: usize, keep: Money, refused: bool) {
        let idle = self.nodes[node].holding.give_back(keep);
        let taken = if refused {
            Money::ZERO
        } else {
            self.central.shrink(node, idle)
        };
        self.nodes[node].holding.undo_give_back(idle.minus(taken));
    }

    fn crash(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        (node.holding, node.down) = (Holding::new(), true);
        node.in_flight.clear();
    }

    /// The node comes back: unexplained intents are billed at their bound, all is shipped, the lease closed.
    fn replay(&mut self, node: usize) {
        if !self.nodes[node].down {
            return;
        }
        for intent in std::mem::take(&mut self.nodes[node].intents) {
            self.journal(node, intent);
        }
        self.ship(node, usize::MAX);
        self.nodes[node].journal.clear();
        self.central.close(node);
        self.nodes[node].down = false;
    }

    /// What must hold after every step.
    fn check(&self) {
        let standing = self.central.standing();
        let counted = standing.spent.plus(standing.leased).plus(standing.unexplained);
        assert!(
            counted <= self.central.limit.plus(self.overruns),
            "{counted:?} of {:?}",
            self.central.limit
        );
        for (node, lease) in self.nodes.iter().zip(&self.central.leases) {
            let held = node.holding.used().plus(node.holding.reserved());
            assert!(held <= node.holding.leased().plus(self.overruns));
            assert!(
                node.holding.leased() <= lease.amount,
                "a node believes to hold more than it was granted"
            );
            assert!(node.holding.available() <= node.holding.leased());
            assert_eq!(
                node.holding.reserved(),
                node.in_flight.iter().map(|call| call.amount).sum()
            );
        }
    }

    /// Everything ends: calls in flight settle at their bound, nodes go down and come back.
    fn end(&mut self) {
        for node in 0..NODES {
            while !self.nodes[node].in_flight.is_empty() {
                self.settle(node, 0, |bound| bound);
            }
            self.crash(node);
            self.replay(node);
            self.check();
        }
        let standing = self.central.standing();
        assert_eq!(
            standing.spent, self.charges,
            "what was spent is what the entries say"
        );
        assert_eq!(
            (standing.leased, standing.unexplained),
            (Money::ZERO, Money::ZERO),
            "nothing stays out"
        );
        assert!(standing.spent <= self.central.limit.plus(self.overruns));
    }

    fn run(limit: i64, steps: &[Step]) -> Self {
        let mut world = Self::new(limit);
        for step in steps {
            world.step(step);
            world.check();
        }
        world.end();
        world
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let node = 0..NODES;
    let which = 0..8usize;
    prop_oneof![
        8 => (node.clone(), 0i64..400, 0i64..200).prop_map(|(node, bound, rate)| Step::Call { node, bound, rate }),
        1 => (node.clone(), 0i64..300).prop_map(|(node, amount)| Step::GrowReplyLost { node, amount }),
        5 => (node.clone(), which.clone(), 0i64..=100).prop_map(|(node, which, part)| Step::Settle { node, which, part }),
        2 => (node.clone(), which).prop_map(|(node, which)| Step::Void { node, which }),
        3 => (node.clone(), 0..6usize).prop_map(|(node, count)| Step::Ship { node, count }),
        1 => node.clone().prop_map(|node| Step::ShipAgain { node }),
        2 => (node.clone(), 0i64..300, any::<bool>())
            .prop_map(|(node, keep, refused)| Step::GiveBack { node, keep, refused }),
        1 => (node.clone(), 0i64..300).prop_map(|(node, keep)| Step::GiveBackReplyLost { node, keep }),
        1 => node.clone().prop_map(|node| Step::Adopt { node }),
        1 => node.clone().prop_map(|node| Step::Expire { node }),
        1 => node.clone().prop_map(|node| Step::Renew { node }),
        1 => node.clone().prop_map(|node| Step::Crash { node }),
        2 => node.prop_map(|node| Step::Replay { node }),
    ]
}

fn any_step_also_over() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any_step(),
        1 => (0..NODES, 0..8usize, 1i64..500)
            .prop_map(|(node, which, extra)| Step::SettleOver { node, which, extra }),
    ]
}

proptest! {
    #[test]
    fn agp_budget_3_1_no_interleaving_overspends_or_loses_spend(
        limit in 0i64..3000, steps in prop::collection::vec(any_step(), 0..120),
    ) {
        let world = World::run(limit, &steps);
        prop_assert_eq!(world.overruns, Money::ZERO);
        prop_assert!(world.central.spent <= world.central.limit);
    }

    #[test]
    fn agp_d1_what_goes_over_its_bound_is_counted_and_goes_over_by_no_more(
        limit in 0i64..3000, steps in prop::collection::vec(any_step_also_over(), 0..120),
    ) {
        World::run(limit, &steps);
    }
}

#[test]
fn agp_budget_3_2_a_gate_that_cannot_ship_still_cannot_overspend() {
    let mut world = World::new(1000);
    for n in 0..10_000 {
        let node = n % NODES;
        world.step(&Step::Call {
            node,
            bound: 7,
            rate: 50,
        });
        world.step(&Step::Settle {
            node,
            which: 0,
            part: 100,
        });
        world.check();
    }
    assert_eq!(world.central.spent, Money::ZERO, "nothing was shipped");
    assert!(
        world.charges <= nanos(1000) && world.charges > nanos(1000 - 7 * 4 * NODES as i64),
        "{:?}",
        world.charges
    );
    world.end();
}

#[test]
fn agp_budget_3_1_the_last_cent_is_spendable_by_many_nodes() {
    let mut world = World::new(1000);
    for n in 0..3000 {
        let node = n % NODES;
        world.step(&Step::Call {
            node,
            bound: 1,
            rate: 50,
        });
        world.step(&Step::Settle {
            node,
            which: 0,
            part: 100,
        });
    }
    assert_eq!(world.charges, nanos(1000));
    world.end();
}

#[test]
fn what_a_lost_reply_granted_is_not_lost() {
    let mut world = World::new(100);
    world.step(&Step::GrowReplyLost { node: 0, amount: 100 });
    world.step(&Step::Call {
        node: 0,
        bound: 100,
        rate: 0,
    });
    assert!(
        world.nodes[0].in_flight.is_empty(),
        "the node does not know of it"
    );
    world.step(&Step::Adopt { node: 0 });
    world.step(&Step::Call {
        node: 0,
        bound: 100,
        rate: 0,
    });
    assert_eq!(world.nodes[0].in_flight.len(), 1);
    world.end();
}

#[test]
fn agp_budget_3_1_a_dead_nodes_slice_is_given_to_nobody_until_its_journal_is_read() {
    let mut world = World::new(100);
    world.step(&Step::Call {
        node: 0,
        bound: 80,
        rate: 0,
    });
    world.step(&Step::Crash { node: 0 });
    world.step(&Step::Expire { node: 0 });
    world.step(&Step::Call {
        node: 1,
        bound: 30,
        rate: 0,
    });
    assert!(
        world.nodes[1].in_flight.is_empty(),
        "80 of 100 may have been spent"
    );
    assert_eq!(world.central.standing().unexplained, nanos(80));
    world.step(&Step::Replay { node: 0 });
    assert_eq!(world.central.spent, nanos(80), "billed at the bound");
    world.step(&Step::Call {
        node: 1,
        bound: 20,
        rate: 0,
    });
    assert_eq!(world.nodes[1].in_flight.len(), 1);
    world.end();
}

/// Four threads on one holding behind a lock: a reservation is checked and made in one step, so the race
/// of reading what is left, calling, and writing what was spent does not exist.
#[test]
fn agp_budget_3_1_concurrent_reservations_never_exceed_the_lease() {
    let holding = std::sync::Mutex::new(Holding::new());
    holding.lock().unwrap().grow(nanos(10_000));
    let granted: i64 = std::thread::scope(|scope| {
        let work = || {
            let mut granted = 0;
            for n in 0..5_000 {
                if holding.lock().unwrap().reserve(nanos(7)).is_ok() {
                    std::thread::yield_now();
                    let used = n % 8;
                    assert!(holding.lock().unwrap().settle(nanos(7), nanos(used)).is_none() || used > 7);
                    granted += used;
                }
            }
            granted
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let end = *holding.lock().unwrap();
    assert_eq!((end.used(), end.reserved()), (nanos(granted), Money::ZERO));
    assert!(granted <= 10_000 && granted > 10_000 - 7 * 5, "{granted}");
}
