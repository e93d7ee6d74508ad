"""The pages of the documentation as data, and what their examples print when they are run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.cli.main import run as run_command
from fedredis.connection import connect
from fedredis.data.manifest import read_manifest
from fedredis.exchanges.here import Here
from fedredis.jobs.inputs import Folder
from fedredis.jobs.view import RunView
from fedredis.jobs.worker import make_card
from fedredis.keys import RoundName, RunKeys
from fedredis.store import workers
from fedredis.store.slave import Ask, Handed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis

    from fedredis.embedded import EmbeddedServer
    from fedredis.store.slave import Claim

ROOT = Path(__file__).resolve().parents[2]
#: The pages, by their paths in the checkout.
PAGES = [
    str(path.relative_to(ROOT))
    for folder in (ROOT, ROOT / "docs", ROOT / "benchmarks")
    for path in sorted(folder.glob("*.md"))
]
#: Where the examples' programs are: fedredis, rq, rq-dashboard.
SCRIPTS = Path(sys.executable).parent

#: ``<!-- example: NAME -->`` and the fenced block after it.
EXAMPLE = re.compile(r"<!-- example: (\w+) -->\n```(\w+)\n(.*?)\n```", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One command of an example, and the lines that it shows."""

    command: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A page of the documentation."""

    #: Its path in the checkout.
    name: str
    text: str

    @classmethod
    def read(cls, name: str) -> Document:
        """Read a page."""
        return cls(name, (ROOT / name).read_text(encoding="utf-8"))

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return re.sub(r"^```.*?^```$", "", self.text, flags=re.DOTALL | re.MULTILINE)

    @property
    def anchors(self) -> set[str]:
        """What a link may name after ``#``: the headings, in the manner of GitHub."""
        headings = re.findall(r"^#+ (.*)", self.prose, re.MULTILINE)
        anchors = [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings]
        again = [anchors[:place].count(anchor) for place, anchor in enumerate(anchors)]
        return {f"{a}-{n}" if n else a for a, n in zip(anchors, again, strict=True)}

    @property
    def links(self) -> list[str]:
        """The targets of its links and pictures, but for those on the web."""
        targets = re.findall(r"\]\(([^)]+)\)", self.prose)
        return [target for target in targets if not target.startswith("http")]

    def examples(self, name: str, language: str = "console") -> list[str]:
        """Return the blocks that are marked with a name."""
        found = EXAMPLE.findall(self.text)
        blocks = [text for mark, kind, text in found if (mark, kind) == (name, language)]
        assert blocks, f"no example is marked {name}"
        return blocks

    def steps(self, name: str) -> list[Step]:
        """Return the commands of all blocks with a name."""
        steps: list[Step] = []
        for line in "\n".join(self.examples(name)).splitlines():
            if line.startswith("$ "):
                steps.append(Step(line[2:], ()))
            else:
                steps[-1] = Step(steps[-1].command, (*steps[-1].shown, line))
        return steps

    def section(self, heading: str) -> str:
        """Return what stands under a heading, up to the next one."""
        _, _, rest = f"\n{self.text}".partition(f"\n{heading}\n")
        assert rest, f"no heading {heading!r}"
        return re.split(r"^#{1,6} ", rest, maxsplit=1, flags=re.MULTILINE)[0]

    def table(self, text: str) -> list[list[str]]:
        """Return the cells of the first table in a text, without its head."""
        lines = [line for line in text.splitlines() if line.startswith("|")]
        return [re.split(r" *\| *", line)[1:-1] for line in lines[2:]]


@pytest.fixture(scope="session")
def pages() -> dict[str, Document]:
    """Return all pages, by their paths in the checkout."""
    return {name: Document.read(name) for name in PAGES}


def page(name: str) -> Any:
    """Make a fixture that is a page."""
    return pytest.fixture(scope="session")(lambda: Document.read(name))


readme, contributing = page("README.md"), page("CONTRIBUTING.md")
commands, data, deploying = (page(f"docs/{name}.md") for name in ("commands", "data", "deploying"))
models, python, schema = (page(f"docs/{name}.md") for name in ("models", "python", "schema"))


#: Figures that the same seed gives everywhere: they have to be as they are shown. Shares, losses,
#: digests of weights and of data, cells of tables with nothing else in them.
FIGURE = (
    r"\d+\.\d\d?%|\b\d\.\d{4}\b|\b[0-9a-f]{64}\b|\bsynthetic-\d+-[0-9a-f]{8}\b"
    r"|(?<=│)\s*\d+(?= │)"
)


def looks_like(shown: str) -> re.Pattern[str]:
    """Make a pattern of a line that an example shows: times, ids and widths may differ."""
    pattern, loose = "", re.sub(r"redis://[^\s;]+", "…", shown)
    for found in re.finditer(rf"…|[━─]+|(?P<figure>{FIGURE})|\s+|\w+|.", loose):
        token = found[0]
        if found["figure"]:
            pattern += rf"\s*{re.escape(token.strip())}"
        elif token == "…":
            pattern += ".*"
        elif token[0] in "━─":
            pattern += "[━─╸╺ ]+"
        elif token.isspace():
            pattern += r"\s*"
        elif re.search(r"\d", token):
            pattern += r"\w+"
        else:
            pattern += re.escape(token)
    return re.compile(rf"\s*{pattern}\s*")


@dataclass
class Console:
    """Runs the commands of examples, as a person would in one shell in one folder."""

    folder: Path
    environment: dict[str, str]
    #: What commands print, by example and command.
    printed: dict[str, list[str]] = field(default_factory=dict)
    #: Parts of the examples that differ here.
    instead: dict[str, str] = field(default_factory=dict)
    _jobs: list[subprocess.Popen[str]] = field(default_factory=list)

    def play(self, document: Document, name: str) -> None:
        """Run the commands of an example; what it shows must be printed."""
        self.printed[name] = [self.step(step) for step in document.steps(name)]

    def step(self, step: Step) -> str:
        """Run one command of an example; what it shows must be printed."""
        command = step.command
        for part, here in self.instead.items():
            command = command.replace(part, here)
        printed = self.run(command, len(step.shown))
        self.check(step, printed)
        return printed

    def check(self, step: Step, printed: str) -> None:
        """Check that what a step shows was printed, line by line."""
        lines = printed.splitlines()
        for line in step.shown:
            pattern = looks_like(line)
            assert any(pattern.fullmatch(there) for there in lines), (line, printed)

    def run(self, command: str, lines: int = 1) -> str:
        """Run a command to its end, or, with ``&`` behind it, until it has said some lines."""
        if command.startswith("export "):
            for assignment in command.split()[1:]:
                name, _, value = assignment.partition("=")
                self.environment[name] = value
            return ""
        if command.startswith("kill %"):
            return self._end(self._jobs.pop(int(command[6:]) - 1))
        if command.endswith(" &"):
            return self.background(command[:-2], lines)
        with self.start(command) as process:
            printed, _ = process.communicate(timeout=60)
        assert process.returncode == 0, printed
        return printed

    def background(self, command: str, lines: int = 1) -> str:
        """Start a command, and wait until it has said some lines."""
        job = self.start("exec " + command)
        self._jobs.append(job)
        assert job.stdout
        return "".join(job.stdout.readline() for _ in range(lines))

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a command in the folder."""
        return subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _end(self, job: subprocess.Popen[str]) -> str:
        with job:
            job.terminate()
            printed, _ = job.communicate(timeout=40)
        assert job.returncode in (0, 130), printed
        return printed

    def close(self) -> None:
        """End what an example has left behind."""
        while self._jobs:
            self._end(self._jobs.pop())


@pytest.fixture(scope="session")
def make_console(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Console]]:
    """Return a maker of consoles, each in an empty folder."""
    consoles: list[Console] = []

    def make(**environment: str) -> Console:
        inherited = {k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "RQ_REDIS_URL")}
        path = os.pathsep.join([str(SCRIPTS), inherited.get("PATH", "")])
        folder = tmp_path_factory.mktemp("example")
        known = {**inherited, "PATH": path, "COLUMNS": "120", "TERM": "dumb", **environment}
        consoles.append(Console(folder, known))
        return consoles[-1]

    yield make
    for console in consoles:
        console.close()


@pytest.fixture(scope="session")
def alone(readme: Document, make_console: Callable[..., Console]) -> Console:
    """Play the README's first run; examples on other pages find it."""
    console = make_console()
    first, *rest = readme.steps("alone")
    printed = console.start(first.command).communicate(timeout=60)[0]
    (run_id,) = set(re.findall(r"^run +(\w+)", printed, re.MULTILINE))
    console.instead["bd86a5c2"] = run_id
    console.check(first, printed)
    for step in rest:
        console.step(step)
    return console


@pytest.fixture(scope="session")
def redis_cli() -> str:
    """Return the path of redis-cli."""
    found = shutil.which("redis-cli") or shutil.which("valkey-cli")
    if not found:
        pytest.skip("redis-cli, of the system package redis-tools, is not installed")
    return found


#: The round in which the story stops.
FROZEN = RoundName("train", 7)


@dataclass
class Actor:
    """A worker in this process that does its part up to one round, and no further."""

    client: Redis
    parts: Path

    def __post_init__(self) -> None:
        self.manifest = read_manifest(self.parts)
        holding = Folder(self.parts, self.manifest)
        self.ids = [str(slave) for slave in range(self.manifest.slaves)]
        self.here = Here({slave: holding.open(slave) for slave in self.ids})
        self.card = make_card(holding)

    def act(self, run_id: str) -> Claim:
        """Serve all rounds before the frozen one; there, submit three slaves, hold two more."""
        self.view = RunView.open(self.client, RunKeys(run_id), self.card.name, alone=None)
        store = self.view.store
        store.attach(self.view.job_of(FROZEN))
        state = store.open_rounds()
        while FROZEN not in state.names:
            for name in state.names:
                if name != RoundName("evaluate", FROZEN.number - 1):
                    self.work(self.claim(name, self.manifest.slaves))
            state = store.wait_for_work(state.cursor, 10)
        self.work(self.claim(FROZEN, 3))
        pending = self.claim(FROZEN, 2)
        # Said again, so that it counts as present while it is looked at.
        workers.announce(self.client, self.card, {})
        return pending

    def claim(self, name: RoundName, count: int) -> Claim:
        """Claim so many slaves; none if the round is over, since it may be told of twice."""
        how: Any = {"take_any": True, "least": count, "most": count, "with_task": True}
        ask = Ask(name, self.view.job_of(name), self.ids, **how)
        return self.view.store.visit([], [ask]).claims[0]

    def work(self, claim: Claim) -> None:
        """Do the slaves' work and hand it in."""
        if not claim.slaves:
            return
        exchange, self.here.slaves = self.view.exchange(claim.name, claim.task), claim.slaves
        bundles = exchange.rule.bundles(exchange.local(self.here))
        schema = exchange.rule.schema
        self.view.store.visit([Handed(claim, bundle, schema) for bundle in bundles], [])


@dataclass
class Story:
    """A run on a real server: stopped in the middle of a round, looked at, resumed."""

    run_id: str
    #: Every key with its type and its fields if it is a hash, in the frozen round.
    frozen: dict[str, tuple[str, set[str]]]
    #: Likewise after the end.
    finished: dict[str, tuple[str, set[str]]]
    #: Seconds that keys have left after the end; -1 for ever.
    ttls: dict[str, int]
    #: Types of events, each with the names of its fields.
    events: list[tuple[str, set[str]]]
    console: Console


@pytest.fixture(scope="session")
def story(
    readme: Document,
    schema: Document,
    embedded: EmbeddedServer,
    make_console: Callable[..., Console],
) -> Story:
    """Play the examples `watch`, `flight`, `resume` and `after` on one run."""
    url = embedded.tcp_url
    console = make_console(REDIS_URL=url, REDISCLI_AUTH=url.split(":")[2].partition("@")[0])
    with connect(url) as client:
        client.flushall()
        parts = console.folder / "parts"
        assert run_command(["partition", "--slaves", "10", "--out", str(parts)]) == 0
        actor = Actor(client, parts)
        workers.join(client, actor.card)
        # A long lease, so that nothing is taken back while it is looked at.
        said = console.background("fedredis run --data parts --workers 0 --lease 30")
        run_id = said.split()[1].rstrip(";")
        pending = actor.act(run_id)
        frozen = _look(client)
        cli = shutil.which("redis-cli") or shutil.which("valkey-cli")
        console.instead = {
            "bd86a5c2": run_id,
            "redis-cli ": f"{cli} --no-raw -p {embedded.port} ",
        }
        if cli:
            console.play(readme, "watch")
            console.play(schema, "flight")
        actor.work(pending)
        workers.leave(client, actor.card.name)
        console.run("kill %1")
        console.play(readme, "resume")
        finished = _look(client)
        ttls = {key: int(client.ttl(key)) for key in finished}
        if cli:
            console.play(schema, "after")
        entries: Any = client.xrange(RunKeys(run_id).events)
        events = [
            (fields[b"type"].decode(), {name.decode() for name in fields} - {"type"})
            for _, fields in entries
        ]
        return Story(run_id, frozen, finished, ttls, events, console)


def _look(client: Redis) -> dict[str, tuple[str, set[str]]]:
    """Look at every key: its type, and its fields if it is a hash."""
    keys = [key.decode() for key in client.scan_iter(match="fedredis:*", count=1000)]
    types = {key: client.type(key).decode() for key in keys}
    return {
        key: (kind, {f.decode() for f in client.hkeys(key)} if kind == "hash" else set())
        for key, kind in types.items()
        if kind != "none"
    }
