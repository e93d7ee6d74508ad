"""``rediss://``: the server's certificate is checked, by its authority and by its name."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from fedredis.connection import connect
from fedredis.jobs.pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

trustme = pytest.importorskip("trustme")

PASSWORD = "sesame"
TRAIN = ("--rounds", 2, "--features", "plain", "--wait-timeout", 30, "--json")


@dataclass(frozen=True)
class Secured:
    """A server that speaks TLS only, under the name of ``localhost``."""

    port: int
    #: Certificates of the authority that signed the server's, and of one that did not.
    ca: Path
    stranger: Path

    def url(self, ca: Path | None, host: str = "localhost", scheme: str = "rediss") -> str:
        query = f"?ssl_ca_certs={ca}" if ca else ""
        return f"{scheme}://:{PASSWORD}@{host}:{self.port}/0{query}"


@pytest.fixture(scope="module")
def secured(find_program, serving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    program, folder = find_program("redis-server"), tmp_path_factory.mktemp("tls")
    said = subprocess.run(
        [program, "--port", "0", "--tls-port", "1"], capture_output=True, text=True, check=False
    )
    if "No tls-" not in said.stdout:
        pytest.skip("redis-server, a system package, was built without TLS")
    authority, stranger = trustme.CA(), trustme.CA(organization_name="someone else")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    stranger.cert_pem.write_to_path(str(folder / "stranger.pem"))
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    with serving(
        *(program, folder, "--port", 0, "--tls-port", "PORT"),
        *("--tls-cert-file", folder / "cert.pem", "--tls-key-file", folder / "key.pem"),
        *("--tls-ca-cert-file", folder / "ca.pem", "--tls-auth-clients", "no"),
        *("--requirepass", PASSWORD),
    ) as port:
        made = Secured(port, folder / "ca.pem", folder / "stranger.pem")
        with connect(made.url(made.ca)) as client:
            client.ping()  # rides out the server's start
        yield made


def test_a_training(secured, call, tmp_path):
    """The master's URL and the slaves' name the authority; nothing else is needed."""
    url = secured.url(secured.ca)
    assert call("data", "synth", "--songs", 200, "--out", "songs.csv").code == 0
    cut = call("partition", "songs.csv", "--label", "decade", "--slaves", 3, "--out", "parts")
    assert cut.code == 0, cut.err
    with WorkerPool(url, tmp_path / "parts", 2):
        answer = call("run", "--redis-url", url, *TRAIN)
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["rounds"] == 2
    assert PASSWORD not in answer.out + answer.err
    (row,) = json.loads(call("runs", "--redis-url", url, "--json").out)
    assert row["status"] == "finished"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("authority", "certificate verify failed"),
        ("no authority", "certificate verify failed"),
        ("name", "IP address mismatch, certificate is not valid for '127.0.0.1'"),
        ("no TLS", "Redis unreachable"),
    ],
)
def test_another_server_is_refused(secured, call, wrong, reason):
    """In one line, before the password is sent."""
    url = {
        "authority": secured.url(secured.stranger),
        "no authority": secured.url(None),
        "name": secured.url(secured.ca, host="127.0.0.1"),
        "no TLS": secured.url(None, scheme="redis"),
    }[wrong]
    answer = call("runs", "--redis-url", url)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("fedredis: Redis unreachable at redis")
    assert reason in answer.err
    assert answer.err.count("\n") == 1
    assert PASSWORD not in answer.err


@pytest.mark.parametrize(
    ("scheme", "query"),
    [
        ("rediss", "ssl_ca_certs=/no/such.pem"),
        ("rediss", "ssl_cert_reqs=sometimes"),
        ("rediss", "ssl_min_version=1"),
        ("redis", "ssl_ca_certs=/no/such.pem"),
    ],
)
def test_an_option_that_is_wrong_is_one_line(call, scheme, query):
    url = f"{scheme}://:{PASSWORD}@127.0.0.1:1?{query}&ssl_password={PASSWORD}"
    answer = call("runs", "--redis-url", url)
    assert answer.code in (1, 2)
    assert answer.err.startswith("fedredis: Redis")
    assert answer.err.count("\n") == 1
    assert PASSWORD not in answer.err
