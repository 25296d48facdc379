#!/usr/bin/env python3
"""A guard of one's own for Bartizan (docs/guard-connectors.md): marks code names and internal hosts.

    GUARD_CREDENTIAL=… python3 server.py 9090
"""
import hmac
import json
import os
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RULES = [
    ("code_name", re.compile(r"\bProject (?:Heron|Osprey)\b")),
    ("internal_host", re.compile(r"\b[\w-]+\.corp\.internal\b")),
]
CREDENTIAL = os.environ.get("GUARD_CREDENTIAL", "")
BODY_BYTES_MAX = 16 << 20


def findings(texts):
    for number, it in enumerate(texts):
        for rule, pattern in RULES:
            # Python counts code points, and so does the contract.
            for match in pattern.finditer(it["text"]):
                yield {"text": number, "start": match.start(), "end": match.end(), "rule": rule, "kind": "custom"}


class Guard(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = int(self.headers.get("content-length") or 0)
        shown = self.headers.get("authorization", "")
        if CREDENTIAL and not hmac.compare_digest(shown.encode(), f"Bearer {CREDENTIAL}".encode()):
            return self.say(401, {"error": "who are you?"})
        if size > BODY_BYTES_MAX:
            return self.say(413, {"error": "too large"})
        asked = json.loads(self.rfile.read(size))
        self.say(200, {"findings": list(findings(asked["texts"]))})

    def say(self, status, answer):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if status != 200:
            self.close_connection = True
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass  # texts and addresses stay out of logs


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Guard).serve_forever()
