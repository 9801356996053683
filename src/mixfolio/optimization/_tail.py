"""Portfolios chosen by the tail of past returns, which needs neither a mean nor a covariance."""

from typing import Any, Unpack, overload

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import linprog

from mixfolio._inputs import Array, MatrixLike, checked, read_number, read_returns
from mixfolio.errors import DataError, InfeasibleError
from mixfolio.optimization._constraints import ConstraintOptions as Options
from mixfolio.optimization._constraints import Constraints
from mixfolio.optimization._optimizers import Weights, labelled, read_limits


@overload
def minimum_cvar(
    returns: pd.DataFrame, *, alpha: float = 0.95, **options: Unpack[Options]
) -> pd.Series: ...
@overload
def minimum_cvar(returns: Array, *, alpha: float = 0.95, **options: Unpack[Options]) -> Array: ...
@checked
def minimum_cvar(
    returns: MatrixLike, *, alpha: float = 0.95, **options: Unpack[Options]
) -> Weights:
    """The portfolio with the lowest conditional value at risk of its past losses.

    CVaR, or expected shortfall, is the mean of the worst ``1 - alpha`` of the periods. It is the
    lowest value over t of ``t + mean(max(-r'w - t, 0)) / (1 - alpha)``, so that weights and t come
    from one linear program (Rockafellar and Uryasev, 2000), which HiGHS solves. The objective is
    CVaR plus ``turnover_penalty * sum |w - previous|``.

    The tail has few periods: the answer rests on ``(1 - alpha) n_periods`` of them. A linear
    program may have several solutions; the one given is among them.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns, each period as likely as another.
    alpha : float
        Share of the periods that are not in the tail, between 0 and 1.
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
        If the returns are unusable, `alpha` is out of range or an option is unknown.
    InfeasibleError
        If no portfolio satisfies all constraints, or shorts let the loss fall without end.

    References
    ----------
    Rockafellar, R. T. and Uryasev, S. (2000). Optimization of conditional value-at-risk. Journal of
    Risk 2 (3), 21-41.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import optimization
    >>> returns = np.array([[0.04, 0.01], [-0.06, 0.00], [0.05, -0.01], [0.02, 0.01]])
    >>> optimization.minimum_cvar(returns, alpha=0.75).round(3).tolist()
    [0.083, 0.917]
    """
    values, labels = read_returns(returns, min_periods=1)
    alpha = read_number(alpha, "alpha")
    if not 0 <= alpha < 1:
        raise DataError(f"alpha is {alpha}; it must be at least 0 and below 1: 0.95 is 95 %.")
    limits = read_limits(minimum_cvar, values.shape[1], labels, options)
    return labelled(_lowest_tail(values, alpha, limits), labels, "minimum_cvar")


def _lowest_tail(values: Array, alpha: float, limits: Constraints) -> Array:
    """The linear program in weights w, t, losses z beyond t, and trades u."""
    (periods, n), scale = values.shape, float(np.abs(values).max()) or 1.0
    m, price, tail = limits.matrix.shape[1], limits.turnover_penalty / scale, (1 - alpha) * periods
    cost = np.concatenate([np.zeros(n), [1.0], np.full(periods, 1 / tail), np.full(n, price)])
    eye, beyond = sparse.eye_array(n), -sparse.eye_array(periods)
    rows: list[list[Any]] = [
        [-values / scale, -np.ones((periods, 1)), beyond, None],
        [-limits.matrix.T, np.zeros((m, 1)), None, None],
        [eye, np.zeros((n, 1)), None, -eye],
        [-eye, np.zeros((n, 1)), None, -eye],
    ]
    levels = np.concatenate([np.zeros(periods), -limits.level, limits.held, -limits.held])
    budget = np.concatenate([np.ones(n), np.zeros(1 + periods + n)])[None, :]
    ranges = [(None, None)] * (n + 1) + [(0, None)] * (periods + n)
    table = sparse.block_array(rows, format="csr")
    result = linprog(cost, table, levels, budget, [1.0], ranges, method="highs")
    if result.x is None:
        limits.require_feasible()
        raise InfeasibleError(
            "with these shorts some portfolio gains in every period of the tail, and the loss "
            "falls without end as it grows. Set bounds."
        )
    return np.asarray(np.clip(result.x[:n], limits.assets.lower, limits.assets.upper))
