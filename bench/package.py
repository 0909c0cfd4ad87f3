"""The deployment: how large it is, and how long its import takes."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from compileall import compile_dir, compile_file
from json import loads
from os import environ
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from bench.figure import Figure, ratio
from bench.stage import Stage

ROOT = Path(__file__).parent.parent
RUNS = 15
MEGABYTE = 1_000_000
# Both say how long the import took, without the interpreter's own start.
APP = "import time; b = time.perf_counter(); import app; print(time.perf_counter() - b)"
LIBRARIES = """
import sys, time
from importlib import import_module
b = time.perf_counter()
for name in sys.argv[1:]: import_module(name)
print(time.perf_counter() - b)
"""
# Every module that comes from a package, not only the packages: those import little by themselves.
THIRD_PARTY = """
import sys, app
for name, module in list(sys.modules.items()):
    if "site-packages" in (getattr(module, "__file__", None) or ""): print(name)
"""


def package(stage: Stage) -> Iterator[Figure]:
    stage.progress("packaging")
    with TemporaryDirectory() as out:
        _python("tools/package.py", "dev", out)
        deployment = Path(out) / "deployment.zip"
        size = deployment.stat().st_size
        ahead, source = _cold(stage, deployment, Path(out))
    yield ratio("cold import from the zip: with its bytecode to without", ahead, source, "<= 0.5")
    yield Figure("deployment: zip", round(size / MEGABYTE, 2), "MB", "<= 22")
    modules = _python("-c", THIRD_PARTY).split()
    # As it is deployed: there, pydantic does not look through all packages for plugins, of which there are none.
    template = loads((ROOT / "infra" / "resources.json").read_text())
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    deployed = {**environ, **{name: value for name, value in variables.items() if isinstance(value, str)}}
    compile_dir(ROOT / "chalicelib", quiet=1)  # as the libraries are, since pip installed them
    compile_file(ROOT / "app.py", quiet=1)
    ours, libraries = list[float](), list[float]()
    for run in range(runs := stage.runs(RUNS)):
        stage.progress(f"importing: {run + 1} of {runs}")
        ours.append(float(_python("-c", APP, env=deployed)))
        libraries.append(float(_python("-c", LIBRARIES, *modules, env=deployed)))
    yield ratio("import of app.py to that of its libraries", ours, libraries, "<= 1.25")


def _cold(stage: Stage, deployment: Path, folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of `import app` from nothing but the zip, with the bytecode in it and without; as on Lambda, none is
    written."""
    places, seconds = (folder / "whole", folder / "sources"), (list[float](), list[float]())
    for place in places:
        ZipFile(deployment).extractall(place)
    for made in places[1].rglob("*.pyc"):
        made.unlink()
    for run in range(runs := stage.runs(RUNS)):
        stage.progress(f"importing from the zip: {run + 1} of {runs}")
        for place, found in zip(places, seconds, strict=True):
            there = f"import sys; sys.path.insert(0, {str(place)!r})"
            found.append(float(_python("-I", "-S", "-B", "-c", f"{there}; {APP}")))
    return seconds


def _python(*arguments: str, env: Mapping[str, str] = environ) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout
