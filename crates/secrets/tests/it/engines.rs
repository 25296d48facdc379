//! Every engine passes the one suite.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use credential::{MasterKey, SecretRef, purpose};
use domain::Secret;
use secrets::conformance::{self, Place};
use secrets::{ByScheme, Environment, Files, Remembering, SealedFile, Secrets};
use tempfile::TempDir;

struct Variables(Arc<Mutex<HashMap<String, String>>>, Arc<dyn Secrets>);

impl Variables {
    fn new() -> Self {
        let all = Arc::new(Mutex::new(HashMap::new()));
        let looked = all.clone();
        let look = move |name: &str| looked.lock().unwrap().get(name).cloned();
        Self(all, Arc::new(Environment::new(look)))
    }
}

#[async_trait]
impl Place for Variables {
    fn engine(&self) -> Arc<dyn Secrets> {
        self.1.clone()
    }

    fn reference(&self, name: &str) -> SecretRef {
        SecretRef::Env(name.to_owned())
    }

    async fn put(&self, name: &str, value: &str) {
        self.0.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    async fn remove(&self, name: &str) {
        self.0.lock().unwrap().remove(name);
    }
}

struct Folder(TempDir);

#[async_trait]
impl Place for Folder {
    fn engine(&self) -> Arc<dyn Secrets> {
        Arc::new(Files)
    }

    fn reference(&self, name: &str) -> SecretRef {
        SecretRef::File(self.0.path().join(name))
    }

    async fn put(&self, name: &str, value: &str) {
        std::fs::write(self.0.path().join(name), value).unwrap();
    }

    async fn remove(&self, name: &str) {
        std::fs::remove_file(self.0.path().join(name)).unwrap();
    }
}

struct Sealed {
    _folder: TempDir,
    file: SealedFile,
}

impl Sealed {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::generate().unwrap();
        let key = master.sealing_key(purpose::SEALED_SECRETS).unwrap();
        let file = SealedFile::new(folder.path().join("sealed.json"), key);
        Self {
            _folder: folder,
            file,
        }
    }
}

#[async_trait]
impl Place for Sealed {
    fn engine(&self) -> Arc<dyn Secrets> {
        Arc::new(self.file.clone())
    }

    fn reference(&self, name: &str) -> SecretRef {
        SecretRef::Sealed(name.parse().unwrap())
    }

    async fn put(&self, name: &str, value: &str) {
        let name = name.parse().unwrap();
        let put = self.file.put(&name, &Secret::new(value));
        // What it refuses to take is not there, nor is what was there before.
        if put.is_err() {
            self.file.remove(&name).unwrap();
        }
    }

    async fn remove(&self, name: &str) {
        assert!(self.file.remove(&name.parse().unwrap()).unwrap());
    }
}

/// Another place's engine behind a wrapper.
struct Behind<P>(P, fn(Arc<dyn Secrets>) -> Arc<dyn Secrets>);

#[async_trait]
impl<P: Place> Place for Behind<P> {
    fn engine(&self) -> Arc<dyn Secrets> {
        self.1(self.0.engine())
    }

    fn reference(&self, name: &str) -> SecretRef {
        self.0.reference(name)
    }

    async fn put(&self, name: &str, value: &str) {
        self.0.put(name, value).await;
    }

    async fn remove(&self, name: &str) {
        self.0.remove(name).await;
    }
}

#[tokio::test]
async fn the_environment_keeps_every_promise() {
    conformance::run(async || Variables::new()).await;
}

#[tokio::test]
async fn anp_d0007_files_keep_every_promise() {
    conformance::run(async || Folder(tempfile::tempdir().unwrap())).await;
}

#[tokio::test]
async fn the_sealed_file_keeps_every_promise() {
    conformance::run(async || Sealed::new()).await;
}

#[tokio::test]
async fn a_memory_changes_no_promise() {
    let wrap = |inner| -> Arc<dyn Secrets> {
        Arc::new(Remembering::new(
            Shared(inner),
            Duration::ZERO,
            Duration::from_secs(60),
        ))
    };
    conformance::run(async || Behind(Sealed::new(), wrap)).await;
}

#[tokio::test]
async fn references_reach_the_engine_of_their_kind() {
    let place = Sealed::new();
    place.put("one", "sealed value").await;
    let all = |sealed| ByScheme {
        environment: Environment::new(|name| (name == "ONE").then(|| "variable".to_owned())),
        files: Files,
        sealed,
        stored: None,
        vault: None,
    };
    let get = async |text: &str, engines: &ByScheme| engines.get(&text.parse().unwrap()).await;
    let with = all(Some(place.file.clone()));
    assert_eq!(get("env:ONE", &with).await.unwrap().value.expose(), "variable");
    assert_eq!(
        get("sealed:one", &with).await.unwrap().value.expose(),
        "sealed value"
    );
    for (text, engines) in [("vault:a/b#c", &with), ("sealed:one", &all(None))] {
        let error = get(text, engines).await.unwrap_err();
        assert!(matches!(error, secrets::SecretError::Unconfigured(..)), "{error}");
    }
}

/// A shared engine is an engine.
#[derive(Debug)]
struct Shared(Arc<dyn Secrets>);

#[async_trait]
impl Secrets for Shared {
    async fn get(&self, reference: &SecretRef) -> Result<secrets::Versioned<Secret>, secrets::SecretError> {
        self.0.get(reference).await
    }
}
