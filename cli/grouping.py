"""The help page of a command with many options: by what they are about."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import click

from fedredis.data.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Headings, with the options that stand under them; all others stand under the last heading.
SUBJECTS: dict[str, Sequence[str]] = {
    "Data": (
        *("slaves", "names", "dataset", "data", *(field.name for field in fields(Reading))),
        *("by", "test_fraction", "name", "out", "report", "force"),
    ),
    "Redis": ("redis_url", "home", "workers"),
    "Waiting": ("quorum", "round_timeout_ms", "wait_timeout", "lease_ms", "attempts"),
    "Output": ("as_json", "help"),
    "Training": (),
}
#: In which order the headings stand.
ORDER = ("Data", "Training", "Redis", "Waiting", "Output")


class GroupedCommand(click.Command):
    """A command whose help page has its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each under its heading."""
        under: dict[str, list[tuple[str, str]]] = {subject: [] for subject in ORDER}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                name = parameter.name
                subject = next((s for s, names in SUBJECTS.items() if name in names), "Training")
                under[subject].append(record)
        for subject, records in under.items():
            if records:
                with formatter.section(subject):
                    formatter.write_dl(records)
