"""No function waits for the parsers of statements but the one that is handed a statement."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LOADED = """
import sys, app
parsers = {"bankfile", "mt940", "defusedxml", "xml.etree.ElementTree", "chalicelib.statements.detect"}
print(sorted(parsers & set(sys.modules)))
"""


def test_the_functions_load_without_the_parsers() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['xml.etree.ElementTree']")  # botocore reads S3's answers with the latter
