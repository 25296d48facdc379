//! The built-in catalog and what may be laid over it.

use domain::{Money, UnixMillis, Usage};
use ledger::{Capabilities, Catalog, CatalogError, Override, Price};

fn at(day: &str) -> UnixMillis {
    UnixMillis(
        format!("{day}T00:00:00Z")
            .parse::<jiff::Timestamp>()
            .unwrap()
            .as_millisecond(),
    )
}

fn now() -> UnixMillis {
    at("2026-11-22")
}

fn builtin() -> Catalog {
    Catalog::builtin().unwrap()
}

/// What one call of 1000 prompt and 500 output tokens costs.
fn call(catalog: &Catalog, provider: &str, model: &str, at: UnixMillis) -> Option<i64> {
    let price = catalog.find(provider, model, at)?.price?;
    Some(
        price
            .cost(&Usage {
                input: 1000,
                output: 500,
                ..Usage::default()
            })
            .nanos(),
    )
}

#[test]
fn agp_r2_calls_are_priced_by_the_list() {
    let catalog = builtin();
    for (provider, model, nanos) in [
        ("openai", "gpt-4o", 7_500_000),
        ("openai", "gpt-4o-2024-08-06", 7_500_000),
        ("openai", "gpt-4o-2024-05-13", 12_500_000),
        ("openai", "gpt-4o-mini", 450_000),
        ("openai", "gpt-4.1-nano-2025-04-14", 300_000),
        ("openai", "text-embedding-3-small", 20_000),
        ("anthropic", "claude-opus-4-5-20251101", 17_500_000),
        ("anthropic", "claude-haiku-4-5", 3_500_000),
        ("anthropic", "claude-sonnet-5-5", 7_000_000),
        ("local", "smollm2-135m-instruct", 40_000),
        ("ollama", "llama3.2:1b", 40_000),
        ("vllm", "Qwen/Qwen3-8B", 40_000),
        ("llama.cpp", "anything at all", 40_000),
    ] {
        assert_eq!(
            call(&catalog, provider, model, now()),
            Some(nanos),
            "{provider}/{model}"
        );
    }
}

#[test]
fn agp_d1_a_name_nobody_listed_has_no_price() {
    let catalog = builtin();
    for (provider, model) in [
        ("openai", "gpt-4o-audio-preview"),
        ("openai", "gpt-4o-2024-08-06-custom"),
        ("openai", "gpt"),
        ("openai", ""),
        ("openai", "GPT-4o"),
        ("openai", "claude-haiku-4-5"),
        ("anthropic", "gpt-4o"),
        ("unheard-of", "gpt-4o"),
    ] {
        assert!(
            catalog.find(provider, model, now()).is_none(),
            "{provider}/{model}"
        );
    }
}

#[test]
fn agp_r2_a_price_holds_from_its_day_on() {
    let catalog = builtin();
    let read = |day: i64| {
        let midnight = at("2026-10-07").0;
        catalog
            .find("anthropic", "claude-sonnet-5-5", UnixMillis(midnight + day))
            .unwrap()
            .price
            .unwrap()
            .standard
            .rates
            .cache_read
    };
    assert_eq!((read(-1), read(0)), (200_000_000, 100_000_000));
    assert_eq!(
        call(&catalog, "openai", "gpt-5.6-luna", at("2026-07-29")),
        Some(4_000_000)
    );
    assert_eq!(
        call(&catalog, "openai", "gpt-5.6-luna", at("2026-07-30")),
        Some(800_000)
    );
}

#[test]
fn the_builtin_catalog_makes_sense() {
    let catalog = builtin();
    assert_eq!(catalog.version().len(), 12);
    assert_eq!(catalog.version(), builtin().version());
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../../../catalog/models.json")).unwrap();
    for line in file["models"].as_array().unwrap() {
        for (provider, name) in line["providers"].as_array().unwrap().iter().flat_map(|provider| {
            line["names"]
                .as_array()
                .unwrap()
                .iter()
                .map(move |name| (provider.as_str().unwrap(), name.as_str().unwrap()))
        }) {
            let facts = catalog
                .find(provider, name, now())
                .unwrap_or_else(|| panic!("{provider}/{name}"));
            let price = facts.price.unwrap_or_else(|| panic!("{name} has no price"));
            let ledger::Scale { rates, long } = price.standard;
            assert!(
                rates.input > 0 && rates.cache_read <= rates.input && rates.cache_write >= rates.input,
                "{name}"
            );
            assert!(rates.cache_write_long >= rates.cache_write, "{name}");
            assert!(
                rates.output > rates.input || facts.capabilities.embeddings,
                "{name}"
            );
            assert_ne!(facts.capabilities, Capabilities::default(), "{name}");
            assert!(facts.max_output_tokens <= facts.context_tokens, "{name}");
            if let Some(long) = long.map(|long| long.rates) {
                assert!(long.input > rates.input && long.output > rates.output, "{name}");
                assert!(
                    long.cache_read > rates.cache_read && long.cache_write > rates.cache_write,
                    "{name}"
                );
            }
        }
    }
}

fn parse(models: &str) -> Result<Catalog, CatalogError> {
    let source = r#""s":{"what":"test","read":"2026-01-01"}"#;
    Catalog::parse(&format!(
        r#"{{"format":1,"sources":{{{source}}},"models":[{models}]}}"#
    ))
}

#[test]
fn names_are_found_exactly_then_undated_then_by_the_longest_pattern() {
    let line = |name: &str, input: &str| {
        format!(
            r#"{{"providers":["p"],"names":["{name}"],"capabilities":["chat"],"prices":[{{"source":"s","input":"{input}","output":"0"}}]}}"#
        )
    };
    let all = [
        ("*", "1"),
        ("a-*", "2"),
        ("a-*-c", "3"),
        ("a-b", "4"),
        ("a-b-20250101", "5"),
    ];
    let catalog = parse(&all.map(|(name, input)| line(name, input)).join(",")).unwrap();
    for (name, input) in [
        ("z", 1),
        ("a-z", 2),
        ("a-z-c", 3),
        ("a-b", 4),
        ("a-b-2025-06-07", 4),
        ("a-b-latest", 4),
        ("a-b-20250102", 4),
        ("a-b-20250101", 5),
        ("a-b-20250101x", 2),
    ] {
        let price = catalog.find("p", name, now()).unwrap().price.unwrap();
        assert_eq!(price.standard.rates.input, input * 1_000_000_000, "{name}");
    }
}

#[test]
fn bad_catalogs_are_refused() {
    let line =
        |fields: &str| format!(r#"{{"providers":["p"],"names":["m"],"capabilities":["chat"],{fields}}}"#);
    let priced = |price: &str| line(&format!(r#""prices":[{price}]"#));
    for bad in [
        line(r#""unknown":1"#),
        priced(r#"{"source":"nowhere","input":"1","output":"1"}"#),
        priced(r#"{"source":"s","input":"-1","output":"1"}"#),
        priced(r#"{"source":"s","input":1,"output":"1"}"#),
        priced(r#"{"source":"s","input":"1e3","output":"1"}"#),
        priced(r#"{"source":"s","input":"0.0000000001","output":"1"}"#),
        priced(r#"{"source":"s","output":"1"}"#),
        priced(r#"{"source":"s","from":"2026-02-30","input":"1","output":"1"}"#),
        priced(
            r#"{"source":"s","from":"2026-02-02","input":"1","output":"1"},{"source":"s","from":"2026-02-01","input":"1","output":"1"}"#,
        ),
        line(r#""prices":[]"#).replace("chat", "chatter"),
        line(r#""prices":[]"#).replace(r#"["m"]"#, "[]"),
        format!("{0},{0}", line(r#""prices":[]"#)),
    ] {
        assert!(parse(&bad).is_err(), "{bad}");
    }
    assert!(parse(&line(r#""prices":[]"#)).is_ok());
    assert_eq!(
        Catalog::parse(r#"{"format":2,"sources":{},"models":[]}"#).unwrap_err(),
        CatalogError::Format(2)
    );
}

#[test]
fn overrides_change_what_they_name_and_the_version() {
    let free = Price::per_million(Money::ZERO, Money::ZERO);
    let cheap = Price::per_million(Money::from_dollars(1), Money::from_dollars(2));
    let one = |provider: &str, model: &str, price| Override {
        provider: provider.into(),
        model: model.into(),
        price,
        ..Override::default()
    };
    let base = builtin();
    let laid = base.with_overrides(&[
        one("openai", "gpt-4o", Some(cheap)),
        one("anthropic", "claude-opus-*", Some(cheap)),
        one("ollama", "*", Some(free)),
        one("house", "own-*", Some(cheap)),
        Override {
            context_tokens: Some(4096),
            ..one("openai", "gpt-4.1", None)
        },
        one("openai", "gpt-4.1-mini", None),
    ]);
    let of = |model: &str, provider: &str| call(&laid, provider, model, now());
    assert_eq!(of("gpt-4o", "openai"), Some(2_000_000));
    assert_eq!(
        of("gpt-4o-2024-08-06", "openai"),
        Some(2_000_000),
        "a date that is not listed by itself"
    );
    assert_eq!(of("gpt-4o-2024-05-13", "openai"), Some(12_500_000), "one that is");
    assert_eq!(of("claude-opus-4-5", "anthropic"), Some(2_000_000));
    assert_eq!(
        of("claude-opus-99", "anthropic"),
        Some(2_000_000),
        "the pattern is the operator's own"
    );
    assert_eq!(of("claude-haiku-4-5", "anthropic"), Some(3_500_000));
    assert_eq!(of("llama3", "ollama"), Some(0), "free is a price");
    assert_eq!(
        of("llama3", "vllm"),
        Some(40_000),
        "another provider is not touched"
    );
    assert_eq!(of("own-model", "house"), Some(2_000_000));
    assert_eq!(of("other", "house"), None);

    let facts = laid.find("openai", "gpt-4.1", now()).unwrap();
    assert_eq!(
        (facts.context_tokens, facts.max_output_tokens),
        (Some(4096), Some(32_768))
    );
    assert_eq!(
        call(&laid, "openai", "gpt-4.1", now()),
        call(&base, "openai", "gpt-4.1", now())
    );

    assert_ne!(laid.version(), base.version());
    assert_eq!(laid.version().len(), 12);
    assert_eq!(base.with_overrides(&[]).version(), base.version());
    let other = base.with_overrides(&[one("openai", "gpt-4o", Some(free))]);
    assert_ne!(other.version(), laid.version());
}

#[test]
fn later_overrides_win_over_earlier_ones() {
    let price = |dollars| Some(Price::per_million(Money::from_dollars(dollars), Money::ZERO));
    let one = |model: &str, price| Override {
        provider: "p".into(),
        model: model.into(),
        price,
        ..Override::default()
    };
    let laid = builtin().with_overrides(&[one("*", price(1)), one("m", price(2)), one("m", price(3))]);
    assert_eq!(call(&laid, "p", "m", now()), Some(3_000_000));
    assert_eq!(call(&laid, "p", "n", now()), Some(1_000_000));
}

#[test]
fn agp_r2_a_file_laid_over_the_catalog_holds_from_its_first_day() {
    let file = |version: &str| {
        format!(
            r#"{{"format":1,"sources":{{"s":{{"what":"{version}","read":"2026-11-01"}}}},"models":[
            {{"providers":["openai"],"names":["gpt-4o"],"capabilities":["chat"],"prices":[
              {{"from":"2026-11-01","source":"s","input":"1","output":"2","flex":{{"input":"0.50","output":"1"}}}},
              {{"from":"2026-12-01","source":"s","input":"3","output":"4"}}]}},
            {{"providers":["house"],"names":["own-*"],"capabilities":["chat"],"prices":[
              {{"source":"s","input":"1","output":"2"}}]}}]}}"#
        )
    };
    let base = builtin();
    let laid = base.overlaid(&file("one")).unwrap();
    for (model, day, nanos) in [
        ("gpt-4o", "2026-10-31", 7_500_000),
        ("gpt-4o", "2026-11-01", 2_000_000),
        ("gpt-4o-2024-08-06", "2026-12-01", 5_000_000),
        ("gpt-4o-2024-05-13", "2026-12-01", 12_500_000),
    ] {
        assert_eq!(
            call(&laid, "openai", model, at(day)),
            Some(nanos),
            "{model} {day}"
        );
    }
    assert_eq!(call(&laid, "house", "own-model", now()), Some(2_000_000));
    let prices = laid.prices("openai", "gpt-4o");
    assert_eq!(prices.all().len(), 3);
    assert_eq!(prices.at(now()).unwrap().flex.unwrap().rates.input, 500_000_000);
    assert_eq!(laid.prices("house", "other").all(), []);
    let versions = [base.version(), laid.version()].map(str::to_owned);
    assert_ne!(versions[0], versions[1]);
    assert_ne!(versions[1], base.overlaid(&file("two")).unwrap().version());
    assert!(matches!(base.overlaid("{}"), Err(CatalogError::Malformed(_))));
}
