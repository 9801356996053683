"""Every public function beside every kind of bad argument: a sensible result or a named error.

The functions find themselves, from `__all__`. A good call of each is made from the names of its
arguments (`MAKERS`); then one argument after another is replaced by all that people pass by
mistake. A call may give a finite result, or raise an error of `mixfolio.errors` that says what is
wrong. It may not raise the error of another library, give NaN for finite input, or change what it
was given.
"""

import copy
import functools
import importlib
import inspect
import warnings
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import mixfolio
from mixfolio import agents, backtest, expected_returns, mixed_model, simulation
from mixfolio.errors import MixfolioError
from mixfolio.estimators import ESTIMATORS
from mixfolio.studies import claims, contests, covariance_losses, published

mpl.use("Agg")

# Rooms and names that are left out, each with its reason. Everything else public is in.
GIVEN_BACK = "what a function gives; users do not make it"
REPLICATION = "repeats a published study with worlds and moments of the book's own"
FILE = "reads or writes a file: tests of its own have the bad ones"
EXEMPT_ROOMS = {
    "mixfolio.errors": "what is raised",
    "mixfolio.studies.as_written": "repeats the steps of its sources, defects included",
    "mixfolio.sklearn": "scikit-learn's rule is that nothing is checked before fit",
}
EXEMPT = {
    "agents.Decision": GIVEN_BACK,
    "agents.Proposal": GIVEN_BACK,
    "backtest.BacktestResult": GIVEN_BACK,
    "covariance.CovariancePosterior": GIVEN_BACK,
    "covariance.Prial": GIVEN_BACK,
    "expected_returns.BayesStein": GIVEN_BACK,
    "expected_returns.BlackLitterman": GIVEN_BACK,
    "expected_returns.ViewMatrices": GIVEN_BACK,
    "inference.Difference": GIVEN_BACK,
    "metrics.RiskAttribution": GIVEN_BACK,
    "mixed_model.KernelModel": GIVEN_BACK,
    "mixed_model.LoadingModel": GIVEN_BACK,
    "mixed_model.MovingLoadingModel": GIVEN_BACK,
    "mixed_model.PanelModel": GIVEN_BACK,
    "mixed_model.ShrunkModel": GIVEN_BACK,
    "mixed_model.StudentModel": GIVEN_BACK,
    "optimization.EfficientFrontier": GIVEN_BACK,
    "optimization.QuadraticSolution": GIVEN_BACK,
    "portfolio.MixedModelPortfolio": GIVEN_BACK,
    "prices.Checks": GIVEN_BACK,
    "prices.Frequency": GIVEN_BACK,
    "relationship.Association": GIVEN_BACK,
    "relationship.Repair": GIVEN_BACK,
    "report.Report": GIVEN_BACK,
    "metrics.CovarianceModel": "a protocol: what a model must have",
    "optimization.ConstraintOptions": "a TypedDict: names of options, for type checkers",
    "datasets.read_prices": FILE,
    "datasets.read_returns": FILE,
    "prices.read_prices": FILE,
    "prices.read_returns": FILE,
    "prices.read_groups": FILE,
    "prices.read_weights": FILE,
    "prices.write_weights": FILE,
    "report.write_report": FILE,
    "studies.published.information_ratio": REPLICATION,
    "studies.published.information_ratios": REPLICATION,
    "studies.published.noise_turnover": REPLICATION,
    "studies.published.pca_without_diagonal": REPLICATION,
    "studies.published.three_frontiers": REPLICATION,
    "studies.covariance_losses.loss_curves": "takes what loss_draws gives",
    "studies.covariance_losses.winners": "takes what loss_draws gives",
    "datasets.catalogue": "takes no argument",
    "plotting.use_book_style": "takes no argument",
    "studies.one_over_n.demiguel_garlappi_uppal": "takes no argument",
}

N, T = 5, 60
NAMES = list("abcde")


def history(n_periods=T, scale=0.03):
    rng = np.random.default_rng(3)
    values = scale * (rng.standard_normal((n_periods, 1)) + rng.standard_normal((n_periods, N)))
    dates = pd.date_range("2001-01-31", periods=n_periods, freq="ME")
    return pd.DataFrame(values, dates, NAMES)


def prices():
    return 100 * (1 + history()).cumprod()


def matrix():
    return history().cov()


def groups():
    return pd.Series(list("xxyyy"), NAMES)


def weights():
    return pd.Series([0.3, 0.1, 0.2, 0.3, 0.1], NAMES)


def kernel():
    member = pd.get_dummies(groups()).astype(float)
    return member @ member.T


def signal(returns):
    return [expected_returns.View("a", "b", 0.01)]


def draw(rng):
    return {"x": float(rng.standard_normal())}


def axes():
    return mpl.figure.Figure().subplots()


def finite_table():
    return pd.DataFrame(np.random.default_rng(1).standard_normal((20, 3)), columns=list("pqr"))


@functools.cache
def proposal():
    return agents.propose(history(), [signal])


@functools.cache
def record():
    return backtest.walk_forward(
        history(), {"1/N": equal, "LW identity": equal_again}, window=24, step=6
    )


def equal(past):
    return pd.Series(1 / past.shape[1], past.columns)


def equal_again(past):
    return pd.Series(1 / past.shape[1], past.columns).mul([1.1, 0.9, 1, 1, 1])


@functools.cache
def contest():
    estimators = {name: ESTIMATORS[name] for name in ("sample", "LW identity")}
    portfolios = {"minimum variance": contests.PORTFOLIOS["minimum variance"]}
    return contests.evaluate(
        history(), window=24, step=6, estimators=estimators, portfolios=portfolios
    )


@functools.cache
def world():
    return simulation.FactorWorld(n_per_industry=3).draw(np.random.default_rng(2))


def context():
    return claims.Context(n_replications=2)


@functools.cache
def ledger():
    return claims.evaluate(context(), "two-assets")


@functools.cache
def loss_draws():
    return covariance_losses.loss_draws(
        2, seed=1, ratios=[0.5, 1.0], truths=["factor"], n_assets=6, estimators=["sample", "OAS"]
    )


# A maker for each name of an argument. "room.function.name" comes before the plain name.
MAKERS = {
    "returns": history,
    "prices": prices,
    "covariance": matrix,
    "matrix": matrix,
    "estimate": matrix,
    "truth": lambda: 1.1 * matrix(),
    "target": lambda: 1.0 * np.eye(N) * 0.001,
    "mean": lambda: history().mean() + 0.02,
    "weights": weights,
    "previous": lambda: equal(history()),
    "market_weights": weights,
    "groups": groups,
    "relationship": kernel,
    "kernels": lambda: {"group": kernel()},
    "rng": lambda: np.random.default_rng(5),
    "window": lambda: 24,
    "step": lambda: 6,
    "halflife": lambda: 24.0,
    "n_factors": lambda: 1,
    "periods_per_year": lambda: 12.0,
    "risk_aversion": lambda: 3.0,
    "excess_returns": lambda: history()["a"],
    "first": lambda: history()["a"],
    "second": lambda: history()["b"],
    "market": lambda: history().mean(axis=1),
    "views": lambda: [expected_returns.View("a", "b", 0.01)],
    "strategies": lambda: {"1/N": equal},
    "signals": lambda: [signal],
    "benchmark": lambda: "a",
    "features": lambda: history().T.iloc[:, :4],
    "n_clusters": lambda: 2,
    "assets": lambda: NAMES,
    "proposal": proposal,
    "limits": lambda: agents.Limits(max_position=0.9),
    "study": lambda: draw,
    "n_replications": lambda: 4,
    "seed": lambda: 1,
    "replication": lambda: 0,
    "n_resamples": lambda: 99,
    "n_permutations": lambda: 9,
    "n_periods": lambda: T,
    "n_assets": lambda: N,
    "windows": lambda: {"all": ("2001", "2005")},
    "records": lambda: record().returns,
    "result": record,
    "portfolio": lambda: "minimum variance",
    "freq": lambda: "QE",
    "dates": lambda: history().index,
    "pairs": lambda: [("a", "b")],
    "losses": lambda: np.arange(1.0, 9),
    "sample_losses": lambda: np.arange(2.0, 10),
    "x": lambda: np.linspace(-1, 1, 7),
    "degrees_of_freedom": lambda: 30,
    "eigenvalues": lambda: np.linspace(1, 2, N),
    "excess": lambda: np.linspace(1.0, 9, 4),
    "model": lambda: {"all": matrix()},
    "regimes": lambda: np.arange(T) % 2,
    "per_group": lambda: 1,
    "n_points": lambda: 5,
    "rate": lambda: 0.001,
    "turnover": lambda: 0.4,
    "daily": lambda: history()["a"],
    "fitted": lambda: 0.5 * history(),
    "table": history,
    "method": lambda: "sample",
    "names": lambda: ["p", "q"],
    "results": finite_table,
    "ax": axes,
    "text": lambda: "a line",
    "fixed": lambda: None,
    "labels": lambda: pd.Index(NAMES),
    "name": lambda: "1/N",
    "rivals": lambda: ["LW identity"],
    "covariance.hilbert_transform.x": lambda: np.linspace(-1, 1, 7),
    "covariance.log_marginal_likelihood.N": lambda: N,
    "covariance.log_marginal_likelihood.n": lambda: 40.0,
    "covariance.relative_eigenvalues.Y": lambda: history().to_numpy(),
    "covariance.relative_eigenvalues.V": lambda: np.eye(N),
    "covariance.relative_eigenvalues.n": lambda: 40.0,
    "covariance.regime_covariances.estimate": lambda: lambda past: np.cov(past, rowvar=False),
    "inference.pooled_variance_difference.first": history,
    "inference.pooled_variance_difference.second": lambda: (
        1.1 * history()[::-1].set_axis(history().index)
    ),
    "mixed_model.with_time_steps.estimate": lambda: mixed_model.covariance,
    "optimization.target_return.target": lambda: 0.02,
    "optimization.target_volatility.target": lambda: 0.05,
    "optimization.solve_quadratic.Q": lambda: np.eye(2),
    "optimization.solve_quadratic.c": lambda: np.ones(2),
    "optimization.solve_quadratic.A": lambda: np.ones((2, 1)),
    "optimization.solve_quadratic.b": lambda: np.ones(1),
    "plotting.label_line.x": lambda: 1.0,
    "plotting.label_line.y": lambda: 1.0,
    "relationship.association.first": kernel,
    "relationship.association.second": matrix,
    "relationship.combine.weights": lambda: {"group": 1.0},
    "studies.as_written.relationship_matrix.features": lambda: history().to_numpy().T,
    "covariance.regime_covariances.returns": lambda: history().to_numpy(),
}
MAKERS |= {
    f"metrics.{name}.returns": lambda: history()["a"]
    for name in (
        "annualised_volatility",
        "downside_deviation",
        "drawdown",
        "maximum_drawdown",
        "wealth",
    )
}
MAKERS |= {
    "plotting.paired_boxes.results": lambda: finite_table().set_axis(
        ["p in", "p out", "r"], axis=1
    ),
    "plotting.paired_boxes.names": lambda: ["p"],
    "plotting.stacked_weights.table": lambda: weights().to_frame("now").T,
    "plotting.stacked_weights.ax": axes,
    "prices.compound.freq": lambda: "Q",
    "studies.contests.conditions.windows": lambda: {"start": ("2001", "2003")},
    "studies.contests.differences.result": contest,
    "studies.contests.differences.name": lambda: "sample",
    "studies.contests.league.result": contest,
    "studies.contests.league.benchmarks": lambda: ["LW identity"],
}
MAKERS |= {
    "expected_returns.View.better": lambda: "a",
    "expected_returns.View.worse": lambda: "b",
    "expected_returns.View.value": lambda: 0.01,
    "backtest.OnArrays.strategy": lambda: equal,
    "estimators.Estimator.estimate": lambda: lambda past, groups: past.cov(),
    "estimators.Estimator.colour": lambda: "#000000",
    "estimators.Estimator.marker": lambda: "o",
    "estimators.FromLoadings.finish": lambda: lambda past, model: past.cov(),
    "datasets.describe.name": lambda: "asset-classes",
    "datasets.load.name": lambda: "asset-classes",
    "datasets.groups.name": lambda: "asset-classes",
    "datasets.published.name": lambda: "claims",
    "datasets.table.name": lambda: "dgu-sectors",
    "datasets.registered.name": lambda: "2026-11-28-time-and-groups",
    "plotting.frontier.volatility": lambda: np.linspace(0.1, 0.2, 3),
    "plotting.frontier.mean": lambda: np.linspace(0.1, 0.2, 3),
    "plotting.weights_over_time.weights": lambda: pd.DataFrame(0.2, history().index, NAMES),
    "prices.complete.source": lambda: "prices",
    "prices.evenly.source": lambda: "prices",
    "prices.evenly.table": prices,
    "prices.complete.missing": lambda: "raise",
    "simulation.World.mean": lambda: world().mean,
    "simulation.World.loadings": lambda: world().loadings,
    "simulation.World.factor_variance": lambda: world().factor_variance,
    "simulation.World.specific_variance": lambda: world().specific_variance,
    "simulation.World.groups": lambda: world().groups,
    "studies.as_written.common_slope.market": lambda: history().mean(axis=1),
    "studies.as_written.last_rows.n_assets": lambda: N,
    "studies.claims.counts.ledger": ledger,
    "studies.claims.to_html.ledger": ledger,
    "studies.claims.to_html.title": lambda: "Claims",
    "studies.claims.evaluate.context": context,
    "studies.claims.evaluate.group": lambda: "two-assets",
    "studies.claims.verdict.kind": lambda: "number",
    "studies.claims.verdict.printed": lambda: 17.3,
    "studies.claims.verdict.digits": lambda: 1,
    "studies.claims.verdict.outcome": lambda: claims.Outcome(value=17.32),
    "studies.departures.table.context": context,
    "studies.contests.evaluate.estimators": lambda: {"sample": ESTIMATORS["sample"]},
    "studies.contests.evaluate.portfolios": lambda: {
        "minimum variance": contests.PORTFOLIOS["minimum variance"]
    },
    "studies.covariance_losses.loss_curves.draws": loss_draws,
    "studies.covariance_losses.winners.draws": loss_draws,
    "studies.covariance_losses.loss_draws.n_replications": lambda: 2,
    "studies.covariance_losses.loss_draws.ratios": lambda: [0.5],
    "studies.covariance_losses.loss_draws.truths": lambda: ["factor"],
    "studies.covariance_losses.loss_draws.estimators": lambda: ["sample", "OAS"],
    "studies.covariance_losses.loss_draws.n_assets": lambda: 6,
    "studies.covariance_losses.estimator_losses.estimators": lambda: ["sample", "OAS"],
    "studies.covariance_losses.estimator_losses.n_assets": lambda: 6,
    "studies.covariance_losses.estimator_losses.n_periods": lambda: 12,
    "studies.published.cluster_errors.shares": lambda: (0.0, 0.2),
    "studies.published.factor_counts.counts": lambda: (1, 2),
    "studies.published.information_ratio.returns": lambda: history()["a"].to_numpy(),
    "studies.published.information_ratios.estimators": lambda: ("truth", "equal"),
    "studies.published.noise_turnover.mean": lambda: np.full(N, 0.01),
    "studies.published.noise_turnover.matrix": lambda: matrix().to_numpy(),
    "studies.published.noise_turnover.n_decisions": lambda: 3,
    "studies.published.three_frontiers.mean": lambda: np.linspace(0.01, 0.02, N),
    "studies.published.three_frontiers.matrix": lambda: matrix().to_numpy(),
    "studies.published.pca_without_diagonal.world": lambda: world(),
    "studies.published.pca_without_diagonal.noise": lambda: simulation.Noise(),
    "studies.published.pca_without_diagonal.train": lambda: (
        world().simulate(40, np.random.default_rng(1)).to_numpy()
    ),
    "studies.published.tails.common": lambda: True,
    "studies.published.tails.degrees_of_freedom": lambda: 4.0,
    "studies.size_of_tests.family_errors.n_records": lambda: 3,
    "studies.size_of_tests.formula_rejections.n_pairs": lambda: 5,
}
MAKERS["studies.published.one_industry.n_assets"] = lambda: 20
for name in dir(published):
    for size, value in {"n_train": 120, "n_test": 30, "n_per_industry": 3}.items():
        MAKERS[f"studies.published.{name}.{size}"] = functools.partial(int, value)
MAKERS["studies.published.overlapping_clusters.n_train"] = lambda: 500  # more than its assets
MAKERS["studies.misspecified.losses.n_train"] = lambda: 30
MAKERS["studies.misspecified.losses.n_per_industry"] = lambda: 3
# Optional arguments that are given too, so that they are tried.
GIVEN = {"groups", "relationship", "previous", "market_weights", "rng", "halflife", "market"}


def faces():
    """Public modules: the rooms, and the subjects of a room without names of its own."""
    for name in mixfolio.__all__:
        module = importlib.import_module(f"mixfolio.{name}")
        if module.__name__ in EXEMPT_ROOMS:
            continue
        if getattr(module, "__all__", []):
            yield module
        else:
            subjects = sorted(path.stem for path in Path(module.__path__[0]).glob("[a-z]*.py"))
            inside = [importlib.import_module(f"{module.__name__}.{one}") for one in subjects]
            yield from (one for one in inside if one.__name__ not in EXEMPT_ROOMS)


def doors():
    """Public functions and classes by name, without exceptions that are raised."""
    for module in faces():
        for name in module.__all__:
            item, full = getattr(module, name), f"{module.__name__}.{name}".partition(".")[2]
            raised = inspect.isclass(item) and issubclass(item, Exception)
            if (inspect.isfunction(item) or inspect.isclass(item)) and not raised:
                yield full, item


ALL = dict(doors())
DOORS = {full: item for full, item in ALL.items() if full not in EXEMPT}


def good_call(door):
    """Keyword arguments of a call that works."""
    call = {}
    for name, parameter in inspect.signature(DOORS[door]).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        own = f"{door}.{name}"
        if own in MAKERS:
            call[name] = MAKERS[own]()
        elif parameter.default is parameter.empty:
            assert name in MAKERS, f"add a maker of {own!r}, or of {name!r}, to MAKERS"
            call[name] = MAKERS[name]()
        elif name in ("n_resamples", "n_permutations") or (
            name in GIVEN and name in MAKERS and own not in NOT_GIVEN
        ):
            call[name] = MAKERS[name]()
    return call


NOT_GIVEN = {
    "mixed_model.panel_reml.relationship",
    "mixed_model.covariance.relationship",
    "mixed_model.fit.relationship",
    "portfolio.mixed_model_portfolio.relationship",
    "optimization.read_constraints.groups",
}


def labelled(values, like):
    if isinstance(like, pd.DataFrame):
        return pd.DataFrame(values, like.index, like.columns)
    return pd.Series(values, like.index) if isinstance(like, pd.Series) else values


def cell(value, like):
    numbers = np.array(like, dtype=type(value) if isinstance(value, complex) else float)
    numbers.flat[-1] = value
    return labelled(numbers, like)


def bad_tables(good):
    """What people pass for a table or a vector of numbers."""
    yield from {
        "NaN": cell(np.nan, good),
        "inf": cell(np.inf, good),
        "1e155": cell(1e155, good),
        "complex": cell(1j, good),
        "datetime64": np.full(np.shape(good), np.datetime64("2001-01-01", "ns")),
        "timedelta64": labelled(np.full(np.shape(good), np.timedelta64(1, "ns")), good),
        "masked": np.ma.masked_less(np.array(good, float), np.median(np.array(good, float))),
        "text cells": labelled(np.array(good).astype(object), good).astype(str),
        "empty": good[:0],
        "one row": good[:1],
        "gross": 1 + good,
        "log prices": np.log(100 * (1 + np.abs(good)).cumprod(axis=0)),
    }.items()
    if np.ndim(good) == 2:
        yield "no columns", good.iloc[:, :0] if hasattr(good, "iloc") else good[:, :0]
        yield "one column", good.iloc[:, :1] if hasattr(good, "iloc") else good[:, :1]
        yield "constant", 0.0 * good
    if isinstance(good, pd.DataFrame | pd.Series):
        yield "array", good.to_numpy()
        yield "repeated", good.set_axis([good.index[0]] * len(good))
        yield "backwards", good[::-1]
        yield "no labels", good.set_axis([np.nan] * len(good))
        if isinstance(good.index, pd.DatetimeIndex):
            yield "NaT", good.set_axis([pd.NaT, *good.index[1:]])


def bad(good):
    """Bad replacements of a good argument, by name."""
    yield from {
        "None": None,
        "a text": "abc",
        "bytes": b"abc",
        "a set": {1.0, 2.0},
        "a mapping": {"a": 1.0},
        "a list of texts": ["x", "y"],
        "True": True,
        "an object": object(),
        "a function": len,
        "a date": pd.Timestamp("2001-01-01"),
        "complex": 1j,
        "empty list": [],
        "nested": [[1.0], [2.0, 3.0]],
    }.items()
    numbers = {
        "-1": -1,
        "zero": 0,
        "half": 0.5,
        "10": 10,
        "NaN": np.nan,
        "inf": np.inf,
        "huge": 1e155,
        "10**400": 10**400,
    }
    if isinstance(good, int | float):
        # A million of anything is honest work, and no mistake.
        yield from numbers.items()
    elif isinstance(good, pd.DataFrame | pd.Series | np.ndarray):
        yield "a number", 3
        if np.asarray(good).dtype.kind in "fiu":
            yield from bad_tables(good)
    else:
        yield "a number", 3


def finite(result):
    """Whether all numbers of a result are finite, as deep as a user looks."""
    if isinstance(result, pd.DataFrame):
        return all(finite(result[name].to_numpy()) for name in result.columns.unique())
    if isinstance(result, pd.Series):
        return finite(result.to_numpy())
    if isinstance(result, np.ndarray):
        return result.dtype.kind not in "fc" or bool(np.isfinite(result).all())
    if isinstance(result, float | np.floating):
        return bool(np.isfinite(result))
    if isinstance(result, tuple | list):
        return all(map(finite, result))
    return True


def same(before, after):
    if isinstance(before, pd.DataFrame | pd.Series):
        return before.equals(after) and before.index.equals(after.index)
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")
    return True


def kept(call):
    """Copies of the tables of a call."""
    return {key: copy.deepcopy(v) for key, v in call.items() if hasattr(v, "copy")}


def fault(door, call):
    """What is wrong with the answer to a call, or None."""
    before = kept(call)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = DOORS[door](**call)
    except MixfolioError as error:
        return None if len(str(error)) > 15 else f"says only {error}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:90]}"
    if not finite(result):
        return "gives NaN or inf"
    changed = [key for key, value in before.items() if not same(value, call[key])]
    return f"changes {changed}" if changed else None


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    plt.close("all")


@pytest.mark.parametrize("door", DOORS)
def test_a_right_answer_or_a_named_error(door):
    call = good_call(door)
    before = kept(call)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = DOORS[door](**call)
    assert finite(result) or door in MISSING
    assert all(same(value, call[key]) for key, value in before.items())
    faults = []
    defaults = inspect.signature(DOORS[door]).parameters
    for name in [key for key, p in defaults.items() if p.kind is not p.VAR_KEYWORD]:
        good = call[name] if name in call else defaults[name].default
        for kind, value in bad(good):
            if (name, kind) in ALLOWED.get(door, ()):
                continue
            found = fault(door, good_call(door) | {name: value})
            if found:
                faults.append(f"{door}({name}={kind}): {found}")
    assert not faults, "\n".join(faults)


# Good calls with cells that are empty on purpose, and why.
MISSING = {
    "datasets.load": "some series begin late",
    "datasets.published": "a claim without a printed number",
    "studies.claims.evaluate": "a claim without a printed number",
    "studies.contests.league": "a row is not tested against itself",
}

# What is right all the same, and why.
ALLOWED = {
    # A missing price is a missing return: what becomes of it is the next step's question.
    "prices.to_returns": {("prices", "NaN")},
    "prices.compound": {("returns", "NaN")},
    # It chooses rows by their dates and reads no cell; the checks of prices come after it.
    "prices.evenly": {("table", "NaN"), ("table", "inf")},
    # A row is not tested against itself: no p-value there.
    "studies.contests.league": {
        ("periods_per_year", "half"),
        ("periods_per_year", "10"),
        ("risk_free", "None"),
    },
    # Without dates nothing tells the frequency, and infinity means equal weights, as documented.
    "mixed_model.usual_halflife": {
        ("returns", kind)
        for kind in (
            "a list of texts",
            "empty list",
            "empty",
            "one row",
            "array",
            "repeated",
            "backwards",
            "no labels",
            "NaT",
        )
    },
    # The error of a function that the caller wrote is the caller's.
    "covariance.shrink_eigenvalues": {("hilbert", "a function")},
    "portfolio.mixed_model_portfolio": {("estimate", "a function")},
    "studies.contests.evaluate": {("estimators", "a mapping"), ("portfolios", "a mapping")},
    # All claims, some of them without a printed number.
    "studies.claims.evaluate": {("group", "None")},
    # Both readers refuse infinities by themselves, each in its own words.
    "prices.complete": {("table", "inf")},
    # Starting ten processes is no mistake, and slow.
    "backtest.walk_forward": {("n_jobs", "-1"), ("n_jobs", "10")},
    "montecarlo.run": {("n_jobs", "-1"), ("n_jobs", "10")},
    # One replication has no standard error.
    "montecarlo.summary": {("results", "one row")},
}


def test_the_fuzz_sees_a_fault(monkeypatch):
    def careless(returns):
        return returns.iloc[0, 0] / 0 if returns is None else np.log(-np.abs(returns))

    monkeypatch.setitem(DOORS, "careless", careless)
    assert fault("careless", {"returns": None}).startswith("AttributeError")
    assert fault("careless", {"returns": history()}) == "gives NaN or inf"


def test_a_door_without_its_check_is_seen(monkeypatch):
    door = "covariance.clip_eigenvalues"
    call = good_call(door) | {"returns": "abc"}
    assert fault(door, call) is None
    monkeypatch.setitem(DOORS, door, lambda returns: returns - returns.mean())
    assert "Error: " in fault(door, call)
    monkeypatch.setitem(DOORS, door, lambda returns: returns.fillna(0, inplace=True))
    hole = cell(np.nan, history())
    assert fault(door, {"returns": hole}) == "changes ['returns']"


def test_what_is_exempt_exists():
    assert set(EXEMPT) <= set(ALL)
    assert all(importlib.import_module(name) for name in EXEMPT_ROOMS)
