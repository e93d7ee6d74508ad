"""Slaves that each bring their own file: what their run has in common, and their rows put into it.

Every slave reads its file by itself, so columns may come in another order, and classes be some of
all. What a column holds, which one is the label, and what becomes of missing cells must be alike.
"""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fedredis.data.meaning import identity, namesakes, once_each
from fedredis.data.own import OWN
from fedredis.errors import DataError, DataWarning, UsageError
from fedredis.shares import crowding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from fedredis.config import RunConfig
    from fedredis.data.manifest import Manifest
    from fedredis.data.partition import Partition
    from fedredis.features.protocol import Column

#: Of what is common to all, where its rows come from.
SOURCE = "own files"

#: Classes that a line names at most.
MOST_NAMED = 5

#: What a column of a kind is said to hold.
HOLDS = {"number": "numbers", "category": "categories"}


def agreed(manifests: Mapping[str, Manifest]) -> Manifest:
    """Describe a run's data, given each slave's manifest by its name.

    The order of the columns is that of the slave whose name is first; classes are those of all,
    sorted. A column has a range if all say the same one.

    Raises
    ------
    UsageError
        If they don't fit each other: the line names two slaves, and what each has.
    """
    if why := next(differences(manifests), None):
        raise UsageError(why)
    _, model = min(manifests.items())
    classes = _classes(manifests)
    if len(classes) == 1:
        raise UsageError(f"all slaves' rows have the label {classes[0]!r}: there must be two")
    for line in oddities(manifests):
        warnings.warn(line, DataWarning, stacklevel=2)
    return replace(
        model,
        source=SOURCE,
        slaves=len(manifests),
        rows=sum(manifest.rows for manifest in manifests.values()),
        each=tuple(manifest.rows for _, manifest in sorted(manifests.items())),
        columns=tuple(_ranged(column, manifests) for column in model.columns),
        classes=classes,
        content=" ".join(one.content for _, one in sorted(manifests.items())).strip(),
    )


def differences(manifests: Mapping[str, Manifest]) -> Iterator[str]:
    """Say what slaves have to settle before they can train together, a line each."""
    (first, model), *others = sorted(manifests.items())
    for name, manifest in others:
        for why in _differences(first, model, name, manifest):
            yield f"slaves {first} and {name} don't fit each other: {why}"


def oddities(manifests: Mapping[str, Manifest]) -> Iterator[str]:
    """Say what is likely to be a mistake where slaves can train together, a line each."""
    label = min(manifests.items())[1].reading.label
    classes, same = _classes(manifests), namesakes(_classes(manifests))
    for group in same:
        who = "; ".join(
            f"slave {name} has {', '.join(map(repr, has))}"
            for name, one in sorted(manifests.items())
            if (has := [text for text in one.classes if text in group])
        )
        yield (
            f"the classes {', '.join(map(repr, group))} of '{label}' differ by case, "
            f"spaces or signs alone ({who}): write them alike in all files"
        )
    told = {text for group in same for text in group}
    of = {name: {*map(identity, one.classes)} for name, one in sorted(manifests.items())}
    yield from _strangers(manifests, of, told)
    holders = {
        text: [name for name, has in of.items() if identity(text) in has]
        for text in classes
        if text not in told
    }
    # Where many slaves have classes of their own, that is how they are cut.
    if sum(len(who) == len(manifests) for who in holders.values()) >= 2:
        for text, having in holders.items():
            if len(having) == 1 < len(manifests):
                yield (
                    f"slave {having[0]} alone has the class {text!r} of '{label}': if others "
                    "write it otherwise, write it alike; if it stands for nothing, `na` says so"
                )
    if why := crowding({name: one.rows for name, one in manifests.items()}):
        yield why
    alike: dict[str, list[str]] = {}
    for name, one in sorted(manifests.items()):
        alike.setdefault(one.content or name, []).append(name)
    for twins in alike.values():
        if len(twins) > 1:
            yield (
                f"slaves {', '.join(twins)} hold the same rows, which count once for each: give "
                "each its own file"
            )


def _strangers(
    manifests: Mapping[str, Manifest], of: Mapping[str, Collection[str]], told: Collection[str]
) -> Iterator[str]:
    """Tell slaves that have classes, though none that another has, but for those `told` of."""
    holders = Counter(text for has in of.values() for text in has)
    for name, own in of.items():
        classes = manifests[name].classes
        if (
            len(of) > 1 < len(own)
            and all(holders[text] == 1 for text in own)
            and not {*classes} & {*told}
        ):
            quoted = ", ".join(map(repr, classes[:MOST_NAMED])) + " …" * (len(own) > MOST_NAMED)
            yield (
                f"slave {name} has the classes {quoted} of '{manifests[name].reading.label}', and "
                "no other slave has one of them: if others write them otherwise, write them alike"
            )


def _classes(manifests: Mapping[str, Manifest]) -> tuple[str, ...]:
    return tuple(once_each({name for one in manifests.values() for name in one.classes}))


def conform(rows: Partition, manifest: Manifest, config: RunConfig) -> Partition:
    """Put a slave's rows, as its manifest describes them, into the columns and classes of a run.

    Those of a partition folder are as its run wants them: its name stands for what it holds.

    Raises
    ------
    DataError
        If they have other columns, other classes, another label, or gaps that the run won't fill.
    """
    if manifest.cut != OWN:
        return rows
    has, wants = _kinds(manifest.columns), _kinds(config.columns)
    for name, kind in wants.items():
        if name not in has:
            raise DataError("the run has this column, and the slave's rows don't", column=name)
        if has[name] != kind:
            raise DataError(
                f"it holds {HOLDS[kind]} in the run, and the slave's holds {HOLDS[has[name]]}",
                column=name,
            )
    if why := _unlike(manifest, config):
        raise DataError(f"the slave's rows don't fit the run: {why}")
    places = [list(has).index(name) for name in wants]
    train_X, test_X = rows.train_X.take(places, axis=1), rows.test_X.take(places, axis=1)
    rows = replace(rows, train_w=rows.train_w if config.reading.weights else None)
    if not config.classes:
        return replace(rows, train_X=train_X, test_X=test_X)
    places_of = {identity(name): place for place, name in enumerate(config.classes)}
    of_run = np.array([places_of[identity(name)] for name in manifest.classes], np.int64)
    return replace(
        rows,
        train_X=train_X,
        train_y=of_run[rows.train_y],
        test_X=test_X,
        test_y=of_run[rows.test_y],
    )


def _kinds(columns: tuple[Column, ...]) -> dict[str, str]:
    return {column.name: column.kind for column in columns}


def _ranged(column: Column, manifests: Mapping[str, Manifest]) -> Column:
    """Return a column without its range, unless all slaves have the same column."""
    alike = all(column in manifest.columns for manifest in manifests.values())
    return column if alike else replace(column, low=None, high=None)


def _differences(a: str, one: Manifest, b: str, other: Manifest) -> Iterator[str]:
    """Say what slaves `a` and `b` have to settle before they can train together."""
    has, of_b = _kinds(one.columns), _kinds(other.columns)
    if one.reading.label != other.reading.label:
        learnt = [
            n
            for n, label in ((a, other.reading.label), (b, one.reading.label))
            if label in (has, of_b)[n == b]
        ]
        also = f" ({learnt[0]} learns from the other's)" if learnt else ""
        labels = f"'{one.reading.label}' at {a} and '{other.reading.label}' at {b}"
        yield f"the label is {labels}{also}; `label` names it"
    for name, kind in has.items():
        if name not in of_b:
            yield f"{b} has no column '{name}'; `columns` names the same ones at all"
        elif of_b[name] != kind:
            yield (
                f"column '{name}' holds {HOLDS[kind]} at {a} and {HOLDS[of_b[name]]} at {b}; "
                "`categories` says that it holds categories, `columns` leaves it out"
            )
    for name in of_b:
        if name not in has:
            yield f"{a} has no column '{name}'; `columns` names the same ones at all"
    if bool(one.classes) != bool(other.classes):
        yield (
            f"labels are {_labels(one)} at {a} and {_labels(other)} at {b}; "
            "`task` says which they are"
        )
    if one.reading.weights != other.reading.weights:
        said = {
            n: f"'{m.reading.weights}'" if m.reading.weights else "none"
            for n, m in ((a, one), (b, other))
        }
        yield f"the column of weights is {said[a]} at {a} and {said[b]} at {b}; `weights` names it"
    if one.reading.missing != other.reading.missing:
        yield (
            f"`missing` is {one.reading.missing} at {a} and {other.reading.missing} at {b}, "
            "and must be the same at all"
        )


def _unlike(manifest: Manifest, config: RunConfig) -> str | None:
    """Say what is wrong with a slave's labels or gaps, if something is."""
    if manifest.reading.label != config.reading.label:
        return f"its label is '{manifest.reading.label}', the run's '{config.reading.label}'"
    if bool(manifest.classes) != bool(config.classes):
        return f"its labels are {_labels(manifest)}, the run's are not"
    if config.reading.weights and manifest.reading.weights != config.reading.weights:
        return f"its rows have no weights, and the run weighs by '{config.reading.weights}'"
    known = {*map(identity, config.classes)}
    for name in manifest.classes:
        if identity(name) not in known:
            return f"its label '{name}' is none of the run's {', '.join(config.classes)}"
    if manifest.reading.missing == "mean" and config.reading.missing != "mean":
        return "its cells may be missing, and the run does not fill them"
    return None


def _labels(manifest: Manifest) -> str:
    return "classes" if manifest.classes else "numbers"
