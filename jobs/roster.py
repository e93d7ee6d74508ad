"""Waiting for slaves: who of a run's slaves has a worker that can act for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.arrays.updates import MOST_SAMPLES
from fedredis.data.manifest import Manifest
from fedredis.data.own import OWN
from fedredis.errors import DataError, UsageError, WaitTimeoutError
from fedredis.jobs.naming import VERSION, queue_name, queue_of
from fedredis.store import workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis

    from fedredis.store.workers import WorkerCard

#: Seconds between two looks while nobody joins; one that joins is seen at once.
TICK = 2.0
#: How many slaves a line names.
NAMED = 10


def missing(cards: Sequence[WorkerCard], dataset: str, slaves: Sequence[str]) -> list[str]:
    """List the slaves that none of the workers can act for, in order."""
    of_dataset = [card for card in cards if card.dataset == dataset]
    if any(card.slaves is None for card in of_dataset):
        return []
    served = {slave for card in of_dataset for slave in card.slaves or ()}
    return [slave for slave in slaves if slave not in served]


def brings_own(card: WorkerCard) -> bool:
    """Say whether a worker holds the rows of one slave's own file."""
    return _manifest(card).cut == OWN


def owners(cards: Sequence[WorkerCard], dataset: str) -> dict[str, Manifest]:
    """Find the slaves of a data set that bring their own file: what each holds, by its name.

    A card counts only if the worker that left it is the slave's own.

    Raises
    ------
    DataError
        If a manifest is damaged.
    UsageError
        If two workers of a slave hold different data.
    """
    found: dict[str, Manifest] = {}
    for card in cards:
        if card.slaves is None or len(card.slaves) != 1:
            continue
        (name,) = card.slaves
        if not card.queue == queue_of(card.name) == queue_name(dataset, [name]):
            continue
        manifest = _manifest(card)
        if manifest.cut == OWN and found.setdefault(name, manifest) != manifest:
            raise UsageError(_two(name, dataset))
    return dict(sorted(found.items()))


def of_another_version(cards: Sequence[WorkerCard]) -> str | None:
    """Say which worker is of another version than this program, if one is."""
    for card in cards:
        if _is_other(card):
            its = f"fedredis {card.version[:20]}" if card.version else "an older fedredis"
            return (
                f"worker {card.name} on {card.host} is of {its}, and this is fedredis "
                f"{VERSION}: install one version everywhere, and start the worker again (one "
                f"that was killed is gone after {workers.PRESENCE_MS // 1000} s)"
            )
    return None


def _is_other(card: WorkerCard) -> bool:
    """Say whether a card is that of another version; one that speaks for others is of none."""
    own = card.queue == queue_of(card.name) == queue_name(card.dataset, card.slaves)
    return own and card.version != VERSION


def _refuse_another_version(cards: Sequence[WorkerCard]) -> None:
    """Raise UsageError if one of the workers is of another version than this program."""
    if why := of_another_version(cards):
        raise UsageError(why)


def refuse_namesake(client: Redis, name: str, manifest: Manifest) -> None:
    """See that nobody acts for a slave that brings its own file with other data than this.

    Raises
    ------
    UsageError
        If somebody does.
    """
    queue = queue_name(manifest.dataset, [name])
    cards = workers.present(client, lambda worker: queue_of(worker) == queue)
    if owners(cards, manifest.dataset).get(name, manifest) != manifest:
        raise UsageError(_two(name, manifest.dataset))


def wait_for_dataset(
    client: Redis,
    dataset: str | None = None,
    *,
    report: Callable[[str], None],
    deadline: float,
    clock: Callable[[], float],
) -> WorkerCard:
    """Wait for a worker, of a data set if one is named, and return its card.

    It describes the data set that the slaves hold.

    Raises
    ------
    UsageError
        If workers of several data sets are there, so that one must be chosen, or all are of
        another version.
    WaitTimeoutError
        If none has come by `deadline` (seconds on `clock`).
    """
    cursor = workers.last_join(client)
    while True:
        cards = [c for c in workers.present(client) if dataset in (None, c.dataset)]
        datasets = sorted({card.dataset for card in cards})
        if len(datasets) > 1:
            raise UsageError(
                f"slaves of several data sets are waiting ({', '.join(datasets)}): "
                "choose one with `dataset`"
            )
        # Whether one of another version is needed is seen when slaves are waited for.
        for card in (card for card in cards if not _is_other(card)):
            return card
        _refuse_another_version(cards)
        if clock() >= deadline:
            raise WaitTimeoutError(
                f"no slave {f'of {dataset} ' if dataset else ''}has come: start some with "
                "`fedredis slave`, on the same Redis"
            )
        report("waiting for slaves: none yet")
        cursor = workers.wait_for_join(client, cursor, TICK)


def wait_for_owners(
    client: Redis,
    dataset: str,
    wanted: Sequence[str] | int,
    *,
    report: Callable[[str], None],
    deadline: float,
    clock: Callable[[], float],
) -> dict[str, Manifest]:
    """Wait for slaves that bring their own file; return what each holds, by its name.

    Parameters
    ----------
    wanted
        Their names, or how many they are.

    Raises
    ------
    DataError
        If a manifest is damaged.
    UsageError
        If more are there than are wanted, two workers of a slave hold different data, or one that
        may be wanted is of another version.
    WaitTimeoutError
        If they have not come by `deadline` (seconds on `clock`).
    """
    cursor = workers.last_join(client)
    while True:
        cards = [card for card in workers.present(client) if card.dataset == dataset]
        if not isinstance(wanted, int):
            cards = [c for c in cards if c.slaves is None or not {*wanted}.isdisjoint(c.slaves)]
        _refuse_another_version(cards)
        found = owners(cards, dataset)
        if isinstance(wanted, int):
            count, absent = wanted, f"there is {_listed([*found]) or 'none'}"
        else:
            found = {name: found[name] for name in wanted if name in found}
            count, absent = len(wanted), _listed([name for name in wanted if name not in found])
        if len(found) > count:
            raise UsageError(
                f"{len(found)} slaves of {dataset} are there, not {count}: say which with `names` "
                f"({', '.join(found)})"
            )
        if len(found) == count:
            return found
        few = f"{count - len(found)} of {count} slaves"
        if clock() >= deadline:
            raise WaitTimeoutError(f"{few} of {dataset} did not come: {absent}")
        report(f"waiting for {few}: {absent}")
        cursor = workers.wait_for_join(client, cursor, TICK)


def wait_for_slaves(
    client: Redis,
    dataset: str,
    slaves: Sequence[str],
    *,
    enough: int,
    report: Callable[[str], None],
    deadline: float,
    clock: Callable[[], float],
) -> None:
    """Wait until every slave has a worker that can act for it.

    Raises
    ------
    UsageError
        If a worker that can is of another version, and without it there would not be `enough`.
    WaitTimeoutError
        If fewer than `enough` have one by `deadline` (seconds on `clock`); it names the others.
    """
    cursor = workers.last_join(client)
    while True:
        cards = [card for card in workers.present(client) if card.dataset == dataset]
        others = [card for card in cards if _is_other(card)]
        cards = [card for card in cards if card not in others]
        if not (absent := missing(cards, dataset, slaves)):
            return
        barring = [c for c in others if c.slaves is None or {*absent} & {*c.slaves}]
        barred = {s for c in barring for s in (absent if c.slaves is None else c.slaves)}
        if len({*slaves} - barred) < enough:
            _refuse_another_version(barring)
        names = _listed(absent)
        if clock() >= deadline:
            if len(slaves) - len(absent) >= enough:
                return
            raise WaitTimeoutError(
                f"{len(absent)} of {len(slaves)} slaves of {dataset} did not come: {names}"
            )
        report(f"waiting for {len(absent)} of {len(slaves)} slaves: {names}")
        cursor = workers.wait_for_join(client, cursor, TICK)


def _manifest(card: WorkerCard) -> Manifest:
    try:
        manifest = Manifest.from_json(card.manifest)
    except DataError as error:
        raise DataError(f"worker {card.name}: {error}") from None
    if manifest.rows > MOST_SAMPLES:
        raise DataError(
            f"worker {card.name} says that it has {manifest.rows} rows, more than {MOST_SAMPLES}"
        )
    return manifest


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def _two(name: str, dataset: str) -> str:
    return (
        f"slave {name} of {dataset} is there twice, with different data: stop one of the two "
        f"(one that was killed is gone after {workers.PRESENCE_MS // 1000} s), or give it another "
        "`name`"
    )
