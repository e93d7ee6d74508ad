import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import fedredis
from fedredis.cli.main import COMMANDS, command, run
from fedredis.errors import DataError


def commands():
    """Every command and subcommand, by the words that call it."""
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        yield (name,), found
        if isinstance(found, click.Group):
            yield from (((name, sub), child) for sub, child in found.commands.items())


@pytest.mark.parametrize(("words", "found"), list(commands()), ids=lambda value: str(value))
def test_every_command_has_help(words, found, call):
    answer = call(*words, "--help")
    assert answer.code == 0
    assert found.help.splitlines()[0] in " ".join(answer.out.split())
    for option in found.params:
        if isinstance(option, click.Option):
            assert option.help, f"{' '.join(words)} {option.opts[0]} has no help"


def test_summaries_are_the_commands_first_lines():
    context = click.Context(command)
    for name, summary in COMMANDS.items():
        found = command.get_command(context, name)
        assert found.help.splitlines()[0] == summary


@pytest.mark.parametrize(
    ("asked", "absent"),
    [([], ("numpy", "pandas", "redis", "rq", "rich")), (["glm"], ("pandas", "scipy", "pyarrow"))],
)
def test_what_is_not_needed_is_not_imported(tmp_path, asked, absent):
    """So that it answers at once: an import of pandas lasts longer than a question to slaves."""
    code = (
        f"import sys; from fedredis.cli.main import run; run({[*asked, '--help']});"
        f"print(*[m for m in {absent} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == ""


def test_the_version(call):
    assert call("--version").out == f"fedredis, version {fedredis.__version__}\n"


def test_an_unknown_command_and_option(refused):
    assert "No such command 'train'" in refused("train")
    assert "No such option" in refused("run", "--slave", "3")
    assert "Missing argument 'RUN'" in refused("resume")


def test_an_error_that_was_not_foreseen_is_one_line(monkeypatch, capsys):
    def explode(*args, **kwargs):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(command, "main", explode)
    assert run([]) == 1
    assert capsys.readouterr().err == (
        "fedredis: internal error, please report it: ZeroDivisionError: oh\n"
    )


def test_an_exit_that_others_ask_for_is_no_success(monkeypatch, capsys):
    def leave(**_):
        sys.exit("no licence")

    monkeypatch.setattr(command, "main", leave)
    assert run([]) == 1
    said = "fedredis: what was called here asked for an exit: no licence\n"
    assert capsys.readouterr().err == said


def ended(words, folder, **streams):
    """Run a command as a process; return its exit code and what it has said."""
    code = f"from fedredis.cli.main import main; main({words!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, **streams)
    return done.returncode, done.stderr


@pytest.fixture
def unread():
    """Lend a pipe that nobody reads any more, as behind ``| head -1``."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("words", [["strategies"], ["strategies", "--json"], ["--help"]])
def test_nobody_reads_the_results(tmp_path, unread, words):
    assert ended(words, tmp_path, stdout=unread, stderr=subprocess.PIPE) == (0, b"")


def test_there_is_no_output(tmp_path):
    """As after ``>&-`` in a shell."""
    program = "from fedredis.cli.main import main; main(['strategies'])"
    closed = ["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, program]
    done = subprocess.run(closed, cwd=tmp_path, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


def test_nobody_reads_the_notes(tmp_path, unread):
    """What is done is done all the same."""
    words = ["data", "synth", "--songs", "3", "--out", "songs.csv"]
    assert ended(words, tmp_path, stderr=unread)[0] == 0
    assert (tmp_path / "songs.csv").read_text().count("\n") == 4
    assert ended(words, tmp_path, stderr=unread)[0] == 2  # it is there


@pytest.mark.parametrize("words", [["strategies"], ["strategies", "--json"], ["--help"]])
def test_results_that_find_no_room(tmp_path, words):
    with Path("/dev/full").open("w") as full:
        code, said = ended(words, tmp_path, stdout=full, stderr=subprocess.PIPE)
    assert code == 1
    assert said.startswith(b"fedredis: No space left on device: make room where it writes")


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--rounds=1e3", "'1e3' is not a whole number, in digits"),
        ("--slaves=0x10", "'0x10' is not a whole number, in digits"),
        ("--learning-rate=fast", "'fast' is not a number"),
        ("--rounds=0", "0 is not in the range 1<=x<=1000000000"),
        ("--workers=1001", "1001 is not in the range 0<=x<=1000"),
        (f"--local-epochs={10**20}", f"{10**20} is not in the range 1<=x<=1000000000"),
        (f"--batch-size={10**20}", f"{10**20} is not in the range 1<=x<=1000000000"),
        (f"--attempts={10**20}", f"{10**20} is not in the range 1<=x<=1000000000"),
        (f"--header={10**20}", f"{10**20} is not in the range 1<=x<=1000000000"),
    ],
)
def test_a_value_that_is_no_number(refused, option, told):
    name = option.partition("=")[0]
    assert refused("run", option) == (
        f"fedredis: Invalid value for '{name}': {told}. (see `fedredis run --help`)\n"
    )


@pytest.mark.parametrize("words", [(), ("data",)])
def test_alone_it_prints_its_help_page(call, words):
    answer = call(*words)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == call(*words, "--help").out
    assert answer.out.count("\n") > 5


def test_the_options_of_a_run_stand_by_subject(call):
    page = call("run", "--help").out
    subjects = re.findall(r"^(\w+):$", page, re.MULTILINE)
    assert subjects == ["Data", "Training", "Redis", "Waiting", "Output"]
    sections = dict(zip(subjects, re.split(r"^\w+:$", page, flags=re.MULTILINE)[1:], strict=True))
    for subject, option in {"Data": "--label", "Training": "--l2", "Waiting": "--quorum"}.items():
        assert f"  {option} " in sections[subject]


def test_an_error_names_options_and_has_no_escapes(monkeypatch, capsys):
    def explode(*args, **kwargs):
        raise DataError("`test_fraction=2` is \x1b[31m`no share`", file="[a]")

    monkeypatch.setattr(command, "main", explode)
    assert run([]) == 2
    assert capsys.readouterr().err == (
        "fedredis: [a]: --test-fraction 2 is \ufffd[31m`no share`\n"
    )
