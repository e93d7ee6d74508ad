"""``fedredis errors``: what went wrong at the slaves of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.markup import escape
from rich.padding import Padding

from fedredis.cli import options, output
from fedredis.cli.session import session
from fedredis.config import check_name
from fedredis.store import runs

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from fedredis.keys import Label


@click.command(name="errors")
@click.argument("run")
@options.redis
@options.as_json
def command(run: str, redis_url: str | None, home: Path, as_json: bool) -> None:
    """Show what went wrong at the slaves of a run.

    That is each slave's last failure with its traceback, the updates that were refused and why,
    and who was missing from a round.
    """
    check_name(run, "run")
    with session(redis_url, home) as opened:
        state = runs.read(opened.client, run)
        slaves = runs.slaves(opened.client, run, state.config.slave_ids)
        history = runs.history(opened.client, run)
    failed = {slave: facts for slave, facts in slaves.items() if "error" in facts}
    if as_json:
        output.print_json(
            {
                "failures": {
                    slave: {"failures": _count(facts), "traceback": facts["error"]}
                    for slave, facts in failed.items()
                },
                "refused": _of_rounds(history, "refused"),
                "missing": _of_rounds(history, "missing"),
                "error": state.error,
            }
        )
        return
    lines: list[RenderableType] = [f"[bold]{escape(state.error)}[/]"] if state.error else []
    for slave, facts in failed.items():
        lines.append(f"[bold]slave {slave}[/] failed {_count(facts)} times, at last with:")
        lines.append(Padding(escape(facts["error"].strip()), (0, 0, 1, 2)))
    for label, refused in _of_rounds(history, "refused").items():
        lines += [f"{label}: slave {slave} refused: {why}" for slave, why in refused.items()]
    lines += [
        f"{label}: missing: {', '.join(missing)}"
        for label, missing in _of_rounds(history, "missing").items()
    ]
    if lines:
        output.results().print(Group(*lines))
    else:
        output.notes().print("nothing went wrong")


def _count(facts: dict[str, str]) -> int:
    text = facts.get("failures", "")
    return int(text) if text.isdecimal() else 0  # a slave may say anything


def _of_rounds(history: dict[Label, dict[str, Any]], name: str) -> dict[str, Any]:
    return {str(label): entry[name] for label, entry in history.items() if entry.get(name)}
