//! What this service is and knows (RFC 7643 sections 5 to 7): for clients that ask before they act.

use http::StatusCode;
use serde_json::{Value, json};

use super::wire::{No, Said};

/// One of the three.
pub fn said(kind: &str, id: Option<&str>) -> Result<Said, No> {
    let all = match kind {
        "ServiceProviderConfig" if id.is_none() => return Ok(Said::of(StatusCode::OK, config())),
        "ResourceTypes" => vec![resource_type("User", "/Users"), resource_type("Group", "/Groups")],
        "Schemas" => vec![user(), group()],
        _ => return Err(No::not_found()),
    };
    let Some(id) = id else {
        let count = all.len();
        return Ok(Said::of(
            StatusCode::OK,
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": count, "startIndex": 1, "itemsPerPage": count, "Resources": all,
            }),
        ));
    };
    let one = all
        .into_iter()
        .find(|one| one.get("id").is_some_and(|found| found == id));
    one.map(|one| Said::of(StatusCode::OK, one))
        .ok_or_else(No::not_found)
}

fn config() -> Value {
    let no = json!({"supported": false});
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": 200},
        "changePassword": no, "sort": no, "etag": no,
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Bearer token",
            "description": "the token that the control plane makes for the tenant", "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig"},
    })
}

fn resource_type(name: &str, endpoint: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": name, "name": name, "endpoint": endpoint,
        "schema": format!("urn:ietf:params:scim:schemas:core:2.0:{name}"),
        "meta": {"resourceType": "ResourceType"},
    })
}

fn attribute(name: &str, kind: &str, is_required: bool, is_unique: bool) -> Value {
    json!({
        "name": name, "type": kind, "multiValued": false, "required": is_required, "caseExact": false,
        "mutability": "readWrite", "returned": "default", "uniqueness": if is_unique { "server" } else { "none" },
        "description": name,
    })
}

fn several(name: &str, parts: Vec<Value>) -> Value {
    let mut one = attribute(name, "complex", false, false);
    if let Some(members) = one.as_object_mut() {
        members.insert("multiValued".to_owned(), true.into());
        members.insert("subAttributes".to_owned(), parts.into());
    }
    one
}

fn schema(name: &str, attributes: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": format!("urn:ietf:params:scim:schemas:core:2.0:{name}"),
        "name": name, "description": name, "attributes": attributes,
        "meta": {"resourceType": "Schema"},
    })
}

fn user() -> Value {
    let mut name = attribute("name", "complex", false, false);
    if let Some(members) = name.as_object_mut() {
        members.insert(
            "subAttributes".to_owned(),
            vec![attribute("formatted", "string", false, false)].into(),
        );
    }
    schema(
        "User",
        vec![
            attribute("userName", "string", true, true),
            attribute("displayName", "string", false, false),
            name,
            several(
                "emails",
                vec![
                    attribute("value", "string", false, false),
                    attribute("type", "string", false, false),
                    attribute("primary", "boolean", false, false),
                ],
            ),
            attribute("active", "boolean", false, false),
        ],
    )
}

fn group() -> Value {
    schema(
        "Group",
        vec![
            attribute("displayName", "string", true, true),
            several("members", vec![attribute("value", "string", false, false)]),
        ],
    )
}
