//! How far the guess for models without a public tokenizer is off, measured on texts of several kinds, and that
//! `docs/money.md` publishes exactly that.

use tokenizer::{Encoding, count, count_with};

/// A model whose tokenizer nobody publishes.
const UNKNOWN: &str = "claude-sonnet-4-5";

const TEXTS: [(&str, &str); 6] = [
    (
        "English prose",
        "The harbour was quiet when the last of the boats came in. Nobody on the quay spoke; they counted the lamps, \
         one after another, and when the seventh had been made fast the old man nodded, folded his paper, and walked \
         home along the wall as he had done every evening for thirty years.",
    ),
    (
        "German prose",
        "Der Hafen war still, als das letzte der Boote einlief. Niemand am Kai sagte ein Wort; man zählte die Lampen, \
         eine nach der anderen, und als die siebte festgemacht war, nickte der Alte, faltete seine Zeitung zusammen \
         und ging die Mauer entlang nach Hause, wie an jedem Abend seit dreißig Jahren.",
    ),
    (
        "Chinese prose",
        "最后一条船进港的时候，码头上很安静。没有人说话，他们一盏一盏地数着灯。第七条船系好以后，老人点了点头，\
         把报纸折起来，沿着海堤走回家去，三十年来每天晚上都是这样。",
    ),
    (
        "program text",
        "fn settle(&mut self, reserved: Money, actual: Money) -> Overrun {\n    let spent = actual.min(self.held);\n    \
         self.held = self.held.minus(reserved);\n    self.spent = self.spent.plus(actual);\n    if actual > reserved {\n        \
         return Overrun(actual.minus(reserved));\n    }\n    Overrun::NONE\n}\n",
    ),
    (
        "JSON",
        "{\"order\": 48213, \"lines\": [{\"sku\": \"A-1009\", \"count\": 3, \"price\": \"12.50\"}, {\"sku\": \"B-77\", \
         \"count\": 1, \"price\": \"199.00\"}], \"paid\": true, \"notes\": null}",
    ),
    (
        "hexadecimal digits",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934c",
    ),
];

/// How far the guess is above (or, negative, below) what two public tokenizers say, in per cent.
fn row(name: &str, text: &str) -> String {
    let guess = count(UNKNOWN, text);
    assert!(!guess.exact);
    let off = [Encoding::O200k, Encoding::Llama3].map(|encoding| {
        let exact = i64::try_from(count_with(encoding, text).tokens).unwrap();
        let guess = i64::try_from(guess.tokens).unwrap();
        (guess - exact) * 100 / exact
    });
    format!(
        "| {name} | {} | {} | {:+} % | {:+} % |",
        text.len(),
        guess.tokens,
        off[0],
        off[1]
    )
}

#[test]
fn the_error_that_is_published_is_the_one_that_is_measured() {
    let page = include_str!("../../../../docs/money.md");
    let measured: Vec<_> = TEXTS.iter().map(|(name, text)| row(name, text)).collect();
    let table = measured.join("\n");
    println!("{table}");
    assert!(
        page.contains(&table),
        "docs/money.md must hold this table:\n{table}"
    );
}

/// No guess is below a quarter of what it stands for: the bound by bytes, four times it, holds always.
#[test]
fn agp_d1_a_guess_is_at_least_a_quarter_of_the_truth() {
    for (name, text) in TEXTS {
        let guess = count(UNKNOWN, text).tokens;
        for encoding in [Encoding::O200k, Encoding::Llama3] {
            assert!(guess * 4 >= count_with(encoding, text).tokens, "{name}");
        }
    }
}
