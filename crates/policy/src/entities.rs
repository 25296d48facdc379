//! A question in Cedar's words: principal, action, resource, context and the entities around them.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression, Schema,
};
use credential::ModelAccess;
use domain::DataClass;

use crate::thing::Kinds;
use crate::{Ground, Question};

/// The schema's entity types, parsed once.
#[derive(Debug)]
pub struct Names {
    tenant: EntityTypeName,
    team: EntityTypeName,
    project: EntityTypeName,
    key: EntityTypeName,
    model: EntityTypeName,
    action: EntityTypeName,
    posture: EntityTypeName,
    things: Kinds,
}

/// Any of Cedar's ways to refuse a value.
pub type Failure = Box<dyn std::error::Error>;

impl Names {
    /// Parses them.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self {
            tenant: "Tenant".parse()?,
            team: "Team".parse()?,
            project: "Project".parse()?,
            key: "VirtualKey".parse()?,
            model: "Model".parse()?,
            action: "Action".parse()?,
            posture: "Posture".parse()?,
            things: Kinds::new()?,
        })
    }

    /// The action of that name.
    pub fn action(&self, name: &str) -> EntityUid {
        uid(&self.action, name)
    }

    /// The request Cedar is asked, checked against the schema.
    pub fn request(
        &self,
        question: &Question<'_>,
        ground: &Ground,
        schema: &Schema,
    ) -> Result<Request, Failure> {
        let principal = uid(&self.key, question.principal.key);
        let action = question
            .thing
            .map_or(question.operation.as_str(), |thing| thing.action());
        let action = self.action(action);
        let context = Context::from_pairs(self.context(question, ground)?)?;
        Ok(Request::new(
            principal,
            action,
            self.resource(question),
            context,
            Some(schema),
        )?)
    }

    /// The entities of the question, added to the schema's own.
    pub fn entities(&self, question: &Question<'_>, actions: &Entities) -> Result<Entities, Failure> {
        let mut entities = vec![
            self.own_tenant(question)?,
            self.team(question)?,
            self.key(question)?,
        ];
        if question.owner != question.principal.tenant {
            entities.push(self.foreign_tenant(question)?);
        }
        if question.principal.project.is_some() {
            entities.push(self.project_entity(question));
        }
        if let Some(thing) = question.thing {
            let tenant = uid(&self.tenant, question.owner);
            entities.extend(self.things.entities(thing, question, tenant)?);
        } else if question.model.is_some() {
            entities.push(self.model(question)?);
        }
        Ok(actions.clone().add_entities(entities, None)?)
    }

    /// What is asked for: a thing, a model, or the listing of a tenant.
    fn resource(&self, question: &Question<'_>) -> EntityUid {
        match (question.thing, question.model) {
            (Some(thing), _) => self.things.uid(thing, question.owner),
            // Two tenants may call different models by one name: the id holds both.
            (None, Some(model)) => uid(&self.model, format!("{}/{model}", question.owner)),
            (None, None) => uid(&self.tenant, question.owner),
        }
    }

    fn own_tenant(&self, question: &Question<'_>) -> Result<Entity, Failure> {
        let attributes = [text("name", question.tenant_name)];
        entity(uid(&self.tenant, question.principal.tenant), attributes, [])
    }

    /// Of another tenant only its id is known here, and that is enough to keep it apart.
    fn foreign_tenant(&self, question: &Question<'_>) -> Result<Entity, Failure> {
        entity(uid(&self.tenant, question.owner), [text("name", "")], [])
    }

    fn team(&self, question: &Question<'_>) -> Result<Entity, Failure> {
        let tenant = uid(&self.tenant, question.principal.tenant);
        let attributes = [text("name", question.team_name), link("tenant", tenant.clone())];
        entity(uid(&self.team, question.principal.team), attributes, [tenant])
    }

    fn project(&self, question: &Question<'_>) -> Option<EntityUid> {
        question
            .principal
            .project
            .map(|project| uid(&self.project, project))
    }

    fn project_entity(&self, question: &Question<'_>) -> Entity {
        let team = uid(&self.team, question.principal.team);
        let own = self.project(question).unwrap_or_else(|| team.clone());
        Entity::new_no_attrs(own, HashSet::from([team]))
    }

    fn key(&self, question: &Question<'_>) -> Result<Entity, Failure> {
        let team = uid(&self.team, question.principal.team);
        let (models, all_models): (&[String], bool) = match &question.key.models {
            ModelAccess::None => (&[], false),
            ModelAccess::Some(names) => (names, false),
            ModelAccess::All => (&[], true),
        };
        let attributes = [
            text("name", &question.key.name),
            link("tenant", uid(&self.tenant, question.principal.tenant)),
            link("team", team.clone()),
            texts("models", models.iter().map(String::as_str)),
            flag("all_models", all_models),
            texts(
                "operations",
                question.key.operations.iter().map(|operation| operation.as_str()),
            ),
            texts("tags", tags(question)),
        ];
        let parents = std::iter::once(team).chain(self.project(question));
        entity(uid(&self.key, question.principal.key), attributes, parents)
    }

    fn context(&self, question: &Question<'_>, ground: &Ground) -> Result<Vec<Attribute>, Failure> {
        let operation = question.operation.as_str();
        let operation = question.thing.map_or(operation, |it| it.operation(operation));
        let mut pairs = vec![
            text("operation", operation),
            texts("tags", tags(question)),
            class(ground.data_class(question.key.marks.data_class, question.data_class))?,
            flag("stream", question.stream),
            flag("tools", question.tools),
            flag("images", question.images),
            link("posture", uid(&self.posture, question.posture.as_str())),
            number("utc_weekday", question.moment.weekday),
            number("utc_minute", question.moment.minute),
        ];
        // An IPv4 caller on a dual-stack socket is still an IPv4 caller: ranges must match it.
        let address = question.address.map(|address| address.to_canonical().to_string());
        pairs.extend(address.map(|address| ("source_ip".to_owned(), RestrictedExpression::new_ip(address))));
        pairs.extend(ground.region.as_deref().map(|region| text("region", region)));
        Ok(pairs)
    }

    fn model(&self, question: &Question<'_>) -> Result<Entity, Failure> {
        let name = text("name", question.model.unwrap_or_default());
        let attributes =
            std::iter::once(name).chain(question.provider.map(|provider| text("provider", provider)));
        entity(
            self.resource(question),
            attributes,
            [uid(&self.tenant, question.owner)],
        )
    }
}

fn tags<'a>(question: &Question<'a>) -> impl Iterator<Item = &'a str> {
    question.key.marks.tags.iter().map(String::as_str)
}

/// Number and name.
fn class(class: DataClass) -> Result<Attribute, Failure> {
    let fields = [number("rank", class.rank()), text("name", class.as_str())];
    Ok(("data_class".to_owned(), RestrictedExpression::new_record(fields)?))
}

/// An attribute of an entity or of the context.
pub type Attribute = (String, RestrictedExpression);

/// The entity of that type with that id.
pub fn uid(kind: &EntityTypeName, id: impl ToString) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id.to_string()))
}

/// An entity with attributes and parents.
pub fn entity(
    uid: EntityUid,
    attributes: impl IntoIterator<Item = Attribute>,
    parents: impl IntoIterator<Item = EntityUid>,
) -> Result<Entity, Failure> {
    let attributes: HashMap<_, _> = attributes.into_iter().collect();
    Ok(Entity::new(uid, attributes, parents.into_iter().collect())?)
}

/// An attribute that is a text.
pub fn text(name: &str, value: &str) -> Attribute {
    (
        name.to_owned(),
        RestrictedExpression::new_string(value.to_owned()),
    )
}

/// An attribute that is a set of texts.
pub fn texts<'a>(name: &str, values: impl Iterator<Item = &'a str>) -> Attribute {
    let values = values.map(|value| RestrictedExpression::new_string(value.to_owned()));
    (name.to_owned(), RestrictedExpression::new_set(values))
}

/// An attribute that is a number.
pub fn number(name: &str, value: i64) -> Attribute {
    (name.to_owned(), RestrictedExpression::new_long(value))
}

/// An attribute that is true or false.
pub fn flag(name: &str, value: bool) -> Attribute {
    (name.to_owned(), RestrictedExpression::new_bool(value))
}

/// An attribute that is another entity.
pub fn link(name: &str, value: EntityUid) -> Attribute {
    (name.to_owned(), RestrictedExpression::new_entity_uid(value))
}
