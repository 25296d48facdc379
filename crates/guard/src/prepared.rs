//! What a profile needs made ready before it can judge: lists of hosts, schemas, patterns. Made once for each profile,
//! when it is first met.

use std::sync::Arc;

use jsonschema::Validator;

use crate::action::Gate;
use crate::families::Families;
use crate::format::Form;
use crate::links::Lists;
use crate::schema;

/// A profile's settings, made ready.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// Of links.
    pub(crate) links: Option<Arc<Lists>>,
    /// What answers must be.
    pub(crate) form: Option<Form>,
    /// What bodies of requests must be.
    pub(crate) body: Option<Validator>,
}

impl Prepared {
    pub(crate) fn of(families: &Families) -> Self {
        let bounds = families
            .bounds
            .as_ref()
            .filter(|bounds| bounds.input != Gate::Off);
        let body = bounds.and_then(|bounds| bounds.json_schema.as_ref());
        Self {
            links: families.links.as_ref().map(|rules| Arc::new(Lists::of(rules))),
            form: families.format.as_ref().and_then(Form::of),
            body: body.and_then(|schema| schema::compile(schema).ok()),
        }
    }
}
