//! An authenticator in software, written from the specification: one ES256 key, attestation `none`. Its knobs
//! are what attackers turn.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::scene::PUBLIC_URL;

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const WITH_KEY: u8 = 0x40;

pub struct Authenticator {
    key: EcdsaKeyPair,
    pub credential: Vec<u8>,
    pub owner: Option<String>,
    pub count: u32,
    pub origin: String,
    pub rp_id: String,
    pub verifies_user: bool,
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Authenticator {
    pub fn new(credential: &[u8]) -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            credential: credential.to_vec(),
            owner: None,
            count: 0,
            origin: PUBLIC_URL.to_owned(),
            rp_id: "localhost".to_owned(),
            verifies_user: true,
        }
    }

    fn flags(&self) -> u8 {
        PRESENT | if self.verifies_user { VERIFIED } else { 0 }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let data = json!({"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false});
        data.to_string().into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = sha256(self.rp_id.as_bytes());
        data.push(flags);
        data.extend(self.count.to_be_bytes());
        data
    }

    /// COSE (RFC 9052): EC2, ES256, P-256, both coordinates.
    fn cose(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        key.extend(&point[1..33]);
        key.extend([0x22, 0x58, 0x20]);
        key.extend(&point[33..65]);
        key
    }

    /// What `navigator.credentials.create` gives.
    pub fn create(&mut self, options: &Value) -> Value {
        self.owner = options["user"]["id"].as_str().map(str::to_owned);
        let mut data = self.data(self.flags() | WITH_KEY);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
        data.extend(&self.credential);
        data.extend(self.cose());
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt\x64none\x67attStmt\xa0\x68authData\x59");
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        let response = json!({
            "clientDataJSON": text(&self.client_data("webauthn.create", options)),
            "attestationObject": text(&object),
            "transports": ["internal"],
        });
        self.answer(response)
    }

    /// What `navigator.credentials.get` gives.
    pub fn get(&mut self, options: &Value) -> Value {
        self.count += 1;
        let data = self.data(self.flags());
        let client = self.client_data("webauthn.get", options);
        let mut signed = data.clone();
        signed.extend(sha256(&client));
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        let response = json!({
            "clientDataJSON": text(&client),
            "authenticatorData": text(&data),
            "signature": text(signature.as_ref()),
            "userHandle": self.owner,
        });
        self.answer(response)
    }

    fn answer(&self, response: Value) -> Value {
        let id = text(&self.credential);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {}})
    }
}
