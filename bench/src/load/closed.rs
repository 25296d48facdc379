//! Closed loop: each connection sends its next request when the last is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Events, Shot, Tally};
use crate::failure::{Failure, Outcome};
use crate::framing::Message;

/// Runs all connections on this thread.
pub(super) fn run(shot: Shot, connections: usize) -> Outcome<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let shot = Arc::new(shot);
    let sent = Arc::new(AtomicU64::new(0));
    runtime.block_on(async {
        let until = Instant::now() + shot.length;
        let running: Vec<_> = (0..connections)
            .map(|at| {
                tokio::spawn(connection(
                    Arc::clone(&shot),
                    Arc::clone(&sent),
                    until,
                    delay(&shot, at),
                ))
            })
            .collect();
        let mut total = Tally::default();
        for task in running {
            total.absorb(task.await.map_err(|why| Failure::new(why.to_string()))?);
        }
        Ok(total)
    })
}

/// Streams start apart from each other; all at once, their chunks would come in bursts for ever.
fn delay(shot: &Shot, at: usize) -> Duration {
    match shot.chunks {
        Some(_) => Duration::from_millis(17 * at as u64),
        None => Duration::ZERO,
    }
}

async fn connection(shot: Arc<Shot>, sent: Arc<AtomicU64>, until: Instant, delay: Duration) -> Tally {
    tokio::time::sleep(delay).await;
    let mut tally = Tally::default();
    let mut buffer = vec![0; 32 * 1024];
    while Instant::now() < until {
        let Ok(mut socket) = TcpStream::connect(shot.address).await else {
            tally.failed("connection refused".to_owned());
            return tally;
        };
        let _ = socket.set_nodelay(true);
        let mut message = Message::default();
        while Instant::now() < until && sent.fetch_add(1, Ordering::Relaxed) < shot.requests_max {
            if let Err(fault) = exchange(&shot, &mut socket, &mut message, &mut buffer, &mut tally).await {
                tally.failed(fault);
                break;
            }
        }
        if sent.load(Ordering::Relaxed) >= shot.requests_max || tally.errors > 100 {
            break;
        }
    }
    tally
}

async fn exchange(
    shot: &Shot,
    socket: &mut TcpStream,
    message: &mut Message,
    buffer: &mut [u8],
    tally: &mut Tally,
) -> Result<(), String> {
    message.reset();
    let (start, mut first_byte, mut events) = (Instant::now(), None, Events::default());
    socket
        .write_all(&shot.request)
        .await
        .map_err(|why| why.to_string())?;
    loop {
        let count = socket.read(buffer).await.map_err(|why| why.to_string())?;
        if count == 0 {
            return Err("answer cut".to_owned());
        }
        first_byte.get_or_insert_with(|| start.elapsed());
        let bytes = buffer.get(..count).unwrap_or_default();
        if message
            .feed(bytes, &mut |part| {
                if shot.chunks.is_some() {
                    events.feed(part)
                }
            })
            .map_err(|_| "malformed answer")?
        {
            break;
        }
    }
    let first_byte = first_byte.unwrap_or_default().as_nanos() as u64;
    tally.answered(
        shot,
        shot.fault(message, &events),
        first_byte,
        start.elapsed().as_nanos() as u64,
    );
    Ok(())
}
