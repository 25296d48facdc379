//! Other people's lists, imported and laid over the catalog. The figures are made up; the shapes are theirs.

use domain::{Money, Tier, Units, UnixMillis, Usage};
use ledger::{Catalog, ImportError, Imported, Listing, Most};

const LITELLM: &str = include_str!("../lists/litellm.json");
const OPENROUTER: &str = include_str!("../lists/openrouter.json");

fn import(listing: Listing, list: &str, providers: &[&str]) -> Imported {
    let providers: Vec<_> = providers.iter().map(|one| (*one).to_owned()).collect();
    listing
        .import(list, ("2026-11-20", "2026-11-21"), &providers)
        .unwrap()
}

fn at(day: &str) -> UnixMillis {
    let noon: jiff::Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
    UnixMillis(noon.as_millisecond())
}

fn why<'i>(imported: &'i Imported, name: &str) -> &'i str {
    let found = imported.left_out.iter().find(|one| one.name == name);
    &found.unwrap_or_else(|| panic!("{name} was taken")).why
}

#[test]
fn agp_r2_litellms_list_prices_every_class_to_the_nano_dollar() {
    let imported = import(Listing::LiteLlm, LITELLM, &[]);
    let catalog = Catalog::builtin().unwrap().overlaid(&imported.json).unwrap();
    assert_eq!(
        (imported.taken, imported.left_out.len()),
        (9, 12),
        "{imported:#?}"
    );
    let million = Usage {
        input: 1_000_000,
        ..Usage::default()
    };
    let written = Usage {
        cache_write: 10,
        cache_write_long: 10,
        cache_read: 10,
        ..Usage::default()
    };
    let flex = Usage {
        input: 6,
        output: 5,
        cache_read: 4,
        tier: Tier::Flex,
        ..Usage::default()
    };
    let sound = Usage {
        output: 30,
        audio_input: 10,
        audio_output: 20,
        ..Usage::default()
    };
    for (provider, model, usage, nanos) in [
        ("openai", "house-large", million, 2_500_000_000),
        // 6 × 1250 + 4 × 625 + 5 × 5000
        ("openai", "house-large", flex, 35_000),
        (
            "openai",
            "house-large",
            Usage {
                tier: Tier::Priority,
                ..million
            },
            4_250_000_000,
        ),
        (
            "openai",
            "house-large",
            Usage {
                tier: Tier::Batch,
                ..million
            },
            1_250_000_000,
        ),
        // 10 × (3750 + 6000 + 300)
        ("anthropic", "house-writer", written, 100_500),
        ("anthropic", "house-writer", million, 6_000_000_000),
        // 10 × 40 000 + 20 × 80 000 + 10 × 10 000
        ("openai", "house-voice", sound, 2_100_000),
        ("openai", "house-vectors", million, 20_000_000),
    ] {
        let price = *catalog.prices(provider, model).at(at("2026-11-22")).unwrap();
        assert_eq!(price.cost(&usage), Money::from_nanos(nanos), "{model} {usage:?}");
    }
    let facts = catalog.find("openai", "house-large", at("2026-11-22")).unwrap();
    assert_eq!(
        (facts.context_tokens, facts.max_output_tokens),
        (Some(100_000), Some(8_000))
    );
    assert!(facts.capabilities.tools && facts.capabilities.vision);
    // Nobody knew it before the list was read.
    assert_eq!(catalog.prices("openai", "house-large").at(at("2026-11-20")), None);
}

/// By the second, the picture and the character: what is counted costs what the list says, what is not has no cost.
#[test]
fn agp_d1_lists_prices_by_other_units_are_taken_and_bound_only_calls_that_tell_them() {
    let units = |change: fn(&mut Units)| {
        let mut units = Units::UNKNOWN;
        change(&mut units);
        units
    };
    let litellm = Catalog::parse(&import(Listing::LiteLlm, LITELLM, &[]).json).unwrap();
    let openrouter = Catalog::parse(&import(Listing::OpenRouter, OPENROUTER, &[]).json).unwrap();
    for (catalog, provider, model, told, nanos) in [
        (
            &litellm,
            "openai",
            "house-ear",
            units(|u| u.input_ms = Some(1_500)),
            150_000,
        ),
        (
            &litellm,
            "openai",
            "house-whisper",
            units(|u| u.input_ms = Some(60_000)),
            6_000_000,
        ),
        (
            &litellm,
            "openai",
            "house-mouth",
            units(|u| u.input_characters = Some(1_000)),
            15_000_000,
        ),
        (
            &litellm,
            "openai",
            "house-painter",
            units(|u| u.output_images = Some(3)),
            120_000_000,
        ),
        (
            &litellm,
            "openai",
            "house-film",
            units(|u| u.output_ms = Some(8_000)),
            800_000_000,
        ),
        (
            &openrouter,
            "openrouter",
            "house/pictures",
            units(|u| u.input_images = Some(2)),
            7_200_000,
        ),
    ] {
        let price = *catalog.prices(provider, model).at(at("2026-11-22")).unwrap();
        let usage = Usage {
            units: told,
            ..Usage::default()
        };
        assert_eq!(price.cost(&usage), Money::from_nanos(nanos), "{model}");
        let most = |units| Most {
            prompt_tokens: 0,
            output_tokens: 0,
            dear_tier: true,
            long_cache: true,
            units,
        };
        assert_eq!(price.bound(&most(told)), Ok(Money::from_nanos(nanos)), "{model}");
        assert!(price.bound(&most(Units::UNKNOWN)).is_err(), "{model}");
        assert!(price.told(&Units::UNKNOWN).is_err(), "{model}");
    }
}

/// A price that is dropped is money that no budget holds: what is not understood leaves its model out, by name.
#[test]
fn agp_d1_what_a_list_prices_otherwise_is_left_out_with_the_reason() {
    let imported = import(Listing::LiteLlm, LITELLM, &[]);
    for (name, word) in [
        ("openai/house-large", "another line"),
        ("house-sketcher", "both input and output"),
        ("house-ears", "two prices"),
        ("house-scribe", "which holds"),
        ("house-judge", "rerank"),
        ("house-pictures", "input_cost_per_image"),
        ("house-thinker", "reasoning"),
        ("house-steps", "both input and output"),
        ("house-free", "listed at nothing"),
        ("house-half", "_flex"),
        ("house/*", "pattern"),
        ("house-odd", "finer"),
    ] {
        assert!(
            why(&imported, name).contains(word),
            "{name}: {}",
            why(&imported, name)
        );
    }
    let imported = import(Listing::OpenRouter, OPENROUTER, &[]);
    assert_eq!((imported.taken, imported.left_out.len()), (3, 4), "{imported:#?}");
    for (name, word) in [
        ("house/auto", "depends"),
        ("house/free:free", "listed at nothing"),
        ("house/thinker", "reasoning"),
        ("house/half", "both"),
    ] {
        assert!(
            why(&imported, name).contains(word),
            "{name}: {}",
            why(&imported, name)
        );
    }
}

#[test]
fn agp_r2_openrouters_list_prices_what_it_names() {
    let imported = import(Listing::OpenRouter, OPENROUTER, &[]);
    let catalog = Catalog::builtin().unwrap().overlaid(&imported.json).unwrap();
    let usage = Usage {
        input: 10,
        output: 10,
        cache_read: 10,
        cache_write: 10,
        ..Usage::default()
    };
    // Nothing is not free: what the list says nothing of costs what plain input does.
    for (model, nanos) in [
        ("house/large", 10 * (2_500 + 10_000 + 1_250 + 2_500)),
        (
            "house/by-the-call",
            5_000_000 + 10 * (1_000 + 2_000 + 1_000 + 1_000),
        ),
    ] {
        let price = *catalog.prices("openrouter", model).at(at("2026-11-22")).unwrap();
        assert_eq!(price.cost(&usage), Money::from_nanos(nanos), "{model}");
    }
}

#[test]
fn a_list_is_taken_in_part_and_named_by_its_source_and_day() {
    let imported = import(Listing::LiteLlm, LITELLM, &["anthropic"]);
    assert_eq!(imported.taken, 1);
    let file: serde_json::Value = serde_json::from_str(&imported.json).unwrap();
    assert_eq!(file["sources"]["litellm"]["read"], "2026-11-20");
    assert_eq!(file["models"][0]["prices"][0]["from"], "2026-11-21");
    assert_eq!(file["models"][0]["names"][0], "house-writer");
    assert_eq!(
        file["left_out"].as_array().unwrap().len(),
        imported.left_out.len()
    );
    let none = Listing::LiteLlm.import(LITELLM, ("2026-11-20", "2026-11-20"), &["nobody".to_owned()]);
    assert_eq!(none, Err(ImportError::Nothing));
    for (list, day) in [("[]", "2026-11-20"), ("{", "2026-11-20"), (LITELLM, "2026-02-30")] {
        assert!(
            Listing::LiteLlm.import(list, (day, day), &[]).is_err(),
            "{list:.9} {day}"
        );
        assert!(
            Listing::OpenRouter.import(list, (day, day), &[]).is_err(),
            "{list:.9} {day}"
        );
    }
}
