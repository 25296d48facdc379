//! Who bears which cost: that rules take what they say, in their order, and that no nano-dollar is lost or made.

use domain::Money;
use finops::{Basis, Cost, Part, Quantities, Rule, RuleError, Rules, Source, Split};
use proptest::prelude::*;

fn cost(team: &str, key: &str, nanos: i64) -> Cost {
    Cost {
        team: Some(team.to_owned()),
        project: (key == "k3").then(|| "p".to_owned()),
        key: Some(key.to_owned()),
        of: Quantities {
            cost: Money::from_nanos(nanos),
            requests: 10,
            tokens: 1_001,
        },
    }
}

fn rule(name: &str, takes: Source, split: Split) -> Rule {
    Rule {
        name: name.to_owned(),
        takes: vec![takes],
        split,
    }
}

fn parts(of: &[(&str, u64)]) -> Vec<Part> {
    let part = |(to, weight): &(&str, u64)| Part {
        to: (*to).to_owned(),
        weight: *weight,
    };
    of.iter().map(part).collect()
}

fn names(of: &[&str]) -> Vec<String> {
    of.iter().map(|name| (*name).to_owned()).collect()
}

fn rules(rules: Vec<Rule>) -> Rules {
    let rules = Rules {
        rules,
        rest: "rest".to_owned(),
    };
    rules.check().unwrap();
    rules
}

fn borne(rules: &Rules, costs: &[Cost]) -> Vec<(String, i64)> {
    let all = rules.allocate(costs);
    all.targets()
        .into_iter()
        .map(|(name, of)| (name.to_owned(), of.cost.nanos()))
        .collect()
}

#[test]
fn the_first_rule_that_takes_a_cost_has_it_and_what_none_takes_goes_to_the_rest() {
    let rules = rules(vec![
        rule(
            "k1 alone",
            Source::Key("k1".to_owned()),
            Split::Whole { to: "lab".to_owned() },
        ),
        rule(
            "a",
            Source::Team("a".to_owned()),
            Split::Percent {
                parts: parts(&[("sales", 6_000), ("ops", 3_000)]),
            },
        ),
        rule(
            "p",
            Source::Project("p".to_owned()),
            Split::Even {
                to: names(&["x", "y", "z"]),
            },
        ),
    ]);
    let costs = [
        cost("a", "k1", 5),
        cost("a", "k2", 100),
        cost("b", "k3", 100),
        cost("c", "k4", 7),
    ];
    let named = |all: &[(&str, i64)]| all.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect::<Vec<_>>();
    let all = [
        ("lab", 5),
        ("ops", 30),
        ("rest", 17),
        ("sales", 60),
        ("x", 34),
        ("y", 33),
        ("z", 33),
    ];
    assert_eq!(borne(&rules, &costs), named(&all));
    let lines = rules.allocate(&costs).lines;
    let first = lines.first().unwrap();
    assert_eq!(
        (first.kind.as_str(), first.share_ppm, first.original.nanos()),
        ("whole", 1_000_000, 5)
    );
    assert!(
        lines
            .iter()
            .any(|line| line.kind == "rest" && line.rule.is_none() && line.team.as_deref() == Some("c"))
    );
}

#[test]
fn what_is_shared_follows_usage() {
    let shared = |by| {
        rules(vec![
            rule(
                "shared",
                Source::Team("platform".to_owned()),
                Split::Usage {
                    to: names(&["one", "two"]),
                    by,
                },
            ),
            rule(
                "a",
                Source::Team("a".to_owned()),
                Split::Whole { to: "one".to_owned() },
            ),
            rule(
                "b",
                Source::Team("b".to_owned()),
                Split::Whole { to: "two".to_owned() },
            ),
        ])
    };
    let costs = [
        cost("platform", "k0", 101),
        cost("a", "k1", 300),
        cost("b", "k2", 100),
    ];
    let borne = |by| {
        borne(&shared(by), &costs)
            .into_iter()
            .map(|(_, nanos)| nanos)
            .collect::<Vec<_>>()
    };
    assert_eq!(borne(Basis::Cost), [300 + 76, 100 + 25]);
    assert_eq!(borne(Basis::Requests), [300 + 51, 100 + 50]);
    // Nobody has used anything: in equal parts.
    assert_eq!(shared(Basis::Cost).allocate(&costs[..1]).targets().len(), 2);
}

#[test]
fn rules_that_cannot_be_meant_are_refused() {
    let check = |rule: Rule| {
        Rules {
            rules: vec![rule],
            rest: "rest".to_owned(),
        }
        .check()
        .unwrap_err()
    };
    let named = "r".to_owned();
    let everything = |split| rule("r", Source::Everything, split);
    let percent = |of: &[(&str, u64)]| check(everything(Split::Percent { parts: parts(of) }));
    assert_eq!(percent(&[("a", 10_001)]), RuleError::Percent(named.clone()));
    assert_eq!(percent(&[("a", 0)]), RuleError::Percent(named.clone()));
    assert_eq!(percent(&[("a", 1), ("a", 1)]), RuleError::Centres(named.clone()));
    assert_eq!(
        percent(&[("a", u64::MAX), ("b", 2)]),
        RuleError::Percent(named.clone())
    );
    assert_eq!(
        check(everything(Split::Even { to: vec![] })),
        RuleError::Centres(named.clone())
    );
    let weights = Split::Weights {
        parts: parts(&[("a", 0)]),
    };
    assert_eq!(check(everything(weights)), RuleError::Weights(named.clone()));
    let nothing = Rule {
        takes: vec![],
        ..everything(Split::Whole { to: "a".to_owned() })
    };
    assert_eq!(check(nothing), RuleError::TakesNothing(named.clone()));
    for bad in ["", " a", "a\nb", &"x".repeat(121)] {
        assert!(
            matches!(
                check(everything(Split::Whole { to: bad.to_owned() })),
                RuleError::Name(_)
            ),
            "{bad:?}"
        );
    }
    let one = everything(Split::Whole { to: "a".to_owned() });
    let twice = Rules {
        rules: vec![one.clone(), one.clone()],
        rest: "rest".to_owned(),
    };
    assert_eq!(twice.check().unwrap_err(), RuleError::Twice(named));
    let many = Rules {
        rules: vec![one; 201],
        rest: "rest".to_owned(),
    };
    assert_eq!(many.check().unwrap_err(), RuleError::TooMany);
}

fn any_split() -> impl Strategy<Value = Split> {
    let centres = || prop::sample::subsequence(vec!["a", "b", "c", "d"], 1..=4);
    let weighed = move |most: u64| (centres(), prop::collection::vec(1..=most, 4));
    let joined =
        |(to, weights): (Vec<&str>, Vec<u64>)| parts(&to.into_iter().zip(weights).collect::<Vec<_>>());
    prop_oneof![
        centres().prop_map(|to| Split::Whole { to: to[0].to_owned() }),
        centres().prop_map(|to| Split::Even { to: names(&to) }),
        weighed(2_500).prop_map(move |of| Split::Percent { parts: joined(of) }),
        weighed(1_000_000_000).prop_map(move |of| Split::Weights { parts: joined(of) }),
        (
            centres(),
            prop_oneof![Just(Basis::Cost), Just(Basis::Requests), Just(Basis::Tokens)]
        )
            .prop_map(|(to, by)| Split::Usage { to: names(&to), by }),
    ]
}

fn any_cost() -> impl Strategy<Value = Cost> {
    let ids = (0..4_u8, 0..6_u8, prop::option::of(0..3_u8));
    let amounts = (-1_000_000_i64..1_000_000_000_000, 0..1_000_000_u64, any::<u32>());
    (ids, amounts).prop_map(|((team, key, project), (nanos, requests, tokens))| Cost {
        team: (team > 0).then(|| format!("t{team}")),
        project: project.map(|project| format!("p{project}")),
        key: Some(format!("k{key}")),
        of: Quantities {
            cost: Money::from_nanos(nanos),
            requests,
            tokens: tokens.into(),
        },
    })
}

fn any_source() -> impl Strategy<Value = Source> {
    prop_oneof![
        (1..4_u8).prop_map(|id| Source::Team(format!("t{id}"))),
        (0..3_u8).prop_map(|id| Source::Project(format!("p{id}"))),
        (0..6_u8).prop_map(|id| Source::Key(format!("k{id}"))),
        Just(Source::Everything),
    ]
}

proptest! {
    #[test]
    fn lines_sum_to_the_total_whatever_the_rules(
        of in prop::collection::vec((any_source(), any_split()), 0..6),
        costs in prop::collection::vec(any_cost(), 0..30),
    ) {
        let named = of.into_iter().enumerate().map(|(at, (takes, split))| rule(&format!("r{at}"), takes, split));
        let rules = rules(named.collect());
        let all = rules.allocate(&costs);
        let sum = |of: &mut dyn Iterator<Item = Quantities>| of.fold(Quantities::default(), Quantities::plus);
        prop_assert_eq!(sum(&mut all.lines.iter().map(|line| line.bears)), all.total);
        prop_assert_eq!(sum(&mut costs.iter().map(|cost| cost.of)), all.total);
        prop_assert_eq!(sum(&mut all.targets().into_values()), all.total);
        // The same whatever order the costs come in.
        let mut reversed = costs.clone();
        reversed.reverse();
        prop_assert_eq!(rules.allocate(&reversed), all);
    }
}
