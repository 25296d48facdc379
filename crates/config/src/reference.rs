//! The reference page of the file, generated from the schema: one table a section.

use serde_json::{Map, Value};

use crate::{Config, schema};

const HEAD: &str = "\
# Configuration

Generated from the types that read the file; regenerate with `UPDATE_GENERATED=1 cargo test -p config`.

`bartizan.yaml` is read strictly: an unknown key, a key that is there twice, or a value of the wrong type is an
error that names the line, the column and the nearest known key. Without a file everything has its default.

- **Variables.** An unquoted value may hold `${NAME}` (an error if the variable is not set) or `${NAME:-default}`.
  Inside quotes nothing is expanded, and a `${NAME}` there is an error; `$${` is a literal `${`. What a variable
  holds is never read as YAML and never shown in an error.
- **Secrets** are never in the file, only where they are kept: `env:NAME`, `file:/absolute/path`,
  `sealed:NAME` (`bartizan secrets put NAME`), `stored:NAME` (`bartizan ctl credentials`, for providers) or
  `vault:MOUNT/PATH#FIELD` (`secrets.vault`).
- **Units** come last in a key: `_ms` milliseconds, `_bytes` bytes, `_max` the most that is allowed.
- **Relative paths** start at the folder the file is in.
- `bartizan check` reads the file with the code that serves, and checks that the keys fit together.
";

/// The text of `docs/configuration.md`.
pub fn reference_markdown() -> String {
    let schema = schema();
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let mut page = Page {
        root: &schema,
        text: HEAD.to_owned(),
    };
    page.section("", &schema, Some(&defaults));
    page.text
}

struct Page<'a> {
    root: &'a Value,
    text: String,
}

impl<'a> Page<'a> {
    /// One object's table, then the tables of the objects in it.
    fn section(&mut self, path: &str, object: &'a Value, defaults: Option<&Value>) {
        let title = if path.is_empty() {
            "Top level".to_owned()
        } else {
            format!("`{path}`")
        };
        self.text += &format!("\n## {title}\n\n{}\n\n", describe(object));
        self.text += "| key | value | default | meaning |\n|---|---|---|---|\n";
        let keys = properties(object);
        for (key, value) in &keys {
            let default = defaults.map_or_else(|| value.get("default"), |all| all.get(key));
            self.row(object, key, value, default);
        }
        for (key, value) in keys {
            let inner = self.object_in(value);
            let own = defaults
                .and_then(|all| all.get(key))
                .or_else(|| value.get("default"))
                .filter(|d| d.is_object());
            if let Some((suffix, inner)) = inner {
                let prefix = if path.is_empty() {
                    String::new()
                } else {
                    format!("{path}.")
                };
                self.section(&format!("{prefix}{key}{suffix}"), inner, own);
            }
        }
    }

    fn row(&mut self, object: &Value, key: &str, value: &'a Value, default: Option<&Value>) {
        let required = object
            .get("required")
            .and_then(Value::as_array)
            .is_some_and(|all| all.iter().any(|k| k == key));
        let default = match default {
            _ if required => "required".to_owned(),
            None | Some(Value::Null) => "–".to_owned(),
            Some(Value::Object(map)) if map.is_empty() => "–".to_owned(),
            Some(Value::Object(_)) => "see below".to_owned(),
            Some(Value::String(text)) => format!("`{text}`"),
            Some(other) => format!("`{other}`"),
        };
        let mut meaning = describe(value);
        for (choice, says) in self
            .choices(value)
            .into_iter()
            .filter(|(_, says)| !says.is_empty())
        {
            meaning += &format!("<br>`{choice}`: {says}");
        }
        self.text += &format!(
            "| `{key}` | {} | {default} | {} |\n",
            self.kind(value),
            meaning.replace('|', "\\|")
        );
    }

    /// What a value may be, in words.
    fn kind(&self, value: &'a Value) -> String {
        let target = self.resolve(value);
        let choices = self.choices(value);
        if !choices.is_empty() {
            let names: Vec<_> = choices.iter().map(|(choice, _)| format!("`{choice}`")).collect();
            return names.join(", ");
        }
        if reference(value).is_some_and(|name| name == "SecretRef") {
            return "secret reference".to_owned();
        }
        if reference(value).is_some_and(|name| name == "Dollars") {
            return "dollars".to_owned();
        }
        match type_of(target) {
            "array" => format!(
                "list of {}",
                plural(
                    &target
                        .get("items")
                        .map(|items| self.kind(items))
                        .unwrap_or_default()
                )
            ),
            "object" if target.get("properties").is_some() => "section".to_owned(),
            "object" => {
                let inner = target
                    .get("additionalProperties")
                    .map(|inner| self.kind(inner))
                    .unwrap_or_default();
                format!("map of names to {}", plural(&inner))
            }
            "integer" => "whole number".to_owned(),
            "boolean" => "`true`, `false`".to_owned(),
            "string" => "text".to_owned(),
            other => other.to_owned(),
        }
    }

    /// The values of an enumeration and what each means.
    fn choices(&self, value: &'a Value) -> Vec<(String, String)> {
        let target = self.resolve(value);
        let text = |v: &Value| v.as_str().map(str::to_owned);
        let plain = target.get("enum").and_then(Value::as_array).into_iter().flatten();
        let described = target
            .get("oneOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let described = described.filter_map(|one| Some((text(one.get("const")?)?, describe(one))));
        plain
            .filter_map(|v| Some((text(v)?, String::new())))
            .chain(described)
            .collect()
    }

    /// The object schema within a value, and what to append to its path: a list's items, an optional section.
    fn object_in(&self, value: &'a Value) -> Option<(&'static str, &'a Value)> {
        let target = self.resolve(value);
        if target.get("properties").is_some() {
            return Some(("", target));
        }
        let items = self.resolve(target.get("items")?);
        items.get("properties").is_some().then_some(("[]", items))
    }

    /// Follows a `$ref`, also through an `anyOf` with null.
    fn resolve(&self, value: &'a Value) -> &'a Value {
        let definitions = self.root.get("$defs");
        reference(value)
            .and_then(|name| definitions?.get(name))
            .unwrap_or(value)
    }
}

fn reference(value: &Value) -> Option<&str> {
    let own = value.get("$ref");
    let any = value
        .get("anyOf")
        .and_then(Value::as_array)
        .and_then(|all| all.iter().find_map(|one| one.get("$ref")));
    own.or(any)?.as_str()?.strip_prefix("#/$defs/")
}

/// The type's name; of a nullable one, the other.
fn type_of(value: &Value) -> &str {
    let named = value.get("type");
    let several = named
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|one| *one != "null");
    several.or(named).and_then(Value::as_str).unwrap_or("value")
}

fn plural(kind: &str) -> String {
    match kind {
        "section" => "sections".to_owned(),
        "text" => "texts".to_owned(),
        "secret reference" => "secret references".to_owned(),
        other => other.to_owned(),
    }
}

fn properties(object: &Value) -> Vec<(&String, &Value)> {
    object
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
        .collect()
}

fn describe(value: &Value) -> String {
    let text = value
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
