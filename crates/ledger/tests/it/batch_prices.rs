//! The batch tier: invoices reckoned by hand, from the catalog's own form, from somebody else's list, and under a sheet.
//! No call that the gate serves is a batch yet; what a provider says it served so is billed so.

use domain::{Money, Tier, Units, UnixMillis, Usage};
use ledger::{Catalog, Listing, Most, Price, Sheet, TokenClass};

const LIST: &str = r#"{"format": 1,
  "sources": {"made-up": {"what": "figures for these invoices", "read": "2026-11-01"}},
  "models": [
    {"providers": ["main"], "names": ["large"], "capabilities": ["chat"], "prices": [
      {"source": "made-up", "input": "3", "output": "15", "cache_read": "0.30", "cache_write": "3.75", "request": "0.001",
       "batch": {"input": "1.50", "output": "7.50", "cache_read": "0.15",
                 "long": {"above_tokens": 200000, "input": "3", "output": "11.25"}}}]},
    {"providers": ["main"], "names": ["plain"], "capabilities": ["chat"], "prices": [
      {"source": "made-up", "input": "3", "output": "15"}]}
  ]}"#;

fn price(model: &str) -> Price {
    let catalog = Catalog::parse(LIST).unwrap();
    *catalog.prices("main", model).at(UnixMillis(0)).unwrap()
}

fn batch(input: u64, output: u64, cache_read: u64, cache_write: u64) -> Usage {
    Usage {
        input,
        output,
        cache_read,
        cache_write,
        tier: Tier::Batch,
        ..Usage::default()
    }
}

#[test]
fn agp_r2_invoices_of_batches_to_the_nano_dollar() {
    for (name, model, usage, nanos) in [
        ("nothing but the call", "large", batch(0, 0, 0, 0), 1_000_000),
        (
            "plain",
            "large",
            batch(1_000, 100, 0, 0),
            1_500_000 + 750_000 + 1_000_000,
        ),
        (
            "cached; a write without a price of its own costs what input does",
            "large",
            batch(10, 5, 1_000, 100),
            15_000 + 37_500 + 150_000 + 150_000 + 1_000_000,
        ),
        (
            "long, cached tokens at the long price of input",
            "large",
            batch(200_000, 10, 1, 0),
            600_003_000 + 112_500 + 1_000_000,
        ),
        (
            "at the threshold",
            "large",
            batch(200_000, 10, 0, 0),
            300_000_000 + 75_000 + 1_000_000,
        ),
        (
            "without a price for batches, as any call",
            "plain",
            batch(1_000, 100, 0, 0),
            3_000_000 + 1_500_000,
        ),
    ] {
        assert_eq!(price(model).cost(&usage), Money::from_nanos(nanos), "{name}");
    }
    let parts = price("large").parts(&batch(1_000, 100, 0, 0)).unwrap();
    let parts: Vec<_> = parts.iter().map(|part| (part.class, part.cost.nanos())).collect();
    let expected = [
        (TokenClass::Input, 1_500_000),
        (TokenClass::Output, 750_000),
        (TokenClass::Request, 1_000_000),
    ];
    assert_eq!(parts, expected);
}

/// What is held is held for the tier that a call may be served at: a provider's word that it was a batch makes it cheaper.
#[test]
fn agp_d1_a_batch_is_within_the_bound_of_the_call() {
    let most = Most {
        prompt_tokens: 250_000,
        output_tokens: 1_000,
        dear_tier: false,
        long_cache: false,
        units: Units::UNKNOWN,
    };
    let bound = price("large").bound(&most).unwrap();
    assert!(price("large").cost(&batch(250_000, 1_000, 0, 0)) <= bound);
}

#[test]
fn agp_r2_a_sheet_marks_batches_up_as_it_does_everything() {
    let sheet: Sheet = serde_json::from_str(r#"{"lines": [{"mark_up_basis_points": 2000}]}"#).unwrap();
    let list = Catalog::parse(LIST).unwrap().prices("main", "large");
    let ours = sheet.laid_over(("main", "large"), &list);
    let cost = ours.at(UnixMillis(0)).unwrap().cost(&batch(1_000, 100, 0, 0));
    assert_eq!(cost, Money::from_nanos(1_800_000 + 900_000 + 1_200_000));
}

#[test]
fn agp_r2_anothers_list_prices_batches_and_half_a_price_is_none() {
    let list = r#"{"whole": {"litellm_provider": "main", "mode": "chat", "input_cost_per_token": 3e-06,
        "output_cost_per_token": 1.5e-05, "input_cost_per_token_batches": 1.5e-06, "output_cost_per_token_batches": 7.5e-06},
      "half": {"litellm_provider": "main", "mode": "chat", "input_cost_per_token": 3e-06,
        "output_cost_per_token": 1.5e-05, "input_cost_per_token_batches": 1.5e-06}}"#;
    let imported = Listing::LiteLlm
        .import(list, ("2026-11-01", "2026-11-01"), &[])
        .unwrap();
    assert_eq!((imported.taken, imported.left_out.len()), (1, 1));
    assert!(
        imported.left_out[0].why.contains("_batches"),
        "{:?}",
        imported.left_out
    );
    let catalog = Catalog::parse(&imported.json).unwrap();
    let prices = catalog.prices("main", "whole");
    let at = UnixMillis(1_800_000_000_000);
    let cost = prices.at(at).unwrap().cost(&batch(1_000, 100, 0, 0));
    assert_eq!(cost, Money::from_nanos(1_500_000 + 750_000));
}

/// What OpenAI and Anthropic publish: half, for prompts of any length. Models of which it is not said have no such price.
#[test]
fn agp_r2_the_built_in_list_prices_batches_at_half() {
    let catalog = Catalog::builtin().unwrap();
    for (provider, model, usage, nanos) in [
        // 1 000 × 1.25 + 100 × 5; 500 cached tokens as any others of a batch
        ("openai", "gpt-4o", batch(1_000, 100, 0, 0), 1_750_000),
        ("openai", "gpt-4o", batch(500, 0, 500, 0), 1_250_000),
        (
            "openai",
            "text-embedding-3-small",
            batch(1_000_000, 0, 0, 0),
            10_000_000,
        ),
        // 1 000 × 1.50 + 100 × 7.50 + 1 000 × 0.15 + 100 × 1.875
        (
            "anthropic",
            "claude-sonnet-4-6",
            batch(1_000, 100, 1_000, 100),
            1_500_000 + 750_000 + 150_000 + 187_500,
        ),
    ] {
        let price = *catalog
            .prices(provider, model)
            .at(UnixMillis(1_795_000_000_000))
            .unwrap();
        assert_eq!(price.cost(&usage), Money::from_nanos(nanos), "{model}");
    }
    for provider in ["openai", "anthropic"] {
        for name in catalog.names(provider) {
            for (_, price) in catalog.prices(provider, name).all() {
                let batch = price.batch.unwrap_or_else(|| panic!("{name} has none"));
                let (rates, standard) = (batch.rates, price.standard.rates);
                assert_eq!(
                    (rates.input * 2, rates.output * 2),
                    (standard.input, standard.output),
                    "{name}"
                );
                assert_eq!(batch.long.is_some(), price.standard.long.is_some(), "{name}");
            }
        }
    }
    assert_eq!(
        catalog
            .prices("vllm", "anything")
            .at(UnixMillis(0))
            .unwrap()
            .batch,
        None
    );
}
