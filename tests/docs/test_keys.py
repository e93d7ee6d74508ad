"""The tables of keys and fields, beside what a real run writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fedredis import keys
from fedredis.keys import RoundName, RunKeys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Document = Any

#: What stands for a part of a key's name, and what it looks like.
PLACEHOLDERS = {
    "<run>": r"[0-9a-f]{8}",
    "<kind>": r"(?:statistics|train|evaluate)",
    "<label>": r"(?:statistics|train|evaluate):\d+",
    "<name>": r"[\w.-]+",
    "<id>": r"\d+",
    "<n>": r"\d+",
    "<k>": r"[\w.-]+",
    "<worker>": r"[\w.-]+",
}


#: Keys of some strategies only, which the run of the story does not use.
OF_STRATEGIES = tuple(
    f"`fedredis:{{<run>}}:{name}`"
    for name in (
        *("strategy:<n>", "strategy:<n>:parts", "memory:<id>", "channel:<n>", "letters:<n>"),
        *("vaults:<n>", "masked-<label>", "inside-<label>", "growth:<n>", "growth:<n>:parts"),
        *("histograms:<n>", "histograms:<n>:parts"),
    )
)
#: Keys that the run of the story may be without; it is frozen before scores are counted.
SOMETIMES = (
    *OF_STRATEGIES,
    *("`fedredis:{<run>}:scores:<n>`", "`fedredis:{<run>}:scores:<n>:parts`"),
    *("`fedredis:{<run>}:warnings`", "`fedredis:{<run>}:slave:<id>`"),
    *("`fedredis:{<run>}:round:<label>:attempts`", "`fedredis:{<run>}:round:<label>:update:<id>`"),
)


def pattern(name: str) -> re.Pattern[str]:
    """Make a pattern of a key's name in the table."""
    parts = re.split(r"(<\w+>)", name.strip("`"))
    return re.compile("".join(PLACEHOLDERS.get(part, re.escape(part)) for part in parts))


@pytest.fixture(scope="module")
def table(schema: Document) -> dict[str, list[str]]:
    """Return the table of all keys: type, meaning and fate by key."""
    _, _, rest = schema.text.partition("<!-- table: keys -->\n")
    return {name: row for name, *row in schema.table(rest.partition("\n\n")[0])}


def row_of(table: dict[str, list[str]], key: str) -> list[str]:
    """Return the only row that a key belongs to."""
    rows = [row for name, row in table.items() if pattern(name).fullmatch(key)]
    assert len(rows) == 1, key
    return rows[0]


def all_names() -> Iterator[str]:
    """Make one key of each kind that `keys` can name."""
    run, name = RunKeys("0123abcd"), RoundName("train", 7)
    round_ = run.round(name)
    yield from (keys.RUNS, keys.WORKERS, keys.JOINED, keys.worker("queue-1"))
    yield from (
        run.run,
        run.lease,
        run.events,
        run.nodes,
        run.counts,
        run.work,
        run.open,
        run.history,
        run.everyone,
    )
    yield run.last
    yield from (run.slaves, run.warnings, run.slave("4"), run.memory("4"), run.attached("train"))
    for artifact in ("model:3", "preprocessing:2", "strategy:3", "scores:3"):
        yield from (run.artifact(artifact), run.parts(artifact))
    yield from (round_.round, round_.task, round_.ids, round_.claims, round_.inside)
    yield from (round_.bundles, round_.attempts)
    yield from (round_.bundle("update:4"), round_.bundle("bundle:queue-1:0a-12"))


def test_the_table_names_every_key(table):
    named = list(all_names())
    for key in named:
        row_of(table, key)
    for name in table:
        assert name in SOMETIMES or any(pattern(name).fullmatch(key) for key in named), name


def test_types_in_flight(table, story):
    for key, (kind, _) in story.frozen.items():
        assert row_of(table, key)[0] == kind, key
    for name in table:
        there = any(pattern(name).fullmatch(key) for key in story.frozen)
        assert there or name in SOMETIMES, name


def test_what_stays_and_for_how_long(table, story):
    for name, (_, _, fate) in table.items():
        ttls = [
            ttl for key, ttl in story.ttls.items() if pattern(name).fullmatch(key) and ttl != -2
        ]
        if not ttls and name in SOMETIMES:
            continue
        if fate == "stays":
            assert ttls, name
            assert set(ttls) == {-1}, name
        elif fate in ("1 day", "7 days"):
            assert ttls, name
            kept = 86_400 * int(fate[0])
            assert all(kept - 100 < ttl <= kept for ttl in ttls), name
        elif fate == "gone":
            assert not ttls, name
        else:
            longest = {"gone with the lease": 30, "15 s after the last sign of life": 15}[fate]
            assert all(0 <= ttl <= longest for ttl in ttls), name


def test_types_after_the_end(table, story):
    for key, (kind, _) in story.finished.items():
        assert row_of(table, key)[0] == kind, key


def test_the_newest_artifacts_are_kept(story):
    kept = {key.partition("}:")[2].removesuffix(":parts") for key in story.finished}
    # And the best one, if it is neither of them.
    assert {"model:19", "model:20"} <= kept
    assert len([name for name in kept if name.startswith("model:")]) <= 3
    assert len([name for name in kept if name.startswith("preprocessing:")]) == 1


HEADINGS = (
    "### The run: `fedredis:{<run>}`",
    "### A round: `fedredis:{<run>}:round:<label>`",
    "### A round's task: `fedredis:{<run>}:round:<label>:task`",
    "### A slave: `fedredis:{<run>}:slave:<id>`",
    "### An artifact: `fedredis:{<run>}:model:<n>`, `fedredis:{<run>}:preprocessing:<n>`",
    "### A worker: `fedredis:worker:<name>`",
)


@pytest.mark.parametrize("heading", HEADINGS)
def test_fields_in_flight_and_after_the_end(heading, schema, story):
    documented = {row[0] for row in schema.table(schema.section(heading))}
    always = {name.strip("`") for name in documented if not name.startswith("[")}
    sometimes = {name.strip("[`]") for name in documented if name.startswith("[")}
    known = [pattern(name) for name in always | sometimes]
    names = [pattern(name) for name in re.findall(r"`(fedredis:.*?)`", heading)]
    seen = [
        fields
        for key, (_, fields) in [*story.frozen.items(), *story.finished.items()]
        if any(name.fullmatch(key) for name in names)
    ]
    # A slave has a key of its own once it has failed.
    assert seen or heading.startswith("### A slave")
    for fields in seen:
        assert always <= fields, heading
        unknown = [f for f in fields if not any(name.fullmatch(f) for name in known)]
        assert not unknown, heading


def test_events(schema, story):
    documented = {}
    for types, fields, _ in schema.table(schema.section("## Events")):
        for name in re.findall(r"`(\w+)`", types):
            documented.setdefault(name, []).append(set(re.findall(r"`(\w+)`", fields)))
    seen = {name for name, _ in story.events}
    assert {"opened", "closed", "committed", "finished", "stopped"} <= seen
    for name, fields in story.events:
        assert fields in documented[name], name
