"""The command line as a user runs it: processes, a folder of their own, a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from fedredis.connection import connect
from fedredis.embedded import EmbeddedServer
from fedredis.keys import RUNS, RunKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis

FEDREDIS = str(Path(sys.executable).with_name("fedredis"))


@dataclass
class Shell:
    """Runs ``fedredis`` in a folder; without REDIS_URL, so with its embedded server."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if k != "REDIS_URL"}
        return {**inherited, "COLUMNS": "120"}

    def run(self, *args: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, and check its exit code."""
        done = subprocess.run(
            [FEDREDIS, *map(str, args)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    def json(self, *args: object) -> Any:
        """Run a command that prints one JSON value on standard output, and nothing else."""
        return json.loads(self.run(*args, "--json").stdout)

    @contextmanager
    def start(self, *args: object) -> Iterator[subprocess.Popen[str]]:
        """Start a command; it is killed at the end if it still runs."""
        with subprocess.Popen(
            [FEDREDIS, *map(str, args)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @contextmanager
    def redis(self) -> Iterator[Redis]:
        """Look into the embedded server of the folder."""
        with (
            EmbeddedServer.open(self.folder / ".fedredis") as server,
            connect(server.url) as client,
        ):
            yield client

    def wait_for_round(self, client: Redis, label: str) -> str:
        """Block until the newest run has committed a round; return the run's id."""
        while not (found := client.zrevrange(RUNS, 0, 0)):
            client.xread({"nothing": "$"}, block=20)
        run_id = found[0].decode()
        keys, cursor = RunKeys(run_id), b"0-0"
        while True:
            answer: Any = client.xread({keys.events: cursor}, block=10_000)
            assert answer, "nothing happens in this run"
            for id_, fields in answer[0][1]:
                cursor = id_
                if fields[b"type"] == b"committed" and fields[b"round"] == label.encode():
                    return run_id


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a shell in an empty folder."""
    return Shell(tmp_path)


@pytest.fixture(scope="module")
def shared_shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Return a shell in a folder that the tests of a module share."""
    return Shell(tmp_path_factory.mktemp("shared"))


NAMES = ("clinic-a", "clinic-b", "clinic-c", "clinic-d")
#: How they are asked to train.
RUN = ("--rounds", 4, "--features", "plain", "--attempts", 1)


@pytest.fixture
def clinics(shell) -> dict[str, Path]:
    """Give each slave a file, a key, and a policy file with everybody's."""
    rng, roster, folders = np.random.default_rng(7), ["[roster]"], {}
    for name in NAMES:
        age, dose = rng.normal(50, 15, 80), rng.gamma(2, 3, 80)
        ill = np.where(age / 20 - dose / 4 + rng.normal(0, 0.5, 80) > 1, "ill", "well")
        folders[name] = shell.folder / name
        made = shell.run("identity", "make", name, "--folder", name)
        roster.append(made.stdout.splitlines()[1])
        frame = pd.DataFrame({"age": age, "dose": dose, "outcome": ill})
        frame.to_csv(folders[name] / "rows.csv", index=False)
    for folder in folders.values():
        (folder / "policy.toml").write_text("\n".join(["[policy]", "least_rows = 10", *roster]))
    return folders


@pytest.fixture
def federation(shell, server, clinics):
    """Return a context of the slaves, of which some allow more or less."""

    @contextmanager
    def serve(**rules):
        for name, rule in rules.items():
            path = clinics[name.replace("_", "-")] / "policy.toml"
            text, field = path.read_text(), rule.split()[0]
            # One that is there already makes way.
            lines = [one for one in text.splitlines() if not one.startswith(f"{field} =")]
            path.write_text("\n".join(lines).replace("[policy]", f"[policy]\n{rule}"))
        with ExitStack() as stack:
            started = {
                name: stack.enter_context(
                    shell.start(
                        *("slave", "--data", folder / "rows.csv", "--name", name),
                        *("--label", "outcome", "--redis-url", server.tcp_url),
                        *("--policy", folder / "policy.toml"),
                    )
                )
                for name, folder in clinics.items()
            }
            yield started

    return serve


@pytest.fixture
def run(shell, server):
    """Return a function that runs a master on the server."""

    def run(*args, **given):
        at = ("--redis-url", server.tcp_url, "--wait-timeout", 60, "--slaves", 4)
        return shell.run("run", *RUN, *args, *at, "--json", **given)

    return run
