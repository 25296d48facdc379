//! The JSON Schema of the file, generated from the types that read it.

use serde_json::Value;

use crate::Config;

/// The JSON Schema (draft 2020-12) that `bartizan.schema.json` holds.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Config);
    schema.insert("title".to_owned(), "bartizan.yaml".into());
    schema.to_value()
}
