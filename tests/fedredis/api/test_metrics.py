"""Figures for Prometheus: of a real run, over a real socket, as the dashboard asks for them."""

import json
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fedredis import acl
from fedredis.api.metrics import exporter
from fedredis.connection import connect
from fedredis.errors import FedredisError, UsageError
from fedredis.store import workers
from fedredis.store.workers import WorkerCard

DASHBOARD = Path(__file__).resolve().parents[3] / "compose" / "grafana" / "fedredis.json"


def samples(text):
    """Read figures: a mapping from name and labels to value."""
    return {
        (one.name, *sorted(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_a_run_in_figures(trained, client):
    found = samples(exporter(client).text())
    run = ("run", trained.run)
    assert found["fedredis_runs", ("status", "finished")] == 1
    info = next(name for name in found if name[0] == "fedredis_run_info")
    assert {("status", "finished"), ("strategy", "fedavg"), run} <= set(info)
    assert found["fedredis_run_round", run] == found["fedredis_run_rounds", run] == 2
    assert found["fedredis_run_score", ("figure", "accuracy"), run] == trained.accuracy
    for kind in ("train", "evaluate"):
        assert found["fedredis_barrier_wait_seconds_count", ("kind", kind), run] == 2
        assert 0 < found["fedredis_barrier_wait_seconds_sum", ("kind", kind), run] < 60
    rounds = sum(n for one, n in found.items() if one[0] == "fedredis_barrier_wait_seconds_count")
    assert rounds > 4  # statistics, too
    assert found["fedredis_updates_total", ("outcome", "accepted"), run] == 3 * rounds
    for outcome in ("late", "duplicate", "stale", "refused"):
        assert found["fedredis_updates_total", ("outcome", outcome), run] == 0
    assert found["fedredis_update_bytes_total", run] > 1000
    assert found["fedredis_masters_total", run] == 1


def test_workers_in_figures(client):
    for name, vitals in {"a": {"cpu": "0.5", "memory_mb": "100"}, "b": {}}.items():
        card = WorkerCard(name, "h", 1, "q", 'pe"ts\n', "{}", None)
        workers.announce(client, card, vitals)
    found = samples(exporter(client).text())
    pets = ("dataset", 'pe"ts\n')
    assert found["fedredis_workers", pets] == 2
    assert found["fedredis_workers_cpu_cores", pets] == 0.5
    assert found["fedredis_workers_memory_bytes", pets] == 100 * 2**20


def test_a_viewer_may_read_them(trained, client, server):
    client.execute_command("ACL", "SETUSER", acl.VIEWER, *acl.viewer().rule().split()[2:], ">x")
    url = server.tcp_url.partition("@")[2]
    with connect(f"redis://{acl.VIEWER}:x@{url}") as viewer:
        assert trained.run in exporter(viewer).text()
    client.execute_command("ACL", "DELUSER", acl.VIEWER)


def test_every_panel_asks_for_figures_that_there_are(trained, client):
    there = {name for name, *_ in samples(exporter(client).text())}
    # Of workers there are figures while there are some.
    there |= {"fedredis_workers", "fedredis_workers_cpu_cores", "fedredis_workers_memory_bytes"}
    board = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked.append(next(v for v in board["templating"]["list"] if v["name"] == "run")["query"])
    assert len(asked) >= 14
    for expression in asked:
        names = set(re.findall(r"fedredis_\w+", expression))
        assert names, expression
        assert names <= there, expression
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_table_names_them_all(trained, client):
    text = exporter(client).text()
    types = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))
    page = (DASHBOARD.parents[2] / "docs" / "monitoring.md").read_text()
    told = dict(re.findall(r"^\| `(fedredis_\w+)` \| (\w+) \|", page, re.M))
    assert told == {name: kind for name, kind in types.items() if not name.endswith("_created")}


@pytest.fixture
def served(client):
    """Serve figures on a free port; yield what asks for a path with a token."""
    ends = []

    def serve(token_file=None, host="127.0.0.1"):
        made = exporter(client, token_file)
        listening = made.listening(host, 0)
        address, server = listening.__enter__()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        ends.append((server, listening, thread))

        def ask(path, token=""):
            request = urllib.request.Request(address + path)
            if token:
                request.add_header("Authorization", f"Bearer {token}")
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        return ask

    yield serve
    for server, listening, thread in ends:
        server.shutdown()
        thread.join()
        listening.__exit__(None, None, None)


def test_it_answers_over_http(served):
    ask = served()
    status, text = ask("/metrics")
    assert status == 200
    assert "# TYPE fedredis_updates_total counter" in text or "# TYPE fedredis_updates" in text
    assert ask("/")[0] == 404


def test_elsewhere_it_asks_for_a_token(served, client, tmp_path):
    with pytest.raises(UsageError, match=r"0\.0\.0\.0 can be reached from elsewhere"):
        served(host="0.0.0.0")
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    ask = served(token, host="0.0.0.0")
    assert ask("/metrics")[0] == 401
    assert ask("/metrics", "0123456789abcdeF")[0] == 401
    assert ask("/metrics", "0123456789abcdef")[0] == 200
    token.write_text("short")
    with pytest.raises(UsageError, match="holds no token"):
        exporter(client, token)


def test_a_port_that_is_taken(client):
    with (
        exporter(client).listening("127.0.0.1", 0) as (address, _),
        pytest.raises(FedredisError, match="can't listen at"),
        exporter(client).listening("127.0.0.1", int(address.rpartition(":")[2])),
    ):
        pass
