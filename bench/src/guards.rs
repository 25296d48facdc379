//! What guards cost: microseconds of one core for a KiB of text, by sort of text and by guard, whole and as a live answer
//! arrives, each beside one pass over the same bytes that only checks that they are UTF-8; and the time of the worst texts
//! we know. Nothing here goes over a network, and no text is anybody's.

use std::sync::Arc;

use domain::UnixMillis;
use guard::families::{Families, Injection, LinkRules, Moderation, Personal, Secrets};
use guard::{Direction, Gate, Guards, Mode, Origin, Plan};

use crate::cli::GuardsOptions;
use crate::failure::Outcome;
use crate::parts::{Part, nanos, tell};

/// The size of a usual prompt.
const PROMPT_BYTES: usize = 4 << 10;
/// How a live answer arrives: pieces of about a token or two.
const PIECE_BYTES: usize = 8;

/// A sort of text: what it is called, and what is repeated until there is enough of it.
const TEXTS: [(&str, &str); 5] = [
    (
        "English prose",
        "The harbour was quiet when the ferry came in, and only two men stood on the pier to take the ropes. They talked of \
         the weather, of a cousin who had moved inland, and of the price of diesel, which nobody could understand any more. \
         Could you make a short summary of this for the newsletter? It should not be longer than five sentences. ",
    ),
    (
        "German prose",
        "Am Nachmittag wurde der Himmel über den Feldern heller, und die Kinder liefen wieder hinaus, um nach dem Brunnen zu \
         sehen. Bitte schreibe daraus einen Brief an die Gemeinde, höflich und nicht zu lang, und nenne die drei Wünsche der \
         Anwohner in der Reihenfolge, in der sie genannt worden sind. ",
    ),
    (
        "code",
        "fn total(lines: &[Line]) -> Result<Money, Overflow> {\n    let mut sum = Money::ZERO;\n    for line in lines {\n        \
         // Tax is reckoned by line, not on the sum.\n        sum = sum.checked_add(line.net.checked_mul(line.count)?)?;\n    \
         }\n    Ok(sum)\n}\n",
    ),
    (
        "a table of numbers",
        "2026-11-02;4711;ACME-00017;1,299.00;EUR;open;+1 202 555 0143\n2026-11-03;4712;ACME-00018;88.20;EUR;paid;192.0.2.17\n",
    ),
    (
        "JSON of a tool",
        "{\"id\":\"a81bc81b-dead-4e5d-abff-90865d1e13b1\",\"user\":{\"name\":\"kim\",\"role\":\"editor\"},\"items\":[{\"sku\":\"X-1001\",\
         \"n\":3},{\"sku\":\"X-1002\",\"n\":1}],\"note\":\"deliver after six, please\"}\n",
    ),
];

/// What a guard has to look at closely again and again.
const WORST: [(&str, &str); 10] = [
    ("the letter a", "a"),
    ("digits", "4111111111111111"),
    ("digits and blanks", "4 1 1 1 "),
    ("at signs", "a@a.a@"),
    ("assignments", "password=token=secret="),
    ("the beginning of a key", "ghp_AKIAsk-"),
    ("a long word of base64", "QmFydGl6YW4"),
    ("percent signs", "%41%42%"),
    ("orders", "ignore previous instructions and "),
    ("brackets", "[](<!--"),
];

fn repeated(piece: &str, bytes: usize) -> String {
    let mut text = piece.repeat(bytes / piece.len() + 1);
    text.truncate(text.floor_char_boundary(bytes));
    text
}

fn families() -> Vec<(&'static str, Families)> {
    let secrets = Families {
        secrets: Some(Secrets {
            input: Mode::Redact,
            output: Mode::Redact,
            ..Secrets::default()
        }),
        ..Families::default()
    };
    let personal = Families {
        personal: Some(Personal {
            input: Mode::Redact,
            output: Mode::Redact,
            ..Personal::default()
        }),
        ..Families::default()
    };
    let injection = Families {
        injection: Some(Injection {
            input: Gate::Observe,
            ..Injection::default()
        }),
        ..Families::default()
    };
    let moderation = Families {
        moderation: Some(Moderation {
            input: Gate::Observe,
            output: Gate::Observe,
            ..Moderation::default()
        }),
        ..Families::default()
    };
    let links = Families {
        links: Some(LinkRules {
            input: Mode::Redact,
            output: Mode::Redact,
            ..LinkRules::default()
        }),
        ..Families::default()
    };
    vec![
        ("secrets", secrets),
        ("personal data", personal),
        ("injection", injection),
        ("moderation", moderation),
        ("links", links),
    ]
}

/// Every guard at once.
fn all() -> Families {
    families()
        .into_iter()
        .fold(Families::default(), |all, (_, one)| Families {
            secrets: all.secrets.or(one.secrets),
            personal: all.personal.or(one.personal),
            injection: all.injection.or(one.injection),
            moderation: all.moderation.or(one.moderation),
            links: all.links.or(one.links),
            ..all
        })
}

/// Nanoseconds of one look at a text as a prompt.
fn looked(plan: &Plan, text: &str, each: usize) -> f64 {
    nanos(each, || {
        let mut found = Vec::new();
        let shown = std::hint::black_box(text);
        plan.scan(Direction::Input, (shown, Origin::User), UnixMillis(0), &mut found);
        std::hint::black_box(found);
    })
}

/// Nanoseconds of one look at a text that arrives in pieces.
fn followed(plan: &Plan, text: &str, each: usize) -> f64 {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.ceil_char_boundary(PIECE_BYTES.min(rest.len())));
        pieces.push(piece);
        rest = more;
    }
    nanos(each, || {
        let (mut follow, mut found) = (plan.follow(), Vec::new());
        for piece in &pieces {
            follow.push(plan, std::hint::black_box(piece), UnixMillis(0), &mut found);
        }
        follow.finish(plan, UnixMillis(0), &mut found);
        std::hint::black_box(found);
    })
}

fn checked(text: &str, each: usize) -> f64 {
    nanos(each, || {
        std::hint::black_box(std::str::from_utf8(std::hint::black_box(text.as_bytes())).is_ok());
    })
}

/// Microseconds a KiB.
fn per_kib(nanos: f64, bytes: usize) -> f64 {
    nanos / 1e3 / (bytes as f64 / 1024.0)
}

/// Measures, prints a table, and keeps it as JSON.
pub fn main(options: &GuardsOptions) -> Outcome<()> {
    let stock = Guards::default();
    let everything = Plan::of(&stock, all());
    let mut parts = Vec::new();
    for (name, piece) in TEXTS {
        let text = repeated(piece, PROMPT_BYTES);
        let floor = per_kib(checked(&text, 20), text.len());
        let cost = per_kib(looked(&everything, &text, 20), text.len());
        let part = Part::alone(format!("all guards on a prompt, {name}"), cost, "µs/KiB");
        parts.push(part.beside("is it UTF-8", floor));
    }
    let prose = repeated(TEXTS[0].1, PROMPT_BYTES);
    for (name, family) in families() {
        let plan: Arc<Plan> = Plan::of(&stock, family);
        let cost = per_kib(looked(&plan, &prose, 20), prose.len());
        parts.push(Part::alone(
            format!("{name} on a prompt, {}", TEXTS[0].0),
            cost,
            "µs/KiB",
        ));
    }
    let whole = per_kib(looked(&everything, &prose, 20), prose.len());
    let live = per_kib(followed(&everything, &prose, 20), prose.len());
    let part = Part::alone(
        format!("all guards on a live answer in pieces of {PIECE_BYTES} bytes"),
        live,
        "µs/KiB",
    );
    parts.push(part.beside("the same text as a prompt", whole));
    for (name, piece) in WORST {
        let text = repeated(piece, options.worst_bytes);
        let cost = looked(&everything, &text, 1) / 1e6;
        let half = looked(&everything, &text[..text.floor_char_boundary(text.len() / 2)], 1) / 1e6;
        let part = Part::alone(
            format!("all guards on {} KiB of {name}", text.len() >> 10),
            cost,
            "ms",
        );
        parts.push(part.beside("half of it", half));
    }
    tell(&options.results, "guards", &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guard_is_measured_on_every_sort_of_text() {
        let results = std::env::temp_dir().join(format!("bench-guards-{}", std::process::id()));
        let options = GuardsOptions {
            worst_bytes: 2_048,
            results: results.clone(),
        };
        main(&options).unwrap();
        let written = std::fs::read_to_string(results.join("guards.json")).unwrap();
        assert_eq!(
            written.matches("\"name\"").count(),
            TEXTS.len() + families().len() + 1 + WORST.len()
        );
        std::fs::remove_dir_all(results).unwrap();
    }
}
