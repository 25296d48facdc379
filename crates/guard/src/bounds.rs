//! How large, how deep and of what form a request may be. Judges what was counted; never reads text, except where a JSON
//! Schema for the whole body is set.

use jsonschema::Validator;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::Gate;
use crate::facts::RequestFacts;
use crate::finding::{Finding, Kind, SURE};
use crate::schema;

/// So many tools and roles one list may name.
const NAMES_MAX: usize = 1_024;

/// How large, how deep and of what form a request may be. What is left out is not bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "BoundsGuard")]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// What is done about a request beyond them.
    pub input: Gate,
    /// Messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_max: Option<u64>,
    /// Parts of one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts_max: Option<u64>,
    /// Characters of all text that a model will see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub characters_max: Option<u64>,
    /// Characters of one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_characters_max: Option<u64>,
    /// Bytes of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_bytes_max: Option<u64>,
    /// How deep arrays and objects may lie in each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth_max: Option<u64>,
    /// Pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images_max: Option<u64>,
    /// Bytes of one picture, decoded. One that lies elsewhere is of unknown size, and beyond it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_bytes_max: Option<u64>,
    /// Media types that pictures may say, such as `image/png`. One that says none is of none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_types: Option<Vec<String>>,
    /// Files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_max: Option<u64>,
    /// Tools that are offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools_max: Option<u64>,
    /// Names of tools that may be offered; a `*` stands for any run of characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools_allowed: Option<Vec<String>>,
    /// Names of tools that may not be, allowed or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools_denied: Vec<String>,
    /// Roles that messages may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// A JSON Schema that the whole body must meet. It refers to nothing outside itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<Value>,
}

/// Something beyond what is set, and why: limits and numbers, never text of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Its rule.
    pub finding: Finding,
    /// Why, for the caller; the same words for the same cause.
    pub why: String,
}

impl Remark {
    pub(crate) fn new(kind: Kind, rule: &'static str, why: String) -> Self {
        let finding = Finding {
            span: 0..0,
            rule: rule.into(),
            kind,
            category: "",
            score: SURE,
        };
        Self { finding, why }
    }
}

impl Bounds {
    /// What of a request is beyond them; `body` is asked for where a schema is set.
    // threat: AGP-T1
    pub(crate) fn judge(
        &self,
        facts: &RequestFacts,
        schema: Option<&Validator>,
        body: Option<&Value>,
    ) -> Vec<Remark> {
        let mut out = Vec::new();
        let mut add = |rule: &'static str, why: String| out.push(Remark::new(Kind::Bounds, rule, why));
        let most = |numbers: &mut dyn Iterator<Item = u64>| numbers.max().unwrap_or_default();
        let count = |number: usize| number as u64;
        let numbers = [
            (
                "bounds:messages_max",
                "messages",
                self.messages_max,
                count(facts.messages.len()),
            ),
            (
                "bounds:parts_max",
                "parts of a message",
                self.parts_max,
                most(&mut facts.messages.iter().map(|it| u64::from(it.parts))),
            ),
            (
                "bounds:characters_max",
                "characters",
                self.characters_max,
                facts.characters,
            ),
            (
                "bounds:message_characters_max",
                "characters of a message",
                self.message_characters_max,
                most(&mut facts.messages.iter().map(|it| it.characters)),
            ),
            (
                "bounds:body_bytes_max",
                "bytes of the body",
                self.body_bytes_max,
                facts.body_bytes,
            ),
            (
                "bounds:depth_max",
                "levels",
                self.depth_max,
                u64::from(facts.depth),
            ),
            (
                "bounds:images_max",
                "images",
                self.images_max,
                count(facts.media.images.len()),
            ),
            (
                "bounds:files_max",
                "files",
                self.files_max,
                u64::from(facts.media.files),
            ),
            (
                "bounds:tools_max",
                "tools",
                self.tools_max,
                count(facts.tools.len()),
            ),
        ];
        for (rule, what, limit, number) in numbers {
            if let Some(limit) = limit.filter(|limit| number > *limit) {
                add(rule, format!("{number} {what}, {limit} allowed"));
            }
        }
        if let Some(limit) = self.image_bytes_max {
            let over = facts
                .media
                .images
                .iter()
                .zip(1_u32..)
                .find(|(image, _)| image.bytes.is_none_or(|it| it > limit));
            if let Some((image, number)) = over {
                let bytes = image
                    .bytes
                    .map_or("an unknown number of".to_owned(), |bytes| bytes.to_string());
                add(
                    "bounds:image_bytes_max",
                    format!("image {number} has {bytes} bytes, {limit} allowed"),
                );
            }
        }
        if let Some(types) = &self.image_types {
            let is_known = |said: &Option<String>| {
                said.as_ref()
                    .is_some_and(|said| types.iter().any(|one| one.eq_ignore_ascii_case(said)))
            };
            let other = facts
                .media
                .images
                .iter()
                .zip(1_u32..)
                .find(|(image, _)| !is_known(&image.media_type));
            if let Some((_, number)) = other {
                add(
                    "bounds:image_types",
                    format!("image {number} is of no allowed type"),
                );
            }
        }
        let denied = |tool: &String| self.tools_denied.iter().any(|glob| globs(glob, tool));
        let allowed = |tool: &String| match &self.tools_allowed {
            Some(globs_) => globs_.iter().any(|glob| globs(glob, tool)),
            None => true,
        };
        if let Some((_, number)) = facts.tools.iter().zip(1_u32..).find(|(tool, _)| denied(tool)) {
            add("bounds:tools_denied", format!("tool {number} is denied"));
        }
        if let Some((_, number)) = facts.tools.iter().zip(1_u32..).find(|(tool, _)| !allowed(tool)) {
            add(
                "bounds:tools_allowed",
                format!("tool {number} is not among those that are allowed"),
            );
        }
        if let Some(roles) = &self.roles {
            let other = facts
                .messages
                .iter()
                .zip(1_u32..)
                .find(|(message, _)| !roles.contains(&message.role));
            if let Some((_, number)) = other {
                add(
                    "bounds:roles",
                    format!("message {number} has a role that is not allowed"),
                );
            }
        }
        if let Some(schema) = schema {
            let why = match body {
                Some(body) => schema::first_error(schema, self.json_schema.as_ref(), body),
                None => Some("the body is no JSON".to_owned()),
            };
            if let Some(why) = why {
                add("bounds:json_schema", why);
            }
        }
        out
    }

    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if let Some(Err(why)) = self.json_schema.as_ref().map(schema::compile) {
            problems.push(("bounds.json_schema", why));
        }
        let lists = [
            ("bounds.tools_allowed", self.tools_allowed.as_ref()),
            ("bounds.tools_denied", Some(&self.tools_denied)),
            ("bounds.roles", self.roles.as_ref()),
            ("bounds.image_types", self.image_types.as_ref()),
        ];
        for (at, list) in lists {
            if list.is_some_and(|list| list.len() > NAMES_MAX) {
                problems.push((
                    at,
                    format!("are more than {NAMES_MAX}: use `*` for what names have in common"),
                ));
            }
            if list.is_some_and(|list| list.iter().any(|one| one.trim().is_empty())) {
                problems.push((at, "hold an empty name: leave it out".into()));
            }
        }
        problems
    }
}

/// Whether a name is one that a glob means; a `*` stands for any run of characters.
fn globs(glob: &str, name: &str) -> bool {
    let Some((head, tail)) = glob.split_once('*') else {
        return glob == name;
    };
    let Some(mut rest) = name.strip_prefix(head) else {
        return false;
    };
    let mut middle = tail.split('*').collect::<Vec<_>>();
    let last = middle.pop().unwrap_or_default();
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::globs;

    #[test]
    fn a_star_stands_for_any_run() {
        for (glob, name, means) in [
            ("read_*", "read_file", true),
            ("read_*", "read_", true),
            ("read_*", "spread_file", false),
            ("*", "", true),
            ("*_file", "read_file", true),
            ("*_file", "_file_", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("search", "search", true),
            ("search", "Search", false),
        ] {
            assert_eq!(globs(glob, name), means, "{glob} {name}");
        }
    }
}
