"""What the documentation says of the checkout: make's targets, the CI script, paths, links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Document = Any

ROOT = Path(__file__).resolve().parents[2]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
#: Folders of the checkout that paths in running text start with.
FOLDERS = ("fedredis", "jobs", "cli", "data", "compose", "tests", "benchmarks", "docs", ".ci")


def test_the_ci_script_runs_the_first_two_commands(readme: Document) -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    for step in readme.steps("make"):
        assert step.command in lines
    assert [step.command for step in readme.steps("make")] == ["make run", "make test"]


def test_every_target_that_is_named_exists(readme: Document, contributing: Document) -> None:
    for page in (readme, contributing):
        named = set(re.findall(r"(?:`|\$ )make ([a-z]+)", page.text))
        assert {"run", "test"} <= named
        assert named <= TARGETS


def test_contributing_names_every_target(contributing: Document) -> None:
    assert set(re.findall(r"`make ([a-z]+)", contributing.text)) == TARGETS


def test_every_path_that_is_named_exists(
    readme: Document, contributing: Document, schema: Document
) -> None:
    for page in (readme, contributing, schema):
        for path in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", page.text):
            if path.partition("/")[0] in FOLDERS:
                assert (ROOT / path).exists(), path


def test_every_link_leads_somewhere(readme: Document, contributing: Document) -> None:
    for page in (readme, contributing):
        headings = re.findall(r"^#+ (.*)", page.text, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
        for target in re.findall(r"\]\(([^)]+)\)", page.text):
            path, _, anchor = target.partition("#")
            if path.startswith("http"):
                continue
            if path:
                assert (ROOT / path).exists(), target
            else:
                assert anchor in anchors, target


def test_the_changelog_has_what_is_to_come() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.findall(r"^## (.*)", text, re.MULTILINE)[0] == "[Unreleased]"
