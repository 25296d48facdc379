//! What is remembered, for how long, and what is not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use credential::SecretRef;
use domain::Secret;
use secrets::{Remembering, SecretError, Secrets, Versioned};
use tokio::time::advance;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Say {
    Value(&'static str),
    Away,
    Gone,
    Forbidden,
    Hang,
}

/// Plays answers in order; the last one stays.
#[derive(Debug, Clone)]
struct Scripted {
    answers: Arc<Mutex<VecDeque<Say>>>,
    asked: Arc<AtomicUsize>,
    takes: Duration,
}

impl Scripted {
    fn next(&self) -> Say {
        let mut answers = self.answers.lock().unwrap();
        match answers.len() {
            1 => answers[0],
            _ => answers.pop_front().unwrap(),
        }
    }
}

#[async_trait]
impl Secrets for Scripted {
    async fn get(&self, reference: &SecretRef) -> Result<Versioned<Secret>, SecretError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        let say = self.next();
        let why = || (reference.clone(), "says the script".into());
        match say {
            Say::Value(text) => Ok(Versioned {
                value: Secret::new(text),
                version: None,
            }),
            Say::Away => Err(SecretError::Unavailable(why().0, why().1)),
            Say::Gone => Err(SecretError::NotFound(why().0, why().1)),
            Say::Forbidden => Err(SecretError::Forbidden(why().0, why().1)),
            Say::Hang => std::future::pending().await,
        }
    }
}

const REFRESH: Duration = Duration::from_secs(10);
const REMEMBER: Duration = Duration::from_secs(60);

fn remembering(answers: &[Say], takes: Duration) -> (Arc<Remembering<Scripted>>, Scripted) {
    let scripted = Scripted {
        answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
        asked: Arc::default(),
        takes,
    };
    let engine = Remembering::new(scripted.clone(), REFRESH, REMEMBER);
    (Arc::new(engine), scripted)
}

fn reference() -> SecretRef {
    "vault:secret/a#b".parse().unwrap()
}

async fn got(engine: &Remembering<Scripted>) -> Result<String, SecretError> {
    let found = engine.get(&reference()).await;
    found.map(|found| found.value.expose().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_young_value_is_not_asked_for_again_and_an_older_one_is() {
    let (engine, scripted) = remembering(&[Say::Value("one"), Say::Value("two")], Duration::ZERO);
    for _ in 0..5 {
        assert_eq!(got(&engine).await.unwrap(), "one");
    }
    assert_eq!(scripted.asked.load(Ordering::SeqCst), 1);
    advance(REFRESH - Duration::from_millis(1)).await;
    assert_eq!(got(&engine).await.unwrap(), "one");
    advance(Duration::from_millis(1)).await;
    assert_eq!(got(&engine).await.unwrap(), "two");
    assert_eq!(scripted.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn agp_cred_1_1_3_silence_is_bridged_for_a_bounded_time_and_then_refused() {
    let (engine, _) = remembering(&[Say::Value("one"), Say::Away], Duration::ZERO);
    assert_eq!(got(&engine).await.unwrap(), "one");
    advance(REMEMBER - Duration::from_millis(1)).await;
    assert_eq!(got(&engine).await.unwrap(), "one");
    advance(Duration::from_millis(1)).await;
    assert!(matches!(got(&engine).await, Err(SecretError::Unavailable(..))));
}

#[tokio::test(start_paused = true)]
async fn agp_cred_1_1_3_what_is_gone_or_forbidden_is_forgotten_at_once() {
    for answer in [Say::Gone, Say::Forbidden] {
        let (engine, scripted) = remembering(&[Say::Value("one"), answer, Say::Away], Duration::ZERO);
        assert_eq!(got(&engine).await.unwrap(), "one");
        advance(REFRESH).await;
        let error = got(&engine).await.unwrap_err();
        assert!(!error.is_unavailable(), "{error}");
        advance(Duration::from_millis(1)).await;
        // And does not come back when the engine falls silent.
        assert!(got(&engine).await.unwrap_err().is_unavailable());
        assert_eq!(scripted.asked.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_comes_back_with_the_engine() {
    let (engine, scripted) = remembering(&[Say::Value("one"), Say::Away], Duration::ZERO);
    assert_eq!(got(&engine).await.unwrap(), "one");
    advance(2 * REMEMBER).await;
    assert!(got(&engine).await.is_err());
    *scripted.answers.lock().unwrap() = [Say::Value("two")].into();
    advance(Duration::from_millis(1)).await;
    assert_eq!(got(&engine).await.unwrap(), "two");
}

#[tokio::test(start_paused = true)]
async fn agp_cred_1_1_3_an_engine_that_hangs_does_not_make_a_value_live_longer() {
    let (engine, _) = remembering(&[Say::Value("one"), Say::Hang], Duration::ZERO);
    assert_eq!(got(&engine).await.unwrap(), "one");
    advance(REMEMBER - Duration::from_secs(1)).await;
    let before = tokio::time::Instant::now();
    let answered = tokio::time::timeout(REMEMBER, got(&engine)).await;
    assert!(
        answered
            .expect("no longer than that")
            .unwrap_err()
            .is_unavailable()
    );
    assert_eq!(before.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn many_who_ask_cause_one_flight_whether_it_succeeds_or_not() {
    for say in [Say::Value("one"), Say::Away, Say::Gone] {
        let (engine, scripted) = remembering(&[say], Duration::from_secs(1));
        let asking: Vec<_> = (0..50)
            .map(|_| {
                let engine = engine.clone();
                tokio::spawn(async move { got(&engine).await.is_ok() })
            })
            .collect();
        for asked in asking {
            assert_eq!(asked.await.unwrap(), matches!(say, Say::Value(_)));
        }
        assert_eq!(scripted.asked.load(Ordering::SeqCst), 1, "{say:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_wanted_is_forgotten() {
    let (engine, scripted) = remembering(&[Say::Value("one"), Say::Away], Duration::ZERO);
    assert_eq!(got(&engine).await.unwrap(), "one");
    engine.keep_only(|kept| *kept == reference());
    assert_eq!(got(&engine).await.unwrap(), "one");
    engine.keep_only(|_| false);
    assert!(got(&engine).await.is_err());
    assert_eq!(scripted.asked.load(Ordering::SeqCst), 2);
}
