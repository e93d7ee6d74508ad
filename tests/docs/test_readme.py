"""The README's examples do what they show, and what it counts is so many."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lines_of(path: Path) -> int:
    """Count the lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def shape(lines) -> list[str]:
    """Put a 0 for each digit, of lines of which the digits differ each time."""
    return [re.sub(r"\d", "0", line) for line in lines]


def test_it_starts_with_two_commands_and_then_the_run(readme):
    commands = re.findall(r"^\$ (.*)", readme.text, re.MULTILINE)
    assert commands[:3] == ["make run", "make test", "fedredis run --slaves 10"]


def test_a_run_alone(alone):
    assert (alone.folder / ".fedredis" / "partitions").is_dir()


def test_same_seed_same_bits(readme, make_console):
    console = make_console()
    console.play(readme, "bits")
    one, other = console.printed["bits"]
    assert one == other
    shown = [step.shown for step in readme.steps("bits")]
    assert shown[0] == shown[1]


def test_a_federation(readme, deploying, make_console, server):
    """Its workers are looked at as the page on deploying shows."""
    console = make_console()
    console.instead = {"redis://127.0.0.1:6379/0": server.tcp_url}
    *steps, last = readme.steps("federation")
    for step in steps:
        console.step(step)
    console.play(deploying, "doctor")
    console.play(deploying, "info")
    console.step(last)
    (doctor,) = console.printed["doctor"]
    assert "no  " not in doctor


def test_from_python(readme, make_console):
    (code,) = readme.examples("api", "python")
    console = make_console()
    (console.folder / "program.py").write_text(code)
    told, predicted = console.run("python program.py").splitlines()
    assert re.fullmatch(r"run [0-9a-f]{8}: accuracy \d\d\.\d%", told)
    assert re.match(r"[XYZ]-Generation \{'X-Generation': 0\.\d+,", predicted)


def test_a_run_in_flight(story, redis_cli, readme, schema):
    printed = [*story.console.printed["watch"], *story.console.printed["flight"]]
    steps = [*readme.steps("watch"), *schema.steps("flight")]
    by_command = dict(zip([step.command for step in steps], printed, strict=True))
    (arrived,) = [v for k, v in by_command.items() if k.endswith(":in'")]
    (ids,) = [v for k, v in by_command.items() if k.endswith(":ids' 0 -1")]
    (claims,) = [v for k, v in by_command.items() if k.endswith(":claims'")]
    (state,) = [k for k in by_command if k.endswith(" epoch")]
    (shown,) = [step.shown for step in steps if step.command == state]
    assert shape(by_command[state].splitlines()) == shape(shown)
    assert arrived == "(integer) 3\n"
    assert len(ids.splitlines()) == 5
    assert len(claims.splitlines()) == 4


def test_it_is_resumed_to_its_end(story):
    (printed,) = story.console.printed["resume"]
    assert f"run       {story.run_id}" in printed
    assert "rounds    20" in printed


def test_a_run_that_is_over(story, redis_cli):
    state, history, ttl, exists = story.console.printed["after"]
    assert state.splitlines() == ['1) "finished"', '2) "20"', '3) "model:20"']
    assert json.loads(json.loads(history))["accuracy"] > 0.6
    assert 86_300 < int(ttl.split()[1]) <= 86_400
    assert exists == "(integer) 0\n"


def test_reading_takes_as_long_as_it_says(readme):
    section = readme.section("## Reading the source")
    (lines,) = re.findall(r"some ([\d,]+) lines", section)
    read = [lines_of(ROOT / path) for path in re.findall(r"`([\w/]+\.(?:py|lua))`", section)]
    assert sum(read) == pytest.approx(int(lines.replace(",", "")), rel=0.05)
    assert sum(read) <= 3500
    (short,) = re.findall(r"half of them have fewer than (\d+) lines", section)
    folders = ("fedredis", "jobs", "cli", "data")
    files = [
        p for name in folders for p in (ROOT / name).rglob("*") if p.suffix in (".py", ".lua")
    ]
    share = sum(lines_of(path) < int(short) for path in files) / len(files)
    assert share == pytest.approx(0.5, abs=0.05)


def test_every_folder_of_the_source_is_told_of(readme):
    rows = readme.table(readme.section("## Reading the source"))
    named = {row[0].strip("`/") for row in rows}
    assert all((ROOT / name).is_dir() for name in named)
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    places = {row[2].strip("`"): row[0].strip("`/") for row in rows}
    for package, folder in packages["package-dir"].items():
        assert places[package] == folder
