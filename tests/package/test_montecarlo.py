"""Monte Carlo studies: the same numbers wherever they run, and nothing lost when they stop."""

import json
import os
import random
import re
import subprocess
import sys
import textwrap
import time
import tracemalloc
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from mixfolio import montecarlo
from mixfolio.errors import DataError, MixfolioError
from mixfolio.montecarlo import StudyError, generator
from mixfolio.simulation import FactorWorld, Noise
from mixfolio.studies.published import information_ratios


def normals(rng, *, scale=1.0, n=50):
    draws = scale * rng.standard_normal(n)
    return {"mean": draws.mean(), "largest": draws.max()}


def small_ratios(rng):
    world = FactorWorld(n_per_industry=4)
    return information_ratios(rng, world=world, noise=Noise("garch"), n_train=120, n_test=60)


SEED = 11
FAILING = 17
STRANGE = generator(SEED, FAILING).random()


def fails_once(rng):
    first = rng.random()
    if first == STRANGE:
        raise ZeroDivisionError("no such ratio")
    return {"first": first}


def expected(study, count, seed=SEED):
    """Each replication alone, by the documented recipe."""
    rows = [study(generator(seed, k)) for k in range(count)]
    return pd.DataFrame(rows, pd.RangeIndex(count, name="replication"))


# ------------------------------------------------------------------ independent of how and where


def test_every_replication_can_be_repeated_alone():
    found = montecarlo.run(normals, 9, seed=SEED)
    pd.testing.assert_frame_equal(found, expected(normals, 9), check_exact=True)
    assert (found.dtypes == np.float64).all()
    assert found["mean"].nunique() == 9


@pytest.mark.slow
@pytest.mark.parametrize("study", [normals, small_ratios], ids=["small", "ratios"])
def test_how_many_workers_does_not_matter(study):
    alone = montecarlo.run(study, 12, seed=SEED)
    together = montecarlo.run(study, 12, seed=SEED, n_jobs=2)
    pd.testing.assert_frame_equal(together, alone, check_exact=True)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        threads = montecarlo.run(study, 12, seed=SEED, n_jobs=2)
    pd.testing.assert_frame_equal(threads, alone, check_exact=True)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_how_many_replications_does_not_matter(n_jobs):
    long = montecarlo.run(normals, 40, seed=SEED, n_jobs=n_jobs)
    for count in (1, 2, 39):
        short = montecarlo.run(normals, count, seed=SEED, n_jobs=n_jobs)
        pd.testing.assert_frame_equal(short, long.iloc[:count], check_exact=True)


def test_another_seed_gives_other_numbers():
    one, two = (montecarlo.run(normals, 20, seed=seed) for seed in (0, 1))
    assert not np.isin(one.to_numpy(), two.to_numpy()).any()


def test_replications_are_independent_draws():
    """Means of 50 normals over 4,000 replications: mean 0, variance 1/50, no autocorrelation."""
    means = montecarlo.run(normals, 4000, seed=3)["mean"].to_numpy() * np.sqrt(50)
    assert abs(means.mean()) < 4 / np.sqrt(4000)
    assert abs(means.var() - 1) < 4 * np.sqrt(2 / 4000)
    assert abs(np.corrcoef(means[1:], means[:-1])[0, 1]) < 4 / np.sqrt(4000)


def counts_threads(rng):
    np.linalg.inv(rng.standard_normal((50, 50)))
    return {"threads": max(threads_of_linear_algebra().values())}


def threads_of_linear_algebra():
    """By file; one that was built for a single thread stays at one."""
    libraries = (library for library in threadpool_info() if library["user_api"] == "blas")
    return {library["filepath"]: library["num_threads"] for library in libraries}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_linear_algebra_has_one_thread_in_a_replication_and_its_own_again_after(n_jobs):
    with threadpool_limits(2):
        own = threads_of_linear_algebra()
        assert 2 in own.values()
        found = montecarlo.run(counts_threads, 4, seed=SEED, n_jobs=n_jobs)
        assert threads_of_linear_algebra() == own
        with joblib.parallel_config(backend="threading", n_jobs=2):
            threads = montecarlo.run(counts_threads, 20, seed=SEED, n_jobs=2)
        assert threads_of_linear_algebra() == own
    assert (found["threads"] == 1).all()
    assert (threads["threads"] == 1).all()


@pytest.mark.slow
def test_a_process_that_works_for_others_has_one_thread_from_its_first_replication():
    """Not even where its environment asks for two."""
    code = (
        "from mixfolio import montecarlo\n"
        "from threadpoolctl import threadpool_info\n"
        "before = max(library['num_threads'] for library in threadpool_info())\n"
        "def study(rng):\n"
        "    return {'threads': max(library['num_threads'] for library in threadpool_info())}\n"
        "print(before, montecarlo._replicate(study, 0, 0)[1]['threads'])\n"
    )
    settings = {f"{name}_NUM_THREADS": "2" for name in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **settings}, capture_output=True, text=True
    )
    before, inside = done.stdout.split()
    assert inside == "1.0", done.stderr
    if (os.cpu_count() or 1) > 1:
        assert before == "2"


def allocates(rng):
    return {f"m{j}": value for j, value in enumerate(rng.standard_normal((10, 10_000)).mean(1))}


def test_memory_does_not_grow_with_replications():
    """A row of 10 numbers costs less than a kilobyte; a replication takes 800."""
    peaks = []
    for count in (20, 520):
        tracemalloc.start()
        montecarlo.run(allocates, count, seed=SEED)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] > 800_000
    assert peaks[1] - peaks[0] < 500 * 1000


# ------------------------------------------------------------------------- interruptions

LONG_STUDY = """
    import os, time
    from mixfolio import montecarlo

    def study(rng):
        with open(os.environ["CALLS"], "a") as file:
            file.write("x")
        time.sleep(0.02)
        return {"one": rng.random(), "two": rng.standard_normal()}

    if __name__ == "__main__":
        import sys
        import long_study
        montecarlo.run(long_study.study, 500, seed=4, n_jobs=int(sys.argv[2]),
                       checkpoint=sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_killed_study_goes_on_where_it_stopped(tmp_path, monkeypatch, n_jobs):
    script, kept = tmp_path / "long_study.py", tmp_path / "kept" / "study.jsonl"
    script.write_text(textwrap.dedent(LONG_STUDY), encoding="utf-8")
    environment = {**os.environ, "CALLS": str(tmp_path / "first")}
    with subprocess.Popen([sys.executable, script, kept, str(n_jobs)], env=environment) as process:
        deadline = time.monotonic() + 60
        while not kept.exists() or kept.read_bytes().count(b"\n") < 8:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    finished = kept.read_bytes().count(b"\n") - 1
    assert 7 <= finished < 500
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CALLS", str(tmp_path / "second"))
    import long_study

    found = montecarlo.run(long_study.study, finished + 5, seed=4, checkpoint=kept)
    assert len((tmp_path / "second").read_text()) <= 5 + 4 * (n_jobs - 1)
    monkeypatch.delitem(sys.modules, "long_study")
    direct = [generator(4, k) for k in range(finished + 5)]
    rows = [{"one": rng.random(), "two": rng.standard_normal()} for rng in direct]
    np.testing.assert_array_equal(found.to_numpy(), pd.DataFrame(rows).to_numpy())


def test_a_replication_is_kept_before_the_next_one_begins(tmp_path):
    kept, seen = tmp_path / "study.jsonl", []

    def looks(rng):
        seen.append(kept.read_bytes().count(b"\n"))
        return {"first": rng.random()}

    montecarlo.run(looks, 5, seed=SEED, checkpoint=kept)
    assert seen == [1, 2, 3, 4, 5], "the header and all replications before"


def lines(path):
    return path.read_bytes().splitlines(keepends=True)


def test_whatever_an_interruption_cut_off_is_computed_again(tmp_path):
    kept = tmp_path / "study.jsonl"
    whole = montecarlo.run(normals, 5, seed=SEED, checkpoint=kept)
    content = kept.read_bytes()
    for length in range(len(content)):
        kept.write_bytes(content[:length])
        found = montecarlo.run(normals, 5, seed=SEED, checkpoint=kept)
        pd.testing.assert_frame_equal(found, whole, check_exact=True)
        assert kept.read_bytes() == content


def test_the_order_of_a_checkpoint_does_not_matter(tmp_path):
    kept = tmp_path / "study.jsonl"
    whole = montecarlo.run(normals, 30, seed=SEED, checkpoint=kept)
    header, *rows = lines(kept)
    random.Random(0).shuffle(rows)
    kept.write_bytes(header + b"".join(rows))
    never = partial(fails_if_called)
    never.func.__qualname__, never.func.__module__ = normals.__qualname__, normals.__module__
    found = montecarlo.run(never.func, 30, seed=SEED, checkpoint=kept)
    pd.testing.assert_frame_equal(found, whole, check_exact=True)
    short = montecarlo.run(never.func, 7, seed=SEED, checkpoint=kept)
    pd.testing.assert_frame_equal(short, whole.iloc[:7], check_exact=True)


def fails_if_called(rng):
    raise AssertionError("this replication was finished already")


def test_a_checkpoint_keeps_every_digit_and_missing_numbers(tmp_path):
    def odd(rng):
        return {"tiny": 5e-324, "third": 1 / 3, "none": np.nan, "all": np.inf, 7: np.float32(0.1)}

    kept = tmp_path / "study.jsonl"
    first = montecarlo.run(odd, 2, seed=SEED, checkpoint=kept)
    again = montecarlo.run(odd, 2, seed=SEED, checkpoint=kept)
    pd.testing.assert_frame_equal(again, first, check_exact=True)
    assert list(first.columns) == ["tiny", "third", "none", "all", "7"]


@dataclass(frozen=True)
class Setting:
    scale: float
    table: pd.DataFrame


BIG = np.arange(10_000.0).reshape(100, 100)
OTHER = BIG + np.eye(100)[50][:, None] * np.eye(100)[50] * 1e-9
TABLE = pd.DataFrame({"a": [1.0], "b": [2.0]})


def with_argument(rng, x=None):
    return {"first": rng.random()}


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (1, 2),
        (BIG, OTHER),  # numpy prints both alike
        (BIG.astype(np.float32), BIG),
        (Setting(1.0, TABLE), Setting(2.0, TABLE)),
        (Setting(1.0, TABLE), Setting(1.0, TABLE.rename(columns={"b": "c"}))),
        ({"a": BIG}, {"a": OTHER}),
        ([normals, BIG], [small_ratios, BIG]),
        (partial(normals, scale=1.0), partial(normals, scale=2.0)),
        (Noise("garch"), Noise("garch", match_variance=False)),
    ],
    ids=["int", "cell", "dtype", "field", "label", "mapping", "list", "partial", "noise"],
)
def test_a_checkpoint_of_other_arguments_is_refused(tmp_path, one, two):
    kept = tmp_path / "study.jsonl"
    first = montecarlo.run(partial(with_argument, x=one), 2, seed=SEED, checkpoint=kept)
    again = montecarlo.run(partial(with_argument, x=one), 2, seed=SEED, checkpoint=kept)
    pd.testing.assert_frame_equal(again, first)
    before = kept.read_bytes()
    with pytest.raises(DataError, match="Give another checkpoint file, or delete this one"):
        montecarlo.run(partial(with_argument, x=two), 2, seed=SEED, checkpoint=kept)
    assert kept.read_bytes() == before


@pytest.mark.slow
def test_the_name_of_a_study_is_the_same_in_another_process():
    code = (
        "import functools, numpy, operator\n"
        "from mixfolio import montecarlo, simulation\n"
        "study = functools.partial(montecarlo.run, world=simulation.FactorWorld({'a': .1}, 3), "
        "noise=simulation.Noise('garch'), x=('truth', object(), operator.neg), y=numpy.ones(2))\n"
        "name = montecarlo._name(study)\n"
    )
    there = subprocess.run(
        [sys.executable, "-c", code + "print(name)"], capture_output=True, text=True, check=True
    )
    here = {}
    exec(code, here)
    assert there.stdout.strip() == here["name"]
    assert here["name"].startswith("mixfolio.montecarlo.run(world=FactorWorld(industries={'a': 0.1")


@pytest.mark.parametrize(("study", "seed"), [(normals, SEED + 1), (small_ratios, SEED)])
def test_a_checkpoint_of_another_study_or_seed_is_refused(tmp_path, study, seed):
    kept = tmp_path / "study.jsonl"
    montecarlo.run(normals, 2, seed=SEED, checkpoint=kept)
    with pytest.raises(DataError, match=r"study.jsonl holds .*normals.* and not"):
        montecarlo.run(study, 2, seed=seed, checkpoint=kept)


def test_a_file_that_is_no_checkpoint_is_left_alone(tmp_path):
    kept = tmp_path / "prices.csv"
    kept.write_text("date,price\n2020-01-31,100")
    with pytest.raises(DataError, match=r"prices\.csv is no checkpoint"):
        montecarlo.run(normals, 2, seed=SEED, checkpoint=kept)
    assert kept.read_text() == "date,price\n2020-01-31,100"


def test_a_damaged_line_is_named(tmp_path):
    kept = tmp_path / "study.jsonl"
    montecarlo.run(normals, 4, seed=SEED, checkpoint=kept)
    content = lines(kept)
    content[2] = b"\0\0\0\n"
    kept.write_bytes(b"".join(content))
    with pytest.raises(DataError, match=r"damaged in line 3: .* Delete that line"):
        montecarlo.run(normals, 4, seed=SEED, checkpoint=kept)


DAMAGED = {
    "text": b'"a string"',
    "null": b"null",
    "object": b'{"0": 1.0}',
    "nested": b"[" * 100_000,
    "short": b"[1]",
    "negative": b'[-1, {"mean": 0.5}]',
    "fractional": b'[1.5, {"mean": 0.5}]',
    "true": b'[true, {"mean": 0.5}]',
    "word": b'[1, {"mean": "high"}]',
    "nothing": b'[1, {"mean": null}]',
    "no names": b"[1, [0.5]]",
    "wrong sum": b'[1, {"mean": 0.5}, "00000000"]',
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_line_that_is_no_replication_is_named_and_nothing_lost(tmp_path, name):
    kept = tmp_path / "study.jsonl"
    montecarlo.run(normals, 4, seed=SEED, checkpoint=kept)
    content = lines(kept)
    content[2] = DAMAGED[name] + b"\n"
    damaged = b"".join(content) + b"[9, {"
    kept.write_bytes(damaged)
    with pytest.raises(DataError, match=r"study\.jsonl is damaged in line 3: .* Delete that line"):
        montecarlo.run(normals, 4, seed=SEED, checkpoint=kept)
    assert kept.read_bytes() == damaged


def test_one_digit_changed_anywhere_is_found(tmp_path):
    kept = tmp_path / "study.jsonl"
    whole = montecarlo.run(normals, 2, seed=SEED, checkpoint=kept)
    content = kept.read_bytes()
    for place in range(content.index(b"\n"), len(content)):
        if content[place : place + 1].isdigit():
            digit = b"%d" % ((content[place] - 47) % 10)
            kept.write_bytes(content[:place] + digit + content[place + 1 :])
            with pytest.raises(DataError, match=r"damaged in line \d: "):
                montecarlo.run(normals, 2, seed=SEED, checkpoint=kept)
    kept.write_bytes(content)
    pd.testing.assert_frame_equal(montecarlo.run(normals, 2, seed=SEED, checkpoint=kept), whole)


def test_a_checkpoint_from_before_checksums_is_read(tmp_path):
    kept = tmp_path / "study.jsonl"
    whole = montecarlo.run(normals, 4, seed=SEED, checkpoint=kept)
    header, *rows = map(json.loads, lines(kept))
    old = [header, *(row[:2] for row in rows[:2])]
    kept.write_text("".join(json.dumps(line) + "\n" for line in old))
    found = montecarlo.run(normals, 4, seed=SEED, checkpoint=kept)
    pd.testing.assert_frame_equal(found, whole, check_exact=True)
    assert [len(json.loads(line)) for line in lines(kept)] == [2, 2, 2, 3, 3]


@pytest.mark.parametrize("content", ['{"price": 100}', '{"study', '{"study": "mine"}'])
def test_a_file_of_one_line_that_is_no_checkpoint_is_left_alone(tmp_path, content):
    kept = tmp_path / "settings.json"
    kept.write_text(content)
    if ours := content == '{"study':
        montecarlo.run(normals, 2, seed=SEED, checkpoint=kept)
    else:
        with pytest.raises(DataError, match=r"settings\.json is no checkpoint"):
            montecarlo.run(normals, 2, seed=SEED, checkpoint=kept)
    assert (kept.read_text() == content) != ours


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_file_is_no_checkpoint(tmp_path, kind):
    place = tmp_path / "there"
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("no named pipes here")
        os.mkfifo(place)
    else:
        place = Path(os.devnull)
    with pytest.raises(DataError, match="is a folder, a pipe or a device, and no checkpoint"):
        montecarlo.run(normals, 2, seed=SEED, checkpoint=place)


def test_a_checkpoint_below_a_file_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match=r"cannot be used as a checkpoint .*Give another file"):
        montecarlo.run(normals, 2, seed=SEED, checkpoint=tmp_path / "file" / "study.jsonl")


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, 5])
def test_a_name_that_no_file_can_have_is_refused(name):
    with pytest.raises(
        DataError, match=r"checkpoint .*(Give (another|the) (file )?name|a text or a pathlib Path)"
    ):
        montecarlo.run(normals, 2, seed=SEED, checkpoint=name)


def test_two_results_of_one_replication_are_refused(tmp_path):
    kept = tmp_path / "study.jsonl"
    montecarlo.run(normals, 3, seed=SEED, checkpoint=kept)
    same, *_ = lines(kept)[1:]
    kept.write_bytes(kept.read_bytes() + same)
    assert len(montecarlo.run(normals, 3, seed=SEED, checkpoint=kept)) == 3
    replication = json.loads(same)[0]
    other = json.dumps([replication, dict.fromkeys(json.loads(same)[1], 0.5)]) + "\n"
    kept.write_bytes(kept.read_bytes() + other.encode())
    with pytest.raises(
        DataError, match=rf"line 6: another line has other results of {replication}"
    ):
        montecarlo.run(normals, 3, seed=SEED, checkpoint=kept)


def test_a_file_too_large_for_a_checkpoint_is_not_read(tmp_path):
    kept = tmp_path / "study.jsonl"
    montecarlo.run(normals, 3, seed=SEED, checkpoint=kept)
    os.truncate(kept, montecarlo.LARGEST + 1)  # a hole, which takes no room
    with pytest.raises(DataError, match=r"holds more than 4 GB.*Give another file name"):
        montecarlo.run(normals, 3, seed=SEED, checkpoint=kept)


# ------------------------------------------------------------------------------ failures


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_failure_names_its_replication_and_keeps_the_others(tmp_path, n_jobs):
    kept = tmp_path / "study.jsonl"
    message = (
        rf"replication {FAILING} of .*fails_once with seed {SEED} failed: ZeroDivisionError: no "
        rf"such ratio Repeat it alone with study\(montecarlo\.generator\({SEED}, {FAILING}\)\)"
    )
    with pytest.raises(StudyError, match=message) as caught:
        montecarlo.run(fails_once, 500, seed=SEED, n_jobs=n_jobs, checkpoint=kept)
    assert "in fails_once" in "".join(caught.value.__notes__)
    with pytest.raises(ZeroDivisionError, match="no such ratio"):
        fails_once(generator(SEED, FAILING))
    finished = {json.loads(line)[0] for line in lines(kept)[1:]}
    assert set(range(FAILING)) <= finished
    assert FAILING not in finished
    if n_jobs == 1:  # with more, what was handed out already is finished first
        assert len(finished) == FAILING
    found = montecarlo.run(fails_once, FAILING, seed=SEED, checkpoint=kept)
    pd.testing.assert_frame_equal(found, expected(fails_once, FAILING), check_exact=True)


def under_way(error):
    """The replications that an error names, of which one may be the cause."""
    return set(json.loads(re.search(r"under way .*?(\[.*?\])", str(error), re.IGNORECASE)[1]))


def kills_its_worker(rng, marker=None):
    """Ends the process that runs it, always, or once when there is a marker to remember it."""
    first = rng.random()
    if first == STRANGE and (marker is None or not marker.exists()):
        if marker is not None:
            marker.touch()
        os._exit(1)
    return {"first": first}


@pytest.mark.slow
def test_a_process_that_dies_is_an_error_of_the_study_that_blames_nobody(tmp_path):
    kept, marker = tmp_path / "study.jsonl", tmp_path / "died"
    study = partial(kills_its_worker, marker=marker)
    message = rf"a result of .*kills_its_worker.* with seed {SEED} was lost: TerminatedWorkerError"
    with pytest.raises(StudyError, match=message) as caught:
        montecarlo.run(study, 60, seed=SEED, n_jobs=2, checkpoint=kept)
    assert "which one is not known" in str(caught.value)
    assert FAILING in under_way(caught.value)
    finished = {json.loads(line)[0] for line in lines(kept)[1:]}
    assert not finished & under_way(caught.value)
    found = montecarlo.run(study, 60, seed=SEED, n_jobs=2, checkpoint=kept)
    pd.testing.assert_frame_equal(found, expected(study, 60), check_exact=True)


LATE = [generator(SEED, k).random() for k in range(5, 10)]


def changes_its_names(rng):
    return {"a": 1.0, "b": 2.0} if rng.random() in LATE else {"a": 1.0}


def gives_text(rng):
    return {"a": "high"}


def gives_a_number(rng):
    return 1.0


def gives_nothing(rng):
    return {}


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (changes_its_names, r"replication 5 of seed 11 gave \['a', 'b'\], others gave \['a'\]"),
        (gives_text, "replication 0 of .*gives_text .*ValueError: could not convert"),
        (gives_a_number, "replication 0 of .*AttributeError: 'float' object"),
        (gives_nothing, "at least one number"),
    ],
)
def test_a_study_gives_the_same_named_numbers_always(study, message):
    with pytest.raises(StudyError, match=message):
        montecarlo.run(study, 50, seed=SEED)


def test_an_inconsistent_replication_is_not_kept(tmp_path):
    kept = tmp_path / "study.jsonl"
    with pytest.raises(StudyError):
        montecarlo.run(changes_its_names, 50, seed=SEED, checkpoint=kept)
    assert all(b'"b"' not in line for line in lines(kept))


@pytest.mark.parametrize("count", [0, -1, 1.5, "ten", None])
def test_the_number_of_replications(count):
    with pytest.raises(
        DataError, match=r"n_replications is .*; it must be .*(at least 1|whole number)"
    ):
        montecarlo.run(normals, count, seed=SEED)


@pytest.mark.parametrize("seed", [-1, 0.5, "seven", None])
def test_the_seed(seed):
    with pytest.raises(DataError, match=r"seed is .*; it must be .*(at least 0|whole number)"):
        montecarlo.run(normals, 1, seed=seed)
    with pytest.raises(DataError):
        generator(seed, 0)


def test_numpy_integers_will_do(tmp_path):
    kept = tmp_path / "study.jsonl"
    found = montecarlo.run(normals, np.int64(3), seed=np.uint32(SEED), checkpoint=kept)
    pd.testing.assert_frame_equal(found, expected(normals, 3), check_exact=True)
    with pytest.raises(DataError, match="replication is -1"):
        generator(0, -1)


def test_study_error_is_named():
    assert issubclass(StudyError, MixfolioError)


# --------------------------------------------------------------------- progress and summary


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_progress_bar_is_off_and_otherwise_on_standard_error(capfd, n_jobs):
    montecarlo.run(normals, 5, seed=SEED, n_jobs=n_jobs)
    assert capfd.readouterr() == ("", "")
    montecarlo.run(normals, 5, seed=SEED, n_jobs=n_jobs, progress=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert "5/5" in err


def test_summary_by_hand():
    results = pd.DataFrame({"a": [1.0, 2.0, 3.0, 6.0, 8.0]})
    found = montecarlo.summary(results).loc["a"]
    # Deviations from 4: 9 + 4 + 1 + 4 + 16 = 34; 34 / 4 = 8.5; sqrt(8.5 / 5).
    wanted = [4.0, np.sqrt(1.7), 2.0, 3.0, 6.0]
    np.testing.assert_allclose(found, wanted, rtol=1e-14)
    assert list(found.index) == ["mean", "s.e.", "lower quartile", "median", "upper quartile"]
    assert np.isnan(montecarlo.summary(results[:1]).loc["a", "s.e."])


# -------------------------------------------------------------------------------- a cluster


@pytest.fixture(scope="module")
def cluster():
    """Two processes on this machine, with a scheduler: a cluster in all but size."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with (
        distributed.LocalCluster(
            **options, host="127.0.0.1", dashboard_address=None, silence_logs=50
        ) as local,
        distributed.Client(local) as client,
    ):
        yield local, client


def on_cluster(study, count, **options):
    with joblib.parallel_config(backend="dask"):
        return montecarlo.run(study, count, seed=SEED, **options)


@pytest.mark.slow
def test_on_a_cluster_the_numbers_are_the_same(cluster, tmp_path):
    for study in (normals, small_ratios):
        there = on_cluster(study, 20, checkpoint=tmp_path / f"{study.__name__}.jsonl")
        here = montecarlo.run(study, 20, seed=SEED)
        pd.testing.assert_frame_equal(there, here, check_exact=True)

    def processes(rng):
        return {"process": os.getpid()}

    used = set(on_cluster(processes, 30)["process"])
    assert len(used) == 2
    assert os.getpid() not in used


def test_what_a_cluster_began_can_be_finished_at_home(cluster, tmp_path):
    kept = tmp_path / "study.jsonl"
    on_cluster(normals, 10, checkpoint=kept)
    found = montecarlo.run(normals, 15, seed=SEED, checkpoint=kept)
    pd.testing.assert_frame_equal(found, expected(normals, 15), check_exact=True)
    assert len(lines(kept)) == 16


def test_a_cluster_without_workers_is_not_waited_for_without_end(monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(montecarlo, "PATIENCE", 0.5)
    place = {"n_workers": 0, "host": "127.0.0.1", "dashboard_address": None, "silence_logs": 50}
    with (
        distributed.LocalCluster(**place) as empty,
        distributed.Client(empty),
        joblib.parallel_config(backend="dask"),
        pytest.raises(StudyError, match=r"no worker for 0\.5 seconds.* without the cluster"),
    ):
        montecarlo.run(normals, 2, seed=SEED)


def test_a_failure_on_a_cluster(cluster, tmp_path):
    kept = tmp_path / "study.jsonl"
    with pytest.raises(StudyError, match=f"replication {FAILING} of .*ZeroDivision") as caught:
        on_cluster(fails_once, 500, checkpoint=kept)
    assert "in fails_once" in "".join(caught.value.__notes__)
    assert FAILING <= len(lines(kept)) - 1 < 100


def test_a_worker_that_dies_costs_nothing(cluster, tmp_path):
    marker = tmp_path / "died"
    found = on_cluster(partial(kills_its_worker, marker=marker), 60)
    assert marker.exists()
    here = montecarlo.run(partial(kills_its_worker, marker=marker), 60, seed=SEED)
    pd.testing.assert_frame_equal(found, here, check_exact=True)


@pytest.mark.parametrize("case", ["killed", "cancelled"])
def test_a_result_that_is_lost_after_it_was_finished(cluster, tmp_path, monkeypatch, case):
    """Its worker dies between the end of the replication and the question for its numbers."""
    distributed, kept = sys.modules["distributed"], tmp_path / "study.jsonl"
    dead = SimpleNamespace(address="tcp://127.0.0.1:1")
    lost = {
        "killed": distributed.KilledWorker("task", dead, 3),
        "cancelled": distributed.client.FutureCancelledError("task", "lost dependencies"),
    }[case]
    asked, result = [], distributed.Future.result

    def dies(future):
        assert future.exception() is None
        asked.append(result(future)[0])
        if len(asked) == 7:
            raise lost
        return result(future)

    monkeypatch.setattr(distributed.Future, "result", dies)
    with pytest.raises(
        StudyError, match=f"with seed {SEED} was lost: {type(lost).__name__}: "
    ) as e:
        on_cluster(normals, 200, checkpoint=kept)
    assert asked[6] in under_way(e.value)
    assert not set(asked[:6]) & under_way(e.value)
    monkeypatch.undo()
    found = on_cluster(normals, 20, checkpoint=kept)
    pd.testing.assert_frame_equal(found, expected(normals, 20), check_exact=True)


@pytest.mark.slow
def test_a_replication_that_kills_every_worker_is_an_error_and_not_a_wait_without_end(
    cluster, tmp_path
):
    kept = tmp_path / "study.jsonl"
    cluster[0].scheduler.allowed_failures = 0
    with pytest.raises(
        StudyError, match=r"a result of .* was lost: KilledWorker: .*workers died"
    ) as caught:
        on_cluster(kills_its_worker, 40, checkpoint=kept)
    assert FAILING in under_way(caught.value)
    assert len(lines(kept)) > 1
