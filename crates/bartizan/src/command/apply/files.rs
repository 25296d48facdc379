//! Configurations from files: YAML of one or several documents, or JSON. Those of one tenant are one; every part
//! keeps its place, so that what is wrong with it is said with file and line. Nothing in them is expanded.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::failure::{Failure, Hint};

/// The largest file.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Members of a document that are lists, and so may be in several files.
const SECTIONS: [&str; 7] = [
    "teams", "projects", "services", "users", "grants", "keys", "budgets",
];

/// Members of which a tenant has one, said all at once.
pub const ONE_EACH: [&str; 2] = ["guards", "consents"];

/// A value that knows its line.
#[derive(Debug)]
enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Table(Vec<(String, Spanned<Node>)>),
}

impl Node {
    fn to_json(&self) -> Value {
        match self {
            Self::Scalar(value) => value.clone(),
            Self::List(items) => items.iter().map(|item| item.value.to_json()).collect(),
            Self::Table(members) => {
                let members = members
                    .iter()
                    .map(|(name, member)| (name.clone(), member.value.to_json()));
                Value::Object(members.collect())
            }
        }
    }

    fn member(&self, name: &str) -> Option<&Spanned<Self>> {
        match self {
            Self::Table(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, member)| member),
            Self::List(items) => items.get(name.parse::<usize>().ok()?),
            Self::Scalar(_) => None,
        }
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }
    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }
    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }
    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Node, D::Error> {
        inner.deserialize_any(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Node::List(all))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some(member) = members.next_entry()? {
            all.push(member);
        }
        Ok(Node::Table(all))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

/// A part and the file it is in.
#[derive(Debug)]
struct Placed {
    file: String,
    node: Spanned<Node>,
}

/// All that the files say of one tenant.
#[derive(Debug)]
pub struct Document {
    tenant: String,
    /// What is not a list: the tenant itself, and what the gate will refuse.
    members: Vec<(String, Placed)>,
    sections: Vec<(&'static str, Vec<Placed>)>,
}

impl Document {
    /// The tenant's name.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// As it is sent.
    pub fn to_json(&self) -> Value {
        let mut whole = Map::new();
        for (name, placed) in &self.members {
            whole.insert(name.clone(), placed.node.value.to_json());
        }
        for (name, items) in &self.sections {
            let items = items.iter().map(|placed| placed.node.value.to_json());
            whole.insert((*name).to_owned(), items.collect());
        }
        Value::Object(whole)
    }

    /// The names of the things in a section, as people call them.
    pub fn labels(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.sections.iter().flat_map(|(section, items)| {
            items.iter().map(|placed| {
                let text = |name: &str| match placed.node.value.member(name).map(|node| &node.value) {
                    Some(Node::Scalar(Value::String(text))) => Some(text.clone()),
                    _ => None,
                };
                let named = text("email").or_else(|| text("name"));
                let granted = || {
                    Some(format!(
                        "{}: {}",
                        text("user").or_else(|| text("service"))?,
                        text("role")?
                    ))
                };
                (*section, named.or_else(granted).unwrap_or_default())
            })
        })
    }

    /// Where the pointer leads: `file:line`.
    pub fn locate(&self, pointer: &str) -> Option<String> {
        let mut steps = pointer.split('/').skip(1);
        let first = steps.next()?;
        let section = self.sections.iter().find(|(name, _)| *name == first);
        let placed = match section {
            Some((_, items)) => items.get(steps.next()?.parse::<usize>().ok()?)?,
            None => &self.members.iter().find(|(name, _)| name == first)?.1,
        };
        let mut node = &placed.node;
        for step in steps {
            match node.value.member(&step.replace("~1", "/").replace("~0", "~")) {
                Some(inner) => node = inner,
                None => break,
            }
        }
        Some(format!("{}:{}", placed.file, node.defined.line()))
    }
}

/// Reads all of them; folders in the order of their files' names.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Document>, Failure> {
    let mut all: Vec<Document> = Vec::new();
    let mut is_any = false;
    for path in paths {
        for file in listed(path)? {
            let name = file.display().to_string();
            for node in parse(&name, &text(&file)?)? {
                is_any = true;
                add(&mut all, &name, node)?;
            }
        }
    }
    if is_any {
        return Ok(all);
    }
    Err(Failure::usage("there is no document in these files")
        .hint("`bartizan export` shows what one looks like"))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("`{}` cannot be read: {error}", path.display()))
}

fn listed(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
        let file = entry.map_err(|error| unreadable(path, &error))?.path();
        let kind = file.extension().and_then(|kind| kind.to_str());
        if matches!(kind, Some("yaml" | "yml" | "json")) && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn text(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .take(FILE_BYTES_MAX + 1)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text))
    };
    let length = read.map_err(|error| unreadable(path, &error))?;
    if length as u64 > FILE_BYTES_MAX {
        return Err(Failure::usage(format!(
            "`{}` is larger than {FILE_BYTES_MAX} bytes",
            path.display()
        )));
    }
    Ok(text)
}

fn parse(file: &str, text: &str) -> Result<Vec<Spanned<Node>>, Failure> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let place = error
            .location()
            .map_or_else(String::new, |at| format!(":{}", at.line()));
        let said = error.to_string();
        let line = said.lines().next().unwrap_or_default().to_owned();
        Failure::usage(format!("{file}{place}: {line}"))
    })
}

/// Adds a document to what is known of its tenant.
fn add(all: &mut Vec<Document>, file: &str, node: Spanned<Node>) -> Result<(), Failure> {
    let line = node.defined.line();
    let wrong = |why: &str| Failure::usage(format!("{file}:{line}: {why}"));
    let name = match node
        .value
        .member("tenant")
        .and_then(|tenant| tenant.value.member("name"))
    {
        Some(Spanned {
            value: Node::Scalar(Value::String(name)),
            ..
        }) => name.clone(),
        _ => return Err(wrong("a document says whose it is: `tenant: {name: …}`")),
    };
    let Node::Table(members) = node.value else {
        return Err(wrong("a document is a table"));
    };
    let at = match all.iter().position(|document| document.tenant == name) {
        Some(at) => at,
        None => {
            all.push(Document {
                tenant: name,
                members: Vec::new(),
                sections: Vec::new(),
            });
            all.len() - 1
        }
    };
    let Some(document) = all.get_mut(at) else {
        return Ok(());
    };
    for (name, node) in members {
        let line = node.defined.line();
        if ONE_EACH.contains(&name.as_str()) && document.has(&name) {
            let why = format!(
                "{file}:{line}: `{name}` stands in two places, and is one thing: put all of it into one"
            );
            return Err(Failure::usage(why));
        }
        document.add(file, name, node);
    }
    Ok(())
}

impl Document {
    /// Whether something that is no list is there.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(known, _)| known == name)
    }

    fn add(&mut self, file: &str, name: String, node: Spanned<Node>) {
        let placed = |node| Placed {
            file: file.to_owned(),
            node,
        };
        let section = SECTIONS.into_iter().find(|section| *section == name);
        match (section, node) {
            (
                Some(section),
                Spanned {
                    value: Node::List(items),
                    ..
                },
            ) => {
                let items = items.into_iter().map(placed);
                match self.sections.iter_mut().find(|(known, _)| *known == section) {
                    Some((_, known)) => known.extend(items),
                    None => self.sections.push((section, items.collect())),
                }
            }
            // The first that says more than the name speaks for the tenant.
            (_, node) => match self.members.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) if is_short(&known.node.value) && !is_short(&node.value) => {
                    *known = placed(node);
                }
                Some(_) => {}
                None => self.members.push((name, placed(node))),
            },
        }
    }
}

/// Whether it says no more than a name.
fn is_short(node: &Node) -> bool {
    matches!(node, Node::Table(members) if members.len() < 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(files: &[(&str, &str)]) -> Result<Vec<Document>, Failure> {
        let mut all = Vec::new();
        for (file, text) in files {
            for node in parse(file, text)? {
                add(&mut all, file, node)?;
            }
        }
        Ok(all)
    }

    #[test]
    fn documents_of_one_tenant_are_one_and_every_part_keeps_its_line() {
        let one = "tenant:\n  name: acme\nteams:\n  - name: a\n---\ntenant: {name: other}\n";
        let two = "# more\ntenant: {name: acme}\nteams:\n  - name: b\n    limits:\n      requests_per_minute: 5\nkeys: []\n";
        let all = documents(&[("one.yaml", one), ("two.yaml", two)]).unwrap();
        let names: Vec<_> = all.iter().map(Document::tenant).collect();
        assert_eq!(names, ["acme", "other"]);
        let expected = serde_json::json!({
            "tenant": {"name": "acme"}, "keys": [],
            "teams": [{"name": "a"}, {"name": "b", "limits": {"requests_per_minute": 5}}],
        });
        assert_eq!(all[0].to_json(), expected);
        for (pointer, place) in [
            ("/teams/0", "one.yaml:4"),
            ("/teams/1/name", "two.yaml:4"),
            ("/teams/1/limits/requests_per_minute", "two.yaml:6"),
            ("/teams/1/missing", "two.yaml:4"),
            ("/tenant/name", "one.yaml:2"),
        ] {
            assert_eq!(all[0].locate(pointer).as_deref(), Some(place), "{pointer}");
        }
        assert_eq!(all[0].locate("/teams/7"), None);
    }

    #[test]
    fn nothing_is_expanded_and_numbers_stay_numbers() {
        let text = "tenant: {name: acme}\nusers:\n  - {email: a@b, name: '${HOME}'}\n  - email: c@d\n    name: ${HOME}\nbudgets:\n  - {name: b, limit_nanos: 9007199254740993, window: day}\n";
        let all = documents(&[("f", text)]).unwrap();
        let json = all[0].to_json();
        assert_eq!(json["users"][0]["name"], "${HOME}");
        assert_eq!(json["users"][1]["name"], "${HOME}");
        assert_eq!(json["budgets"][0]["limit_nanos"], 9_007_199_254_740_993_i64);
    }

    #[test]
    fn what_does_not_read_is_said_with_its_line() {
        for (text, said) in [
            ("tenant: {name: acme}\nteams:\n  - name: [\n", "error: f:"),
            ("tenant: {name: acme}\nteams: []\nteams: []\n", "error: f:3"),
            ("teams: []\n", "error: f:1: a document says whose it is"),
            ("- a\n", "error: f:1: a document says whose it is"),
        ] {
            let failure = documents(&[("f", text)]).unwrap_err().to_string();
            assert!(failure.starts_with(said), "{failure}");
        }
    }
}
