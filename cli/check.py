"""``fedredis check``: what files would be read as, before anything is sent."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from fedredis.api.checking import check
from fedredis.cli import options, output
from fedredis.cli.wording import as_options
from fedredis.data.inspection import said_by
from fedredis.printable import shell_word

if TYPE_CHECKING:
    from fedredis.api.checking import Checked
    from fedredis.data.inspection import Inspection


@click.command(name="check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--show", is_flag=True, help="Show a cell of each column.")
@click.option("--strict", is_flag=True, help="Exit with 1 if anything was found.")
@options.reading
@options.as_json
def command(
    files: tuple[Path, ...], show: bool, strict: bool, as_json: bool, **reading: Any
) -> None:
    """Say what would be read from files, what is odd about it, and what mends that.

    Of several files it says, too, what keeps their owners from training together. Nothing is
    sent, and Redis is not needed.
    """
    checked = check(*files, **{n: v for n, v in reading.items() if v is not None})
    if as_json:
        output.print_json(
            {
                "files": [_plain(file, show) for file in checked.files],
                "differences": [*checked.differences],
            }
        )
    else:
        report(checked, show)
    if strict and not checked.clean:
        click.get_current_context().exit(1)


def report(checked: Checked, show: bool) -> None:
    """Draw what files are, and how they differ."""
    for file in checked.files:
        _print(file, show)
    for line in checked.differences:
        output.results().print(output.styled(f"differs: {as_options(line)}", "yellow"))


def _plain(file: Inspection, show: bool) -> dict[str, Any]:
    columns = [asdict(column) for column in file.columns]
    return {
        "file": str(file.path),
        "how": file.how,
        "rows": file.rows,
        "columns": columns if show else [c | {"example": None} for c in columns],
        "findings": [as_options(str(each)) for each in file.findings],
        "options": said_by(file.mended),
        "lines": file.table.account.lines() if file.table and file.table.account else [],
    }


def _print(file: Inspection, show: bool) -> None:
    """Draw what a file is."""
    results = output.results()
    results.print(output.styled(f"{file.path}: {file.rows:,} rows; {file.how}", "bold"))
    table = Table("column", "holds", "missing", "distinct", *(["a cell"] if show else []), "use")
    for column in file.columns:
        cells = [column.name, column.kind, f"{column.missing:,}", f"{column.distinct:,}"]
        cells += [column.example] if show else []
        table.add_row(*(output.styled(cell, "") for cell in (*cells, column.use)))
    results.print(table)
    for finding in file.findings:
        results.print(output.styled(f"found: {as_options(str(finding))}", "yellow"))
    said = " ".join(f"--{name} {shell_word(text)}" for name, text in said_by(file.mended).items())
    if file.findings and said:
        # To be copied: no line is broken.
        results.print(output.styled(f"say: {said}", "bold"), soft_wrap=True)
    if file.table is not None and file.table.account is not None:
        for line in file.table.account.lines()[1:]:
            results.print(output.styled(line, ""))
