"""Every command and option stands on its page, and nothing else does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
import pytest

from fedredis.cli.main import COMMANDS, INTERRUPTED, command
from fedredis.errors import FedredisError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def parts(name: str) -> Iterator[click.Command]:
    """Return a command, and those below it."""
    found = command.get_command(click.Context(command), name)
    assert found is not None
    yield found
    if isinstance(found, click.Group):
        yield from found.commands.values()


def options(name: str) -> dict[str, click.Option]:
    """Return the options of a command by name."""
    return {
        parameter.opts[0]: parameter
        for part in parts(name)
        for parameter in part.params
        if isinstance(parameter, click.Option)
    }


def test_every_command_has_its_section(commands):
    headings = re.findall(r"^## fedredis (\w+)$", commands.text, re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)
    listed = [name for row in commands.table(commands.section("# Commands")) for name in row[1:]]
    links = re.findall(r"\[(\w+)\]\(#fedredis-(\w+)\)", " ".join(listed))
    assert sorted(links) == sorted((name, name) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described_and_every_described_one_exists(name, commands):
    section = commands.section(f"## fedredis {name}")
    described = set(re.findall(r"`(--[a-z0-9-]+)", section))
    assert described == set(options(name))
    for part in parts(name):
        for parameter in part.params:
            if isinstance(parameter, click.Argument):
                assert parameter.name
                written = rf"`fedredis {name}.* \[?{parameter.name.upper()}\]?[ `]"
                assert re.search(written, section)
            if isinstance(parameter.type, click.Choice):
                assert all(f"`{choice}`" in section for choice in parameter.type.choices)
        if part.name != name:
            assert f"`fedredis {name} {part.name}`" in section


def test_the_defaults_of_a_run(commands):
    rows = commands.table(commands.section("## fedredis run"))
    known = options("run")
    assert [row[0].strip("`") for row in rows] == list(known)
    for name, default, _ in rows:
        option = known[name.strip("`")]
        shown = getattr(option, "shown", "")
        if re.fullmatch(r"[\d.]+", shown):
            assert float(default) == float(shown), name
        elif shown:
            assert default == shown, name


def test_commands_elsewhere_exist(pages):
    """In examples and in running text."""
    for page in pages.values():
        named = set(re.findall(r"(?:`|\$ |exec \w+ )fedredis ([a-z]+)", page.text))
        assert named <= {*COMMANDS}, page.name


def test_options_in_examples_exist(pages):
    text = "\n".join(page.text for page in pages.values())
    for line in re.findall(r"\$ fedredis (.*)", text):
        name, *words = line.partition("|")[0].split()
        known = options(name)
        for word in words:
            if word.startswith("--"):
                assert word in known, line


def test_exit_codes(commands):
    rows = commands.table(commands.section("## Exit codes"))
    codes = {int(row[0]) for row in rows}
    assert codes == {0, FedredisError.exit_code, UsageError.exit_code, INTERRUPTED}
