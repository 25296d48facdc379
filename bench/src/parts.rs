//! What single parts of money and evidence cost, each beside something in the same run that says what it could cost at
//! least. Nothing here goes over a network.

mod evidence;
mod money;
mod paper;
mod storage;

use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;

use crate::cli::PartsOptions;
use crate::failure::{Failure, Outcome};
use crate::report::align;
use crate::stats::median;

/// Batches that are timed; the median of them counts.
const BATCHES: usize = 21;

/// One line: a part, and what it stands beside.
#[derive(Debug, Serialize)]
pub struct Part {
    name: String,
    value: f64,
    unit: &'static str,
    beside: Option<(&'static str, f64)>,
}

impl Part {
    /// A part that stands alone.
    pub fn alone(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        let (name, beside) = (name.into(), None);
        Self {
            name,
            value,
            unit,
            beside,
        }
    }

    /// The same, beside `what` in the same unit.
    pub fn beside(mut self, what: &'static str, value: f64) -> Self {
        self.beside = Some((what, value));
        self
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.name.clone(), shown(self.value), self.unit.to_owned()];
        if let Some((what, value)) = self.beside {
            cells.extend([
                shown(value),
                format!("{:.2} ×", self.value / value),
                what.to_owned(),
            ]);
        }
        cells
    }
}

/// Three digits or more, and separators where there are many.
fn shown(value: f64) -> String {
    match value {
        small if small < 10.0 => format!("{small:.2}"),
        some if some < 100.0 => format!("{some:.1}"),
        many => grouped(many.round() as u64),
    }
}

fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Nanoseconds that one of `each` takes: the median of some batches, after one that is not counted.
pub fn nanos(each: usize, mut work: impl FnMut()) -> f64 {
    let mut times = Vec::new();
    for _ in 0..=BATCHES {
        let from = Instant::now();
        (0..each).for_each(|_| work());
        times.push(from.elapsed().as_nanos() as f64 / each as f64);
    }
    median(times.get(1..).unwrap_or_default()).unwrap_or_default()
}

/// Measures all parts, prints them as a table, and keeps them as JSON.
pub fn main(options: &PartsOptions) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut parts = runtime.block_on(money::measure())?;
    parts.extend(evidence::measure(options.leaves)?);
    parts.extend(runtime.block_on(storage::measure(options.entries, options.postgres.as_deref()))?);
    tell(&options.results, "parts", &parts)
}

/// Prints parts as a table, and keeps them as JSON under this name.
pub fn tell(results: &Path, name: &str, parts: &[Part]) -> Outcome<()> {
    let heads = ["part", "median", "", "beside", "ratio", ""]
        .map(str::to_owned)
        .to_vec();
    let lines: Vec<_> = std::iter::once(heads)
        .chain(parts.iter().map(Part::cells))
        .collect();
    println!("{}", align(&lines));
    std::fs::create_dir_all(results)?;
    let file = results.join(format!("{name}.json"));
    std::fs::write(&file, serde_json::to_string_pretty(&json!({ "parts": parts }))?)?;
    println!("written to {}", file.display());
    Ok(())
}

/// A failure of something of the product's.
pub fn failed(why: impl std::fmt::Display) -> Failure {
    Failure::new(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_separators() {
        for (value, text) in [
            (0.5, "0.50"),
            (12.34, "12.3"),
            (999.6, "1,000"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(shown(value), text);
        }
    }

    #[test]
    fn all_parts_are_measured_on_a_small_scale() {
        let results = std::env::temp_dir().join(format!("bench-parts-{}", std::process::id()));
        let options = PartsOptions {
            entries: 300,
            leaves: 64,
            postgres: None,
            results: results.clone(),
        };
        main(&options).unwrap();
        let written = std::fs::read_to_string(results.join("parts.json")).unwrap();
        assert!(written.contains("reserve and settle"), "{written}");
        std::fs::remove_dir_all(results).unwrap();
    }
}
