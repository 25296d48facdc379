//! The open end of a match: once a rule is sure, its finding goes on to where the secret ends,
//! however long that is, without anything being held back. Never decides whether there is a match.

use crate::class::{Class, UPPER_ALNUM};

/// How a sure match goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Over every byte of a class.
    Run(Class),
    /// Over the body of a PEM block and its end line.
    Pem(PemTail),
}

impl Tail {
    /// Takes the next bytes: how many of them belong to the match, and whether it ends there.
    pub(crate) fn feed(&mut self, text: &[u8]) -> (usize, bool) {
        match self {
            Self::Run(class) => {
                let taken = class.run(text, text.len());
                (taken, taken < text.len())
            }
            Self::Pem(pem) => pem.feed(text),
        }
    }
}

/// What a PEM body is made of, escapes and quotes of the source code around it included.
pub(crate) const PEM_BODY: Class = Class::of("A-Za-z0-9+/= \t\r\n\\\"',:;.|()@_-");

/// The label of an end line, such as `END RSA PRIVATE KEY`.
const LABEL_BYTES_MAX: u8 = 64;

const DASHES: u8 = 5;

/// Where in a PEM block we are. Ends after the end line's last dash, or before the first byte that no
/// PEM block contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PemTail {
    dashes: u8,
    label: Option<u8>,
}

impl PemTail {
    /// Just behind the begin line.
    pub(crate) const fn body() -> Self {
        Self {
            dashes: 0,
            label: None,
        }
    }

    fn feed(&mut self, text: &[u8]) -> (usize, bool) {
        for (at, &byte) in text.iter().enumerate() {
            match self.step(byte) {
                Step::In => {}
                Step::Last => return (at + 1, true),
                Step::Out => return (at, true),
            }
        }
        (text.len(), false)
    }

    fn step(&mut self, byte: u8) -> Step {
        self.dashes = if byte == b'-' {
            self.dashes.saturating_add(1)
        } else {
            0
        };
        match self.label {
            Some(_) if self.dashes == DASHES => Step::Last,
            Some(_) if byte == b'-' => Step::In,
            Some(length) if length < LABEL_BYTES_MAX && (byte == b' ' || UPPER_ALNUM.has(byte)) => {
                self.label = Some(length + 1);
                Step::In
            }
            Some(_) => Step::Out,
            None if self.dashes == DASHES => {
                self.label = Some(0);
                Step::In
            }
            None if PEM_BODY.has(byte) => Step::In,
            None => Step::Out,
        }
    }
}

enum Step {
    In,
    Last,
    Out,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pem_tail_ends_after_its_end_line() {
        let text = b"\nabc\n-----END PRIVATE KEY-----\nrest";
        let mut tail = Tail::Pem(PemTail::body());
        assert_eq!(tail.feed(text), (text.len() - 5, true));
    }

    #[test]
    fn a_pem_tail_ends_before_what_no_key_contains() {
        assert_eq!(Tail::Pem(PemTail::body()).feed(b"abc\n{x"), (4, true));
        assert_eq!(Tail::Pem(PemTail::body()).feed(b"abc"), (3, false));
    }

    #[test]
    fn pieces_are_as_good_as_the_whole() {
        let text = b"ab==\n-----END EC PRIVATE KEY-----after";
        let mut tail = Tail::Pem(PemTail::body());
        let mut taken = 0;
        for byte in text {
            let (one, ended) = tail.feed(&[*byte]);
            taken += one;
            if ended {
                break;
            }
        }
        assert_eq!(taken, text.len() - 5);
    }
}
