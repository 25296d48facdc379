//! What the housekeeper removes, and what it leaves.

use std::sync::Arc;

use domain::{TenantId, TenantScope, UnixMillis};
use store::{Change, MemoryStore, Record, RecordKind, Registry};
use worker::Housekeeper;

const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn ctx_t3_ended_sessions_and_old_answers_are_removed_and_nothing_else() {
    let store = Arc::new(MemoryStore::new());
    let now = UnixMillis(1_795_305_600_000);
    let scope = TenantScope::operator(TenantId::PLATFORM);
    for (kind, hours) in [
        (RecordKind::Session, 25),
        (RecordKind::Session, 23),
        (RecordKind::Replay, 25),
        (RecordKind::Replay, 23),
        (RecordKind::User, 1_000),
        (RecordKind::Login, 1_000),
        (RecordKind::Grant, 1_000),
    ] {
        let id = format!("{}_{hours}", kind.as_str());
        let made = Record {
            kind,
            name: Some(id.clone()),
            id,
            parent: None,
            created: UnixMillis(now.0 - hours * HOUR_MS),
            document: "{}".to_owned(),
        };
        store.commit(&scope, &[Change::Create(made)], None).await.unwrap();
    }
    let keeper = Housekeeper::new(store.clone());
    assert_eq!(keeper.clean(now).await.unwrap(), 2);
    assert_eq!(keeper.clean(now).await.unwrap(), 0);
    for (kind, id) in [
        (RecordKind::Session, "session_23"),
        (RecordKind::Replay, "replay_23"),
        (RecordKind::User, "user_1000"),
        (RecordKind::Login, "login_1000"),
        (RecordKind::Grant, "grant_1000"),
    ] {
        assert!(store.record(&scope, kind, id).await.is_ok(), "{id}");
    }
}
