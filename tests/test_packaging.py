"""The wheel: what lands in site-packages, and that it works from there."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: What the page is made of.
PAGE = (".css", ".html", ".js", ".svg")


def test_only_fedredis_lands_in_site_packages(wheel):
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"fedredis"}


def test_every_module_and_resource_is_in_it(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("fedredis", "jobs", "cli", "data"):
        place = "fedredis" if folder == "fedredis" else f"fedredis/{folder}"
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in (*(".py", ".lua", ".json", ".typed"), *PAGE):
                assert f"{place}/{file.relative_to(ROOT / folder)}" in inside
    assert "fedredis/py.typed" in inside


def test_a_run_from_another_folder(wheel, tmp_path):
    """In a venv that holds the wheel, and borrows the dependencies of this one."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = home / "lib" / version / "site-packages"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"),
            *("--no-deps", "--no-index", str(wheel)),
        ],
        check=True,
    )
    # The venv's own packages come first, so this fedredis is the wheel's.
    here = [path for path in sys.path if path.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(here) + "\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [str(home / "bin" / "fedredis"), "run", "--slaves", "3", "--rounds", "2", "--json"],
        cwd=elsewhere,
        env={k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "PYTHONPATH")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"accuracy"' in done.stdout
    where = subprocess.run(
        [str(python), "-c", "import fedredis, fedredis.jobs as j; print(j.__file__)"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(site))
