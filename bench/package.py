"""The deployment package: its size, and how long its import takes."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from compileall import compile_dir, compile_file
from json import loads
from os import environ
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from bench.figures import Figure, ratio
from bench.testbed import Testbed

ROOT = Path(__file__).parent.parent
RUNS = 15
MEGABYTE = 1_000_000
# Both print how long the import took, without the interpreter's start.
APP = "import time; b = time.perf_counter(); import app; print(time.perf_counter() - b)"
LIBRARIES = """
import sys, time
from importlib import import_module
b = time.perf_counter()
for name in sys.argv[1:]: import_module(name)
print(time.perf_counter() - b)
"""
# All modules of all packages. The packages alone import little.
THIRD_PARTY = """
import sys, app
for name, module in list(sys.modules.items()):
    if "site-packages" in (getattr(module, "__file__", None) or ""): print(name)
"""


def package(testbed: Testbed) -> Iterator[Figure]:
    testbed.progress("packaging")
    with TemporaryDirectory() as out:
        _python("tools/package.py", "dev", out)
        deployment = Path(out) / "deployment.zip"
        size = deployment.stat().st_size
        with_bytecode, without = _cold(testbed, deployment, Path(out))
    yield ratio("cold import from the zip: with its bytecode to without", with_bytecode, without, "<= 0.5")
    yield Figure("deployment: zip", round(size / MEGABYTE, 2), "MB", "<= 22")
    modules = _python("-c", THIRD_PARTY).split()
    # With the deployed environment, in which pydantic does not search all packages for plugins.
    template = loads((ROOT / "infra" / "resources.json").read_text())
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    deployed = {**environ, **{name: value for name, value in variables.items() if isinstance(value, str)}}
    compile_dir(ROOT / "chalicelib", quiet=1)  # pip has compiled the libraries, too
    compile_file(ROOT / "app.py", quiet=1)
    ours: list[float] = []
    libraries: list[float] = []
    for run in range(runs := testbed.runs(RUNS)):
        testbed.progress(f"importing: {run + 1} of {runs}")
        ours.append(float(_python("-c", APP, env=deployed)))
        libraries.append(float(_python("-c", LIBRARIES, *modules, env=deployed)))
    yield ratio("import of app.py to that of its libraries", ours, libraries, "<= 1.25")


def _cold(testbed: Testbed, deployment: Path, folder: Path) -> tuple[list[float], list[float]]:
    """Return the seconds of `import app` from the zip alone, with its bytecode and without.

    As on Lambda, Python writes no bytecode.
    """
    folders = (folder / "whole", folder / "sources")
    seconds: tuple[list[float], list[float]] = ([], [])
    for place in folders:
        ZipFile(deployment).extractall(place)
    for bytecode in folders[1].rglob("*.pyc"):
        bytecode.unlink()
    for run in range(runs := testbed.runs(RUNS)):
        testbed.progress(f"importing from the zip: {run + 1} of {runs}")
        for place, series in zip(folders, seconds, strict=True):
            path = f"import sys; sys.path.insert(0, {str(place)!r})"
            series.append(float(_python("-I", "-S", "-B", "-c", f"{path}; {APP}")))
    return seconds


def _python(*arguments: str, env: Mapping[str, str] = environ) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
