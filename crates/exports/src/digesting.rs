//! Bytes on their way somewhere, counted and digested.

use std::io::{self, Read, Write};

use aws_lc_rs::digest::{Context, SHA256};

use crate::manifest::hex;

/// Passes bytes on and remembers what they were.
pub struct Digesting<W> {
    inner: W,
    context: Context,
    bytes: u64,
}

impl<W> Digesting<W> {
    /// Nothing yet.
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            context: Context::new(&SHA256),
            bytes: 0,
        }
    }

    /// Where they went, their SHA-256 in hex, and how many there were.
    pub fn finish(self) -> (W, String, u64) {
        (self.inner, hex(self.context.finish().as_ref()), self.bytes)
    }

    fn seen(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.seen(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The SHA-256 of all that can be read, in hex, and how much it is.
pub fn digest_of(mut from: impl Read) -> io::Result<(String, u64)> {
    let mut sink = Digesting::new(io::sink());
    io::copy(&mut from, &mut sink)?;
    let (_, sha256, bytes) = sink.finish();
    Ok((sha256, bytes))
}
