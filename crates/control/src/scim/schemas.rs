//! The schemas: what a user and a group have here, and the three that describe the service itself (RFC 7643
//! section 8.7.2).

use serde_json::{Value, json};

use super::attribute::{Attribute, number, parts, reference, text, truth};

/// A schema's name in full.
pub fn id(name: &str) -> String {
    format!("urn:ietf:params:scim:schemas:core:2.0:{name}")
}

/// All of them.
pub fn all() -> Vec<Value> {
    vec![
        schema("User", "somebody", user()),
        schema("Group", "people who get the same roles", group()),
        schema("ServiceProviderConfig", "what this service can do", config()),
        schema("ResourceType", "a kind of resource", resource_type()),
        schema("Schema", "what a kind of resource has", described()),
    ]
}

fn schema(name: &str, about: &str, attributes: Vec<Attribute>) -> Value {
    let attributes: Vec<Value> = attributes.into_iter().map(Attribute::done).collect();
    json!({
        "schemas": [id("Schema")],
        "id": id(name), "name": name, "description": about, "attributes": attributes,
    })
}

fn user() -> Vec<Attribute> {
    let value = text("value", "the address").said();
    vec![
        text("userName", "the e-mail address they sign in with")
            .required()
            .unique(),
        text(
            "displayName",
            "what people call them, where it is not their address",
        ),
        parts(
            "name",
            "the same",
            vec![text("formatted", "what people call them")],
        ),
        truth("active", "whether they may sign in"),
        parts(
            "emails",
            "their `userName`",
            vec![
                value,
                text("type", "always `work`").said(),
                truth("primary", "always true").said(),
            ],
        )
        .several()
        .said(),
    ]
}

fn group() -> Vec<Attribute> {
    let members = vec![
        text("value", "the user's id").exact().once(),
        reference("$ref", "where the user is", &["User"]).once(),
        text("type", "always `User`").one_of(&["User"]).once(),
    ];
    vec![
        text("displayName", "what roles are given by")
            .required()
            .unique()
            .exact(),
        parts("members", "who is in it", members).several(),
    ]
}

fn supported(name: &str, about: &str, more: Vec<Attribute>) -> Attribute {
    let mut all = vec![truth("supported", "whether it is").required().said()];
    all.extend(more);
    parts(name, about, all).required().said()
}

fn config() -> Vec<Attribute> {
    let most = |name, about| number(name, about).required().said();
    let schemes = vec![
        text("type", "which").required().said().one_of(&[
            "oauth",
            "oauth2",
            "oauthbearertoken",
            "httpbasic",
            "httpdigest",
        ]),
        text("name", "what it is called").required().said(),
        text("description", "what it is").required().said(),
        reference("specUri", "its specification", &["external"]).said(),
        reference("documentationUri", "how to use it", &["external"]).said(),
        truth("primary", "the one to use").said(),
    ];
    vec![
        reference("documentationUri", "how to use this service", &["external"]).said(),
        supported("patch", "PATCH", vec![]),
        supported(
            "bulk",
            "many at once",
            vec![
                most("maxOperations", "how many"),
                most("maxPayloadSize", "how long, in bytes"),
            ],
        ),
        supported(
            "filter",
            "filters of the form `attribute eq \"value\"`",
            vec![most("maxResults", "how many a page has at most")],
        ),
        supported("changePassword", "setting passwords", vec![]),
        supported("sort", "sorted lists", vec![]),
        supported("etag", "versions", vec![]),
        parts("authenticationSchemes", "how to show who one is", schemes)
            .several()
            .required()
            .said(),
    ]
}

fn resource_type() -> Vec<Attribute> {
    let extension = vec![
        reference("schema", "the extension's", &["uri"]).required().said(),
        truth("required", "whether all have it").required().said(),
    ];
    vec![
        text("id", "its name").exact().said(),
        text("name", "its name").required().exact().said(),
        text("description", "what it is").said(),
        reference("endpoint", "where its resources are", &["uri"])
            .required()
            .said(),
        reference("schema", "what its resources have", &["uri"])
            .required()
            .said(),
        parts("schemaExtensions", "what else they may have", extension)
            .several()
            .said(),
    ]
}

fn described() -> Vec<Attribute> {
    let mut attributes = attribute_parts();
    let within = parts("subAttributes", "its parts", attribute_parts());
    attributes.push(within.several().said());
    vec![
        text("id", "its name in full").required().exact().said(),
        text("name", "its name").exact().said(),
        text("description", "what it is for").said(),
        parts("attributes", "what there is", attributes)
            .several()
            .required()
            .said(),
    ]
}

fn attribute_parts() -> Vec<Attribute> {
    let kinds = [
        "string",
        "complex",
        "boolean",
        "decimal",
        "integer",
        "dateTime",
        "reference",
        "binary",
    ];
    let mutability = ["readOnly", "readWrite", "immutable", "writeOnly"];
    let returned = ["always", "never", "default", "request"];
    vec![
        text("name", "its name").required().exact().said(),
        text("type", "its kind").required().said().one_of(&kinds),
        truth("multiValued", "whether there may be several")
            .required()
            .said(),
        text("description", "what it is").said(),
        truth("required", "whether there must be one").required().said(),
        text("canonicalValues", "what it usually is")
            .several()
            .exact()
            .said(),
        truth("caseExact", "whether upper and lower case differ").said(),
        text("mutability", "who changes it")
            .required()
            .said()
            .one_of(&mutability),
        text("returned", "when it is shown")
            .required()
            .said()
            .one_of(&returned),
        text("uniqueness", "whether two may have the same")
            .required()
            .said()
            .one_of(&["none", "server", "global"]),
        text("referenceTypes", "what it refers to")
            .several()
            .exact()
            .said(),
    ]
}
