#!/usr/bin/env python3
"""Stands in for the gate in the tests of its child handling."""
import http.server, os, signal, sys
if sys.argv[1] != "serve":
    print('{"args": "%s", "env": "%s"}' % (" ".join(sys.argv[1:]), os.environ.get("MARK")))
    sys.exit(0)
lines = open(sys.argv[-1]).read().splitlines()
said = dict(line.strip().split(": ", 1) for line in lines if ": " in line)
port = int(said.get("port") or said["health"].split(":")[1])
if port == 1:
    print("error: bad port", file=sys.stderr)
    sys.exit(3)
def stop(*_):
    print("stopping", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.send_header("content-length", "0")
        self.end_headers()
http.server.HTTPServer.allow_reuse_address = True
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", port), Ready).serve_forever()
