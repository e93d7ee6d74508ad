"""Keys of slaves: those that their owners make, and those of simulated ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.acl import check_slave
from fedredis.data.own import SHARED
from fedredis.data.whole import written_whole
from fedredis.jobs.process import KEYS
from fedredis.secure.identity import SUFFIX, Identity, Roster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.api.session import PathLike

#: The name of a policy file, where there is none of the owner's choice.
POLICY_FILE = "policy.toml"


def make_identity(name: str, folder: PathLike) -> Identity:
    """Make a slave's key in a folder.

    Raises
    ------
    UsageError
        If it is there already, or the name is none.
    """
    check_slave(SHARED, name)
    return Identity.make(Path(folder), name)


def identities(folder: PathLike) -> list[Identity]:
    """Read all keys of a folder, by name.

    Raises
    ------
    UsageError
        If one is none, or open to others.
    """
    there = sorted(Path(folder).glob(f"*{SUFFIX}"))
    return [Identity.load(path.parent, path.name.removesuffix(SUFFIX)) for path in there]


def simulated(home: Path, dataset: str, slaves: Sequence[str]) -> Sequence[str]:
    """Make the keys of simulated slaves, where there are none; return arguments of their workers.

    All lie in one folder of one machine: they show what masks cost, and protect nothing.
    """
    folder = home / "keys" / dataset
    there = {one.name: one for one in identities(folder)}
    made = [there.get(slave) or Identity.make(folder, slave) for slave in slaves]
    roster = Roster.of({**there, **{one.name: one for one in made}}.values())
    path = folder / POLICY_FILE
    # Workers of another run of the same slaves may be reading it.
    with written_whole(path) as scratch:
        scratch.write_text(roster.to_toml(), encoding="utf-8")
    return KEYS, str(path)
