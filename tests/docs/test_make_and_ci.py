"""What the documentation says of the checkout: make's targets, the CI script."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_ci_script_runs_the_first_two_commands(readme):
    text = (ROOT / ".ci" / "run").read_text()
    lines = [line.removeprefix("patiently ") for line in text.splitlines()]
    for step in readme.steps("make"):
        assert step.command in lines
    assert [step.command for step in readme.steps("make")] == ["make run", "make test"]


def test_every_target_that_is_named_exists(pages):
    for name, page in pages.items():
        named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", page.text))
        if name in ("README.md", "CONTRIBUTING.md"):
            assert {"run", "test"} <= named
        assert named <= TARGETS, name


def test_contributing_names_every_target(contributing):
    assert set(re.findall(r"`make ([a-z-]+)", contributing.text)) == TARGETS


def test_the_changelog_has_what_is_to_come():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.findall(r"^## (.*)", text, re.MULTILINE)[0] == "[Unreleased]"
