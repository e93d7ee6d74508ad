"""The pages together: every example is run or looked at, every link and path leads somewhere."""

import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

#: Examples that are run by the tests in this folder, by page.
RUN = {
    "README.md": {"alone", "api", "bits", "federation", "resume", "watch"},
    "docs/commands.md": {"acl", "use"},
    "docs/data.md": {"named", "own", "python"},
    "docs/deploying.md": {"doctor", "info", "server"},
    "docs/models.md": {"model"},
    "docs/monitoring.md": {"logs", "nodes"},
    "docs/python.md": {"program"},
    "docs/schema.md": {"after", "flight"},
    "docs/strategies.md": {"newton"},
}
#: Those whose words are looked at.
READ = {
    "README.md": {"make"},
    "docs/aws.md": {"prepare", "stacks"},
    "docs/deploying.md": {"dashboard", "docker", "sentinels"},
    "docs/kubernetes.md": {"kubernetes"},
}
#: Pages whose examples nothing runs: they are for who works on fedredis, or runs a server.
UNMARKED = {"CONTRIBUTING.md", "SECURITY.md"}
#: Folders of the checkout that paths in running text start with.
FOLDERS = (
    *("fedredis", "jobs", "cli", "data", "compose", "examples", "tests", "benchmarks", "docs"),
    ".ci",
)


def test_every_example_is_marked_and_known(pages):
    for name, page in pages.items():
        fences = re.findall(r"(?:<!-- example: (\w+) -->\n)?^```(\w*)$", page.text, re.MULTILINE)
        opening, closing = fences[::2], fences[1::2]
        assert closing == [("", "")] * len(opening), name
        if name in UNMARKED:
            assert {mark for mark, _ in opening} == {""}
            continue
        plain = {"mermaid", "text", "toml"}
        assert {language for _, language in opening} <= {"console", "python", *plain}, name
        marks = {mark for mark, language in opening if language not in plain}
        assert marks == RUN.get(name, set()) | READ.get(name, set()), name


def test_every_example_has_a_test():
    tests = [path for path in HERE.glob("*.py") if path != Path(__file__)]
    text = "".join(path.read_text(encoding="utf-8") for path in tests)
    for names in (*RUN.values(), *READ.values()):
        for name in names:
            assert f'"{name}"' in text, name


def test_every_link_leads_somewhere(pages):
    for name, page in pages.items():
        folder = (ROOT / name).parent
        for link in page.links:
            target, _, anchor = link.partition("#")
            path = (folder / target).resolve() if target else ROOT / name
            assert path.exists(), (name, link)
            assert path.is_relative_to(ROOT), (name, link)
            if anchor:
                assert anchor in pages[str(path.relative_to(ROOT))].anchors, (name, link)


def test_the_readme_leads_to_every_page(pages):
    readme = pages["README.md"]
    rows = readme.table(readme.section("## More pages"))
    assert {row[0] for row in rows} == {
        f"[{name}]({name})" for name in pages if name != "README.md"
    }


def test_every_picture_is_shown(pages):
    shown = {
        ((ROOT / name).parent / link).resolve()
        for name, page in pages.items()
        for link in page.links
        if link.endswith((".png", ".svg"))
    }
    assert shown == {*(ROOT / "docs" / "images").iterdir()}


def test_every_path_that_is_named_exists(pages):
    for name, page in pages.items():
        for path in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", page.text):
            if path.partition("/")[0] in FOLDERS:
                assert (ROOT / path).exists(), (name, path)
