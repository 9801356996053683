"""One call from past returns to a portfolio with its reasons.

The steps are those that the book recommends. Take the last `lookback` periods. Fit a mixed model
with groups of assets or a relationship matrix. If what it finds in common is too little, fall back
to shrinkage without a model. Shrink the sample covariance toward the model as far as the data
believe it. Choose weights within caps and group limits, with a price on turnover. Say where the
risk comes from, and in plain words what was done and why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from mixfolio import covariance, metrics, mixed_model, optimization
from mixfolio._inputs import (
    SUM_TOLERANCE,
    checked,
    read_array,
    read_count,
    read_number,
    read_returns,
    require_history,
)
from mixfolio.errors import DataError
from mixfolio.metrics import RiskAttribution
from mixfolio.mixed_model import ShrunkModel
from mixfolio.optimization import ConstraintOptions

__all__ = ["MixedModelPortfolio", "mixed_model_portfolio"]

Objective = Literal["minimum_variance", "risk_parity", "maximum_diversification"]
Allocate = Callable[[pd.DataFrame], "pd.Series[float]"]
Used = Literal["mixed model", "shrinkage", "given"]

LEAST_PERIODS = 20
_FALLBACK = mixed_model.with_time_steps(lambda past, _: covariance.nonlinear_shrinkage(past))


@dataclass(frozen=True)
class MixedModelPortfolio:
    """A portfolio and how it came about; all figures are per period of the returns.

    Attributes
    ----------
    weights : Series of length n_assets
        They sum to one.
    covariance : DataFrame of shape (n_assets, n_assets)
        The estimate on which the weights were optimised.
    used : {"mixed model", "shrinkage", "given"}
        Which estimate that is.
    heritability : float
        Mean over assets of the share of variance that the mixed model ascribes to what assets
        share.
    intensity : float
        Weight of the mixed model in the covariance; the rest is the sample's. 0 where the model was
        not used.
    attribution : RiskAttribution
        Variance of the portfolio by source and by asset. After a fall-back the only source is
        "shrinkage", on a given estimate "covariance".
    diagnosis : Series
        Volatility, concentration, turnover and condition number, by name.
    explanation : str
        In plain words, what was done and why.
    fitted : ShrunkModel
        The mixed model, whether it was used or not.
    """

    weights: pd.Series
    covariance: pd.DataFrame
    used: Used
    heritability: float
    intensity: float
    attribution: RiskAttribution
    diagnosis: pd.Series
    explanation: str
    fitted: ShrunkModel[pd.DataFrame]


@checked
def mixed_model_portfolio(
    returns: pd.DataFrame,
    groups: Any = None,
    relationship: Any = None,
    *,
    lookback: int | None = None,
    min_heritability: float = 0.10,
    max_position: float = 0.30,
    max_group: float | None = None,
    objective: Objective | Allocate = "minimum_variance",
    long_only: bool = True,
    previous: "pd.Series[float] | None" = None,
    turnover_penalty: float = 0.0,
    estimate: Callable[[Any, Any], pd.DataFrame] | None = None,
) -> MixedModelPortfolio:
    """Weights on the recommended mixed-model covariance, with diagnosis and explanation.

    Parameters
    ----------
    returns : DataFrame of shape (n_periods, n_assets)
        Decimal simple returns up to the decision, oldest first, without gaps in the periods used.
    groups : Series, mapping, sequence or DataFrame, optional
        Groups of assets: one label per asset, several columns of labels, or a 0/1 table. Labelled
        ones are matched by name and may cover more assets; a list, tuple or array goes by the
        order of the columns of `returns`. A 0/1 table of a single column is refused, since it may
        as well be the labels of two groups.
    relationship : matrix of shape (n_assets, n_assets), or mapping of name to matrix, optional
        Relationship matrices, matched by name; see :mod:`mixfolio.relationship`. They must not know
        the future, nor be made from the same returns.
    lookback : int, optional
        Periods of history to use, the latest; all by default.
    min_heritability : float
        Below this the mixed model is not used, and the estimate is nonlinear shrinkage, with the
        same steps that concern time.
    max_position : float
        Highest absolute weight of an asset.
    max_group : float, optional
        Highest sum of weights in a group, of every column of labels; needs `groups`.
    objective : {"minimum_variance", "risk_parity", "maximum_diversification"} or function
        Risk parity cannot have caps that bind, group limits or a price of trading, and raises an
        error with them. A function takes the covariance and gives the weights; the caps, limits and
        price of trading are then its own affair, and the arguments for them are not used.
    long_only : bool
        Whether shorts are forbidden.
    previous : Series of length n_assets, optional
        Weights that are held now; they sum to one within 0.001.
    turnover_penalty : float
        Price of one unit traded, in the units of the objective: for minimum variance those of half
        the variance per period.

    Returns
    -------
    MixedModelPortfolio

    Raises
    ------
    DataError
        If the returns are unusable or unlabelled, fewer than 20 periods are used, an argument is
        out of range, or an objective cannot have a limit that is set.
    InfeasibleError
        If no portfolio meets the limits; the message names them.
    SingularCovarianceError, ConvergenceError
        As the estimators and optimizers that this calls.

    Examples
    --------
    >>> from mixfolio import datasets, portfolio
    >>> names = ["MSCI US", "MSCI Japan", "Hedge Funds", "HF Macro/CTA", "Commodities Precious"]
    >>> returns, classes = datasets.load("asset-classes")[names], datasets.groups("asset-classes")
    >>> found = portfolio.mixed_model_portfolio(returns, classes, lookback=120)
    >>> found.weights.round(2).to_dict()
    {'MSCI US': 0.1, 'MSCI Japan': 0.17, 'Hedge Funds': 0.3, 'HF Macro/CTA': 0.3,
     'Commodities Precious': 0.13}
    >>> found.used, f"{found.heritability:.0%}"
    ('mixed model', '50%')
    """
    past = _read_past(returns, lookback)
    min_heritability = read_number(min_heritability, "min_heritability")
    if not 0 <= min_heritability <= 1:
        raise DataError(f"min_heritability is {min_heritability}; it must be between 0 and 1.")
    fitted = mixed_model.fit(past, groups, relationship)
    used = _which(fitted, min_heritability, estimate)
    matrix = _matrix(past, groups, fitted, used, estimate)
    if callable(objective):
        options: ConstraintOptions = {}
        weights = objective(matrix)
    else:
        options = _options(past, max_position, max_group, groups, long_only)
        weights = _allocate(matrix, objective, options, previous, turnover_penalty)
    only = {"given": "covariance", "shrinkage": "shrinkage"}
    parts = fitted.components() if used == "mixed model" else {only[used]: matrix}
    risk = metrics.risk_attribution(weights, parts)
    intensity = fitted.intensity if used == "mixed model" else 0.0
    diagnosis = _diagnose(past, weights, matrix, fitted, intensity, previous)
    explanation = _explain(diagnosis, used, min_heritability, risk, objective, options, weights)
    return MixedModelPortfolio(
        weights, matrix, used, fitted.heritability, intensity, risk, diagnosis, explanation, fitted
    )


def _which(fitted: ShrunkModel[pd.DataFrame], least: float, estimate: Any) -> Used:
    """Which estimate the weights are chosen on."""
    if estimate is not None:
        return "given"
    return "mixed model" if fitted.heritability >= least else "shrinkage"


def _matrix(
    past: pd.DataFrame,
    groups: Any,
    fitted: ShrunkModel[pd.DataFrame],
    used: Used,
    estimate: Callable[[Any, Any], pd.DataFrame] | None,
) -> pd.DataFrame:
    if used == "mixed model":
        return fitted.covariance()
    return _FALLBACK(past, None) if estimate is None else estimate(past, groups)


def _read_past(returns: pd.DataFrame, lookback: int | None) -> pd.DataFrame:
    if not isinstance(returns, pd.DataFrame):
        raise DataError("returns must be a DataFrame here, so that the portfolio has names.")
    if lookback is not None:
        read_count(lookback, "lookback", LEAST_PERIODS, max(len(returns), LEAST_PERIODS))
        returns = returns.iloc[-lookback:]
    values, labels = read_returns(returns, min_periods=LEAST_PERIODS)
    require_history(returns, values)
    return pd.DataFrame(values, returns.index, labels)


def _options(
    past: pd.DataFrame, max_position: float, max_group: float | None, groups: Any, long_only: bool
) -> ConstraintOptions:
    """Caps and group limits as the optimizers take them; the model has accepted the groups."""
    max_position = read_number(max_position, "max_position")
    n_assets = past.shape[1]
    if not max_position > 0 or max_position * n_assets < 1:
        raise DataError(
            f"max_position is {max_position} for {n_assets} assets; it must be at least "
            f"{1 / n_assets:.4g}, or the weights cannot sum to one."
        )
    for name, cap in (("max_position", max_position), ("max_group", max_group)):
        if cap is not None and long_only and cap > 1:
            raise DataError(f"{name} is {cap}, more than all there is; 0.30 is 30 %.")
    options: ConstraintOptions = {"long_only": long_only}
    if max_position < 1 or not long_only:
        options["bounds"] = (0.0 if long_only else -max_position, max_position)
    if max_group is not None:
        if groups is None:
            raise DataError("max_group needs groups: a Series with one group label per asset.")
        options["groups"] = _memberships(groups)
        options["group_limits"] = (None, read_number(max_group, "max_group"))
    return options


def _memberships(groups: Any) -> Any:
    """Columns of labels as one table of zeros and ones; any other groups as they are."""
    if not isinstance(groups, pd.DataFrame) or groups.isin((0, 1)).all(axis=None):
        return groups
    return pd.get_dummies(groups, columns=list(groups), prefix_sep=": ", dtype=float)


def _allocate(
    matrix: pd.DataFrame,
    objective: Objective,
    options: ConstraintOptions,
    previous: "pd.Series[float] | None",
    turnover_penalty: float,
) -> Any:
    if objective == "risk_parity":
        free = optimization.risk_parity(matrix)
        limit = options.get("bounds", (0.0, 1.0))[1]
        if "groups" in options or turnover_penalty or float(free.max()) > limit:
            raise DataError(
                "risk parity knows no caps, group limits or prices of trading: its largest weight "
                f"here is {float(free.max()):.4g}. Raise max_position, drop the others, or use "
                "minimum_variance."
            )
        return free
    if objective not in ("minimum_variance", "maximum_diversification"):
        raise DataError(
            f"objective is {objective!r}; it must be 'minimum_variance', 'risk_parity' or "
            "'maximum_diversification'."
        )
    if previous is not None:
        held = float(read_array(previous, "previous").sum())
        if abs(held - 1) > SUM_TOLERANCE:
            raise DataError(
                f"previous sums to {held:.6g}; what is held now must be shares "
                "of the wealth that sum to 1."
            )
        options = {**options, "previous": previous, "turnover_penalty": turnover_penalty}
    elif turnover_penalty:
        raise DataError("turnover_penalty needs previous: the weights that are held now.")
    return getattr(optimization, objective)(matrix, **options)


def _diagnose(
    past: pd.DataFrame,
    weights: Any,
    matrix: pd.DataFrame,
    fitted: ShrunkModel[pd.DataFrame],
    intensity: float,
    previous: "pd.Series[float] | None",
) -> pd.Series:
    eigenvalues = np.linalg.eigvalsh(matrix.to_numpy())
    figures = {
        "periods": len(past),
        "assets": past.shape[1],
        "heritability": fitted.heritability,
        "model intensity": intensity,
        "volatility per period": float(np.sqrt(weights @ matrix @ weights)),
        "volatility of 1/N per period": float(np.sqrt(matrix.to_numpy().mean())),
        "effective number of assets": metrics.effective_number(weights),
        "assets held": int((weights.abs() > 1e-6).sum()),
        "largest weight": float(weights.max()),
        "gross exposure": metrics.gross_exposure(weights),
        "distance to 1/N": metrics.distance_to_equal(weights),
        "condition number": float(eigenvalues[-1] / eigenvalues[0]),
        "turnover": np.nan if previous is None else metrics.turnover(weights, previous),
    }
    return pd.Series(figures, name="diagnosis")


# ------------------------------------------------------------------ in plain words


def _explain(
    d: pd.Series,
    used: str,
    min_heritability: float,
    risk: RiskAttribution,
    objective: Any,
    options: ConstraintOptions,
    weights: Any,
) -> str:
    sentences = [
        f"{d['periods']:.0f} periods of {d['assets']:.0f} assets were used.",
        _why(d, used, min_heritability),
        *([] if callable(objective) else [_what(objective, options, weights)]),
        f"The portfolio holds {d['assets held']:.0f} assets, as diversified as "
        f"{d['effective number of assets']:.1f} equal positions; {d['distance to 1/N']:.0%} of the "
        "wealth would have to move to reach 1/N.",
        f"Its volatility is expected to be {d['volatility per period']:.2%} a period, against "
        f"{d['volatility of 1/N per period']:.2%} for 1/N.",
    ]
    if used == "mixed model":
        shares = ", ".join(f"{name} {share:.0%}" for name, share in risk.by_source.items())
        sentences.append(f"Its variance comes from: {shares}.")
    if not np.isnan(d["turnover"]):
        sentences.append(f"To get there, {d['turnover']:.0%} of the wealth is bought or sold.")
    return " ".join(sentences)


def _why(d: pd.Series, used: str, min_heritability: float) -> str:
    found = (
        f"The mixed model ascribes {d['heritability']:.0%} of the variance of an asset to what "
        "assets share"
    )
    if used == "given":
        return f"{found}; it was not used, since another estimate was given."
    if used == "shrinkage":
        return (
            f"{found}, less than the {min_heritability:.0%} asked for, so it was not used: the "
            "covariance is that of nonlinear shrinkage."
        )
    return (
        f"{found}, and the data give it a weight of {d['model intensity']:.0%} against the sample "
        "covariance."
    )


def _what(objective: str, options: ConstraintOptions, weights: Any) -> str:
    text = {
        "minimum_variance": "The weights have the lowest variance",
        "risk_parity": "All assets contribute the same risk",
        "maximum_diversification": "The weights have the highest diversification ratio",
    }[objective]
    limits = ["without shorts"] if options.get("long_only") else ["with shorts"]
    bound = options.get("bounds", (0.0, 1.0))[1]
    if bound < 1:
        at = int((weights.abs() >= bound - 1e-6).sum())
        who = {0: "none reaches", 1: "1 asset reaches"}.get(at, f"{at} assets reach")
        limits.append(f"with at most {bound:.0%} an asset, which {who}")
    if "group_limits" in options:
        limits.append(f"with at most {options['group_limits'][1]:.0%} a group")
    return f"{text} {', '.join(limits)}."
