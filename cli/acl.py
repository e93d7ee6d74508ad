"""``fedredis acl``: access rules for a Redis that is shared."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedredis import acl
from fedredis.cli import output
from fedredis.data.manifest import read_manifest
from fedredis.errors import UsageError
from fedredis.exchanges.kinds import ROUNDS
from fedredis.jobs.naming import jobs_of, queue_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.acl import Role

ROLES = ("master", "slave", "viewer", "all")
#: Nobody gets in without a name; whoever runs the server adds a user of their own. The rights are
#: for the server itself: as this user it reads its append-only file when it starts, and many
#: versions leave out every transaction that the user may not execute (redis/redis issue 14541).
NO_DEFAULT = "user default reset off ~* &* +@all"


@click.command(name="acl")
@click.argument("role", type=click.Choice(ROLES))
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A partition folder: rules for each slave that its manifest counts.",
)
@click.option("--dataset", metavar="ID", help="The slaves' data set, without --data.")
@click.option(
    "--slave",
    "slaves",
    multiple=True,
    metavar="ID",
    help="A slave, by number or name; may be repeated.",
)
@click.option(
    "--passwords",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with a file of each user's password; those that are not there are made.",
)
def command(
    role: str,
    data: Path | None,
    dataset: str | None,
    slaves: Sequence[str],
    passwords: Path | None,
) -> None:
    """Print ACL rules for masters, slaves and viewers.

    One line a user, as in an aclfile; `all` makes a whole one, in which nobody gets in without
    a name. For a server that runs: fedredis acl … | sed 's/^user/ACL SETUSER/' | redis-cli.

    A slave has a user of its own, and runs its workers on a partition folder with its file alone,
    or by its name on a file of its own.
    """
    roles = [acl.master()] if role in ("master", "all") else []
    roles += [acl.viewer()] if role in ("viewer", "all") else []
    if role in ("slave", "all"):
        roles += _slaves(data, dataset, slaves)
    elif data or dataset or slaves:
        raise UsageError(f"--data, --dataset and --slave are for slaves, not for the {role}")
    lines = [made.rule(_sha256(passwords, made.user) if passwords else None) for made in roles]
    for line in (*([NO_DEFAULT] if role == "all" else []), *lines):
        click.echo(line)
    if not passwords:
        output.say(
            "no password is set, so nobody can log in: give --passwords DIRECTORY, "
            "or tell the server: ACL SETUSER NAME '>PASSWORD'"
        )


def _slaves(data: Path | None, dataset: str | None, slaves: Sequence[str]) -> list[Role]:
    if data and dataset:
        raise UsageError("give either --data or --dataset")
    if data:
        manifest = read_manifest(data)
        dataset, there = manifest.dataset, [str(i) for i in range(manifest.slaves)]
        if unknown := [slave for slave in slaves if slave not in there]:
            raise UsageError(f"--slave {unknown[0]}: {dataset} has slaves 0 to {there[-1]}")
        slaves = slaves or there
    if not (dataset and slaves):
        raise UsageError("which slaves? give --data, or --dataset and --slave")
    queues = [queue_name(dataset, [slave]) for slave in slaves]
    return [
        acl.slave(dataset, slave, queue, jobs_of(queue), kinds=ROUNDS)
        for slave, queue in zip(slaves, queues, strict=True)
    ]


def _sha256(directory: Path, user: str) -> str:
    """Digest the password of a user, which is made if it is not there."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / user
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(descriptor, f"{secrets.token_urlsafe(32)}\n".encode())
        os.close(descriptor)
    if path.stat().st_mode & 0o077:
        raise UsageError(f"{path} is open to other users: chmod 600 {path}")
    password = path.read_text(encoding="utf-8").rstrip("\r\n")
    if not password:
        raise UsageError(f"{path} holds no password")
    return hashlib.sha256(password.encode()).hexdigest()
