"""A package that does not run on Lambda is found before it is deployed."""

import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

from tools import package

RIGHT = ("py3-none-any", "cp311-cp311-manylinux_2_17_x86_64", "cp39-abi3-manylinux2014_x86_64", "py2.py3-none-any")
WRONG = (
    "cp311-cp311-linux_x86_64", "cp311-cp311-manylinux_2_17_aarch64", "cp312-cp312-manylinux_2_17_x86_64",
    "cp311-cp311-macosx_11_0_arm64", "cp311-cp311-musllinux_1_2_x86_64", "cp311-cp311-manylinux_2_28_x86_64",
    "cp311-cp311-win_amd64", "py2-none-any",
)  # fmt: skip
LIBRARY = b"\x7fELF" + bytes(14) + (62).to_bytes(2, "little")
FOR_ARM = b"\x7fELF" + bytes(14) + (183).to_bytes(2, "little")


def planted(folder: Path, *tags: str, library: bytes = LIBRARY) -> Path:
    deployment = folder / "deployment.zip"
    with ZipFile(deployment, "w") as archive:
        lines = [f"Tag: {tag}" for tag in tags]
        archive.writestr("planted-1.0.dist-info/WHEEL", "\n".join(["Wheel-Version: 1.0", *lines, ""]))
        archive.writestr("planted/_planted.so", library)
    return deployment


@pytest.mark.parametrize("tag", RIGHT)
def test_a_wheel_that_runs_on_lambda_passes(tmp_path: Path, tag: str) -> None:
    assert list(package.unfit(planted(tmp_path, tag))) == []


@pytest.mark.parametrize("tag", WRONG)
def test_a_wheel_for_something_else_is_named(tmp_path: Path, tag: str) -> None:
    [problem] = package.unfit(planted(tmp_path, tag))
    assert problem == f"planted-1.0 is for {tag}, and does not run on Lambda"


def test_one_tag_that_fits_is_enough(tmp_path: Path) -> None:
    assert list(package.unfit(planted(tmp_path, WRONG[0], RIGHT[1]))) == []


@pytest.mark.parametrize("library", [FOR_ARM, b"MZ", b""])
def test_a_library_for_another_machine_is_named_whatever_the_wheel_says(tmp_path: Path, library: bytes) -> None:
    [problem] = package.unfit(planted(tmp_path, RIGHT[1], library=library))
    assert problem == "planted/_planted.so is not a library for x86_64"


def test_packaging_stops_at_an_unfit_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def chalice(*_: object, **named: object) -> None:
        shutil.copy(planted(tmp_path, WRONG[1]), tmp_path / "out" / "deployment.zip")

    (tmp_path / "out").mkdir()
    monkeypatch.setattr("tools.package.subprocess.run", chalice)
    monkeypatch.setattr(package, "finish", lambda template: None)
    with pytest.raises(package.Unfit, match=r"planted-1\.0"):
        package.main("dev", str(tmp_path / "out"))
