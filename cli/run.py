"""``fedredis run``: train a model over slaves."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedredis.cli import options, output
from fedredis.cli.preparation import Rows, prepare
from fedredis.cli.progress import waiting
from fedredis.cli.session import Session, session
from fedredis.cli.training import Terms, own_workers, train
from fedredis.config import FEATURE_MAPS, RunConfig
from fedredis.data.manifest import Manifest
from fedredis.errors import UsageError
from fedredis.jobs.roster import wait_for_dataset
from fedredis.master import create_run

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(name="run")
@click.option(
    "--slaves",
    type=click.IntRange(min=1),
    help="Number of slaves; 10, or as many as the data was cut for.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=RunConfig.rounds,
    show_default=True,
    help="Rounds of training.",
)
@options.table
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Worker processes to start; with a given Redis none, else one a core.",
)
@options.seed
@click.option(
    "--features",
    type=click.Choice(FEATURE_MAPS),
    default=RunConfig.features,
    show_default=True,
    help="plain: standardised columns; quadratic: normal scores and their products.",
)
@click.option(
    "--local-epochs",
    type=click.IntRange(min=1),
    default=RunConfig.local_epochs,
    show_default=True,
    help="Passes that a slave makes over its rows in a round.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=RunConfig.batch_size,
    show_default=True,
    help="Rows of one step of SGD.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    default=RunConfig.learning_rate,
    show_default=True,
    help="Of the first round; it falls linearly to the last.",
)
@click.option(
    "--l2",
    type=click.FloatRange(min=0),
    default=RunConfig.l2,
    show_default=True,
    help="Weight of the L2 penalty.",
)
@options.test_fraction
@options.quorum
@options.round_timeout
@options.wait_timeout
@options.lease
@options.attempts
@options.max_norm
@options.redis
@options.as_json
def command(
    slaves: int | None,
    rounds: int,
    data: Path | None,
    label: str | None,
    columns: Sequence[str] | None,
    workers: int | None,
    seed: int,
    features: str,
    local_epochs: int,
    batch_size: int,
    learning_rate: float,
    l2: float,
    test_fraction: float,
    quorum: str | None,
    round_timeout: float,
    wait_timeout: float,
    lease: float,
    attempts: int,
    max_norm: float,
    redis_url: str | None,
    home: Path,
    as_json: bool,
) -> None:
    """Train a model over slaves and print its final measure.

    Without a Redis URL everything runs here: the embedded server, one worker a core, and
    partitions cut from --data or from generated songs. With one, the run waits for the slaves
    that `fedredis slave` starts elsewhere, unless --workers starts some here.
    """
    started = time.monotonic()
    # What can be wrong is found before anything is started or written.
    config = RunConfig(
        dataset="",
        columns=(),
        classes=(),
        slaves=slaves or 1,
        rounds=rounds,
        seed=seed,
        features=features,
        local_epochs=local_epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        l2=l2,
        round_timeout_ms=round(round_timeout * 1000),
        lease_ms=round(lease * 1000),
        attempts=attempts,
        max_norm=max_norm,
    )
    options.quorum_of(quorum, slaves or sys.maxsize)
    wanted = Rows(data, label, columns)
    asked = bool(data or workers or not redis_url)
    if asked:
        slaves = wanted.slaves(slaves)
        options.quorum_of(quorum, slaves)
        manifest, folder = prepare(
            wanted, slaves, seed=seed, test_fraction=test_fraction, home=home
        )
    with session(redis_url, home) as opened:
        if not asked:
            manifest, folder = _described(opened, wait_timeout, started), Path()
        count = slaves or manifest.slaves
        if count > manifest.slaves:
            raise UsageError(
                f"--slaves {count}: {manifest.dataset} was cut for {manifest.slaves} slaves"
            )
        config = replace(
            config,
            dataset=manifest.dataset,
            columns=manifest.columns,
            classes=manifest.classes,
            slaves=count,
            quorum=options.quorum_of(quorum, count),
            source=wanted.source if asked else manifest.source,
            label=manifest.label,
        )
        if asked and data is None:
            output.notes().print("the songs are synthetic: no --data was given")
        terms = Terms(
            workers=own_workers(workers, redis_url, count),
            partitions=folder,
            wait_timeout=wait_timeout,
            as_json=as_json,
            started=started,
        )
        train(opened, create_run(opened.client, config), terms)


def _described(opened: Session, wait_timeout: float, started: float) -> Manifest:
    """Learn from the slaves that come what data they hold."""
    with waiting(output.notes()) as report:
        card = wait_for_dataset(
            opened.client,
            report=report,
            deadline=started + wait_timeout,
            clock=time.monotonic,
        )
    return Manifest.from_json(card.manifest)
