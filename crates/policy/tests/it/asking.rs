//! Keys and questions for the tests.

use std::sync::Arc;

use credential::{KeyRecord, KeyState, Limits, Marks, ModelAccess};
use domain::{KeyId, Operation, Principal, PrincipalKind, TeamId, TenantId, UnixMillis};
use policy::{Engine, Moment, Posture, Question};

pub const ACME: TenantId = TenantId::from_u128(1);
pub const GLOBEX: TenantId = TenantId::from_u128(2);

pub fn record(models: ModelAccess, operations: &[Operation]) -> KeyRecord {
    KeyRecord {
        id: KeyId::from_u128(30),
        tenant: ACME,
        team: TeamId::from_u128(20),
        project: None,
        owner: None,
        name: "crawler".to_owned(),
        digest: [0; 32],
        hint: "btz_abc…".to_owned(),
        predecessor: None,
        state: KeyState::Active,
        created: UnixMillis(0),
        expires: None,
        models,
        operations: operations.to_vec(),
        networks: Vec::new(),
        limits: Limits::default(),
        signing_key: None,
        bindings: Vec::new(),
        honey: false,
        receipts: false,
        suspended: None,
        marks: Marks::default(),
    }
}

pub fn principal(record: &KeyRecord) -> Principal {
    Principal {
        tenant: record.tenant,
        team: record.team,
        project: record.project,
        key: record.id,
        kind: PrincipalKind::VirtualKey,
        name: Arc::from("crawler"),
    }
}

pub fn question<'a>(principal: &'a Principal, key: &'a KeyRecord) -> Question<'a> {
    Question {
        principal,
        key,
        tenant_name: "acme",
        team_name: "search",
        operation: Operation::Chat,
        model: Some("small"),
        owner: ACME,
        thing: None,
        provider: None,
        stream: false,
        tools: false,
        images: false,
        data_class: None,
        address: None,
        posture: Posture::Production,
        moment: Moment::ANY,
    }
}

/// An engine of one file of policies and nothing else but the tenant boundary.
pub fn only(text: &str) -> Engine {
    Engine::new(&[("own.cedar", text)], false).unwrap()
}

/// An engine of the defaults and one file of policies.
pub fn with_defaults(text: &str) -> Engine {
    Engine::new(&[("own.cedar", text)], true).unwrap()
}
