"""Computations behind the claims of the mixed-model tutorial (Akdemir, 2025)."""

import inspect
import warnings
from collections.abc import Sequence
from functools import cache, partial

import numpy as np
import pandas as pd
from scipy.stats import kurtosis

from mixfolio import (
    covariance,
    datasets,
    inference,
    metrics,
    mixed_model,
    optimization,
    portfolio,
    relationship,
)
from mixfolio._inputs import Array
from mixfolio.backtest import BacktestResult
from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.estimators import CONTROLS, ESTIMATORS, Estimate
from mixfolio.studies import as_written, contests, laws
from mixfolio.studies._claims_context import CRISIS, MONTHS, STAND_INS, TICKERS, Context
from mixfolio.studies._claims_core import Outcome, Registry

COMPUTATIONS = Registry()
claim = COMPUTATIONS.of
N_FUNDS = 10
ASSET, RESIDUAL = (7.55e-5, 7.65e-5), (0.0031465, 0.0031475)
"""Limits of the printed variances."""
HIGH, LOW, NORMAL = 147, 298, 155
"""Printed cells by regime."""
SLOPE, SLOPE_SE = 0.5741, 0.0518
PRINTED_BLUPS = dict(
    zip(
        ["VNQ", "IWM", "SPY", "DBC", "EEM", "EFA", "HYG", "GLD", "TLT", "AGG"],
        (24e-4, 18e-4, 13e-4, 8e-4, 8e-4, 4e-4, 1e-4, 0.0, 0.0, 0.0),
        strict=True,
    )
)
BLIND = "mixed model, no groups"
SMALLEST = 1e-6
"""Share of the mean variance that is added to a diagonal so that a solver runs."""


def _ratio(above: tuple[float, float], below: tuple[float, float]) -> Outcome:
    """Interval of a ratio of two rounded numbers."""
    ends = [a / b for a in above for b in below]
    return Outcome(low=min(ends), high=max(ends))


def _rounded(value: float, digits: int) -> tuple[float, float]:
    return value - 0.5 * 10.0**-digits, value + 0.5 * 10.0**-digits


def _difference(first: float, second: float, digits: int) -> Outcome:
    half = 10.0**-digits
    return Outcome(low=first - second - half, high=first - second + half)


# --------------------------------------------------------------------------- motivation, framework


@claim("mm-noisy")
def _noisy(context: Context) -> Outcome:
    kept = [laws.realised_ratio(n, 120, zero_cost=False) for n in (10, 60, 110)]
    text = (
        f"120 periods: {kept[0]:.2f} of the best ratio kept with 10 assets, {kept[2]:.2f} with 110"
    )
    return Outcome(text, holds=kept[2] < 0.5)


@claim("mm-unstable")
def _unstable(context: Context) -> Outcome:
    """Turnover at 24 months a decision, sample with shorts against equal weights' none."""
    path = []
    returns = context.classes[STAND_INS].to_numpy()
    for t in range(24, len(returns), 3):
        S = covariance.sample(returns[t - 24 : t])
        path.append(optimization.minimum_variance(S, long_only=False))
    moved = float(np.abs(np.diff(path, axis=0)).sum(axis=1).mean())
    return Outcome(f"24 months of ten funds: turnover of {moved:.0%} a quarter", holds=moved > 0.5)


@cache
def _herds(context: Context) -> pd.DataFrame:
    """Squared errors of predicted means in simulated herds of five classes of four."""
    group = np.repeat(np.arange(5), 4)
    K = (relationship.from_groups(group) + np.eye(20)) / 2
    root, rows = np.linalg.cholesky(0.005**2 * K), []
    for k in range(context.n_replications):
        rng = context.rng(31, k)
        value = root @ rng.standard_normal(20)
        returns = value + rng.normal(0, 0.05, (60, 20))
        fits = {
            "relatives": mixed_model.panel_reml(returns, K),
            "strangers": mixed_model.panel_reml(returns),
        }
        guesses = {name: np.asarray(fit.expected_returns) for name, fit in fits.items()}
        guesses["means"] = returns.mean(axis=0)
        row = {name: float(((g - value) ** 2).mean()) for name, g in guesses.items()}
        row["agreement"] = float(np.corrcoef(guesses["relatives"], value)[0, 1])
        rows.append(row)
    return pd.DataFrame(rows)


def _better(context: Context, first: str, second: str) -> Outcome:
    herds = _herds(context)
    gap = herds[first] / herds[second].mean() - herds[second] / herds[second].mean()
    mean, error = gap.mean(), gap.std() / np.sqrt(len(gap))
    text = f"squared error of predicted means changes by {mean:+.0%} ± {error:.0%}"
    return Outcome(text, holds=bool(mean < -2 * error))


COMPUTATIONS["mm-borrow"] = partial(_better, first="relatives", second="strangers")
COMPUTATIONS["mm-shrink"] = partial(_better, first="strangers", second="means")


@claim("mm-signal")
def _signal(context: Context) -> Outcome:
    found = _herds(context)["agreement"]
    mean, error = found.mean(), found.std() / np.sqrt(len(found))
    text = f"predicted and true persistent parts correlate by {mean:.2f} ± {error:.2f}"
    return Outcome(text, holds=bool(mean > 3 * error))


@claim("mm-fat-tails")
def _fat(context: Context) -> Outcome:
    excess = kurtosis(context.classes[STAND_INS].to_numpy(), axis=0)
    fat = int((excess > 0.5).sum())
    return Outcome(f"{fat} of ten stand-ins have an excess kurtosis above .5", holds=fat > 5)


@claim("mm-stationary")
def _stationary(context: Context) -> Outcome:
    returns = context.classes[STAND_INS]
    change = float((returns.loc[CRISIS].std() / returns.loc["2004":"2006"].std()).median())
    text = f"volatility of the crisis of 2008-09 over that of 2004-06, median of ten: {change:.1f}"
    return Outcome(text, holds=change > 1.5)


@claim("mm-time-effects")
def _time_effects(context: Context) -> Outcome:
    """Whether an effect of the month takes the change of variance out of the residuals."""
    returns = context.classes[STAND_INS] / context.classes[STAND_INS].std()
    rest = returns.sub(returns.mean(axis=1), axis=0)
    ratios = [
        float(
            (x.loc[CRISIS] ** 2).to_numpy().mean() / (x.loc["2004":"2006"] ** 2).to_numpy().mean()
        )
        for x in (returns, rest)
    ]
    before, after = ratios
    text = (
        f"variance of the crisis over that of 2004-06: {before:.1f}, less month means {after:.1f}"
    )
    return Outcome(text, holds=ratios[1] < 1.5)


@claim("mm-linear")
def _linear(context: Context) -> Outcome:
    """The t-value of the squared market in a regression of each stand-in."""
    returns = context.classes[[name for name in STAND_INS if name != "MSCI US"]]
    m = context.classes["MSCI US"].to_numpy()
    X = np.column_stack([np.ones(len(m)), m, m**2])
    inverse = np.linalg.inv(X.T @ X)
    t = []
    for y in returns.to_numpy().T:
        b = inverse @ X.T @ y
        scores = X * (y - X @ b)[:, None]
        t.append(b[2] / np.sqrt((inverse @ scores.T @ scores @ inverse)[2, 2]))
    bent = int((np.abs(t) > 2).sum())
    text = f"the square of the market has |t| > 2 (robust) in {bent} of nine stand-ins"
    return Outcome(text, holds=bent <= 1)


@claim("mm-error-maximisation")
def _maximisation(context: Context) -> Outcome:
    seen, got = laws.perceived_ratio(100, 200), laws.realised_ratio(100, 200)
    text = f"100 assets, 200 periods: {seen:.2f} of the best is seen, {got:.2f} earned"
    return Outcome(text, holds=seen > 1.2 and got < 0.8)


@claim("mm-target-inequality")
def _inequality(context: Context) -> Outcome:
    """A target below the mean of minimum variance: at least it (ours), or equal to it.

    Equality is the same as at most the target, which binds here.
    """
    mean, sigma, target = context.mu, context.sigma.to_numpy(), 0.125
    free = context.facts(optimization.target_return(mean, sigma, target))[1]
    equal = context.facts(optimization.target_return(-mean, sigma, -target))[1]
    text = f"target {target:.1%}: {equal:.2f}% with equality, {free:.2f}% if more is allowed (ours)"
    return Outcome(text, holds=free < equal)


@cache
def _kernel_model(context: Context) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Sample covariance of the stand-ins, and the parts of a fitted kernel model."""
    labels = datasets.groups("asset-classes")[STAND_INS]
    kernels = {"class": relationship.from_groups(labels)}
    model = mixed_model.covariance_reml(
        context.funds, kernels, factors=context.classes["MSCI World USD"].iloc[-MONTHS:]
    )
    return model.covariance(), model.components()


@claim("mm-decomposition")
def _decomposition(context: Context) -> Outcome:
    total, parts = _kernel_model(context)
    gap = np.abs(sum(p.to_numpy() for p in parts.values()) - total.to_numpy()).max()
    text = f"the {len(parts)} fitted parts add up to the total"
    return Outcome(text, holds=bool(gap < 1e-12))


@claim("mm-idiosyncratic-risk")
def _idiosyncratic(context: Context) -> Outcome:
    """Share of the residual part in the variance of equal weights and of one fund."""
    total, parts = _kernel_model(context)
    share = float(np.diag(parts["residual"]).sum() / np.diag(total).sum())
    return Outcome(f"it is {share:.0%} of the variance of a stand-in", holds=share > 0.1)


# ------------------------------------------------------------------------------- data and regimes


def _dates(context: Context) -> dict[str, int]:
    """Months with returns for each last day in the year to the tutorial, five years of 365 days."""
    ends = pd.date_range("2024-07-06", "2025-07-05")
    return {
        str(end.date()): len(
            set(pd.bdate_range(end - pd.Timedelta(days=5 * 365), end)[1:].strftime("%Y-%m"))
        )
        for end in ends
    }


@claim("mm-periods")
def _periods(context: Context) -> Outcome:
    found = _dates(context)
    fit = sum(n == MONTHS for n in found.values())
    text = f"60 on {fit} of {len(found)} days of the year before, else 61; 61 on its own date"
    return Outcome(text, low=min(found.values()), high=max(found.values()))


@claim("mm-rows")
def _rows(context: Context) -> Outcome:
    return Outcome("sixty months of ten funds", value=float(len(context.stacked)))


@claim("mm-columns")
def _columns(context: Context) -> Outcome:
    monthly = ("symbol", "year_month", "monthly_return", "date")
    added = ("market_return", "time_trend", "month", "rolling_vol", "vol_regime")
    total = float(len(monthly) + len(added))
    return Outcome(f"{len(monthly)} of the monthly table, {len(added)} added", value=total)


def _months(context: Context) -> pd.DataFrame:
    """Monthly returns of SPY from 2008 to 2016: as written, and compounded."""
    by_month = context.daily_fund.groupby(pd.DatetimeIndex(context.daily_fund.index).to_period("M"))
    return pd.DataFrame(
        {
            "written": by_month.apply(as_written.monthly_return),
            "compounded": by_month.apply(lambda r: float(np.prod(1 + r) - 1)),
        }
    )


@claim("mm-compounding")
def _compounding(context: Context) -> Outcome:
    months = _months(context)
    gap = (months["written"] - months["compounded"]).mean()
    return Outcome(f"the formula is higher by {gap:.6f} in every month", holds=abs(gap) < 1e-6)


@claim("mm-losses")
def _losses(context: Context) -> Outcome:
    months = _months(context)
    counts = [int((months[k] < 0).sum()) for k in ("written", "compounded")]
    text = f"{counts[0]} months with a loss as written, {counts[1]} compounded, of {len(months)}"
    return Outcome(text, holds=counts[0] >= 2)


@claim("mm-log")
def _log(context: Context) -> Outcome:
    r = context.daily_fund.to_numpy()
    price = np.cumprod(1 + r)
    return Outcome(
        "log(1 + r) on all days", holds=bool(np.allclose(np.diff(np.log(price)), np.log1p(r[1:])))
    )


@claim("mm-synthetic-market")
def _synthetic(context: Context) -> Outcome:
    """A cumulated walk is a level: its spread grows with time, which that of a return does not."""
    walks = context.rng(32).normal(0.0003, 0.01, (400, 1250)).cumsum(axis=1)
    spread = walks.std(axis=0)
    text = f"spread {spread[24]:.2f} after 25 days, {spread[-1]:.2f} after five years: a level"
    return Outcome(text, holds=bool(spread[-1] < 1.5 * spread[24]))


@claim("mm-factors-used")
def _factors_used(context: Context) -> Outcome:
    model = ["market_return", "time_trend", "regime_factor"]  # the market is SPY's own return
    used = sum(name in " ".join(model) for name in ("VIX", "DXY", "TNX", "GSPC"))
    return Outcome(f"the regression has {', '.join(model)}: {used} of the four", holds=used > 0)


def _count(context: Context, regime: str) -> Outcome:
    """Counts that the listing can give for ten funds in sixty months."""
    if regime == "Normal":
        return Outcome("300 to 302 for any data, ties excluded", attainable=(300.0, 301.0, 302.0))
    return Outcome("148, 149 or 150 for any data, ties excluded", attainable=(148.0, 149.0, 150.0))


for _regime in ("High", "Low", "Normal"):
    COMPUTATIONS[f"mm-cells-{_regime.lower()}"] = partial(_count, regime=_regime)


@claim("mm-cells-sum")
def _cells_sum(context: Context) -> Outcome:
    return Outcome(value=float(HIGH + LOW + NORMAL))


@claim("mm-window-own")
def _window_own(context: Context) -> Outcome:
    """Windows of three rows that mix two funds, in a table sorted by fund."""
    fund = np.repeat(np.arange(N_FUNDS), MONTHS)
    mixed = int(sum(len(set(fund[k - 2 : k + 1])) > 1 for k in range(2, len(fund))))
    return Outcome(f"{mixed} of 600 windows run across the border of two funds", holds=mixed == 0)


@claim("mm-regime-known")
def _known(context: Context) -> Outcome:
    """Let the market lose 30% in one month, and look at the regime of that very month."""
    market = np.array(context.market, dtype=np.float64)
    changed = 0
    for month in range(2, MONTHS):
        shocked = market.copy()
        shocked[month] = -0.3
        after = as_written.volatility_regimes(shocked, N_FUNDS)
        changed += int(after[1, month] != context.cells[1, month])
    text = (
        f"in {changed} of {MONTHS - 2} months a loss of 30% changes the regime of the month itself"
    )
    return Outcome(text, holds=changed == 0)


# ------------------------------------------------------------------------------------ similarity


def _pair(context: Context, first: str, second: str) -> Outcome:
    pair = context.class_kernel.loc[[first], [second]].to_numpy()
    lowest = 0.6 * float(pair[0, 0])
    return Outcome(f"above {lowest:.3f}, up to {lowest + 0.4:.3f}", low=lowest, high=lowest + 0.4)


for _first, _second in (("IWM", "EFA"), ("AGG", "TLT"), ("IWM", "GLD"), ("GLD", "DBC")):
    COMPUTATIONS[f"mm-pair-{_first}-{_second}"] = partial(_pair, first=_first, second=_second)


def _features(context: Context, k: int = 0) -> Array:
    """Characteristics that the tutorial might have had."""
    return context.rng(33, k).standard_normal((N_FUNDS, 8))


def _combined(context: Context, k: int = 0) -> Array:
    risk = as_written.relationship_matrix(_features(context, k)).to_numpy()
    return np.asarray(0.6 * context.class_kernel.to_numpy() + 0.4 * risk)


@claim("mm-bounded")
def _bounded(context: Context) -> Outcome:
    K = _combined(context)
    return Outcome(
        "the formula gives values above 0 and up to 1", holds=bool(K.min() > 0 and K.max() <= 1)
    )


@claim("mm-diagonal")
def _diagonal(context: Context) -> Outcome:
    lowest = min(np.linalg.eigvalsh(_combined(context, k))[0] for k in range(200))
    text = f"lowest eigenvalue in 200 draws of characteristics: {lowest:.2f}, so nothing is added"
    return Outcome(text, holds=lowest < 1e-8)


@claim("mm-names")
def _names(context: Context) -> Outcome:
    """The printed look-up, on the matrix without names."""
    K = as_written.relationship_matrix(_features(context))
    try:
        K.loc["IWM", "EFA"]
    except KeyError:
        return Outcome("the matrix has no names: the look-up fails", holds=False)
    return Outcome("found", holds=True)


@claim("mm-message")
def _message(context: Context) -> Outcome:
    K = as_written.relationship_matrix(_features(context))
    return Outcome("levels and missing names do differ", holds=not set(TICKERS) & set(K.index))


@claim("mm-fallback")
def _fallback(context: Context) -> Outcome:
    """The simpler model is given the same matrix, so the same message must come."""
    K = as_written.relationship_matrix(_features(context))
    matched = set(TICKERS) <= set(K.index)
    return Outcome("the simpler model takes the same nameless matrix", holds=matched)


def _left(context: Context, column: str) -> Outcome:
    """What the filter by the row names of the matrix leaves."""
    K = as_written.relationship_matrix(_features(context))
    left = context.stacked[context.stacked["symbol"].isin(K.index)]
    count = float(len(left)) if column == "rows" else float(left[column].nunique())
    return Outcome("the filter by missing names leaves nothing", low=count, high=count)


for _key, _column in {"rows": "rows", "assets": "symbol", "periods": "date"}.items():
    COMPUTATIONS[f"mm-left-{_key}"] = partial(_left, column=_column)


@claim("mm-missing")
def _missing(context: Context) -> Outcome:
    """Downside volatility without any loss is missing, and with it every similarity."""
    features = np.column_stack([_features(context), np.full(N_FUNDS, np.nan)])
    K = as_written.relationship_matrix(features).to_numpy()
    share = float(np.isnan(K[~np.eye(N_FUNDS, dtype=bool)]).mean())
    text = f"as written {share:.0%} of the similarities are missing"
    return Outcome(text, holds=share == 0)


@claim("mm-worst-month")
def _worst(context: Context) -> Outcome:
    deeper = [
        float(metrics.maximum_drawdown(context.funds[name]) - context.funds[name].min())
        for name in STAND_INS
    ]
    count = sum(abs(gap) > 0.001 for gap in deeper)
    return Outcome(f"the fall from a peak is deeper in {count} of ten stand-ins", holds=count == 0)


@claim("mm-informs")
def _informs(context: Context) -> Outcome:
    """Characteristics before 2015 against correlations after it."""
    past, later = context.classes.loc[:"2014", STAND_INS], context.classes.loc["2015":, STAND_INS]
    K = relationship.kernel(relationship.characteristics(past))
    found = relationship.association(K, later.corr(), rng=context.rng(34), n_permutations=499)
    text = f"correlation with later correlations {found.correlation:.2f}, p = {found.p_value:.3f}"
    return Outcome(text, holds=found.correlation > 0 and found.p_value < 0.05)


# ------------------------------------------------------------------------------------- the fit


@claim("mm-identified")
def _identified(context: Context) -> Outcome:
    """An effect of every cell beside the residual."""
    random: Sequence[str] = ("asset", "period", "asset:period")
    try:
        mixed_model.panel_reml(context.funds, random=random)
    except DataError:
        return Outcome("one return a cell: the effect and the residual are one", holds=False)
    return Outcome("fitted", holds=True)


T_VALUES = {
    "intercept": (-0.0050, 0.0119),
    "market": (0.5741, 0.0518),
    "low": (-0.0009, 0.0078),
    "normal": (0.0060, 0.0064),
}


def _t_value(context: Context, name: str) -> Outcome:
    estimate, error = T_VALUES[name]
    return _ratio(_rounded(estimate, 4), _rounded(error, 4))


for _effect in T_VALUES:
    COMPUTATIONS[f"mm-t-{_effect}"] = partial(_t_value, name=_effect)


@claim("mm-intercept")
def _intercept(context: Context) -> Outcome:
    """The intercept is the mean return less slope times market, in one regime: all near one."""
    far = 0.10  # no regime of at least 14 months had a mean return or loss beyond 10% a month
    low, high = (1 - far) - SLOPE * (1 + far), (1 + far) - SLOPE * (1 - far)
    centre = float(1 + context.us_market.mean()) * (1 - SLOPE)
    text = f"with returns near one {low:.2f} to {high:.2f}, about {centre:.2f}"
    return Outcome(text, low=low, high=high)


@claim("mm-intercept-se")
def _intercept_se(context: Context) -> Outcome:
    """From above: generalised least squares is not worse than averages over nine funds.

    The variance of the mean of the High months is at most that of one asset effect, plus residual
    over nine funds and 14 months, plus the error of the slope times the mean of the market there.
    """
    factors = datasets.table("factors-monthly").loc["2019":, ["Mkt-RF", "RF"]].sum(axis=1)
    mean = float(factors.nlargest(14).mean())
    slope = 1.05 * (10 / 9) * (SLOPE_SE + 5e-5) ** 2
    high = float(np.sqrt(ASSET[1] + RESIDUAL[1] / (9 * 14) + slope * mean**2))
    return Outcome(f"at most {high:.4f} with the printed variances", high=high)


def _contrast_se(context: Context, first: int, second: int) -> Outcome:
    """From below: at best both regimes are means of independent cells."""
    low = float(np.sqrt(RESIDUAL[0] * (1 / first + 1 / second)))
    return Outcome(f"at least {low:.5f} with the printed counts and residual", low=low)


COMPUTATIONS["mm-low-se"] = partial(_contrast_se, first=HIGH, second=LOW)
COMPUTATIONS["mm-normal-se"] = partial(_contrast_se, first=HIGH, second=NORMAL)


@claim("mm-slope-se")
def _slope_se(context: Context) -> Outcome:
    m = context.us_market
    low = float(np.sqrt(RESIDUAL[0] / (N_FUNDS * ((m - m.mean()) ** 2).sum())))
    text = f"at least {low:.4f} with the printed residual and the US market of 2020-25"
    return Outcome(text, low=low)


@claim("mm-heritability")
def _heritability(context: Context) -> Outcome:
    return Outcome(
        low=ASSET[0] / (ASSET[0] + RESIDUAL[1]), high=ASSET[1] / (ASSET[1] + RESIDUAL[0])
    )


@claim("mm-systematic-share")
def _share(context: Context) -> Outcome:
    """The printed variances and the market's, at its volatility of 2020-25."""
    market = SLOPE**2 * float(context.us_market.var())
    share = (market + 7.6e-5) / (market + 7.6e-5 + 0.003147)
    text = f"with the market's part it is about {share:.2f}: it was left out"
    return Outcome(text, holds=share < 0.03)


@cache
def _blups(context: Context) -> pd.DataFrame:
    """What the printed predictions would need, for 500 draws of the part of K that is unknown."""
    a = np.array([PRINTED_BLUPS[name] for name in TICKERS])
    variance, residual = 7.6e-5, 0.003147
    rows = []
    for k in range(500):
        K = _combined(context, k)
        total = np.linalg.inv(variance * K + residual / MONTHS * np.eye(N_FUNDS))
        P = total - np.outer(total.sum(axis=1), total.sum(axis=1)) / total.sum()
        weight = np.linalg.solve(K, np.ones(N_FUNDS))
        rows.append(
            {
                "size": float(a @ np.linalg.solve(K, a) / (variance**2 * np.trace(P @ K))),
                "zero": bool(abs(weight @ a) <= 5e-5 * np.abs(weight).sum()),
            }
        )
    return pd.DataFrame(rows)


@claim("mm-blup-zero")
def _blup_zero(context: Context) -> Outcome:
    """1'K^-1 a is zero in every fit with an intercept; within rounding it may be off a little."""
    met = int(_blups(context)["zero"].sum())
    text = f"1'K^-1 a = 0 can hold, within rounding, in {met} of 500 draws of the unknown part of K"
    return Outcome(text, holds=met > 0)


@claim("mm-blup-size")
def _blup_size(context: Context) -> Outcome:
    """At a REML maximum a'K^-1 a is the variance squared times tr(PK)."""
    size = _blups(context)["size"]
    text = f"a'K^-1 a is {size.min():.0%} to {size.max():.0%} of what the printed variance needs"
    return Outcome(text, holds=bool(size.max() > 0.5))


# ------------------------------------------------------------------------ covariances, portfolios


@claim("mm-rank")
def _rank(context: Context) -> Outcome:
    rank = int(np.linalg.matrix_rank(context.fitted.cov(), tol=1e-12))
    text = f"rank {rank} of ten: one slope, and regimes that differ in one fund alone"
    return Outcome(text, holds=rank == N_FUNDS)


@claim("mm-kappa-systematic")
def _kappa(context: Context) -> Outcome:
    """Nine funds have the same fitted values in every month, so the matrix is singular."""
    same = context.fitted.iloc[:, 1:].sub(context.fitted.iloc[:, 1], axis=0).abs().to_numpy().max()
    least = 1e12 if same < 1e-12 else as_written.condition_number(context.fitted.cov())
    return Outcome("infinite: nine funds have the same fitted values", low=least)


@claim("mm-kappa-lower")
def _kappa_lower(context: Context) -> Outcome:
    """The lowest condition number is that of the identity, which is equal weights."""
    record = record_of_stand_ins(context)
    text = "the identity has the lowest, 1, and gives 1/N: volatility "
    gap = record["one slope"].std() / record["sample"].std()
    return Outcome(f"{text}{gap:.1f} times that of the sample", holds=bool(gap < 1))


@claim("mm-kappa-sample")
def _kappa_sample(context: Context) -> Outcome:
    number = as_written.condition_number(context.sample)
    return Outcome(f"at least 1; {number:.0f} for our ten stand-ins", low=1.0)


@claim("mm-correlations")
def _correlations(context: Context) -> Outcome:
    found = context.fitted.corr().to_numpy()
    lowest = found[1:, 1:].min()
    text = f"systematic correlations of nine funds are all {lowest:.0f}"
    return Outcome(text, holds=bool(lowest < 0.999))


@claim("mm-total")
def _total(context: Context) -> Outcome:
    written = as_written.total_covariance(context.funds, context.fitted)
    lost = np.linalg.norm(context.funds.cov() - written) / np.linalg.norm(context.funds.cov())
    text = f"drops the products of both: {lost:.0%} of the covariance of ten stand-ins"
    return Outcome(text, holds=bool(lost < 0.01))


@claim("mm-solver")
def _solver(context: Context) -> Outcome:
    try:
        as_written.optimize_portfolio(context.fitted.cov())
    except SingularCovarianceError:
        return Outcome("the matrix is singular: the solver refuses it", holds=False)
    return Outcome("solved", holds=True)


@claim("mm-means-used")
def _means_used(context: Context) -> Outcome:
    w = [
        as_written.optimize_portfolio(context.sigma, m, t)
        for m, t in ((None, None), (context.mean, 0.18))
    ]
    same = bool(np.allclose(w[0], w[1]))
    text = "the weights do not change with means or with a target"
    return Outcome(text, holds=not same)


@cache
def _systematic_weights(context: Context) -> Array:
    """Minimum variance on the fitted values, with a tiny diagonal so that it can be solved."""
    matrix = context.fitted.cov().to_numpy()
    ridge = SMALLEST * np.trace(matrix) / N_FUNDS * np.eye(N_FUNDS)
    return np.asarray(100 * optimization.minimum_variance(matrix + ridge))


def _ninth(context: Context) -> Outcome:
    """Nine funds cannot be told apart: a tiny diagonal gives each a ninth of what AGG leaves."""
    if np.ptp(_systematic_weights(context)[1:]) > 1e-6:  # as the stand-ins show
        return Outcome("any weights", low=0.0, high=100.0)
    text = "with a tiny diagonal nine funds of equal fitted values share what AGG leaves"
    return Outcome(text, low=(100 - 32.25) / 9, high=(100 - 32.15) / 9)


for _ticker in TICKERS:
    if _ticker != "AGG":
        COMPUTATIONS[f"mm-weight-{_ticker}"] = _ninth

WEIGHTS = {"AGG": (31.8, 32.2), "GLD": (12.4, 14.5), "HYG": (8.3, 6.0), "TLT": (47.5, 47.2)}


def _weights_sum(context: Context, column: int) -> Outcome:
    total, half = sum(w[column] for w in WEIGHTS.values()), 0.05 * N_FUNDS
    return Outcome(f"printed weights add up to {total:.1f}", low=total - half, high=total + half)


COMPUTATIONS["mm-sum-sample"] = partial(_weights_sum, column=0)
COMPUTATIONS["mm-sum-systematic"] = partial(_weights_sum, column=1)


def _weight_gap(context: Context, name: str) -> Outcome:
    return _difference(WEIGHTS[name][1], WEIGHTS[name][0], 1)


for _ticker in WEIGHTS:
    COMPUTATIONS[f"mm-gap-{_ticker}"] = partial(_weight_gap, name=_ticker)


@claim("mm-zeros")
def _zeros(context: Context) -> Outcome:
    w = optimization.minimum_variance(context.sample.to_numpy())
    empty = int((w < 0.0005).sum())
    text = f"{empty} of ten stand-ins get nothing from the sample covariance"
    return Outcome(text, holds=empty >= 5)


@claim("mm-reduction")
def _reduction(context: Context) -> Outcome:
    ends = [100 * (1 - b / a) for a in (1.695, 1.705) for b in (1.655, 1.665)]
    return Outcome(low=min(ends), high=max(ends))


@claim("mm-less-risk")
def _less_risk(context: Context) -> Outcome:
    """On the covariance of the returns, the sample's own portfolio cannot be beaten."""
    S = context.sample.to_numpy()
    best, other = optimization.minimum_variance(S), _systematic_weights(context) / 100
    more = metrics.volatility(other, S) / metrics.volatility(best, S) - 1
    text = (
        f"sample covariance of the stand-ins: {more:+.0%} volatility; never less, by construction"
    )
    return Outcome(text, holds=bool(more < 0))


# ----------------------------------------------------------------------------------- the backtest


def _one_slope(past: pd.DataFrame, groups: object) -> pd.DataFrame:
    """The covariance of fitted values of one slope, and a tiny diagonal."""
    market = float(past.mean(axis=1).var())
    tiny = SMALLEST * market * np.eye(past.shape[1])
    return pd.DataFrame(market + tiny, past.columns, past.columns)


def _own_slopes(past: pd.DataFrame, groups: object) -> pd.DataFrame:
    """The systematic part alone, made fair: a slope for each asset, and shocks of its class."""
    kernels = {"class": relationship.from_groups(pd.Series(groups))}
    model = mixed_model.covariance_reml(past, kernels, factors=past.mean(axis=1).rename("market"))
    parts = model.components()
    systematic = sum(part.to_numpy() for name, part in parts.items() if name != "residual")
    scale = np.trace(systematic) / len(past.columns)
    systematic = systematic + 1e-4 * scale * np.eye(len(past.columns))
    return pd.DataFrame(systematic, past.columns, past.columns)


def _own_total(past: pd.DataFrame, groups: object) -> pd.DataFrame:
    """All parts of the same model."""
    kernels = {"class": relationship.from_groups(pd.Series(groups))}
    factors = past.mean(axis=1).rename("market")
    return mixed_model.covariance_reml(past, kernels, factors=factors).covariance()


@cache
def _replay(context: Context) -> BacktestResult:
    """Long-only minimum variance of the stand-ins: 36 months, every quarter."""
    estimators: dict[str, Estimate] = {
        "one slope": _one_slope,
        "systematic": _own_slopes,
        "total": _own_total,
        **{name: ESTIMATORS[name] for name in ("sample", "LW identity", "mixed model")},
        BLIND: CONTROLS[BLIND],
    }
    long_only = {"all": contests.PORTFOLIOS["minimum variance"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return contests.evaluate(
            context.classes[STAND_INS],
            datasets.groups("asset-classes")[STAND_INS],
            window=36,
            step=3,
            estimators=estimators,
            portfolios=long_only,
        )


def record_of_stand_ins(context: Context) -> pd.DataFrame:
    """Monthly returns of the long-only portfolios, a column an estimator."""
    return pd.DataFrame(_replay(context).returns["all"])


def _lower(context: Context, first: str, second: str) -> Outcome:
    """Out-of-sample volatility of two covariances, with a bootstrap test."""
    record = record_of_stand_ins(context)
    test = inference.variance_difference(
        record[first], record[second], rng=context.rng(35), n_resamples=999
    )
    levels = [100 * np.sqrt(12) * record[name].std() for name in (first, second)]
    text = f"volatility {levels[0]:.2f}% a year against {levels[1]:.2f}%, p = {test.p_value:.2f}"
    return Outcome(text, holds=bool(levels[0] < levels[1] and test.p_value < 0.05))


COMPUTATIONS["mm-summary-better"] = partial(_lower, first="mixed model", second="sample")
COMPUTATIONS["mm-short-better"] = COMPUTATIONS["mm-summary-better"]
COMPUTATIONS["mm-robust"] = partial(_lower, first="systematic", second="sample")
COMPUTATIONS["mm-allocate"] = partial(_lower, first="systematic", second="total")
COMPUTATIONS["mm-select"] = COMPUTATIONS["mm-allocate"]
COMPUTATIONS["mm-slope-better"] = partial(_lower, first="one slope", second="sample")


@claim("mm-one-over-n")
def _one_over_n(context: Context) -> Outcome:
    record = record_of_stand_ins(context)
    gap = float((record["one slope"] - record["1/N"]).abs().max())
    return Outcome("one slope for all gives 1/N in every month", holds=gap > 1e-4)


@claim("mm-backtest-columns")
def _backtest_columns(context: Context) -> Outcome:
    given = {"symbol", "date", "actual_return", "systematic_return", "idiosyncratic_return"}
    lacking = {"monthly_return", "market_return", "vol_regime"} - given
    return Outcome("its table lacks " + ", ".join(sorted(lacking)), holds=not lacking)


@claim("mm-backtest-all")
def _backtest_all(context: Context) -> Outcome:
    """Funds in the last training set: 24 x 10 rows from the end of a table sorted by fund."""
    last = sorted(context.stacked["date"].unique())[57]
    past = context.stacked[context.stacked["date"] < last]
    counts = as_written.last_rows(past, 24)["symbol"].value_counts()
    whole = int((counts == 57).sum())
    text = f"at the last decision {whole} funds are there in full, {len(counts) - whole} in part"
    return Outcome(text, holds=len(counts) == N_FUNDS)


@claim("mm-backtest-ahead")
def _ahead(context: Context) -> Outcome:
    """Characteristics at the first decision and at the end: is the matrix the same?"""
    early, late = (
        relationship.kernel(relationship.characteristics(part))
        for part in (context.funds.iloc[:24], context.funds)
    )
    gap = float((early - late).abs().to_numpy().max())
    text = f"similarities change by up to {gap:.2f} after the first decision"
    return Outcome(text, holds=gap < 0.01)


@claim("mm-out-months")
def _out_months(context: Context) -> Outcome:
    return Outcome("Sharpe ratio printed over 36 months", value=float(MONTHS - 24))


@claim("mm-sharpe-systematic")
def _sharpe_systematic(context: Context) -> Outcome:
    return _ratio(_rounded(0.072, 3), _rounded(0.061, 3))


@claim("mm-sharpe-sample")
def _sharpe_sample(context: Context) -> Outcome:
    return _ratio(_rounded(0.066, 3), _rounded(0.064, 3))


PERFORMANCE = {
    "return": (0.072, 0.066),
    "volatility": (0.061, 0.064),
    "sharpe": (1.190, 1.030),
    "drawdown": (0.022, 0.029),
}


def _improvement(context: Context, name: str) -> Outcome:
    first, second = PERFORMANCE[name]
    return _difference(first, second, 3)


for _measure in PERFORMANCE:
    COMPUTATIONS[f"mm-improvement-{_measure}"] = partial(_improvement, name=_measure)


@claim("mm-sharpe-cash")
def _sharpe_cash(context: Context) -> Outcome:
    """The printed figures over cash, at its rate in the 36 months to June 2025."""
    cash = 12 * float(datasets.table("factors-monthly").loc["2022-07":"2025-06", "RF"].mean())
    over = [(r - cash) / v for r, v in ((0.072, 0.061), (0.066, 0.064))]
    text = f"cash earned {cash:.1%} a year: {over[0]:.2f} and {over[1]:.2f} over it"
    return Outcome(text, holds=cash < 0.005)


@claim("mm-sharpe-significant")
def _significant(context: Context) -> Outcome:
    """Memmel's z of the printed ratios, at the correlation of our two records."""
    last = record_of_stand_ins(context).iloc[-36:]
    rho = float(last["one slope"].corr(last["sample"]))
    a, b = 1.19 / np.sqrt(12), 1.03 / np.sqrt(12)
    z = {}
    for name, r in (("ours", rho), ("high", 0.98)):
        spread = 2 - 2 * r + (a**2 + b**2 - 2 * a * b * r**2) / 2
        z[name] = (a - b) / np.sqrt(spread / 36)
    text = f"z = {z['ours']:.1f} at the correlation of our records, {z['high']:.1f} at .98"
    return Outcome(text, holds=bool(z["high"] > 1.96))


@claim("mm-drawdown")
def _drawdown(context: Context) -> Outcome:
    record = record_of_stand_ins(context)["sample"]
    written, usual = as_written.drawdown(record), -metrics.maximum_drawdown(record)
    text = (
        f"sample record of the stand-ins: {written:.1%} in first wealth, {usual:.1%} from the peak"
    )
    return Outcome(text, holds=bool(abs(written - usual) < 0.001))


# ------------------------------------------------------------------------------ practice, summary


@claim("mm-own-minimum")
def _own_minimum(context: Context) -> Outcome:
    found = _heritability(context)
    text = f"at most {found.high:.3f} in its own example: the template would fall back"
    return Outcome(text, holds=bool(found.high is not None and found.high >= 0.10))


def _default(context: Context, name: str) -> Outcome:
    value = inspect.signature(portfolio.mixed_model_portfolio).parameters[name].default
    return Outcome("the default of ours", value=float(value))


COMPUTATIONS["mm-default-heritability"] = partial(_default, name="min_heritability")
COMPUTATIONS["mm-default-position"] = partial(_default, name="max_position")


@claim("mm-regimes-natural")
def _regimes(context: Context) -> Outcome:
    """Whether effects of regimes on means let the covariance change."""
    high = context.fitted[context.cells[1] == "High"].iloc[:, 1:]
    low = context.fitted[context.cells[1] == "Low"].iloc[:, 1:]
    levels = [float(part.corr().to_numpy().min()) for part in (high, low)]
    text = f"fitted correlations {levels[0]:.0f} in wild months and {levels[1]:.0f} in calm ones"
    return Outcome(text, holds=abs(levels[0] - levels[1]) > 0.05)


# -------------------------------------------- ours beside printed numbers whose data are gone


@cache
def _own_fit(context: Context) -> dict[str, float]:
    """The simplified model on the stand-ins: one slope, effects of regimes, related funds."""
    cells = context.cells[1]
    fixed = pd.DataFrame(
        {"market": context.market, **{k: 1.0 * (cells == k) for k in ("Low", "Normal")}},
        context.funds.index,
    )
    labels = datasets.groups("asset-classes")[STAND_INS]
    K = (relationship.from_groups(labels) + np.eye(N_FUNDS)) / 2
    fit = mixed_model.panel_reml(context.funds, K, fixed=fixed)
    errors = fit.fixed_effects_se.add_prefix("s.e. ")
    found = pd.concat([fit.fixed_effects, fit.variance_components, errors])
    return {str(name): float(value) for name, value in found.items()}


def _beside_fit(context: Context, name: str, digits: int) -> Outcome:
    fit = _own_fit(context)
    value, error = fit[name], fit.get(f"s.e. {name}")
    more = "" if error is None else f" (s.e. {error:.{digits}f}, t = {value / error:.1f})"
    return Outcome(f"{value:.{digits}f}{more} for our stand-ins")


for _key, (_name, _digits) in {
    "slope": ("market", 3),
    "low": ("Low", 4),
    "normal": ("Normal", 4),
    "variance-asset": ("asset", 6),
    "variance-residual": ("residual", 6),
}.items():
    COMPUTATIONS[f"mm-{_key}"] = partial(_beside_fit, name=_name, digits=_digits)

LIKE = {
    "AGG": "Global Bonds",
    "GLD": "Commodities Precious",
    "HYG": "Global HY Bonds",
    "TLT": "US Treasuries",
}


def _beside_weight(context: Context, ticker: str) -> Outcome:
    w = pd.Series(optimization.minimum_variance(context.sample), STAND_INS)
    return Outcome(f"{100 * w[LIKE[ticker]]:.1f}% for {LIKE[ticker]}")


for _ticker in LIKE:
    COMPUTATIONS[f"mm-sample-{_ticker}"] = partial(_beside_weight, ticker=_ticker)


def _beside_risk(context: Context, systematic: bool) -> Outcome:
    """On the matrix that drops the products, as there."""
    total = as_written.total_covariance(context.funds, context.fitted).to_numpy()
    best = optimization.minimum_variance(context.sample.to_numpy())
    w = _systematic_weights(context) / 100 if systematic else best
    return Outcome(f"{100 * metrics.volatility(w, total):.2f}% for our stand-ins")


COMPUTATIONS["mm-risk-sample"] = partial(_beside_risk, systematic=False)
COMPUTATIONS["mm-risk-systematic"] = partial(_beside_risk, systematic=True)


def _beside_record(context: Context, measure: str, name: str) -> Outcome:
    """In the last 36 months of the stand-ins; with one slope the record is that of 1/N."""
    r = record_of_stand_ins(context)[name].iloc[-36:]
    found = {
        "return": 12 * r.mean(),
        "volatility": np.sqrt(12) * r.std(),
        "drawdown": as_written.drawdown(r),
    }[measure]
    return Outcome(f"{found:.3f} for our stand-ins, last 36 months")


for _measure in ("return", "volatility", "drawdown"):
    COMPUTATIONS[f"mm-{_measure}-systematic"] = partial(
        _beside_record, measure=_measure, name="one slope"
    )
    COMPUTATIONS[f"mm-{_measure}-sample"] = partial(_beside_record, measure=_measure, name="sample")
