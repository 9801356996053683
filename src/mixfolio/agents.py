"""Small parts of an investment process that compose: signals, a portfolio agent, a risk agent.

A signal reads past returns and states views. The portfolio agent blends all views with market
equilibrium and optimises. The risk agent checks the proposal against limits, and passes it, adjusts
it, or rejects it, with a reason for each limit. Each part is a function, so that it can be tested
alone and exchanged.

The risk agent moves a proposal as little as it can. Caps are met by the portfolio with the lowest
tracking error to the proposal. Volatility and diversification are met by a step towards the safest
and the most even portfolio within the caps. Turnover is met by a partial step from what is held.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from mixfolio import expected_returns, metrics, mixed_model, optimization
from mixfolio._inputs import (
    Array,
    Labels,
    checked,
    checked_but,
    read_count,
    read_covariance,
    read_membership,
    read_number,
    read_returns,
    read_vector,
    require_fields,
    require_history,
)
from mixfolio.covariance import nonlinear_shrinkage
from mixfolio.errors import DataError, InfeasibleError
from mixfolio.expected_returns import View

__all__ = [
    "Decision",
    "Limits",
    "Proposal",
    "Signal",
    "breeding_values",
    "momentum",
    "propose",
    "review",
]

Signal = Callable[[pd.DataFrame], list[View]]
Estimator = Callable[[Any], Any]
Verdict = Literal["pass", "adjust", "reject"]

TOLERANCE = 1e-8


# ------------------------------------------------------------------ signals


@checked
def momentum(
    returns: pd.DataFrame,
    *,
    lookback: int = 12,
    skip: int = 1,
    share: float = 1 / 3,
    premium: float = 0.003,
    confidence: float = 0.25,
) -> list[View]:
    """One relative view: recent winners beat recent losers (Jegadeesh and Titman, 1993).

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal simple returns up to the decision.
    lookback : int
        Periods of history that are ranked, counted back from the decision.
    skip : int
        The latest periods, which are left out: they tend to reverse.
    share : float
        Part of the assets on each side, above 0 and at most one half.
    premium : float
        By how much winners are expected to beat losers, per period.
    confidence : float
        Above 0 and at most 1.

    Returns
    -------
    list of View

    Raises
    ------
    DataError
        If the returns are unusable, too short, or unlabelled, or an argument is out of range.

    References
    ----------
    Jegadeesh, N. and Titman, S. (1993). Returns to buying winners and selling losers: implications
    for stock market efficiency. Journal of Finance 48, 65-91.

    Examples
    --------
    >>> from mixfolio import agents, datasets
    >>> returns = datasets.load("asset-classes")[["MSCI US", "Global Bonds", "US TIPS"]]
    >>> print(agents.momentum(returns)[0])
    MSCI US beats Global Bonds by 0.003
    """
    lookback = read_count(lookback, "lookback", 1)
    skip = read_count(skip, "skip", 0, lookback - 1)
    values, labels = _read_history(returns, min_periods=lookback)
    share = read_number(share, "share")
    count = round(share * len(labels))
    if not 0 < share <= 0.5 or count < 1:
        raise DataError(
            f"share is {share} of {len(labels)} assets; it must be above 0, at most 0.5, and hold "
            "at least one asset."
        )
    past = values[len(values) - lookback : len(values) - skip]
    order = np.argsort(np.prod(1.0 + past, axis=0), kind="stable")
    winners, losers = labels[order[::-1][:count]], labels[order[:count]]
    return [View.relative(list(winners), list(losers), premium, confidence=confidence)]


@checked
def breeding_values(returns: pd.DataFrame, relationship: Any = None) -> list[View]:
    """One absolute view per asset: its predicted expected return, as sure as it is reliable.

    The mixed model of :func:`mixfolio.mixed_model.panel_reml` predicts a persistent effect for each
    asset. Its reliability is the confidence of the view. Where the likelihood finds no
    persistent differences there is nothing to say, and no view.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal simple returns in excess of the riskless rate, up to the decision. NaN is missing.
    relationship : DataFrame of shape (n_assets, n_assets), optional
        Similarity of assets, matched by name; unrelated by default.

    Returns
    -------
    list of View

    Raises
    ------
    DataError, ConvergenceError
        As :func:`mixfolio.mixed_model.panel_reml`.

    Examples
    --------
    >>> from mixfolio import agents, datasets
    >>> table = datasets.load("asset-classes")
    >>> excess = table[["MSCI US", "Global Bonds", "US TIPS"]].sub(table["Cash"], axis=0)
    >>> {view.better: round(view.value, 4) for view in agents.breeding_values(excess)}
    {'MSCI US': 0.0039, 'Global Bonds': 0.0021, 'US TIPS': 0.0024}
    """
    _read_history(returns, allow_missing=True)
    fitted = mixed_model.panel_reml(returns, relationship=relationship)
    if fitted.at_boundary:
        return []
    sure = np.clip(np.asarray(fitted.effect_reliability, dtype=float), 1e-6, 1.0)
    expected = fitted.expected_returns
    return [
        View.absolute(name, float(expected[name]), confidence=float(c))
        for name, c in zip(expected.index, sure, strict=True)
    ]


def _read_history(returns: pd.DataFrame, **options: Any) -> tuple[Array, Labels]:
    """Checked returns and the names of their assets; options as for `read_returns`."""
    values, labels = read_returns(returns, **options)
    if labels is None:
        raise DataError("returns must be a DataFrame here: views are by name.")
    require_history(returns, values)
    return values, labels


# ------------------------------------------------------------------ the portfolio agent


@dataclass(frozen=True)
class Proposal:
    """A portfolio that the portfolio agent wants, and what it was made from.

    Attributes
    ----------
    weights : Series of length n_assets
    expected_returns : Series of length n_assets
        Per period, in excess of the riskless rate.
    covariance : DataFrame of shape (n_assets, n_assets)
        Per period.
    views : DataFrame
        What each view stated, and what became of it; see
        :class:`mixfolio.expected_returns.BlackLitterman`.
    previous : Series of length n_assets, or None
        What is held now.
    """

    weights: pd.Series
    expected_returns: pd.Series
    covariance: pd.DataFrame
    views: pd.DataFrame
    previous: pd.Series | None = None


@checked_but("signals")
def propose(
    returns: pd.DataFrame,
    signals: Iterable[Signal] = (),
    *,
    market_weights: "pd.Series[float] | None" = None,
    estimator: Estimator = nonlinear_shrinkage,
    risk_aversion: float = 2.5,
    previous: "pd.Series[float] | None" = None,
    turnover_penalty: float = 0.0,
    **options: Any,
) -> Proposal:
    """The portfolio agent: views of all signals, blended with equilibrium, then optimised.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal simple returns in excess of the riskless rate, up to the decision.
    signals : iterable of functions
        Each takes the returns and gives a list of views. Views that contradict each other are
        averaged by their confidence.
    market_weights : Series of length n_assets, optional
        The portfolio that views start from; equal weights by default.
    estimator : function
        From returns to covariance.
    risk_aversion : float
    previous : Series of length n_assets, optional
        What is held now.
    turnover_penalty : float
        Cost per unit traded, in expected return per period.
    **options
        ``long_only``, ``bounds``, ``groups`` and ``group_limits``, see
        :class:`mixfolio.optimization.ConstraintOptions`.

    Returns
    -------
    Proposal

    Raises
    ------
    DataError, SingularCovarianceError, InfeasibleError
        As :func:`mixfolio.expected_returns.black_litterman` and
        :func:`mixfolio.optimization.mean_variance`.

    Examples
    --------
    >>> from mixfolio import agents, datasets
    >>> table = datasets.load("asset-classes")
    >>> excess = table[["MSCI US", "Global Bonds", "US TIPS"]].sub(table["Cash"], axis=0)
    >>> proposal = agents.propose(excess, [agents.momentum])
    >>> proposal.weights.round(3).to_dict()
    {'MSCI US': 0.404, 'Global Bonds': 0.262, 'US TIPS': 0.333}
    """
    labels = _read_history(returns)[1]
    if market_weights is None:
        market_weights = optimization.equal_weight(labels)
    stated = [view for signal in _read_signals(signals) for view in _ask(signal, returns)]
    if not callable(estimator):
        raise DataError(f"estimator is {estimator!r}; it must be a function, covariance.oas say.")
    matrix = estimator(returns.copy())
    tau = 1 / len(returns)
    blended = expected_returns.black_litterman(
        matrix,
        market_weights,
        stated,
        risk_aversion=risk_aversion,
        tau=tau,
        contradictions="blend",
    )
    # Without views the covariance is (1 + tau) Sigma, and this aversion gives the market back.
    weights = optimization.mean_variance(
        blended.mean,
        blended.covariance,
        risk_aversion=risk_aversion / (1 + tau),
        previous=previous,
        turnover_penalty=turnover_penalty,
        **options,
    )
    return Proposal(weights, blended.mean, blended.covariance, blended.views, previous)


def _read_signals(signals: Any) -> list[Signal]:
    if not callable(signals) and not isinstance(signals, list | tuple):
        raise DataError(f"signals is of type {type(signals).__name__}; give a list of functions.")
    found = [signals] if callable(signals) else list(signals)
    for signal in found:
        if not callable(signal):
            raise DataError(f"a signal is {signal!r}; it must be a function of past returns.")
    return found


def _ask(signal: Signal, returns: pd.DataFrame) -> list[View]:
    views = signal(returns.copy())
    if not isinstance(views, list | tuple) or not all(isinstance(view, View) for view in views):
        raise DataError(
            f"a signal gave {views!r}; it must give a list of views, which may be empty."
        )
    return list(views)


# ------------------------------------------------------------------ the risk agent


@dataclass(frozen=True)
class Limits:
    """What a portfolio may be. Every limit is optional.

    Attributes
    ----------
    max_position : float, optional
        Highest weight of an asset. Setting it forbids short positions.
    groups : Series, optional
        One group label per asset.
    max_group : float, optional
        Highest sum of weights in a group. Setting it forbids short positions.
    max_volatility : float, optional
        Highest standard deviation per period of the covariance.
    min_effective_number : float, optional
        Lowest effective number of assets, one over the sum of squared weights.
    max_turnover : float, optional
        Highest sum of absolute trades against what is held.
    reject_beyond : float
        A proposal that exceeds a limit more than this many times over is rejected and not adjusted:
        so large a breach is more likely a mistake than a wish.

    Raises
    ------
    DataError
        If a limit is not positive, or `max_group` comes without `groups`.
    """

    max_position: float | None = None
    groups: Any = None
    max_group: float | None = None
    max_volatility: float | None = None
    min_effective_number: float | None = None
    max_turnover: float | None = None
    reject_beyond: float = 5.0

    def __post_init__(self) -> None:
        require_fields(self)
        for name in (*MEASURES, "reject_beyond"):
            value = getattr(self, name)
            if value is not None and read_number(value, name) <= 0:
                raise DataError(f"{name} is {value}; a limit must be positive.")
        for name in ("max_position", "max_group"):
            if (getattr(self, name) or 0) > 1:
                raise DataError(
                    f"{name} is {getattr(self, name)}, more than all there is; 0.30 is 30 %."
                )
        if self.reject_beyond < 1:
            raise DataError(f"reject_beyond is {self.reject_beyond}; it must be at least 1.")
        if self.max_group is not None and self.groups is None:
            raise DataError("max_group needs groups: a Series with one group label per asset.")


@dataclass(frozen=True)
class Decision:
    """What the risk agent says of a proposal.

    Attributes
    ----------
    verdict : {"pass", "adjust", "reject"}
    weights : Series of length n_assets, or None
        What may be held: the proposal, the adjusted proposal, or, after a rejection, what is held
        now (None if nothing is).
    checks : DataFrame
        One row per limit that was set: limit, proposed, final (what is measured on `weights`), and
        breached.
    reasons : list of str
        One sentence for each breach and what was done about it; empty for a pass.
    """

    verdict: Verdict
    weights: Any
    checks: pd.DataFrame
    reasons: list[str] = field(default_factory=list)


@checked_but("proposal", "limits")
def review(proposal: Proposal, limits: Limits) -> Decision:
    """The risk agent: pass, adjust or reject a proposal, with a reason for every breach.

    Parameters
    ----------
    proposal : Proposal
    limits : Limits

    Returns
    -------
    Decision

    Raises
    ------
    DataError
        If weights or covariance of the proposal are not finite, the weights or what is held do not
        sum to one, or groups lack an asset.

    Notes
    -----
    Adjustments are made in the order caps, diversification, volatility, turnover, each by the
    smallest step of its kind that meets its limit. A portfolio that has been adjusted is measured
    again against all limits: where one is still breached, as a partial trade may leave a position
    above its cap, the proposal is rejected.

    Examples
    --------
    >>> from mixfolio import agents, datasets
    >>> table = datasets.load("asset-classes")
    >>> excess = table[["MSCI US", "Global Bonds", "US TIPS"]].sub(table["Cash"], axis=0)
    >>> proposal = agents.propose(excess, [agents.momentum])
    >>> decision = agents.review(proposal, agents.Limits(max_position=0.4))
    >>> decision.verdict, decision.weights.round(3).to_dict()
    ('adjust', {'MSCI US': 0.4, 'Global Bonds': 0.265, 'US TIPS': 0.335})
    >>> decision.reasons[0]
    'The largest position is 0.4042; it must be at most 0.4.'
    """
    _require_usable(proposal, limits)
    before = _measure(proposal, limits)
    breached = _breached(before, limits)
    shorts = _shorts(proposal, limits)
    if not breached and not shorts:
        return Decision("pass", proposal.weights, _table(before, before, limits))
    too_far = [
        name for name in breached if _excess(before[name], name, limits) > limits.reject_beyond
    ]
    if too_far:
        reasons = [
            f"{_sentence(name, before[name], limits)} It is beyond {limits.reject_beyond:g} times "
            "the limit, and was not repaired."
            for name in too_far
        ]
        return _rejected(proposal, before, limits, reasons)
    reasons = [*shorts, *(_sentence(name, before[name], limits) for name in breached)]
    try:
        adjusted = _adjust(proposal, limits)
    except InfeasibleError as error:
        return _rejected(proposal, before, limits, [*reasons, f"No portfolio meets them: {error}"])
    after = _measure(adjusted, limits)
    left = _breached(after, limits)
    still_short = _shorts(adjusted, limits)
    if left or still_short:
        told = "; ".join([*still_short, *(_sentence(name, after[name], limits) for name in left)])
        return _rejected(proposal, before, limits, [*reasons, f"After adjustment: {told}"])
    moved = float(np.abs(adjusted.weights - proposal.weights).sum() / 2)
    reasons.append(f"Adjusted by moving {moved:.1%} of the wealth.")
    return Decision("adjust", adjusted.weights, _table(before, after, limits), reasons)


def _require_usable(proposal: Any, limits: Any) -> None:
    if not isinstance(proposal, Proposal) or not isinstance(limits, Limits):
        raise DataError(
            "review takes a Proposal and Limits; make them with agents.propose and "
            "agents.Limits(...)."
        )
    matrix, labels = read_covariance(proposal.covariance)
    if labels is None:
        raise DataError("the covariance of the proposal must be a DataFrame: limits are by name.")
    held = {"weights": proposal.weights}
    if proposal.previous is not None:
        held["previous"] = proposal.previous
    for what, weights in held.items():
        total = float(read_vector(weights, len(matrix), labels, what)[0].sum())
        if not isinstance(weights, pd.Series) or abs(total - 1) > 1e-6:
            raise DataError(
                f"{what} of the proposal sums to {total:.6g}; it must be a Series of shares of the "
                "wealth that sum to 1."
            )


def _shorts(proposal: Proposal, limits: Limits) -> list[str]:
    """A sentence about short positions where a cap forbids them, or nothing."""
    capped = limits.max_position is not None or limits.max_group is not None
    lowest = float(proposal.weights.min())
    if not capped or lowest >= -TOLERANCE:
        return []
    return [f"The lowest weight is {lowest:.4g}; limits on positions or groups allow no shorts."]


def _rejected(
    proposal: Proposal, before: dict[str, float], limits: Limits, reasons: list[str]
) -> Decision:
    kept = proposal.previous
    after = before if kept is None else _measure(replace(proposal, weights=kept), limits)
    what = "Nothing is held." if kept is None else "What is held stays."
    return Decision("reject", kept, _table(before, after, limits), [*reasons, what])


def _adjust(proposal: Proposal, limits: Limits) -> Proposal:
    """The proposal moved into its limits; InfeasibleError where the caps exclude each other."""
    matrix = proposal.covariance
    labels = matrix.columns
    options = _caps(limits)
    w = proposal.weights.loc[labels]
    if options:
        w = _nearest(w, matrix, options)
    least = limits.min_effective_number
    if least is not None:
        even = _nearest(
            optimization.equal_weight(labels), pd.DataFrame(np.eye(len(w)), labels, labels), options
        )
        w = _step(w, even, lambda x: float(x @ x) <= 1 / least + 1e-15)
    if limits.max_volatility is not None:
        safe = optimization.minimum_variance(matrix, **(options or {"long_only": False}))
        V, most = matrix.to_numpy(), limits.max_volatility**2
        w = _step(w, safe, lambda x: float(x @ V @ x) <= most)
    if limits.max_turnover is not None and proposal.previous is not None:
        held = proposal.previous.loc[labels]
        traded = metrics.turnover(w, held)
        if traded > limits.max_turnover:
            w = held + (w - held) * (limits.max_turnover / traded)
    return replace(proposal, weights=w.rename("weights"))


def _caps(limits: Limits) -> dict[str, Any]:
    """Limits on single positions and groups, as the optimizers take them."""
    options: dict[str, Any] = {}
    if limits.max_position is not None:
        options["bounds"] = (0.0, limits.max_position)
    if limits.max_group is not None:
        options |= {"groups": limits.groups, "group_limits": (None, limits.max_group)}
    return options


def _nearest(w: pd.Series, matrix: pd.DataFrame, options: dict[str, Any]) -> pd.Series:
    """Lowest tracking error to `w` within the caps: (x - w)' V (x - w) is least."""
    if not options:
        return w
    pull = matrix @ w
    return optimization.mean_variance(pull, matrix, risk_aversion=1.0, **options)


def _step(w: pd.Series, anchor: pd.Series, fine: Callable[[Array], bool]) -> pd.Series:
    """The first portfolio on the way from `w` to `anchor` that is fine."""
    start, way = w.to_numpy(), (anchor - w).to_numpy()
    if fine(start):
        return w
    if not fine(start + way):
        raise InfeasibleError("even the safest, or most even, portfolio within the caps breaches.")
    low, high = 0.0, 1.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (low, middle) if fine(start + middle * way) else (middle, high)
    return w + high * (anchor - w)


# ------------------------------------------------------------------ what the risk agent measures


def _largest_group(proposal: Proposal, limits: Limits) -> float:
    w = proposal.weights
    membership, _ = read_membership(limits.groups, len(w), w.index)
    return max(float(w.groupby(column).sum().get(1.0, 0.0)) for column in membership.T)


def _volatility(proposal: Proposal) -> float:
    w = proposal.weights.loc[proposal.covariance.columns].to_numpy()
    return float(np.sqrt(w @ proposal.covariance.to_numpy() @ w))


def _turnover(proposal: Proposal) -> float:
    held = proposal.previous
    return 0.0 if held is None else metrics.turnover(proposal.weights, held)


MEASURES: dict[str, tuple[str, Callable[[Proposal, Limits], float]]] = {
    "max_position": ("The largest position", lambda p, _: float(p.weights.max())),
    "max_group": ("The largest group", _largest_group),
    "max_volatility": ("The volatility", lambda p, _: _volatility(p)),
    "min_effective_number": (
        "The effective number of assets",
        lambda p, _: metrics.effective_number(p.weights),
    ),
    "max_turnover": ("The turnover", lambda p, _: _turnover(p)),
}


def _measure(proposal: Proposal, limits: Limits) -> dict[str, float]:
    return {
        name: measure(proposal, limits)
        for name, (_, measure) in MEASURES.items()
        if getattr(limits, name) is not None
    }


def _excess(value: float, name: str, limits: Limits) -> float:
    """How many times over a limit is used up: above 1 it is breached."""
    limit = float(getattr(limits, name))
    return limit / value if name.startswith("min") else value / limit


def _breached(measured: dict[str, float], limits: Limits) -> list[str]:
    return [
        name for name, value in measured.items() if _excess(value, name, limits) > 1 + TOLERANCE
    ]


def _sentence(name: str, value: float, limits: Limits) -> str:
    side = "at least" if name.startswith("min") else "at most"
    return f"{MEASURES[name][0]} is {value:.4g}; it must be {side} {getattr(limits, name):.4g}."


def _table(before: dict[str, float], after: dict[str, float], limits: Limits) -> pd.DataFrame:
    breached = _breached(before, limits)
    return pd.DataFrame(
        {
            "limit": {name: float(getattr(limits, name)) for name in before},
            "proposed": before,
            "final": after,
            "breached": {name: name in breached for name in before},
        },
        index=list(before),
    ).rename_axis("limit_name")
