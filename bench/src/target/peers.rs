//! Plain proxies to compare with, each with the least configuration that streams well.

use std::path::Path;

use super::{Field, Kind, Running, free_port, wait_ready};
use crate::cpus;
use crate::failure::{Failure, Outcome};
use crate::process::Process;

/// One worker, kept connections on both sides, bodies of up to 128 KiB never on disk, no log.
pub(super) fn nginx(field: &Field) -> Outcome<Running> {
    let (folder, port) = (field.folder_of(Kind::Nginx)?, free_port()?);
    let config = format!(
        "worker_processes 1;\ndaemon off;\nuser root;\npid nginx.pid;\nerror_log stderr crit;\n\
         events {{ worker_connections 2048; }}\n\
         http {{\n  access_log off;\n  client_body_temp_path body;\n  proxy_temp_path proxy;\n\
         \x20 fastcgi_temp_path fastcgi;\n  uwsgi_temp_path uwsgi;\n  scgi_temp_path scgi;\n\
         \x20 client_max_body_size 10m;\n  client_body_buffer_size 128k;\n  keepalive_requests 100000000;\n\
         \x20 upstream provider {{ server 127.0.0.1:{}; keepalive 128; keepalive_requests 100000000; }}\n\
         \x20 server {{\n    listen 127.0.0.1:{port} backlog=1024;\n    location / {{\n\
         \x20     proxy_pass http://provider;\n      proxy_http_version 1.1;\n\
         \x20     proxy_set_header Connection \"\";\n      proxy_buffering off;\n    }}\n  }}\n}}\n",
        field.upstream_port
    );
    std::fs::write(folder.join("nginx.conf"), config)?;
    let place = folder.display().to_string();
    let args = ["-p", &place, "-c", "nginx.conf", "-e", "stderr"].map(str::to_owned);
    run(Kind::Nginx, &field.binaries.nginx, &args, &folder, port)
}

/// One thread, kept connections on both sides, no log.
pub(super) fn haproxy(field: &Field) -> Outcome<Running> {
    let program = field
        .binaries
        .haproxy
        .as_ref()
        .ok_or_else(|| Failure::new("no HAProxy was named"))?;
    let (folder, port) = (field.folder_of(Kind::Haproxy)?, free_port()?);
    let config = format!(
        "global\n  maxconn 2048\n  nbthread 1\n  tune.bufsize 131072\ndefaults\n  mode http\n\
         \x20 timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  http-reuse always\n\
         frontend callers\n  bind 127.0.0.1:{port}\n  default_backend provider\n\
         backend provider\n  server provider 127.0.0.1:{}\n",
        field.upstream_port
    );
    std::fs::write(folder.join("haproxy.cfg"), config)?;
    let args = ["-db", "-f", "haproxy.cfg"].map(str::to_owned);
    run(Kind::Haproxy, program, &args, &folder, port)
}

fn run(kind: Kind, program: &Path, args: &[String], folder: &Path, port: u16) -> Outcome<Running> {
    let log = folder.join("log");
    let mut process = Process::start(cpus::PROXY, program, args, folder, log)
        .map_err(|why| Failure::new(format!("{}: {why}", kind.title())))?;
    let ready_ms = wait_ready(&mut process, port, "/v1/models")?;
    Ok(Running {
        process: Some(process),
        port,
        key: None,
        ready_ms: Some(ready_ms),
    })
}
