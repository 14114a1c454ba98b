"""The process that serves a local model: `LocalServer` starts it, and it ends with its starter.

    python -P serving.py MODEL.gguf SLOTS TOKENS THREADS

It writes one line, its address (http://...), and serves until its standard input ends; lines before
that are errors. It imports nothing of hubbub.
"""

from __future__ import annotations

import os
import signal
import sys

import xllamacpp


def serve(path: str, slots: int, tokens: int, threads: int) -> None:
    """Serve a GGUF file on a free loopback port: `slots` requests at once, `tokens` for each."""
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.port = 0
    params.n_parallel = slots
    params.n_ctx = slots * tokens
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = 0  # each slot keeps its last prompt; more would take up to 8 GiB
    params.ui = False
    params.verbosity = 1  # errors only
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # nobody reads on
        os.dup2(nowhere, stream)
    sys.stdin.buffer.read()
    os._exit(0)  # the server's own end waits for requests under way, and for their clients


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the starter
    try:
        serve(sys.argv[1], *map(int, sys.argv[2:]))
    except RuntimeError as error:
        sys.exit(str(error))
