"""Prometheus, with the configuration that compose/monitoring.yml gives it, reads a real run."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from redis.backoff import ConstantBackoff
from redis.retry import Retry

CONFIG = Path(__file__).resolve().parents[2] / "compose" / "prometheus.yml"


@pytest.fixture
def programs() -> tuple[str, str]:
    """Return Prometheus and promtool, or skip."""
    found = [shutil.which(name) for name in ("prometheus", "promtool")]
    if None in found:
        pytest.skip("prometheus is a system package that is not here")
    return str(found[0]), str(found[1])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_prometheus_reads_a_run(shell, programs, tmp_path):
    prometheus, promtool = programs
    subprocess.run([promtool, "check", "config", CONFIG], check=True, capture_output=True)
    run = shell.json("run", "--slaves", 3, "--rounds", 4)["run"]
    figures, asked = free_port(), free_port()
    text = CONFIG.read_text()
    assert "127.0.0.1:9464" in text
    config = tmp_path / "prometheus.yml"
    config.write_text(text.replace("127.0.0.1:9464", f"127.0.0.1:{figures}").replace("5s", "1s"))

    def query(what):
        """Return what Prometheus knows by now: values by the run they are of."""
        with urlopen(f"http://127.0.0.1:{asked}/api/v1/query?query={what}") as answer:
            result = json.load(answer)["data"]["result"]
        assert result
        return {series["metric"]["run"]: series["value"][1] for series in result}

    with (
        shell.start("metrics", "--port", figures),
        subprocess.Popen(
            [
                *(prometheus, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'db'}"),
                f"--web.listen-address=127.0.0.1:{asked}",
            ],
            stderr=subprocess.DEVNULL,
        ) as server,
    ):
        try:
            retry = Retry(ConstantBackoff(0.2), 300, (AssertionError, URLError))
            rounds = retry.call_with_retry(lambda: query("fedredis_run_round"), lambda _: None)
            assert rounds == {run: "4"}
            accepted = query('fedredis_updates_total{outcome="accepted"}'.replace('"', "%22"))
            assert int(accepted[run]) > 3 * 4
        finally:
            server.kill()
