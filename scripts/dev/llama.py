"""llama.cpp's own HTTP server as a program: `python llama.py MODEL.gguf PORT ALIAS`, the key in LLAMA_API_KEY.

Runs in the environment that `requirements/engine.txt` locks, on loopback, until SIGTERM.
"""

import os
import signal
import sys

import xllamacpp


def main(model: str, port: str, alias: str) -> None:
    signals = {signal.SIGTERM, signal.SIGINT}
    # Before the server starts its threads: they inherit it, and only we wait for the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = int(port)
    parameters.model_alias = {alias}
    parameters.api_keys = [os.environ["LLAMA_API_KEY"]]
    parameters.n_ctx = 4096
    parameters.n_parallel = 2
    parameters.use_jinja = True
    parameters.warmup = False
    server = xllamacpp.Server(parameters)
    print(f"listening on {server.listening_address}", flush=True)
    signal.sigwait(signals)


if __name__ == "__main__":
    main(*sys.argv[1:])
