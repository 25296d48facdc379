//! Files that guards are made of: lists of words, and modules that judge texts. Read when the configuration is, for `serve`,
//! reloads, `check` and the commands alike; never while calls are served.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use config::section;
use guard::Extensions;
use guard::custom::{ExtensionUse, Rule};
use guard_wasm::WasmExtension;

use crate::failure::{Failure, Hint};

/// The largest list of words that is read.
const LIST_BYTES_MAX: u64 = 4 << 20;

/// Reads lists of words into the rules that name them, and finds modules from where the configuration's file is.
pub fn read(guards: &mut section::Guards, folder: &Path) -> Result<(), Failure> {
    let profiles = guards.profiles.iter_mut();
    let customs = profiles.map(|profile| profile.guards.custom.as_mut());
    for custom in customs.chain([guards.custom.as_mut()]).flatten() {
        for rule in &mut custom.rules {
            if let Some(file) = &rule.file {
                rule.dictionary = words(&folder.join(file), &rule.name)?;
            }
        }
        for extension in &mut custom.extensions {
            if let Some(file) = &mut extension.file {
                *file = folder.join(&*file).display().to_string();
            }
        }
    }
    Ok(())
}

/// One a line; what stands behind a `#` is a comment.
fn words(file: &Path, rule: &str) -> Result<Vec<String>, Failure> {
    let failed =
        |why: String| Failure::usage(format!("the words of rule `{rule}`, `{}`, {why}", file.display()));
    let unreadable = |error: std::io::Error| failed(format!("cannot be read: {error}"));
    if std::fs::metadata(file).map_err(unreadable)?.len() > LIST_BYTES_MAX {
        return Err(failed(format!("are more than {LIST_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// The modules that any profile uses, each loaded once.
// threat: AGP-D1
pub fn extensions(guards: &section::Guards) -> Result<Extensions, Failure> {
    let mut loaded: BTreeMap<&str, &ExtensionUse> = BTreeMap::new();
    let mut all = Extensions::default();
    for used in uses(guards) {
        let Some(file) = &used.file else { continue };
        if let Some(known) = loaded.get(used.name.as_str()) {
            let is_same = (
                &known.file,
                &known.sha256,
                known.fuel_per_kib,
                known.memory_bytes_max,
            ) == (&used.file, &used.sha256, used.fuel_per_kib, used.memory_bytes_max);
            if !is_same {
                return Err(Failure::usage(format!(
                    "guard extension `{}` is two modules, or one with two bounds",
                    used.name
                ))
                .hint("give each a name of its own; profiles that use the same name it without its file"));
            }
            continue;
        }
        let failed =
            |why: String| Failure::usage(format!("guard extension `{}`, `{file}`, {why}", used.name));
        let bytes = std::fs::read(file).map_err(|error| failed(format!("cannot be read: {error}")))?;
        let module = WasmExtension::load(&bytes, used).map_err(|error| failed(error.to_string()))?;
        all.add(used.name.clone(), Arc::new(module));
        loaded.insert(&used.name, used);
    }
    match uses(guards).find(|used| !loaded.contains_key(used.name.as_str())) {
        None => Ok(all),
        Some(used) => Err(
            Failure::usage(format!("guard extension `{}` has no file anywhere", used.name))
                .hint("give its `file` and `sha256` where it is used first"),
        ),
    }
}

fn customs(guards: &section::Guards) -> impl Iterator<Item = &guard::custom::Custom> {
    let profiles = guards
        .profiles
        .iter()
        .map(|profile| profile.guards.custom.as_ref());
    [guards.custom.as_ref()].into_iter().chain(profiles).flatten()
}

fn uses(guards: &section::Guards) -> impl Iterator<Item = &ExtensionUse> {
    customs(guards).flat_map(|custom| &custom.extensions)
}

/// Two profiles that call two rules the same: one name would stand for both in records, and the stricter judge both.
pub fn named_twice(guards: &section::Guards) -> Result<(), Failure> {
    let mut known: BTreeMap<&str, &Rule> = BTreeMap::new();
    for rule in customs(guards).flat_map(|custom| &custom.rules) {
        let first = known.entry(&rule.name).or_insert(rule);
        let looks = |rule: &Rule| Rule {
            input: guard::Mode::Off,
            output: guard::Mode::Off,
            ..rule.clone()
        };
        if looks(first) != looks(rule) {
            return Err(Failure::usage(format!("two rules are called `{}`", rule.name))
                .hint("give each a name of its own: records and exceptions go by it"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guards(yaml: &str) -> section::Guards {
        let nothing = |_: &str| None;
        config::Config::parse(yaml, "test", &nothing).unwrap().guards
    }

    #[test]
    fn words_are_read_from_where_the_configuration_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("names.txt"),
            "# ours\nFalcon\n\n Falcon Heavy # two words\n",
        )
        .unwrap();
        let mut read_in = guards("guards: { custom: { rules: [{ name: ours, file: names.txt }] } }");
        read(&mut read_in, folder.path()).unwrap();
        let rule = &read_in.custom.as_ref().unwrap().rules[0];
        assert_eq!(rule.dictionary, ["Falcon", "Falcon Heavy"]);
        assert!(read_in.always().problems().is_empty());
        let mut missing = guards("guards: { custom: { rules: [{ name: ours, file: none.txt }] } }");
        assert!(read(&mut missing, folder.path()).is_err());
    }

    #[test]
    fn an_extension_without_a_file_and_one_name_for_two_rules_are_refused() {
        assert!(extensions(&guards("guards: { custom: { extensions: [{ name: mine }] } }")).is_err());
        let twice = "guards:\n  custom: { rules: [{ name: a, words: [x] }] }\n  profiles:\n    - { name: p, guards: { custom: { rules: [{ name: a, words: [y] }] } } }\n";
        assert!(named_twice(&guards(twice)).is_err());
        let same = twice.replace("[y]", "[x], input: block");
        assert!(named_twice(&guards(&same)).is_ok());
    }
}
