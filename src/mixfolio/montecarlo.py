"""Monte Carlo studies: many independent replications of one function of a random generator.

A study is a plain function that takes a :class:`numpy.random.Generator` and gives named numbers.
Replication k gets its own generator, seeded by the k-th child of the study's seed, and does its
linear algebra on one thread. So its numbers depend on the seed and on k, and not on how many
replications there are, in which order they run, or where. The mean of R replications has standard
error ``s / sqrt(R)``.

Replications run in local processes, or on a cluster: :func:`run` works unchanged inside
``joblib.parallel_config(backend="dask")``.
"""

import hashlib
import itertools
import json
import os
import re
import sys
import traceback
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
import scipy.linalg  # noqa: F401  before the first limit on threads, so that it holds for it
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from threadpoolctl import ThreadpoolController
from tqdm import tqdm

from mixfolio._inputs import Array, checked, read_array, read_count
from mixfolio.errors import DataError, MixfolioError

__all__ = ["StudyError", "generator", "run", "summary"]

Study = Callable[[np.random.Generator], Mapping[str, float]]
Record = tuple[int, dict[str, float]]

LARGEST = 4 << 30  # bytes of a checkpoint
PATIENCE = 60.0  # seconds in which a cluster must have a worker


class StudyError(MixfolioError):
    """A study failed; the message names the replication, or those under way, to repeat alone."""


@checked
def generator(seed: int, replication: int) -> np.random.Generator:
    """The generator of one replication: that of the child ``replication`` of the seed.

    Parameters
    ----------
    seed : int
        Not negative.
    replication : int
        From 0.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    DataError
        If a number is negative or not whole.

    Examples
    --------
    >>> from mixfolio import montecarlo
    >>> montecarlo.generator(seed=7, replication=0).standard_normal(3).round(3).tolist()
    [-0.63, 1.465, -0.439]
    """
    child = (read_count(replication, "replication", 0),)
    sequence = np.random.SeedSequence(read_count(seed, "seed", 0), spawn_key=child)
    return np.random.default_rng(sequence)


@checked
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
        Not negative.
    n_jobs : int
        Processes; -1 for all cores. On a cluster its workers decide.
    checkpoint : path, optional
        A file in which finished replications are kept. A run that was interrupted goes on where
        it stopped; a longer run uses what a shorter one left. It belongs to a study by name, to
        the arguments that a partial fixes, and to a seed. That the study's code is still the same
        is for you to know. Every line has a checksum; lines of an older version, which have none,
        are read too. At most 4 GB.
    progress : bool
        Whether to show a progress bar on standard error.

    Returns
    -------
    DataFrame of shape (n_replications, n_measures)
        One row per replication, in order; float64.

    Raises
    ------
    DataError
        If there are no replications, or the checkpoint is none, damaged, or of another study or
        seed. It is then left as it is.
    StudyError
        If a replication fails or gives other names than the first, or a process that works on
        some of them dies. Then the message names those under way, since it is not known which of
        them is the cause. No new ones are started; those that finish are kept in the checkpoint.
        Also if a cluster has had no worker for a minute.

    Notes
    -----
    Inside ``joblib.parallel_config(backend="dask")`` every replication is one task of that
    backend's client. joblib's own dispatcher would wait forever for a replication that kills its
    worker, for example by its use of memory; here that is an error like any other.

    Examples
    --------
    The standard deviation of 24 monthly returns, when the true one is 0.04:

    >>> from mixfolio import montecarlo
    >>> def study(rng):
    ...     return {"volatility": rng.normal(0.01, 0.04, 24).std(ddof=1)}
    >>> results = montecarlo.run(study, 100, seed=7)
    >>> results.shape
    (100, 1)
    >>> round(float(results["volatility"].mean()), 4)
    0.0394
    """
    n_replications = read_count(n_replications, "n_replications")
    seed = read_count(seed, "seed", 0)
    if n_jobs == 0:
        raise DataError("n_jobs is 0; it must be a number of processes, and -1 for all cores.")
    store, rows = _Checkpoint(checkpoint, _name(study), seed), _Rows(seed)
    old = (rows.add(record) for record in store.read() if record[0] < n_replications)
    failures = [failure for failure in old if failure is not None]
    missing = [k for k in range(n_replications) if k not in rows.found]
    waiting = itertools.takewhile(lambda _: not failures, missing)
    with _one_thread(), store.writing() as keep:
        finished = _finished(study, seed, waiting, n_jobs)
        for outcome in tqdm(finished, total=len(missing), disable=not progress):
            failure = outcome if isinstance(outcome, StudyError) else rows.add(outcome)
            if failure is None:
                keep(outcome)
            else:
                failures.append(failure)
    if failures:
        raise _first(failures)
    return rows.table()


@checked
def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Mean, Monte Carlo standard error, median and quartiles of every measure.

    Parameters
    ----------
    results : DataFrame of shape (n_replications, n_measures)

    Returns
    -------
    DataFrame of shape (n_measures, 5)
        The standard error is missing for a single replication.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import montecarlo
    >>> results = pd.DataFrame({"Sharpe ratio": [0.10, 0.20, 0.30, 0.60, 0.80]})
    >>> montecarlo.summary(results).loc["Sharpe ratio"].round(3).to_dict()
    {'mean': 0.4, 's.e.': 0.13, 'lower quartile': 0.2, 'median': 0.3, 'upper quartile': 0.6}
    """
    if results.shape[0] < 1 or not all(
        pd.api.types.is_numeric_dtype(kind) for kind in results.dtypes
    ):
        raise DataError("results must hold one or more replications, and numbers only.")
    read_array(results.fillna(0.0), "results")
    table = {
        "mean": results.mean(),
        "s.e.": results.std(ddof=1) / np.sqrt(len(results)),
        "lower quartile": results.quantile(0.25),
        "median": results.median(),
        "upper quartile": results.quantile(0.75),
    }
    return pd.DataFrame(table)


def _name(study: Any) -> str:
    """The name of a study, with the arguments that a partial fixes; the same in every process."""
    if isinstance(study, partial):
        fixed = [*map(_name, study.args), *(f"{k}={_name(v)}" for k, v in study.keywords.items())]
        return f"{_name(study.func)}({', '.join(fixed)})"
    if isinstance(study, pd.DataFrame | pd.Series):
        labels = _digest(" ".join(_name(list(axis)) for axis in study.axes).encode())
        return f"{type(study).__name__}({_name(study.to_numpy())}, labels {labels})"
    if isinstance(study, np.ndarray) and study.dtype != object:
        content = _digest(np.ascontiguousarray(study).tobytes())
        return f"array({study.shape}, {study.dtype}, {content})"
    if is_dataclass(study) and not isinstance(study, type):
        content = ", ".join(f"{f.name}={_name(getattr(study, f.name))}" for f in fields(study))
        return f"{type(study).__qualname__}({content})"
    if isinstance(study, Mapping):
        return "{" + ", ".join(f"{_name(k)}: {_name(v)}" for k, v in study.items()) + "}"
    if isinstance(study, list | tuple):
        return f"({', '.join(map(_name, study))})"
    if callable(study) and hasattr(study, "__qualname__"):
        return f"{study.__module__}.{study.__qualname__}"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(study))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


# ------------------------------------------------------------------- one replication


_RUNNING_HERE: list[None] = []


@contextmanager
def _one_thread() -> Iterator[None]:
    """Linear algebra on one thread in this process, while its studies run.

    How many threads share a product of matrices shows in its last digits. One thread gives the
    same numbers everywhere, and processes that do not get in each other's way.
    """
    _RUNNING_HERE.append(None)
    try:
        with _libraries().limit(limits=1):
            yield
    finally:
        _RUNNING_HERE.pop()


@lru_cache(maxsize=1)
def _libraries() -> Any:
    return ThreadpoolController()


@lru_cache(maxsize=1)
def _one_thread_for_good() -> None:
    """The same in a process that only works for others."""
    _libraries().limit(limits=1)


def _replicate(study: Study, seed: int, replication: int) -> Record | StudyError:
    """One replication, or what went wrong as a value: an exception would stop its neighbours."""
    try:
        if not _RUNNING_HERE:
            _one_thread_for_good()
        numbers = study(generator(seed, replication))
        return replication, {str(name): float(value) for name, value in numbers.items()}
    except Exception as error:
        failure = StudyError(
            f"replication {replication} of {_name(study)} with seed {seed} failed: "
            f"{type(error).__name__}: {error} Repeat it alone with "
            f"study(montecarlo.generator({seed}, {replication}))."
        )
        failure.add_note("".join(traceback.format_exception(error)))
        return failure


def _first(failures: list[StudyError]) -> MixfolioError:
    if len(failures) > 1:
        failures[0].add_note(f"Failures beside it: {len(failures) - 1}.")
    return failures[0]


def _lost(study: Study, seed: int, under_way: Iterable[int], error: Exception) -> StudyError:
    """Results that never came. The error names the task that was lost, which may be innocent."""
    return StudyError(
        f"a result of {_name(study)} with seed {seed} was lost: {type(error).__name__}: {error} "
        f"Under way were the replications {sorted(under_way)}. If a process died, one of them may "
        "have ended it, for example by its use of memory; which one is not known. Repeat each "
        f"alone, in a process of its own, with study(montecarlo.generator({seed}, replication))."
    )


# ----------------------------------------------------------------- many replications


def _finished(
    study: Study, seed: int, replications: Iterable[int], n_jobs: int
) -> Iterator[Record | StudyError]:
    """Replications as they finish, in whatever order."""
    client = getattr(get_active_backend()[0], "client", None)
    if client is not None:
        return _on_cluster(client, study, seed, iter(replications))
    return _in_processes(study, seed, replications, n_jobs)


def _in_processes(
    study: Study, seed: int, replications: Iterable[int], n_jobs: int
) -> Iterator[Record | StudyError]:
    """The same in processes of this machine."""
    under_way = set[int]()

    def jobs() -> Iterator[Any]:
        for k in replications:
            under_way.add(k)
            yield delayed(_replicate)(study, seed, k)

    try:
        for outcome in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs()):
            if not isinstance(outcome, StudyError):
                under_way.discard(outcome[0])
            yield outcome
    except BrokenExecutor as error:  # the base of joblib's TerminatedWorkerError
        yield _lost(study, seed, under_way, error)


def _on_cluster(
    client: Any, study: Study, seed: int, replications: Iterator[int]
) -> Iterator[Record | StudyError]:
    """The same on a Dask cluster, a few tasks per core at a time."""
    distributed = sys.modules["distributed"]  # an optional package; loaded, as there is a client
    running: dict[Any, int] = {}
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise StudyError(
            f"the cluster has had no worker for {PATIENCE:g} seconds. Start one, or run the study "
            "on this machine, without the cluster."
        ) from error

    def start(count: int) -> Iterator[Any]:
        for k in itertools.islice(replications, max(0, count)):
            future = client.submit(_replicate, study, seed, k, pure=False)
            running[future] = k
            yield future

    futures = distributed.as_completed(list(start(_room(client))))
    for done, future in enumerate(futures):
        if done % 100 == 0:
            room = _room(client)
        try:  # one question only: a worker may die between two, and a finished result with it
            outcome = future.result()
        except Exception as error:
            outcome = _lost(study, seed, running.values(), error)
        del running[future]
        yield outcome
        futures.update(list(start(room - len(running))))


def _room(client: Any) -> int:
    """Tasks to have under way: enough that no core waits, few enough to stop soon."""
    return 4 * max(1, int(sum(client.ncores().values())))


class _Rows:
    """Numbers of finished replications, under names that all of them share."""

    def __init__(self, seed: int) -> None:
        self.seed, self.names, self.found = seed, list[str](), dict[int, Array]()

    def add(self, record: Record) -> StudyError | None:
        """Keep a replication, or say what is wrong with it."""
        replication, row = record
        self.names = self.names or list(row)
        if set(row) != set(self.names) or not row:
            return StudyError(
                f"replication {replication} of seed {self.seed} gave {sorted(row)}, others gave "
                f"{sorted(self.names)}; a study must always give the same, and at least one number."
            )
        self.found[replication] = np.array([row[name] for name in self.names])
        return None

    def table(self) -> pd.DataFrame:
        order = sorted(self.found)
        values = np.array([self.found[k] for k in order])
        return pd.DataFrame(values, pd.RangeIndex(len(order), name="replication"), self.names)


class _Checkpoint:
    """A file with a header line and one line per replication, each a JSON document.

    A line holds the replication, its numbers and their checksum, which old lines lack.
    """

    def __init__(self, path: str | Path | None, study: str, seed: int) -> None:
        try:
            self.path = None if path is None else Path(path)
        except TypeError as error:
            raise DataError(
                f"checkpoint is of type {type(path).__name__}. Give the name of a file."
            ) from error
        self.header = {"study": study, "seed": seed}

    def read(self) -> Iterator[Record]:
        """Finished replications. A last line that an interruption cut short is dropped."""
        content = self._content()
        lines = content[: content.rfind(b"\n") + 1].splitlines()
        cut_short = json.dumps(self.header).encode().startswith(content)
        if not (content.startswith(b"{") if lines else cut_short):
            raise DataError(f"{self.path} is no checkpoint of a study. Give another file name.")
        if lines and self._document(lines[0], 1) != self.header:
            raise DataError(
                f"{self.path} holds {lines[0].decode()} and not {json.dumps(self.header)}. Give "
                "another checkpoint file, or delete this one."
            )
        known = dict[int, int]()
        for number, line in enumerate(lines[1:], 2):
            replication, row = self._record(line, number)
            if known.setdefault(replication, found := hash(repr(row))) != found:
                raise self._damage(number, f"another line has other results of {replication}")
            yield replication, row
        if self.path is not None and content and not content.endswith(b"\n"):
            os.truncate(self.path, content.rfind(b"\n") + 1)

    def _content(self) -> bytes:
        if self.path is None:
            return b""
        with _named(self.path):
            if not self.path.exists():
                return b""
            if not self.path.is_file():  # to read from a pipe or a device would wait, or never end
                raise DataError(
                    f"{self.path} is a folder, a pipe or a device, and no checkpoint. Give the "
                    "name of a file."
                )
            if self.path.stat().st_size > LARGEST:
                raise DataError(
                    f"{self.path} holds more than {LARGEST >> 30} GB. Is it a checkpoint at all? "
                    "Give another file name."
                )
            return self.path.read_bytes()

    def _document(self, line: bytes, number: int) -> Any:
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._damage(number, str(error)) from error

    def _record(self, line: bytes, number: int) -> Record:
        document = self._document(line, number)
        if not isinstance(document, list) or len(document) not in (2, 3):
            raise self._damage(number, "it is no replication")
        replication, row = document[:2]
        if type(replication) is not int or replication < 0:
            raise self._damage(number, f"{replication!r} is no number of a replication")
        if not isinstance(row, dict) or not all(type(value) is float for value in row.values()):
            raise self._damage(number, "its results are not numbers by name")
        sealed = json.dumps(_sealed((replication, row))).encode()
        if len(document) == 3 and line != sealed:
            raise self._damage(number, "its checksum is another")
        return replication, row

    def _damage(self, number: int, what: str) -> DataError:
        return DataError(
            f"{self.path} is damaged in line {number}: {what}. Delete that line to compute "
            "its replication again."
        )

    def writing(self) -> "_Writer":
        """A context in which records are appended as they come."""
        return _Writer(self.path, self.header)


class _Writer:
    def __init__(self, path: Path | None, header: Mapping[str, Any]) -> None:
        self.path, self.header = path, header
        self.file: TextIO | None = None

    def __enter__(self) -> Callable[[Any], None]:
        if self.path is None:
            return lambda record: None
        with _named(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.path.open("a", encoding="utf-8", newline="\n")
        if self.file.tell() == 0:
            self._write(self.header)
        return lambda record: self._write(_sealed(record))

    def _write(self, document: Any) -> None:
        assert self.file is not None
        self.file.write(json.dumps(document) + "\n")
        self.file.flush()

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except MixfolioError:
        raise
    except (OSError, ValueError) as error:  # a ValueError of a null character in the name
        cause = getattr(error, "strerror", None) or error
        raise DataError(
            f"{str(path)[:200]!r} cannot be used as a checkpoint ({cause}). Give another file name."
        ) from error


def _sealed(record: Record) -> list[Any]:
    """A replication, its numbers, and the checksum of both."""
    return [*record, f"{zlib.crc32(json.dumps(record).encode()):08x}"]
