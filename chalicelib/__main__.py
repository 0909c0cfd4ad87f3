"""The organiser's commands: `python -m chalicelib --help`."""

import sys

from chalicelib.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
