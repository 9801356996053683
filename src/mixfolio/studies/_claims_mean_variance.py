"""Computations behind the claims of the mean-variance chapter (Zhang, 2026)."""

import inspect
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from mixfolio import agents, covariance, expected_returns, metrics, optimization
from mixfolio._inputs import Array
from mixfolio.errors import InfeasibleError
from mixfolio.studies import as_written, published
from mixfolio.studies._claims_context import SPRING, Context
from mixfolio.studies._claims_core import Outcome, Registry

COMPUTATIONS = Registry()
NAMES = ("AAPL", "MSFT", "GOOGL")
PRINTED_WEIGHTS = {
    "minimum variance": np.array([0.25, 0.55, 0.20]),
    "maximum Sharpe": np.array([0.30, 0.30, 0.40]),
}
PRINTED_FACTS = {"minimum variance": (13.5, 17.2), "maximum Sharpe": (15.6, 20.1)}
claim = COMPUTATIONS.of


def mean_correlation(returns: pd.DataFrame) -> float:
    """Average correlation over all pairs."""
    n = returns.shape[1]
    return float((np.corrcoef(returns.to_numpy().T).sum() - n) / (n * (n - 1)))


# ------------------------------------------------------------------------------- two assets


def _pair_volatility(rho: float) -> float:
    """Of two halves with 20% each, in per cent."""
    pair = 400 * np.array([[1.0, rho], [rho, 1.0]])
    return metrics.volatility(np.array([0.5, 0.5]), pair)


def _pair_level(context: Context, rho: float) -> Outcome:
    return Outcome(value=_pair_volatility(rho))


def _pair_cut(context: Context, rho: float) -> Outcome:
    return Outcome(value=100 * (1 - _pair_volatility(rho) / 20))


for _name, _rho in {"1": 1.0, "05": 0.5, "0": 0.0, "-05": -0.5, "-1": -1.0}.items():
    COMPUTATIONS[f"mv-pair-level-{_name}"] = partial(_pair_level, rho=_rho)
    COMPUTATIONS[f"mv-pair-cut-{_name}"] = partial(_pair_cut, rho=_rho)


@claim("mv-return-two")
def _return_two(context: Context) -> Outcome:
    return Outcome(value=float(np.array([0.6, 0.4]) @ [12.0, 10.0]))


@claim("mv-double-sum", "mv-two-asset-formula", "mv-summary-formula")
def _double_sum(context: Context) -> Outcome:
    """Double sum, quadratic form and the formula for two assets, on random covariances."""
    rng, gap = context.rng(11), 0.0
    for _ in range(100):
        x = rng.standard_normal((5, 2))
        sigma, w = x.T @ x, rng.standard_normal(2)
        s, rho = np.sqrt(np.diag(sigma)), sigma[0, 1] / np.sqrt(sigma[0, 0] * sigma[1, 1])
        double = sum(w[i] * w[j] * sigma[i, j] for i in range(2) for j in range(2))
        short = w @ (w * s**2) + 2 * w[0] * w[1] * rho * s[0] * s[1]
        gap = max(gap, abs(double - w @ sigma @ w), abs(double - short))
    return Outcome("the three forms agree on 100 random cases", holds=gap < 1e-9)


@claim("mv-lower-correlation")
def _lower_correlation(context: Context) -> Outcome:
    levels = [_pair_volatility(rho) for rho in np.linspace(-1, 1, 41)]
    rising = all(a < b for a, b in pairwise(levels))
    return Outcome("volatility rises with the correlation from -1 to 1", holds=rising)


@claim("mv-not-additive")
def _not_additive(context: Context) -> Outcome:
    saved = [20 - _pair_volatility(rho) for rho in (0.99, 0.5, 0.0, -0.5)]
    return Outcome(f"at a correlation of 0, {saved[2]:.1f} points less", holds=min(saved) > 0)


# ----------------------------------------------------------------------------- three assets


def _weight(context: Context, name: str, asset: int) -> Outcome:
    return Outcome(value=100 * float(context.portfolios[name][asset]))


def _fact(context: Context, name: str, which: int) -> Outcome:
    """Return, volatility or Sharpe ratio of the optimum, with the limits that it is."""
    facts = context.facts(context.portfolios[name])
    if (name, which) == ("minimum variance", 1):
        return Outcome("the lowest of all portfolios", value=facts[1], low=facts[1])
    if which == 2:
        return Outcome("the highest of all portfolios", value=facts[2], high=facts[2])
    return Outcome(value=facts[which])


def _of_printed_weights(context: Context, name: str, which: int) -> Outcome:
    """What the printed weights give: they are round numbers, and taken as they are."""
    return Outcome(value=context.facts(PRINTED_WEIGHTS[name])[which])


def _least_risk(context: Context, name: str) -> Outcome:
    """The lowest volatility that the printed return allows."""
    mean = PRINTED_FACTS[name][0] / 100
    floors = [
        context.facts(optimization.target_return(context.mu, context.sigma.to_numpy(), m))[1]
        for m in (mean - 0.0005, mean + 0.0005)
    ]
    return Outcome(f"at least {min(floors):.1f}% at the printed return", low=min(floors))


for _key, _name in {"mvp": "minimum variance", "tan": "maximum Sharpe"}.items():
    for _j, _asset in enumerate(NAMES):
        COMPUTATIONS[f"mv-{_key}-weight-{_asset}"] = partial(_weight, name=_name, asset=_j)
    for _j, _what in enumerate(("return", "volatility", "sharpe")):
        COMPUTATIONS[f"mv-{_key}-{_what}"] = partial(_fact, name=_name, which=_j)
        COMPUTATIONS[f"mv-{_key}-own-{_what}"] = partial(_of_printed_weights, name=_name, which=_j)
    COMPUTATIONS[f"mv-{_key}-frontier"] = partial(_least_risk, name=_name)
del COMPUTATIONS["mv-mvp-sharpe"], COMPUTATIONS["mv-mvp-own-sharpe"]


@claim("mv-tan-ratio")
def _printed_ratio(context: Context) -> Outcome:
    return Outcome(low=(15.55 - 2) / 20.15, high=(15.65 - 2) / 20.05)


@claim("mv-correlations-valid")
def _valid(context: Context) -> Outcome:
    lowest = np.linalg.eigvalsh(context.sigma.to_numpy())[0]
    return Outcome("all eigenvalues are positive", holds=bool(lowest > 0))


@claim("mv-frontier-left")
def _frontier_left(context: Context) -> Outcome:
    frontier = optimization.efficient_frontier(context.mean, context.sigma)
    w = context.portfolios["minimum variance"]
    same = bool(np.allclose(frontier.weights.to_numpy()[0], w, atol=1e-6))
    return Outcome("the leftmost point is the minimum-variance portfolio", holds=same)


@claim("mv-frontier-top")
def _frontier_top(context: Context) -> Outcome:
    frontier = optimization.efficient_frontier(context.mean, context.sigma)
    top = frontier.weights.to_numpy()[-1]
    return Outcome("without shorts it ends at GOOGL alone", holds=bool(top[2] > 1 - 1e-6))


@claim("mv-frontier-inefficient")
def _inefficient(context: Context) -> Outcome:
    """Each random portfolio has an efficient one of the same risk and no lower mean."""
    frontier = optimization.efficient_frontier(context.mean, context.sigma, n_points=200)
    w = context.random_portfolios
    risk = np.sqrt(np.einsum("pi,ij,pj->p", w, context.sigma.to_numpy(), w))
    best = np.interp(risk, frontier.volatility, frontier.mean)
    ahead = best - w @ context.mu
    text = f"{len(w)} random portfolios: none above the frontier"
    return Outcome(text, holds=bool(ahead.min() > -1e-5))


@claim("mv-frontier-maximise")
def _maximise(context: Context) -> Outcome:
    """Highest mean at a risk is lowest risk at a mean: at points along the frontier."""
    frontier = optimization.efficient_frontier(context.mean, context.sigma, n_points=9)
    gap = 0.0
    inside = np.column_stack([frontier.volatility, frontier.mean])[1:-1]
    for risk, mean in inside.tolist():
        w = optimization.target_volatility(context.mean, context.sigma, risk)
        gap = max(gap, abs(float(np.asarray(w) @ context.mu) - mean))
    text = "either limit gives the same portfolios, at seven points of the curve"
    return Outcome(text, holds=gap < 1e-5)


# ------------------------------------------------------------------------------- objectives


def _best_of(context: Context, score: str) -> str:
    """The portfolio with the best score among the five."""
    sigma = context.sigma.to_numpy()
    scores: dict[str, Callable[[Array], float]] = {
        "volatility": lambda w: -context.facts(w)[1],
        "Sharpe": lambda w: context.facts(w)[2],
        "diversification": lambda w: metrics.diversification_ratio(w, sigma),
        "equal shares": lambda w: -float(np.ptp(metrics.risk_contributions(w, sigma))),
    }
    chosen = scores[score]
    return max(context.portfolios, key=lambda name: chosen(context.portfolios[name]))


def _wins(context: Context, name: str, score: str) -> Outcome:
    best = _best_of(context, score)
    return Outcome(f"best of five: {best}", holds=best == name)


for _name, _score in {
    "minimum variance": "volatility",
    "maximum Sharpe": "Sharpe",
    "risk parity": "equal shares",
    "maximum diversification": "diversification",
}.items():
    COMPUTATIONS[f"mv-objective-{_name.split()[-1].lower()}"] = partial(
        _wins, name=_name, score=_score
    )


@claim("mv-objective-target")
def _target(context: Context) -> Outcome:
    """No random portfolio has less risk than the solution for its mean."""
    mean, sigma = context.mu, context.sigma.to_numpy()
    ahead = []
    for w in context.random_portfolios[:300]:
        best = optimization.target_return(mean, sigma, float(w @ mean))
        ahead.append(context.facts(w)[1] - context.facts(best)[1])
    text = f"{len(ahead)} random portfolios: none has less risk at its mean"
    return Outcome(text, holds=min(ahead) > -1e-9)


@claim("mv-parity-equal")
def _parity(context: Context) -> Outcome:
    sigma = context.sigma.to_numpy()
    shares = metrics.risk_contributions(context.portfolios["risk parity"], sigma)
    return Outcome("three shares of a third", holds=bool(np.allclose(shares, 1 / 3, atol=1e-6)))


@claim("mv-parity-five")
def _five(context: Context) -> Outcome:
    """Risk parity of the three stocks, scaled to a volatility of 15%."""
    w = context.portfolios["risk parity"]
    scaled = context.sigma.to_numpy() * (0.15 / (context.facts(w)[1] / 100)) ** 2
    parts = 100 * w * (scaled @ w) / np.sqrt(w @ scaled @ w)
    return Outcome("contributions to volatility, which add up", value=float(parts.max()))


@claim("mv-parity-low")
def _parity_low(context: Context) -> Outcome:
    w = context.portfolios["risk parity"]
    text = f"AAPL {w[0]:.0%}, MSFT {w[1]:.0%}, GOOGL {w[2]:.0%}"
    return Outcome(text, holds=bool(w[1] > w[0] > w[2]))


def _no_mean(context: Context, allocator: str) -> Outcome:
    parameters = inspect.signature(getattr(optimization, allocator)).parameters
    taken = next(iter(parameters))
    return Outcome(f"the function takes {taken} and no mean", holds="mean" not in parameters)


for _key, _allocator in {
    "equal": "equal_weight",
    "parity": "risk_parity",
    "variance": "minimum_variance",
}.items():
    COMPUTATIONS[f"mv-start-{_key}"] = partial(_no_mean, allocator=_allocator)


# -------------------------------------------------------------------------- errors in practice


@claim("mv-error-mean")
def _error_mean(context: Context) -> Outcome:
    """10% or 25% instead of 18%, in standard errors of a mean over five years."""
    error = 25 / np.sqrt(5)
    text = f"standard error of five years at 25% volatility: {error:.1f} points"
    return Outcome(text, holds=bool(max(18 - 10, 25 - 18) < 1.96 * error))


@claim("mv-error-weights")
def _error_weights(context: Context) -> Outcome:
    """One point more on one mean."""
    sigma, mean = context.sigma.to_numpy(), context.mu
    shifted = mean + np.array([0.01, 0.0, 0.0])
    w = optimization.maximum_sharpe(shifted, sigma, risk_free=0.02)
    moved = 100 * np.abs(w - context.portfolios["maximum Sharpe"]).max()
    return Outcome(f"one point on AAPL moves a weight by {moved:.0f} points", holds=moved > 10)


@claim("mv-error-normal")
def _pair_normal(context: Context) -> Outcome:
    calm = context.stocks.loc[context.weekly_fear == 0]
    rho = calm["AAPL"].corr(calm["MSFT"])
    return Outcome("weeks in the calmest third by the VIX", value=float(rho))


@claim("mv-error-crisis")
def _pair_crisis(context: Context) -> Outcome:
    spring = context.stocks.loc[SPRING]
    wild = context.stocks.loc[context.weekly_fear == 2]
    rho = wild["AAPL"].corr(wild["MSFT"])
    text = f"spring of 2020; in the wildest third by the VIX it is {rho:.2f}"
    return Outcome(text, value=float(spring["AAPL"].corr(spring["MSFT"])))


def _ratio(returns: pd.DataFrame) -> float:
    """Average volatility over that of equal weights."""
    sigma = covariance.sample(returns.to_numpy())
    return metrics.diversification_ratio(np.full(len(sigma), 1 / len(sigma)), sigma)


@claim("mv-error-diversification", "mv-crisis-fails")
def _crisis_ratio(context: Context) -> Outcome:
    ratio = _ratio(context.days.loc[SPRING])
    text = f"spring of 2020: equal weights still have 1/{ratio:.2f} of the average volatility"
    return Outcome(text, holds=ratio < 1.02)


@claim("mv-calm-works")
def _calm_ratio(context: Context) -> Outcome:
    calm = context.days.loc[context.fear.index][context.fear == 0]
    ratio = _ratio(calm)
    text = f"calmest third: equal weights have 1/{ratio:.1f} of the average volatility"
    return Outcome(text, holds=ratio > 1.5)


@claim("mv-crisis-one")
def _crisis_one(context: Context) -> Outcome:
    level = mean_correlation(context.days.loc[SPRING])
    text = f"mean correlation of 110 stocks in the spring of 2020: {level:.2f}"
    return Outcome(text, holds=level > 0.9)


@claim("mv-unstable")
def _unstable(context: Context) -> Outcome:
    days = context.days.loc[context.fear.index]
    calm, wild = (mean_correlation(days[context.fear == k]) for k in (0, 2))
    return Outcome(f"mean correlation {calm:.2f} calm, {wild:.2f} wild", holds=wild > 1.5 * calm)


# ---------------------------------------------------------------------------- extreme weights


@claim("mv-extreme-industries")
def _extreme(context: Context) -> Outcome:
    mean, sigma = context.industries.mean(), covariance.sample(context.industries)
    gross = metrics.gross_exposure(optimization.maximum_sharpe(mean, sigma, long_only=False))
    text = f"twelve US industries without limits: gross exposure of {gross:.1f}"
    return Outcome(text, holds=gross > 2)


@claim("mv-extreme-sum")
def _extreme_sum(context: Context) -> Outcome:
    return Outcome(f"gross exposure {250 + 150}%", low=100.0, high=100.0)


@claim("mv-extreme-pair")
def _extreme_pair(context: Context) -> Outcome:
    """A correlation at which two assets of 20% and 25% have these minimum-variance weights."""
    a, b, w = 0.20, 0.25, 2.5
    rho = (w * (a**2 + b**2) - b**2) / ((2 * w - 1) * a * b)
    pair = np.array([[a**2, rho * a * b], [rho * a * b, b**2]])
    found = optimization.minimum_variance(pair, long_only=False)
    same = abs(rho) < 1 and np.allclose(found, [2.5, -1.5])
    return Outcome(f"volatilities of 20% and 25% correlated by {rho:.2f}", holds=bool(same))


@claim("mv-cap-feasible")
def _cap(context: Context) -> Outcome:
    """The recommended limits on the chapter's own three stocks."""
    try:
        optimization.minimum_variance(context.sigma, bounds=(0, 0.30))
    except InfeasibleError:
        return Outcome("three stocks can hold 90% at most: infeasible", holds=False)
    return Outcome("feasible", holds=True)


@claim("mv-turnover")
def _turnover(context: Context) -> Outcome:
    old, new = np.array([0.4, 0.3, 0.3]), np.array([0.2, 0.5, 0.3])
    return Outcome(value=100 * metrics.turnover(new, old))


@claim("mv-cost")
def _cost(context: Context) -> Outcome:
    wrong = 100 * as_written.cost(0.40, 0.002)
    text = f"as written {wrong:.2f}%: both sides counted twice"
    return Outcome(text, value=100 * 0.40 * 0.002)


@claim("mv-cost-excess")
def _cost_excess(context: Context) -> Outcome:
    """Yearly cost of trading on noise, against what the best portfolio earns over equal weights."""
    monthly: Any = {"mean": context.mu / 12, "matrix": context.sigma.to_numpy() / 12}
    traded = published.noise_turnover(context.rng(12), window=60, **monthly)
    cost = 100 * 12 * 0.002 * traded["mean-variance, long only"]
    best, equal = (context.facts(context.portfolios[k]) for k in ("maximum Sharpe", "equal weight"))
    gain = (best[2] - equal[2]) * equal[1]
    text = f"{cost:.2f}% a year on noise alone, for a gain over 1/N of {gain:.2f}%"
    return Outcome(text, holds=cost > gain / 2)


@claim("mv-fix-penalty")
def _penalty(context: Context) -> Outcome:
    """The same optimum with and without a price on trading, from equal weights."""
    sigma, held = context.sigma.to_numpy(), np.full(3, 1 / 3)
    options: Any = {"previous": held, "turnover_penalty": 0.005}
    free, priced = (
        optimization.minimum_variance(sigma),
        optimization.minimum_variance(sigma, **options),
    )
    trades = [metrics.turnover(w, held) for w in (free, priced)]
    return Outcome(
        f"turnover {trades[0]:.0%} without, {trades[1]:.0%} with", holds=trades[1] < trades[0]
    )


@claim("mv-fix-threshold")
def _threshold(context: Context) -> Outcome:
    from mixfolio.backtest import Threshold, walk_forward

    def equal(past: pd.DataFrame) -> "pd.Series[float]":
        return pd.Series(1 / past.shape[1], past.columns)

    returns = context.industries.iloc[-180:, :3]
    rules: dict[str, dict[str, Any]] = {
        "every month": {},
        "threshold": {"rebalance": Threshold(0.05)},
    }
    traded = {
        name: float(
            walk_forward(returns, {"1/N": equal}, window=60, step=1, **rule)
            .turnover.to_numpy()[1:]
            .mean()
        )
        for name, rule in rules.items()
    }
    less, more = traded["threshold"], traded["every month"]
    text = f"1/N of three industries: {less:.1%} a month, not {more:.1%}"
    return Outcome(text, holds=traded["threshold"] < traded["every month"])


@claim("mv-fix-stable")
def _stable(context: Context) -> Outcome:
    """Turnover of minimum variance with shorts on industries, sample against shrinkage."""
    returns = context.industries.iloc[-180:].to_numpy()
    traded = {}
    for name, estimate in {"s": covariance.sample, "k": covariance.linear_shrinkage}.items():
        path = [
            optimization.minimum_variance(estimate(returns[t - 36 : t]), long_only=False)
            for t in range(36, len(returns), 3)
        ]
        traded[name] = float(np.abs(np.diff(path, axis=0)).sum(axis=1).mean())
    text = f"turnover a quarter {traded['s']:.0%} with the sample, {traded['k']:.0%} with shrinkage"
    return Outcome(text, holds=traded["k"] < traded["s"])


# -------------------------------------------------------------------------------- improvements


@claim("mv-shrinkage-convex")
def _convex(context: Context) -> Outcome:
    returns = context.industries.iloc[-60:].to_numpy()
    S = covariance.sample(returns)
    target = covariance.linear_shrinkage(returns, intensity=1.0)
    mixed = covariance.linear_shrinkage(returns, intensity=0.3)
    same = bool(np.allclose(mixed, 0.7 * S + 0.3 * target))
    return Outcome("the source's weight is one minus our intensity", holds=same)


def _shrunk(context: Context, target: covariance.Target) -> Outcome:
    """Loss of half sample, half target, against the sample: 45 assets and 90 days."""
    from mixfolio.simulation import FactorWorld

    losses = []
    for k in range(context.n_replications):
        rng = context.rng(13, k)
        world = FactorWorld(n_per_industry=5).draw(rng)
        past, truth = world.simulate(90, rng).to_numpy(), world.truth.to_numpy()
        S = covariance.sample(past)
        F = covariance.linear_shrinkage(past, target=target, intensity=1.0)
        risk = [covariance.portfolio_variance(m, truth) for m in (S, (S + F) / 2)]
        losses.append(np.log(risk[1] / risk[0]) / 2)
    mean, error = np.mean(losses), np.std(losses, ddof=1) / np.sqrt(len(losses))
    text = f"volatility of minimum variance changes by {100 * mean:.0f}% ± {100 * error:.0f}%"
    return Outcome(text, holds=bool(mean < -2 * error))


COMPUTATIONS["mv-target-diagonal"] = partial(_shrunk, target="diagonal")
COMPUTATIONS["mv-target-factor"] = partial(_shrunk, target="single_factor")
COMPUTATIONS["mv-target-correlation"] = partial(_shrunk, target="constant_correlation")

MARKET = np.array([0.4, 0.35, 0.25])


@claim("mv-bl-equilibrium")
def _equilibrium(context: Context) -> Outcome:
    """Implied returns put back into the optimiser give the market."""
    sigma = context.sigma.to_numpy()
    implied = 2.5 * sigma @ MARKET
    back = np.linalg.solve(sigma, implied)
    same = np.allclose(back / back.sum(), MARKET)
    return Outcome("optimising on the implied returns gives the market", holds=bool(same))


def _spread(context: Context, confidence: float) -> tuple[float, float]:
    """AAPL less MSFT in per cent: in equilibrium, and with the view of 3%."""
    view = expected_returns.View("AAPL", "MSFT", 0.03, confidence)
    market = pd.Series(MARKET, context.sigma.index)
    found = expected_returns.black_litterman(context.sigma, market, views=[view])
    gap = [100 * float(m["AAPL"] - m["MSFT"]) for m in (found.equilibrium, found.mean)]
    return gap[0], gap[1]


@claim("mv-bl-view")
def _view(context: Context) -> Outcome:
    before, after = _spread(context, 0.5)
    text = f"expected lead {before:.2f}% in equilibrium, {after:.2f}% with the view"
    return Outcome(text, holds=abs(after - 3) < abs(before - 3))


@claim("mv-bl-confidence")
def _confidence(context: Context) -> Outcome:
    leads = [_spread(context, c)[1] for c in (0.1, 0.5, 0.9)]
    near = [abs(lead - 3) for lead in leads]
    text = "at confidences .1, .5, .9: " + ", ".join(f"{lead:.2f}%" for lead in leads)
    return Outcome(text, holds=near[0] > near[1] > near[2])


def _spread_of_weights(context: Context) -> tuple[float, float]:
    """Standard deviation of weights over histories: sample means, and the same as a view."""
    sigma, rng = context.sigma / 12, context.rng(14)
    market = pd.Series(MARKET, sigma.index)
    weights: dict[str, list[Array]] = {"sample": [], "blended": []}
    for _ in range(200):
        mean = rng.multivariate_normal(2.5 * sigma @ market, sigma / 60)
        view = expected_returns.View("AAPL", "MSFT", float(mean[0] - mean[1]), 0.5)
        blended = expected_returns.black_litterman(sigma, market, views=[view]).mean
        weights["sample"].append(np.asarray(np.linalg.solve(2.5 * sigma, mean)))
        weights["blended"].append(np.asarray(np.linalg.solve(2.5 * sigma, blended)))
    a, b = (float(np.std(w, axis=0).mean()) for w in weights.values())
    return a, b


@claim("mv-bl-stable")
def _bl_stable(context: Context) -> Outcome:
    sample, blended = _spread_of_weights(context)
    text = f"over 200 histories a weight varies by {blended:.2f}, by {sample:.2f} with sample means"
    return Outcome(text, holds=blended < sample)


# -------------------------------------------------------------------- agents and misconceptions


def _proposal(context: Context, weights: list[float]) -> agents.Proposal:
    w = pd.Series(weights, NAMES)
    held = pd.Series(1 / 3, NAMES)
    return agents.Proposal(w, context.mean, context.sigma, pd.DataFrame(), held)


@claim("mv-agent-limits")
def _agent_limits(context: Context) -> Outcome:
    found = agents.review(_proposal(context, [0.1, 0.2, 0.7]), agents.Limits(max_position=0.5))
    return Outcome(
        f"70% in one stock under a cap of 50%: {found.verdict}", holds=found.verdict != "pass"
    )


@claim("mv-agent-turnover")
def _agent_turnover(context: Context) -> Outcome:
    found = agents.review(_proposal(context, [0.1, 0.2, 0.7]), agents.Limits(max_turnover=0.2))
    return Outcome(
        f"turnover of 73% under a limit of 20%: {found.verdict}", holds=found.verdict != "pass"
    )


@claim("mv-past-optimum")
def _past(context: Context) -> Outcome:
    """Maximum Sharpe of industries from the first half, in both halves."""
    half = len(context.industries) // 2
    one, two = context.industries.iloc[:half], context.industries.iloc[half:]
    w = optimization.maximum_sharpe(one.mean(), covariance.sample(one), long_only=False)
    inside, after = (np.sqrt(12) * (part @ w).mean() / (part @ w).std() for part in (one, two))
    best = optimization.maximum_sharpe(two.mean(), covariance.sample(two), long_only=False)
    could = np.sqrt(12) * (two @ best).mean() / (two @ best).std()
    text = (
        f"Sharpe ratio {inside:.2f} in its half, {after:.2f} after, when {could:.2f} was possible"
    )
    return Outcome(text, holds=bool(after < min(inside, could)))


def _removed(context: Context) -> dict[int, float]:
    """Share of the removable volatility that n stocks remove, in per cent."""
    sigma = covariance.sample(context.stocks).to_numpy()
    n, total = len(sigma), sigma.sum()
    variance = np.trace(sigma) / n
    shared = (total - np.trace(sigma)) / n / (n - 1)
    level = {k: np.sqrt(variance / k + (1 - 1 / k) * shared) for k in (1, 2, 10, 30, 100)}
    return {k: float(100 * (level[1] - v) / (level[1] - np.sqrt(shared))) for k, v in level.items()}


def _step(context: Context, low: int, high: int, rank: int) -> Outcome:
    """A step of diversification, and its place among the three by size."""
    gone = _removed(context)
    steps = [gone[10] - gone[2], gone[30] - gone[10], gone[100] - gone[30]]
    size = gone[high] - gone[low]
    place = sorted(steps, reverse=True).index(size)
    return Outcome(f"{size:.0f}% of what can be removed", holds=place == rank)


for _k, (_low, _high) in enumerate(((2, 10), (10, 30), (30, 100))):
    COMPUTATIONS[f"mv-step-{_high}"] = partial(_step, low=_low, high=_high, rank=_k)


@claim("mv-step-floor")
def _floor(context: Context) -> Outcome:
    sigma = 52 * covariance.sample(context.stocks).to_numpy()
    n = len(sigma)
    shared = (sigma.sum() - np.trace(sigma)) / n / (n - 1)
    return Outcome(
        f"floor of {np.sqrt(shared):.1%} a year for equal weights", holds=bool(shared > 0)
    )
