r"""Laws of estimation error: what normal returns and a sample covariance do to a portfolio.

With T normal returns of N assets, the sample covariance S has n = T - 1 degrees of freedom. The
portfolio ``S^-1 m`` of known means m has, in units of the best information ratio,

    (perceived ratio)^2 = n / X,   X chi-squared with n - p + 1 degrees of freedom,
    (realised ratio)^2  = Y,       Y beta with parameters (n - p + 2) / 2 and (p - 1) / 2,

where p = N, or N - 1 for a zero-cost portfolio. For large N and T these are ``1 / (1 - N / T)`` and
``1 - N / T``. The minimum-variance portfolio has a realised variance of ``1 / Y`` times the lowest,
with p = N.

References
----------
Kan, R. and Zhou, G. (2007). Optimal portfolio choice with parameter uncertainty. Journal of
Financial and Quantitative Analysis 42, 621-656.
Kan, R. and Smith, D. R. (2008). The distribution of the sample minimum-variance frontier.
Management Science 54, 1364-1380.
"""

import numpy as np
from scipy.special import gammaln

from mixfolio._inputs import checked, read_count
from mixfolio.errors import DataError

__all__ = ["minimum_variance_inflation", "perceived_ratio", "realised_ratio"]


def _freedom(n_assets: int, n_periods: int, zero_cost: bool) -> tuple[int, int]:
    n = read_count(n_periods, "n_periods") - 1
    p = read_count(n_assets, "n_assets", 2 if zero_cost else 1) - int(zero_cost)
    if n - p < 1:
        raise DataError(
            f"the laws need more periods than assets: {n_periods} periods and {n_assets} assets "
            f"leave {n - p} degrees of freedom. Use at least {p + 2} periods."
        )
    return p, n


@checked
def realised_ratio(n_assets: int, n_periods: int, *, zero_cost: bool = True) -> float:
    """Expected realised information ratio of known means and a sample covariance, over the best.

    Parameters
    ----------
    n_assets, n_periods : int
    zero_cost : bool
        Whether the weights sum to zero.

    Returns
    -------
    float
        Between 0 and 1; about ``sqrt(1 - N / T)``.

    Raises
    ------
    DataError
        If there are too few periods.

    Examples
    --------
    450 assets and two years of days: a third of the best ratio is left.

    >>> from mixfolio.studies import laws
    >>> round(laws.realised_ratio(450, 500), 3)
    0.321
    """
    p, n = _freedom(n_assets, n_periods, zero_cost)
    a, b = (n - p + 2) / 2, (p - 1) / 2
    return float(np.exp(gammaln(a + 0.5) + gammaln(a + b) - gammaln(a) - gammaln(a + b + 0.5)))


@checked
def perceived_ratio(n_assets: int, n_periods: int, *, zero_cost: bool = True) -> float:
    """Expected in-sample information ratio of that portfolio, over the best.

    In sample: with the known means and the sample covariance that the portfolio was made from.

    Parameters
    ----------
    n_assets, n_periods : int
    zero_cost : bool
        Whether the weights sum to zero.

    Returns
    -------
    float
        Above 1; about ``1 / sqrt(1 - N / T)``.

    Raises
    ------
    DataError
        If there are too few periods.

    Examples
    --------
    450 assets and two years of days: the portfolio promises three times the best ratio.

    >>> from mixfolio.studies import laws
    >>> round(laws.perceived_ratio(450, 500), 3)
    3.175
    """
    p, n = _freedom(n_assets, n_periods, zero_cost)
    k = (n - p + 1) / 2
    return float(np.sqrt(n / 2) * np.exp(gammaln(k - 0.5) - gammaln(k)))


@checked
def minimum_variance_inflation(n_assets: int, n_periods: int) -> float:
    """Expected realised variance of the sample minimum-variance portfolio, over the lowest.

    Shorts are allowed.

    Parameters
    ----------
    n_assets, n_periods : int

    Returns
    -------
    float
        ``(T - 2) / (T - 1 - N)``, about ``1 / (1 - N / T)``.

    Raises
    ------
    DataError
        If there are too few periods.

    Examples
    --------
    Fifty assets and a hundred periods: about twice the lowest variance.

    >>> from mixfolio.studies import laws
    >>> laws.minimum_variance_inflation(50, 100)
    2.0
    """
    _freedom(n_assets, n_periods, False)
    return (n_periods - 2) / (n_periods - 1 - n_assets)
