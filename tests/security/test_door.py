"""Whatever stands in Redis: each command that reads it ends in a value or in one line."""

from __future__ import annotations

import importlib.metadata
import random
import signal
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ResponseError

import fedredis
from fedredis.connection import connect
from fedredis.data.cut import write_partitions
from fedredis.errors import FedredisError
from fedredis.jobs.naming import queue_name
from fedredis.keys import RoundName, RunKeys
from fedredis.rounds.master import create_run
from fedredis.store import runs, workers
from fedredis.store.master import MasterStore
from fedredis.store.slave import Ask, SlaveStore
from fedredis.store.turns import Opening
from tests.security.mutations import spoil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from redis import Redis


SEED = 9
VALUES = "size=90,age=3"


@dataclass(frozen=True)
class Made:
    """Runs of which there is something in Redis: finished ones, and one on its way."""

    trained: str
    grown: str
    asked: str
    begun: str
    #: All keys.
    dumped: dict[bytes, bytes]

    @property
    def runs(self) -> tuple[str, ...]:
        """The runs' names."""
        return (self.trained, self.grown, self.asked, self.begun)

    def keys(self, run: str) -> list[bytes]:
        """Return the keys of a run, and those that are no run's."""
        others = [other.encode() for other in self.runs if other != run]
        return sorted(key for key in self.dumped if not any(other in key for other in others))


@pytest.fixture(scope="module")
def made(embedded, tmp_path_factory: pytest.TempPathFactory, pets) -> Made:
    """Make the runs."""
    folder = tmp_path_factory.mktemp("pets") / "parts"
    manifest = write_partitions(pets, folder, 3, seed=1, test_fraction=0.2)
    on: dict[str, Any] = {"workers": 1, "redis_url": embedded.url}
    with connect(embedded.url) as client:
        client.flushall()
        done = fedredis.run(folder, rounds=2, strategy="fedadam", patience=2, **on).run
        grown = fedredis.run(folder, rounds=2, model="trees", **on).run
        asked = fedredis.glm(folder, "age ~ size", **on).run
        config = runs.read(client, done).config
        going = replace(config, lease_ms=100, round_timeout_ms=100, attempts=1)
        begun = create_run(client, going)
        keys, train = RunKeys(begun), RoundName("statistics", 1)
        master = MasterStore(client, keys, token="me", lease_ms=100)
        master.acquire()
        each = {"expected": 3, "quorum": 3, "timeout_ms": 100, "attempts": 2}
        reads = {"known": "preprocessing:0"}
        master.turn([], [Opening(train, "statistics", None, **each, reads=reads)])
        slave = SlaveStore(client, keys, worker="w-1", lease_ms=10**9, alone="1")
        slave.attach("statistics")
        (claim,) = slave.visit([], [Ask(train, "statistics", ("1",), take_any=False)]).claims
        assert claim
        slave.fail(claim, "1", traceback="ValueError: no")
        master.warn("a warning")
        card = workers.WorkerCard(
            "w-1",
            "host",
            1,
            queue_name(manifest.dataset, None),
            manifest.dataset,
            manifest.to_json(),
            None,
        )
        workers.join(client, card)
        # As long as this test goes on.
        client.persist(workers.keys.worker("w-1"))
        client.persist(workers.keys.WORKERS)
        client.zadd(workers.keys.WORKERS, {"w-1": 2**52})
        client.persist(keys.attached("statistics"))
        client.delete(keys.lease)
        dumped = {key: client.dump(key) for key in client.scan_iter("fedredis:*")}
        return Made(done, grown, asked, begun, dumped)


#: Commands that only read, with a run's name where there is RUN; those behind the mark may wait.
READING = (
    *("runs", "runs --json", "show RUN", "show RUN --json", "errors RUN", "errors RUN --json"),
    *("top --once", "top --once --json", f"predict --run RUN --values {VALUES}", "doctor"),
    *("export RUN --out m.npz --force", "export RUN --out m.onnx --force"),
)
WAITING = ("resume RUN --workers 0 --wait-timeout 0", "watch RUN --json", "stop RUN")
#: What programs call; the others are what commands are made of.
CALLS: tuple[Callable[..., Any], ...] = (fedredis.nodes, fedredis.failures, fedredis.show)
#: One in so many commands is one that may wait, as long as this many seconds.
SELDOM, LONGEST = 60, 1.0
#: How the line begins that a command ends with which has failed, or whose run has.
LINES = ("fedredis: ", "run ")


@pytest.fixture
def ask(call, embedded) -> Iterator[Callable[[int, str], tuple[str, str]]]:
    """Return a function that calls a command on a run; it says which, and what was said.

    It sees that it ends in a value or in a line.
    """

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, stop)

    def ask(number: int, run: str) -> tuple[str, str]:
        if number % SELDOM == SELDOM - 1:
            words, seconds = WAITING[number // SELDOM % len(WAITING)], LONGEST
        else:
            place = number % (len(READING) + len(CALLS))
            if place >= len(READING):
                function, said = CALLS[place - len(READING)], ""
                try:
                    function(run, redis_url=embedded.url)
                except FedredisError as error:
                    said = f"fedredis: {error}"
                return function.__name__, said
            words, seconds = READING[place], 60
        # A run of which a mutation has made one that waits for long is stopped.
        signal.setitimer(signal.ITIMER_REAL, seconds)
        answer = call(*words.replace("RUN", run).split(), "--redis-url", embedded.url)
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert answer.code in (0, 1, 2, 130), (words, answer)
        last = answer.err.splitlines()[-1:]
        assert answer.code in (0, 130) or last[0].startswith(LINES), (words, answer.err)
        return words, answer.err

    yield ask
    signal.signal(signal.SIGALRM, previous)


@dataclass
class Spoilt:
    """Keys of which a stranger has written the values, and what they hold now."""

    client: Redis
    made: Made
    #: Key to what was done to it, and to what is there in its place (None: nothing).
    how: dict[bytes, str] = field(default_factory=dict)
    now: dict[bytes, bytes | None] = field(default_factory=dict)

    def spoil(self, rng: random.Random, keys: Sequence[bytes]) -> None:
        """Mutate what some keys hold; arrays before what describes them, which is read for it."""
        for key in sorted(keys, key=lambda key: not key.endswith(b":parts")):
            try:
                self.how[key] = spoil(rng, self.client, key)
            except ResponseError as refused:  # such as an id that is too small
                self.how[key] = str(refused)
        self.now = {key: self.client.dump(key) for key in self.touched(self.how)}

    @staticmethod
    def touched(keys: Iterable[bytes]) -> list[bytes]:
        """Name the keys to put back: of an artifact's arrays what describes them, too."""
        about = [key.removesuffix(b":parts") for key in keys if key.endswith(b":parts")]
        return [*dict.fromkeys((*keys, *about))]

    def put_back(self, keys: Iterable[bytes]) -> None:
        """Put back what was there."""
        self._write({key: self.made.dumped[key] for key in self.touched(keys)})

    def again(self, keys: Iterable[bytes]) -> None:
        """Write again what a stranger has written to these keys."""
        self._write({key: self.now[key] for key in self.touched(keys)})

    def _write(self, values: Mapping[bytes, bytes | None]) -> None:
        with self.client.pipeline(transaction=False) as pipeline:
            for key, value in values.items():
                if value is None:
                    pipeline.unlink(key)
                else:
                    pipeline.restore(key, 0, value, replace=True)
            pipeline.execute()


#: How many keys are spoilt at once: of one it is seen what it does by itself, of several more is
#: seen in the time, as far as a command reads on.
AT_ONCE = (1, 2, 4, 8, 16)
#: What no command says.
NEVER_SAID = ("Traceback", "internal error", "Redis failed: ", "\x1b")


def problem(ask: Callable[[int, str], tuple[str, str]], number: int, run: str) -> str:
    """Call a command; return what is wrong with how it has ended, if anything."""
    try:
        words, said = ask(number, run)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return next((f"{words}: {said[-500:]}" for word in NEVER_SAID if word in said), "")


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("times", "seed"),
    [(600, SEED), *(pytest.param(50_000, seed, marks=pytest.mark.soak) for seed in (10, 11))],
)
def test_a_value_or_a_line(made, ask, embedded, monkeypatch, times, seed):
    """All but those that may wait change nothing; what those change is put back."""
    # Each connection looks up the version of its library, which takes as long as a command.
    monkeypatch.setattr(importlib.metadata, "version", cache(importlib.metadata.version))
    rng, done, number = random.Random(seed), 0, 0
    with connect(embedded.url) as client:
        client.flushall()
        Spoilt(client, made).put_back(made.dumped)
        while done < times:
            run, spoilt = rng.choice(made.runs), Spoilt(client, made)
            keys = made.keys(run)
            spoilt.spoil(rng, rng.sample(keys, min(len(keys), rng.choice(AT_ONCE))))
            if wrong := problem(ask, number, run):
                # Which of them is it?
                for key in spoilt.how:
                    spoilt.put_back(spoilt.how)
                    spoilt.again([key])
                    if problem(ask, number, run):
                        spoilt.how = {key: spoilt.how[key]}
                        break
                raise AssertionError(f"{number} {run}: {wrong}: after {spoilt.how}")
            if number % SELDOM == SELDOM - 1:
                client.flushall()
                spoilt.put_back(made.dumped)
            spoilt.put_back(spoilt.how)
            before, done, number = done, done + len(spoilt.how), number + 1
            if before // 1000 < done // 1000:
                print(f"{done} values, {number} commands", flush=True)


def test_there_is_something_of_all_kinds_of_keys(made):
    last = {key.rpartition(b"}")[2].split(b":")[1] for key in made.dumped if b"}:" in key}
    expected = "events work open history everyone slaves warnings model preprocessing strategy"
    assert {*expected.split(), "round", "slave", "nodes"} <= {name.decode() for name in last}
    assert {b"fedredis:runs", b"fedredis:workers", b"fedredis:joined"} <= made.dumped.keys()
