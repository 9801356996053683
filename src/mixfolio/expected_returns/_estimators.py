"""Expected returns: the sample mean, means shrunk toward a common one, and equilibrium with views.

With sample mean m, covariance V of returns and T periods, Jorion's (1986) Bayes-Stein estimator is

    (1 - phi) m + phi m0,     phi = (N + 2) / (N + 2 + T (m - m0)' V^-1 (m - m0)),

where m0 is the sample mean of the global minimum-variance portfolio (GMV), the same for every
asset. The estimator of James and Stein (1961) shrinks toward the plain mean of the means, by

    phi = min(1, (tr W - 2 lambda_max(W)) / ((m - m0)'(m - m0)))     with W = C V C / T

and C the centring matrix ``I - 11'/N``. Black and Litterman (1992) shrink toward the means
``pi = delta V w`` that make the market portfolio w optimal, and move them by views (see
:class:`View`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from scipy.linalg import cho_solve, eigh, eigvalsh

from mixfolio import _linalg
from mixfolio._inputs import (
    Array,
    Labels,
    MatrixLike,
    VectorLike,
    checked,
    label_matrix,
    label_vector,
    read_positive,
    read_returns,
    read_semidefinite,
    read_vector,
    require_moving,
)
from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.expected_returns._views import (
    View,
    ViewMatrices,
    read_matrices,
    read_omega,
    require_consistent,
    view_matrices,
)


@overload
def sample(returns: pd.DataFrame) -> pd.Series: ...
@overload
def sample(returns: Array) -> Array: ...
@checked
def sample(returns: MatrixLike) -> pd.Series | Array:
    """Arithmetic mean of the returns of each asset.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Mean per period.

    Raises
    ------
    DataError
        If the returns are unusable.

    Examples
    --------
    >>> from mixfolio import datasets, expected_returns
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "US Treasuries"]]
    >>> expected_returns.sample(returns).round(4).to_dict()  # per month
    {'MSCI US': 0.0073, 'MSCI Japan': 0.0056, 'US Treasuries': 0.003}
    """
    values, labels = read_returns(returns, min_periods=1)
    mean: pd.Series | Array = label_vector(values.mean(axis=0), labels, "sample")
    return mean


@dataclass(frozen=True)
class BayesStein:
    """Jorion's (1986) posterior moments of returns, per period.

    Attributes
    ----------
    mean : Series or ndarray of shape (n_assets,)
        Expected returns.
    covariance : DataFrame or ndarray of shape (n_assets, n_assets)
        Predictive covariance: of returns, with the uncertainty about the mean.
    intensity : float
        phi, the weight of the target in the mean, between 0 and 1.
    target : float
        m0, the sample mean of the global minimum-variance portfolio (GMV).
    """

    mean: pd.Series | Array
    covariance: pd.DataFrame | Array
    intensity: float
    target: float


@overload
def bayes_stein(returns: pd.DataFrame) -> pd.Series: ...
@overload
def bayes_stein(returns: Array) -> Array: ...
@checked
def bayes_stein(returns: MatrixLike) -> pd.Series | Array:
    """Sample means shrunk toward the mean of the GMV portfolio (Jorion, 1986).

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns, at least n_assets + 3 periods.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Mean per period.

    Raises
    ------
    DataError, SingularCovarianceError
        As in :func:`bayes_stein_moments`.

    Examples
    --------
    >>> from mixfolio import datasets, expected_returns
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "US Treasuries"]]
    >>> expected_returns.bayes_stein(returns).round(4).to_dict()  # closer together
    {'MSCI US': 0.0047, 'MSCI Japan': 0.0042, 'US Treasuries': 0.0033}
    """
    return bayes_stein_moments(returns).mean


@checked
def bayes_stein_moments(returns: MatrixLike) -> BayesStein:
    """Bayes-Stein mean and predictive covariance (Jorion, 1986, equations 14 to 17).

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns, at least n_assets + 3 periods.

    Returns
    -------
    BayesStein

    Raises
    ------
    DataError
        If the returns are unusable, there are too few periods, or an asset never moves.
    SingularCovarianceError
        If an asset is a combination of others.

    Notes
    -----
    The covariance of returns is estimated by S (T - 1) / (T - N - 2) with S the sample covariance:
    its inverse is then an unbiased estimate of the inverse under normal returns.

    References
    ----------
    Jorion, P. (1986). Bayes-Stein estimation for portfolio analysis. Journal of Financial and
    Quantitative Analysis 21, 279-292.

    Examples
    --------
    >>> from mixfolio import datasets, expected_returns
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "US Treasuries"]]
    >>> found = expected_returns.bayes_stein_moments(returns)
    >>> f"{found.intensity:.2f} of the way to {found.target:.4f}"
    '0.66 of the way to 0.0034'
    """
    values, labels = read_returns(returns)
    n_periods, n_assets = values.shape
    if n_periods < n_assets + 3:
        raise DataError(
            f"returns has {n_periods} periods for {n_assets} assets; Bayes-Stein needs at least "
            f"{n_assets + 3}. Use a longer sample or fewer assets."
        )
    require_moving(values, labels)
    mean = values.mean(axis=0)
    deviations = values - mean
    matrix = deviations.T @ deviations / (n_periods - n_assets - 2)
    return _shrink(mean, matrix, n_periods, labels)


def _shrink(mean: Array, matrix: Array, n_periods: int, labels: Labels | None) -> BayesStein:
    n_assets = len(mean)
    ones = np.ones(n_assets)
    factor = _linalg.factorise(matrix)
    inverse_ones = cho_solve(factor, ones)
    target = float(inverse_ones @ mean / inverse_ones.sum())
    gap = mean - target
    distance = float(gap @ cho_solve(factor, gap))
    # Jorion's prior precision (N + 2) / distance is infinite where all means are the same.
    precision = n_assets + 2 + n_periods * distance
    intensity = (n_assets + 2) / precision
    common = (n_assets + 2) / (n_periods * (precision + distance)) / inverse_ones.sum()
    predictive = matrix * (1 + distance / precision) + common
    shrunk = (1 - intensity) * mean + intensity * target
    return BayesStein(
        label_vector(shrunk, labels, "bayes_stein"),
        label_matrix(predictive, labels),
        float(intensity),
        target,
    )


@overload
def james_stein(returns: pd.DataFrame, *, covariance: MatrixLike | None = None) -> pd.Series: ...
@overload
def james_stein(returns: Array, *, covariance: MatrixLike | None = None) -> Array: ...
@checked
def james_stein(returns: MatrixLike, *, covariance: MatrixLike | None = None) -> pd.Series | Array:
    """Sample means shrunk toward their plain mean (James and Stein, 1961, positive part).

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.
    covariance : DataFrame or array of shape (n_assets, n_assets), optional
        Covariance of returns per period, taken as known; the sample covariance by default.

    Returns
    -------
    Series or ndarray of shape (n_assets,)
        Mean per period.

    Raises
    ------
    DataError
        If the returns or the covariance are unusable, or do not name the same assets.
    SingularCovarianceError
        If the covariance is indefinite.

    Notes
    -----
    Means of returns that are normal and independent over time, with known covariance: the sum of
    squared errors is then lower in expectation than that of the sample means, whatever the true
    means are, as soon as the intensity is above zero. With equal variances and no correlation the
    shrinkage constant is Efron and Morris's (1973) (N - 3) s^2 / T. A general covariance, which
    Bock (1975) treats, needs a trace above twice the largest eigenvalue, both after the common mean
    is taken out; else nothing is shrunk. An estimated covariance makes this approximate.

    References
    ----------
    James, W. and Stein, C. (1961). Estimation with quadratic loss. Proceedings of the Fourth
    Berkeley Symposium 1, 361-379.
    Efron, B. and Morris, C. (1973). Stein's estimation rule and its competitors - an empirical
    Bayes approach. Journal of the American Statistical Association 68, 117-130.
    Bock, M. E. (1975). Minimax estimators of the mean of a multivariate normal distribution.
    Annals of Statistics 3, 209-218.

    Examples
    --------
    >>> from mixfolio import datasets, expected_returns
    >>> returns = datasets.load("dgu-industry")
    >>> for mean in (expected_returns.sample(returns), expected_returns.james_stein(returns)):
    ...     print(f"{mean.min():.4f} to {mean.max():.4f} per month")
    0.0035 to 0.0066 per month
    0.0048 to 0.0056 per month
    """
    values, labels = read_returns(returns)
    mean = values.mean(axis=0)
    intensity = _stein_intensity(values, labels, covariance)
    shrunk: pd.Series | Array = label_vector(
        (1 - intensity) * mean + intensity * mean.mean(), labels, "james_stein"
    )
    return shrunk


@checked
def james_stein_intensity(returns: MatrixLike, *, covariance: MatrixLike | None = None) -> float:
    """Weight of the common mean in :func:`james_stein`, between 0 and 1.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.
    covariance : DataFrame or array of shape (n_assets, n_assets), optional
        Covariance of returns per period, taken as known; the sample covariance by default.

    Returns
    -------
    float

    Raises
    ------
    DataError
        As in :func:`james_stein`.

    Examples
    --------
    >>> from mixfolio import datasets, expected_returns
    >>> returns = datasets.load("dgu-industry")
    >>> f"{expected_returns.james_stein_intensity(returns):.2f}"
    '0.71'
    """
    values, labels = read_returns(returns)
    return _stein_intensity(values, labels, covariance)


def _stein_intensity(values: Array, labels: Labels | None, covariance: MatrixLike | None) -> float:
    """phi of the module's docstring; 0 where shrinkage is not sure to help."""
    n_periods, n_assets = values.shape
    mean = values.mean(axis=0)
    if covariance is None:
        deviations = values - mean
        matrix = deviations.T @ deviations / (n_periods - 1)
    else:
        matrix = _matched(covariance, n_assets, labels)
    W = matrix - matrix.mean(axis=0)
    W = (W - W.mean(axis=1, keepdims=True)) / n_periods
    constant = float(np.trace(W) - 2 * eigvalsh(W)[-1])
    spread = float(np.square(mean - mean.mean()).sum())
    if constant <= 1e-14 * float(np.trace(matrix)) / n_periods:
        return 0.0
    return 1.0 if constant >= spread else constant / spread


def _matched(covariance: MatrixLike, n_assets: int, labels: Labels | None) -> Array:
    """A covariance of the same assets. Trace and eigenvalues do not depend on their order."""
    matrix, names = read_semidefinite(covariance)
    if len(matrix) != n_assets:
        raise DataError(f"covariance has {len(matrix)} assets, returns has {n_assets}.")
    if labels is not None and names is not None:
        read_vector(pd.Series(np.diagonal(matrix), names), n_assets, labels, "covariance")
    return matrix


@dataclass(frozen=True)
class BlackLitterman:
    """Equilibrium returns moved by views. All is per period of the covariance that was given.

    Attributes
    ----------
    mean : Series or ndarray of shape (n_assets,)
        Posterior expected returns, in excess of the riskless rate.
    covariance : DataFrame or ndarray of shape (n_assets, n_assets)
        Of returns, with the uncertainty that is left about the mean: Sigma + M.
    equilibrium : Series or ndarray of shape (n_assets,)
        pi, what the market portfolio implies.
    weights : Series or ndarray of shape (n_assets,)
        The best portfolio without constraints, ``(delta (Sigma + M))^-1 mean``. The rest of the
        wealth earns the riskless rate; without views it is tau / (1 + tau).
    weights_by_view : DataFrame of shape (n_assets, 1 + n_views)
        The weights as a sum: of the market portfolio, and of the portfolio of each view.
    views : DataFrame
        One row per view: what it `stated`, what `equilibrium` and `posterior` say of its portfolio,
        its `surprise` (stated minus equilibrium, in standard deviations of that difference: beyond
        3 or so look for a wrong unit), its `confidence`, and its `tilt`, how much of its portfolio
        is held.
    """

    mean: Any
    covariance: Any
    equilibrium: Any
    weights: Any
    weights_by_view: pd.DataFrame
    views: pd.DataFrame


@checked
def black_litterman(
    covariance: MatrixLike,
    market_weights: VectorLike,
    views: View | Sequence[View] = (),
    *,
    risk_aversion: float = 2.5,
    tau: float = 0.05,
    P: Any = None,
    Q: Any = None,
    Omega: Any = None,
    contradictions: Literal["raise", "blend"] = "raise",
) -> BlackLitterman:
    """Expected returns from market equilibrium and views (Black and Litterman, 1992).

    Parameters
    ----------
    covariance : DataFrame or array of shape (n_assets, n_assets)
        Covariance Sigma of excess returns per period. It may be singular.
    market_weights : Series or array of shape (n_assets,)
        Of all wealth, summing to one; rounded weights pass. A Series is matched by name.
    views : View or sequence of View
        Statements by name, per period; none give the equilibrium.
    risk_aversion : float
        delta, mean excess return of the market over its variance. It does not depend on the period.
    tau : float
        The equilibrium returns have covariance tau Sigma around the true means. About one over the
        number of periods that Sigma was estimated from.
    P, Q : arrays of shape (n_views, n_assets) and (n_views,), optional
        Views as matrices, instead of `views`. The columns of a DataFrame P are matched by name.
    Omega : array of shape (n_views, n_views), optional
        Covariance of the errors of the views, instead of their confidences. By default
        ``diag(tau P Sigma P')`` for P and Q.
    contradictions : {"raise", "blend"}
        Whether views that cannot all hold are an error, or are averaged by their confidence.

    Returns
    -------
    BlackLitterman

    Raises
    ------
    DataError
        If an input is unusable, a view names an unknown asset, the market weights do not sum to
        one, both `views` and P are given, views that leave no doubt repeat each other, or a view is
        larger than ten standard deviations of its portfolio.
    ContradictionError
        If views contradict each other; it is a DataError too.
    SingularCovarianceError
        If the covariance is indefinite, or a view is about a portfolio without risk.

    Notes
    -----
    With A = tau P Sigma P' + Omega, the posterior mean is pi + tau Sigma P' A^-1 (Q - P pi), with
    covariance M = tau Sigma - tau Sigma P' A^-1 P Sigma tau around the true means. Nothing inverts
    Sigma, nor Omega. The weights are (w + P' lambda) / (1 + tau) with

        (Omega / tau + P Sigma P' / (1 + tau)) lambda = Q / delta - P Sigma w / (1 + tau),

    so each view adds a multiple of its own portfolio and nothing else.

    References
    ----------
    Black, F. and Litterman, R. (1992). Global portfolio optimization. Financial Analysts Journal
    48 (5), 28-43.
    He, G. and Litterman, R. (1999). The intuition behind Black-Litterman model portfolios. Goldman
    Sachs Investment Management Research.

    Examples
    --------
    >>> import pandas as pd
    >>> from mixfolio import expected_returns
    >>> names = ["US", "Japan"]
    >>> V = pd.DataFrame([[0.04, 0.01], [0.01, 0.09]], names, names)  # per year
    >>> view = expected_returns.View.relative("Japan", "US", 0.05, confidence=0.5)
    >>> found = expected_returns.black_litterman(V, [0.7, 0.3], view)
    >>> found.equilibrium.round(4).to_dict(), found.mean.round(4).to_dict()
    ({'US': 0.0775, 'Japan': 0.085}, {'US': 0.0717, 'Japan': 0.1005})
    """
    delta, tau = read_positive(risk_aversion, "risk_aversion"), read_positive(tau, "tau")
    matrix, labels = read_semidefinite(covariance)
    market, labels = read_vector(market_weights, len(matrix), labels, "market_weights")
    if abs(market.sum() - 1) > 0.005:
        raise DataError(
            f"market_weights sum to {market.sum():.4g}; they must sum to one. Divide by their sum."
        )
    assets = pd.RangeIndex(len(matrix)) if labels is None else labels
    stated = _stated(views, P, Q, Omega, matrix, market, assets, tau)
    if contradictions not in ("raise", "blend"):
        raise DataError(f"contradictions is {contradictions!r}; it must be 'raise' or 'blend'.")
    if contradictions == "raise":
        require_consistent(stated.P, stated.Q, stated.names)
    return _posterior(matrix, market, stated, delta, tau, labels)


def _stated(
    views: View | Sequence[View],
    P: Any,
    Q: Any,
    Omega: Any,
    matrix: Array,
    market: Array,
    assets: Labels,
    tau: float,
) -> ViewMatrices:
    """The views in matrix form, whichever way they were given."""
    if P is None and Q is None:
        labelled = pd.DataFrame(matrix, assets, assets)
        stated = view_matrices(views, labelled, market, tau=tau)
        return stated if Omega is None else replace(stated, Omega=read_omega(Omega, stated.names))
    if isinstance(views, View) or len(views):
        raise DataError("views and P, Q are two ways to say the same. Give one of them.")
    return read_matrices(P, Q, Omega, matrix, assets, tau=tau)


def _solve(A: Array, right: Array, names: list[str]) -> Array:
    """A^-1 times `right`, for a matrix A with one row per view."""
    if not names:
        return right
    try:
        return np.asarray(cho_solve(_linalg.factorise(A), right))
    except SingularCovarianceError as error:
        scale = np.sqrt(np.diagonal(A))
        weights = np.abs(eigh(A / np.outer(scale, scale))[1][:, 0])
        said = [name for name, weight in zip(names, weights, strict=True) if weight > 1e-6]
        raise DataError(
            f"{len(said)} views leave no doubt and are about the same portfolio: {said[:4]!r}. "
            "Drop one of them, or lower its confidence."
        ) from error


def _posterior(
    matrix: Array,
    market: Array,
    stated: ViewMatrices,
    delta: float,
    tau: float,
    labels: Labels | None,
) -> BlackLitterman:
    P, Q, Omega = stated.P, stated.Q, stated.Omega
    equilibrium = delta * matrix @ market
    prior = tau * matrix @ P.T
    PSP = P @ matrix @ P.T
    gap = Q - P @ equilibrium
    pull = _solve(tau * PSP + Omega, np.column_stack([gap, prior.T]), stated.names)
    mean = equilibrium + prior @ pull[:, 0]
    total = (1 + tau) * matrix - prior @ pull[:, 1:]
    right = Q / delta - P @ matrix @ market / (1 + tau)
    tilt = _solve(Omega / tau + PSP / (1 + tau), right, stated.names) / (1 + tau)
    parts = np.column_stack([market / (1 + tau), P.T * tilt])
    doubt, sure = np.diagonal(Omega), tau * np.diagonal(PSP)
    table = pd.DataFrame(
        {
            "stated": Q,
            "equilibrium": P @ equilibrium,
            "posterior": P @ mean,
            "surprise": gap / np.sqrt(doubt + sure),
            "confidence": sure / (doubt + sure),
            "tilt": tilt,
        },
        index=stated.names,
    )
    return BlackLitterman(
        label_vector(mean, labels, "black_litterman"),
        label_matrix((total + total.T) / 2, labels),
        label_vector(equilibrium, labels, "equilibrium"),
        label_vector(parts.sum(axis=1), labels, "weights"),
        pd.DataFrame(parts, labels, ["market", *stated.names]),
        table,
    )
