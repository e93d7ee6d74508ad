"""The header of every Lua script against its body and against what its wrapper sends."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import fedredis
from fedredis.arrays import Bundle, Field, Schema, blob
from fedredis.config import RunConfig
from fedredis.keys import RUNS, WORKERS, RoundName, RunKeys
from fedredis.store import asking, nodes, runs, scripts, workers
from fedredis.store.master import MasterStore
from fedredis.store.slave import Ask, Claim, Handed, SlaveStore
from fedredis.store.streams import START
from fedredis.store.turns import Committal, Opening
from fedredis.store.workers import WorkerCard

if TYPE_CHECKING:
    from collections.abc import Sequence

LUA = Path(fedredis.__file__).parent / "lua"
NAMES = sorted(path.stem for path in LUA.glob("*.lua") if path.stem != "common")
#: Lines of a body at most, and where it takes more.
MOST_LINES, LONGER = 45, {"claim": 62, "fail": 46, "open_round": 72, "submit": 70, "common": 90}
TRAIN = RoundName("train", 1)
CONFIG = RunConfig("pets", (), (), 2, 10)
SCHEMA = Schema((Field("n", "<i8", ()),))
BUNDLE = Bundle(("1",), (5,), [np.array(1)])
HANDED = list(replace(BUNDLE, worker="w-1").parts(SCHEMA))

Call = tuple[list[str], list[Any]]


@dataclass
class Header:
    """What the comment on top of a script says."""

    purpose: str
    #: Names of the numbered keys and arguments, in order.
    KEYS: list[str] = field(default_factory=list)
    ARGV: list[str] = field(default_factory=list)
    #: Number of the first one of an open end, by list.
    open_ends: dict[str, int] = field(default_factory=dict)
    returns: str = ""


def split(name: str) -> tuple[list[str], list[str]]:
    """Cut a script into its header, without the dashes, and its body."""
    lines = (LUA / f"{name}.lua").read_text().splitlines()
    length = next(i for i, line in enumerate(lines) if not line.startswith("--"))
    return [line.removeprefix("--").strip() for line in lines[:length]], lines[length:]


def parse(name: str) -> Header:
    """Read a header strictly: purpose, KEYS, ARGV, returns, in this order."""
    lines, _ = split(name)
    header, part = Header(""), "purpose"
    for line in lines:
        if numbered := re.fullmatch(r"(KEYS|ARGV)\[(\d+)\] (\w+) +- (.+)", line):
            part, number, called, _ = numbered.groups()
            names = getattr(header, part)
            assert int(number) == len(names) + 1, line
            names.append(called)
        elif opened := re.fullmatch(r"(KEYS|ARGV)\[(\d+)…\] (.+)", line):
            part, number, _ = opened.groups()
            assert int(number) == len(getattr(header, part)) + 1, line
            header.open_ends[part] = int(number)
        elif line.startswith("returns "):
            part, header.returns = "returns", line
        elif part == "purpose":
            header.purpose += line
        else:
            assert part == "returns", f"not of the header's format: {line}"
            header.returns += " " + line
    return header


def bound(body: str) -> dict[tuple[str, int], str]:
    """Find the local names that a body gives to KEYS[i] and ARGV[i]."""
    found = {}
    for names, values in re.findall(r"^local ([\w, ]+) = (.+)$", body, re.MULTILINE):
        called = names.split(", ")
        if whole := re.fullmatch(r"unpack\((KEYS|ARGV)(?:, (\d+), (\d+))?\)", values):
            first = int(whole[2] or 1)
            assert int(whole[3] or len(called)) == first + len(called) - 1, values
            found.update({(whole[1], i): one for i, one in enumerate(called, first)})
            continue
        parts = values.split(", ")
        if len(parts) == len(called):
            for one, part in zip(called, parts, strict=True):
                if reference := re.fullmatch(r"(?:tonumber\()?(KEYS|ARGV)\[(\d+)\]\)?", part):
                    found[reference[1], int(reference[2])] = one
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_header_says_purpose_keys_arguments_and_answers(name: str) -> None:
    header = parse(name)
    assert re.match(r"[A-Z].+\.", header.purpose)
    assert header.KEYS
    assert header.returns


@pytest.mark.parametrize("name", NAMES)
def test_the_body_calls_things_as_the_header_does(name: str) -> None:
    header, body = parse(name), "\n".join(split(name)[1])
    names = bound(body)
    for part in ("KEYS", "ARGV"):
        for i, called in enumerate(getattr(header, part), 1):
            # What is used by its number needs no name.
            by_number = f"{part}[{i}]" in body and (part, i) not in names
            assert by_number or names[part, i] == called.removesuffix("_ms"), (part, i)
        used = {i for kind, i in names if kind == part}
        used |= {int(i) for i in re.findall(rf"{part}\[(\d+)\]", body)}
        assert max(used, default=0) == len(getattr(header, part))
        goes_through = f"#{part}" in body or re.search(rf"\b{part}\[i", body)
        assert bool(goes_through) is (part in header.open_ends)
        for start in re.findall(rf"for i = (\d+), #{part} ", body):
            assert int(start) == header.open_ends[part]


@pytest.mark.parametrize("name", [*NAMES, "common"])
def test_it_is_short_and_builds_no_key(name: str) -> None:
    header, body = split(name)
    assert len(body) <= LONGER.get(name, MOST_LINES)
    assert all(len(line) <= 99 for line in (*header, *body))
    text = "\n".join(body)
    assert "fedredis" not in text
    keyed = re.findall(r"(?:redis\.p?call|spread)\('(?!TIME)\w+', ?([^,)]+)", text)
    keyed += re.findall(r"tell\((\w+)", text.replace("function tell(", ""))
    if name == "common":
        assert set(keyed) == {"counts", "history", "key", "last", "run", "stream"}
        return
    allowed = {*parse(name).KEYS, "KEYS[i]", "KEYS[i + 1]", "unpack(KEYS"}
    # Of an open end: its members by name.
    allowed |= {"parts", "staged", "artifact"} if name == "commit" else set()
    allowed |= {"slave"} if name == "fail" else set()
    assert set(keyed) <= allowed


@pytest.mark.parametrize("name", [*NAMES, "common"])
def test_nothing_is_unpacked_that_may_be_long(name: str) -> None:
    body = "\n".join(split(name)[1])
    for inside in re.findall(r"unpack\(((?:[^()]|\([^()]*\))*)\)", body):
        bounded = inside in ("KEYS", "ARGV", "fields") or "first + 999" in inside
        assert bounded or "first + 1010" in inside or re.fullmatch(r"\w+, \d+, \d+", inside)
    # All keys or arguments at once only where there are few.
    header = parse(name) if name != "common" else Header("")
    for part in ("KEYS", "ARGV"):
        assert not (part in header.open_ends and f"unpack({part})" in body)


@pytest.mark.parametrize("name", NAMES)
def test_its_streams_are_capped(name: str) -> None:
    body = "\n".join(split(name)[1])
    assert "XADD" not in body
    for stream, most in re.findall(r"tell\((\w+), (\d+)", body):
        assert most == {"events": "1000", "work": "100", "nodes": str(nodes.MOST)}[stream]


@pytest.mark.parametrize("name", NAMES)
def test_a_masters_script_sees_that_it_is_in_charge_before_it_writes(name: str) -> None:
    body = "\n".join(split(name)[1])
    if "{sequence" not in parse(name).returns:
        return
    assert parse(name).ARGV[0] == "token"
    before = body.partition("refusal(run, token)")[0]
    assert "redis.call" not in before
    # It counts as done in the end: half of it would not do.
    assert body.rstrip().splitlines()[-1].startswith("return numbered(run")


class Recorder(scripts.Batch):
    """Notes what scripts are sent, and answers with what lets their callers go on."""

    sent: dict[str, Call] = {}  # noqa: RUF012

    def script(self, name: str, keys: Sequence[str], args: Sequence[Any]) -> int:
        self.sent.setdefault(name, (list(keys), list(args)))
        answers = {"acquire": [1, 0], "claim": [1, 1, b"1", 0, 0], "submit": [1], "fail": [1]}
        answers |= {"tend": [len(self.sent) + 90, 1, 0, 0, 1, [], [], 0]}
        answers["open_round"] = [len(self.sent) + 100, 1, []]
        answers["stop"] = [1, b"me"]
        self._replies.append(answers.get(name, [len(self.sent) + 100, 1]))
        return len(self._replies) - 1

    def add(self, *command: Any) -> int:
        answers: dict[str, Any] = {"HGETALL": {b"1": b"update:1"}, "LRANGE": [], "XREAD": []}
        reply = answers.get(command[0], [1])
        self._replies.append(reply)
        return len(self._replies) - 1

    def _send(self, *, errors: bool = False) -> None:
        pass


@pytest.fixture(scope="module")
def calls() -> dict[str, Call]:
    """Call every method that wraps a script once; return what each script was sent."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("master", "slave", "workers", "incoming", "news"):
            patch.setattr(f"fedredis.store.{module}.Batch", Recorder)
        patch.setattr("fedredis.store.scripts.Batch", Recorder)
        keys, client = RunKeys("r1"), None
        runs.create(client, "r1", CONFIG)  # type: ignore[arg-type]
        card = WorkerCard("w-1", "host", 1, "w", "pets", "{}", None)
        workers.announce(client, card, {})  # type: ignore[arg-type]
        master: Any = MasterStore(client, keys, token="me", lease_ms=7000)  # type: ignore[arg-type]
        slave: Any = SlaveStore(client, keys, worker="w-1", lease_ms=8000, alone="1")  # type: ignore[arg-type]
        master.acquire()
        master._news._cursor = START
        master.tend(TRAIN, "train")
        master.refuse(TRAIN, {"update:1": "why"})
        Recorder.sent.pop("fail")
        slave.fail(Claim(TRAIN, 1, ("1",)), "1", traceback="boom")
        given = BUNDLE, SCHEMA, [[np.array(2)]], SCHEMA
        handed = Handed(Claim(TRAIN, 1, ("1",)), *given)
        slave.visit(
            [handed], [Ask(TRAIN, "train", ("1", "0"), take_any=True, least=2, most=3, place=7)]
        )
        done = Committal(
            TRAIN, 2, {TRAIN: {"ms": 1}}, {"round": "1"}, {"model:1": {}}, ("model:0",), "[]"
        )
        after = Opening(RoundName("train", 2), "train", ("1", "0"), 2, 1, 9000, 4, {})
        master.mend(TRAIN, {"1": "update:1"})
        master._incoming._names[TRAIN] = ["update:1"]
        master.turn([done], [after])
        master.release("failed", "why")
        asking.stop(client, "r1", "me")  # type: ignore[arg-type]
    return Recorder.sent


def test_every_script_has_a_wrapper(calls: dict[str, Call]) -> None:
    assert sorted(calls) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_wrapper_sends_what_the_header_says(name: str, calls: dict[str, Call]) -> None:
    keys, number = RunKeys("r1"), 2 if name == "open_round" else 1
    round_ = keys.round(RoundName("train", number))
    of_run = ("run", "lease", "events", "work", "open", "history", "everyone", "slaves", "last")
    of_run += ("counts", "nodes")
    of_round = ("round", "task", "ids", "claims", "inside", "bundles", "attempts")
    named = {key: getattr(keys, key) for key in (*of_run, "warnings")}
    named |= {key: getattr(round_, key) for key in of_round}
    named |= {"attached": keys.attached("train"), "bundle": round_.bundle("update:1")}
    named |= {"staged": round_.staged("w-1"), "present": WORKERS}
    args = {
        "epoch": 1,
        "had": 0,
        "token": "me",
        "worker": "w-1",
        "name": f"train:{number}",
        "quorum": 1,
        "timeout_ms": 9000,
        "tries": 4,
        "workers": 0,
        "status": "failed",
        "expected": 2,
        "after": "train:1",
        "news": "train:2",
        "error": "boom" if name == "fail" else "why",
        "called": "update:1",
        "least": 2,
        "most": 3,
        "any": 1,
        "from": 7,
        "wished": "1 0",
        "members": "1",
        "as": "failed",
        "bytes": 8,
        "entries": json.dumps([["train:1", '{"ms": 1}']]),
        "lease_ms": 8000,
        "parts": 1,
        "counted": 2,
        "artifacts": 1,
        "bundles": 1,
        "before": 0,
        "told": "[]",
        "meant": "me",
        "misleads": "[]",
        "ttl_ms": 7000,
        "fields": '{"round": "1"}' if name == "commit" else '{"reads": "{}"}',
    }
    if name == "presence":
        args |= {"name": "w-1", "ttl_ms": workers.PRESENCE_MS}
    if name == "create":
        args |= {"id": "r1", "config": CONFIG.to_json(), "called": "preprocessing:0"}
        args |= {"schema": Schema.of({}).to_json(), "version": "0"}
        args |= dict(zip(("head", "token"), calls[name][1][5:7], strict=True)) | {"ttl_ms": 0}
        named |= {"runs": RUNS, "artifact": keys.artifact("preprocessing:0")}
        named |= {"parts": keys.parts("preprocessing:0")}
    if name == "submit":
        args["parts"] = 2
    if name == "stage":
        args["ttl_ms"] = scripts.STAGED_MS
    memory, model = keys.memory("1"), keys.artifact("model:1")
    open_end: dict[tuple[str, str], list[Any]] = {
        ("submit", "KEYS"): [memory],
        ("create", "ARGV"): ["0", "1"],
        ("fail", "KEYS"): [keys.slave("1")],
        ("fail", "ARGV"): [b"1"],
        ("refuse", "KEYS"): [memory],
        ("refuse", "ARGV"): [b"1"],
        ("open_round", "ARGV"): ["1", "0"],
        ("mend", "ARGV"): ["1", "update:1"],
        ("commit", "ARGV"): ["[]", "me.1", 2],
        ("stage", "ARGV"): [*HANDED, b"\n".join(blob.pack(SCHEMA, [np.array(2)]))],
        ("commit", "KEYS"): [
            *(model, keys.staged("me", "model:1"), keys.parts("model:1")),
            *(round_.bundle("update:1"), round_.round, round_.task, round_.ids, round_.claims),
            *(round_.inside, round_.bundles, round_.attempts),
            *(keys.artifact("model:0"), keys.parts("model:0")),
        ],
    }
    header, (sent_keys, sent_args) = parse(name), calls[name]
    assert sent_keys == [*(named[key] for key in header.KEYS), *open_end.get((name, "KEYS"), [])]
    expected = [*(args[one] for one in header.ARGV), *open_end.get((name, "ARGV"), [])]
    assert sent_args == expected
    assert set(header.open_ends) == {part for script, part in open_end if script == name}
