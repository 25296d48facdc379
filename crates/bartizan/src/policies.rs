//! Policy files and the tests beside them, read and tried, for `serve`, reloads, `check` and the commands alike.

use std::path::{Path, PathBuf};

use config::Config;
use policy::{Configured, Engine, Failed, Ground, PolicyTexts, Text};

use crate::failure::{Failure, Hint};

/// What the configuration's policy files say.
pub fn read(config: &Config) -> Result<Configured, Failure> {
    Ok(Configured {
        calls: texts(&config.policies.files)?,
        replace_defaults: config.policies.replace_defaults,
        control: texts(&config.policies.control_files)?,
        ground: Ground {
            data_class: config.policies.data_class,
            region: config.policies.region.clone(),
        },
    })
}

/// Builds both planes' policies and runs their tests; returns what answers calls. The control plane builds its
/// own when it is first asked.
// threat: ANP-0002
// threat: ANP-0014
pub fn checked(configured: &Configured) -> Result<Engine, Failure> {
    let refused = |error: policy::PolicyError| Failure::new(error.to_string());
    let engine = configured.engine(None).map_err(refused)?;
    let mut failed = configured.calls.failed_on_calls(&engine);
    if configured.control != PolicyTexts::default() {
        let desk = configured.desk(None).map_err(refused)?;
        failed.extend(configured.control.failed_on_control(&desk));
    }
    if failed.is_empty() {
        return Ok(engine);
    }
    Err(told(&failed))
}

fn told(failed: &[Failed]) -> Failure {
    let lines: Vec<_> = failed.iter().map(ToString::to_string).collect();
    Failure::new(format!(
        "{} policy tests failed\n  {}",
        lines.len(),
        lines.join("\n  ")
    ))
    .hint("correct the policy, or the expectation")
}

/// Files, and all that folders hold, with the tests beside them.
pub fn texts(paths: &[PathBuf]) -> Result<PolicyTexts, Failure> {
    let mut found = PolicyTexts::default();
    for path in paths {
        let files = if path.is_dir() {
            in_folder(path)?
        } else {
            vec![path.clone()]
        };
        for file in files {
            found.files.push(text(&file)?);
            let tests = file.with_extension("tests.json");
            if tests.exists() {
                found.tests.push(text(&tests)?);
            }
        }
    }
    Ok(found)
}

/// `*.cedar` of a folder, by name. One without any is a slip: it would permit or forbid nothing.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |e: std::io::Error| {
        Failure::usage(format!(
            "policy folder `{}` cannot be read: {e}",
            folder.display()
        ))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "cedar") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(
            Failure::usage(format!("there is no `*.cedar` in `{}`", folder.display()))
                .hint("name the folder that holds the policies"),
        );
    }
    Ok(files)
}

/// One file, by the name errors call it.
pub fn text(file: &Path) -> Result<Text, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failure::usage(format!("policy file `{name}` cannot be read: {e}")))?;
    Ok(Text { name, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = include_str!("../../../policies/tests/default.json");
    const CONTROL: &str = include_str!("../../../policies/tests/control.json");

    fn config(folder: &Path) -> Config {
        let mut config = Config::default();
        config.policies.files = vec![folder.join("calls.cedar")];
        config.policies.control_files = vec![folder.join("control")];
        config
    }

    fn write(folder: &Path, name: &str, text: &str) {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    #[test]
    fn tests_beside_the_policies_of_both_planes_are_run_and_a_wrong_expectation_fails() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "calls.cedar", "");
        write(folder, "calls.tests.json", OURS);
        write(folder, "control/a.cedar", "");
        write(folder, "control/a.tests.json", CONTROL);
        write(folder, "control/b.cedar", "");
        let configured = read(&config(folder)).unwrap();
        assert_eq!(
            (configured.control.files.len(), configured.control.tests.len()),
            (2, 1)
        );
        checked(&configured).unwrap();
        for (file, text) in [("calls.tests.json", OURS), ("control/a.tests.json", CONTROL)] {
            write(folder, file, &text.replacen("\"permit\"", "\"deny\"", 1));
            let failure = checked(&read(&config(folder)).unwrap()).unwrap_err().to_string();
            assert!(
                failure.contains("1 policy tests failed") && failure.contains(file),
                "{failure}"
            );
            write(folder, file, text);
        }
    }

    #[test]
    fn anp_0014_a_policy_for_calls_is_refused_on_the_control_plane_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "calls.cedar", "");
        write(
            folder,
            "control/a.cedar",
            "@id(\"open\") permit (principal, action, resource);",
        );
        let failure = checked(&read(&config(folder)).unwrap()).unwrap_err().to_string();
        assert!(failure.contains("`open`"), "{failure}");
    }

    #[test]
    fn a_folder_without_policies_is_a_slip() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "calls.cedar", "");
        std::fs::create_dir(folder.path().join("control")).unwrap();
        let failure = read(&config(folder.path())).unwrap_err().to_string();
        assert!(failure.contains("there is no `*.cedar`"), "{failure}");
    }
}
