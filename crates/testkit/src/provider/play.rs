//! Plays a made reply onto a socket, and notices when the caller walks away.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::reply::{Cut, Framing, Made, Step};

/// How the connection stands after an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum After {
    KeepAlive,
    Closed,
    Abandoned,
}

enum Stop {
    Planned,
    CallerGone,
}

/// Writes the whole reply, step by step.
pub(crate) async fn play(made: Made, socket: &mut TcpStream) -> After {
    match play_all(&made, socket).await {
        Err(Stop::CallerGone) => After::Abandoned,
        Err(Stop::Planned) => After::Closed,
        Ok(()) if matches!(made.framing, Framing::UntilClose | Framing::Bare) => After::Closed,
        Ok(()) => After::KeepAlive,
    }
}

async fn play_all(made: &Made, socket: &mut TcpStream) -> Result<(), Stop> {
    let chunked = made.framing == Framing::Chunked;
    for step in &made.before {
        play_step(step, false, socket).await?;
    }
    if made.framing != Framing::Bare {
        write(socket, head(made).as_bytes()).await?;
    }
    for step in &made.steps {
        play_step(step, chunked, socket).await?;
    }
    if chunked {
        write(socket, b"0\r\n\r\n").await?;
    }
    Ok(())
}

fn head(made: &Made) -> String {
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", made.status);
    for (name, value) in &made.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match made.framing {
        Framing::Length(bytes) => head.push_str(&format!("content-length: {bytes}\r\n")),
        Framing::Chunked => head.push_str("transfer-encoding: chunked\r\n"),
        Framing::UntilClose | Framing::Bare => head.push_str("connection: close\r\n"),
    }
    head.push_str("\r\n");
    head
}

async fn play_step(step: &Step, chunked: bool, socket: &mut TcpStream) -> Result<(), Stop> {
    match step {
        Step::Write(bytes) => write_piece(socket, bytes, chunked).await,
        Step::Wait(pause) => wait(socket, Some(*pause)).await,
        Step::Stall => wait(socket, None).await,
        Step::End(Cut::Fin) => Err(Stop::Planned),
        Step::End(Cut::Rst) => {
            let _ = socket.set_zero_linger();
            Err(Stop::Planned)
        }
        Step::Endless { bytes, every } => loop {
            write_piece(socket, bytes, chunked).await?;
            wait(socket, Some(*every)).await?;
        },
    }
}

async fn write_piece(socket: &mut TcpStream, bytes: &Bytes, chunked: bool) -> Result<(), Stop> {
    if !chunked {
        return write(socket, bytes).await;
    }
    if bytes.is_empty() {
        return Ok(());
    }
    let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
    framed.extend_from_slice(bytes);
    framed.extend_from_slice(b"\r\n");
    write(socket, &framed).await
}

async fn write(socket: &mut TcpStream, bytes: &[u8]) -> Result<(), Stop> {
    socket.write_all(bytes).await.map_err(|_| Stop::CallerGone)
}

/// Waits out the pause (for ever when there is none) unless the caller closes first.
async fn wait(socket: &TcpStream, pause: Option<Duration>) -> Result<(), Stop> {
    let nap = async {
        match pause {
            Some(pause) => tokio::time::sleep(pause).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(nap);
    let mut byte = [0];
    tokio::select! {
        () = &mut nap => Ok(()),
        seen = socket.peek(&mut byte) => match seen {
            Ok(0) | Err(_) => Err(Stop::CallerGone),
            // A pipelined request is waiting: it cannot tell whether the caller is still there.
            Ok(_) => { nap.await; Ok(()) }
        }
    }
}
