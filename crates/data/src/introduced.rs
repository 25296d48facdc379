//! Who is at the other end of a new connection, where trusted proxies say so by the PROXY protocol. Nothing of what
//! follows the header is read, and nobody else is asked for one: strangers are turned away before.

use std::io;
use std::net::IpAddr;

use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::proxy_header::{self, Caller, Read};

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The address.
    pub address: IpAddr,
    /// Whether it may be that of a proxy, which forwards for others. A proxy that names nobody does not.
    pub may_forward: bool,
}

impl Source {
    /// At the other end of the socket.
    pub const fn socket(address: IpAddr) -> Self {
        Self {
            address,
            may_forward: true,
        }
    }
}

/// Whether the proxy at this address is believed.
// threat: AGP-S1
pub fn is_trusted(proxies: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    proxies.iter().any(|net| net.contains(&address))
}

/// Reads the header that a trusted proxy begins its connection with. The caller bounds the time.
// threat: AGP-S1
// threat: AGP-D2
pub async fn read(stream: &mut (impl AsyncRead + Unpin), proxy: IpAddr) -> io::Result<Source> {
    let mut header = Vec::with_capacity(128);
    let caller = loop {
        match proxy_header::read(&header).map_err(io::Error::other)? {
            Read::Whole(caller) => break caller,
            Read::More(more) => {
                let mut piece = (&mut *stream).take(more as u64);
                if piece.read_buf(&mut header).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
    };
    Ok(match caller {
        Caller::At(address) => Source::socket(address.to_canonical()),
        Caller::Proxy => Source {
            address: proxy,
            may_forward: false,
        },
    })
}
