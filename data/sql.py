"""A query's answer as a frame, by SQLAlchemy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fedredis.data.header import column_names
from fedredis.errors import DataError, UsageError

if TYPE_CHECKING:
    from fedredis.data.reading import Reading

#: Names the password in the environment: a command line can be read by all.
PASSWORD = "FEDREDIS_SQL_PASSWORD"  # noqa: S105


def name_of(reading: Reading) -> str:
    """Return what a database is called in messages."""
    return str(_url(reading).render_as_string(hide_password=True)).replace("://", ":")


def answer(reading: Reading) -> pd.DataFrame:
    """Ask a database."""
    import sqlalchemy

    url = _url(reading)
    if (password := os.environ.get(PASSWORD)) is not None:
        url = url.set(password=password)
    try:
        engine = sqlalchemy.create_engine(url)
        try:
            with engine.connect() as connection:
                # As it is: to SQLAlchemy's own text '12:30' would have a parameter.
                asked = connection.execution_options(no_parameters=True)
                rows = asked.exec_driver_sql(str(reading.query))
                if not rows.returns_rows:
                    problem = "`query` has no answer: ask for one with SELECT"
                    raise DataError(problem, file=name_of(reading))
                names, cells = [*rows.keys()], [tuple(row) for row in rows]
        finally:
            engine.dispose()
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        lines = str(getattr(error, "orig", None) or error).split("\n")
        raise DataError(
            f"the database refuses: {lines[0].strip()}", file=name_of(reading)
        ) from None
    frame = pd.DataFrame(cells, columns=column_names(names, Path(name_of(reading))))
    # Decimal numbers of a database come as objects.
    mixed = [str(name) for name in frame if frame[name].dtype.kind == "O"]
    return frame.assign(**{name: frame[name].map(_plain).infer_objects() for name in mixed})


def _plain(cell: Any) -> Any:
    from decimal import Decimal

    return float(cell) if isinstance(cell, Decimal) else cell


def _url(reading: Reading) -> Any:
    try:
        import sqlalchemy
    except ImportError:
        raise UsageError(
            "`sql`: install SQLAlchemy and the database's driver: pip install 'fedredis[sql]'"
        ) from None
    try:
        url = sqlalchemy.make_url(str(reading.sql))
    except sqlalchemy.exc.ArgumentError:
        raise UsageError(
            "`sql`: this is no URL as SQLAlchemy writes it, such as postgresql+psycopg://host/name"
        ) from None
    if url.password is not None:
        raise UsageError(
            f"`sql`: a password in a URL can be read by others: put it into {PASSWORD}"
        )
    return url
