//! What is begun in one request and finished in another, by whichever replica is asked: sealed, good for
//! five minutes, and once. Nothing is stored until it is finished, so beginning costs nobody any room.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential::SealingKey;
use domain::{SessionId, UnixMillis};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::Change;

use crate::Control;
use crate::problem::{Code, Problem};
use crate::record::{Document, Replay};

/// How long one may take.
pub const LIFE: Duration = Duration::from_secs(300);
/// The longest one that is read.
const TEXT_BYTES_MAX: usize = 16 << 10;

#[derive(Serialize, Deserialize)]
struct Kept<T> {
    id: SessionId,
    until: UnixMillis,
    of: T,
}

/// Seals what must come back. `purpose` keeps the kinds apart.
pub fn begin<T: Serialize>(
    control: &Control,
    purpose: &str,
    now: UnixMillis,
    of: T,
) -> Result<String, Problem> {
    sealed(&control.keys.ceremonies, purpose, now, of).map_err(|why| Problem {
        internal: Some(why),
        ..Problem::new(Code::Internal, "nothing could be begun; try again")
    })
}

/// What was sealed, and the change that must be made with whatever comes of it: it can be made once.
// threat: CTX-T3
pub fn finish<T: DeserializeOwned>(
    control: &Control,
    purpose: &str,
    now: UnixMillis,
    text: &str,
) -> Result<(T, Change), Problem> {
    let kept: Kept<T> = opened(&control.keys.ceremonies, purpose, now, text).ok_or_else(|| {
        let detail = "this is over, or was never begun here: begin again";
        Problem::new(Code::Invalid, detail).at("/ceremony")
    })?;
    let spent = Replay {
        id: blake3::hash(format!("a ceremony {}", kept.id).as_bytes())
            .to_hex()
            .to_string(),
        request: "spent".to_owned(),
        answer: String::new(),
        created: now,
    };
    Ok((kept.of, Change::Create(spent.to_record()?)))
}

fn sealed<T: Serialize>(key: &SealingKey, purpose: &str, now: UnixMillis, of: T) -> Result<String, String> {
    let kept = Kept {
        id: SessionId::generate(),
        until: now.plus(LIFE),
        of,
    };
    let text = serde_json::to_vec(&kept).map_err(|error| error.to_string())?;
    let sealed = key
        .seal(&text, purpose.as_bytes())
        .map_err(|error| error.to_string())?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// What was sealed under this key for this purpose, while it lasts.
// threat: CTX-T3
fn opened<T: DeserializeOwned>(
    key: &SealingKey,
    purpose: &str,
    now: UnixMillis,
    text: &str,
) -> Option<Kept<T>> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let plain = key.open(&sealed, purpose.as_bytes()).ok()?;
    let kept: Kept<T> = serde_json::from_slice(&plain).ok()?;
    (now < kept.until).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEGUN: UnixMillis = UnixMillis(1_800_000_000_000);

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&[byte; 32]).unwrap()
    }

    fn is_good(text: &str, byte: u8, purpose: &str, at: UnixMillis) -> bool {
        opened::<String>(&key(byte), purpose, at, text).is_some_and(|kept| kept.of == "what is kept")
    }

    fn begun() -> String {
        sealed(&key(1), "a purpose", BEGUN, "what is kept").unwrap()
    }

    #[test]
    fn ctx_t3_what_was_begun_is_good_for_five_minutes() {
        let text = begun();
        let last = BEGUN.plus(Duration::from_secs(300) - Duration::from_millis(1));
        let over = BEGUN.plus(Duration::from_secs(300));
        assert!(is_good(&text, 1, "a purpose", BEGUN));
        assert!(is_good(&text, 1, "a purpose", last));
        assert!(!is_good(&text, 1, "a purpose", over));
        assert!(!is_good(
            &text,
            1,
            "a purpose",
            over.plus(Duration::from_secs(86_400))
        ));
    }

    #[test]
    fn ctx_t3_what_was_begun_is_good_for_one_purpose_under_one_key() {
        let text = begun();
        assert!(!is_good(&text, 1, "another purpose", BEGUN));
        assert!(!is_good(&text, 2, "a purpose", BEGUN));
        assert!(!is_good("", 1, "a purpose", BEGUN));
        let long = sealed(&key(1), "a purpose", BEGUN, "x".repeat(TEXT_BYTES_MAX)).unwrap();
        assert!(opened::<String>(&key(1), "a purpose", BEGUN, &long).is_none());
        // Two that are begun at once are two: each is spent by itself.
        let id = |text: &str| opened::<String>(&key(1), "a purpose", BEGUN, text).unwrap().id;
        assert_ne!(id(&text), id(&begun()));
    }

    proptest! {
        #[test]
        fn ctx_t3_nothing_that_was_changed_is_good(at in 0_usize..10_000, letter in "[A-Za-z0-9_-]") {
            let text = begun();
            let at = at % text.len();
            let mut changed = text.clone();
            changed.replace_range(at..=at, &letter);
            // The last letter has bits that mean nothing; those that are not zero do not read.
            prop_assert_eq!(is_good(&changed, 1, "a purpose", BEGUN), changed == text);
        }
    }
}
