//! The sealed file from outside: what its bytes show, what a change of them does, and a new master key.

use credential::{MasterKey, SealedName, SealingKey, purpose};
use domain::Secret;
use secrets::{SealedError, SealedFile, Secrets};

fn key(byte: u8) -> SealingKey {
    let master = MasterKey::from_bytes([byte; 32]);
    master.sealing_key(purpose::SEALED_SECRETS).unwrap()
}

fn name(text: &str) -> SealedName {
    text.parse().unwrap()
}

async fn value(file: &SealedFile, name: &str) -> Result<String, secrets::SecretError> {
    let found = file.get(&format!("sealed:{name}").parse().unwrap()).await;
    found.map(|found| found.value.expose().to_owned())
}

#[tokio::test]
async fn agp_cred_2_2_the_file_shows_names_and_no_values_and_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sealed.json");
    let file = SealedFile::new(&path, key(1));
    assert_eq!(file.list().unwrap(), []);
    assert_eq!(file.put(&name("b"), &Secret::new("cnry-b")).unwrap(), 1);
    assert_eq!(file.put(&name("a"), &Secret::new("cnry-a")).unwrap(), 1);
    assert_eq!(file.put(&name("a"), &Secret::new("cnry-a2")).unwrap(), 2);
    let list = file.list().unwrap();
    assert_eq!(list, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(4).any(|four| four == b"cnry"));
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn agp_cred_2_2_values_open_in_their_own_place_under_their_own_key_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sealed.json");
    let file = SealedFile::new(&path, key(1));
    file.put(&name("a"), &Secret::new("value a")).unwrap();
    file.put(&name("b"), &Secret::new("value b")).unwrap();
    let good = std::fs::read_to_string(&path).unwrap();

    let stranger = SealedFile::new(&path, key(2));
    assert!(matches!(stranger.list(), Err(SealedError::Key(_))));
    let put = stranger.put(&name("c"), &Secret::new("x"));
    assert!(matches!(put, Err(SealedError::Key(_))));
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        good,
        "nothing was written"
    );

    let swapped = good
        .replace("\"a\"", "\"x\"")
        .replace("\"b\"", "\"a\"")
        .replace("\"x\"", "\"b\"");
    let older = good.replacen("\"version\": 1", "\"version\": 2", 1);
    for bent in [swapped, older] {
        assert_ne!(bent, good);
        std::fs::write(&path, bent).unwrap();
        let error = value(&file, "a").await.unwrap_err();
        assert!(matches!(error, secrets::SecretError::Malformed(..)), "{error}");
    }
    for bent in ["", "{}", "[]", "nonsense", &good[..good.len() / 2]] {
        std::fs::write(&path, bent).unwrap();
        assert!(value(&file, "a").await.is_err(), "{bent}");
        assert!(file.put(&name("c"), &Secret::new("x")).is_err(), "{bent}");
    }
}

#[tokio::test]
async fn agp_cred_2_2_a_new_master_key_shuts_the_old_one_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sealed.json");
    let (old, new) = (SealedFile::new(&path, key(1)), SealedFile::new(&path, key(2)));
    assert_eq!(old.rewrap(&key(2)).unwrap(), 0, "no file, nothing to do");
    for at in 0..20 {
        let (name, value) = (name(&format!("n{at}")), Secret::new(format!("value {at}")));
        old.put(&name, &value).unwrap();
    }
    old.put(&name("n7"), &Secret::new("value 7b")).unwrap();
    let before = old.list().unwrap();
    assert_eq!(old.rewrap(&key(2)).unwrap(), 20);
    assert!(matches!(old.list(), Err(SealedError::Key(_))));
    assert_eq!(new.list().unwrap(), before, "names and versions stay");
    assert_eq!(value(&new, "n7").await.unwrap(), "value 7b");
    assert_eq!(value(&new, "n19").await.unwrap(), "value 19");
    // With the wrong key nothing is sealed anew.
    assert!(matches!(old.rewrap(&key(3)), Err(SealedError::Key(_))));
    assert_eq!(value(&new, "n0").await.unwrap(), "value 0");
}

#[tokio::test]
async fn commands_at_the_same_time_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = SealedFile::new(folder.path().join("sealed.json"), key(1));
    let putting: Vec<_> = (0..8)
        .map(|at| {
            let file = file.clone();
            std::thread::spawn(move || file.put(&name(&format!("n{at}")), &Secret::new("v")).unwrap())
        })
        .collect();
    for thread in putting {
        assert_eq!(thread.join().unwrap(), 1);
    }
    assert_eq!(file.list().unwrap().len(), 8);
}
