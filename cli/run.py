"""``fedredis run``: train a model over slaves."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from fedredis.api.joining import Wanted
from fedredis.api.preparation import Rows
from fedredis.api.starting import begun
from fedredis.cli import options, output
from fedredis.cli.grouping import GroupedCommand
from fedredis.cli.progress import waiting
from fedredis.cli.training import how_to_resume, train
from fedredis.config import FEATURE_MAPS, RunConfig
from fedredis.data.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fedredis.data.cuts.spec import Cut


@click.command(name="run", cls=GroupedCommand)
@click.option(
    "--slaves",
    type=click.IntRange(min=1),
    help="Number of slaves; 10, or as many as the data was cut for.",
)
@options.names
@options.dataset
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=RunConfig.rounds,
    show_default=True,
    help="Rounds of training.",
)
@options.data
@options.reading
@options.by
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Worker processes to start; with a given Redis none, else one a core.",
)
@options.seed
@options.strategy
@options.strategy_options
@options.model
@options.sample
@options.fraction
@options.patience
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
    help="Of the first round; see --schedule.",
)
@options.schedule
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
    data: Path | None,
    by: Cut,
    slaves: int | None,
    names: Sequence[str] | None,
    dataset: str | None,
    workers: int | None,
    test_fraction: float,
    fraction: float | None,
    quorum: str | None,
    round_timeout: float,
    wait_timeout: float,
    lease: float,
    redis_url: str | None,
    home: Path,
    as_json: bool,
    **settings: Any,
) -> None:
    """Train a model over slaves and print its final measure.

    Without a Redis URL everything runs here: the embedded server, one worker a core, and
    partitions cut from --data or from generated songs. With one, the run waits for the slaves
    that `fedredis slave` starts elsewhere, unless --workers starts some here.
    """
    notes = output.notes()
    settings["round_timeout_ms"] = round(round_timeout * 1000)
    settings["lease_ms"] = round(lease * 1000)
    # What is not given depends on the data.
    settings = {name: value for name, value in settings.items() if value is not None}
    reading, settings = Reading.taken_from(settings)
    with ExitStack() as stack:
        with waiting(notes) as say:
            beginning = begun(
                Rows(data, reading, by),
                # Options that are not named above are fields of the config by the same names.
                settings,
                wanted=Wanted(slaves, names, dataset),
                workers=workers,
                redis_url=redis_url,
                home=home,
                test_fraction=test_fraction,
                wait_timeout=wait_timeout,
                fraction=fraction,
                quorum=quorum,
                say=say,
                how_to_resume=how_to_resume(redis_url, home),
            )
            training = stack.enter_context(beginning)
        if data is None and training.partitions:
            output.say("the songs are synthetic: no --data was given")
        train(training, as_json=as_json)
