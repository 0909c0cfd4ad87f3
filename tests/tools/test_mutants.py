"""Every mutant still fits the code, every condition of the store has one, and the runner sees who notices.

That the tests do notice each of them is shown by `make mutants`, which takes too long for `make test`.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.mutants import ROOT, Mutant, load

MUTANTS = load()
STORE = sorted((ROOT / "chalicelib" / "store").glob("*.py"))
# Their conditions only choose what is listed, or save reading what is looked at again.
FILTERS = {
    "audit.listed", "consistency_reads.read_owning", "contacts.listed", "orders._filter", "orders.ending",
    "orders.in_status",
}  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_code(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    changed = mutant.apply(text)
    assert changed != text
    compile(changed, mutant.file, "exec", dont_inherit=True)
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert f"def {name or 'test_'}" in (ROOT / file).read_text(encoding="utf-8"), test


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 100


def conditions(path: Path) -> Iterator[tuple[str, ast.expr]]:
    """Yield each condition on a stored attribute, such as `OrderRecord.pk.exists()`, with its function's name."""
    for function in ast.parse(path.read_text(encoding="utf-8")).body:
        for node in ast.walk(function):
            of: ast.expr | None = None
            if isinstance(node, ast.Compare):
                of = node.left
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                of = node.func.value if node.func.attr in ("exists", "does_not_exist", "is_in", "contains") else None
            match of:
                # `sk` tells where reading begins, and a plain Record is any item of an index.
                case ast.Attribute(value=ast.Name(id=record), attr=attribute) if (
                    record.endswith("Record") and record != "Record" and attribute != "sk"
                ):
                    assert isinstance(node, ast.expr)
                    yield f"{path.stem}.{getattr(function, 'name', '')}", node


@pytest.mark.parametrize("path", STORE, ids=lambda path: path.stem)
def test_every_condition_of_the_store_has_a_mutant(path: Path) -> None:
    """If this names your condition: add a mutant to tests/mutants/store.toml that takes it away."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    name = str(path.relative_to(ROOT))
    befores = [mutant.before for mutant in MUTANTS if mutant.file == name]
    spans = [(text.index(before), text.index(before) + len(before)) for before in befores]
    without = []
    for function, node in conditions(path):
        begin = sum(map(len, lines[: node.lineno - 1])) + node.col_offset  # the store's code is ASCII up to there
        if function not in FILTERS and not any(first <= begin < last for first, last in spans):
            without.append(f"{name}:{node.lineno}: {ast.unparse(node)}")
    assert without == []


ON_A_SMALL_TREE = """
import sys
from pathlib import Path
from tools import mutants
mutants.ROOT, mutants.LOADED_ONCE = Path(sys.argv[1]), ()
mutants.LISTS = mutants.ROOT / "mutants"
sys.exit(mutants.main(["--jobs", "1", *sys.argv[2:]]))
"""
ENTRY = """
[[mutant]]
name = "{name}"
file = "age.py"
before = '{before}'
after = '{after}'
tests = ["checks/test_age.py"]
"""
AGE = "def is_adult(age):\n    return age is not None and age >= 18\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "age.py": AGE,
        "pytest.ini": "[pytest]\nmarkers =\n    engine:\n    server:\n    browser:\n",
        "checks/test_age.py": "import age\ndef test_young():\n    assert not age.is_adult(17)\n",
        "checks/test_edge.py": "import age\ndef test_on_the_day():\n    assert age.is_adult(18)\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "mutants").mkdir()
    return tmp_path


def run(tree: Path, entries: list[tuple[str, str, str]], *arguments: str) -> subprocess.CompletedProcess[str]:
    listed = "".join(ENTRY.format(name=name, before=before, after=after) for name, before, after in entries)
    (tree / "mutants" / "all.toml").write_text(listed, encoding="utf-8")
    command = [sys.executable, "-c", ON_A_SMALL_TREE, str(tree), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


YOUNG = ("anybody is an adult", "age >= 18", "True")
EDGE = ("only on the day after", "age >= 18", "age > 18")
NOTHING = ("nobody has no age", "age is not None and ", "")


def test_the_test_that_noticed_is_named_and_the_tree_stays_as_it_is(tree: Path) -> None:
    done = run(tree, [YOUNG, EDGE])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "anybody is an adult: checks/test_age.py::test_young" in done.stdout
    assert "only on the day after: checks/test_edge.py::test_on_the_day" in done.stdout  # not among those it names
    assert "2 of 2 mutants were noticed" in done.stdout
    assert (tree / "age.py").read_text(encoding="utf-8") == AGE


def test_a_mutant_that_nothing_notices_fails_the_run(tree: Path) -> None:
    done = run(tree, [YOUNG, NOTHING])
    assert done.returncode == 1
    assert "nobody has no age: nothing noticed" in done.stdout
    assert "1 of 2 mutants were noticed" in done.stdout


def test_a_test_that_fails_anyway_notices_nothing(tree: Path) -> None:
    (tree / "checks" / "test_edge.py").write_text("def test_always():\n    assert False\n", encoding="utf-8")
    done = run(tree, [NOTHING])
    assert done.returncode == 1
    assert "FAILS WITHOUT IT, TOO" in done.stdout


def test_tests_that_cannot_run_notice_nothing(tree: Path) -> None:
    done = run(tree, [("it cannot be imported", "def is_adult(age):", "import nothing_of_that_name")])
    assert done.returncode == 1
    assert "it cannot be imported: the tests could not run" in done.stdout


def test_some_can_be_chosen_and_others_left_out(tree: Path) -> None:
    done = run(tree, [YOUNG, NOTHING], "--only", "Adult")
    assert done.returncode == 0
    assert "1 of 1 mutants were noticed" in done.stdout
    assert run(tree, [YOUNG], "--only", "no such thing").returncode == 2
