"""The zip is slimmed, checked and compiled once for the same code, and again after any change."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from chalicelib.settings import EnvironmentSecrets
from tools import package


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The zips that were finished, in order. Chalice and the bill of materials are left out."""
    names = list[str]()

    def note(deployment: Path) -> None:
        with ZipFile(deployment, "a") as archive:
            names.append(archive.namelist()[0])
            archive.writestr("finished", "")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tools.package.subprocess.run", lambda *_, **__: None)
    monkeypatch.setattr(package, "finish", lambda _: None)
    monkeypatch.setattr(package, "write_bill", lambda _: None)
    monkeypatch.setattr(package, "finish_zip", note)
    return names


def packaged(code: str) -> list[str]:
    """Package what Chalice has put in a zip, and return the names in the zip that is deployed."""
    Path("out").mkdir(exist_ok=True)
    with ZipFile("out/deployment.zip", "w") as archive:
        archive.writestr(code, "")
    package.main("dev", "out", quiet=True)
    with ZipFile("out/deployment.zip") as archive:
        return archive.namelist()


def test_the_same_zip_is_finished_once(finished: list[str]) -> None:
    assert packaged("app.py") == packaged("app.py") == ["app.py", "finished"]
    assert finished == ["app.py"]


def test_another_zip_is_finished_anew_and_takes_the_place_of_the_one_before(finished: list[str]) -> None:
    packaged("app.py")
    assert packaged("changed.py") == ["changed.py", "finished"]
    assert finished == ["app.py", "changed.py"]
    assert len(list(package.FINISHED.iterdir())) == 1


def test_another_python_finishes_it_anew(finished: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    packaged("app.py")
    monkeypatch.setattr("tools.package.sys.version", "3.99")
    packaged("app.py")
    assert finished == ["app.py", "app.py"]


def test_a_zip_that_does_not_fit_is_not_kept(finished: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def unfit(_: Path) -> None:
        raise package.Unfit("a wheel for another machine")

    with monkeypatch.context() as broken:
        broken.setattr(package, "finish_zip", unfit)
        with pytest.raises(package.Unfit):
            packaged("app.py")
    assert packaged("app.py") == ["app.py", "finished"]
    assert finished == ["app.py"]


def test_third_party_programs_get_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/olga")
    for name in EnvironmentSecrets.model_fields:
        monkeypatch.setenv(name, "a secret")
    environment = package.without_secrets()
    assert environment["HOME"] == "/home/olga"
    assert "a secret" not in environment.values()
