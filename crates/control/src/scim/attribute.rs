//! How an attribute is described to clients (RFC 7643 section 7): only what is kept here, and as it is kept.

use serde_json::{Map, Value, json};

/// One attribute's description, in the making.
pub struct Attribute(Map<String, Value>);

/// A text that anybody may change.
pub fn text(name: &str, about: &str) -> Attribute {
    of("string", name, about)
}

/// A truth.
pub fn truth(name: &str, about: &str) -> Attribute {
    of("boolean", name, about)
}

/// A number.
pub fn number(name: &str, about: &str) -> Attribute {
    of("integer", name, about)
}

/// An attribute with parts.
pub fn parts(name: &str, about: &str, parts: Vec<Attribute>) -> Attribute {
    let parts: Vec<Value> = parts.into_iter().map(Attribute::done).collect();
    of("complex", name, about).with("subAttributes", parts.into())
}

/// Where something is: one of these kinds.
pub fn reference(name: &str, about: &str, to: &[&str]) -> Attribute {
    of("reference", name, about)
        .with("referenceTypes", json!(to))
        .exact()
}

fn of(kind: &str, name: &str, about: &str) -> Attribute {
    let members = json!({
        "name": name, "type": kind, "multiValued": false, "description": about, "required": false,
        "caseExact": false, "mutability": "readWrite", "returned": "default", "uniqueness": "none",
    });
    Attribute(members.as_object().cloned().unwrap_or_default())
}

impl Attribute {
    fn with(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// There may be several.
    pub fn several(self) -> Self {
        self.with("multiValued", true.into())
    }

    /// There must be one.
    pub fn required(self) -> Self {
        self.with("required", true.into())
    }

    /// No two have the same.
    pub fn unique(self) -> Self {
        self.with("uniqueness", "server".into())
    }

    /// Upper and lower case differ.
    pub fn exact(self) -> Self {
        self.with("caseExact", true.into())
    }

    /// Said by us; whatever is sent is not looked at.
    pub fn said(self) -> Self {
        self.with("mutability", "readOnly".into())
    }

    /// Given once.
    pub fn once(self) -> Self {
        self.with("mutability", "immutable".into())
    }

    /// One of these.
    pub fn one_of(self, values: &[&str]) -> Self {
        self.with("canonicalValues", json!(values))
    }

    /// As it goes over the wire.
    pub fn done(self) -> Value {
        Value::Object(self.0)
    }
}
