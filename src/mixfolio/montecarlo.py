"""Monte Carlo studies: many independent replications of one function of a random generator.

A study is a plain function that takes a :class:`numpy.random.Generator` and gives named numbers.
Replication k gets its own generator, seeded by the k-th child of the study's seed. So its numbers
depend on the seed and on k, and not on how many replications there are, in which order they run, or
where. The mean of R replications has standard error ``s / sqrt(R)``.

Replications run in local processes, or on a cluster: :func:`run` leaves both to joblib, and works
unchanged inside ``joblib.parallel_config(backend="dask")``.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from mixfolio.errors import DataError, MixfolioError

__all__ = ["Study", "StudyError", "generator", "run", "summary"]

Study = Callable[[np.random.Generator], Mapping[str, float]]
Record = tuple[int, dict[str, float]]


class StudyError(MixfolioError):
    """A replication of a study failed; the message names it, and how to repeat it alone."""


def generator(seed: int, replication: int) -> np.random.Generator:
    """The generator of one replication: that of the child ``replication`` of the seed.

    Parameters
    ----------
    seed : int
    replication : int
        From 0.

    Returns
    -------
    numpy.random.Generator
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(replication,)))


def run(
    study: Study,
    n_replications: int,
    *,
    seed: int,
    n_jobs: int = 1,
    checkpoint: str | Path | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Run a study and collect its numbers.

    Parameters
    ----------
    study : function of a Generator that gives a mapping of name to number
        Every replication gives the same names.
    n_replications : int
    seed : int
    n_jobs : int
        Processes; -1 for all cores. On a cluster the backend decides.
    checkpoint : path, optional
        A file in which finished replications are kept. A run that was interrupted goes on where
        it stopped; a longer run uses what a shorter one left.
    progress : bool
        Whether to show a progress bar on standard error.

    Returns
    -------
    DataFrame of shape (n_replications, n_measures)
        One row a replication, in order.

    Raises
    ------
    DataError
        If there are no replications, or the checkpoint belongs to another study or seed.
    StudyError
        If a replication fails or gives other names than the first.
    """
    if n_replications < 1:
        raise DataError(f"n_replications is {n_replications}; a study needs at least 1.")
    store = _Checkpoint(checkpoint, _name(study), seed)
    found = {k: row for k, row in store.read() if k < n_replications}
    missing = [k for k in range(n_replications) if k not in found]
    jobs = (delayed(_replicate)(study, seed, k) for k in missing)
    finished = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs)
    with store.writing() as keep:
        for record in tqdm(finished, total=len(missing), disable=not progress):
            keep(record)
            found[record[0]] = record[1]
    return _table(found, seed)


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Mean, Monte Carlo standard error, median and quartiles of every measure.

    Parameters
    ----------
    results : DataFrame of shape (n_replications, n_measures)

    Returns
    -------
    DataFrame of shape (n_measures, 5)
        The standard error is missing for a single replication.
    """
    table = {
        "mean": results.mean(),
        "s.e.": results.std(ddof=1) / np.sqrt(len(results)),
        "lower quartile": results.quantile(0.25),
        "median": results.median(),
        "upper quartile": results.quantile(0.75),
    }
    return pd.DataFrame(table)


def _name(study: Study) -> str:
    """The name of a study, with the arguments that a partial fixes."""
    if isinstance(study, partial):
        fixed = [*map(repr, study.args), *(f"{k}={v!r}" for k, v in study.keywords.items())]
        return f"{_name(study.func)}({', '.join(fixed)})"
    return getattr(study, "__qualname__", type(study).__qualname__)


def _replicate(study: Study, seed: int, replication: int) -> Record:
    try:
        numbers = study(generator(seed, replication))
        return replication, {name: float(value) for name, value in numbers.items()}
    except Exception as error:
        raise StudyError(
            f"replication {replication} of {_name(study)} failed: {type(error).__name__}: {error} "
            f"Repeat it alone with study(montecarlo.generator({seed}, {replication}))."
        ) from error


def _table(found: Mapping[int, Mapping[str, float]], seed: int) -> pd.DataFrame:
    names = list(found[min(found)])
    for replication, row in found.items():
        if list(row) != names:
            raise StudyError(
                f"replication {replication} (seed {seed}) gave the measures {list(row)}, the first "
                f"one {names}. A study must always give the same."
            )
    table = pd.DataFrame.from_dict(dict(sorted(found.items())), orient="index", columns=names)
    return table.rename_axis("replication")


class _Checkpoint:
    """A file with a header line and a line a replication, each a JSON document."""

    def __init__(self, path: str | Path | None, study: str, seed: int) -> None:
        self.path = None if path is None else Path(path)
        self.header = {"study": study, "seed": seed}

    def read(self) -> Iterator[Record]:
        """Finished replications. A last line that an interruption cut short is dropped."""
        if self.path is None or not self.path.exists():
            return
        content = self.path.read_text(encoding="utf-8")
        complete = content[: content.rfind("\n") + 1]
        if complete != content:
            self.path.write_text(complete, encoding="utf-8")
        lines = complete.splitlines()
        if lines and json.loads(lines[0]) != self.header:
            raise DataError(
                f"{self.path} holds {lines[0]} and not {json.dumps(self.header)}. Give another "
                "checkpoint file, or delete this one."
            )
        for line in lines[1:]:
            replication, row = json.loads(line)
            yield replication, row

    def writing(self) -> "_Writer":
        """A context in which records are appended as they come."""
        return _Writer(self.path, self.header)


class _Writer:
    def __init__(self, path: Path | None, header: Mapping[str, Any]) -> None:
        self.path, self.header = path, header
        self.file: TextIO | None = None

    def __enter__(self) -> Callable[[Record], None]:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.path.open("a", encoding="utf-8")
            if self.file.tell() == 0:
                self._write(self.header)
        return self._write if self.file else lambda record: None

    def _write(self, document: Any) -> None:
        assert self.file is not None
        self.file.write(json.dumps(document) + "\n")
        self.file.flush()

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()
