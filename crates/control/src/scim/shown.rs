//! Which attributes of a resource a client wants to see (RFC 7644 section 3.9): those it names, or all but those.
//! What a resource is known by is always there.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::wire::No;

const ALWAYS: [&str; 2] = ["schemas", "id"];

/// What of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All.
    All,
    /// These, and what it is known by.
    Only(Vec<String>),
    /// All but these.
    Without(Vec<String>),
}

impl Wanted {
    /// As the query's parameters say.
    pub fn of(query: &HashMap<String, String>) -> Result<Self, No> {
        let names = |parameter| query.get(parameter).map(|text: &String| names(text));
        match (names("attributes"), names("excludedAttributes")) {
            (None, None) => Ok(Self::All),
            (Some(only), None) => Ok(Self::Only(only)),
            (None, Some(without)) => Ok(Self::Without(without)),
            (Some(_), Some(_)) => Err(No::value("`attributes` or `excludedAttributes`, not both")),
        }
    }

    /// As much of a resource, or of each of a list.
    pub fn cut(&self, body: &mut Value) {
        match body.get_mut("Resources").and_then(Value::as_array_mut) {
            Some(all) => all.iter_mut().for_each(|one| self.cut_one(one)),
            None => self.cut_one(body),
        }
    }

    fn cut_one(&self, resource: &mut Value) {
        let Some(members) = resource.as_object_mut() else {
            return;
        };
        let (named, stays) = match self {
            Self::All => return,
            Self::Only(named) => (named, true),
            Self::Without(named) => (named, false),
        };
        members.retain(|name, value| {
            let name = name.to_ascii_lowercase();
            if ALWAYS.contains(&name.as_str()) {
                return true;
            }
            if named.contains(&name) {
                return stays;
            }
            let parts = parts_of(&name, named);
            if !parts.is_empty() {
                each(value, |all| {
                    all.retain(|part, _| parts.contains(&part.to_ascii_lowercase().as_str()) == stays);
                });
            }
            !stays || !parts.is_empty()
        });
    }
}

/// Names of attributes, in lower case and without their schema; parts after a dot.
fn names(text: &str) -> Vec<String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(short).collect()
}

/// `urn:…:User:userName` is `username`: a schema's own name ends before a colon.
pub fn short(name: &str) -> String {
    let core = "urn:ietf:params:scim:schemas:core:2.0:";
    let name = name.to_ascii_lowercase();
    let rest = name.strip_prefix(core).and_then(|rest| rest.split_once(':'));
    rest.map(|(_, short)| short.to_owned()).unwrap_or(name)
}

/// `formatted` of `name.formatted`.
fn parts_of<'a>(name: &str, all: &'a [String]) -> Vec<&'a str> {
    let parts = all.iter().filter_map(|one| one.split_once('.'));
    parts
        .filter(|(of, _)| *of == name)
        .map(|(_, part)| part)
        .collect()
}

/// The parts of an attribute, of each where there are several.
fn each(value: &mut Value, mut act: impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(parts) => act(parts),
        Value::Array(all) => all.iter_mut().filter_map(Value::as_object_mut).for_each(act),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cut(parameter: &str, names: &str) -> Value {
        let query = HashMap::from([(parameter.to_owned(), names.to_owned())]);
        let mut body = json!({"Resources": [{
            "schemas": ["s"], "id": "1", "userName": "a", "name": {"formatted": "A", "other": "B"},
            "members": [{"value": "1", "type": "User"}],
        }]});
        Wanted::of(&query).unwrap().cut(&mut body);
        body["Resources"][0].clone()
    }

    #[test]
    fn what_is_asked_for_is_shown() {
        let known = |more: Value| {
            let mut all = json!({"schemas": ["s"], "id": "1"});
            all.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            all
        };
        for (names, more) in [
            ("userName", json!({"userName": "a"})),
            (" USERNAME , nobody", json!({"userName": "a"})),
            (
                "urn:ietf:params:scim:schemas:core:2.0:User:userName",
                json!({"userName": "a"}),
            ),
            ("name.formatted", json!({"name": {"formatted": "A"}})),
            ("members.value", json!({"members": [{"value": "1"}]})),
            ("", json!({})),
        ] {
            assert_eq!(cut("attributes", names), known(more), "{names}");
        }
        let without = cut("excludedAttributes", "members,id,schemas,name.other");
        assert_eq!(
            without,
            known(json!({"userName": "a", "name": {"formatted": "A"}}))
        );
        let both =
            HashMap::from(["attributes", "excludedAttributes"].map(|it| (it.to_owned(), String::new())));
        assert!(Wanted::of(&both).is_err());
    }
}
