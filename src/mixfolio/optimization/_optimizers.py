r"""From a mean and a covariance to weights: the classical portfolios, solved exactly.

The general problem is Markowitz's (1952),

    maximise   w'm - (g/2) w'V w - k sum |w - w0|    subject to   1'w = 1  and  A'w >= b,

with expected returns m, covariance V, risk aversion g, present weights w0 and trading cost k.
Minimum variance leaves the mean out. A target return adds m'w >= target, and a target volatility
is met by the g at which the portfolio has it. The maximum Sharpe ratio becomes a quadratic program
in y = w / (m'w - r) (Cornuejols and Tutuncu, 2006), and maximum diversification is the same problem
with volatilities in place of means. All of these go to
:func:`~mixfolio.optimization.solve_quadratic`, or to block pivoting: those with limits and trading
costs of single assets, and ratios where only ``w >= 0`` can bind, if there are many assets or any
costs. Risk parity is a convex problem of its own.

Means, covariances and the risk-free rate share one period: all monthly, or all annual. Weights
have no period. Labels of the covariance come back on the weights.

References
----------
Markowitz, H. (1952). Portfolio selection. Journal of Finance 7, 77-91.
Cornuejols, G. and Tutuncu, R. (2006). Optimization Methods in Finance. Cambridge.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from inspect import signature
from typing import Any, TypeAlias, Unpack, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import brentq

from mixfolio import _linalg
from mixfolio._inputs import (
    Array,
    Labels,
    MatrixLike,
    VectorLike,
    checked,
    label_vector,
    read_count,
    read_covariance,
    read_number,
    read_positive,
    read_semidefinite,
    read_vector,
    require_labels,
)
from mixfolio.errors import ConvergenceError, DataError, InfeasibleError, SingularCovarianceError
from mixfolio.optimization import _pivoting, _quadratic
from mixfolio.optimization._constraints import ConstraintOptions as Options
from mixfolio.optimization._constraints import Constraints, read_constraints

MAX_ROUNDS = 100
PIVOTING_FROM = 40
DUST = 1e-12
RISK_PARITY_TOLERANCE = 1e-12

Weights: TypeAlias = pd.Series | Array
Equality = tuple[Array, float]


@overload
def equal_weight(assets: int | NDArray[Any]) -> Array: ...
@overload
def equal_weight(assets: pd.DataFrame | Labels | Sequence[Any]) -> pd.Series: ...
@checked
def equal_weight(assets: Any) -> Weights:
    """The portfolio 1/N: the same weight in every asset.

    Parameters
    ----------
    assets : int, covariance of shape (n_assets, n_assets), Index or list of labels
        The number of assets, or what has as many labels.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Weights that sum to one.

    Raises
    ------
    DataError
        If there is no asset.

    Examples
    --------
    >>> from mixfolio import optimization
    >>> optimization.equal_weight(["stocks", "bonds", "gold", "cash"]).to_dict()
    {'stocks': 0.25, 'bonds': 0.25, 'gold': 0.25, 'cash': 0.25}
    """
    if isinstance(assets, list):
        require_labels(assets)
    labels = assets.columns if isinstance(assets, pd.DataFrame) else assets
    unnamed = np.ndim(labels) != 1 or isinstance(labels, np.ndarray)
    labels = None if unnamed else pd.Index(labels)
    count = read_count(assets, "assets", 0) if np.ndim(assets) == 0 else len(assets)
    if count < 1:
        raise DataError(f"equal_weight was given {count} assets; it needs at least one.")
    return labelled(np.full(count, 1.0 / count), labels, "equal_weight")


@overload
def minimum_variance(covariance: pd.DataFrame, **options: Unpack[Options]) -> pd.Series: ...
@overload
def minimum_variance(covariance: Array, **options: Unpack[Options]) -> Array: ...
@checked
def minimum_variance(covariance: MatrixLike, **options: Unpack[Options]) -> Weights:
    """The global minimum-variance (GMV) portfolio (Markowitz, 1952).

    Minimises ``w'V w / 2 + turnover_penalty * sum |w - previous|``.

    Parameters
    ----------
    covariance : DataFrame or array of shape (n_assets, n_assets)
        Covariance of returns, of any one period.
    **options
        long_only=True, bounds=None, groups=None, group_limits=None, previous=None and
        turnover_penalty=0.0, as :class:`mixfolio.optimization.ConstraintOptions` explains them.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Weights that sum to one.

    Raises
    ------
    DataError
        If an input is missing, infinite, mislabelled or misshaped.
    SingularCovarianceError
        If the covariance is not positive definite.
    InfeasibleError
        If no portfolio satisfies all constraints.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import optimization
    >>> names = ["stocks", "bonds", "gold"]
    >>> annual = [[0.040, 0.002, 0.001], [0.002, 0.004, 0.001], [0.001, 0.001, 0.020]]
    >>> covariance = pd.DataFrame(annual, names, names)
    >>> optimization.minimum_variance(covariance, bounds=(0.1, 0.6)).round(3).to_dict()
    {'stocks': 0.121, 'bonds': 0.6, 'gold': 0.279}
    """
    matrix, labels = read_covariance(covariance)
    if not options:
        weights = _long_only_variance(matrix)
    else:
        limits = read_limits(minimum_variance, len(matrix), labels, options)
        weights = _minimise(matrix, np.zeros(len(matrix)), limits)
    return labelled(weights, labels, "minimum_variance")


@overload
def mean_variance(
    mean: VectorLike, covariance: pd.DataFrame, *, risk_aversion: float, **options: Unpack[Options]
) -> pd.Series: ...
@overload
def mean_variance(
    mean: Array, covariance: Array, *, risk_aversion: float, **options: Unpack[Options]
) -> Array: ...
@checked
def mean_variance(
    mean: VectorLike, covariance: MatrixLike, *, risk_aversion: float, **options: Unpack[Options]
) -> Weights:
    """The portfolio with the best trade-off of mean and variance (Markowitz, 1952).

    Maximises ``w'm - (risk_aversion / 2) w'V w - turnover_penalty * sum |w - previous|``.

    Parameters
    ----------
    mean : Series or array of shape (n_assets,)
        Expected returns, of the same period as the covariance.
    covariance : DataFrame or array of shape (n_assets, n_assets)
    risk_aversion : float
        Positive. One unit of variance costs half of it in return.
    **options
        long_only=True, bounds=None, groups=None, group_limits=None, previous=None and
        turnover_penalty=0.0, as :class:`mixfolio.optimization.ConstraintOptions` explains them.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Weights that sum to one.

    Raises
    ------
    DataError, SingularCovarianceError, InfeasibleError
        As in :func:`minimum_variance`; DataError also if `risk_aversion` is not positive.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import optimization
    >>> mean = pd.Series({"stocks": 0.08, "bonds": 0.03})
    >>> covariance = pd.DataFrame([[0.040, 0.002], [0.002, 0.004]], mean.index, mean.index)
    >>> for risk_aversion in (2, 10):
    ...     weights = optimization.mean_variance(mean, covariance, risk_aversion=risk_aversion)
    ...     print(risk_aversion, weights.round(3).to_dict())
    2 {'stocks': 0.675, 'bonds': 0.325}
    10 {'stocks': 0.175, 'bonds': 0.825}
    """
    risk_aversion = read_positive(risk_aversion, "risk_aversion")
    matrix, means, labels, limits = _read(mean_variance, mean, covariance, options)
    weights = _minimise(risk_aversion * matrix, means, limits)
    return labelled(weights, labels, "mean_variance")


@overload
def target_return(
    mean: VectorLike, covariance: pd.DataFrame, target: float, **options: Unpack[Options]
) -> pd.Series: ...
@overload
def target_return(
    mean: Array, covariance: Array, target: float, **options: Unpack[Options]
) -> Array: ...
@checked
def target_return(
    mean: VectorLike, covariance: MatrixLike, target: float, **options: Unpack[Options]
) -> Weights:
    """The portfolio with the lowest variance among those that earn a target (Markowitz, 1952).

    Minimises ``w'V w / 2 + turnover_penalty * sum |w - previous|`` subject to ``w'm >= target``.
    The target binds, ``w'm = target``, wherever it lies above the mean of the portfolio of
    :func:`minimum_variance` with the same options. Where that portfolio earns the target already,
    it is the answer, and earns more: no portfolio here is inefficient.

    Parameters
    ----------
    mean : Series or array of shape (n_assets,)
        Expected returns, of the same period as the covariance.
    covariance : DataFrame or array of shape (n_assets, n_assets)
    target : float
        The least mean that the portfolio must have, per period of `mean`.
    **options
        long_only=True, bounds=None, groups=None, group_limits=None, previous=None and
        turnover_penalty=0.0, as :class:`mixfolio.optimization.ConstraintOptions` explains them.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Weights that sum to one.

    Raises
    ------
    DataError, SingularCovarianceError, InfeasibleError
        As in :func:`minimum_variance`; InfeasibleError also if the target is out of reach,
        with the range that is within reach.

    Examples
    --------
    The portfolio of lowest variance earns 3.2 % here, and so more than a target of 3 %:

    >>> import numpy as np
    >>> from mixfolio import optimization
    >>> mean, covariance = np.array([0.08, 0.03]), np.array([[0.040, 0.002], [0.002, 0.004]])
    >>> for target in (0.05, 0.03):
    ...     weights = optimization.target_return(mean, covariance, target)
    ...     print(weights.round(2).tolist(), round(float(weights @ mean), 4))
    [0.4, 0.6] 0.05
    [0.05, 0.95] 0.0325
    """
    matrix, means, labels, limits = _read(target_return, mean, covariance, options)
    lowest, highest = limits.reachable(means)
    target = _reachable(max(read_number(target, "target"), lowest), lowest, highest)
    weights = _minimise(matrix, np.zeros(len(matrix)), limits)
    if weights @ means < target:
        weights = _minimise_at(matrix, means, target, limits)
    return labelled(weights, labels, "target_return")


@overload
def target_volatility(
    mean: VectorLike, covariance: pd.DataFrame, target: float, **options: Unpack[Options]
) -> pd.Series: ...
@overload
def target_volatility(
    mean: Array, covariance: Array, target: float, **options: Unpack[Options]
) -> Array: ...
@checked
def target_volatility(
    mean: VectorLike, covariance: MatrixLike, target: float, **options: Unpack[Options]
) -> Weights:
    """The portfolio with the highest mean among those of at most a given volatility.

    Maximises ``w'm - turnover_penalty * sum |w - previous|`` subject to ``sqrt(w'V w) <= target``.
    The limit binds unless the portfolio of the highest mean is calm enough: then that one is the
    answer, the one of lowest variance if several have that mean. Where the limit binds, the answer
    is that of :func:`mean_variance` at some risk aversion, twice the multiplier of the limit on the
    variance, and, without a penalty, that of :func:`target_return` at its own mean: three ways to
    name one portfolio of the efficient frontier (Markowitz, 1952).

    Parameters
    ----------
    mean : Series or array of shape (n_assets,)
        Expected returns, of the same period as the covariance.
    covariance : DataFrame or array of shape (n_assets, n_assets)
    target : float
        Positive: the highest volatility allowed, per period of the covariance.
    **options
        long_only=True, bounds=None, groups=None, group_limits=None, previous=None and
        turnover_penalty=0.0, as :class:`mixfolio.optimization.ConstraintOptions` explains them.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Weights that sum to one.

    Raises
    ------
    DataError, SingularCovarianceError, InfeasibleError
        As in :func:`minimum_variance`; InfeasibleError also if no portfolio within the limits is
        as calm as the target, with the lowest volatility that is within reach.
    ConvergenceError
        If the volatility misses the target by more than a relative 1e-9.

    Notes
    -----
    Along the portfolios of :func:`mean_variance` the variance is a continuous, rising, piecewise
    linear function of one over the squared risk aversion, linear as long as the same limits bind.
    Brent's method finds where it meets the squared target, by a dozen quadratic programs or so.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import optimization
    >>> mean, covariance = np.array([0.08, 0.03]), np.array([[0.040, 0.002], [0.002, 0.004]])
    >>> weights = optimization.target_volatility(mean, covariance, 0.10)
    >>> weights.round(3).tolist(), round(float(np.sqrt(weights @ covariance @ weights)), 6)
    ([0.441, 0.559], 0.1)
    """
    matrix, means, labels, limits = _read(target_volatility, mean, covariance, options)
    weights = _maximise_at(matrix, means, read_positive(target, "target"), limits)
    return labelled(weights, labels, "target_volatility")


@overload
def maximum_sharpe(
    mean: VectorLike,
    covariance: pd.DataFrame,
    *,
    risk_free: float = 0.0,
    **options: Unpack[Options],
) -> pd.Series: ...
@overload
def maximum_sharpe(
    mean: Array, covariance: Array, *, risk_free: float = 0.0, **options: Unpack[Options]
) -> Array: ...
@checked
def maximum_sharpe(
    mean: VectorLike, covariance: MatrixLike, *, risk_free: float = 0.0, **options: Unpack[Options]
) -> Weights:
    """The portfolio with the highest Sharpe ratio (the tangency portfolio).

    Maximises ``(w'm - risk_free - turnover_penalty * sum |w - previous|) / sqrt(w'V w)`` by
    the homogeneous transformation of Cornuejols and Tutuncu (2006, section 8.2).

    Parameters
    ----------
    mean : Series or array of shape (n_assets,)
        Expected returns, of the same period as the covariance.
    covariance : DataFrame or array of shape (n_assets, n_assets)
    risk_free : float
        Return of the riskless asset over the same period. Use 0 when `mean` holds excess
        returns.
    **options
        long_only=True, bounds=None, groups=None, group_limits=None, previous=None and
        turnover_penalty=0.0, as :class:`mixfolio.optimization.ConstraintOptions` explains them.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Weights that sum to one.

    Raises
    ------
    DataError, SingularCovarianceError, InfeasibleError
        As in :func:`minimum_variance`; InfeasibleError also if no allowed portfolio earns more
        than the riskless asset, or if the ratio has no maximum among fully invested portfolios.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import optimization
    >>> mean, covariance = np.array([0.08, 0.03]), np.array([[0.040, 0.002], [0.002, 0.004]])
    >>> weights = optimization.maximum_sharpe(mean, covariance, risk_free=0.02)
    >>> ratio = (weights @ mean - 0.02) / np.sqrt(weights @ covariance @ weights)
    >>> weights.round(3).tolist(), round(float(ratio), 3)
    ([0.44, 0.56], 0.32)
    """
    matrix, means, labels, limits = _read(maximum_sharpe, mean, covariance, options)
    weights = _maximise_ratio(means - read_number(risk_free, "risk_free"), matrix, limits)
    return labelled(weights, labels, "maximum_sharpe")


@overload
def maximum_diversification(covariance: pd.DataFrame, **options: Unpack[Options]) -> pd.Series: ...
@overload
def maximum_diversification(covariance: Array, **options: Unpack[Options]) -> Array: ...
@checked
def maximum_diversification(covariance: MatrixLike, **options: Unpack[Options]) -> Weights:
    """The portfolio with the highest diversification ratio (Choueifaty and Coignard, 2008).

    Maximises ``w's / sqrt(w'V w)`` with s the volatilities: the Sharpe ratio of a world in which
    every asset is paid in proportion to its volatility.

    Parameters
    ----------
    covariance : DataFrame or array of shape (n_assets, n_assets)
    **options
        long_only=True, bounds=None, groups=None, group_limits=None, previous=None and
        turnover_penalty=0.0, as :class:`mixfolio.optimization.ConstraintOptions` explains them.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Weights that sum to one.

    Raises
    ------
    DataError, SingularCovarianceError, InfeasibleError
        As in :func:`maximum_sharpe`.

    References
    ----------
    Choueifaty, Y. and Coignard, Y. (2008). Toward maximum diversification. Journal of
    Portfolio Management 35 (1), 40-51.

    Examples
    --------
    Without correlations the weights are proportional to one over the volatilities:

    >>> import numpy as np
    >>> from mixfolio import optimization
    >>> volatility = np.array([0.20, 0.10, 0.05])
    >>> optimization.maximum_diversification(np.diag(volatility**2)).round(3).tolist()
    [0.143, 0.286, 0.571]
    """
    matrix, labels = read_covariance(covariance)
    limits = read_limits(maximum_diversification, len(matrix), labels, options)
    weights = _maximise_ratio(np.sqrt(np.diagonal(matrix)), matrix, limits)
    return labelled(weights, labels, "maximum_diversification")


@overload
def zero_cost_sharpe(
    mean: VectorLike,
    covariance: pd.DataFrame,
    *,
    bound: float | None = None,
    target: float | None = None,
) -> pd.Series: ...
@overload
def zero_cost_sharpe(
    mean: Array, covariance: Array, *, bound: float | None = None, target: float | None = None
) -> Array: ...
@checked
def zero_cost_sharpe(
    mean: VectorLike,
    covariance: MatrixLike,
    *,
    bound: float | None = None,
    target: float | None = None,
) -> Weights:
    """The zero-cost portfolio, long as much as short, with the highest Sharpe ratio.

    Without limits it is ``w = c V^-1 (m - l 1)`` with ``l = 1'V^-1 m / 1'V^-1 1``, for any c > 0:
    the ratio does not depend on the scale. So a bound on the weights alone only sets the scale. It
    matters when the mean is set as well: then the variance is minimised at that mean, within the
    bound, by quadratic programming.

    Parameters
    ----------
    mean : Series or array of shape (n_assets,)
        Expected returns, of the same period as the covariance.
    covariance : DataFrame or array of shape (n_assets, n_assets)
    bound : float, optional
        Highest absolute weight. Without `target`, the largest absolute weight equals it; the
        default there is 1.
    target : float, optional
        Mean of the portfolio, per period of `mean`.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Weights that sum to zero.

    Raises
    ------
    DataError
        If an input is unusable, a bound or target is not positive, or all means are equal.
    SingularCovarianceError
        If the covariance is not positive definite.
    InfeasibleError
        If the bound does not let the portfolio reach the target.

    References
    ----------
    Merton, R. C. (1972). An analytic derivation of the efficient portfolio frontier. Journal of
    Financial and Quantitative Analysis 7, 1851-1872.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import optimization
    >>> mean, covariance = np.array([0.02, 0.01, 0.00]), np.diag([0.04, 0.01, 0.01])
    >>> optimization.zero_cost_sharpe(mean, covariance).round(3).tolist()
    [0.5, 0.5, -1.0]
    """
    matrix, means, labels = read_moments(mean, covariance)
    bound = None if bound is None else read_positive(bound, "bound")
    target = None if target is None else read_positive(target, "target")
    if np.ptp(means) <= 1e-14 * np.abs(means).max():
        raise DataError("all expected returns are equal: no zero-cost portfolio earns anything.")
    weights = _zero_cost(matrix, means, target or float(np.ptp(means)))
    if target is None:
        weights *= (bound or 1.0) / np.abs(weights).max()
    elif bound is not None and np.abs(weights).max() > bound:
        _require_earned(means, target, bound)
        weights = np.clip(_zero_cost(matrix, means, target, bound), -bound, bound)
    return labelled(weights, labels, "zero_cost_sharpe")


def _zero_cost(matrix: Array, means: Array, target: float, bound: float | None = None) -> Array:
    """The lowest variance at a mean, of weights that sum to zero, none larger than `bound`."""
    n = len(means)
    A, b = np.column_stack([np.ones(n), means]), np.array([0.0, target])
    if bound is not None:
        A, b = np.column_stack([A, np.eye(n), -np.eye(n)]), np.append(b, np.full(2 * n, -bound))
    return _quadratic.solve_quadratic(matrix, np.zeros(n), A, b, n_equalities=2).x


def _require_earned(means: Array, target: float, bound: float) -> None:
    """The highest mean of a zero-cost portfolio: `bound` in the better half, less the worse."""
    ordered, half = np.sort(means), len(means) // 2
    highest = bound * float(ordered[len(means) - half :].sum() - ordered[:half].sum())
    if target > highest:
        raise InfeasibleError(
            f"target {target:.6g} is out of reach: with weights of at most {bound:g} a zero-cost "
            f"portfolio earns {highest:.6g} at most. Raise the bound or lower the target."
        )


@overload
def risk_parity(
    covariance: pd.DataFrame, *, budget: VectorLike | None = None, bounds: Any = None
) -> pd.Series: ...
@overload
def risk_parity(
    covariance: Array, *, budget: VectorLike | None = None, bounds: Any = None
) -> Array: ...
@checked
def risk_parity(
    covariance: MatrixLike, *, budget: VectorLike | None = None, bounds: Any = None
) -> Weights:
    """The long-only portfolio whose assets contribute to the variance as budgeted.

    Solves ``w_i (V w)_i / w'V w = budget_i`` by Newton's method on the convex function
    ``x'C x / 2 - sum budget_i log x_i`` with C the correlation matrix (Spinu, 2013).

    Where bounds bind, no portfolio meets the budget. The answer is then the constrained risk
    budgeting portfolio of Richard and Roncalli (2019): the w within the bounds that minimises
    ``w'V w / 2 - s sum budget_i log w_i``, at the one s for which it sums to one. The assets within
    their bounds contribute in proportion to their budgets, those at an upper bound less than that,
    and those at a lower bound more.

    Parameters
    ----------
    covariance : DataFrame or array of shape (n_assets, n_assets)
        May be singular.
    budget : Series or array of shape (n_assets,), optional
        Positive shares of the variance; they are scaled to sum to one. Equal by default.
    bounds : pair or mapping, optional
        As in :class:`mixfolio.optimization.ConstraintOptions`; none by default.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Positive weights that sum to one. The contributions meet the budget to 1e-12, where no
        bound binds.

    Raises
    ------
    DataError
        If an input is unusable or a budget is not positive.
    SingularCovarianceError
        If the covariance is indefinite, or some long-only portfolio has no variance.
    ConvergenceError
        If the contributions miss the budget by more than 1e-12.
    InfeasibleError
        If no portfolio, or none of the kind above, lies within the bounds.

    References
    ----------
    Maillard, S., Roncalli, T. and Teiletche, J. (2010). The properties of equally weighted risk
    contribution portfolios. Journal of Portfolio Management 36 (4), 60-70.
    Richard, J.-C. and Roncalli, T. (2019). Constrained risk budgeting portfolios: theory,
    algorithms, applications and puzzles. arXiv 1902.05710.
    Spinu, F. (2013). An algorithm for computing risk parity weights. SSRN 2297383.

    Examples
    --------
    Both assets contribute half of the variance:

    >>> import numpy as np
    >>> from mixfolio import optimization
    >>> covariance = np.array([[0.040, 0.002], [0.002, 0.004]])
    >>> weights = optimization.risk_parity(covariance)
    >>> shares = weights * (covariance @ weights) / (weights @ covariance @ weights)
    >>> weights.round(3).tolist(), shares.round(3).tolist()
    ([0.24, 0.76], [0.5, 0.5])
    """
    matrix, labels = read_semidefinite(covariance)
    n = len(matrix)
    shares = np.full(n, 1.0 / n)
    if budget is not None:
        shares = read_vector(budget, n, labels, "budget")[0]
    if (shares <= 0).any():
        raise DataError(
            f"budget has {int((shares <= 0).sum())} entr(ies) that are not positive, the lowest is "
            f"{shares.min():.4g}. Leave an asset that shall carry no risk out of the covariance."
        )
    shares = shares / shares.sum()
    volatility = np.sqrt(np.diagonal(matrix))
    correlation = matrix / np.outer(volatility, volatility)
    x = _budgeted(correlation, shares) / volatility
    limits = read_constraints(n, labels, bounds=bounds)
    weights = x / x.sum()
    if limits.violation(weights) > 0:
        weights = _budgeted_within(
            matrix, shares, weights, limits.assets.lower, limits.assets.upper
        )
    return labelled(weights, labels, "risk_parity")


def _budgeted(correlation: Array, shares: Array) -> Array:
    """Minimiser of x'C x / 2 - sum shares log x; there, x_i (C x)_i = shares_i."""
    x: Array = np.sqrt(shares) / np.sqrt(max(float(correlation.mean()) * len(shares), 1e-3))
    for _ in range(MAX_ROUNDS):
        gradient = correlation @ x - shares / x
        miss = np.abs(x * gradient).max()
        if miss <= RISK_PARITY_TOLERANCE / 10:
            return x
        hessian = correlation + np.diag(shares / x**2)
        try:
            step = cho_solve(cho_factor(hessian), gradient)
        except np.linalg.LinAlgError as error:
            lowest = np.linalg.eigvalsh(correlation)[0]
            raise SingularCovarianceError(
                "some long-only portfolio has no variance, or a negative one, so that there is no "
                f"risk to share (lowest eigenvalue of the correlations: {lowest:.3g}). Shrink the "
                "covariance, or use more periods than assets."
            ) from error
        x = x - step / max(1.0, float(np.abs(step / x).max()) / 0.95)
    if miss <= RISK_PARITY_TOLERANCE:
        return x
    raise ConvergenceError(
        f"risk parity missed its budget by {miss:.3g} after {MAX_ROUNDS} Newton steps. "
        "Look for assets that hedge each other perfectly."
    )


def _budgeted_within(
    matrix: Array, shares: Array, free: Array, lower: Array, upper: Array
) -> Array:
    """The w of :func:`_barrier_within` that sums to one; `free` solves it without bounds."""
    scale = float(free @ matrix @ free)
    matrix, found = matrix / scale, [np.clip(free, lower, upper)]

    def excess(log_price: float) -> float:
        found.append(_barrier_within(matrix, np.exp(log_price) * shares, found[-1], lower, upper))
        return float(found[-1].sum()) - 1.0

    low, high = -1.0, 1.0
    while excess(low) > 0 and low > -60:
        low *= 2
    while excess(high) < 0 and high < 60:
        high *= 2
    if excess(low) > 0 or excess(high) < 0:
        raise InfeasibleError(
            "no portfolio within the bounds shares its risk as budgeted among the assets between "
            "their bounds. Widen the bounds, or use minimum_variance with the same ones."
        )
    excess(brentq(excess, low, high, xtol=1e-15, rtol=1e-15))
    return found[-1]


def _barrier_within(
    matrix: Array, shares: Array, start: Array, lower: Array, upper: Array
) -> Array:
    """Minimiser of x'Vx/2 - sum shares log x within bounds, by projected Newton steps."""

    def value(x: Array) -> float:
        return float(x @ matrix @ x / 2 - shares @ np.log(x))

    x = np.clip(start, np.maximum(lower, 1e-12), upper)
    for _ in range(MAX_ROUNDS):
        gradient = matrix @ x - shares / x
        inner = ~((x <= lower) & (gradient > 0)) & ~((x >= upper) & (gradient < 0))
        if np.abs(x * gradient)[inner].max(initial=0.0) <= 1e-14 * max(1.0, float(shares.max())):
            return x
        hessian = (matrix + np.diag(shares / x**2))[np.ix_(inner, inner)]
        step = np.zeros(len(x))
        step[inner] = cho_solve(cho_factor(hessian), -gradient[inner])
        for length in 0.5 ** np.arange(40):
            moved = np.clip(x + length * step, np.maximum(lower, x / 20), upper)
            if value(moved) <= value(x) + 1e-4 * float(gradient @ (moved - x)):
                break
        if np.array_equal(moved, x):
            return x
        x = moved
    return x


@dataclass(frozen=True)
class EfficientFrontier:
    """Portfolios of least variance, from the lowest variance to the highest mean.

    Attributes
    ----------
    mean : ndarray of shape (n_points,)
        Per period of the inputs.
    volatility : ndarray of shape (n_points,)
    weights : DataFrame of shape (n_points, n_assets)
        One portfolio per row.
    """

    mean: Array
    volatility: Array
    weights: pd.DataFrame

    def plot(self, *, ax: Any = None) -> Any:
        """Draw the frontier: :func:`mixfolio.plotting.frontier` of it.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            New ones by default.

        Returns
        -------
        matplotlib Axes
        """
        from mixfolio import plotting

        return plotting.frontier(self.volatility, self.mean, ax=ax)


@checked
def efficient_frontier(
    mean: VectorLike,
    covariance: MatrixLike,
    *,
    n_points: int = 50,
    highest: float | None = None,
    **options: Unpack[Options],
) -> EfficientFrontier:
    """The efficient frontier at equally spaced means.

    Parameters
    ----------
    mean : Series or array of shape (n_assets,)
        Expected returns, of the same period as the covariance.
    covariance : DataFrame or array of shape (n_assets, n_assets)
    n_points : int
        At least 2.
    highest : float, optional
        The mean at which to stop. By default the highest within reach; where shorts make every
        mean reachable, the highest mean of a single asset, or that of the first portfolio where
        it is higher.
    **options
        long_only=True, bounds=None, groups=None, group_limits=None, previous=None and
        turnover_penalty=0.0, as :class:`mixfolio.optimization.ConstraintOptions` explains them.

    Returns
    -------
    EfficientFrontier

    Raises
    ------
    DataError, SingularCovarianceError, InfeasibleError
        As in :func:`target_return`.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import optimization
    >>> mean, covariance = np.array([0.08, 0.03]), np.array([[0.040, 0.002], [0.002, 0.004]])
    >>> frontier = optimization.efficient_frontier(mean, covariance, n_points=3)
    >>> frontier.mean.round(3).tolist(), frontier.volatility.round(3).tolist()
    ([0.032, 0.056, 0.08], [0.062, 0.114, 0.2])
    """
    n_points = read_count(n_points, "n_points", 2)
    matrix, means, labels, limits = _read(efficient_frontier, mean, covariance, options)
    start = _minimise(matrix, np.zeros(len(matrix)), limits)
    reach = limits.reachable(means)
    if highest is None:
        highest = reach[1]
        highest = max(float(means.max()), float(means @ start)) if np.isinf(highest) else highest
    lowest = float(means @ start)
    if read_number(highest, "highest") < lowest - 1e-12 * abs(lowest):
        raise InfeasibleError(
            f"highest is {highest:.6g}, below {lowest:.6g}, the mean of the portfolio of lowest "
            "variance. The efficient frontier starts there: raise `highest`."
        )
    targets = [_reachable(t, *reach) for t in np.linspace(lowest, highest, n_points)[1:]]
    weights = without_dust(np.array([start, *_climb(matrix, means, targets, start, limits)]))
    volatility = np.sqrt(np.einsum("pi,ij,pj->p", weights, matrix, weights))
    return EfficientFrontier(weights @ means, volatility, pd.DataFrame(weights, columns=labels))


def _climb(
    matrix: Array, means: Array, targets: list[float], start: Array, limits: Constraints
) -> list[Array]:
    """The portfolios of least variance at rising means.

    Where block pivoting applies, the assets held at one mean are the guess at the next, and the
    matrix is factorised once.
    """
    if not _pivots(limits):
        return [_minimise_at(matrix, means, target, limits) for target in targets]
    known = {"factor": _linalg.factorise(matrix)}
    found = [start]
    for target in targets:
        known["state"] = 1 + (found[-1] > 0)
        found.append(_minimise_at(matrix, means, target, limits, **known))
    return found[1:]


def labelled(values: Array, labels: Labels | None, name: str) -> Weights:
    """Weights as a Series named `name` where there are labels; rounding errors become zero."""
    weights: Weights = label_vector(without_dust(values), labels, name)
    return weights


def without_dust(values: Array) -> Array:
    """Weights of which those below 1e-12, too small to be more than rounding, are exactly zero."""
    return np.where(np.abs(values) < DUST, 0.0, values)


def read_moments(mean: VectorLike, covariance: MatrixLike) -> tuple[Array, Array, Labels | None]:
    """Checked numbers of covariance and mean, in one order, and the labels of either."""
    matrix, labels = read_covariance(covariance)
    return matrix, *read_vector(mean, len(matrix), labels, "mean")


def _read(
    function: Any, mean: VectorLike, covariance: MatrixLike, options: Options
) -> tuple[Array, Array, Labels | None, Constraints]:
    matrix, means, labels = read_moments(mean, covariance)
    return matrix, means, labels, read_limits(function, len(matrix), labels, options)


def read_limits(function: Any, n: int, labels: Labels | None, options: Options) -> Constraints:
    """The constraints of an optimizer, which is named where an option is unknown."""
    unknown = [name for name in options if name not in Options.__annotations__]
    if unknown:
        own = [p.name for p in signature(function).parameters.values() if p.kind == p.KEYWORD_ONLY]
        known = [*Options.__annotations__, *own]
        near = get_close_matches(unknown[0], known, 1)
        raise DataError(
            f"{function.__name__}() has no option {unknown[0]!r}"
            + (f"; did you mean {near[0]!r}?" if near else f". It has {', '.join(known)}.")
        )
    return read_constraints(n, labels, **options)


def _pivots(limits: Constraints) -> bool:
    """Whether block pivoting applies, and is faster than one step per asset."""
    return limits.only_nonnegative and len(limits.assets.lower) >= PIVOTING_FROM


def _minimise(
    Q: Array, c: Array, limits: Constraints, *equalities: Equality, **known: Any
) -> Array:
    """Minimise w'Qw/2 - c'w plus the cost of trading, fully invested and within limits."""
    sides = np.column_stack([np.ones(len(Q)), *(column for column, _ in equalities)])
    levels = np.array([1.0, *(level for _, level in equalities)])
    if limits.penalised and _stays(Q @ limits.held - c, sides, levels, limits):
        return limits.held
    if _pivots(limits):
        with suppress(ConvergenceError):
            return _pivoting.solve(Q, c, sides, levels, **known).x
    elif limits.only_nonnegative and not equalities and not c.any():
        return _long_only_variance(Q)
    elif limits.separate and (limits.penalised or len(Q) >= PIVOTING_FROM):
        with suppress(ConvergenceError):
            return _pivoting.solve(Q, c, sides, levels, limits.stairs()).x
    A = np.column_stack([sides, limits.matrix])
    b = np.concatenate([levels, limits.level])
    try:
        if limits.penalised:
            weights = _with_trades(Q, c, A, b, len(levels), limits)
        else:
            weights = _quadratic.solve_quadratic(Q, c, A, b, len(levels)).x
    except InfeasibleError:
        limits.require_feasible()
        raise
    return np.clip(weights, limits.assets.lower, limits.assets.upper)


def _long_only_variance(Q: Array) -> Array:
    """Minimise w'Qw, fully invested and without shorts."""
    n = len(Q)
    if n >= PIVOTING_FROM:
        with suppress(ConvergenceError):
            return _pivoting.solve(Q, np.zeros(n), np.ones((n, 1)), np.ones(1)).x
    return _quadratic.long_only_variance(Q)


def _minimise_at(
    matrix: Array, means: Array, target: float, limits: Constraints, **known: Any
) -> Array:
    """The portfolio of least variance at a mean within reach."""
    if _pivots(limits) and target in (means.min(), means.max()):
        if "factor" not in known:
            _linalg.factorise(matrix)
        weights, only = np.zeros(len(means)), means == target
        weights[only] = minimum_variance(matrix[np.ix_(only, only)])
        return weights
    return _minimise(matrix, np.zeros(len(matrix)), limits, (means, target), **known)


def _maximise_at(matrix: Array, means: Array, target: float, limits: Constraints) -> Array:
    """The portfolio of the highest mean, after the cost of trading, at a volatility or below it."""
    calmest = _minimise(matrix, np.zeros(len(means)), replace(limits, turnover_penalty=0.0))
    lowest = float(np.sqrt(calmest @ matrix @ calmest))
    if lowest > target * (1 + 1e-12):
        raise InfeasibleError(
            f"target volatility {target:.6g} is out of reach: within the limits the lowest "
            f"volatility of a portfolio is {lowest:.6g}. Raise the target, or widen the limits."
        )
    found, slack = {0.0: calmest}, 1e-13 * target**2

    def excess(square: float) -> float:
        """Variance above its limit, at one over the squared risk aversion."""
        if square not in found:
            found[square] = _minimise(matrix / np.sqrt(square), means, limits)
        return float(found[square] @ matrix @ found[square]) - target**2

    if excess(0.0) >= -slack:
        return calmest
    best = limits.highest_net(means)
    best -= 1e-12 * abs(best) if np.isfinite(best) else 0.0
    low, high = 0.0, (target**2 / max(float(np.abs(means).max()), target**2)) ** 2
    while excess(high) < -slack:
        if _net(found[high], means, limits) >= best:
            return found[high]
        low, high = high, 64 * high
    if excess(high) > slack:
        high = brentq(excess, low, high, xtol=1e-300, rtol=1e-14, maxiter=1000)
    miss = excess(high) / target**2 / 2
    if not abs(miss) <= 1e-9:
        raise ConvergenceError(
            f"the volatility missed its target by a relative {miss:.3g}. Use a better conditioned "
            "covariance (shrink it)."
        )
    return found[high]


def _net(weights: Array, means: Array, limits: Constraints) -> float:
    """Mean of a portfolio after the cost of trading."""
    cost = 0.0
    if limits.previous is not None:
        cost = limits.turnover_penalty * float(np.abs(weights - limits.previous).sum())
    return float(weights @ means) - cost


def _reachable(target: float, lowest: float, highest: float) -> float:
    """The target, moved by a rounding error where that puts it within reach."""
    slack = 1e-12 * max(abs(lowest), abs(highest), abs(target)) if np.isfinite(lowest) else 0.0
    if not lowest - slack <= target <= highest + slack:
        raise InfeasibleError(
            f"target return {target:.6g} is out of reach: within the limits a portfolio's mean "
            f"lies between {lowest:.6g} and {highest:.6g}. Move the target into that range."
        )
    return float(np.clip(target, lowest, highest))


def _with_trades(
    Q: Array, c: Array, A: Array, b: Array, n_equalities: int, limits: Constraints
) -> Array:
    """Minimise w'Qw/2 - c'w + k sum |w - w0| in w and the sales q.

    Purchases are p = w - w0 + q; both are nonnegative. The objective is that of
    ``w'Qw/2 - c'w + k 1'(p + q) + 2 d p'q``, whose last term vanishes where no asset is bought and
    sold at once, as in the solution. The term makes the problem strictly convex, and so unique,
    for any d between zero and the lowest eigenvalue of Q.

    It is for limits on groups, and for what block pivoting does not settle.
    """
    price, held, n = limits.turnover_penalty, limits.held, len(Q)
    H, d = _trading_curvature(Q, np.eye(n))
    linear = np.concatenate([c - price, 2 * d * held - 2 * price])
    sides = np.block([[A, np.eye(n), np.zeros((n, n))], [np.zeros(A.shape), np.eye(n), np.eye(n)]])
    levels = np.concatenate([b, held, np.zeros(n)])
    return _quadratic.solve_quadratic(H, linear, sides, levels, n_equalities).x[:n]


def _stays(slopes: Array, sides: Array, levels: Array, limits: Constraints) -> bool:
    """Whether the weights held are allowed and no exchange of two assets is worth its cost."""
    gap = float(np.abs(limits.held @ sides - levels).max())
    allowed = max(gap, limits.violation(limits.held)) <= 1e-14
    return bool(allowed and np.ptp(slopes) <= 2 * limits.turnover_penalty)


def _trading_curvature(Q: Array, M: Array) -> tuple[Array, float]:
    """Matrix of w'Qw/2 + 2d (Mw + q)'q in (w, q), and the d that keeps it positive definite."""
    _linalg.factorise(Q)
    d = float(np.linalg.eigvalsh(Q)[0] / np.linalg.norm(M, 2) ** 2) / 2
    return np.block([[Q, 2 * d * M.T], [2 * d * M, 4 * d * np.eye(len(Q))]]), d


def _maximise_ratio(reward: Array, matrix: Array, limits: Constraints) -> Array:
    """Maximise (reward'w - cost of trading) / sqrt(w'V w) in the homogeneous variable y."""
    best = limits.highest_net(reward)
    if not best > 0:
        raise InfeasibleError(
            f"no allowed portfolio has a positive reward: the best earns {best:.6g} per period "
            "more than the riskless asset, after costs. Lower risk_free, or use minimum_variance."
        )
    n = len(reward)
    if _pivots(limits):
        with suppress(ConvergenceError):
            y = _pivoting.solve(matrix, np.zeros(n), reward[:, None], np.ones(1)).x
            return _fully_invested(y)
    cone = np.column_stack([limits.matrix - limits.level, np.ones(n)])
    if limits.penalised:
        y = _ratio_with_trades(reward, matrix, cone, limits)
    else:
        y = _homogeneous(matrix, reward, cone)
    return np.clip(_fully_invested(y), limits.assets.lower, limits.assets.upper)


def _homogeneous(H: Array, reward: Array, cone: Array) -> Array:
    """Minimise y'H y / 2 where ``reward'y = 1`` and ``cone'y >= 0``."""
    A = np.column_stack([reward, cone])
    return _quadratic.solve_quadratic(H, np.zeros(len(H)), A, np.eye(A.shape[1])[0], 1).x


def _ratio_with_trades(reward: Array, matrix: Array, cone: Array, limits: Constraints) -> Array:
    """The homogeneous problem in y and the sales q, as in :func:`_with_trades`.

    Purchases are p = M y + q with M = I - w0 1', as the portfolio held is worth 1'y as well.
    """
    price, held, n = limits.turnover_penalty, limits.held, len(reward)
    worth, risk = reward @ held, matrix @ held
    slopes = worth / (held @ risk) * risk - reward
    if worth > 0 and _stays(slopes, np.ones((n, 1)), np.ones(1), limits):
        return held
    M = np.eye(n) - held[:, None]
    H, _ = _trading_curvature(matrix, M)
    net = np.concatenate([reward - price * M.sum(axis=0), np.full(n, -2 * price)])
    zero, eye = np.zeros((n, n)), np.eye(n)
    sides = np.block([[cone, M.T, zero], [np.zeros(cone.shape), eye, eye]])
    return _homogeneous(H, net, sides)[:n]


def _fully_invested(y: Array) -> Array:
    total = float(y.sum())
    if total <= 1e-10 * float(np.abs(y).sum()):
        raise InfeasibleError(
            "the Sharpe ratio has no maximum among fully invested portfolios: it still rises as "
            f"the position grows without end (net exposure {total:.3g} for gross "
            f"{np.abs(y).sum():.3g}). Set bounds, or lower risk_free below the mean of the "
            "minimum-variance portfolio."
        )
    return y / total
