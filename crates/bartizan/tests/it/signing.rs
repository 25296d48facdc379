//! A machine that signs its calls, well or badly. Holds no test.

use bytes::Bytes;
use credential::KeyRecord;
use domain::UnixMillis;
use http::Method;
use identity::signature::{Cover, Request, SigningKey, Terms, fresh_nonce, sign};
use testkit::{Answer, Client};

/// A key pair.
pub struct Machine {
    key: SigningKey,
}

/// One call of a machine's; what is signed may differ from what is sent.
pub struct SignedCall<'a> {
    machine: &'a Machine,
    client: Client,
    /// What is sent.
    pub method: &'static str,
    pub path: String,
    /// What is signed.
    pub signed_method: String,
    pub signed_url: String,
    pub created: UnixMillis,
    pub nonce: String,
    pub key_id: String,
    pub cover: Cover,
    pub fields: Vec<(&'static str, &'static str)>,
}

pub type Headers = Vec<(String, String)>;

impl Machine {
    pub fn new() -> Self {
        Self::of(&SigningKey::generate().unwrap())
    }

    pub fn of(pkcs8: &[u8]) -> Self {
        Self {
            key: SigningKey::pkcs8(pkcs8).unwrap(),
        }
    }

    /// From now on calls with this key are signed by this machine.
    pub fn sign_for(&self, record: &mut KeyRecord) {
        record.signing_key = self.key.public();
    }

    pub fn public(&self) -> String {
        self.key.public().unwrap().to_string()
    }

    /// A call as it should be.
    pub fn call(&self, path: &str, gate: &Client, bearer: &str, method: &'static str) -> SignedCall<'_> {
        SignedCall {
            machine: self,
            client: gate.bearer(bearer).header("content-type", "application/json"),
            method,
            path: path.to_owned(),
            signed_method: method.to_owned(),
            signed_url: format!("http://{}{path}", gate.address()),
            created: UnixMillis::now(),
            nonce: fresh_nonce().unwrap(),
            key_id: self.key.public().unwrap().name(),
            cover: Cover::TargetUri,
            fields: Vec::new(),
        }
    }
}

impl SignedCall<'_> {
    /// What signing gives for this body.
    pub fn headers(&self, body: &str) -> Headers {
        let fields: Vec<(&str, &[u8])> = self.fields.iter().map(|(n, v)| (*n, v.as_bytes())).collect();
        let request = Request {
            method: &self.signed_method,
            target_uri: &self.signed_url,
            fields: &fields,
        };
        let terms = Terms {
            key_id: &self.key_id,
            nonce: &self.nonce,
            created: self.created,
            cover: self.cover,
        };
        let signed = sign(&request, body.as_bytes(), &self.machine.key, &terms).unwrap();
        let mut headers = vec![
            ("signature-input".to_owned(), signed.signature_input),
            ("signature".to_owned(), signed.signature),
        ];
        headers.extend(
            signed
                .content_digest
                .map(|digest| ("content-digest".to_owned(), digest)),
        );
        headers
    }

    /// Signs this body and sends it.
    pub async fn send(&self, body: &str) -> Answer {
        self.send_with(body, &self.headers(body)).await
    }

    /// Sends this body with these headers.
    pub async fn send_with(&self, body: &str, headers: &[(String, String)]) -> Answer {
        let mut client = self.client.clone();
        for (name, value) in &self.fields {
            client = client.header(name, value);
        }
        for (name, value) in headers {
            client = client.header(name, value);
        }
        let method: Method = self.method.parse().unwrap();
        let sent = client
            .request(method, &self.path, Bytes::from(body.to_owned()))
            .await;
        sent.unwrap()
    }
}
