"""Computations behind the claims of the simulation article (Woeltjen, 2019) and its repository."""

from functools import partial

import numpy as np
import pandas as pd

from mixfolio import covariance, datasets, montecarlo, optimization
from mixfolio._inputs import Array
from mixfolio.simulation import FactorWorld, Noise
from mixfolio.studies import laws
from mixfolio.studies._claims_context import Context
from mixfolio.studies._claims_core import Outcome, Registry
from mixfolio.studies._claims_mean_variance import mean_correlation

COMPUTATIONS = Registry()
claim = COMPUTATIONS.of
N_RUNS = 10
"""Runs over which the repository averages."""


def _mean(column: "pd.Series[float]") -> tuple[float, float]:
    """Mean over the replications and its standard error."""
    return float(column.mean()), float(column.std() / np.sqrt(len(column)))


def _apart(first: "pd.Series[float]", second: "pd.Series[float]") -> tuple[float, float]:
    return _mean(first - second)


def _ahead(first: "pd.Series[float]", second: "pd.Series[float]") -> Outcome:
    """Whether the first is higher by more than three standard errors."""
    gap, error = _apart(first, second)
    text = f"{first.mean():.1f} against {second.mean():.1f}: {gap:+.1f} ± {error:.1f}"
    return Outcome(text, holds=gap > 3 * error)


# -------------------------------------------------------------------------------- what is known


@claim("sim-optimal")
def _optimal(context: Context) -> Outcome:
    """No disturbed portfolio beats the optimum under the true moments."""
    mean, truth = context.world.mean.to_numpy(), context.world.truth.to_numpy()
    best, rng = optimization.zero_cost_sharpe(mean, truth), context.rng(21)

    def ratio(w: Array) -> float:
        return float(w @ mean / np.sqrt(w @ truth @ w))

    trials = [best + 0.1 * np.abs(best).mean() * rng.standard_normal(len(best)) for _ in range(200)]
    beaten = max(ratio(w - w.mean()) for w in trials) < ratio(best)
    return Outcome("200 disturbed portfolios have lower ratios", holds=bool(beaten))


@claim("sim-naive-wins")
def _naive(context: Context) -> Outcome:
    sharpe = datasets.published("demiguel2009").loc["sharpe"]
    lower = int((sharpe.loc["MV"].to_numpy() < sharpe.loc["EW"].to_numpy()).sum())
    text = f"in the paper's own table 3, lower in {lower} of {sharpe.shape[1]} data sets"
    return Outcome(text, holds=lower == sharpe.shape[1])


@claim("sim-not-tails")
def _not_tails(context: Context) -> Outcome:
    """The sample covariance loses as much with normal returns as with heavy tails."""
    lost = [
        (run["sample out"] / run["truth out"]).mean() for run in (context.gaussian, context.matched)
    ]
    text = f"share of the best kept: {lost[0]:.2f} with normal noise, {lost[1]:.2f} with GARCH"
    return Outcome(text, holds=bool(lost[0] < 0.5 and abs(lost[0] - lost[1]) < 0.05))


@claim("sim-grows-with-n")
def _grows(context: Context) -> Outcome:
    kept = [laws.realised_ratio(n, 500) for n in (10, 50, 150, 300, 450)]
    text = f"500 days: {kept[0]:.2f} of the best with 10 assets, {kept[-1]:.2f} with 450"
    return Outcome(text, holds=kept == sorted(kept, reverse=True))


@claim("sim-zeros")
def _zeros(context: Context) -> Outcome:
    """Exact zeros in sample covariances of two independent assets."""
    x = context.rng(22).standard_normal((2000, 2, 30))
    x -= x.mean(axis=2, keepdims=True)
    zeros = int(((x[:, 0] * x[:, 1]).sum(axis=1) == 0).sum())
    text = f"{zeros} exact zeros in 2000 samples of two assets: the probability is zero for every N"
    return Outcome(text, holds=zeros > 0)


@claim("sim-shorts-positive")
def _shorts(context: Context) -> Outcome:
    """The position in j that lowers the variance of one unit of i most is -cov / var."""
    pair = np.array([[1.0, 0.1], [0.1, 1.0]])
    hedge = -pair[0, 1] / pair[1, 1]
    before, after = pair[0, 0], np.array([1.0, hedge]) @ pair @ [1.0, hedge]
    text = f"covariance .1: a hedge of {hedge:.1f} lowers the perceived variance to {after:.2f}"
    return Outcome(text, holds=hedge < 0 and after < before)


@claim("sim-shorts-wrong")
def _wrong(context: Context) -> Outcome:
    """The same hedge when the assets are independent."""
    true = np.array([1.0, -0.1]) @ np.eye(2) @ [1.0, -0.1]
    return Outcome(f"true variance {true:.2f} instead of 1", holds=bool(true > 1))


# ------------------------------------------------------------------------------ the factor world


@claim("sim-covariance", "sim-matrix-form")
def _covariance(context: Context) -> Outcome:
    """Entries of a long simulation, in their standard errors."""
    world = FactorWorld(n_per_industry=8).draw(context.rng(23))
    T = 20_000
    truth = world.truth.to_numpy()
    found = covariance.sample(world.simulate(T, context.rng(24)).to_numpy())
    v = np.diag(truth)
    z = (found - truth) / np.sqrt((np.outer(v, v) + truth**2) / T)
    spread = float(z[np.triu_indices(len(z))].std())
    text = f"20,000 simulated days: entries are off by {spread:.1f} standard errors (rms)"
    return Outcome(text, holds=spread < 1.5)


def _parts(context: Context) -> tuple[Array, Array, Array, Array]:
    world = context.world
    return (
        world.truth.to_numpy(),
        np.asarray(world.loadings, dtype=float),
        np.asarray(world.factor_variance, dtype=float),
        np.asarray(world.specific_variance, dtype=float),
    )


@claim("sim-variance-one")
def _variance_one(context: Context) -> Outcome:
    truth, B, v, d = _parts(context)
    same = np.allclose((B**2 * v).sum(axis=1) + d, np.diag(truth))
    return Outcome("agrees for 450 stocks", holds=bool(same))


@claim("sim-covariance-two", "sim-factors-only")
def _covariance_two(context: Context) -> Outcome:
    truth, B, v, _ = _parts(context)
    sums = (B * v) @ B.T
    off = ~np.eye(len(truth), dtype=bool)
    return Outcome("agrees for all pairs", holds=bool(np.allclose(sums[off], truth[off])))


@claim("sim-sum-form")
def _sum_form(context: Context) -> Outcome:
    truth, B, v, d = _parts(context)
    total = sum(v[k] * np.outer(B[:, k], B[:, k]) for k in range(len(v))) + np.diag(d)
    text = "agrees if the misprinted e squared is read as the factor variance"
    return Outcome(text, holds=bool(np.allclose(total, truth)))


@claim("sim-rank")
def _rank(context: Context) -> Outcome:
    _, B, v, _ = _parts(context)
    rank = int(np.linalg.matrix_rank((B * v) @ B.T))
    return Outcome(f"rank of the systematic part: {rank}", holds=rank == len(v))


@claim("sim-smooth")
def _smooth(context: Context) -> Outcome:
    runs = context.one_industry(100)
    return _ahead(runs["sample out"], 3 * runs["long-only sample out"])


@claim("sim-hedged")
def _hedged(context: Context) -> Outcome:
    share = _factor_shares(context)["with shorts"]
    return Outcome(f"factors are {share:.1%} of the variance", holds=share < 0.05)


@claim("sim-irreducible")
def _irreducible(context: Context) -> Outcome:
    share = _factor_shares(context)["long only"]
    return Outcome(f"factors are {share:.0%} of the variance", holds=share > 0.5)


def _factor_shares(context: Context) -> dict[str, float]:
    """Share of the factors in the variance of the best portfolios of one industry."""
    world = FactorWorld({"manufacturing": 0.10}, 100).draw(context.rng(25))
    mean, truth = world.mean.to_numpy(), world.truth.to_numpy()
    B, v = np.asarray(world.loadings), np.asarray(world.factor_variance)
    weights = {
        "with shorts": optimization.zero_cost_sharpe(mean, truth),
        "long only": optimization.maximum_sharpe(mean, truth),
    }
    return {k: float(((B.T @ w) ** 2 * v).sum() / (w @ truth @ w)) for k, w in weights.items()}


def _growth(rng: np.random.Generator, *, n: int) -> dict[str, float]:
    """Best ratio of n stocks of one industry, with shorts and without."""
    world = FactorWorld({"manufacturing": 0.10}, n).draw(rng)
    mean, truth = world.mean.to_numpy(), world.truth.to_numpy()

    def ratio(w: Array) -> float:
        return float(w @ mean / np.sqrt(w @ truth @ w))

    return {
        "shorts": ratio(optimization.zero_cost_sharpe(mean, truth)),
        "long": ratio(optimization.maximum_sharpe(mean, truth)),
    }


def _four_times(context: Context, which: str) -> tuple[float, float]:
    """How the best ratio grows from 100 to 400 stocks, with its standard error."""
    runs = [montecarlo.run(partial(_growth, n=n), 12, seed=context.seed)[which] for n in (100, 400)]
    return _mean(runs[1] / runs[0])


@claim("sim-independent-bets")
def _bets(context: Context) -> Outcome:
    growth, error = _four_times(context, "shorts")
    text = (
        f"four times the stocks, {growth:.2f} ± {error:.2f} times the ratio (independent bets: 2)"
    )
    return Outcome(text, holds=abs(growth - 2) < 3 * error + 0.1)


@claim("sim-only-shorts")
def _only_shorts(context: Context) -> Outcome:
    growth, error = _four_times(context, "long")
    text = f"long only, four times the stocks: {growth:.2f} ± {error:.2f} times the ratio"
    return Outcome(text, holds=growth < 1.3)


# ------------------------------------------------------------------------- nine industries, tails


@claim("sim-in-above-truth")
def _in_above(context: Context) -> Outcome:
    return _ahead(context.gaussian["sample in"], context.gaussian["truth in"])


@claim("sim-out-below-equal", "sim-underperform")
def _out_below(context: Context) -> Outcome:
    return _ahead(context.gaussian["equal out"], context.gaussian["sample out"])


@claim("sim-hierarchical-near")
def _near(context: Context) -> Outcome:
    runs = context.gaussian
    far = {
        name: [
            abs(runs[f"{name} {part}"] / runs[f"truth {part}"] - 1).mean() for part in ("in", "out")
        ]
        for name in ("hierarchical", "sample")
    }
    text = (
        f"off by {far['hierarchical'][0]:.0%} in and {far['hierarchical'][1]:.0%} out of sample; "
        f"the sample by {far['sample'][0]:.0%} and {far['sample'][1]:.0%}"
    )
    closer = all(a < b for a, b in zip(far["hierarchical"], far["sample"], strict=True))
    return Outcome(text, holds=bool(closer))


@claim("sim-hierarchical-beats")
def _beats(context: Context) -> Outcome:
    return _ahead(context.gaussian["hierarchical out"], context.gaussian["equal out"])


@claim("sim-pca-beats", "sim-both-better")
def _pca_beats(context: Context) -> Outcome:
    return _ahead(context.gaussian["PCA out"], context.gaussian["sample out"])


@claim("sim-garch-hierarchical")
def _garch_hierarchical(context: Context) -> Outcome:
    return _ahead(context.garch["hierarchical out"], context.garch["equal out"])


@claim("sim-garch-pca")
def _garch_pca(context: Context) -> Outcome:
    share, error = _mean(context.garch["PCA out"] / context.garch["truth out"])
    return Outcome(f"{share:.3f} ± {error:.3f} of the truth's ratio", holds=share > 0.9)


@claim("sim-garch-worse")
def _garch_worse(context: Context) -> Outcome:
    """At equal variance: does the tail cost the sample covariance anything?"""
    gap, error = _apart(context.matched["sample out"], context.gaussian["sample out"])
    text = (
        f"at equal variance {gap:+.2f} ± {error:.2f}; the published variance is five times as high"
    )
    return Outcome(text, holds=gap < -3 * error)


@claim("sim-garch-extreme")
def _garch_extreme(context: Context) -> Outcome:
    """99.9% quantiles of absolute noise, in units of the Gaussian one."""
    variances, T = np.full(200, 1e-4), 1000
    laws_of = {
        "normal": Noise(),
        "published": Noise("garch", match_variance=False),
        "equal": Noise("garch"),
    }
    far = {
        k: float(np.quantile(np.abs(noise.draw(variances, T, context.rng(26))), 0.999))
        for k, noise in laws_of.items()
    }
    more = {k: v / far["normal"] for k, v in far.items()}
    there, matched = more["published"], more["equal"]
    text = f"{there:.1f} times the normal quantile of 99.9%; {matched:.1f} at equal variance"
    return Outcome(text, holds=more["published"] > 1.5)


@claim("sim-garch-variance", "sim-garch-truth")
def _garch_variance(context: Context) -> Outcome:
    """The formula against a long simulation with mild coefficients, whose fourth moment exists."""
    noise = Noise("garch", alpha=0.1, beta=0.8, match_variance=False)
    e = noise.draw(np.full(1000, 1.0), 2000, context.rng(27))
    by_series = (e**2).mean(axis=0)
    mean, error = float(by_series.mean()), float(by_series.std() / np.sqrt(len(by_series)))
    text = f"formula {noise.variance_factor:.0f} times omega, simulated {mean:.2f} ± {error:.2f}"
    return Outcome(text, holds=abs(mean - noise.variance_factor) < 3 * error)


@claim("sim-hedging-needed")
def _needed(context: Context) -> Outcome:
    runs = context.one_industry(100)
    return _ahead(runs["truth out"], runs["long-only truth out"])


@claim("sim-nonstationary")
def _nonstationary(context: Context) -> Outcome:
    days = context.days.loc[context.fear.index]
    levels = [mean_correlation(days[context.fear == k]) for k in range(3)]
    text = "mean correlation by terciles of the VIX: " + ", ".join(f"{x:.2f}" for x in levels)
    return Outcome(text, holds=levels[2] > 1.5 * levels[0])


# --------------------------------------------------------------------------- principal components


def _spectrum(context: Context) -> Array:
    S = covariance.sample(context.history.to_numpy())
    return np.asarray(np.linalg.eigvalsh(S)[::-1])


@claim("sim-spectral")
def _spectral(context: Context) -> Outcome:
    S = covariance.sample(context.history.to_numpy())
    values, Q = np.linalg.eigh(S)
    same = np.allclose((Q * values) @ Q.T, S) and np.allclose(Q.T @ Q, np.eye(len(S)))
    return Outcome("holds to rounding", holds=bool(same))


@claim("sim-explained")
def _explained(context: Context) -> Outcome:
    values = _spectrum(context)
    ratios = values[:30] / values[1:31]
    cut = int(ratios[1:].argmax()) + 2  # the market's own lead does not count
    share = values[:10].sum() / values.sum()
    text = (
        f"ten components explain {share:.0%}; the widest gap after the first follows number {cut}"
    )
    return Outcome(text, holds=cut == 10)


@claim("sim-definite")
def _definite(context: Context) -> Outcome:
    lowest = _spectrum(context)[-1]
    short = np.linalg.matrix_rank(covariance.sample(context.history.to_numpy()[:250]))
    text = f"all positive with 500 days; with 250 days {450 - short} of 450 would be zero"
    return Outcome(text, holds=bool(lowest > 0))


def _low_rank(context: Context) -> Array:
    return covariance.pca(context.history.to_numpy(), n_factors=10, diagonal=False)


@claim("sim-semidefinite")
def _semidefinite(context: Context) -> Outcome:
    values = np.linalg.eigvalsh(_low_rank(context))
    return Outcome("no negative eigenvalue but for rounding", holds=bool(values[0] > -1e-12))


@claim("sim-proper")
def _proper(context: Context) -> Outcome:
    """Whether the matrix that is given to the optimiser has a best portfolio."""
    rank = int(np.linalg.matrix_rank(_low_rank(context)))
    text = f"rank {rank} of 450: portfolios without perceived risk exist, and no best one"
    return Outcome(text, holds=rank == 450)


@claim("sim-similar")
def _similar(context: Context) -> Outcome:
    S, low = covariance.sample(context.history.to_numpy()), _low_rank(context)
    gap = float(np.linalg.norm(S - low) / np.linalg.norm(S))
    return Outcome(f"relative difference {gap:.2f} (Frobenius norm)", holds=gap < 0.2)


@claim("sim-less-noise")
def _less_noise(context: Context) -> Outcome:
    """Distance to the truth off the diagonal, of both matrices."""
    S, low = covariance.sample(context.history.to_numpy()), _low_rank(context)
    truth, off = context.world.truth.to_numpy(), ~np.eye(450, dtype=bool)
    far = [float(np.linalg.norm((m - truth)[off])) for m in (low, S)]
    text = f"error off the diagonal {far[0] / far[1]:.3f} times that of the sample"
    return Outcome(text, holds=far[0] < far[1])


# ---------------------------------------------------------------- printed in the repository alone


def _average(context: Context, noise: str, column: str) -> Outcome:
    """A mean over ten runs beside ours: the error has both sampling errors."""
    runs: pd.DataFrame = getattr(context, noise)
    mean, error = _mean(runs[column])
    both = float(np.hypot(error, runs[column].std() / np.sqrt(N_RUNS)))
    return Outcome(f"± {error:.2f}", value=mean, error=both)


AVERAGES = {"truth": "truth", "sample": "sample", "equal": "equal", "pca": "PCA"}
for _key, _name in AVERAGES.items():
    for _part in ("in", "out"):
        COMPUTATIONS[f"sim-mean-{_key}-{_part}"] = partial(
            _average, noise="gaussian", column=f"{_name} {_part}"
        )
    COMPUTATIONS[f"sim-garch-mean-{_key}"] = partial(_average, noise="garch", column=f"{_name} out")
for _part in ("in", "out"):
    COMPUTATIONS[f"sim-mean-hierarchical-{_part}"] = partial(
        _average, noise="gaussian", column=f"hierarchical, published {_part}"
    )
COMPUTATIONS["sim-garch-mean-hierarchical"] = partial(
    _average, noise="garch", column="hierarchical out"
)


def _single(context: Context, n_assets: int, column: str) -> Outcome:
    """A single run beside ours: its error is the spread of a run."""
    column_of = context.one_industry(n_assets)[column]
    mean, error = _mean(column_of)
    text = f"± {error:.2f}; runs spread by {column_of.std():.1f}"
    return Outcome(text, value=mean, error=float(np.hypot(error, column_of.std())))


SINGLES = {
    "sample-in": "sample in",
    "sample-out": "sample out",
    "equal-in": "equal in",
    "long-sample-in": "long-only sample in",
    "long-sample-out": "long-only sample out",
    "long-equal-in": "long-only equal in",
}
for _key, _column in SINGLES.items():
    COMPUTATIONS[f"sim-100-{_key}"] = partial(_single, n_assets=100, column=_column)
for _key in ("sample-in", "sample-out", "equal-in"):
    COMPUTATIONS[f"sim-300-{_key}"] = partial(_single, n_assets=300, column=SINGLES[_key])
