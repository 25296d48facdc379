//! What goes wrong: the store's link, processes, machines, clocks; and what people change meanwhile.

use std::sync::Arc;

use domain::{BudgetId, Money};
use ledger::{Budget, BudgetScope, Terms, Window};
use store::Registry;
use tokio::time::Instant;

use crate::executor::Of;
use crate::node;
use crate::truth::Death;
use crate::world::{TENANT, World, ms, scope};

pub fn budget(number: u128, limit: i64, window: Window) -> Budget {
    Budget {
        id: BudgetId::from_u128(number),
        tenant: TENANT,
        scope: BudgetScope::Tenant,
        name: format!("budget {number}"),
        limit: Money::from_nanos(limit),
        window,
        terms: Terms::default(),
    }
}

/// Until the plan's time is over.
pub async fn reign(world: Arc<World>) {
    let end = Instant::now() + ms(world.plan.chaos_ms);
    while Instant::now() < end {
        let (pause, what, node, lasts) = {
            let mut state = world.state();
            let dice = &mut state.dice;
            let short = dice.chance(50);
            let lasts = if short {
                dice.within(1, 900)
            } else {
                dice.within(900, 20_000)
            };
            (
                dice.within(50, 4000),
                dice.below(10),
                dice.below(world.plan.nodes),
                lasts,
            )
        };
        tokio::time::sleep(ms(pause)).await;
        match what {
            0 => cut_off(&world, node..node + 1, lasts),
            1 => cut_off(&world, 0..world.plan.nodes, lasts / 2),
            2 | 3 => end_process(&world, node, Death::Process, lasts),
            4 if world.plan.disk => end_process(&world, node, Death::Machine, lasts),
            5 => end_orderly(&world, node, lasts),
            6 => set_clock(&world, node),
            7 | 8 => change_limit(&world).await,
            9 => replace_budget(&world).await,
            _ => {}
        }
    }
}

fn cut_off(world: &Arc<World>, nodes: std::ops::Range<usize>, lasts: i64) {
    world
        .state()
        .note(&format!("the store is away for nodes {nodes:?}"));
    nodes
        .clone()
        .for_each(|node| world.state().nodes[node].is_cut_off = true);
    let healing = world.clone();
    world.start(Of::Script, false, async move {
        tokio::time::sleep(ms(lasts)).await;
        nodes.for_each(|node| healing.state().nodes[node].is_cut_off = false);
    });
}

/// One thing at a time ends a node.
fn claim(world: &World, node: usize) -> bool {
    !std::mem::replace(&mut world.state().nodes[node].is_down, true)
}

fn end_process(world: &Arc<World>, node: usize, how: Death, lasts: i64) {
    if !claim(world, node) {
        return;
    }
    world.kill(node, how);
    let world_after = world.clone();
    world.start(Of::Script, false, async move {
        tokio::time::sleep(ms(1)).await;
        if how == Death::Machine {
            node::lose_the_end(&world_after, node);
        }
        tokio::time::sleep(ms(lasts)).await;
        node::boot(&world_after, node);
    });
}

fn end_orderly(world: &Arc<World>, node: usize, lasts: i64) {
    if world.state().nodes[node].live.is_none() || !claim(world, node) {
        return;
    }
    world.start(Of::Node(node), true, node::stop(world.clone(), node));
    let world_after = world.clone();
    world.start(Of::Script, false, async move {
        while world_after.state().nodes[node].live.is_some() {
            tokio::time::sleep(ms(50)).await;
        }
        tokio::time::sleep(ms(lasts)).await;
        node::boot(&world_after, node);
    });
}

fn set_clock(world: &World, node: usize) {
    let mut state = world.state();
    let size = [300, 30_000, 200_000, 4_000_000][state.dice.below(4)];
    let jump = state.dice.within(-size, size + 1);
    let clock = &mut state.nodes[node];
    clock.clock_ms += jump;
    clock.clock_ms_max = clock.clock_ms.max(clock.clock_ms_max);
    state.note(&format!("the clock of node {node} jumps by {jump} ms"));
}

async fn change_limit(world: &World) {
    let changed = {
        let mut state = world.state();
        let count = state.budgets.len();
        let at = state.dice.below(count);
        let percent = state.dice.within(20, 250);
        let budget = state.budgets.values_mut().nth(at).unwrap();
        budget.limit = Money::from_nanos((budget.limit.nanos() * percent / 100).clamp(1, 10_000_000));
        let budget = budget.clone();
        state.truth.limit_is(&budget);
        state.note(&format!("the limit of {:?} is {:?}", budget.id, budget.limit));
        budget
    };
    world.central.put_budget(&scope(), &changed).await.unwrap();
}

/// A budget is deleted, and one like it made.
async fn replace_budget(world: &World) {
    let (old, new) = {
        let mut state = world.state();
        let count = state.budgets.len();
        let at = state.dice.below(count);
        let old = state.budgets.values().nth(at).unwrap().clone();
        state.next_id += 1;
        let mut new = budget(state.next_id << 32, old.limit.nanos(), old.window);
        new.terms = old.terms.clone();
        state.budgets.remove(&old.id);
        state.budgets.insert(new.id, new.clone());
        state.truth.limit_is(&new);
        state.note(&format!("{:?} is replaced", old.id));
        (old, new)
    };
    world.central.delete_budget(&scope(), old.id).await.unwrap();
    world.central.put_budget(&scope(), &new).await.unwrap();
}
