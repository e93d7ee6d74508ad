"""The program of a worker process, ``python -m fedredis.jobs PATH``: see `process`."""

from __future__ import annotations

from fedredis.lazy import import_to_stay


def main() -> None:
    """Import what a worker needs, and serve until asked to stop."""
    import_to_stay("fedredis.jobs.process").main()


if __name__ == "__main__":
    main()
