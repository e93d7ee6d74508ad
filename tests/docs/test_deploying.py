"""The examples of docs/deploying.md do what they show; test_readme plays those of a federation."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import yaml

from fedredis.cli.main import run
from fedredis.redis_url import check_url, watched

ROOT = Path(__file__).resolve().parents[2]


def test_the_embedded_server(deploying, alone, redis_cli):
    port = (alone.folder / ".fedredis" / "server.lock").read_text().strip()
    alone.instead.update({"43875": port, "redis-cli ": f"{redis_cli} --no-raw "})
    alone.play(deploying, "server")


def test_the_dashboards_options_exist(deploying):
    (step,) = deploying.steps("dashboard")
    program, *arguments = shlex.split(step.command)
    script = Path(sys.executable).with_name(program)
    helped = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    options = [word for word in arguments if word.startswith("--")]
    assert options
    assert all(option in helped for option in options)
    assert arguments[arguments.index("--bind") + 1] == "127.0.0.1"


def test_the_url_of_sentinels_is_understood(deploying):
    variable = deploying.steps("sentinels")[0].command
    url = variable.removeprefix("export REDIS_URL=")
    check_url(url)
    found = watched(url)
    assert found
    assert found.service in deploying.section("## Fail-over")


def test_the_compose_file_knows_what_is_shown(deploying):
    text = (ROOT / "docker-compose.yml").read_text()
    services = yaml.safe_load(text)["services"]
    section = deploying.section("## Docker Compose")
    for name in re.findall(r"FEDREDIS_\w+|NUM_SLAVES", section):
        assert name in text
    for step in deploying.steps("docker"):
        words = shlex.split(step.command)
        if words[:2] != ["docker", "compose"]:
            continue
        for file in (words[i + 1] for i, word in enumerate(words) if word == "-f"):
            assert (ROOT / file).is_file()
        named = [word for word in words if word in services]
        if {"run", "exec"} & {*words}:
            assert len(named) == 1
        arguments = words[words.index("master") + 1 :] if "master" in named else ["rq"]
        if arguments[:1] != ["rq"]:
            command = arguments if arguments and arguments[0][0] != "-" else ["run", *arguments]
            assert run([*command, "--help"]) == 0
        for scale in re.findall(r"--scale (\w+)=", step.command):
            assert scale in services
