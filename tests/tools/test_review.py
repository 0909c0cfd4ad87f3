"""`make review` says that all is well only if all was looked at."""

import subprocess
import sys
from pathlib import Path

import pip_audit._cli as pip_audit
import pytest
from pip_audit._service import SkippedDependency
from pip_audit._service.interface import Dependency, VulnerabilityResult
from pip_audit._service.pypi import PyPIService

ROOT = Path(__file__).parents[2]
Audited = tuple[Dependency, list[VulnerabilityResult]]


def audit(monkeypatch: pytest.MonkeyPatch, *, skipped: str | None) -> None:
    """Run pip-audit as `make review` does, with a registry that knows no vulnerability and perhaps not one package."""

    def answers(_: PyPIService, asked: Dependency) -> Audited:
        if asked.name == skipped:
            return SkippedDependency(name=asked.name, skip_reason="not found"), []
        return asked, []

    recipe = subprocess.run(["make", "-n", "review"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    [command] = [line for line in recipe.splitlines() if "pip-audit" in line]
    monkeypatch.setattr(PyPIService, "query", answers)
    monkeypatch.setattr(sys, "argv", ["pip-audit", *command.split()[1:]])
    monkeypatch.chdir(ROOT)
    pip_audit.audit()


def test_a_package_that_could_not_be_audited_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    audit(monkeypatch, skipped=None)
    with pytest.raises(SystemExit) as ended:
        audit(monkeypatch, skipped="urllib3")
    assert ended.value.code == 1
