//! The whole comparison: every target in every round, one after the other, each alone on its core.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::cli::{LoadOptions, RunOptions};
use crate::cpus;
use crate::failure::{Failure, Outcome};
use crate::load::Met;
use crate::plan::{self, Phase, RSS_REQUESTS, Seconds, Slot};
use crate::process::Process;
use crate::report::Report;
use crate::target::{Binaries, Field, Kind, Running};

/// Runs, prints the table, and writes JSON and a chart.
pub fn main(options: &RunOptions) -> Outcome<()> {
    cpus::settle_here()?;
    let start = Instant::now();
    let field = Field::open(Binaries {
        bartizan: options.bartizan.clone(),
        nginx: options.nginx.clone(),
        haproxy: options.haproxy.clone(),
        configs: options.configs.clone(),
    })?;
    let seconds = if options.quick {
        Seconds::QUICK
    } else {
        Seconds::FULL
    };
    let mut slots: Vec<(Kind, Slot)> = Vec::new();
    for round in 1..=options.repeats {
        for kind in field.kinds() {
            println!(
                "[{:>4} s] round {round} of {}: {}",
                start.elapsed().as_secs(),
                options.repeats,
                kind.title()
            );
            // Filling up takes long when phases are short, so then one round must do.
            let fill_up = !options.quick || round == options.repeats;
            slots.push((kind, slot(&field, kind, seconds, fill_up)?));
        }
    }
    let report = Report::new(&slots);
    println!("\n{}", report.table());
    let files = report.write(&options.results, &slots)?;
    println!("\n{} s; {files}", start.elapsed().as_secs());
    match options.enforce && report.misses() > 0 {
        true => Err(Failure::new(format!("{} bars missed", report.misses()))),
        false => Ok(()),
    }
}

/// One target's turn.
fn slot(field: &Field, kind: Kind, seconds: Seconds, fill_up: bool) -> Outcome<Slot> {
    let running = field.start(kind)?;
    let (port, key) = (running.port, running.key.as_deref());
    let mut slot = Slot {
        ready_ms: running.ready_ms,
        ..Slot::default()
    };
    std::thread::sleep(std::time::Duration::from_millis(300));
    slot.rss_idle_mib = running.process.as_ref().map(Process::rss_mib);
    let mut sent = phase(&running, &plan::closed(port, key, 1024, seconds.warm_up))?
        .met
        .requests;
    let busy = phase(&running, &plan::closed(port, key, 1024, seconds.busy))?;
    sent += busy.met.requests;
    slot.busy = Some(busy);
    if fill_up && running.process.is_some() && sent < RSS_REQUESTS {
        let rest = LoadOptions {
            requests_max: Some(RSS_REQUESTS - sent),
            ..plan::closed(port, key, 1024, seconds.fill_up)
        };
        sent += phase(&running, &rest)?.met.requests;
    }
    if sent >= RSS_REQUESTS {
        slot.rss_after_mib = running.process.as_ref().map(Process::rss_mib);
    }
    slot.large = Some(phase(
        &running,
        &plan::closed(port, key, 64 * 1024, seconds.large),
    )?);
    slot.stream = Some(phase(&running, &plan::streamed(port, key, seconds.stream))?);
    slot.steady = Some(phase(&running, &plan::steady(port, key, 200.0, seconds.steady))?);
    Ok(slot)
}

/// Sends load from a process of its own and reads what the proxy used meanwhile.
fn phase(running: &Running, load: &LoadOptions) -> Outcome<Phase> {
    let before = running.process.as_ref().map(Process::cpu);
    let met = send(load)?;
    let after = running.process.as_ref().map(Process::cpu);
    let cpu_us = before
        .zip(after)
        .map(|(before, after)| after.since(&before) as f64 / 1000.0);
    Ok(Phase { met, cpu_us })
}

fn send(load: &LoadOptions) -> Outcome<Met> {
    let output = load_command(load)?.stderr(Stdio::inherit()).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    match output.status.success() {
        true => Ok(serde_json::from_str(printed.lines().next().unwrap_or_default())?),
        false => Err(Failure::new(format!("the load generator failed: {printed}"))),
    }
}

/// The load generator as a process of its own, on the core that is not the proxy's.
pub fn load_command(load: &LoadOptions) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("load").args(["--port", &load.port.to_string()]);
    command.args(["--connections", &load.connections.to_string()]);
    command.args(["--body-bytes", &load.body_bytes.to_string()]);
    command.args(["--seconds", &load.seconds.to_string()]);
    let optional = [
        ("--key", load.key.clone()),
        ("--rate", load.rate.map(|rate| rate.to_string())),
        (
            "--stream-chunks",
            load.stream_chunks.map(|chunks| chunks.to_string()),
        ),
        (
            "--requests-max",
            load.requests_max.map(|requests| requests.to_string()),
        ),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            command.args([name, &value]);
        }
    }
    Ok(command)
}
