//! A bucket that heads are put into, one object each: what a store that is set back has not in its hands, if the bucket is
//! somebody else's, or keeps what it has. How far it has come is asked of it at every head.
//!
//! Never replaces an object, and counts no head as put before it was read back.

use std::fmt::Write;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ledger::merkle::{empty_root, verify_consistency};
use ledger::note::{Checkpoint, NOTE_BYTES_MAX, claimed};
use ledger::witness::AddCheckpoint;
use upstream::s3::{S3, S3Error, S3Keys};

use super::{NotTaken, Witness};
use crate::push::{InBucket, Keyring, s3_keys};

const MEDIA_TYPE: &str = "text/plain; charset=utf-8";

/// A bucket of heads. It must list names in the order of their bytes, and be able to put an object only if there is none.
#[derive(Debug)]
pub struct BucketWitness {
    s3: S3,
    prefix: String,
    keys: Arc<dyn Keyring>,
}

impl BucketWitness {
    /// The one there. The error says what is wrong with the place.
    pub fn new(place: InBucket) -> Result<Self, String> {
        Ok(Self {
            s3: S3::new(&place.place, place.client)?,
            prefix: place.prefix,
            keys: place.keys,
        })
    }

    /// What the names of a log's heads begin with.
    fn folder(&self, origin: &str) -> String {
        let log = plain(origin);
        match self.prefix.is_empty() {
            true => format!("{log}/"),
            false => format!("{}/{log}/", self.prefix),
        }
    }

    /// The newest head of a log, if there is any. What is there and is none was put there by somebody else.
    async fn newest(&self, keys: &S3Keys, origin: &str) -> Result<Option<Checkpoint>, NotTaken> {
        let folder = self.folder(origin);
        let Some(name) = self.s3.first(keys, &folder).await.map_err(trouble)? else {
            return Ok(None);
        };
        let Some(size) = name.strip_prefix(&folder).and_then(size_of) else {
            let why = format!("what is in the bucket as `{name}` is no head: somebody else put it there");
            return Err(NotTaken::Disagrees(why));
        };
        match self.head(keys, &name, (origin, size)).await? {
            Some(head) => Ok(Some(head)),
            None => Err(NotTaken::Away(format!("the bucket lists `{name}` and has none"))),
        }
    }

    /// The head of that name, if it is there.
    async fn head(
        &self,
        keys: &S3Keys,
        name: &str,
        (origin, size): (&str, u64),
    ) -> Result<Option<Checkpoint>, NotTaken> {
        let other = || {
            let why = format!("what is in the bucket as `{name}` is another head, or none: it was replaced");
            NotTaken::Disagrees(why)
        };
        let bytes = match self.s3.get(keys, name, NOTE_BYTES_MAX).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(S3Error::Large(_)) => return Err(other()),
            Err(error) => return Err(trouble(error)),
        };
        let head = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|note| claimed(note).ok());
        let head = head.filter(|head| head.origin == origin && head.size == size);
        head.map(Some).ok_or_else(other)
    }
}

#[async_trait]
impl Witness for BucketWitness {
    // threat: ANP-0012
    // threat: AGP-R1
    async fn add(&self, asked: &AddCheckpoint) -> Result<Option<String>, NotTaken> {
        let head = claimed(&asked.note).map_err(|error| NotTaken::Refused(error.to_string()))?;
        let keys = s3_keys(self.keys.as_ref()).await.map_err(NotTaken::Away)?;
        let last = self.newest(&keys, &head.origin).await?;
        let (size, root) = last
            .as_ref()
            .map_or_else(|| (0, empty_root()), |last| (last.size, last.root));
        if asked.old_size != size {
            return Err(NotTaken::Seen(size));
        }
        if !verify_consistency(size, &root, head.size, &head.root, &asked.path) {
            let why = format!("the head in the bucket at {size} is of another log: it was forked");
            return Err(NotTaken::Disagrees(why));
        }
        if last.as_ref() == Some(&head) {
            return Ok(None);
        }
        let name = format!("{}{}", self.folder(&head.origin), name_of(head.size));
        let note = Bytes::from(asked.note.clone());
        self.s3
            .put_new(&keys, &name, (note, MEDIA_TYPE))
            .await
            .map_err(trouble)?;
        // Whether we put it or another replica did while we looked: what is there now is what counts.
        match self.head(&keys, &name, (&head.origin, head.size)).await? {
            Some(there) if there == head => Ok(None),
            Some(_) => {
                let why = format!(
                    "the head in the bucket at {} has another root: it was forked",
                    head.size
                );
                Err(NotTaken::Disagrees(why))
            }
            None => Err(NotTaken::Away(
                "what was put into the bucket is not there".to_owned(),
            )),
        }
    }

    fn signs_as(&self) -> Option<&str> {
        None
    }

    fn is_shared(&self) -> bool {
        true
    }
}

fn trouble(error: S3Error) -> NotTaken {
    let why = format!("the bucket: {error}");
    match error {
        // It answers, and may take another log's.
        S3Error::Refused { status, .. } if status.is_client_error() => NotTaken::Refused(why),
        _ => NotTaken::Away(why),
    }
}

/// An origin as a name without slashes: a log's names never begin like another's, whose origin is longer.
fn plain(origin: &str) -> String {
    let mut name = String::with_capacity(origin.len());
    for (at, byte) in origin.bytes().enumerate() {
        match byte {
            b'.' if at == 0 => name.push_str("=2E"),
            b'.' | b'_' | b'-' => name.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => name.push(char::from(byte)),
            _ => {
                let _ = write!(name, "={byte:02X}");
            }
        }
    }
    name
}

/// What a head over so many entries is called. Names are listed in order, so it begins with what is missing to the longest
/// log there can be: the newest comes first, and one name is asked for however many there are.
fn name_of(size: u64) -> String {
    format!("{:020}-{size}", u64::MAX - size)
}

/// The same back: nothing for what is not called so.
fn size_of(name: &str) -> Option<u64> {
    let size = name.split_once('-')?.1.parse().ok()?;
    (name_of(size) == name).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anp_0012_the_newest_head_is_listed_first_and_no_log_is_anothers_beginning() {
        let sizes = [0, 1, 9, 10, 99, 1 << 40, u64::MAX];
        for pair in sizes.windows(2) {
            assert!(name_of(pair[1]) < name_of(pair[0]), "{pair:?}");
        }
        for size in sizes {
            assert_eq!(size_of(&name_of(size)), Some(size));
        }
        for name in [
            "",
            "5",
            "-5",
            "00000000000000000000-5",
            "18446744073709551610-05",
            "18446744073709551610-5.x",
        ] {
            assert_eq!(size_of(name), None, "{name}");
        }
        assert_eq!(size_of("18446744073709551610-5"), Some(5));
        let names = ["a", "a/b", "a/b/audit", "a=2Fb", "a b", "ä", ".", "..", "A"].map(plain);
        for (at, one) in names.iter().enumerate() {
            assert!(
                one.chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._=-".contains(c)),
                "{one}"
            );
            assert!(one != "." && one != "..", "{one}");
            assert_eq!(names.iter().position(|other| other == one), Some(at));
        }
        assert_eq!(plain("bartizan/tnt_1/audit"), "bartizan=2Ftnt_1=2Faudit");
    }
}
