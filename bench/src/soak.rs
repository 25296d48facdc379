//! A steady load for minutes: does memory stay where it is?

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cli::SoakOptions;
use crate::cpus;
use crate::failure::{Failure, Outcome};
use crate::plan;
use crate::process::Process;
use crate::run::load_command;
use crate::stats::median;
use crate::svg;
use crate::target::{Binaries, Field, Kind};

/// Runs, prints a verdict, and writes JSON and a plot.
pub fn main(options: &SoakOptions) -> Outcome<()> {
    cpus::settle_here()?;
    let kind = if options.bartizan.is_some() {
        Kind::AllOn
    } else {
        Kind::Nginx
    };
    let field = Field::open(Binaries {
        bartizan: options.bartizan.clone(),
        nginx: options.nginx.clone(),
        haproxy: None,
        configs: options.configs.clone(),
    })?;
    let running = field.start(kind)?;
    let process = running
        .process
        .as_ref()
        .ok_or_else(|| Failure::new("nothing to watch"))?;
    let load = plan::steady(
        running.port,
        running.key.as_deref(),
        options.rate,
        options.seconds as f64,
    );
    let points = watch(process, &load, options)?;
    let growth = growth(&points);
    let rounded: Vec<(f64, f64)> = points
        .iter()
        .map(|(at, mib)| (at.round(), (mib * 100.0).round() / 100.0))
        .collect();
    std::fs::create_dir_all(&options.results)?;
    let title = format!("Memory of {} at {} requests/s", kind.title(), options.rate);
    std::fs::write(
        options.results.join("soak.svg"),
        svg::line_plot(&title, "MiB", &points),
    )?;
    let record = json!({"target": kind, "rate": options.rate, "growth_mib": growth, "rss_mib": rounded});
    std::fs::write(options.results.join("soak.json"), record.to_string())?;
    match growth {
        Some(growth) if is_flat(growth, &points) => {
            println!("flat: {growth:+.2} MiB from the second to the last fifth");
            Ok(())
        }
        Some(growth) => Err(Failure::new(format!(
            "not flat: {growth:+.2} MiB from the second to the last fifth"
        ))),
        None => Err(Failure::new("too short to judge")),
    }
}

/// Memory in MiB at seconds since the start, until the load ends.
fn watch(
    process: &Process,
    load: &crate::cli::LoadOptions,
    options: &SoakOptions,
) -> Outcome<Vec<(f64, f64)>> {
    let start = Instant::now();
    let mut child = load_command(load)?.stdout(Stdio::piped()).spawn()?;
    let mut points = vec![(0.0, process.rss_mib())];
    let mut said = 0;
    while child.try_wait()?.is_none() {
        std::thread::sleep(Duration::from_secs(1));
        let (at, mib) = (start.elapsed().as_secs_f64(), process.rss_mib());
        points.push((at, mib));
        if at as u64 / 15 > said {
            said = at as u64 / 15;
            println!("[{at:>4.0} s of {}] {mib:.1} MiB", options.seconds);
        }
    }
    let output = child.wait_with_output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    println!("{}", printed.trim_end());
    match output.status.success() {
        true => Ok(points),
        false => Err(Failure::new("the load met errors")),
    }
}

/// How much the median of the last fifth lies over that of the second: the first is warm-up.
fn growth(points: &[(f64, f64)]) -> Option<f64> {
    let fifth = points.len() / 5;
    let values = |from: usize| -> Vec<f64> {
        points
            .iter()
            .skip(from)
            .take(fifth)
            .map(|(_, mib)| *mib)
            .collect()
    };
    Some(median(&values(points.len() - fifth))? - median(&values(fifth))?)
}

/// A mebibyte, or three parts in a hundred, is an allocator's breathing.
fn is_flat(growth: f64, points: &[(f64, f64)]) -> bool {
    let typical = median(&points.iter().map(|(_, mib)| *mib).collect::<Vec<_>>()).unwrap_or(0.0);
    growth <= (typical * 0.03).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(slope: f64) -> Vec<(f64, f64)> {
        (0..600)
            .map(|second| (f64::from(second), 30.0 + slope * f64::from(second)))
            .collect()
    }

    #[test]
    fn a_level_line_is_flat_and_a_leak_is_not() {
        let level = line(0.0);
        assert!(growth(&level).is_some_and(|growth| growth == 0.0 && is_flat(growth, &level)));
        let leak = line(0.01);
        assert!(growth(&leak).is_some_and(|growth| (growth - 3.6).abs() < 1e-6 && !is_flat(growth, &leak)));
    }

    #[test]
    fn warm_up_does_not_count_as_growth() {
        let mut points = line(0.0);
        points.iter_mut().take(100).for_each(|point| point.1 = 10.0);
        assert!(growth(&points).is_some_and(|growth| is_flat(growth, &points)));
    }

    #[test]
    fn too_few_points_give_no_verdict() {
        assert_eq!(growth(&[(0.0, 1.0)]), None);
    }
}
