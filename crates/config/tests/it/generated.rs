//! What is generated is checked in and up to date. `UPDATE_GENERATED=1` writes it anew.

use std::path::Path;

use serde_json::Value;

#[track_caller]
fn up_to_date(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "{file} is out of date: run UPDATE_GENERATED=1 cargo test -p config"
    );
}

#[test]
fn the_schema_is_up_to_date() {
    up_to_date("bartizan.schema.json", &format!("{:#}\n", config::schema()));
}

#[test]
fn the_reference_is_up_to_date() {
    up_to_date("docs/configuration.md", &config::reference_markdown());
}

/// Every key in the schema, by enumeration: documented, and strict where it is an object.
fn walk(path: &str, schema: &Value, undocumented: &mut Vec<String>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        undocumented.push(format!("{path} takes unknown keys"));
    }
    for (key, value) in properties {
        if value
            .get("description")
            .and_then(Value::as_str)
            .is_none_or(str::is_empty)
        {
            undocumented.push(format!("{path}.{key} is not documented"));
        }
    }
}

#[test]
fn agp_t3_every_key_is_documented_and_every_object_strict() {
    let schema = config::schema();
    let mut found = Vec::new();
    walk("", &schema, &mut found);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        walk(name, definition, &mut found);
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn every_key_of_the_schema_is_in_the_reference() {
    let (schema, page) = (config::schema(), config::reference_markdown());
    let definitions = schema["$defs"].as_object().unwrap().values();
    for object in definitions.chain([&schema]) {
        for key in object
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
        {
            assert!(page.contains(&format!("| `{key}` |")), "{key}");
        }
    }
}
