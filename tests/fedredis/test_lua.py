"""The header of every Lua script against its body and against what its wrapper sends."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import fedredis
from fedredis.codec import Schema
from fedredis.keys import WORKERS, Kind, Label, RunKeys
from fedredis.store import runs, workers
from fedredis.store.artifact import Artifact
from fedredis.store.master import MasterStore
from fedredis.store.slave import Claim, Packed, SlaveStore
from fedredis.store.workers import WorkerCard

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.config import RunConfig

LUA = Path(fedredis.__file__).parent / "lua"
NAMES = sorted(path.stem for path in LUA.glob("*.lua"))
#: Lines of a body at most, and where it takes more.
MOST_LINES, LONGER = 40, {"commit": 42, "submit": 45}
TRAIN = Label(Kind.TRAIN, 1)

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


def bound(body: str, name: str) -> dict[tuple[str, int], str]:
    """Find the local names that a body gives to KEYS[i] and ARGV[i]."""
    found = {}
    for names, values in re.findall(r"^local ([\w, ]+) = (.+)$", body, re.MULTILINE):
        called = names.split(", ")
        if whole := re.fullmatch(r"unpack\((KEYS|ARGV)(?:, 1, (\d+))?\)", values):
            assert int(whole[2] or len(called)) == len(called), name
            found.update({(whole[1], i): one for i, one in enumerate(called, 1)})
            continue
        parts = values.split(", ")
        if len(parts) == len(called):
            for one, part in zip(called, parts, strict=True):
                if reference := re.search(r"(KEYS|ARGV)\[(\d+)\]", part):
                    found[reference[1], int(reference[2])] = one
    return found


@pytest.fixture
def calls(
    fake: Redis, make_config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Call]:
    """Call every method that wraps a script once; return what each script was sent."""
    sent: dict[str, Call] = {}
    by_text = {(LUA / f"{name}.lua").read_text(): name for name in NAMES}
    register = fake.register_script

    def recording(text: str) -> Any:
        script = register(text)

        def call(keys: list[str], args: list[Any]) -> Any:
            sent.setdefault(by_text[text], (keys, args))
            return script(keys=keys, args=args)

        return call

    monkeypatch.setattr(fake, "register_script", recording)
    keys = RunKeys("r1")
    runs.create(fake, "r1", make_config(), {})
    card = WorkerCard("w-1", "host", 1, "w", "pets", "{}", None)
    workers.announce(fake, card, {})
    master = MasterStore(fake, keys, token="me", lease_ms=7000)
    slave = SlaveStore(fake, keys, worker="w-1", lease_ms=8000)
    master.acquire()
    master.open_round(TRAIN, ("0", "1"), quorum=2, timeout_ms=9000, extra={"a": "b"})
    slave.claim(TRAIN, ("1", "0"), attached=Kind.EVALUATE, take_any=True, least=2, most=3)
    slave.renew(TRAIN, ("1", "0"))
    slave.fail(Claim(TRAIN, 1, ("0",)), "0", attempts=4, traceback="boom")
    updates = [Packed("1", b"of 1", ("11", "h")), Packed("0", b"of 0", ("10", "h"))]
    slave.submit(Claim(TRAIN, 1, ("1", "0")), updates, ("rows", "host"))
    master.tend(TRAIN, Kind.EVALUATE)
    master.refuse(TRAIN, ("0", "1"))
    master.commit(
        TRAIN,
        entry={"ms": 1},
        progress={"round": "1"},
        slaves=("0", "1"),
        artifacts={"model:1": Artifact(Schema(()), [])},
        keep=("1",),
        drop=("model:0",),
    )
    master.release("failed", "why", forget=("0",))
    return sent


@pytest.mark.parametrize("name", NAMES)
def test_the_header_says_purpose_keys_arguments_and_answers(name: str) -> None:
    header = parse(name)
    assert re.match(r"[A-Z].+\.", header.purpose)
    assert header.KEYS
    assert header.ARGV
    assert header.returns


@pytest.mark.parametrize("name", NAMES)
def test_the_body_calls_things_as_the_header_does(name: str) -> None:
    header, body = parse(name), "\n".join(split(name)[1])
    names = bound(body, name)
    for part in ("KEYS", "ARGV"):
        for i, called in enumerate(getattr(header, part), 1):
            # What is used once, by its number, needs no name.
            name_less = body.count(f"{part}[{i}]") == 1 and (part, i) not in names
            assert name_less or names[part, i] == called.removesuffix("_ms"), (part, i)
        used = {i for kind, i in names if kind == part}
        used |= {int(i) for i in re.findall(rf"{part}\[(\d+)\]", body)}
        assert max(used) == len(getattr(header, part))
        goes_through = f"#{part}" in body or re.search(rf"\b{part}\[[a-z\d *]+\+ \d\]", body)
        assert bool(goes_through) is (part in header.open_ends)
        for start in re.findall(rf"for i = (\d+), #{part} ", body):
            assert int(start) == header.open_ends[part]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_short_and_builds_no_key(name: str) -> None:
    header, body = split(name)
    assert len(body) <= LONGER.get(name, MOST_LINES)
    assert len(header) <= 22
    text = "\n".join(body)
    assert "fedredis" not in text
    keyed = re.findall(r"redis\.call\('(\w+)', ?([^,)]+)", text)
    own = {*parse(name).KEYS, "KEYS[i]", "unpack(KEYS", *of_open_end(text)}
    assert {key for command, key in keyed if command != "TIME"} <= own
    # What is left out above is a list of KEYS and nothing else.
    assert text.count("unpack(KEYS, first") == text.count("('UNLINK', unpack(KEYS, first")


@pytest.mark.parametrize("name", NAMES)
def test_its_streams_are_capped(name: str) -> None:
    body = "\n".join(split(name)[1])
    lengths = {"events": "1000", "work": "100", "joined": "1000"}
    for stream, rest in re.findall(r"'XADD', (\w+), (.+)", body):
        assert rest.startswith(f"'MAXLEN', '~', {lengths[stream]}, '*', "), (stream, rest)


def of_open_end(body: str) -> set[str]:
    """Find the local names that a body gives to keys of the open end."""
    found = set()
    for names, values in re.findall(r"^ +local ([\w, ]+) = (.+)$", body, re.MULTILINE):
        called, given = names.split(", "), re.split(r", (?![^\[]*\])", values)
        if len(called) == len(given):
            pairs = zip(called, given, strict=True)
            found |= {one for one, value in pairs if re.fullmatch(r"KEYS\[[^\]]+\]", value)}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_answers_of_the_body_stand_in_the_header(name: str) -> None:
    header, body = parse(name), "\n".join(split(name)[1])
    for answer in re.findall(r"return (-?\d+)", body):
        assert re.search(rf"(?<![\d-]){answer} (if|and)|^returns {answer} ", header.returns) or (
            answer == "0" and header.returns.startswith("returns how many")
        ), answer


def test_every_script_has_a_wrapper(calls: dict[str, Call]) -> None:
    assert sorted(calls) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_wrapper_sends_what_the_header_says(name: str, calls: dict[str, Call]) -> None:
    keys, round_keys = RunKeys("r1"), RunKeys("r1").round(TRAIN)
    slave = "0" if name == "fail" else "1"
    named_keys = {
        **{key: getattr(keys, key) for key in ("run", "lease", "events", "work", "open")},
        "attached": keys.attached(Kind.EVALUATE),
        **{key: getattr(round_keys, key) for key in ("round", "task", "ids", "claims", "arrived")},
        "history": keys.history,
        "update": round_keys.update(slave),
        "slave": keys.slave(slave),
        "staged": round_keys.staged("w-1"),
        "present": WORKERS,
    }
    named_args = {
        "epoch": 1,
        "token": "me",
        "label": "train:1",
        "worker": "w-1",
        "name": "w-1",
        "quorum": 2,
        "timeout_ms": 9000,
        "attempts": 4,
        "traceback": "boom",
        "status": "failed",
        "error": "why",
        "id": slave,
        "least": 2,
        "most": 3,
        "any": 1,
        "entry": '{"ms": 1}',
        "lease_ms": 8000,
        "ttl_ms": workers.PRESENCE_MS if name == "presence" else 7000,
        "count": 0,
        "parts": 0,
        "artifacts": 1,
        "kept": 1,
        "fields": '{"round": "1"}' if name == "commit" else '{"a": "b"}',
        "facts": '["rows", "host"]',
    }
    open_end = {
        ("commit", "ARGV"): ["[]", Schema(()).encode([]), 0],
        ("commit", "KEYS"): [
            *(keys.artifact("model:1"), keys.staged("me", "model:1"), keys.parts("model:1")),
            *(round_keys.update("1"), keys.last("1")),
            *(round_keys.task, round_keys.ids, round_keys.claims, round_keys.arrived),
            *(round_keys.update("0"), round_keys.update("1")),
            *(keys.artifact("model:0"), keys.parts("model:0")),
        ],
        ("release", "KEYS"): [keys.last("0")],
        ("refuse", "KEYS"): [round_keys.update("0"), round_keys.update("1")],
        ("submit", "KEYS"): [
            *(round_keys.update("1"), keys.slave("1"), round_keys.update("0"), keys.slave("0"))
        ],
        ("open_round", "ARGV"): ["0", "1"],
        ("claim", "ARGV"): ["1", "0"],
        ("renew_claims", "ARGV"): ["1", "0"],
        ("submit", "ARGV"): ["1", b"of 1", "11", "h", "0", b"of 0", "10", "h"],
    }
    header, (sent_keys, sent_args) = parse(name), calls[name]
    assert sent_keys == [
        *(named_keys[key] for key in header.KEYS),
        *open_end.get((name, "KEYS"), []),
    ]
    assert sent_args == [
        *(named_args[argument] for argument in header.ARGV),
        *open_end.get((name, "ARGV"), []),
    ]
    assert set(header.open_ends) == {part for script, part in open_end if script == name}
