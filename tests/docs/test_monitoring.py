"""docs/monitoring.md: its examples print what they promise."""

import re


def test_what_processes_use(pages, make_console):
    (code,) = pages["docs/monitoring.md"].examples("nodes", "python")
    console = make_console()
    (console.folder / "program.py").write_text(code)
    master, *workers, last = console.run("python program.py").splitlines()
    assert re.fullmatch(r"master \d+ \d+% \d+ MiB", master)
    assert all(re.fullmatch(r"…[0-9a-f]{8} \d+ \d+% \d+ MiB", line) for line in workers)
    assert workers
    assert re.fullmatch(r"\d+\.\d cores at most", last)


def test_logs(pages, make_console):
    make_console().play(pages["docs/monitoring.md"], "logs")
