//! Open loop: requests start at fixed times whatever happened to the ones before, and
//! latency counts from that time, so a stall is charged to every request it delayed.
//!
//! Threads and blocking sockets, because an async runtime's timer has a grain of a millisecond.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{Events, Shot, Tally};
use crate::failure::{Failure, Outcome};
use crate::framing::Message;

/// A sleeping thread wakes up late by about this much; the rest is spent spinning.
const SPIN: Duration = Duration::from_micros(80);

/// A worker this far behind gives up: the target does not keep the rate at all.
const BEHIND_MAX: Duration = Duration::from_secs(5);

/// Runs `workers` threads that take turns.
pub(super) fn run(shot: &Shot, workers: usize, rate: f64) -> Outcome<Tally> {
    let count = ((shot.length.as_secs_f64() * rate) as u64).min(shot.requests_max);
    let start = Instant::now() + Duration::from_millis(20);
    let turns = |worker: usize| (worker as u64..count).step_by(workers.max(1));
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers.max(1))
            .map(|worker| {
                let times =
                    turns(worker).map(move |turn| start + Duration::from_secs_f64(turn as f64 / rate));
                scope.spawn(move || connection(shot, times))
            })
            .collect();
        let mut total = Tally::default();
        for thread in running {
            total.absorb(thread.join().map_err(|_| Failure::new("a load thread stopped"))?);
        }
        Ok(total)
    })
}

fn connection(shot: &Shot, times: impl Iterator<Item = Instant>) -> Tally {
    let mut tally = Tally::default();
    let mut message = Message::default();
    let mut buffer = vec![0; 32 * 1024];
    let mut socket = connect(shot);
    for time in times {
        wait_until(time);
        if time.elapsed() > BEHIND_MAX {
            tally.failed("the rate cannot be kept".to_owned());
            break;
        }
        let done = socket
            .as_mut()
            .map_err(|why| why.clone())
            .and_then(|socket| exchange(shot, socket, &mut message, &mut buffer, &mut tally, time));
        if let Err(fault) = done {
            tally.failed(fault);
            socket = connect(shot);
        }
    }
    tally
}

fn connect(shot: &Shot) -> Result<TcpStream, String> {
    let socket = TcpStream::connect(shot.address).map_err(|why| why.to_string())?;
    socket.set_nodelay(true).map_err(|why| why.to_string())?;
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .map_err(|why| why.to_string())?;
    Ok(socket)
}

fn wait_until(time: Instant) {
    let now = Instant::now();
    if let Some(nap) = time.checked_duration_since(now + SPIN) {
        std::thread::sleep(nap);
    }
    while Instant::now() < time {
        std::hint::spin_loop();
    }
}

fn exchange(
    shot: &Shot,
    socket: &mut TcpStream,
    message: &mut Message,
    buffer: &mut [u8],
    tally: &mut Tally,
    start: Instant,
) -> Result<(), String> {
    message.reset();
    let (mut first_byte, mut events) = (None, Events::default());
    socket.write_all(&shot.request).map_err(|why| why.to_string())?;
    loop {
        let count = socket.read(buffer).map_err(|why| why.to_string())?;
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
