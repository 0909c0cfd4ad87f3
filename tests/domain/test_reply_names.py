"""The names of what the bot says are part of the API: each is documented, and every reply of the bot has one."""

import ast
import re
from pathlib import Path

from chalicelib.domain.reply_names import MEANINGS, ReplyName

ROOT = Path(__file__).parent.parent.parent


def test_every_name_has_a_meaning_and_a_line_in_the_documentation() -> None:
    assert set(MEANINGS) == set(ReplyName)
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    table = page.partition("## What the bot said")[2].partition("\n| --- | --- |\n")[2].partition("\n\n")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    assert documented == {name.value: meaning for name, meaning in MEANINGS.items()}


def test_every_reply_of_the_bot_has_a_name() -> None:
    """An organiser's own words have none, and no other place makes replies."""
    for path in sorted((ROOT / "chalicelib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reply":
                named = any(keyword.arg == "name" for keyword in node.keywords)
                assert named or path.name == "contacts.py", f"{path.name}:{node.lineno}"
