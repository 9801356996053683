"""The command ``mixfolio``, which is also ``python -m mixfolio``.

Help answers at once: what takes time to import is imported when a report is asked for.
"""

import argparse
import sys
from collections.abc import Sequence

import mixfolio


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if not given or given[0].startswith("-"):
        _parser().parse_args(given)  # Help, version or an error: it does not come back.
    from mixfolio.report.cli import main as run

    return run(given)


def _parser() -> argparse.ArgumentParser:
    """What the command's own parser says before a report is asked for."""
    parser = argparse.ArgumentParser(
        prog="mixfolio", description="Portfolios under estimation error, from your own prices."
    )
    parser.add_argument("--version", action="version", version=f"mixfolio {mixfolio.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="report")
    commands.add_parser("report", help="write report.html, report.ipynb and weights.csv")
    return parser


if __name__ == "__main__":
    sys.exit(main())
