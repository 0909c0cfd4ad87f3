"""A translation that is missing or broken is found, and stops `make`."""

import subprocess
from pathlib import Path

import pytest

from chalicelib.domain.languages import LANGUAGES
from tools.catalogues import LOCALE, SOURCE, all_catalogues, main, problems

SPANISH = LOCALE / "es" / "LC_MESSAGES" / "tombola.po"
WHOLE = 'msgid "At most {most} for each person"\nmsgstr "Máximo por persona: {most}"\n'
PLURAL = 'msgstr[1] "Solo quedan {free} números libres."\n'
BOLD = 'msgstr "*{title}* ya se agotó, lo siento."\n'


def test_every_language_has_a_whole_catalogue() -> None:
    assert {path.parts[-3] for path in LOCALE.glob("*/LC_MESSAGES/tombola.po")} == LANGUAGES.keys()
    assert SOURCE in LANGUAGES
    assert [problem for path in all_catalogues() for problem in problems(path)] == []
    assert main(map(str, all_catalogues())) == 0


@pytest.mark.parametrize(
    ("part", "broken", "problem"),
    [
        (WHOLE, WHOLE.replace("Máximo por persona: {most}", ""), "not translated"),
        (WHOLE, WHOLE.replace("persona: {most}", "persona: {más}"), "other placeholders"),
        (WHOLE, WHOLE.replace("persona: {most}", "persona"), "other placeholders"),
        (WHOLE, WHOLE.replace("persona: {most}", "persona: {most} {most}"), "other placeholders"),
        (WHOLE, WHOLE.replace('{most}"\n', '{most}\\n"\n'), "other line ends"),
        (WHOLE, f"#, fuzzy\n{WHOLE}", "fuzzy"),
        (PLURAL, "", "not translated"),
        (PLURAL, f'{PLURAL}msgstr[2] "Quedan {{free}}."\n', "more translations"),
        (PLURAL, 'msgstr[1] ""\n', "not translated"),
        (BOLD, BOLD.replace("*{title}*", "{title}"), "bold"),
        (BOLD, BOLD.replace("*{title}*", "*{title}"), "bold"),
        (WHOLE, WHOLE.replace("msgstr", "msgst"), "tombola.po"),
    ],
)  # fmt: skip
def test_a_broken_entry_is_named_and_is_not_compiled(tmp_path: Path, part: str, broken: str, problem: str) -> None:
    text = SPANISH.read_text("utf-8")
    assert text.count(part) == 1
    path = tmp_path / "es" / "LC_MESSAGES" / "tombola.po"
    path.parent.mkdir(parents=True)
    path.write_text(text.replace(part, broken), "utf-8")
    assert problem in "\n".join(problems(path))
    compiled = path.with_suffix(".mo")
    make = subprocess.run(
        ["make", "-s", str(compiled)], cwd=LOCALE.parents[1], capture_output=True, text=True, check=False
    )
    assert make.returncode != 0 and problem in make.stderr
    assert not compiled.exists()


def test_a_catalogue_that_is_missing_is_named(tmp_path: Path) -> None:
    assert main([str(tmp_path / "es" / "LC_MESSAGES" / "tombola.po")]) == 1


def test_a_catalogue_without_faults_is_compiled(tmp_path: Path) -> None:
    path = tmp_path / "es" / "LC_MESSAGES" / "tombola.po"
    path.parent.mkdir(parents=True)
    path.write_bytes(SPANISH.read_bytes())
    subprocess.run(["make", "-s", str(path.with_suffix(".mo"))], cwd=LOCALE.parents[1], check=True)
    assert path.with_suffix(".mo").exists()
