"""The README's examples do what they show."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from fedredis.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fedredis.embedded import EmbeddedServer

    Console = Any
    Document = Any
    Story = Any

ROOT = Path(__file__).resolve().parents[2]

#: Examples that are run here, and those whose words are looked at.
RUN = {"alone", "bits", "resume", "federation", "watch", "after", "server", "own", "python", "acl"}
READ = {"make", "dashboard", "docker"}


@pytest.fixture(scope="module")
def alone(readme: Document, make_console: Callable[..., Console]) -> Console:
    """Play the first example; what follows finds its run."""
    console = make_console()
    first, *rest = readme.steps("alone")
    printed = console.start(first.command).communicate(timeout=60)[0]
    (run_id,) = set(re.findall(r"^run +(\w+)", printed, re.MULTILINE))
    console.instead["bd86a5c2"] = run_id
    console.check(first, printed)
    for step in rest:
        console.step(step)
    return console


def test_every_example_is_marked_and_known(readme: Document) -> None:
    fences = re.findall(r"(?:<!-- example: (\w+) -->\n)?```(console|python)\n", readme.text)
    assert {name for name, _ in fences} == RUN | READ


def test_it_starts_with_two_commands_and_then_the_run(readme: Document) -> None:
    commands = re.findall(r"^\$ (.*)", readme.text, re.MULTILINE)
    assert commands[:3] == ["make run", "make test", "fedredis run --slaves 10"]


def test_a_run_alone(alone: Console) -> None:
    assert (alone.folder / ".fedredis" / "partitions").is_dir()


def test_the_embedded_server(readme: Document, alone: Console, redis_cli: str) -> None:
    port = (alone.folder / ".fedredis" / "server.lock").read_text().strip()
    alone.instead.update({"43875": port, "redis-cli ": f"{redis_cli} --no-raw "})
    alone.play(readme, "server")


def test_own_data(readme: Document, make_console: Callable[..., Console]) -> None:
    console = make_console()
    console.play(readme, "own")
    outcome = json.loads(console.run("fedredis runs --json"))
    assert (outcome[0]["slaves"], outcome[0]["status"]) == (4, "finished")


def test_access_rules(readme: Document, make_console: Callable[..., Console]) -> None:
    console = make_console()
    console.play(readme, "acl")
    assert len((console.folder / "users.acl").read_text().splitlines()) == 5
    assert len(list((console.folder / "passwords").iterdir())) == 4


def test_same_seed_same_bits(readme: Document, make_console: Callable[..., Console]) -> None:
    console = make_console()
    console.play(readme, "bits")
    one, other = console.printed["bits"]
    assert one == other
    shown = [step.shown for step in readme.steps("bits")]
    assert shown[0] == shown[1]


def test_a_federation(
    readme: Document, make_console: Callable[..., Console], server: EmbeddedServer
) -> None:
    console = make_console()
    console.instead = {"redis://127.0.0.1:6379/0": server.tcp_url}
    console.play(readme, "federation")
    doctor = console.printed["federation"][-2]
    assert "no  " not in doctor


def test_a_run_in_flight(story: Story, redis_cli: str, readme: Document) -> None:
    printed = story.console.printed["watch"]
    by_command = dict(zip([s.command for s in readme.steps("watch")], printed, strict=True))
    (arrived,) = [v for k, v in by_command.items() if k.endswith(":arrived'")]
    (ids,) = [v for k, v in by_command.items() if k.endswith(":ids' 0 -1")]
    (claims,) = [v for k, v in by_command.items() if k.endswith(":claims'")]
    assert arrived == '"3"\n'
    assert len(ids.splitlines()) == 5
    assert len(claims.splitlines()) == 4
    assert "(integer) 1888\n" in printed


def test_it_is_resumed_to_its_end(story: Story) -> None:
    (printed,) = story.console.printed["resume"]
    assert f"run       {story.run_id}" in printed
    assert "rounds    20" in printed


def test_a_run_that_is_over(story: Story, redis_cli: str) -> None:
    state, history, ttl, exists = story.console.printed["after"]
    assert state.splitlines() == ['1) "finished"', '2) "20"', '3) "model:20"']
    assert json.loads(json.loads(history))["accuracy"] > 0.6
    assert 86_300 < int(ttl.split()[1]) <= 86_400
    assert exists == "(integer) 0\n"


def test_a_partition_folder_of_ones_own(
    readme: Document, make_console: Callable[..., Console]
) -> None:
    """One owner's file is the README's; another's is made like it."""
    (code,) = readme.examples("python", "python")
    console = make_console()
    for slave, seed in ((0, 0), (1, 1)):
        text = code.replace('"clinic"', f'"clinic-{slave}"')
        text = text.replace("slave-0.npy", f"slave-{slave}.npy")
        text = text.replace("default_rng(0)", f"default_rng({seed})")
        (console.folder / "own.py").write_text(text)
        console.run("python own.py")
    with closing(console):
        for slave in (0, 1):
            said = console.background(f"fedredis slave --data clinic-{slave}")
            assert "for 1 of 2 slaves" in said
        run_ = "fedredis run --workers 0 --rounds 3 --json --data clinic-0 2>/dev/null"
        outcome = json.loads(console.run(run_))
    assert outcome["workers"] == 2
    assert outcome["accuracy"] > 0.8


def test_the_dashboards_options_exist(readme: Document) -> None:
    (step,) = readme.steps("dashboard")
    program, *arguments = shlex.split(step.command)
    script = Path(sys.executable).with_name(program)
    helped = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    options = [word for word in arguments if word.startswith("--")]
    assert options
    assert all(option in helped for option in options)
    assert arguments[arguments.index("--bind") + 1] == "127.0.0.1"


def test_the_compose_file_knows_what_is_shown(readme: Document) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    services = yaml.safe_load(text)["services"]
    section = readme.section("## With Docker Compose")
    for name in re.findall(r"FEDREDIS_\w+", section):
        assert name in text
    for step in readme.steps("docker"):
        words = shlex.split(step.command)
        if words[:2] != ["docker", "compose"]:
            continue
        if words[2] in ("run", "exec"):
            place = next(i for i, word in enumerate(words[3:], 3) if word in services)
            arguments = words[place + 1 :]
            if words[place] == "master" and "--entrypoint" not in words:
                arguments = ["fedredis", "run", *arguments]
            elif words[place] == "master":
                arguments = [words[words.index("--entrypoint") + 1], *arguments]
            if arguments[0] == "fedredis":
                assert run([*arguments[1:], "--help"]) == 0
        for scale in re.findall(r"--scale (\w+)=", step.command):
            assert scale in services
