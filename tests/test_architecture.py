"""The import arrows run one way; seen in the source itself, imports for types included."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PYPROJECT["tool"]["setuptools"]["packages"]
FOLDERS: dict[str, str] = PYPROJECT["tool"]["setuptools"]["package-dir"]

#: What everything stands on.
GROUND = {f"fedredis.{name}" for name in ("arguments", "errors", "keys", "printable", "schedules")}
GROUND |= {"fedredis.lazy", "fedredis.logs", "fedredis.shares"}
MATHEMATICS = {f"fedredis.{name}" for name in ("arrays", "features", "metrics", "models")}
MATHEMATICS |= {"fedredis.strategies"}
EXCHANGES = {*MATHEMATICS, "fedredis.config", "fedredis.exchanges", "fedredis.secure"}
EXCHANGES |= {"fedredis.inference", "fedredis.trees"}
REDIS = {"fedredis.connection", "fedredis.redis_url", "fedredis.sentinel", "redis"}
ALL_BELOW = {
    *EXCHANGES,
    *REDIS,
    *(f"fedredis.{n}" for n in ("acl", "embedded", "rounds", "store")),
}

#: What each part may import besides the standard library, the ground and itself.
ALLOWED: dict[str, set[str]] = {
    "fedredis": set(),
    **{part: set() for part in GROUND},
    "fedredis.redis_url": {"redis"},
    "fedredis.sentinel": {"fedredis.redis_url", "redis"},
    "fedredis.connection": REDIS,
    "fedredis.arrays": {"numpy"},
    "fedredis.models": {"fedredis.arrays", "numpy"},
    "fedredis.features": {"fedredis.arrays", "numpy"},
    "fedredis.metrics": {"fedredis.arrays", "numpy"},
    "fedredis.strategies": {*MATHEMATICS, "numpy"},
    "fedredis.inference": {"fedredis.arrays", "fedredis.features", "numpy"},
    "fedredis.config": {
        *("fedredis.data.reading", "fedredis.features.protocol", "fedredis.models.protocol"),
        "numpy",
    },
    "fedredis.secure": {"cryptography", "numpy"},
    "fedredis.trees": {"fedredis.arrays", "fedredis.features", "numpy"},
    "fedredis.exchanges": {*EXCHANGES, "numpy"},
    "fedredis.acl": {"fedredis.config"},
    "fedredis.store": {"fedredis.arrays", "fedredis.config", "redis"},
    "fedredis.rounds": {*EXCHANGES, "fedredis.store", "redis", "threadpoolctl"},
    "fedredis.embedded": {"redis"},
    "fedredis.data": {"fedredis.features.protocol", "numpy", "pandas"},
    "fedredis.jobs": {
        *EXCHANGES,
        *REDIS,
        "fedredis.data",
        "fedredis.store",
        "numpy",
        "psutil",
        "rq",
    },
    "fedredis.api": {
        *(*ALL_BELOW, "fedredis.data", "fedredis.jobs"),
        *("numpy", "pandas", "threadpoolctl"),
    },
    "fedredis.web": {
        # What all is done by, and what is there to choose from and to be shown.
        *("fedredis.api", "fedredis.config", "fedredis.exchanges", "fedredis.metrics"),
        *("fedredis.models", "fedredis.strategies", "fedredis.features"),
        *("fedredis.connection", "fedredis.data.reading", "fedredis.store.runs", "redis"),
        *("fedredis.jobs.dashboard", "rq", "rq_dashboard", "numpy"),
        *("flask", "flask_wtf", "jinja2", "markupsafe", "waitress", "werkzeug"),
    },
    "fedredis.cli": {
        *(*ALL_BELOW, "fedredis", "fedredis.api", "fedredis.data", "fedredis.jobs"),
        *("fedredis.web.serving",),
        *("click", "numpy", "rich"),
    },
}

#: Libraries that not everybody has, each with the modules that need it.
OPTIONAL = {
    "IPython": {"fedredis.api.notebook"},
    "formulaic": {"fedredis.api.inference.formula"},
    "matplotlib": {
        *(
            "fedredis.api.study.canvas",
            "fedredis.api.study.node_picture",
            "fedredis.api.study.run_panels",
            "fedredis.api.study.answer_picture",
            "fedredis.api.study.described_picture",
            "fedredis.api.study.run_picture",
            "fedredis.api.study.score_panels",
            "fedredis.cli.cut_picture",
        ),
    },
    "mlflow": {"fedredis.api.tracking"},
    "onnx": {f"fedredis.api.trained.onnx_{what}" for what in ("file", "trees")},
    "prometheus_client": {"fedredis.api.prometheus", "fedredis.api.metrics"},
    "pyarrow": {"fedredis.data.parquet"},
    "clevercsv": {"fedredis.data.dialect"},
    "chardet": {"fedredis.data.pages"},
    "python_calamine": {"fedredis.data.formats"},
    "sklearn": {"fedredis.models.sklearn_linear"},
    "sqlalchemy": {"fedredis.data.sql"},
    "torch": {"fedredis.models.torch_mlp"},
    "zstandard": {"fedredis.data.packed"},
}

#: The one module that tells of what lies above it, and the part that it tells of.
FACE, BEHIND = "fedredis", "fedredis.api"

#: Names of the source's modules that draw chances or open connections when called.
MADE_ONCE = ("Redis", "from_url", "connect", "default_rng", "Generator", "Random", "RandomState")


@dataclass(frozen=True)
class Import:
    """One imported name, and whether only a type checker sees it."""

    target: str
    line: int
    for_types: bool


@dataclass(frozen=True)
class Module:
    """A module of the source."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def part(self) -> str:
        """The part that it belongs to."""
        return part_of(self.name)

    def imports(self) -> Iterator[Import]:
        """Find all imports, wherever they stand."""
        yield from self._imports(self.tree, for_types=False)

    def _imports(self, node: ast.AST, *, for_types: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, child.lineno, for_types)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{self.path}:{child.lineno}: a relative import"
                assert child.module
                for alias in child.names:
                    whole = f"{child.module}.{alias.name}"
                    target = whole if whole in NAMES else child.module
                    yield Import(target, child.lineno, for_types)
            elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                yield from self._imports(ast.Module(child.body, []), for_types=True)
                yield from self._imports(ast.Module(child.orelse, []), for_types=for_types)
            else:
                yield from self._imports(child, for_types=for_types)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def part_of(name: str) -> str:
    """Name the part that a module, or a name in it, belongs to."""
    return max((part for part in ALLOWED if within(name, part)), key=len)


def folder_of(package: str) -> Path:
    """Return where setuptools takes a package from."""
    owner = max((p for p in FOLDERS if within(package, p)), key=len)
    return ROOT.joinpath(FOLDERS[owner], *package.removeprefix(owner).split(".")[1:])


def paths() -> Iterator[tuple[str, Path]]:
    """List the modules of all packages by name."""
    for package in PACKAGES:
        for path in sorted(folder_of(package).glob("*.py")):
            yield package if path.stem == "__init__" else f"{package}.{path.stem}", path


NAMES = {name for name, _ in paths()}
MODULES = [Module(name, path, ast.parse(path.read_text(), str(path))) for name, path in paths()]
#: A name in the list that a package begins with: one before a colon, or before others that are.
LISTED = re.compile(r"`(\w+)/?`(?=(?:(?:,| and)\s+`\w+/?`)*:)")


def every_module(check):
    """Make one test of what holds for each module: as many as there are take seconds to call."""

    def test():
        for module in MODULES:
            check(module)

    return test


def test_all_of_the_source_is_seen():
    tops = ("fedredis", *sorted(set(FOLDERS.values()) - {"fedredis"}))
    on_disk = {path for top in tops for path in (ROOT / top).rglob("*.py")}
    assert {module.path for module in MODULES} == on_disk
    assert {"fedredis.rounds.engine", "fedredis.jobs.worker", "fedredis.cli.main"} <= NAMES


def test_every_folder_of_the_source_is_a_package_that_is_installed():
    folders = {path.parent for module in MODULES for path in module.path.parent.glob("*.py")}
    assert folders == {folder_of(package) for package in PACKAGES}
    for package in PACKAGES:
        assert (folder_of(package) / "__init__.py").is_file(), package


@every_module
def test_it_imports_only_what_its_part_may(module):
    assert module.part != "fedredis" or module.name == FACE, f"{module.name} is of no part"
    for found in module.imports():
        target = found.target
        top = target.partition(".")[0]
        if top in sys.stdlib_module_names or target.startswith(("fedredis.errors", "typing")):
            continue
        where = f"{module.path}:{found.line} imports {target}"
        if top in OPTIONAL:
            assert module.name in OPTIONAL[top], where
        elif top != "fedredis":
            assert top in ALLOWED[module.part], where
        elif (part := part_of(target)) not in GROUND | {module.part}:
            told_of = module.name == FACE and within(target, BEHIND) and found.for_types
            assert {part, target} & ALLOWED[module.part] or told_of, where


@every_module
def test_only_the_command_line_spells_options(module):
    """Errors name the argument, which is called otherwise in a program."""
    if module.part == "fedredis.cli":
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Raise):
            for text in ast.walk(node):
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    assert "--" not in text.value, f"{module.path}:{node.lineno}"


def printed_by(code: str, folder: Path) -> list[str]:
    """Run a program of its own, and return the lines that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder
    )
    return done.stdout.splitlines()


def test_a_package_tells_of_modules_that_are_there():
    told = {
        f"{module.name}.{name}"
        for module in MODULES
        if module.path.name == "__init__.py" and module.name != FACE
        for name in LISTED.findall(ast.get_docstring(module.tree) or "")
    }
    assert len(told) > 50
    assert told - NAMES == set()


def test_the_face_is_lazy_and_offers_what_it_tells_of(tmp_path):
    """It names the API for type checkers, and imports it when it is asked for a name of it."""
    (face,) = [module for module in MODULES if module.name == FACE]
    told = {
        f"{child.module}:{alias.name}"
        for node in face.tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in node.body
        if isinstance(child, ast.ImportFrom) and child.module != "typing"
        for alias in child.names
    }
    loaded, offered = printed_by(
        "import sys, fedredis;"
        "names = sorted({*fedredis.__all__} - {'__version__'});"
        "print(*[m for m in sys.modules if m.startswith('fedredis.') or m in ('numpy', 'redis')]);"
        "print(*[f'{getattr(fedredis, name).__module__}:{name}' for name in names])",
        tmp_path,
    )
    assert loaded == ""
    assert set(offered.split()) == told
    assert any(within(place, BEHIND) for place in told)


def test_workers_load_nothing_of_what_lies_above_them(tmp_path):
    (loaded,) = printed_by(
        "import sys, fedredis.jobs.process;"
        "print(*[m for m in sys.modules if m.startswith(('fedredis.api', 'fedredis.cli'))])",
        tmp_path,
    )
    assert loaded == ""


def test_no_module_needs_itself_at_run_time():
    graph = {
        module.name: {
            found.target
            for found in module.imports()
            if found.target in NAMES and not found.for_types
        }
        for module in MODULES
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a cycle: {' <- '.join(error.args[1])}")
    assert order.index("fedredis.errors") < order.index("fedredis.api.starting")
    assert order.index("fedredis.api.starting") < order.index("fedredis.cli.run")


@every_module
def test_nothing_is_unpickled_evaluated_or_slept_through(module):
    for found in module.imports():
        pickles = ("pickle", "marshal", "shelve", "dill")
        assert found.target.partition(".")[0] not in pickles, f"{module.path}:{found.line}"
    for node in ast.walk(module.tree):
        where = f"{module.path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Name):
            assert node.id not in ("eval", "exec", "sleep", "pickle"), where
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("eval", "sleep"), where
        if isinstance(node, ast.ImportFrom):
            assert "sleep" not in [alias.name for alias in node.names], where
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert ast.unparse(node.value) == "False", where


@every_module
def test_no_client_and_no_generator_is_made_at_import(module):
    def outside_functions(node):
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield child
                yield from outside_functions(child)

    for node in outside_functions(module.tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            assert called not in MADE_ONCE, f"{module.path}:{node.lineno} calls {called}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np.random", "random"):
            drawn = node.attr in ("default_rng", "Generator", "PCG64", "Random", "SeedSequence")
            assert drawn, f"{module.path}:{node.lineno} draws from a shared generator"


@pytest.mark.parametrize("module", ["fedredis.jobs.process", "fedredis.cli.slave"])
def test_a_worker_on_a_partition_does_without_pandas(module):
    """It takes half the time and a third of the memory of each process, and there may be many."""
    look = f"import sys, {module}; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
