from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fedredis.jobs.pool import GRACE

ROOT = Path(__file__).resolve().parents[2]

Services = dict[str, Any]


def test_the_services(services: Services) -> None:
    assert set(services) == {"redis", "partition", "slave", "master", "dashboard"}
    assert [name for name, service in services.items() if "profiles" in service] == ["master"]


def test_only_the_dashboard_is_published_and_on_loopback_only(services: Services) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["dashboard"]
    assert services["dashboard"]["ports"] == ["127.0.0.1:9181:9181"]
    assert not any("network_mode" in service for service in services.values())


def test_what_serves_is_started_again_and_what_ends_is_not(services: Services) -> None:
    assert {name: service["restart"] for name, service in services.items()} == {
        "redis": "always",
        "slave": "always",
        "dashboard": "always",
        "partition": "no",
        "master": "no",
    }


def test_a_slave_has_longer_to_stop_than_its_workers(services: Services) -> None:
    assert float(services["slave"]["stop_grace_period"].removesuffix("s")) > GRACE


def test_slaves_wait_for_redis_and_for_their_data(services: Services) -> None:
    waits = {
        name: {
            other: how["condition"].removeprefix("service_")
            for other, how in service.get("depends_on", {}).items()
        }
        for name, service in services.items()
    }
    assert waits == {
        "redis": {},
        "partition": {},
        "slave": {"redis": "healthy", "partition": "completed_successfully"},
        "master": {"redis": "healthy"},
        "dashboard": {"redis": "healthy"},
    }


def test_only_the_one_that_cuts_the_data_can_write_it(services: Services) -> None:
    assert services["slave"]["volumes"] == ["partitions:/partitions:ro"]
    kept, given = services["partition"]["volumes"]
    assert kept == "partitions:/partitions"
    assert given["read_only"]
    assert given["bind"] == {"create_host_path": False}
    assert [name for name, service in services.items() if "volumes" in service] == [
        "redis",
        "partition",
        "slave",
    ]


def test_the_partitions_are_a_folder_inside_the_volume(services: Services) -> None:
    partition = " ".join(services["partition"]["command"].split())
    assert partition == "partition --slaves 10 --out /partitions/songs-10"
    assert services["slave"]["command"] == ["slave", "--data", "/partitions/songs-10"]


def test_redis_keeps_what_it_is_told(services: Services) -> None:
    words = services["redis"]["command"][1:]
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "everysec"
    assert options["--maxmemory-policy"] == "noeviction"
    assert services["redis"]["volumes"] == [f"redis:{options['--dir']}"]
    assert services["redis"]["healthcheck"]["test"] == ["CMD", "valkey-cli", "-e", "ping"]


def test_every_process_of_ours_is_confined(services: Services) -> None:
    for name, service in services.items():
        if name != "redis":
            assert service["image"] == "fedredis"
            assert service["init"]
            assert service["read_only"]
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]


def test_no_secrets(services: Services) -> None:
    text = json.dumps(services).lower()
    assert "@" not in text
    assert "password" not in text
    assert "secret" not in text
    assert not any("env_file" in service for service in services.values())


def test_docker_compose_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("there is no docker")
    version = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
    if version.returncode:
        pytest.skip("docker has no compose plugin here")
    checked = subprocess.run(
        [docker, "compose", "--profile", "*", "config", "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
