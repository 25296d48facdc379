//! From texts to a checked set of policies. What comes out of here parses, is in the schema's words,
//! can apply to something, and has an id that names it in a log.

use std::collections::BTreeMap;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};

use crate::PolicyError;
use crate::error::{advice, clip, offset, place, reason};
use crate::explain;
use crate::size::{self, Excess};

/// All policy texts of one set together, bytes.
const POLICIES_BYTES_MAX: usize = 1 << 20;

/// Tested to hold the parser and the validator at the bounds of [`size`], in unoptimised builds too.
const STACK_BYTES: usize = 32 << 20;

/// What came out.
#[derive(Debug)]
pub struct Loaded {
    /// The policies.
    pub set: PolicySet,
    /// Where each was written.
    pub places: explain::Places,
}

/// Where each policy of a set was written.
type Places<'a> = BTreeMap<PolicyId, Source<'a>>;

/// One policy's file, the file's text, and where in it the policy starts.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    file: &'a str,
    text: &'a str,
    start: usize,
}

impl Source<'_> {
    fn place(&self) -> String {
        place(self.file, self.text, self.start)
    }
}

/// The embedded schema of calls.
pub fn schema() -> Result<Schema, PolicyError> {
    read(crate::SCHEMA)
}

/// The embedded schema, with the control plane's words.
pub fn whole_schema() -> Result<Schema, PolicyError> {
    read(&[crate::SCHEMA, crate::CONTROL_SCHEMA].concat())
}

fn read(text: &str) -> Result<Schema, PolicyError> {
    let parsed = Schema::from_cedarschema_str(text).map(|(schema, _warnings)| schema);
    parsed.map_err(|error| PolicyError::Builtin {
        what: "schema",
        reason: error.to_string(),
    })
}

/// Parses and checks `files`, all of them or none.
// threat: ANP-0002
// threat: ANP-B0001
pub fn policies(files: &[(&str, &str)], schema: &Schema) -> Result<Loaded, PolicyError> {
    let count = files.iter().map(|(_, text)| text.len()).sum();
    if count > POLICIES_BYTES_MAX {
        return Err(PolicyError::TooLarge {
            count,
            max: POLICIES_BYTES_MAX,
        });
    }
    for (file, text) in files {
        if let Some(Excess {
            offset,
            what: (what, max),
        }) = size::excess(text)
        {
            return Err(PolicyError::Excess {
                place: place(file, text, offset),
                what,
                max,
            });
        }
    }
    on_a_deep_stack(|| check(files, schema))
}

/// Runs `task` with enough stack, however little the caller's thread has left of its own.
fn on_a_deep_stack<T: Send>(task: impl FnOnce() -> Result<T, PolicyError> + Send) -> Result<T, PolicyError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, task);
        let thread = thread.map_err(|error| PolicyError::Thread(error.to_string()))?;
        thread
            .join()
            .unwrap_or_else(|_| Err(PolicyError::Thread("it stopped half-way".to_owned())))
    })
}

fn check(files: &[(&str, &str)], schema: &Schema) -> Result<Loaded, PolicyError> {
    let mut set = PolicySet::new();
    let mut places = Places::new();
    for (file, text) in files {
        for (policy, source) in parse(file, text)? {
            add(&mut set, &mut places, policy, source)?;
        }
    }
    validate(&set, &places, schema)?;
    let places = places
        .iter()
        .map(|(id, source)| (id.to_string(), source.place()))
        .collect();
    Ok(Loaded { set, places })
}

/// The policies of one file, each under its own id.
fn parse<'a>(file: &'a str, text: &'a str) -> Result<Vec<(Policy, Source<'a>)>, PolicyError> {
    let set: PolicySet = text
        .parse()
        .map_err(|error| syntax(file, text, &DetailedError::from(&error)))?;
    if let Some(template) = set.templates().next() {
        let start = template.as_ref().loc().map_or(0, |loc| loc.start());
        let policy = template
            .annotation("id")
            .map_or_else(|| template.id().to_string(), |id| clip(id, 80));
        return Err(PolicyError::Template {
            place: place(file, text, start),
            policy,
        });
    }
    let named = set.policies().map(|policy| {
        let start = policy.as_ref().loc().map_or(0, |loc| loc.start());
        let source = Source { file, text, start };
        let id = policy
            .annotation("id")
            .filter(|id| !id.is_empty())
            .map_or_else(|| source.place(), str::to_owned);
        (policy.new_id(PolicyId::new(id)), source)
    });
    Ok(named.collect())
}

fn add<'a>(
    set: &mut PolicySet,
    places: &mut Places<'a>,
    policy: Policy,
    source: Source<'a>,
) -> Result<(), PolicyError> {
    let id = policy.id().clone();
    if let Some(first) = places.insert(id.clone(), source) {
        let policy = clip(id.as_ref(), 80);
        return Err(PolicyError::Duplicate {
            place: source.place(),
            policy,
            other: first.place(),
        });
    }
    set.add(policy).map_err(|error| PolicyError::Invalid {
        place: source.place(),
        policy: clip(id.as_ref(), 80),
        reason: error.to_string(),
        advice: "give it another `@id`".to_owned(),
    })
}

/// Strict validation; a warning (a policy that can never apply, letters that look like others) is an
/// error here, because a policy that does not do what it seems to do is worse than none.
fn validate(set: &PolicySet, places: &Places<'_>, schema: &Schema) -> Result<(), PolicyError> {
    let result = Validator::new(schema.clone()).validate(set, ValidationMode::Strict);
    let errors = result
        .validation_errors()
        .map(|error| (error.policy_id(), DetailedError::from(error)));
    let warnings = result
        .validation_warnings()
        .map(|warning| (warning.policy_id(), DetailedError::from(warning)));
    let all = errors
        .chain(warnings)
        .map(|(id, error)| invalid(id, &error, places));
    // The validator's own order is not stable; the first by file and line is.
    all.min_by_key(|(at, _)| *at)
        .map_or(Ok(()), |(_, error)| Err(error))
}

/// The error, and what to sort it by.
fn invalid<'a>(id: &PolicyId, error: &DetailedError, places: &Places<'a>) -> ((&'a str, usize), PolicyError) {
    let known = places.get(id).copied();
    let source = known.unwrap_or(Source {
        file: "",
        text: "",
        start: 0,
    });
    let start = offset(error).unwrap_or(source.start);
    let invalid = PolicyError::Invalid {
        place: place(source.file, source.text, start),
        policy: clip(id.as_ref(), 80),
        reason: own_words(reason(error), id),
        advice: advice(
            error,
            "use only what the schema `policies/bartizan.cedarschema` names",
        ),
    };
    ((source.file, start), invalid)
}

/// Cedar opens its sentences with the policy's id; ours has said it already.
fn own_words(reason: String, id: &PolicyId) -> String {
    let opening = format!("for policy `{id}`, ");
    reason
        .strip_prefix(opening.as_str())
        .map_or(reason.clone(), str::to_owned)
}

fn syntax(file: &str, text: &str, error: &DetailedError) -> PolicyError {
    PolicyError::Syntax {
        place: place(file, text, offset(error).unwrap_or_default()),
        reason: reason(error),
        advice: advice(error, "compare it with `policies/default.cedar`"),
    }
}
