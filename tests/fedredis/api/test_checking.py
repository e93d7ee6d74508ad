from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import fedredis
from fedredis.cli.main import run
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

ROWS = "".join(f"{i},{'?' if i % 9 == 0 else i % 7},{'ab'[i // 2 % 2]}\n" for i in range(90))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("x,z,y\n" + ROWS)
    other.write_text("x;y;w\n" + "".join(f"{i},5;{'abc'[i % 3]};{i}\n" for i in range(90)))
    return one, other


def test_files_and_how_they_differ(files):
    checked = fedredis.check(*files, label="y")
    assert not checked.clean
    assert [str(file.how) for file in checked.files] == [
        "CSV, a comma between cells, utf-8",
        "CSV, a semicolon between cells, utf-8, decimal comma",
    ]
    assert [line.partition(": ")[2] for line in checked.differences[:2]] == [
        f"{files[1]} has no column 'z'; `columns` names the same ones at all",
        f"{files[0]} has no column 'w'; `columns` names the same ones at all",
    ]
    assert fedredis.check(files[1], label="y").clean
    with pytest.raises(UsageError, match="name a file to look at"):
        fedredis.check()


def test_the_command(files, capsys):
    words = ["check", str(files[0]), "--label", "y"]
    assert (run(words), run([*words, "--strict"])) == (0, 1)
    assert "say: --label y --missing mean --na 'z=?'" in " ".join(capsys.readouterr().out.split())
    assert run(["check", str(files[1]), "--label", "y", "--strict", "--json"]) == 0
    assert '"example": null' in capsys.readouterr().out
    dry = ["slave", "--dry-run", "--data", str(files[1]), "--name", "a", "--label", "y"]
    assert run(dry) == 0
    assert "learns y: a 30, b 30, c 30" in capsys.readouterr().out
