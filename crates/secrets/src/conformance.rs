//! One suite for every engine: what the port promises, case by case, each on a fresh place.
//!
//! An engine's test brings a [`Place`] and calls [`run`]; the cases that failed are named at the end.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test suite: a broken promise ends the case"
)]

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use credential::SecretRef;

use crate::{SECRET_BYTES_MAX, SecretError, Secrets};

/// Where an engine under test reads, and how the test puts things there.
#[async_trait]
pub trait Place: Send + Sync {
    /// The engine.
    fn engine(&self) -> Arc<dyn Secrets>;
    /// The reference of what is called `name`: a word of small letters.
    fn reference(&self, name: &str) -> SecretRef;
    /// Puts a value there, over an older one.
    async fn put(&self, name: &str, value: &str);
    /// Takes it away.
    async fn remove(&self, name: &str);
}

type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One promise and the code that tests it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// What is promised, as a snake-case sentence; threat ids come first.
    pub name: &'static str,
    /// Panics if the engine does not keep it. The place must be fresh.
    pub run: fn(Arc<dyn Place>) -> Run,
}

macro_rules! cases {
    ($($name:ident,)*) => {
        /// All cases.
        pub fn cases() -> Vec<Case> {
            vec![$(Case { name: stringify!($name), run: |place| Box::pin($name(place)) },)*]
        }
    };
}

cases! {
    what_is_put_is_got,
    a_changed_value_is_got_at_once_and_its_version_rises,
    what_was_never_there_is_not_found,
    what_is_taken_away_is_not_found,
    an_empty_value_is_no_secret,
    the_longest_value_is_got_and_a_longer_one_is_not,
    names_are_kept_apart,
    references_of_other_kinds_are_not_answered,
    many_may_ask_at_once,
    agp_i1_nothing_but_the_value_holds_the_value,
}

/// Runs every case in a place of its own.
///
/// # Panics
/// If any case fails, after all have run, naming those that did.
pub async fn run<P: Place + 'static>(make: impl AsyncFn() -> P) {
    let mut failures = Vec::new();
    for case in cases() {
        let place: Arc<dyn Place> = Arc::new(make().await);
        if let Err(error) = tokio::spawn((case.run)(place)).await {
            failures.push(format!("{}: {error}", case.name));
        }
    }
    assert!(failures.is_empty(), "cases failed:\n{}", failures.join("\n"));
}

async fn got(place: &Arc<dyn Place>, name: &str) -> String {
    let found = place.engine().get(&place.reference(name)).await;
    found
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .value
        .expose()
        .to_owned()
}

async fn refused(place: &Arc<dyn Place>, name: &str) -> SecretError {
    match place.engine().get(&place.reference(name)).await {
        Ok(_) => panic!("{name} was found"),
        Err(error) => error,
    }
}

async fn what_is_put_is_got(place: Arc<dyn Place>) {
    for value in [
        "sk-abc",
        " with spaces ",
        "line\nbreaks\nwithin",
        "päß\"wörd\\#",
        "0",
    ] {
        place.put("one", value).await;
        assert_eq!(got(&place, "one").await, value);
    }
}

async fn a_changed_value_is_got_at_once_and_its_version_rises(place: Arc<dyn Place>) {
    place.put("one", "first").await;
    let first = place.engine().get(&place.reference("one")).await.unwrap();
    place.put("one", "second").await;
    let second = place.engine().get(&place.reference("one")).await.unwrap();
    assert_eq!(second.value.expose(), "second");
    assert_eq!(first.version.is_some(), second.version.is_some());
    assert!(first.version.is_none() || first.version < second.version);
}

async fn what_was_never_there_is_not_found(place: Arc<dyn Place>) {
    let error = refused(&place, "nowhere").await;
    assert!(
        matches!(&error, SecretError::NotFound(of, _) if *of == place.reference("nowhere")),
        "{error}"
    );
    assert!(!error.is_unavailable());
    let named = format!("`{}` ", place.reference("nowhere"));
    assert!(error.to_string().starts_with(&named), "{error}");
}

async fn what_is_taken_away_is_not_found(place: Arc<dyn Place>) {
    place.put("one", "value").await;
    place.put("two", "other").await;
    place.remove("one").await;
    let error = refused(&place, "one").await;
    assert!(matches!(error, SecretError::NotFound(..)), "{error}");
    assert_eq!(got(&place, "two").await, "other");
}

async fn an_empty_value_is_no_secret(place: Arc<dyn Place>) {
    for value in ["", "\n"] {
        place.put("one", value).await;
        let error = refused(&place, "one").await;
        assert!(matches!(error, SecretError::Malformed(..)), "{error}");
        assert!(error.to_string().contains("is empty"), "{error}");
    }
}

async fn the_longest_value_is_got_and_a_longer_one_is_not(place: Arc<dyn Place>) {
    let longest = "x".repeat(SECRET_BYTES_MAX);
    place.put("one", &longest).await;
    assert_eq!(got(&place, "one").await, longest);
    place.put("two", &format!("{longest}xyz")).await;
    refused(&place, "two").await;
}

async fn names_are_kept_apart(place: Arc<dyn Place>) {
    place.put("one", "first").await;
    place.put("onemore", "second").await;
    assert_eq!(got(&place, "one").await, "first");
    assert_eq!(got(&place, "onemore").await, "second");
}

async fn references_of_other_kinds_are_not_answered(place: Arc<dyn Place>) {
    let own = place.reference("one");
    for text in ["env:ONE", "file:/one", "sealed:one", "vault:secret/one#one"] {
        let other: SecretRef = text.parse().unwrap();
        if std::mem::discriminant(&other) != std::mem::discriminant(&own) {
            let error = place.engine().get(&other).await.unwrap_err();
            assert!(matches!(error, SecretError::Unconfigured(..)), "{error}");
        }
    }
}

async fn many_may_ask_at_once(place: Arc<dyn Place>) {
    place.put("one", "value").await;
    let asking: Vec<_> = (0..16)
        .map(|_| {
            let place = place.clone();
            tokio::spawn(async move { got(&place, "one").await })
        })
        .collect();
    for asked in asking {
        assert_eq!(asked.await.unwrap(), "value");
    }
}

async fn agp_i1_nothing_but_the_value_holds_the_value(place: Arc<dyn Place>) {
    let canary = "cnry-secret-value-7391";
    place.put("one", canary).await;
    let engine = place.engine();
    let found = engine.get(&place.reference("one")).await.unwrap();
    assert_eq!(found.value.expose(), canary);
    let mut said = vec![
        format!("{engine:?}"),
        format!("{found:?}"),
        format!("{:?}", found.duplicate()),
    ];
    place
        .put("one", &format!("{canary}{}", "x".repeat(SECRET_BYTES_MAX)))
        .await;
    let error = refused(&place, "one").await;
    said.extend([format!("{error}"), format!("{error:?}")]);
    for text in said {
        assert!(!text.contains("cnry"), "{text}");
    }
}
