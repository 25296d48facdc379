//! The gate under test: its configuration filled in, its key and budgets made through its own
//! command line.
//!
//! A line `# prepare: ARGS…` in the configuration is run as `bartizan ARGS…` while the gate
//! serves, once, before anything is measured. `@name@` in it stands for the newest field of that
//! name that such a command printed as JSON, and the newest `key` or `secret` is what the load
//! presents.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Field, Kind, Running, free_port, wait_ready};
use crate::cpus;
use crate::failure::{Failure, Outcome};
use crate::process::Process;

/// A gate that can be started again and again on the same data.
#[derive(Clone, Debug)]
pub struct Prepared {
    folder: PathBuf,
    data_port: u16,
    health_port: u16,
    key: Option<String>,
}

/// Writes the configuration, serves once, and runs the preparing commands.
pub(super) fn prepare(field: &Field, kind: Kind) -> Outcome<Prepared> {
    let template = field.binaries.configs.join(format!("{}.yaml", kind.slug()));
    let text = std::fs::read_to_string(&template)
        .map_err(|why| Failure::new(format!("{}: {why}", template.display())))?;
    let folder = field.folder_of(kind)?;
    let (data_port, control_port, health_port) = (free_port()?, free_port()?, free_port()?);
    let ports = [field.upstream_port, data_port, control_port, health_port];
    let config = configure(&text, ports, &folder);
    std::fs::write(folder.join("bartizan.yaml"), &config)?;
    let mut prepared = Prepared {
        folder,
        data_port,
        health_port,
        key: None,
    };
    let running = start(field, kind, &prepared)?;
    let mut printed = Vec::new();
    for command in commands(&config) {
        let command: Vec<String> = command.iter().map(|arg| fill(arg, &printed)).collect();
        printed.insert(0, run(field, &prepared.folder, &command)?);
    }
    let printed = Value::Array(printed);
    prepared.key = find(&printed, "key").or_else(|| find(&printed, "secret"));
    drop(running);
    Ok(prepared)
}

/// Fills ports (upstream, data, control, health) and folder in.
fn configure(template: &str, ports: [u16; 4], folder: &Path) -> String {
    let marks = [
        "@upstream_port@",
        "@data_port@",
        "@control_port@",
        "@health_port@",
    ];
    let filled = marks
        .iter()
        .zip(ports)
        .fold(template.to_owned(), |text, (mark, port)| {
            text.replace(mark, &port.to_string())
        });
    filled.replace("@folder@", &folder.display().to_string())
}

/// Starts a prepared gate and waits until it is ready.
pub(super) fn start(field: &Field, kind: Kind, prepared: &Prepared) -> Outcome<Running> {
    let args = ["serve", "--config", "bartizan.yaml"].map(str::to_owned);
    let log = prepared.folder.join("log");
    let mut process = Process::start(cpus::PROXY, program(field)?, &args, &prepared.folder, log)
        .map_err(|why| Failure::new(format!("{}: {why}", kind.title())))?;
    let ready_ms = wait_ready(&mut process, prepared.health_port, "/readyz")?;
    let key = prepared.key.clone();
    Ok(Running {
        process: Some(process),
        port: prepared.data_port,
        key,
        ready_ms: Some(ready_ms),
    })
}

fn program(field: &Field) -> Outcome<&Path> {
    field
        .binaries
        .bartizan
        .as_deref()
        .ok_or_else(|| Failure::new("no gate binary was named"))
}

fn commands(config: &str) -> Vec<Vec<String>> {
    let lines = config.lines().filter_map(|line| line.strip_prefix("# prepare:"));
    lines
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect()
}

fn run(field: &Field, folder: &Path, args: &[String]) -> Outcome<Value> {
    let output = Command::new(program(field)?)
        .args(args)
        .current_dir(folder)
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::new(format!(
            "bartizan {}: {}\n{said}",
            args.join(" "),
            output.status
        )));
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
}

/// Puts what earlier commands printed (newest first) where `@name@` stands.
fn fill(arg: &str, printed: &[Value]) -> String {
    let parts: Vec<&str> = arg.split('@').collect();
    let [before, name, after] = parts.as_slice() else {
        return arg.to_owned();
    };
    match printed.iter().find_map(|value| find(value, name)) {
        Some(value) => format!("{before}{value}{after}"),
        None => arg.to_owned(),
    }
}

/// The first text field of this name, at any depth.
fn find(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Object(fields) => match fields.get(name).and_then(Value::as_str) {
            Some(own) => Some(own.to_owned()),
            None => fields.values().find_map(|inner| find(inner, name)),
        },
        Value::Array(items) => items.iter().find_map(|inner| find(inner, name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preparing_commands_are_read_from_the_configuration() {
        let config = "# prepare: keys create --json\nlisten: 1\n # prepare: not at the line's start\n";
        assert_eq!(commands(config), [["keys", "create", "--json"]]);
    }

    #[test]
    fn fields_are_found_wherever_they_are() {
        let printed = serde_json::json!({"created": [{"id": "x", "key": "bz-1"}]});
        assert_eq!(find(&printed, "key").as_deref(), Some("bz-1"));
        assert_eq!(find(&serde_json::json!({"id": 1}), "id"), None);
    }

    #[test]
    fn later_commands_can_name_what_earlier_ones_made() {
        let printed = [
            serde_json::json!({"id": "new"}),
            serde_json::json!({"id": "old", "team": "t"}),
        ];
        assert_eq!(fill("key:@id@", &printed), "key:new");
        assert_eq!(fill("@team@", &printed), "t");
        assert_eq!(fill("@other@", &printed), "@other@");
        assert_eq!(fill("plain", &printed), "plain");
    }

    #[test]
    fn both_configurations_are_valid() {
        for template in [
            include_str!("../../all-on.yaml"),
            include_str!("../../all-off.yaml"),
        ] {
            let text = configure(template, [1001, 1002, 1003, 1004], Path::new("/tmp/x"));
            assert!(
                !text
                    .lines()
                    .any(|line| !line.starts_with('#') && line.contains('@'))
            );
            let read = config::Config::parse(&text, "bartizan.yaml", &|_: &str| None);
            let problems = read
                .map(|config| config.validate())
                .unwrap_or_else(|why| panic!("{why}"));
            assert!(problems.is_empty(), "{problems:?}");
        }
    }
}
