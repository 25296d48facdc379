//! Dollars as people write them, read without a float in between.

use std::borrow::Cow;

use domain::Money;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of dollars, not negative: `0.15`, quoted or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dollars(pub Money);

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let amount: Money = text.parse().map_err(serde::de::Error::custom)?;
        if amount.is_negative() {
            return Err(serde::de::Error::custom("a price cannot be negative"));
        }
        Ok(Self(amount))
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Dollars {
    fn schema_name() -> Cow<'static, str> {
        "Dollars".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number"],
            "description": "Dollars with at most nine decimals, not negative: `0.15`.",
            "pattern": "^[0-9]*(\\.[0-9]{0,9})?$",
            "minimum": 0,
        })
    }
}
