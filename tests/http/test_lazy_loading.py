"""What only organisers use is loaded when an organiser asks, not when a webhook wakes a function up."""

import subprocess
import sys
from pathlib import Path

from chalicelib.http.routes import ROUTES

ROOT = Path(__file__).parent.parent.parent
LOADED = "import sys, app; print(*(name for name in sys.modules if name.startswith('chalicelib.http.')))"


def test_no_view_is_loaded_before_it_is_called() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "chalicelib.http.dispatch" in loaded
    assert loaded.isdisjoint(f"chalicelib.http.{route.module}" for route in ROUTES)


def test_every_route_names_a_view_and_its_forms() -> None:
    for route in ROUTES:
        assert route.view.__name__ == route.name
        assert (route.later_form is None) == (route.later is None)
