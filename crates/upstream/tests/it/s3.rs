//! Objects put, fetched and listed on a server of somebody else's that verifies signatures; and what comes of servers
//! that are away, slow, another's, or send us elsewhere.

use bytes::Bytes;
use domain::Secret;
use http::StatusCode;
use testkit::s3::{KEY_ID, Mood, S3Server, SECRET};
use upstream::s3::{S3, S3Error, S3Keys, S3Place};
use upstream::{Client, ClientOptions};

const BUCKET: &str = "costs";

fn bucket(endpoint: &str, bucket: &str) -> S3 {
    let place = S3Place {
        endpoint: endpoint.to_owned(),
        bucket: bucket.to_owned(),
        region: "us-east-1".to_owned(),
        virtual_host: false,
        allow_plaintext: false,
    };
    S3::new(&place, Client::new(&ClientOptions::default())).unwrap()
}

fn keys(secret: &str) -> S3Keys {
    S3Keys {
        id: KEY_ID.to_owned(),
        secret: Secret::new(secret),
    }
}

async fn put(s3: &S3, secret: &str, name: &str, text: &'static str) -> Result<(), S3Error> {
    s3.put(
        &keys(secret),
        name,
        (Bytes::from_static(text.as_bytes()), "text/csv"),
    )
    .await
}

/// Neither the secret, nor what a server wrote, nor an address with a signature.
fn tells_nothing(error: &S3Error) {
    for said in [error.to_string(), format!("{error:?}")] {
        for never in [SECRET, KEY_ID, "Signature=", "X-Amz", "you wrote", "costs"] {
            assert!(!said.contains(never), "{said}");
        }
    }
}

#[tokio::test]
async fn agp_t4_what_is_put_is_there_and_is_what_is_fetched() {
    let server = S3Server::start(BUCKET).await;
    let s3 = bucket(&server.endpoint(), BUCKET);
    let keys = keys(SECRET);
    for name in ["a/2026-10.csv", "a/2026-11.csv", "b/1"] {
        put(&s3, SECRET, name, "one").await.unwrap();
    }
    put(&s3, SECRET, "a/2026-10.csv", "another").await.unwrap();
    let found = s3.get(&keys, "a/2026-10.csv", 100).await.unwrap().unwrap();
    assert_eq!(found, "another", "the later one is there");
    assert_eq!(std::fs::read(server.file(BUCKET, "b/1")).unwrap(), b"one");
    assert_eq!(s3.get(&keys, "a/none", 100).await.unwrap(), None);
    assert_eq!(s3.get(&keys, "a/2026-10.csv", 6).await, Err(S3Error::Large(6)));
    let list = s3.list(&keys, "a/", None).await.unwrap();
    assert_eq!(
        (list.names, list.more),
        (
            vec!["a/2026-10.csv".to_owned(), "a/2026-11.csv".to_owned()],
            false
        )
    );
    let list = s3.list(&keys, "a/", Some("a/2026-10.csv")).await.unwrap();
    assert_eq!(list.names, ["a/2026-11.csv"]);
    let large = Bytes::from(vec![7u8; 5 << 20]);
    s3.put(&keys, "large", (large.clone(), "application/octet-stream"))
        .await
        .unwrap();
    assert_eq!(s3.get(&keys, "large", 6 << 20).await.unwrap(), Some(large));
}

#[tokio::test]
async fn anp_0012_what_is_put_as_new_is_put_once_whoever_puts_it() {
    let server = S3Server::start(BUCKET).await;
    let s3 = bucket(&server.endpoint(), BUCKET);
    let new = async |text: &'static str| {
        let object = (Bytes::from_static(text.as_bytes()), "text/plain");
        s3.put_new(&keys(SECRET), "heads/1", object).await
    };
    assert_eq!(s3.first(&keys(SECRET), "heads/").await, Ok(None));
    assert_eq!(new("one").await, Ok(true));
    assert_eq!(new("another").await, Ok(false));
    assert_eq!(
        std::fs::read(server.file(BUCKET, "heads/1")).unwrap(),
        b"one",
        "the first one stays"
    );
    for name in ["heads/0", "heads/2", "head"] {
        put(&s3, SECRET, name, "x").await.unwrap();
    }
    let first = s3.first(&keys(SECRET), "heads/").await.unwrap();
    assert_eq!(first.as_deref(), Some("heads/0"));
    for (status, is_there) in [(412, true), (409, true), (501, false), (503, false)] {
        server.feel(Mood::Answers(StatusCode::from_u16(status).unwrap(), None));
        let answer = new("more").await;
        assert_eq!(answer == Ok(false), is_there, "{status}: {answer:?}");
        assert_eq!(answer.is_err(), !is_there, "{status}: {answer:?}");
    }
}

#[tokio::test]
async fn agp_i1_another_key_and_another_bucket_are_refused_and_say_nothing() {
    let server = S3Server::start(BUCKET).await;
    let s3 = bucket(&server.endpoint(), BUCKET);
    let error = put(&s3, "another-secret-of-this-length-0123456789", "x", "1")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, S3Error::Refused { status, .. } if *status == StatusCode::FORBIDDEN),
        "{error:?}"
    );
    tells_nothing(&error);
    assert!(!server.file(BUCKET, "x").exists());
    let elsewhere = bucket(&server.endpoint(), "not-there");
    let error = put(&elsewhere, SECRET, "x", "1").await.unwrap_err();
    assert!(
        matches!(&error, S3Error::Refused { code: Some(code), .. } if code == "NoSuchBucket"),
        "{error:?}"
    );
    let error = elsewhere.get(&keys(SECRET), "x", 10).await.unwrap_err();
    assert!(
        matches!(error, S3Error::Refused { .. }),
        "a bucket that is not there is no empty one"
    );
    for name in ["../x", "a//b", "", "a/../../costs2/x"] {
        assert_eq!(put(&s3, SECRET, name, "1").await, Err(S3Error::Name));
    }
}

#[tokio::test]
async fn anp_0018_redirects_are_answers_and_what_a_server_writes_is_not_told() {
    let (server, elsewhere) = (S3Server::start(BUCKET).await, S3Server::start(BUCKET).await);
    let s3 = bucket(&server.endpoint(), BUCKET);
    for status in [301, 307, 403, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        server.feel(Mood::Answers(
            status,
            Some(format!("{}/costs/x", elsewhere.endpoint())),
        ));
        let error = put(&s3, SECRET, "x", "1").await.unwrap_err();
        assert_eq!(
            error,
            S3Error::Refused {
                status,
                code: Some("AccessDenied".to_owned())
            }
        );
        tells_nothing(&error);
    }
    assert!(elsewhere.asked().is_empty(), "nobody was sent there");
    let endpoint = server.endpoint();
    drop(server);
    let error = put(&bucket(&endpoint, BUCKET), SECRET, "x", "1")
        .await
        .unwrap_err();
    assert!(matches!(error, S3Error::Away(_)), "{error:?}");
    tells_nothing(&error);
}

#[test]
fn anp_d0005_endpoints_that_are_never_called_and_odd_buckets_are_no_place() {
    let place = |endpoint: &str, bucket: &str| S3Place {
        endpoint: endpoint.to_owned(),
        bucket: bucket.to_owned(),
        region: "us-east-1".to_owned(),
        virtual_host: false,
        allow_plaintext: false,
    };
    let client = Client::new(&ClientOptions::default());
    for (endpoint, bucket) in [
        ("http://169.254.169.254", BUCKET),
        ("http://s3.internal", BUCKET),
        ("https://me:pw@s3.example", BUCKET),
        ("ftp://s3.example", BUCKET),
        ("https://s3.example", "a/b"),
        ("https://s3.example", "a?b"),
        ("https://s3.example", "UP"),
        ("https://s3.example", ""),
    ] {
        assert!(
            S3::new(&place(endpoint, bucket), client.clone()).is_err(),
            "{endpoint} {bucket}"
        );
    }
    assert!(S3::new(&place("https://s3.example", BUCKET), client).is_ok());
}
