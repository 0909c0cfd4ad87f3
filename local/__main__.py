"""Runs all of Tombola on this machine: `python -m local`, which is what `make run` calls."""

import sys

if __name__ == "__main__":
    # Check this before importing anything that fails on an older Python or without our packages.
    if sys.version_info < (3, 11):  # noqa: UP036 - this line must run on an older Python
        sys.exit(f"Tombola needs Python 3.11 or newer, not {sys.version.split()[0]}: make run PYTHON=python3.11")
    try:
        from local.runner import main
    except ModuleNotFoundError as missing:
        sys.exit(f"The package {missing.name} is not installed. Start with `make run`, which installs all packages.")
    sys.exit(main())
