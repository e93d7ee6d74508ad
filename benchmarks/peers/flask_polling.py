"""What is written by hand: a Flask master with a lock and counters, polled by its slaves.

The master answers ``/check_server`` with what is to be done, ``GET /get_model`` with the weights
as lists in JSON, takes trained weights by ``POST /get_model`` and hits by ``POST /test_model``.
Two slave processes act for half of the slaves each, and sleep between two looks at the master.
"""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import threading
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import requests
from flask import Flask, request
from werkzeug.serving import make_server

from benchmarks.peers.peer import Measurement, main
from benchmarks.work import Work, load

PROCESSES = 2
#: Seconds between two looks at the master.
POLL = 0.05


class Master:
    """The global model, and how many slaves have been heard of in this phase."""

    def __init__(self, work: Work) -> None:
        self.work, self.lock, self.done = work, threading.Lock(), threading.Event()
        self.phase, self.round, self.model = "train", 1, work.initial()
        self.ticks: list[float] = []
        self._clear()

    def _clear(self) -> None:
        self.total: Any = 0
        self.weight, self.arrived = 0, 0

    def add(self, value: Any, weight: int) -> None:
        """Add what a slave has sent; the last one ends the phase."""
        with self.lock:
            self.total, self.weight = self.total + value * weight, self.weight + weight
            self.arrived += 1
            if self.arrived < self.work.config.slaves:
                return
            if self.phase == "train":
                self.model, self.phase = [self.total / self.weight], "test"
            else:
                self.accuracy = float(self.total / self.weight)
                self.ticks.append(time.perf_counter())
                self.phase, self.round = "train", self.round + 1
                if self.round > self.work.config.rounds:
                    self.phase = "done"
                    self.done.set()
            self._clear()


def make_app(master: Master) -> Flask:
    """Make the web application."""
    app = Flask(__name__)

    @app.get("/check_server")
    def check_server() -> dict[str, Any]:
        with master.lock:
            return {"phase": master.phase, "round": master.round}

    @app.get("/get_model")
    def get_model() -> dict[str, Any]:
        with master.lock:
            return {"weights": master.model[0].tolist()}

    @app.post("/get_model")
    def post_model() -> dict[str, Any]:
        sent = request.get_json()
        master.add(np.array(sent["weights"]), sent["samples"])
        return {}

    @app.post("/test_model")
    def test_model() -> dict[str, Any]:
        sent = request.get_json()
        master.add(sent["accuracy"], sent["rows"])
        return {}

    return app


def act(url: str, root: str, slaves: range) -> None:
    """Train and test for some slaves, until the master is done."""
    work = load(root)
    for number in range(1, work.config.rounds + 1):
        for phase in ("train", "test"):
            while requests.get(f"{url}/check_server", timeout=60).json() != {
                "phase": phase,
                "round": number,
            }:
                time.sleep(POLL)
            for slave in slaves:
                answer = requests.get(f"{url}/get_model", timeout=60).json()
                model = [np.array(answer["weights"])]
                if phase == "train":
                    [weights] = work.train(model, number, slave)
                    sent = {"weights": weights.tolist(), "samples": work.samples(slave)}
                    requests.post(f"{url}/get_model", json=sent, timeout=60)
                else:
                    accuracy, rows = work.evaluate(model, slave)
                    sent = {"accuracy": accuracy, "rows": rows}
                    requests.post(f"{url}/test_model", json=sent, timeout=60)


def measure(work: Work) -> Measurement:
    """Serve until the last round is tested."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    started = time.perf_counter()
    master = Master(work)
    server = make_server("127.0.0.1", 0, make_app(master), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    context = multiprocessing.get_context("spawn")
    halves = [range(k, work.config.slaves, PROCESSES) for k in range(PROCESSES)]
    actors = [
        context.Process(target=act, args=(url, str(work.root), half), daemon=True)
        for half in halves
    ]
    for actor in actors:
        actor.start()
    while not master.done.wait(1):
        assert all(actor.exitcode in (None, 0) for actor in actors), "a slave process has died"
    for actor in actors:
        actor.join()
    server.shutdown()
    # The first round, which is left out, holds the start of the slaves.
    ticks = [started, *master.ticks]
    round_ms = [(b - a) * 1000 for a, b in itertools.pairwise(ticks)]
    notes = {"slave processes": PROCESSES, "poll seconds": POLL}
    return Measurement(round_ms, master.accuracy, ticks[1] - started, notes)


if __name__ == "__main__":
    main("flask-polling", f"flask {version('flask')}", measure)
