"""From nothing to a measure in one command, and what each container is, has and may."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from fedredis.jobs.pool import GRACE, ONE_THREAD

if TYPE_CHECKING:
    from collections.abc import Callable

    Federation = Any

ROUNDS = 4
#: Bytes that the image may take beside those of its base.
MOST_BYTES = 300 * 2**20
SERVING = ("redis", "partition", "slave", "web")


@pytest.fixture(scope="module")
def started(federation: Callable[..., Federation]) -> tuple[Federation, dict[str, Any]]:
    """Return ten slaves, brought up by the script from nothing, and what they came to."""
    ten = federation(slaves=10)
    outcome = json.loads(ten.call("compose/start.sh", "--rounds", ROUNDS, "--json").stdout)
    return ten, outcome


@pytest.fixture(scope="module")
def ten(started: tuple[Federation, dict[str, Any]]) -> Federation:
    return started[0]


@pytest.fixture(scope="module")
def containers(ten: Federation) -> dict[str, dict[str, Any]]:
    """Return what the engine knows of one container of each service."""
    known = {name: ten.inspect(ten.container(name)) for name in SERVING}
    run = json.loads(ten.compose("--profile", "master", "config", "--format", "json"))
    known["master"] = run["services"]["master"]
    return known


def test_the_hash_is_that_of_a_run_without_containers(started, alone):
    outcome = started[1]
    assert outcome["slaves"] == outcome["workers"] == 10
    assert outcome["weights_sha256"] == alone(10, ROUNDS)


def test_the_image_is_small(ten, image):
    size, base = (ten.inspect(name)["Size"] for name in (image, "python:3.12-slim"))
    assert size - base < MOST_BYTES


def test_each_service_is_healthy(ten):
    ten.compose("up", "--detach", "--wait", "--no-recreate")
    for service in SERVING:
        assert ten.inspect(ten.container(service))["State"]["Health"]["Status"] == "healthy"


@pytest.mark.parametrize("service", SERVING)
def test_a_container_is_confined(ten, containers, service):
    known, name = containers[service], ten.container(service)
    host = known["HostConfig"]
    assert ten.exec(name, "id", "-u") == "1000"
    assert host["ReadonlyRootfs"]
    assert ten.call("docker", "exec", name, "touch", "/x", code=1)
    assert re.search(r"CapBnd:\s*0+$", ten.exec(name, "cat", "/proc/1/status"), re.M)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] > 0
    assert host["NanoCpus"] > 0
    assert host["PidsLimit"] > 0
    assert host["RestartPolicy"]["Name"] == "always"
    assert "Healthcheck" in known["Config"]


def test_a_slave_may_finish_what_it_is_at(containers):
    assert containers["slave"]["Config"]["StopTimeout"] > GRACE


def test_only_the_page_is_published_and_on_loopback_only(containers):
    ports = {name: containers[name]["HostConfig"]["PortBindings"] for name in SERVING}
    assert [where["HostIp"] for [where] in ports.pop("web").values()] == ["127.0.0.1"]
    assert not any(ports.values())


def test_no_secret_stands_where_it_can_be_read(ten, containers):
    """They are in files of their owners alone: in no command line, setting or log."""
    passwords = ten.exec(
        ten.container("partition"), "sh", "-c", "cat /partitions/passwords/*"
    ).split()
    assert len(passwords) == 13  # ten slaves, master, viewer, the page
    told = json.dumps([containers, ten.compose("logs"), ten.docker("top", ten.container("slave"))])
    assert not [secret for secret in passwords if secret in told]


#: Asks the dealer for the rows of slave 7, and prints what it gives instead.
ASK = """
import tarfile
from urllib.request import urlopen
answer = urlopen("http://partition:8000/slave-7.npy?slave=7")
print(*tarfile.open(fileobj=answer, mode="r|").getnames())
"""


@pytest.mark.parametrize("number", [1, 4, 10])
def test_a_slave_reaches_its_own_partition_and_login_alone(ten, number):
    name = ten.container("slave", number)
    own = f"slave-{number - 1}"
    found = ten.exec(name, "sh", "-c", "find / -name 'slave-*.npy' 2>/dev/null || true")
    assert found.split() == [f"/tmp/own/{own}.npy"]
    assert ten.exec(name, "cat", "/tmp/own/user").endswith(own)
    assert ten.exec(name, "python", "-c", ASK).split() == [
        *("user", "manifest.json", f"{own}.npy", "password")
    ]


def test_others_are_dealt_no_rows(ten):
    run = ("run", "--rm", "-T", "--entrypoint", "python")
    assert ten.compose(*run, "master", "-c", ASK).split() == ["user", "password"]
    assert ten.compose(*run, "web", "-c", ASK).split() == ["user", "page", "password"]
    ten.compose(*run, "slave", "-c", ASK, code=1)  # one that is none of the ten


def test_one_thread(containers):
    assert {f"{k}={v}" for k, v in ONE_THREAD.items()} <= {*containers["slave"]["Config"]["Env"]}


def test_the_page_shows_the_run_and_its_jobs(ten, started):
    address = ten.docker("port", ten.container("web"), "8400")
    password = ten.exec(ten.container("web"), "cat", "/tmp/own/page")

    def ask(path):
        asked = Request(f"http://{address}{path}", headers={"Authorization": f"Bearer {password}"})
        with urlopen(asked, timeout=10) as answer:
            return json.load(answer)

    with pytest.raises(HTTPError, match="401"):
        urlopen(f"http://{address}/api/runs")
    assert [run["run"] for run in ask("/api/runs")["runs"]] == [started[1]["run"]]
    assert len(ask("/rq/0/data/workers.json")["workers"]) == 10
    queue = ask("/rq/0/data/queues.json")["queues"][0]["name"]
    jobs = ask(f"/rq/0/data/jobs/{queue}/finished/100/asc/1.json")["jobs"]
    said = [job["description"].partition(", woken for")[0] for job in jobs]
    assert {*said} >= {f"run {started[1]['run']}: {kind}" for kind in ("statistics", "train")}


#: The compose file, and the one beside it for Prometheus.
MONITORED = ("docker-compose.yml", "compose/monitoring.yml")


def test_figures_for_prometheus(ten, started):
    """All but the two containers of others' images, which can't be had everywhere."""
    ten.files = MONITORED
    try:
        services = ten.compose("config", "--services").split()
        assert {"prometheus", "grafana", *SERVING} < {*services}
        ten.compose("up", "--detach", "--wait", "metrics")
        ask = "from urllib.request import urlopen; "
        ask += "print(urlopen('http://127.0.0.1:9464/metrics').read().decode())"
        told = ten.exec(ten.container("metrics"), "python", "-c", ask)
    finally:
        ten.compose("rm", "--force", "--stop", "metrics")
        ten.files = ("docker-compose.yml",)
    assert f'fedredis_run_round{{run="{started[1]["run"]}"}} {ROUNDS}.0' in told


def test_who_only_trains_need_not_say_again_for_how_many(ten):
    ten.variables["NUM_SLAVES"] = ""
    try:
        assert ten.train("--rounds", 1)["slaves"] == 10
    finally:
        ten.variables.clear()


def test_seventy_slaves_in_place_of_ten(ten, alone, capsys):
    """Other data, other logins: all that is up takes them up, with the same command."""
    before = take(ten)
    ten.slaves = 70
    told = ten.call("compose/start.sh", "--rounds", ROUNDS, "--json")
    outcome = json.loads(told.stdout)
    assert outcome["slaves"] == outcome["workers"] == 70
    assert outcome["weights_sha256"] == alone(70, ROUNDS)
    with capsys.disabled():
        print(f"\n10 slaves: {before}\n70 slaves: {take(ten)}, {outcome['round_ms']}")


def take(federation: Federation) -> dict[str, float]:
    """Measure what containers have taken: processor seconds since their start, and MiB."""
    taken = {}
    for service in SERVING:
        seconds, memory = federation.usage(federation.container(service))
        taken[service] = f"{seconds:.1f} s, {memory:.0f} MiB"
    return taken


def test_down_leaves_nothing_behind(ten):
    ten.files = MONITORED
    ten.compose("down", "--volumes")
    ours = ("--quiet", "--filter", f"label=com.docker.compose.project={ten.project}")
    assert ten.docker("ps", "--all", *ours) == ""
    assert ten.docker("volume", "ls", *ours) == ""
    assert ten.docker("network", "ls", *ours) == ""


def test_tls_alone(federation, alone):
    two = federation(slaves=2, files=("docker-compose.yml", "compose/tls.yml"))
    outcome = json.loads(two.call("compose/start.sh", "--rounds", ROUNDS, "--json").stdout)
    assert outcome["weights_sha256"] == alone(2, ROUNDS)
    assert outcome["redis_url"].startswith("rediss://")
    two.compose("up", "--detach", "--wait", "--no-recreate")
    plain = "import redis; redis.Redis('redis').ping()"
    assert (
        "Connection"
        in two.call(
            *("docker", "exec", two.container("slave"), "python", "-c", plain), code=1
        ).stderr
    )
    # The key is Redis' and the dealer's alone, and there is none to sign others with.
    for service, found in (("redis", "server.key"), ("partition", "server.key"), ("slave", "")):
        look = "find / -name '*.key' -path '*certificates*' 2>/dev/null || true"
        assert two.exec(two.container(service), "sh", "-c", look).rpartition("/")[2] == found
    two.compose("down", "--volumes")


def test_own_data(federation, tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("a,b,kind\n" + "".join(f"{n},{n % 3},{n % 2}\n" for n in range(20)))
    tmp_path.chmod(0o755)
    own = federation(
        slaves=2,
        variables={
            "FEDREDIS_DATA": str(table),
            "FEDREDIS_DATASET": "own",
            "FEDREDIS_PARTITION_ARGS": "--label kind",
        },
    )
    outcome = json.loads(own.call("compose/start.sh", "--rounds", 2, "--json").stdout)
    assert outcome["slaves"] == 2
    assert sum(map(sum, outcome["confusion"])) == 4
    own.compose("down", "--volumes")


def test_without_an_engine_the_script_says_so(federation):
    lost = federation(variables={"DOCKER_HOST": "unix:///nowhere"})
    said = lost.call("compose/start.sh", code=1).stderr
    assert "needs a Docker engine" in said
    lost.variables.clear()
