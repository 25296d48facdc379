//! A file that heads are added to, each on the disk before it counts: what a store that is set back has not in its hands, if
//! the file is on another disk, or one that cannot be written over.
//!
//! Never shortens the file but by the end that a crash tore, and adds no head that does not continue the last.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ledger::merkle::{empty_root, verify_consistency};
use ledger::note::{Checkpoint, NOTE_BYTES_MAX, claimed};
use ledger::witness::AddCheckpoint;

use super::{NotTaken, Witness};

/// A file of heads.
#[derive(Debug)]
pub struct FileWitness(Arc<Heads>);

#[derive(Debug)]
struct Heads {
    path: PathBuf,
    open: Mutex<Option<Open>>,
}

/// The file, and the last head of every log in it.
#[derive(Debug)]
struct Open {
    file: File,
    last: HashMap<String, Checkpoint>,
}

impl FileWitness {
    /// The file at this path, made when there is something to add.
    pub fn new(path: PathBuf) -> Self {
        let open = Mutex::new(None);
        Self(Arc::new(Heads { path, open }))
    }
}

impl Heads {
    // threat: ANP-0012
    // threat: AGP-R1
    fn add(&self, asked: &AddCheckpoint) -> Result<(), NotTaken> {
        let trouble = |error: io::Error| NotTaken::Away(format!("`{}`: {error}", self.path.display()));
        let head = claimed(&asked.note).map_err(|error| NotTaken::Refused(error.to_string()))?;
        let mut place = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // After any trouble it is read again: what is in it is what counts.
        let mut open = match place.take() {
            Some(open) => open,
            None => Open::at(&self.path).map_err(trouble)?,
        };
        let judged = open.judge(asked, &head);
        if judged == Ok(true) {
            open.write(&asked.note).map_err(trouble)?;
            open.last.insert(head.origin.clone(), head);
        }
        *place = Some(open);
        judged.map(|_| ())
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        file.try_lock()
            .map_err(|_| io::Error::other("another gate writes it: of several replicas each has its own"))?;
        let (last, end) = read(&file)?;
        let bytes = file.metadata()?.len();
        if bytes > end {
            tracing::warn!(cut = bytes - end, "the torn end of a file of heads was cut");
            file.set_len(end)?;
            file.sync_all()?;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
        Ok(Self { file, last })
    }

    /// Whether the head is new; it is not if it is the last one.
    fn judge(&self, asked: &AddCheckpoint, head: &Checkpoint) -> Result<bool, NotTaken> {
        let last = self.last.get(&head.origin);
        let (size, root) = last.map_or_else(|| (0, empty_root()), |last| (last.size, last.root));
        if asked.old_size != size {
            return Err(NotTaken::Seen(size));
        }
        if !verify_consistency(size, &root, head.size, &head.root, &asked.path) {
            let what = format!("the head in the file at {size} is of another log: it was forked");
            return Err(NotTaken::Disagrees(what));
        }
        Ok(last != Some(head))
    }

    fn write(&mut self, note: &str) -> io::Result<()> {
        self.file.write_all(format!("{note}\n").as_bytes())?;
        self.file.sync_data()
    }
}

/// The last head of every log, and where the last whole note ends: what is behind was being written when the power went.
fn read(file: &File) -> io::Result<(HashMap<String, Checkpoint>, u64)> {
    let damaged = |what: &dyn std::fmt::Display| io::Error::other(format!("is damaged: {what}"));
    let bytes_max = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut lines = BufReader::new(file);
    let (mut last, mut at, mut end) = (HashMap::new(), 0, 0);
    let (mut note, mut empty) = (Vec::new(), 0);
    loop {
        let before = note.len();
        let read = lines.by_ref().take(bytes_max).read_until(b'\n', &mut note)?;
        if read == 0 {
            return Ok((last, end));
        }
        at += u64::try_from(read).unwrap_or(u64::MAX);
        empty += usize::from(note.get(before..) == Some(b"\n"));
        if empty == 2 {
            note.truncate(before);
            let text = String::from_utf8_lossy(&note);
            let head = claimed(&text).map_err(|error| damaged(&error))?;
            last.insert(head.origin.clone(), head);
            (end, empty) = (at, 0);
            note.clear();
        } else if note.len() > NOTE_BYTES_MAX {
            return Err(damaged(&"a head is too long"));
        }
    }
}

#[async_trait]
impl Witness for FileWitness {
    async fn add(&self, asked: &AddCheckpoint) -> Result<Option<String>, NotTaken> {
        let (heads, asked) = (self.0.clone(), asked.clone());
        let added = tokio::task::spawn_blocking(move || heads.add(&asked)).await;
        added.unwrap_or_else(|_| Err(NotTaken::Away("the gate is stopping".to_owned())))?;
        Ok(None)
    }

    fn signs_as(&self) -> Option<&str> {
        None
    }

    fn is_shared(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::merkle::{Hash, consistency_proof, leaf_hash, root_of};
    use ledger::note::{Signer, in_file};

    fn leaves(count: u32, salt: &str) -> Vec<Hash> {
        (0..count)
            .map(|n| leaf_hash(format!("{n}{salt}").as_bytes()))
            .collect()
    }

    fn ask(leaves: &[Hash], old_size: u64) -> AddCheckpoint {
        let path = match old_size {
            0 => Vec::new(),
            old => consistency_proof(leaves, old).unwrap_or_default(),
        };
        let head = Checkpoint {
            origin: "log/t".into(),
            size: leaves.len() as u64,
            root: root_of(leaves),
        };
        let note = head.sign(&Signer::from_seed("log", &[7; 32]).unwrap()).unwrap();
        AddCheckpoint { old_size, path, note }
    }

    #[tokio::test]
    async fn anp_0012_the_file_remembers_over_a_restart_and_takes_what_grows_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heads");
        let witness = FileWitness::new(path.clone());
        for (size, old) in [(3, 0), (5, 3), (5, 5)] {
            assert_eq!(witness.add(&ask(&leaves(size, ""), old)).await, Ok(None));
        }
        let second = FileWitness::new(path.clone()).add(&ask(&leaves(5, ""), 5)).await;
        assert!(
            matches!(second, Err(NotTaken::Away(_))),
            "two write one file: {second:?}"
        );
        drop(witness);
        let again = FileWitness::new(path.clone());
        assert_eq!(again.add(&ask(&leaves(4, ""), 0)).await, Err(NotTaken::Seen(5)));
        let forked = again.add(&ask(&leaves(9, "x"), 5)).await;
        assert!(matches!(forked, Err(NotTaken::Disagrees(_))), "{forked:?}");
        assert_eq!(again.add(&ask(&leaves(9, ""), 5)).await, Ok(None));
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(|line| Ok::<_, ()>(line.to_owned()));
        let sizes: Vec<u64> = in_file(lines)
            .map(|note| claimed(&note.unwrap()).unwrap().size)
            .collect();
        assert_eq!(sizes, [3, 5, 9]);
    }

    #[tokio::test]
    async fn anp_0012_a_torn_end_is_cut_wherever_it_was_torn_and_damage_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heads");
        {
            let witness = FileWitness::new(path.clone());
            witness.add(&ask(&leaves(3, ""), 0)).await.unwrap();
            witness.add(&ask(&leaves(5, ""), 3)).await.unwrap();
        }
        let whole = std::fs::read(&path).unwrap();
        let first = whole.len() / 2;
        for torn in first + 1..whole.len() {
            std::fs::write(&path, &whole[..torn]).unwrap();
            let witness = FileWitness::new(path.clone());
            let added = witness.add(&ask(&leaves(5, ""), 3)).await;
            assert_eq!(added, Ok(None), "torn at {torn}");
            drop(witness);
            assert_eq!(std::fs::read(&path).unwrap(), whole, "torn at {torn}");
        }
        std::fs::write(&path, [b"nonsense\n\nx\n\n", whole.as_slice()].concat()).unwrap();
        let damaged = FileWitness::new(path.clone()).add(&ask(&leaves(9, ""), 5)).await;
        assert!(matches!(damaged, Err(NotTaken::Away(_))), "{damaged:?}");
    }
}
