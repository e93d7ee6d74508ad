"""``fedredis doctor`` on the way to a server: one line for each thing that can be wrong."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

import pytest
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from fedredis.connection import connect

trustme = pytest.importorskip("trustme")

BEFORE_LOGIN = ["Python", "packages", "cores", "address", "port"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory):
    """Return a folder with an authority's certificates for servers of several kinds."""
    folder, authority = tmp_path_factory.mktemp("certificates"), trustme.CA()
    over = datetime(2020, 1, 1, tzinfo=UTC)
    issued = {
        "good": authority.issue_cert("localhost"),
        "over": authority.issue_cert("localhost", not_after=over),
        "other": authority.issue_cert("elsewhere.example"),
    }
    for name, one in issued.items():
        one.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        one.cert_chain_pems[0].write_to_path(str(folder / f"{name}.pem"))
    authority.private_key_pem.write_to_path(str(folder / "own.key"))
    authority.cert_pem.write_to_path(str(folder / "own.pem"))
    return folder


@pytest.fixture
def start(find_program, serving, certificates, tmp_path):
    """Return a function that starts a server, by TLS if a certificate is named; its port."""
    with ExitStack() as leaving:

        def start(*options: object, certificate: str = "") -> int:
            program = find_program("redis-server")
            told: tuple[object, ...] = ("--port", "PORT")
            if certificate:
                told = ("--port", 0, "--tls-port", "PORT", "--tls-ca-cert-file")
                told += (certificates / "own.pem", "--tls-cert-file")
                told += (certificates / f"{certificate}.pem", "--tls-key-file")
                told += (certificates / f"{certificate}.key",)
            options = ("--appendonly", "yes", *told, *options)
            return leaving.enter_context(serving(program, tmp_path, *options))

        yield start


@pytest.fixture
def look(call):
    """Return a function that returns what is well, and the one line of what is not."""

    def look(url: str) -> tuple[list[str], str]:
        answer = call("doctor", "--redis-url", url)
        lines = answer.out.splitlines()
        findings = [line[4:] for line in lines if line.startswith("no")]
        assert len(findings) <= 1, answer.out
        assert answer.code == len(findings)
        well = [line.split()[1] for line in lines if line.startswith("ok")]
        return well, re.sub(" +", " ", "".join(findings))

    return look


def test_all_is_well_by_tls(start, look, certificates):
    port = start("--tls-auth-clients", "no", "--requirepass", "p", certificate="good")
    url = f"rediss://:p@localhost:{port}?ssl_ca_certs={certificates}/own.pem"
    with connect(url) as client:
        client.ping()  # rides out the server's start
    well, finding = look(url)
    assert finding == ""
    assert well == [
        *(*BEFORE_LOGIN, "TLS", "login", "Redis", "persistence", "memory"),
        *("ACL", "clock", "scripts", "workers"),
    ]


@pytest.mark.parametrize(
    ("certificate", "options", "host", "query", "told"),
    [
        ("good", "no", "localhost", "", "TLS nobody that this machine trusts .*ssl_ca_certs=FILE"),
        ("good", "no", "127.0.0.1", "own", "TLS its certificate is for other addresses: "),
        ("other", "no", "localhost", "own", "TLS its certificate is for other names: "),
        ("over", "no", "localhost", "own", "TLS its certificate has expired: renew it"),
        ("own", "no", "localhost", "", "TLS it has signed its certificate itself: name that file"),
        ("good", "yes", "localhost", "own", r"TLS it asks for a certificate: \?ssl_certfile=FILE"),
        ("", "", "localhost", "own", "TLS it speaks no TLS .*: write redis:// in the URL"),
    ],
)
def test_tls(start, look, certificates, certificate, options, host, query, told):
    more = ("--tls-auth-clients", options) if options else ()
    port = start(*more, certificate=certificate)
    query = f"?ssl_ca_certs={certificates}/{query}.pem" if query else ""
    wait_for(port)
    well, finding = look(f"rediss://{host}:{port}{query}")
    assert well == BEFORE_LOGIN
    assert re.match(told, finding), finding


@pytest.mark.parametrize(
    ("options", "certificate", "login", "told"),
    [
        ("--requirepass p", "", "", "it asks for a password: put it in REDIS_PASSWORD, or its"),
        ("--requirepass p", "", ":q@", r"it refuses this login \(.*ACL LIST` at the server"),
        ("--requirepass p", "", "ann:p@", r"it refuses this login \(.*see the user in the URL"),
        ("", "", ":p@", "it has no password, and one was given: take it out of the URL"),
        ("", "good", "", r"redis://localhost:\d+: it hangs up: if it speaks TLS there, the URL"),
    ],
)
def test_login(start, look, options, certificate, login, told):
    port = start(*options.split(), certificate=certificate)
    wait_for(port)
    well, finding = look(f"redis://{login}localhost:{port}")
    assert well == BEFORE_LOGIN
    assert re.match(f"login {told}", finding), finding


def test_a_server_with_as_many_clients_as_it_takes(start, look):
    port = start("--maxclients", 1)
    with connect(f"redis://localhost:{port}") as only:
        only.ping()
        _, finding = look(f"redis://localhost:{port}")
    assert finding.endswith("as many clients as it takes are there: raise its `maxclients`")


def test_what_is_no_redis(look):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            for _ in range(2):  # the port is looked at, and then what answers there
                one, _where = server.accept()
                with one, suppress(ConnectionResetError):
                    one.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    one.recv(1000)

        thread = threading.Thread(target=answer)
        thread.start()
        _, finding = look(f"redis://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert finding.endswith("what listens there is no Redis: see the port")


@pytest.mark.parametrize(
    ("rule", "step", "told"),
    [
        ("~mine:* +@all", "ACL", "may not see what fedredis and RQ keep; `fedredis acl` writes"),
        ("~* +@all -evalsha", "scripts", "can look, but neither train nor serve"),
        ("%R~* +@all", "scripts", "can look, but neither train nor serve"),
        ("~* +@all -info -time", "ACL", "no permissions to run the 'time' command"),
    ],
)
def test_rights(start, look, rule, step, told):
    port = start()
    with connect(f"redis://localhost:{port}") as client:
        client.execute_command("ACL", "SETUSER", "ann", "on", ">p", "resetkeys", *rule.split())
    well, finding = look(f"redis://ann:p@localhost:{port}")
    assert "login" in well
    assert finding.startswith(step)
    assert told in finding


def test_a_socket(look, tmp_path):
    _, finding = look(f"unix://{tmp_path}/none.sock")
    assert finding.startswith("socket ")
    assert finding.endswith("start the server, with `unixsocket` set to that path")


def wait_for(port: int) -> None:
    """Wait until something listens, whatever it says."""
    retry = Retry(ConstantBackoff(0.02), 500, (OSError,))
    retry.call_with_retry(
        lambda: socket.create_connection(("127.0.0.1", port)).close(), lambda _: None
    )
