"""Covariance of returns: estimators that map returns to a covariance per period.

``S = sum_t (r_t - m)(r_t - m)' / (T - 1)`` is the sample covariance with mean m over T periods.
The exponentially weighted form replaces the equal weights 1/T by weights that halve with every
`halflife` periods of age.

With eigenvalues l_1 >= ... >= l_N and eigenvectors q_j of S, the principal-component estimate keeps
the first k, ``sum_{j<=k} l_j q_j q_j'``, and puts the variances of S back on the diagonal. The
clipped estimate keeps eigenvalues above the edge that noise alone would reach, and averages the
rest. The nonlinear estimate moves every eigenvalue to where the data suggest.

POET keeps the first k as well, and of the rest what stands out from noise:
``sum_{j<=k} l_j q_j q_j' + s(U)``, where s pulls every covariance u_ij of the residuals toward zero
by a threshold of its own.

Every estimate is positive semidefinite by construction.
"""

from typing import Any, TypeVar, overload

import numpy as np
import pandas as pd
from scipy.linalg import eigh

from mixfolio import _linalg
from mixfolio._inputs import (
    Array,
    Labels,
    MatrixLike,
    checked,
    checked_but,
    label_matrix,
    read_count,
    read_covariance,
    read_number,
    read_returns,
    require_moving,
    require_order,
)
from mixfolio.covariance import _inverse_wishart, _linear, _nonlinear, _poet
from mixfolio.errors import DataError

Matrix = TypeVar("Matrix", pd.DataFrame, Array)

# A target whose variances differ by more than this factor is in other units.
OTHER_UNITS = 1e3


def _labelled(values: Array, labels: Labels | None, returns: Matrix) -> Matrix:
    """`values` with `labels` on both sides: a table where `returns` is one."""
    matrix: Matrix = label_matrix(values, labels)
    return matrix


@checked
def sample(returns: Matrix) -> Matrix:
    """Sample covariance with divisor T - 1.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period. Singular when n_periods <= n_assets.

    Raises
    ------
    DataError
        If the returns are unusable or there are fewer than 2 periods.

    Examples
    --------
    >>> from mixfolio import covariance, datasets
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "US Treasuries"]]
    >>> percent2 = 1e4 * covariance.sample(returns)  # squared percent per month
    >>> percent2.loc["MSCI US"].round(2).to_dict()
    {'MSCI US': 19.72, 'MSCI Japan': 13.37, 'US Treasuries': -0.86}
    """
    deviations, labels = read_returns(returns)
    deviations -= np.ones(len(deviations)) @ deviations / len(deviations)  # faster than mean()
    products = deviations.T @ deviations
    products /= len(deviations) - 1
    return _labelled(products, labels, returns)


@checked_but("halflife")
def ewma(returns: Matrix, *, halflife: float) -> Matrix:
    """Exponentially weighted covariance around the weighted mean, free of bias.

    With weights ``p_t`` proportional to ``2^(-age / halflife)`` and summing to one, it is
    ``sum p_t (r_t - m)(r_t - m)' / (1 - sum p_t^2)``. A long half-life gives the sample covariance.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns, oldest first.
    halflife : float
        Age in periods at which an observation counts half.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period; positive semidefinite, as it is a square of weighted deviations.

    Raises
    ------
    DataError
        If the returns are unusable, or `halflife` is not positive or leaves a single period.

    References
    ----------
    J.P. Morgan and Reuters (1996). RiskMetrics technical document, 4th edition, section 5.2. There
    the mean is taken as zero and nothing is corrected for bias.

    Examples
    --------
    >>> from mixfolio import covariance, datasets
    >>> returns = datasets.load("asset-classes")[["MSCI US"]].loc[:"2020-03"]
    >>> for V in (covariance.sample(returns), covariance.ewma(returns, halflife=6)):
    ...     print(f"{V.iloc[0, 0] ** 0.5:.3f}")  # volatility per month, before and in the crash
    0.043
    0.060
    """
    if halflife != np.inf:
        halflife = read_number(halflife, "halflife")
    if halflife <= 0:
        raise DataError(f"halflife is {halflife}; it must be a positive number of periods.")
    require_order(returns)
    values, labels = read_returns(returns)
    age = np.arange(len(values) - 1, -1, -1)
    weights = 0.5 ** (age / halflife)
    weights /= weights.sum()
    if 1.0 - weights @ weights < 1e-6:
        raise DataError(
            f"halflife is {halflife:.3g} periods, so short that the last period has all the weight "
            "and nothing varies. Use a longer one."
        )
    deviations = (values - weights @ values) * np.sqrt(weights)[:, None]
    return _labelled(deviations.T @ deviations / (1.0 - float(weights @ weights)), labels, returns)


@checked_but("target")
def linear_shrinkage(
    returns: Matrix,
    *,
    target: _linear.Target = "identity",
    intensity: float | None = None,
) -> Matrix:
    """Sample covariance shrunk toward a simple target (Ledoit and Wolf, 2003, 2004).

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.
    target : {"identity", "diagonal", "constant_correlation", "single_factor"}
        The mean variance times the identity; the sample's variances without covariances
        (Schafer and Strimmer, 2005), or with one correlation for all; or one factor, the mean
        return of all assets.
    intensity : float, optional
        Weight of the target, between 0 and 1; estimated from the data by default.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period; positive definite where the target is and the intensity is above 0.

    Raises
    ------
    DataError
        If the returns are unusable, an asset never moves, or an argument is out of range; or if
        the intensity is to be estimated from fewer than 3 periods.

    Notes
    -----
    Formulas and references stand at the end of the page. The degrees of freedom are T - 1, as
    in the authors' own code; scikit-learn and PyPortfolioOpt use T.

    Examples
    --------
    >>> from mixfolio import covariance, datasets
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "US Treasuries"]]
    >>> year = returns.tail(12)  # few periods: much of what the sample says is noise
    >>> for V in (covariance.sample(year), covariance.linear_shrinkage(year)):
    ...     print(f"{1e4 * V.loc['MSCI US', 'MSCI Japan']:.2f}")
    12.65
    4.17
    """
    if intensity is not None:
        intensity = read_number(intensity, "intensity")
        if not 0 <= intensity <= 1:
            raise DataError(f"intensity is {intensity}; it must be between 0 and 1.")
    values, labels = read_returns(returns, min_periods=3 if intensity is None else 2)
    return _labelled(_shrunken(values, labels, target, intensity)[0], labels, returns)


@checked_but("target")
def shrinkage_intensity(returns: MatrixLike, *, target: _linear.Target = "identity") -> float:
    """Weight of the target that :func:`linear_shrinkage` estimates, between 0 and 1.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.
    target : {"identity", "diagonal", "constant_correlation", "single_factor"}

    Returns
    -------
    float

    Raises
    ------
    DataError
        As in :func:`linear_shrinkage`.

    Examples
    --------
    >>> from mixfolio import covariance, datasets
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "US Treasuries"]]
    >>> for n_periods in (12, 300):  # the more data, the less is shrunk
    ...     print(f"{covariance.shrinkage_intensity(returns.tail(n_periods)):.3f}")
    0.670
    0.027
    """
    values, labels = read_returns(returns, min_periods=3)
    if target == "identity":
        return _linear.identity_intensity(_centred(values, labels), len(values) - 1)
    return _shrunken(values, labels, target, None)[1]


def _shrunken(
    values: Array, labels: Labels | None, target: _linear.Target, intensity: float | None
) -> tuple[Array, float]:
    if not isinstance(target, str) or target not in _linear.TARGETS:
        raise DataError(f"target is {target!r}; it must be one of {list(_linear.TARGETS)}.")
    Y = _centred(values, labels)
    return _linear.shrink(Y, len(Y) - 1, target, intensity)


def _centred(values: Array, labels: Labels | None) -> Array:
    """`values`, centred in place, if every asset moves."""
    require_moving(values, labels)
    values -= values.mean(axis=0)
    return values


@checked
def oas(returns: Matrix) -> Matrix:
    """Sample covariance shrunk toward the identity, with the intensity for normal returns.

    The oracle-approximating estimator of Chen, Wiesel, Eldar and Hero (2010).

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period; positive definite.

    Raises
    ------
    DataError
        If the returns are unusable or an asset never moves.

    Notes
    -----
    The intensity is that of equation 23, with T - 1 degrees of freedom as the mean is estimated.
    scikit-learn's OAS takes T, and leaves out the two terms in 2 / N.

    References
    ----------
    Chen, Y., Wiesel, A., Eldar, Y. C. and Hero, A. O. (2010). Shrinkage algorithms for MMSE
    covariance estimation. IEEE Transactions on Signal Processing 58, 5016-5029.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import covariance
    >>> returns = np.random.default_rng(0).normal(0, 0.04, (20, 30))  # 20 periods of 30 assets
    >>> for estimate in (covariance.sample, covariance.oas):
    ...     print(np.linalg.matrix_rank(estimate(returns)))
    19
    30
    """
    values, labels = read_returns(returns)
    return _labelled(_linear.oas(_centred(values, labels), len(values) - 1)[0], labels, returns)


@checked
def nonlinear_shrinkage(returns: Matrix) -> Matrix:
    """Sample covariance with its eigenvalues shrunk one by one (Ledoit and Wolf, 2020).

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns; more, as many, or fewer periods than assets.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period; positive definite unless an asset is a combination of others for a
        reason other than few periods.

    Raises
    ------
    DataError
        If the returns are unusable or an asset never moves.

    Notes
    -----
    Formulas, their stable form and references stand at the end of the page. The degrees of
    freedom are T - 1. With about as many periods as assets the smallest eigenvalue stays much too
    small for portfolios of minimum variance; :func:`linear_shrinkage` is safer there.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import covariance
    >>> returns = np.random.default_rng(0).normal(0, 1, (60, 30))  # all true eigenvalues are 1
    >>> for estimate in (covariance.sample, covariance.nonlinear_shrinkage):
    ...     eigenvalues = np.linalg.eigvalsh(estimate(returns))
    ...     print(f"{eigenvalues[0]:.2f} to {eigenvalues[-1]:.2f}")
    0.09 to 2.92
    0.71 to 1.44
    """
    values, labels = read_returns(returns)
    return _labelled(_nonlinear.shrink(_centred(values, labels), len(values) - 1), labels, returns)


@checked_but("n_factors")
def pca(returns: Matrix, *, n_factors: int, diagonal: bool = True) -> Matrix:
    """Covariance of the leading principal components, with the variances restored.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.
    n_factors : int
        Components to keep, 1 to n_assets.
    diagonal : bool
        Whether the diagonal of the sample covariance is put back. Without it the matrix has rank
        `n_factors`: it knows portfolios without risk, and no optimizer should be given it.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period; positive definite with the diagonal, if every asset has risk of its
        own.

    Raises
    ------
    DataError
        If the returns are unusable or `n_factors` is out of range.

    References
    ----------
    Connor, G. and Korajczyk, R. (1986). Performance measurement with the arbitrage pricing theory.
    Journal of Financial Economics 15, 373-394. Asymptotic principal components.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import covariance, datasets
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "US Treasuries"]]
    >>> for diagonal in (False, True):  # without and with the variances of the sample
    ...     matrix = covariance.pca(returns, n_factors=1, diagonal=diagonal)
    ...     print(f"rank {np.linalg.matrix_rank(matrix)}, {1e4 * matrix.iloc[2, 2]:.2f}")
    rank 1, 0.13
    rank 3, 1.81
    """
    values, labels = read_returns(returns)
    matrix = np.asarray(sample(values))
    n_factors = read_count(n_factors, "n_factors", 1, len(matrix))
    eigenvalues, vectors = _linalg.leading(matrix, n_factors)
    root = vectors * np.sqrt(eigenvalues)
    low_rank = root @ root.T
    if diagonal:
        np.fill_diagonal(low_rank, np.diagonal(matrix))
    return _labelled(low_rank, labels, returns)


@checked
def clip_eigenvalues(returns: Matrix) -> Matrix:
    """Sample correlation with the eigenvalues that noise explains replaced by their mean.

    An eigenvalue of the correlation matrix counts as noise below the edge ``(1 + sqrt(N / T))^2``
    of Marchenko and Pastur (1967). The trace is kept, and the variances of the sample are restored.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period; positive definite unless there is nothing below the edge, as with
        very few periods or with assets that are copies of each other.

    Raises
    ------
    DataError
        If the returns are unusable or an asset never moves.

    References
    ----------
    Laloux, L., Cizeau, P., Bouchaud, J.-P. and Potters, M. (1999). Noise dressing of financial
    correlation matrices. Physical Review Letters 83, 1467-1470.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import covariance
    >>> rng = np.random.default_rng(0)
    >>> market = rng.standard_normal((200, 1))
    >>> returns = market + rng.standard_normal((200, 5))  # one factor, and noise
    >>> np.linalg.eigvalsh(np.corrcoef(returns.T)).round(2).tolist()
    [0.37, 0.44, 0.57, 0.64, 2.98]
    >>> np.linalg.eigvalsh(covariance.clip_eigenvalues(returns)).round(2).tolist()
    [0.84, 0.91, 0.98, 1.08, 5.6]
    """
    values, labels = read_returns(returns)
    require_moving(values, labels)
    spread = values.std(axis=0, ddof=1)
    n_periods, n_assets = values.shape
    eigenvalues, vectors = eigh(np.asarray(sample(values / spread)))
    noise = eigenvalues <= (1 + np.sqrt(n_assets / n_periods)) ** 2
    if noise.any():
        eigenvalues[noise] = max(0.0, eigenvalues[noise].mean())
    root = vectors * np.sqrt(eigenvalues)
    root *= (spread / np.linalg.norm(root, axis=1))[:, None]
    return _labelled(root @ root.T, labels, returns)


@checked_but("n_factors")
def poet(returns: Matrix, *, n_factors: int, threshold: float = 0.5) -> Matrix:
    """Covariance of principal components and of the residuals that stand out from noise.

    POET, the principal orthogonal complement thresholding estimator of Fan, Liao and Mincheva
    (2013), with soft thresholds: the residual covariance u_ij loses
    ``C (1 / sqrt(N) + sqrt(log N / T)) sqrt(v_ij)``, v_ij being the variance of u_it u_jt, and
    becomes zero if it is smaller. Residual variances stay.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.
    n_factors : int
        Components to keep, 1 to n_assets.
    threshold : float
        The lowest constant C. It is raised to the smallest that leaves no eigenvalue of the
        correlation of residuals below 0.01.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period; positive definite if every asset has risk of its own.

    Raises
    ------
    DataError
        If the returns are unusable, an asset never moves, or an argument is out of range.

    Notes
    -----
    The authors choose C by cross-validation above the smallest constant that gives a positive
    definite matrix, or take 0.5. Their covariances have divisor T, these T - 1.

    References
    ----------
    Fan, J., Liao, Y. and Mincheva, M. (2013). Large covariance estimation by thresholding principal
    orthogonal complements. Journal of the Royal Statistical Society B 75, 603-680; section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import covariance
    >>> rng = np.random.default_rng(0)
    >>> returns = rng.standard_normal((300, 1)) + rng.standard_normal((300, 20))
    >>> returns[:, 1] = returns[:, 0] + 0.5 * rng.standard_normal(300)  # two that move alike
    >>> for matrix in (covariance.pca(returns, n_factors=1), covariance.poet(returns, n_factors=1)):
    ...     print(f"{matrix[0, 1]:.2f}")
    1.19
    1.82
    """
    values, labels = read_returns(returns)
    n_factors = read_count(n_factors, "n_factors", 1, values.shape[1])
    parts = _poet.residuals(_centred(values, labels), len(values) - 1, n_factors)
    return _labelled(parts.covariance(parts.constant(threshold)), labels, returns)


@overload
def empirical_bayes(
    returns: pd.DataFrame, target: Any, *, degrees_of_freedom: float | None = None
) -> pd.DataFrame: ...
@overload
def empirical_bayes(
    returns: Array, target: Any, *, degrees_of_freedom: float | None = None
) -> pd.DataFrame | Array: ...
@checked
def empirical_bayes(
    returns: pd.DataFrame | Array, target: Any, *, degrees_of_freedom: float | None = None
) -> pd.DataFrame | Array:
    """Sample covariance shrunk toward a model of it, as far as the data believe the model.

    The covariance has an inverse-Wishart prior with the target as its mean, and the estimate is
    the posterior mean. By default the degrees of freedom are those of highest marginal likelihood.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns. There may be fewer periods than assets.
    target : DataFrame or array of shape (n_assets, n_assets), or a fitted model
        Positive definite, in the units of the covariance; or anything with a method `covariance`
        that gives it. Labelled ones are matched by name and may cover more assets.
    degrees_of_freedom : float, optional
        Of the prior, above n_assets + 1, where its mean exists.

    Returns
    -------
    DataFrame or ndarray of shape (n_assets, n_assets)
        Covariance per period; positive definite. Labelled if the returns or the target are.

    Raises
    ------
    DataError
        If the returns or the target are unusable, the target is a model without a covariance, an
        asset is missing from the target, or the degrees of freedom are too few.
    SingularCovarianceError
        If the target is not positive definite.

    Notes
    -----
    Formulas and references stand at the end of the page. A target that was fitted to the same
    returns is used as if it had not been.

    Examples
    --------
    >>> from mixfolio import covariance, datasets
    >>> returns = datasets.load("asset-classes")[["MSCI US", "MSCI Japan", "US Treasuries"]]
    >>> model, year = covariance.pca(returns, n_factors=1), returns.tail(12)
    >>> for V in (covariance.sample(year), model, covariance.empirical_bayes(year, model)):
    ...     print(f"{1e4 * V.loc['MSCI US', 'MSCI Japan']:.2f}")
    12.65
    17.43
    13.69
    """
    Y, labels, V = with_target(returns, target)
    n, N = len(Y) - 1, len(V)
    if degrees_of_freedom is None:
        excess = _inverse_wishart.best_excess(_inverse_wishart.relative_eigenvalues(Y, V, n), N, n)
    else:
        excess = read_excess(degrees_of_freedom, N)
    matrix: pd.DataFrame | Array = label_matrix(
        _inverse_wishart.posterior_mean(Y, V, n, excess), labels
    )
    return matrix


@checked
def empirical_bayes_intensity(returns: MatrixLike, target: Any) -> float:
    """Weight of the target that :func:`empirical_bayes` estimates, between 0 and 1.

    It says how far the data believe in the structure of the target. Near 1, the sample covariance
    departs from it no more than noise would.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns.
    target : DataFrame or array of shape (n_assets, n_assets), or a fitted model

    Returns
    -------
    float
        ``e / (e + n)`` with n = n_periods - 1 and e the degrees of freedom less n_assets + 1.

    Raises
    ------
    DataError, SingularCovarianceError
        As in :func:`empirical_bayes`.

    Examples
    --------
    >>> import numpy as np
    >>> from mixfolio import covariance
    >>> returns = np.random.default_rng(0).normal(0, [1, 1, 3, 3], (60, 4))
    >>> for variances in ([1, 1, 9, 9], [5, 5, 5, 5]):  # a right model, and a wrong one
    ...     print(f"{covariance.empirical_bayes_intensity(returns, np.diag(variances)):.2f}")
    0.80
    0.03
    """
    Y, _, V = with_target(returns, target)
    n = len(Y) - 1
    excess = _inverse_wishart.best_excess(_inverse_wishart.relative_eigenvalues(Y, V, n), len(V), n)
    return excess / (excess + n)


def read_excess(degrees_of_freedom: float, N: int) -> float:
    """What the prior's degrees of freedom have above n_assets + 1, or a DataError."""
    excess = read_number(degrees_of_freedom, "degrees_of_freedom") - N - 1
    if not excess > 0:
        raise DataError(
            f"degrees_of_freedom is {degrees_of_freedom} for {N} assets; it must be above "
            f"{N + 1}, or the prior has no mean."
        )
    return excess


def with_target(returns: MatrixLike, target: Any) -> tuple[Array, Labels | None, Array]:
    """Centred returns, their labels, and the target in the order of the assets."""
    values, labels = read_returns(returns)
    fitted = callable(getattr(target, "covariance", None))
    if not fitted and not hasattr(target, "__len__") and not hasattr(target, "__array__"):
        raise DataError(
            f"target is of type {type(target).__name__}, which has no covariance; a PanelModel is "
            "a model of mean returns. Give a matrix, or what covariance_reml or random_loadings "
            "returns."
        )
    V, names = read_covariance(target.covariance() if fitted else target)
    if labels is None or names is None:
        labels = names if labels is None else labels
    elif not names.equals(labels):
        places = names.get_indexer(labels)
        if (places < 0).any():
            raise DataError(
                f"target has no row for {int((places < 0).sum())} asset(s), the first is "
                f"{labels[places < 0][0]!r}. Add them, or leave the assets out."
            )
        V = np.ascontiguousarray(V[np.ix_(places, places)])
    if len(V) != values.shape[1]:
        raise DataError(
            f"target is a matrix of {len(V)} assets and returns has {values.shape[1]}. Give both "
            "labels, or the same assets."
        )
    Y = _centred(values, labels)
    _require_same_units(Y, V)
    return Y, labels, V


def _require_same_units(Y: Array, V: Array) -> None:
    """Refuse a target that cannot be in the units of the returns: its prior would be believed."""
    ratio = float(np.median(V.diagonal()) / np.median(np.square(Y).sum(axis=0) / (len(Y) - 1)))
    if not 1 / OTHER_UNITS < ratio < OTHER_UNITS:
        raise DataError(
            f"the target's variances are {ratio:.3g} times those of the returns. Are they in per "
            "cent, or of another period? Give a target in squared decimal returns per period."
        )
