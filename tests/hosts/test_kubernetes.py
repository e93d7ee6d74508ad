"""The manifests of compose/kubernetes: right by Kubernetes' own schemas, and fit for fedredis."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from fedredis.cli.main import run
from fedredis.connection import connect
from fedredis.embedded import find_binary
from fedredis.jobs.pool import GRACE
from fedredis.redis_url import check_url

FOLDER = Path(__file__).resolve().parents[2] / "compose" / "kubernetes"
OBJECTS: list[dict[str, Any]] = [
    each for path in sorted(FOLDER.glob("*.yaml")) for each in yaml.safe_load_all(path.read_text())
]
PODS = {
    f"{each['kind']} {each['metadata']['name']}": each["spec"]["template"]["spec"]
    for each in OBJECTS
    if "template" in each["spec"]
}
every_pod = pytest.mark.parametrize("pod", PODS.values(), ids=PODS)


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


@pytest.mark.parametrize("version", ["1.29", "1.34"])
def test_they_are_right_by_the_schema(version):
    validator = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate, of the extra deploy-check, is not here"
    )
    assert len(OBJECTS) == 9
    for each in OBJECTS:
        validator.validate(each, version, strict=True)
    with pytest.raises(validator.ValidationError):
        validator.validate({**OBJECTS[0], "spec": {"ports": "one"}}, version, strict=True)


@every_pod
def test_every_process_is_confined(pod):
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"]
    for container in containers(pod):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert "memory" in container["resources"]["limits"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted <= {volume["name"] for volume in pod.get("volumes", ())} | {"data"}


@every_pod
def test_what_fedredis_is_told_is_understood(pod):
    for container in containers(pod):
        if container["image"] != "fedredis" or "args" not in container:
            continue
        assert run([*container["args"], "--help"]) == 0
        told = {variable["name"]: variable["value"] for variable in container["env"]}
        check_url(told["REDIS_URL"])
        path = Path(told["REDIS_PASSWORD_FILE"])
        assert str(path.parent) in {mount["mountPath"] for mount in container["volumeMounts"]}
        if container["args"][0] == "slave":
            assert pod["terminationGracePeriodSeconds"] > GRACE


def test_there_is_a_slave_for_each_part_that_is_cut():
    (slaves,) = [each for each in OBJECTS if each["metadata"]["name"] == "slave"][1:]
    (cut,) = PODS["StatefulSet slave"]["initContainers"]
    assert re.findall(r"--slaves (\d+)", cut["command"][-1]) == [str(slaves["spec"]["replicas"])]


def test_the_cut_makes_one_slaves_folder(tmp_path, on_path):
    """By the very command, as pod slave-3."""
    (cut,) = PODS["StatefulSet slave"]["initContainers"]
    places = {"/data": f"{tmp_path}/data", "cd /tmp": f"cd {tmp_path}"}
    words = [re.sub("|".join(places), lambda found: places[found[0]], w) for w in cut["command"]]
    (tmp_path / "data").mkdir()
    environment = {"PATH": f"{on_path}:/usr/bin:/bin", "HOSTNAME": "slave-3"}
    for _ in range(2):  # a pod that starts again finds it cut
        subprocess.run(words, env=environment, check=True)
    assert {path.name for path in (tmp_path / "data").iterdir()} == {
        *("manifest.json", "slave-3.npy"),
    }


def test_redis_starts_by_its_command(tmp_path, free_port, listens):
    (redis,) = PODS["StatefulSet redis"]["containers"]
    (tmp_path / "password").write_text("of-a-secret")
    line = redis["command"][-1].replace("/run/secrets/redis", str(tmp_path))
    line = line.replace("/data", str(tmp_path)).replace("valkey-server", str(find_binary()), 1)
    words = ["sh", "-c", f"{line} --port {free_port} --bind 127.0.0.1"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, process_group=0) as server:
        try:
            listens(free_port)
            with connect(f"redis://:of-a-secret@127.0.0.1:{free_port}") as client:
                told = client.config_get("appendonly", "maxmemory-policy")
                assert told == {"appendonly": "yes", "maxmemory-policy": "noeviction"}
        finally:
            os.killpg(server.pid, signal.SIGTERM)
