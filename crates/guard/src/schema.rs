//! JSON Schemas that operators set: read once, in linear time, with nothing fetched. Says where something does not meet
//! one; never what stands there.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

/// The largest schema, in bytes of JSON.
const SCHEMA_BYTES_MAX: usize = 256 * 1024;
/// The most memory that one pattern may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Steps of a place that are shown.
const STEPS_MAX: usize = 16;

/// A schema made ready; else what is wrong with it, for its author.
pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    let bytes = serde_json::to_vec(schema).map_or(usize::MAX, |it| it.len());
    if bytes > SCHEMA_BYTES_MAX {
        return Err(format!("is {bytes} bytes: a schema may have {SCHEMA_BYTES_MAX}"));
    }
    if !(schema.is_object() || schema.is_boolean()) {
        return Err("is no JSON Schema: give an object such as `{type: object}`".to_owned());
    }
    jsonschema::options()
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
        .build(schema)
        .map_err(|error| format!("is no JSON Schema that can be used: {error} (references lead within it alone, patterns have no look-around)"))
}

/// Whether a value meets a schema; else what is wrong with either, without anything that stands in the value.
pub fn meets_schema(schema: &Value, value: &Value) -> Result<(), String> {
    let validator = compile(schema).map_err(|why| format!("its schema {why}"))?;
    match first_error(&validator, Some(schema), value) {
        None => Ok(()),
        Some(why) => Err(why),
    }
}

/// Where a value does not meet a schema, the first place only; `None` where it does.
///
/// Names that stand in the schema are its author's own and are shown; others are not, for a model may have written anything.
pub(crate) fn first_error(validator: &Validator, schema: Option<&Value>, value: &Value) -> Option<String> {
    let error = validator.iter_errors(value).next()?;
    let mut names = std::collections::HashSet::new();
    if let Some(schema) = schema {
        collect(schema, &mut names);
    }
    let place = error.instance_path().as_str();
    let mut shown = String::new();
    for step in place.split('/').skip(1).take(STEPS_MAX) {
        let plain = step.replace("~1", "/").replace("~0", "~");
        let is_number = !step.is_empty() && step.len() < 8 && step.bytes().all(|byte| byte.is_ascii_digit());
        shown.push('/');
        shown.push_str(if is_number || names.contains(plain.as_str()) {
            step
        } else {
            "*"
        });
    }
    Some(format!(
        "`{shown}` does not meet `{}` of the schema",
        error.schema_path().as_str()
    ))
}

/// Names that a schema itself holds: of properties, and those it asks for.
fn collect<'s>(schema: &'s Value, names: &mut std::collections::HashSet<&'s str>) {
    match schema {
        Value::Object(map) => {
            for (name, inner) in map {
                names.insert(name);
                collect(inner, names);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| collect(inner, names)),
        Value::String(text) => {
            names.insert(text);
        }
        _ => {}
    }
}
