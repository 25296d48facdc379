//! The OpenAPI 3.1 document, made from the list of endpoints.

use http::Method;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::api::{ENDPOINTS, Endpoint};
use crate::problem::Code;

const ABOUT: &str = "The control plane of a Bartizan instance. Errors are problem documents (RFC 9457) with a stable \
`code`. What you may not see is `not_found`. Changes want `If-Match` with the `ETag` you read. `POST`s take \
`Idempotency-Key`. `?dry_run=true` tries a change and does nothing.";

/// The document.
pub fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in ENDPOINTS {
        let operation = operation(endpoint, &mut generator);
        let methods = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        if let Some(methods) = methods.as_object_mut() {
            methods.insert(endpoint.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let mut schemas = Value::Object(generator.take_definitions(true));
    enumerate(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bartizan control plane",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"session": []}, {"cookie": [], "csrf": []}],
        "paths": paths,
        "components": {
            "schemas": with_problem(schemas),
            "securitySchemes": {
                "session": {"type": "http", "scheme": "bearer", "description": "the `token` of `POST /api/v1/sessions`"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": crate::caller::COOKIE_NAME},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
        },
    })
}

/// Words that one is chosen from, as one list: generators of clients stumble over a choice of constants.
fn enumerate(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(enumerate),
        Value::Object(members) => {
            members.values_mut().for_each(enumerate);
            let words = members.get("oneOf").and_then(Value::as_array).and_then(|all| {
                all.iter()
                    .map(|one| one.get("const").filter(|word| word.is_string()).cloned())
                    .collect::<Option<Vec<_>>>()
            });
            if let Some(words) = words {
                members.remove("oneOf");
                members.insert("type".to_owned(), json!("string"));
                members.insert("enum".to_owned(), Value::Array(words));
            }
        }
        _ => {}
    }
}

fn with_problem(mut schemas: Value) -> Value {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    if let Some(schemas) = schemas.as_object_mut() {
        schemas.insert(
            "Problem".to_owned(),
            json!({
                "description": "RFC 9457",
                "type": "object",
                "required": ["type", "title", "status", "code", "detail"],
                "properties": {
                    "type": {"type": "string", "format": "uri"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "code": {"enum": codes},
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "description": "where in the body (RFC 6901)"},
                },
            }),
        );
    }
    schemas
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [tag(endpoint)],
        "parameters": parameters(endpoint),
        "responses": responses(endpoint, generator),
    });
    let Some(members) = operation.as_object_mut() else {
        return operation;
    };
    if endpoint.is_open {
        members.insert("security".to_owned(), json!([]));
    }
    // An authenticator answers browsers only.
    if endpoint.method == Method::POST && endpoint.path.contains("passkey") {
        members.insert("x-browser".to_owned(), json!(true));
    }
    if let Some(permission) = endpoint.permission {
        members.insert("x-permission".to_owned(), json!(permission.as_str()));
    }
    if let Some(body) = endpoint.body {
        let content = json!({"application/json": {"schema": body(generator)}});
        members.insert(
            "requestBody".to_owned(),
            json!({"required": true, "content": content}),
        );
    }
    operation
}

fn tag(endpoint: &Endpoint) -> &'static str {
    endpoint.name.split('.').next().unwrap_or(endpoint.name)
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let in_path = endpoint
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = in_path
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let query = |name: &str, schema: Value, meaning: &str| json!({"name": name, "in": "query", "schema": schema, "description": meaning});
    all.extend(
        endpoint
            .query
            .iter()
            // `name[]` is another spelling of `name`, and generators of clients take the two for one.
            .filter(|(name, _)| !name.ends_with("[]"))
            .map(|(name, meaning)| query(name, json!({"type": "string"}), meaning)),
    );
    if !endpoint.sorts.is_empty() {
        let each = endpoint.sorts.iter();
        let words: Vec<String> = each
            .flat_map(|sort| [(*sort).to_owned(), format!("-{sort}")])
            .collect();
        let schema = json!({"type": "string", "enum": words});
        let meaning =
            "by what, backwards with a `-` before it; by ids, which is as they were made, when left out";
        all.push(query("sort", schema, meaning));
    }
    if endpoint.is_list {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": crate::page::LIMIT_MAX, "default": crate::page::LIMIT_DEFAULT});
        all.push(query("limit", limit, "items a page"));
        all.push(query(
            "cursor",
            json!({"type": "string"}),
            "`next_cursor` of the page before",
        ));
    }
    if endpoint.is_write() && endpoint.permission.is_some() {
        all.push(query(
            "dry_run",
            json!({"type": "boolean"}),
            "try it and do nothing",
        ));
    }
    let header = |name: &str, required: bool, meaning: &str| json!({"name": name, "in": "header", "required": required, "schema": {"type": "string"}, "description": meaning});
    if [Method::PATCH, Method::PUT].contains(&endpoint.method) {
        let is_required = endpoint.method == Method::PATCH;
        all.push(header("If-Match", is_required, "the `ETag` you read, or `*`"));
    }
    if matches!(endpoint.method, Method::POST | Method::PUT) && endpoint.permission.is_some() {
        all.push(header(
            "Idempotency-Key",
            false,
            "makes the same request do nothing again",
        ));
    }
    if endpoint.is_write() && endpoint.permission.is_some() {
        let meaning = "the approval by which a second person lets this very request be done";
        all.push(header("Approval", false, meaning));
        all.push(header("Approval-Reason", false, "why, for the second person"));
    }
    all
}

fn responses(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let status = match (&endpoint.method, endpoint.answer) {
        (_, None) => "204",
        (&Method::POST, _) => "2XX",
        _ => "200",
    };
    let done = match endpoint.answer {
        Some(answer) => {
            json!({"description": "done", "content": {"application/json": {"schema": answer(generator)}}})
        }
        None => json!({"description": "done"}),
    };
    responses.insert(status.to_owned(), done);
    if endpoint.is_write() && endpoint.permission.is_some() {
        let schema = json!({"$ref": "#/components/schemas/ApprovalView"});
        responses.insert(
            "202".to_owned(),
            json!({"description": "written down, for a second person to approve", "content": {"application/json": {"schema": schema}}}),
        );
    }
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    responses.insert(
        "default".to_owned(),
        json!({"description": "a problem", "content": {"application/problem+json": {"schema": problem}}}),
    );
    Value::Object(responses)
}
