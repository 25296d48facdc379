//! What this service is and knows (RFC 7643 sections 5 to 7): for clients that ask before they act.

use http::StatusCode;
use serde_json::{Value, json};

use super::Asked;
use super::schemas;
use super::wire::{No, Said, listed};

/// One of the three.
pub fn said(asked: &Asked<'_>, kind: &str, id: Option<&str>) -> Result<Said, No> {
    // They are asked for whole (RFC 7644 section 4).
    if asked.query.contains_key("filter") {
        return Err(No::forbidden("this cannot be filtered"));
    }
    let all = match kind {
        "ServiceProviderConfig" if id.is_none() => vec![config()],
        "ResourceTypes" => vec![resource_type("User", "/Users"), resource_type("Group", "/Groups")],
        "Schemas" => schemas::all(),
        _ => return Err(No::not_found()),
    };
    let mut all: Vec<Value> = all.into_iter().map(|one| located(asked, kind, one)).collect();
    let answer = match (kind, id) {
        ("ServiceProviderConfig", _) => all.pop(),
        (_, None) => Some(listed(all.len(), 1, all)),
        (_, Some(id)) => all
            .into_iter()
            .find(|one| one.get("id").is_some_and(|found| found == id)),
    };
    answer
        .map(|answer| Said::of(StatusCode::OK, answer))
        .ok_or_else(No::not_found)
}

/// With what it is and where it stands.
fn located(asked: &Asked<'_>, kind: &str, mut one: Value) -> Value {
    let mut location = asked.address(kind);
    if let Some(id) = one.get("id").and_then(Value::as_str) {
        location = format!("{location}/{id}");
    }
    let kind = kind.strip_suffix('s').unwrap_or(kind);
    if let Some(members) = one.as_object_mut() {
        let meta = json!({"resourceType": kind, "location": location});
        members.insert("meta".to_owned(), meta);
    }
    one
}

fn config() -> Value {
    let no = json!({"supported": false});
    json!({
        "schemas": [schemas::id("ServiceProviderConfig")],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": 200},
        "changePassword": no, "sort": no, "etag": no,
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Bearer token",
            "description": "the token that the control plane makes for the tenant", "primary": true,
        }],
    })
}

fn resource_type(name: &str, endpoint: &str) -> Value {
    json!({
        "schemas": [schemas::id("ResourceType")],
        "id": name, "name": name, "endpoint": endpoint, "schema": schemas::id(name),
    })
}
