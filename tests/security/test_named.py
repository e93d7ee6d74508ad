"""Slaves with names and files of their own, under the rules that ``fedredis acl`` prints."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

import fedredis
from fedredis.secure.identity import Identity, Roster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redis import Redis

#: Names of which each begins like another, or ends like one.
NAMES = ("a", "a-b", "a_b", "a.b", "b")


@pytest.fixture
def urls(fenced, call, admin: Redis, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give the server the users of these slaves; return with which URL each logs in."""
    passwords, found = tmp_path / "passwords", {}
    slaves = [word for name in NAMES for word in ("--slave", name)]
    answer = call("acl", "slave", "--dataset", "wards", *slaves, "--passwords", passwords)
    users = [line.split()[1] for line in answer.out.splitlines()]
    for line in answer.out.splitlines():
        admin.execute_command("ACL SETUSER", *line.split()[1:])
    for name, user in zip(NAMES, users, strict=True):
        password = (passwords / user).read_text().strip()
        found[name] = f"redis://{user}:{password}@127.0.0.1:{fenced.port}/0"
    yield found
    for user in users:
        admin.acl_deluser(user)


@pytest.mark.parametrize(
    "options", [(), ("--secure", "--model", "trees"), ("--secure",)], ids=" ".join
)
def test_they_train_and_nothing_is_refused(fenced, call, urls, tmp_path, denials, options):
    made = [Identity.make(tmp_path / "keys", name) for name in NAMES]
    policy = tmp_path / "keys" / "policy.toml"
    policy.write_text(Roster.of(made).to_toml())
    rows = "".join(f"{20 + i},w{i % 3},{'well' if i % 2 else 'ill'}\n" for i in range(40))
    (tmp_path / "ward.csv").write_text(f"age,ward,outcome\n{rows}")
    with ExitStack() as stack:
        for name in NAMES:
            given = {"name": name, "dataset": "wards", "label": "outcome", "policy": policy}
            stack.enter_context(fedredis.serving("ward.csv", **given, redis_url=urls[name]))
        outcome = call(
            *("run", "--names", ",".join(NAMES), "--rounds", 2, *options),
            *("--wait-timeout", 60),
            *("--redis-url", fenced.master_url, "--json"),
        )
        assert outcome.code == 0, outcome.err
        # Now that all are there, one looks for namesakes, and at nobody else's card.
        with fedredis.serving("ward.csv", **given, redis_url=urls[name]):
            pass
    assert json.loads(outcome.out)["workers"] == len(NAMES)
    assert denials() == []
