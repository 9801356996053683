"""The command ``mixfolio``: a report on prices of one's own.

``mixfolio report prices.csv --groups groups.csv --output DIR`` leaves a page, the notebook behind
it and the weights. Input that cannot be used is answered by one message and exit code 2.
"""

import argparse
import hashlib
import io
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import mixfolio
from mixfolio.errors import MixfolioError
from mixfolio.estimators import ESTIMATORS
from mixfolio.prices import LAYOUTS, MISSING
from mixfolio.report.pipeline import MIXED, OBJECTIVES
from mixfolio.report.writer import write_report

__all__ = ["main"]

FILES = ("price_file", "group_file", "previous_file", "output", "limits_file", "views_file")
BAD_INPUT, INTERRUPTED, TERMINATED = 2, 130, 143

EPILOG = """\
Prices are CSV, Excel or Parquet: a column of dates and one column per asset, or columns of dates,
symbols and prices, as other programs export them. Groups have the columns asset and group. Without
groups they are learned from past correlations. Example:

  mixfolio report prices.csv --groups groups.csv --max-position 0.2 --output report
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        Exit code: 0, or 2 where the input cannot be used.
    """
    _accept_any_console()
    options = vars(_parser().parse_args(arguments))
    options.pop("command")
    for name in FILES:
        if options.get(name):
            options[name] = Path(options[name]).expanduser()
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        with _stdin_as_file(options):
            report = write_report(**options, progress=True)
    except (MixfolioError, OSError) as error:
        print(f"mixfolio: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("mixfolio: interrupted; nothing was written.", file=sys.stderr)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)
    print(f"Report:   {report.page}\nNotebook: {report.notebook}\nWeights:  {report.weights}")
    return 0


@contextmanager
def _stdin_as_file(options: dict[str, Any]) -> Iterator[None]:
    """Keep prices that come by a pipe beside the report, whose notebook reads them again."""
    if str(options["price_file"]) != "-":
        yield
        return
    content, folder = sys.stdin.buffer.read(), options["output"]
    path = folder / f"prices-{hashlib.sha256(content).hexdigest()[:8]}"
    new = [part for part in (folder, *folder.parents) if not part.exists()]
    there = path.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        options["price_file"] = path
        yield
    except BaseException:
        if not there:
            path.unlink(missing_ok=True)
        for part in new:
            with suppress(OSError):
                part.rmdir()
        raise


def _accept_any_console() -> None:
    """Let a console that cannot show a letter of a name show the letter's number instead."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _terminate(*_: Any) -> None:
    """End as an interruption does, so that temporary folders are removed."""
    raise SystemExit(TERMINATED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mixfolio", description="Portfolios under estimation error, from your own prices."
    )
    parser.add_argument("--version", action="version", version=f"mixfolio {mixfolio.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="report")
    report = commands.add_parser(
        "report",
        help="write report.html, report.ipynb and weights.csv",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_files(report)
    _add_reading(report)
    _add_roles(report.add_argument_group("assets with a part of their own"))
    _add_goal(report.add_argument_group("what the weights are chosen for"))
    _add_choices(report.add_argument_group("limits, periods and costs"))
    return parser


def _add_files(report: argparse.ArgumentParser) -> None:
    add = report.add_argument
    add("price_file", metavar="PRICES", help="CSV, Excel or Parquet file of prices; - for stdin")
    add("--groups", dest="group_file", metavar="FILE", help="one group per asset")
    add("--previous", dest="previous_file", metavar="FILE", help="weights held now; weights.csv")
    add("--output", default="portfolio-report", metavar="DIR", help="default: %(default)s")


def _add_reading(report: argparse.ArgumentParser) -> None:
    add = report.add_argument_group("reading", "What a file does not say by itself.").add_argument
    add("--layout", choices=LAYOUTS, default="auto", help="of the prices; default: %(default)s")
    add("--date-format", metavar="F", help="how dates are written: %%d/%%m/%%Y for 31/01/2024")
    add("--decimal", choices=(".", ","), metavar="S", help="the decimal sign, . or ,")
    add("--separator", metavar="X", type=_letter, help="between columns: ';' or tab, for example")
    add(
        "--missing",
        choices=tuple(MISSING),
        default="keep",
        help="missing prices; default: %(default)s. "
        + "; ".join(f"{k}: {v}" for k, v in MISSING.items()),
    )


def _add_roles(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--exclude", nargs="+", default=(), metavar="ASSET", help="assets not to hold")
    add("--benchmark", metavar="ASSET", help="what to compare with; not in the portfolio")
    add("--riskless", metavar="X", help="an asset, or a rate a year such as 0.02; default: none")


def _add_goal(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--estimator",
        default=MIXED,
        choices=tuple(ESTIMATORS),
        metavar="NAME",
        help=f"of the covariance: {', '.join(ESTIMATORS)}; default: %(default)s",
    )
    add("--objective", default=OBJECTIVES[0], choices=OBJECTIVES, help="default: %(default)s")
    views = "for maximum-sharpe: better,worse,value,confidence; shrunken means without"
    add("--views", dest="views_file", metavar="FILE", help=views)


def _letter(text: str) -> str:
    """A separator; a tab is hard to type."""
    return "\t" if text in ("tab", "\\t") else text


def _add_choices(report: argparse._ArgumentGroup) -> None:
    add = report.add_argument
    add("--limits", dest="limits_file", metavar="FILE", help="of assets: asset,lower,upper")
    add("--allow-short", action="store_true", help="weights may be negative")
    add("--capital", type=float, metavar="X", help="money to invest, for trades in money")
    for name, kind, text in (
        ("--lookback", int, "periods to estimate from; by default 260 weeks or 60 months"),
        ("--window", int, "the same for each decision in the backtest; by default the lookback"),
        (
            "--max-position",
            float,
            "highest weight of an asset; default: 0.3, or 1.5 / assets if that is more",
        ),
        ("--max-group", float, "highest weight of a group; default: no limit"),
        ("--min-heritability", float, "below it the mixed model is not used; default: 0.1"),
        ("--costs", float, "cost of one unit traded; default: 0.001, ten basis points"),
        ("--turnover-penalty", float, "price of trading, as a share of the variance of 1/N"),
        ("--level", float, "confidence of the set of estimators; default: 0.9"),
        ("--seed", int, "of the bootstrap; default: 1"),
    ):
        report.add_argument(name, type=kind, default=argparse.SUPPRESS, metavar="X", help=text)


if __name__ == "__main__":
    sys.exit(main())
