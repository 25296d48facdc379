//! Single sign-on from a terminal (RFC 8252): a browser somewhere on this machine signs in, and is sent back
//! to a port that only waits for it.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::client::{Asked, Client};
use crate::command::show::remark;
use crate::failure::{Failure, Hint};

/// Where it begins.
pub const BEGIN: &str = "/api/v1/sessions/sso";
const FINISH: &str = "/api/v1/sessions/sso/finish";
/// As long as what was begun is good.
const PATIENCE: Duration = Duration::from_secs(300);
const HEAD_BYTES_MAX: usize = 8 << 10;
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Signs in; gives the session.
pub async fn sign_in(client: &Client, body: Option<Value>) -> Result<Value, Failure> {
    let trouble =
        |error: std::io::Error| Failure::new(format!("no port of this machine can be used: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(trouble)?;
    let port = listener.local_addr().map_err(trouble)?.port();
    let mut body = body.unwrap_or_else(|| json!({}));
    if let Some(members) = body.as_object_mut() {
        members.insert(
            "redirect".to_owned(),
            format!("http://127.0.0.1:{port}/sso").into(),
        );
    }
    let begun = client.send(post(BEGIN, body)).await?.body;
    let text = |name: &str| begun.get(name).and_then(Value::as_str).unwrap_or_default();
    remark(&format!(
        "open this in a browser on this machine, and sign in:\n\n  {}\n",
        text("address")
    ));
    let back = tokio::time::timeout(PATIENCE, back(&listener)).await;
    let back = back.map_err(|_| Failure::new("nobody came back in five minutes").hint("begin again"))?;
    if let Some(error) = back.get("error") {
        let error: String = error.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(Failure::new(format!("the identity provider says `{error}`")));
    }
    let said = |name: &str| back.get(name).cloned().unwrap_or_default();
    let mut finish = json!({"ceremony": text("ceremony"), "code": said("code"), "state": said("state")});
    if let (Some(iss), Some(members)) = (back.get("iss"), finish.as_object_mut()) {
        members.insert("iss".to_owned(), iss.clone().into());
    }
    Ok(client.send(post(FINISH, finish)).await?.body)
}

fn post(path: &str, body: Value) -> Asked {
    Asked {
        method: http::Method::POST,
        path: path.to_owned(),
        body: Some(body),
        headers: Vec::new(),
    }
}

/// What the address held that a browser came back with.
async fn back(listener: &TcpListener) -> HashMap<String, String> {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        if let Ok(Some(found)) = tokio::time::timeout(HEAD_TIMEOUT, asked(stream)).await {
            return found;
        }
    }
}

async fn asked(mut stream: TcpStream) -> Option<HashMap<String, String>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES_MAX || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.strip_prefix("GET ")?.split(' ').next()?;
    let found = target.strip_prefix("/sso?").map(query);
    let (status, text) = match found {
        Some(_) => ("200 OK", "You can close this window and go on in the terminal.\n"),
        None => ("404 Not Found", "There is nothing here.\n"),
    };
    let length = text.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\ncache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{text}"
    );
    // Whether the browser hears it concerns nobody.
    let _ = stream.write_all(answer.as_bytes()).await;
    found
}

fn query(text: &str) -> HashMap<String, String> {
    let read = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (read(name), read(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ctx_t3_only_the_one_path_is_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let waiting = tokio::spawn(async move { back(&listener).await });
        for (target, status) in [
            ("/favicon.ico", "404"),
            ("/sso", "404"),
            ("/sso?code=a%2Bb&state=c+d", "200"),
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let sent = format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n");
            stream.write_all(sent.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        }
        let found = waiting.await.unwrap();
        assert_eq!((found["code"].as_str(), found["state"].as_str()), ("a+b", "c d"));
    }
}
