"""`python -m local`, which is `make run`: the whole of Tombola on this machine."""

import sys

if __name__ == "__main__":
    # Before any import that an older Python, or one without our packages, would trip over.
    if sys.version_info < (3, 11):  # noqa: UP036 - the line that says so must run on the older one
        sys.exit(f"Tombola needs Python 3.11 or newer, this is {sys.version.split()[0]}: make run PYTHON=python3.11")
    try:
        from local.runner import main
    except ModuleNotFoundError as missing:
        sys.exit(f"The package {missing.name} is missing here: start with `make run`, which installs what is needed.")
    sys.exit(main())
