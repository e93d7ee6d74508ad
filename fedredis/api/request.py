"""What is asked of a run, in one value; and the config that follows from it and from the data."""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedredis import features, models, shares, strategies
from fedredis.acl import check_slave
from fedredis.api.preparation import TEST_FRACTION, Rows
from fedredis.arguments import LONGEST, MOST_WORKERS, argument, arguments_of, converted
from fedredis.config import RunConfig, check_name
from fedredis.data.cuts.spec import FORMS
from fedredis.data.own import SHARED
from fedredis.data.reading import UNSAID, Reading
from fedredis.errors import DataWarning, UsageError
from fedredis.exchanges import Setup
from fedredis.exchanges.setup import BOOSTING
from fedredis.features import BINS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from fedredis.api.session import PathLike
    from fedredis.data.manifest import Manifest
    from fedredis.data.source import Frame


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """What is asked of a run, by a call or a command; `of` has checked it.

    The fields that are arguments are those of `fedredis.run`, beside those of `Reading` and of
    `RunConfig`.
    """

    data: Path | Frame | None = None
    redis_url: str | None = None
    home: Path = Path(".fedredis")
    id: str = argument("The run's name; drawn, if not given.", "", metavar="NAME")
    slaves: int | None = argument(
        "Number of slaves; 10, or as many as the data was cut for.", least=1
    )
    names: Sequence[str] | None = argument(
        "The slaves, where they bring their own files.", metavar="A,B,…"
    )
    dataset: str | None = argument(
        "The data of the slaves that are waited for, if there are slaves of several.",
        metavar="NAME",
    )
    by: str = argument(
        f"How rows are dealt to slaves: {', '.join(FORMS.values())}.", "iid", metavar="CUT"
    )
    test_fraction: float = argument(
        "Share of each slave's rows that is held out.", TEST_FRACTION, least=0, most=1, below=True
    )
    workers: int | None = argument(
        "Worker processes to start; with a given Redis none, else one a core.",
        least=0,
        most=MOST_WORKERS,
    )
    fraction: float | None = argument(
        "The same as `sample`, as a share of the slaves.",
        least=0,
        above=True,
        most=1,
        metavar="SHARE",
    )
    quorum: float | str | None = argument(
        "Updates that make a round valid at its deadline: a number, or a share such as 0.8; all, "
        "if not given.",
        metavar="COUNT|SHARE",
    )
    wait_timeout: float = argument(
        "How long to wait for slaves to come.", 600.0, least=0, most=LONGEST, metavar="SECONDS"
    )
    mlflow: str = argument(
        "MLflow's store to log the run to, such as sqlite:///mlflow.db.", "", metavar="URI"
    )
    reading: Reading = field(default_factory=Reading)
    #: Fields of the run's config, by name.
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: Names of all that is asked for, whether or not it differs from what is done unasked.
    said: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        data: PathLike | Frame | None = None,
        redis_url: str | None = None,
        home: PathLike = ".fedredis",
        asked: Mapping[str, Any] | None = None,
    ) -> Request:
        """Take what is asked for by name; None stands for what is not.

        Raises
        ------
        UsageError
            If there is no such argument, its value can't be used, or two don't go together.
        """
        given = {name: value for name, value in (asked or {}).items() if value is not None}
        reading = {f.name for f in fields(Reading)}
        mine, settings = arguments_of(cls), arguments_of(RunConfig)
        for name in given:
            if name not in mine.keys() | reading | settings.keys():
                raise UsageError(
                    f"there is no argument '{name}': choose from "
                    f"{', '.join([*mine, *arguments_of(Reading), *settings])}"
                )
        request = cls(
            data=Rows.of(data, UNSAID).data,
            redis_url=redis_url,
            home=Path(home),
            reading=Reading(**{name: given[name] for name in given if name in reading}),
            settings=converted(RunConfig, {n: v for n, v in given.items() if n in settings}),
            said=frozenset(given),
            **converted(cls, {n: v for n, v in given.items() if n in mine}),
        )
        request._check()
        return request

    def _check(self) -> None:
        """See what can be wrong before there is any data."""
        if self.id:
            check_name(self.id, "`id`")
        models.check_name(self.settings.get("model", RunConfig.model))
        features.check_name(self.settings.get("features", RunConfig.features))
        options = self.settings.get("options", {})
        if self.settings.get("model") == models.TREES:
            from fedredis.trees.boosting import Boosting

            Boosting.of(options)
        else:
            strategies.make(self.settings.get("strategy", RunConfig.strategy), options)
        _ = self.rows
        for name in self.names or ():
            check_slave(self.dataset or SHARED, name)
        if self.names and (
            len(set(self.names)) < len(self.names) or self.slaves not in (None, len(self.names))
        ):
            raise UsageError(
                f"`names` names {len(set(self.names))} slaves, each once, and `slaves` counts them"
            )
        if self.fraction is not None and self.settings.get("sample"):
            raise UsageError("and `sample` say the same: give one of them", field="fraction")
        self.quorum_of((self.sample_of(self.count) or self.count) if self.count else None)
        if self.here and self.elsewhere:
            raise UsageError(
                "`names` and `dataset` are of slaves that are started elsewhere: leave out `data` "
                "and `workers`"
            )
        if not self.here and (told := self.of_rows):
            raise UsageError(
                f"leave out {told}: how to read data is said where it is read, by the slaves, "
                "or with `data`"
            )

    @property
    def rows(self) -> Rows:
        """The rows to cut."""
        return Rows.of(self.data, self.reading, self.by)

    @property
    def count(self) -> int | None:
        """How many slaves there are to be, if that is said."""
        return len(self.names) if self.names else self.slaves

    @property
    def elsewhere(self) -> bool:
        """Whether the slaves are started by others, in any case."""
        return bool(self.names or self.dataset)

    @property
    def here(self) -> bool:
        """Whether the data is known here, and cut if it is not yet."""
        return bool(
            self.data is not None
            or self.reading.sql
            or self.workers
            or not (self.redis_url or self.elsewhere)
        )

    @property
    def seed(self) -> int:
        """The seed of everything random."""
        return int(self.settings.get("seed", RunConfig.seed))

    @property
    def of_rows(self) -> str:
        """Name what is said of how to read and cut rows; empty if nothing is."""
        names = [*arguments_of(Reading), "by", "test_fraction"]
        return ", ".join(f"`{name}`" for name in names if name in self.said)

    def workers_for(self, slaves: int) -> int:
        """Decide how many workers to start: as asked, else one a core with the embedded server."""
        if self.workers is not None:
            return self.workers
        return 0 if self.redis_url else min(slaves, os.cpu_count() or 1)

    def sample_of(self, slaves: int) -> int:
        """Tell how many of the slaves train in a round, 0 for all; UsageError if too many."""
        if self.fraction is not None:
            return math.ceil(shares.of(self.fraction, slaves))
        sample = int(self.settings.get("sample", 0))
        if sample > slaves:
            raise UsageError(f"must be at most the {slaves} slaves, not {sample}", field="sample")
        return sample

    def quorum_of(self, slaves: int | None) -> int:
        """Turn the quorum into a count of the slaves of a round, of an unknown number if None.

        Text is a share if it has a dot in it; of numbers, floats are shares. It is 0 for all.

        Raises
        ------
        UsageError
            If it is neither a count nor a share, or more than there are slaves.
        """
        asked = self.quorum
        if asked is None:
            return 0
        most = slaves or LONGEST
        share = "." in asked if isinstance(asked, str) else isinstance(asked, float)
        try:
            count = math.ceil(shares.of(asked, most)) if share else int(asked)
        except (ValueError, OverflowError, TypeError):
            count = 0
        if not 1 <= count <= most:
            raise UsageError(
                f"must be a number from 1{f' to {slaves}' if slaves else ''}, or a share such as "
                f"0.8, not {asked}",
                field="quorum",
            )
        return count

    def tell_of_cut(self, manifest: Manifest) -> None:
        """Warn of a seed that is not the one by which the rows are cut already."""
        if "seed" in self.said and self.seed != manifest.seed:
            warnings.warn(
                f"`seed={self.seed}` is of training alone: {manifest.dataset} is cut, and rows "
                f"are held out, by the seed {manifest.seed}",
                DataWarning,
                stacklevel=2,
            )

    def config(self, manifest: Manifest, source: str, names: tuple[str, ...] = ()) -> RunConfig:
        """Put together the run's config from what is asked and what the data says.

        Raises
        ------
        UsageError
            If they don't fit each other.
        """
        slaves = self.count or manifest.slaves
        if slaves > manifest.slaves:
            raise UsageError(
                f"is {slaves}, and {manifest.dataset} was cut for {manifest.slaves} slaves",
                field="slaves",
            )
        # Least squares have a solution, which Newton's method finds in a step.
        fitting: dict[str, Any] = {}
        if not manifest.classes:
            fitting = {"model": "linear", "strategy": "newton"}
        if self.settings.get("model") == models.TREES:
            from fedredis.trees.boosting import ROUNDS

            # There is no other way to grow them; and a round adds little.
            fitting = {"strategy": BOOSTING, "features": BINS, "rounds": ROUNDS}
        sample = self.sample_of(slaves)
        config = RunConfig(
            dataset=manifest.dataset,
            columns=manifest.columns,
            classes=manifest.classes,
            reading=manifest.reading,
            slaves=slaves,
            rows=manifest.rows,
            names=names,
            contents=tuple(manifest.content.split()) if names else (),
            each=manifest.each[:slaves],
            source=source,
            quorum=self.quorum_of(sample or slaves),
            **{**fitting, **self.settings, "sample": sample},
        )
        Setup(config, own_models(config.model)).check()
        return config


def own_models(model: str) -> Collection[str]:
    """Name the model that its user has chosen, if it is one of the user's own."""
    return (model,) if ":" in model else ()
