//! What is begun in one request and finished in another, by whichever replica is asked: sealed, good for
//! five minutes, and once. Nothing is stored until it is finished, so beginning costs nobody any room.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
    let failed = |why: String| Problem {
        internal: Some(why),
        ..Problem::new(Code::Internal, "nothing could be begun; try again")
    };
    let kept = Kept {
        id: SessionId::generate(),
        until: now.plus(LIFE),
        of,
    };
    let text = serde_json::to_vec(&kept).map_err(|error| failed(error.to_string()))?;
    let sealed = control.keys.ceremonies.seal(&text, purpose.as_bytes());
    Ok(URL_SAFE_NO_PAD.encode(sealed.map_err(|error| failed(error.to_string()))?))
}

/// What was sealed, and the change that must be made with whatever comes of it: it can be made once.
// threat: CTX-T3
pub fn finish<T: DeserializeOwned>(
    control: &Control,
    purpose: &str,
    now: UnixMillis,
    text: &str,
) -> Result<(T, Change), Problem> {
    let over = || {
        Problem::new(
            Code::Invalid,
            "this is over, or was never begun here: begin again",
        )
        .at("/ceremony")
    };
    let sealed = Some(text)
        .filter(|text| text.len() <= TEXT_BYTES_MAX)
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let opened = sealed.and_then(|sealed| control.keys.ceremonies.open(&sealed, purpose.as_bytes()).ok());
    let kept: Kept<T> = opened
        .and_then(|text| serde_json::from_slice(&text).ok())
        .ok_or_else(over)?;
    if now >= kept.until {
        return Err(over());
    }
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
