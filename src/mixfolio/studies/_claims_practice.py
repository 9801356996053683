"""Computations behind the tutorial's assumptions, advantages, factors, advice and outlook."""

from functools import cache, partial

import numpy as np
import pandas as pd
from scipy import stats

from mixfolio import (
    covariance,
    datasets,
    inference,
    metrics,
    mixed_model,
    optimization,
    relationship,
    simulation,
)
from mixfolio._inputs import Array
from mixfolio.estimators import CONTROLS, ESTIMATORS
from mixfolio.simulation import FactorWorld, Noise
from mixfolio.studies import laws
from mixfolio.studies._claims_context import STAND_INS, TICKERS, Context
from mixfolio.studies._claims_core import Outcome, Registry
from mixfolio.studies._claims_tutorial import record_of_stand_ins

COMPUTATIONS = Registry()
claim = COMPUTATIONS.of
MODEL, BLIND, PLAIN = "mixed model", "mixed model, no groups", "LW identity"
STUDENT = Noise("student", degrees_of_freedom=4.0)


# ---------------------------------------------------------------------- simulated shocks and sizes


@cache
def _losses(context: Context, noise: Noise, n_per_industry: int) -> pd.DataFrame:
    """Log volatility of minimum variance with shorts in worlds of nine industries, 60 periods."""
    known, rows = dict(ESTIMATORS) | dict(CONTROLS), []
    for k in range(context.n_replications):
        rng = context.rng(51, k)
        world = FactorWorld(n_per_industry=n_per_industry).draw(rng)
        past, truth = world.simulate(60, rng, noise), world.truth
        row = {}
        for name in ("sample", PLAIN, BLIND, MODEL):
            w = optimization.minimum_variance(known[name](past, world.groups), long_only=False)
            row[name] = float(np.log(metrics.volatility(w, truth)))
        rows.append(row)
    return pd.DataFrame(rows)


def _gap(context: Context, noise: Noise, size: int, other: str) -> tuple[float, float]:
    """Change of volatility by the mixed model in per cent, and its standard error."""
    losses = _losses(context, noise, size)
    gap = 100 * (losses[MODEL] - losses[other])
    return float(gap.mean()), float(gap.std() / np.sqrt(len(gap)))


def _clearly_less(context: Context, noise: Noise, other: str) -> Outcome:
    mean, error = _gap(context, noise, 5, other)
    text = f"45 stocks, 60 periods: volatility changes by {mean:.1f}% ± {error:.1f}%"
    return Outcome(text, holds=mean < -2 * error)


for _key, _noise, _other in (
    ("regularise", Noise(), "sample"),
    ("beyond-factors", Noise(), BLIND),
    ("normal-student", STUDENT, "sample"),
    ("normal-garch", Noise("garch"), "sample"),
):
    COMPUTATIONS[f"mm-{_key}"] = partial(_clearly_less, noise=_noise, other=_other)


@claim("mm-thirty")
def _thirty(context: Context) -> Outcome:
    """The lead over shrinkage to the identity, with nine stocks and with 36."""
    (few, few_se), (many, many_se) = (_gap(context, Noise(), n, PLAIN) for n in (1, 4))
    text = (
        f"volatility against simple shrinkage: {few:+.1f}% ± {few_se:.1f}% with 9 stocks, "
        f"{many:+.1f}% ± {many_se:.1f}% with 36; its own example has 10"
    )
    return Outcome(text, holds=few > -2 * few_se and many < -2 * many_se)


def _kept(years: dict[str, int]) -> str:
    kept = {name: laws.realised_ratio(30, T, zero_cost=False) for name, T in years.items()}
    return ", ".join(f"{share:.2f} with {name}" for name, share in kept.items())


@claim("mm-years")
def _years(context: Context) -> Outcome:
    text = "kept: " + _kept({"36 months": 36, "60 months": 60})
    return Outcome(text, holds=laws.realised_ratio(30, 60, zero_cost=False) > 0.9)


@claim("mm-years-daily")
def _years_daily(context: Context) -> Outcome:
    text = "kept, if nothing changes: " + _kept({"750 days": 750, "1250 days": 1250})
    return Outcome(text, holds=laws.realised_ratio(30, 750, zero_cost=False) > 0.9)


# ---------------------------------------------------------------------------------- asset classes


def _pairs(matrix: Array) -> Array:
    """Correlations of all pairs of a covariance."""
    d = np.sqrt(np.diagonal(matrix))
    return np.asarray((matrix / np.outer(d, d))[np.triu_indices(len(matrix), 1)])


@claim("mm-persistent")
def _persistent(context: Context) -> Outcome:
    """Correlations to 2014 against those since 2015, of the sample and of the model."""
    returns = context.classes[STAND_INS]
    past, later = returns.loc[:"2014"], returns.loc["2015":]
    labels = datasets.groups("asset-classes")[STAND_INS]
    truth = _pairs(later.cov().to_numpy())
    errors = [
        float(np.sqrt(((_pairs(np.asarray(matrix)) - truth) ** 2).mean()))
        for matrix in (past.cov(), ESTIMATORS[MODEL](past, labels))
    ]
    text = f"error of correlations to come: sample {errors[0]:.3f}, model {errors[1]:.3f}"
    return Outcome(text, holds=errors[1] < errors[0])


@claim("mm-classes")
def _classes(context: Context) -> Outcome:
    K = relationship.from_groups(datasets.groups("asset-classes")[STAND_INS])
    found = relationship.association(
        K, context.classes[STAND_INS].corr(), rng=context.rng(52), n_permutations=499
    )
    text = (
        f"labels of class go with correlations by {found.correlation:.2f}, p = {found.p_value:.3f}"
    )
    return Outcome(text, holds=found.correlation > 0 and found.p_value < 0.05)


@claim("mm-simple")
def _simple(context: Context) -> Outcome:
    """The same estimate with labels of class and without, on the record of the stand-ins."""
    record = record_of_stand_ins(context)
    test = inference.variance_difference(
        record[MODEL], record[BLIND], rng=context.rng(53), n_resamples=999
    )
    change = 100 * float(record[MODEL].std() / record[BLIND].std() - 1)
    text = (
        f"classes change the volatility of the stand-ins by {change:+.1f}%, p = {test.p_value:.2f}"
    )
    return Outcome(text, holds=bool(change < 0 and test.p_value < 0.05))


@claim("mm-update")
def _update(context: Context) -> Outcome:
    """Characteristics of 2005-09 and of 2015-19 against correlations since 2020."""
    returns = context.classes[STAND_INS]
    later = returns.loc["2020":].corr()
    old, new = (
        relationship.association(
            relationship.kernel(relationship.characteristics(returns.loc[part])), later
        ).correlation
        for part in (slice("2005", "2009"), slice("2015", "2019"))
    )
    text = f"with correlations since 2020: {new:.2f} if made in 2015-19, {old:.2f} if in 2005-09"
    return Outcome(text, holds=new > old)


# ----------------------------------------------------------------- what was downloaded and dropped


@cache
def _environment(context: Context) -> pd.DataFrame:
    """Monthly changes of the VIX, the dollar and the ten-year yield, 2002 to 2024."""
    series = {
        "VIX": np.log(datasets.load("vix")["close"]),
        "dollar": np.log(datasets.load("dollar")["dollar"]),
        "yield": datasets.load("treasury-yields")["10Y"],
    }
    ends = {name: s.dropna().resample("ME").last().diff() for name, s in series.items()}
    return pd.DataFrame(ends).loc["2002-02":"2024-05"].to_period("M")


def _wald(y: Array, kept: Array, added: Array) -> float:
    """The p-value of added regressors, robust to unequal variances."""
    X = np.column_stack([np.ones(len(y)), kept, added])
    inverse, q = np.linalg.inv(X.T @ X), added.shape[1]
    b = inverse @ X.T @ y
    scores = X * (y - X @ b)[:, None]
    V = (inverse @ scores.T @ scores @ inverse)[-q:, -q:]
    return float(stats.chi2.sf(b[-q:] @ np.linalg.solve(V, b[-q:]), q))


@claim("mm-factors-inform")
def _inform(context: Context) -> Outcome:
    found = _environment(context)
    returns = context.classes.to_period("M").loc[found.index]
    market = returns["MSCI US"].to_numpy()
    names = [name for name in STAND_INS if name != "MSCI US"]
    p = [_wald(returns[name].to_numpy(), market, found.to_numpy()) for name in names]
    clear = int((np.array(p) < 0.05).sum())
    text = (
        f"VIX, dollar and ten-year yield add to the market in {clear} of nine stand-ins (p < .05)"
    )
    return Outcome(text, holds=clear > 4)


@claim("mm-trend-used")
def _trend(context: Context) -> Outcome:
    """A trend and eleven months of the year in the average stand-in, beside the market."""
    returns = context.classes[STAND_INS]
    dates = pd.DatetimeIndex(returns.index)
    season = pd.get_dummies(dates.month).to_numpy(dtype=np.float64)[:, 1:]
    trend = np.arange(len(returns), dtype=np.float64)[:, None] / 12
    y, market = returns.mean(axis=1).to_numpy(), returns["MSCI US"].to_numpy()
    p = [_wald(y, market, part) for part in (trend, season)]
    text = f"beside the market: p = {p[0]:.3f} for a trend, {p[1]:.3f} for the month of the year"
    return Outcome(text, holds=max(p) < 0.05)


@claim("mm-synthetic-others")
def _synthetic(context: Context) -> Outcome:
    """Changes of the volatility that is made up, and of the VIX, beside the market."""
    made_up = simulation.made_up_factors(2500, context.rng(54)).diff().dropna()
    fake = float(made_up["VOLATILITY"].corr(made_up["MARKET"]))
    both = _environment(context).join(context.classes[["MSCI US"]].to_period("M"))
    real = float(both["VIX"].corr(both["MSCI US"]))
    text = f"changes correlate with the market by {fake:.2f}, those of the VIX by {real:.2f}"
    return Outcome(text, holds=abs(fake) > abs(real) / 2)


@claim("mm-symbol")
def _symbol(context: Context) -> Outcome:
    first = datasets.load("dollar").index[0]
    return Outcome(f"rebuilt in our data from exchange rates since {first:%Y}")


@claim("mm-funds")
def _funds(context: Context) -> Outcome:
    ours = datasets.load("etfs-daily")
    held = [name for name in TICKERS if name in ours]
    return Outcome(f"our data have {', '.join(held)}, until {ours.index[-1]:%Y}")


# ------------------------------------------------------------------------------ what was announced


@claim("mm-future-bayes")
def _bayes(context: Context) -> Outcome:
    """A posterior of the weights of the stand-ins, with a target of earlier years."""
    returns = context.classes[STAND_INS]
    labels = datasets.groups("asset-classes")[STAND_INS]
    target = mixed_model.random_loadings(returns.loc[:"2014"], labels)
    known = covariance.posterior(returns.loc["2015":], target)
    row = known.minimum_variance_weights(0.9).loc["Global Bonds"]
    return Outcome(f"done here: global bonds {row['mean']:.0%} ± {row['sd']:.0%}, with shorts")


@claim("mm-future-dynamic")
def _dynamic(context: Context) -> Outcome:
    labels = datasets.groups("asset-classes")[STAND_INS]
    model = mixed_model.moving_loadings(context.classes[STAND_INS], labels)
    return Outcome(f"done here: persistence of loadings {model.persistence:.2f} a month")


@claim("mm-future-student")
def _student(context: Context) -> Outcome:
    labels = datasets.groups("asset-classes")[STAND_INS]
    model = mixed_model.student_loadings(context.classes[STAND_INS], labels)
    return Outcome(f"done here: {model.degrees_of_freedom:.1f} degrees of freedom")
