//! Which names the control plane answers to. A page whose own name was made to point here (DNS rebinding) is of
//! one origin with us as far as a browser can tell; its name is none of ours.
//!
//! It never looks at ports: what listens decides them.

use std::net::IpAddr;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;

/// The names it answers to, beside numbers and `localhost`.
#[derive(Debug, Clone)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// The host of `public_url`, and `more`.
    pub fn new(public_url: &str, more: &[String]) -> Self {
        let public = public_url.parse::<http::Uri>().ok();
        let public = public.as_ref().and_then(http::Uri::host);
        let names = public.into_iter().chain(more.iter().map(String::as_str));
        Self(names.map(str::to_ascii_lowercase).collect())
    }

    /// Whether a request is for one of them. It says so once, and where its target says so too, twice the same.
    // threat: ANP-0013
    // threat: CTX-T2
    pub fn are_meant(&self, head: &Parts) -> bool {
        let mut said = head.headers.get_all(HOST).iter();
        let (Some(host), None) = (said.next(), said.next()) else {
            return false;
        };
        let Ok(host) = host.as_bytes().try_into() else {
            return false;
        };
        let host: Authority = host;
        let target = head.uri.authority();
        target.is_none_or(|target| *target == host) && self.has(&host)
    }

    /// A name can be made to point here by whoever owns it; a number cannot.
    fn has(&self, host: &Authority) -> bool {
        if host.as_str().contains('@') {
            return false;
        }
        let name = host.host().to_ascii_lowercase();
        let number = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || number.parse::<IpAddr>().is_ok() || self.0.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_meant(target: &str, hosts: &[&str]) -> bool {
        let mut request = http::Request::get(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        Hosts::new("https://Gate.example.com:8443", &["gate.internal".to_owned()]).are_meant(&head)
    }

    #[test]
    fn anp_0013_names_of_its_own_and_numbers_are_answered() {
        for host in [
            "gate.example.com",
            "GATE.example.com:1234",
            "gate.internal:8081",
            "localhost:8081",
            "127.0.0.1:8081",
            "[::1]:8081",
            "10.1.2.3",
        ] {
            assert!(are_meant("/", &[host]), "{host}");
        }
        assert!(are_meant("http://localhost:1/", &["localhost:1"]));
    }

    #[test]
    fn anp_0013_no_other_name_is_answered() {
        for host in [
            "",
            "evil.example",
            "gate.example.com.evil.example",
            "evil.localhost",
            "localhost.",
            "127.0.0.1.evil.example",
            "127.1",
            "0x7f000001",
            "localhost@evil.example",
            "evil.example@localhost",
            "localhost, evil.example",
            "localhost/evil",
        ] {
            assert!(!are_meant("/", &[host]), "{host}");
        }
        assert!(!are_meant("/", &[]));
        assert!(!are_meant("/", &["localhost", "localhost"]));
        assert!(!are_meant("http://evil.example/", &["localhost"]));
        assert!(!are_meant("http://localhost/", &["evil.example"]));
    }
}
