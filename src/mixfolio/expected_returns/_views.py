r"""Views: statements about expected returns, by name, with how sure one is of each.

A view k says that a portfolio p_k is expected to return q_k. Stacked, ``P mu = Q + e`` with e of
covariance Omega. An absolute view is about a portfolio that sums to one, a relative view about one
that sums to zero: what is expected to do better, minus what is expected to do worse.

A confidence c, above 0 and at most 1, sets the variance of a view by

    omega_k = tau p_k' Sigma p_k (1 - c) / c,

so that a single view moves the mean of its own portfolio the fraction c of the way from equilibrium
to q_k. Idzorek (2005) asks that of the weights: alone, a view should move them the fraction c of
the way to where certainty would. For weights (delta Sigma)^-1 mu both ask for the same omega_k. At
c = 1/2 it is the choice of He and Litterman (1999), ``Omega = diag(tau P Sigma P')``; at c = 1 the
view is certain.

References
----------
He, G. and Litterman, R. (1999). The intuition behind Black-Litterman model portfolios. Goldman
Sachs Investment Management Research.
Idzorek, T. (2005). A step-by-step guide to the Black-Litterman model. Ibbotson Associates.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from mixfolio._inputs import (
    Array,
    MatrixLike,
    VectorLike,
    checked,
    read_array,
    read_number,
    read_positive,
    read_semidefinite,
    read_vector,
)
from mixfolio.errors import DataError, SingularCovarianceError

Weighting = Literal["equal", "market"]
DEPENDENT = 1e-9
RISKLESS = 1e-14
SANE = 10.0  # standard deviations of a period; no return is expected to be as many


class ContradictionError(DataError):
    """Views that cannot hold together.

    Attributes
    ----------
    contradictions : DataFrame
        As :func:`contradictions` returns it.
    """

    def __init__(self, message: str, found: pd.DataFrame) -> None:
        super().__init__(message)
        self.contradictions = found


@dataclass(frozen=True)
class View:
    """One statement about expected returns; make it with :meth:`absolute` or :meth:`relative`.

    A side is the name of an asset, a list of names, or a mapping of names to weights. The weights
    of a mapping are scaled to sum to one; those of a list are equal or follow the market.

    Attributes
    ----------
    better : name, list of names, or mapping of names to weights
        What the view is about, or what it favours.
    worse : name, list of names, or mapping of names to weights, optional
        What does worse; None in an absolute view.
    value : float
        Expected return of `better`, or of `better` minus `worse`: decimal, in excess of the
        riskless rate, per period of the covariance that it will be used with.
    confidence : float
        Above 0 and at most 1, which is certainty.
    weighting : {"equal", "market"}
        How a list of names is weighted.

    Raises
    ------
    DataError
        If a side is empty or names an asset twice, both sides name the same asset, weights are not
        positive, or an argument is out of range.

    Examples
    --------
    >>> from mixfolio import expected_returns
    >>> print(expected_returns.View.absolute("Japan", 0.06, confidence=0.8))
    Japan returns 0.06
    >>> print(expected_returns.View.relative(["Japan", "Korea"], "US", 0.02))
    Japan, Korea beats US by 0.02
    """

    better: Any
    worse: Any
    value: float
    confidence: float = 0.5
    weighting: Weighting = "equal"

    @classmethod
    def absolute(
        cls, asset: Any, value: float, *, confidence: float = 0.5, weighting: Weighting = "equal"
    ) -> "View":
        """The asset, or the group of assets, is expected to return `value`."""
        return cls(asset, None, value, confidence, weighting)

    @classmethod
    def relative(
        cls,
        better: Any,
        worse: Any,
        value: float,
        *,
        confidence: float = 0.5,
        weighting: Weighting = "equal",
    ) -> "View":
        """`better` is expected to return more than `worse`, by `value`."""
        if worse is None:
            raise DataError("a relative view needs a worse side. Use View.absolute without one.")
        return cls(better, worse, value, confidence, weighting)

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", read_number(self.value, "value of a view"))
        object.__setattr__(self, "confidence", read_number(self.confidence, "confidence"))
        if not 0 < self.confidence <= 1:
            raise DataError(
                f"confidence of '{self}' is {self.confidence}; it must be above 0 and at most 1. "
                "Leave out a view in which there is no confidence."
            )
        if self.weighting not in get_args(Weighting):
            raise DataError(f"weighting is {self.weighting!r}; it must be 'equal' or 'market'.")
        shared = set(_names(self.better)) & set(() if self.worse is None else _names(self.worse))
        if shared:
            raise DataError(
                f"view '{self}' has {sorted(shared, key=str)[0]!r} on both sides. Leave it out of "
                "one."
            )

    def __str__(self) -> str:
        if self.worse is None:
            return f"{_text(self.better)} returns {self.value:.4g}"
        return f"{_text(self.better)} beats {_text(self.worse)} by {self.value:.4g}"

    def portfolio(self, assets: pd.Index, market_weights: Array) -> Array:
        """The portfolio that the view is about.

        Parameters
        ----------
        assets : Index of length n_assets
        market_weights : ndarray of shape (n_assets,)

        Returns
        -------
        ndarray of shape (n_assets,)
            Sums to one in an absolute view, to zero in a relative one.

        Raises
        ------
        DataError
            If an asset is unknown, or a group weighted by the market has no positive market weight.
        """
        unknown = [name for name in self._all_names() if name not in assets]
        if unknown:
            raise DataError(
                f"view '{self}' names {len(unknown)} unknown asset(s), the first is "
                f"{unknown[0]!r}. The assets are {list(assets[:5])!r}"
                f"{' and more' if len(assets) > 5 else ''}."
            )
        row = self._weigh(self.better, assets, market_weights)
        if self.worse is not None:
            row -= self._weigh(self.worse, assets, market_weights)
        return row

    def _all_names(self) -> list[Hashable]:
        return [*_names(self.better), *([] if self.worse is None else _names(self.worse))]

    def _weigh(self, side: Any, assets: pd.Index, market_weights: Array) -> Array:
        places = assets.get_indexer(pd.Index(_names(side), tupleize_cols=False))
        if isinstance(side, Mapping):
            weights = np.array(list(side.values()), dtype=float)
        elif self.weighting == "market":
            weights = market_weights[places]
        else:
            weights = np.ones(len(places))
        if not (weights >= 0).all() or not weights.sum() > 0:
            raise DataError(
                f"view '{self}' weights a side by the market, where {_text(side)} has weights "
                f"that are negative or sum to {weights.sum():.3g}. Give a mapping of weights."
            )
        row = np.zeros(len(assets))
        row[places] = weights / weights.sum()
        return row


def _names(side: Any) -> list[Hashable]:
    """The assets on one side of a view, each once."""
    if isinstance(side, Mapping):
        for name, weight in side.items():
            if not read_number(weight, f"weight of {name!r} in a view") > 0:
                raise DataError(
                    f"weight of {name!r} in a view is {weight}; it must be positive. What does "
                    "worse belongs on the other side."
                )
    names = list(side) if isinstance(side, list | Mapping) else [side]
    if not names:
        raise DataError("a side of a view is empty. Name at least one asset.")
    unhashable = [name for name in names if not isinstance(name, Hashable) or name is None]
    if unhashable:
        raise DataError(
            f"a view names {unhashable[0]!r}; a side is a name, a list of names or a mapping of "
            "names to weights."
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"a side of a view names {twice!r} twice. Use a mapping to weight assets.")
    return names


def _text(side: Any) -> str:
    return ", ".join(map(str, side)) if isinstance(side, list | Mapping) else str(side)


@dataclass(frozen=True)
class ViewMatrices:
    """Views in matrix form, ``P mu = Q + e`` with e of covariance Omega.

    Attributes
    ----------
    P : ndarray of shape (n_views, n_assets)
    Q : ndarray of shape (n_views,)
        Per period.
    Omega : ndarray of shape (n_views, n_views)
        Squared returns per period; positive semidefinite.
    names : list of str
    """

    P: Array
    Q: Array
    Omega: Array
    names: list[str]


@checked
def view_matrices(
    views: View | Sequence[View],
    covariance: MatrixLike,
    market_weights: VectorLike,
    *,
    tau: float = 0.05,
) -> ViewMatrices:
    """P, Q and Omega of views by name, for use here or with other software.

    Parameters
    ----------
    views : View or sequence of View
    covariance : DataFrame or array of shape (n_assets, n_assets)
        Covariance of returns per period.
    market_weights : Series or array of shape (n_assets,)
    tau : float
        Variance of the equilibrium returns as a multiple of the covariance.

    Returns
    -------
    ViewMatrices

    Raises
    ------
    DataError
        If an input is unusable, a view is not a :class:`View`, names an unknown asset, or is larger
        than ten standard deviations of its portfolio.
    SingularCovarianceError
        If the covariance is indefinite, or a view is about a portfolio without risk.

    Examples
    --------
    >>> from mixfolio import expected_returns
    >>> V = [[0.04, 0.01], [0.01, 0.09]]  # without labels assets are called 0 and 1
    >>> view = expected_returns.View.relative(1, 0, 0.05)
    >>> stated = expected_returns.view_matrices(view, V, [0.7, 0.3])
    >>> stated.P.tolist(), stated.Q.tolist(), stated.Omega.round(4).tolist()
    ([[-1.0, 1.0]], [0.05], [[0.0055]])
    """
    tau = read_positive(tau, "tau")
    matrix, labels = read_semidefinite(covariance)
    market, labels = read_vector(market_weights, len(matrix), labels, "market_weights")
    views = [views] if isinstance(views, View) else list(views)
    wrong = [view for view in views if not isinstance(view, View)]
    if wrong:
        raise DataError(
            f"views holds {wrong[0]!r}, which is no View. Use View.absolute and View.relative."
        )
    assets = pd.RangeIndex(len(matrix)) if labels is None else labels
    names = [str(view) for view in views]
    rows = [view.portfolio(assets, market) for view in views]
    P = np.array(rows).reshape(len(names), len(matrix))
    Q = np.array([view.value for view in views])
    confidence = np.array([view.confidence for view in views])
    Omega = np.diag(tau * _variances(P, Q, matrix, names) * (1 - confidence) / confidence)
    return ViewMatrices(P, Q, Omega, names)


def _variances(P: Array, Q: Array, matrix: Array, names: list[str]) -> Array:
    """p' Sigma p of each view, which must be positive, and in the unit of Q."""
    variances = np.einsum("ki,ij,kj->k", P, matrix, P)
    size = np.einsum("ki,ij,kj->k", np.abs(P), np.abs(matrix), np.abs(P))
    riskless = np.flatnonzero(variances <= RISKLESS * size)
    if len(riskless):
        raise SingularCovarianceError(
            f"{len(riskless)} view(s) are about portfolios without risk under this covariance, the "
            f"first is '{names[riskless[0]]}' with variance {variances[riskless[0]]:.3g}. Use a "
            "shrunken covariance, or drop the view."
        )
    sizes = np.abs(Q) / np.sqrt(variances)
    if (sizes > SANE).any():
        worst = int(sizes.argmax())
        raise DataError(
            f"view '{names[worst]}' of {Q[worst]:.4g} is {sizes[worst]:.3g} standard deviations of "
            f"its portfolio in one period of the covariance; more than {SANE:g} cannot be meant. "
            "Is the view in per cent (0.01 is one), or per year for a covariance per day? State it "
            "as a decimal, per period of the covariance."
        )
    return np.asarray(variances)


def read_matrices(
    P: Any, Q: Any, Omega: Any, covariance: Array, assets: pd.Index, *, tau: float
) -> ViewMatrices:
    """Check views that are given as matrices, and put them in the order of the assets.

    Parameters
    ----------
    P : DataFrame or array of shape (n_views, n_assets)
        The columns of a DataFrame are matched by name; its index names the views.
    Q : Series or array of shape (n_views,)
        Expected returns of the views, per period. A Series is matched to the index of P.
    Omega : DataFrame or array of shape (n_views, n_views), optional
        Covariance of the errors of the views. By default ``diag(tau P Sigma P')``.
    covariance : ndarray of shape (n_assets, n_assets)
    assets : Index of length n_assets
    tau : float

    Returns
    -------
    ViewMatrices

    Raises
    ------
    DataError
        If shapes, names or values do not fit, a row of P is zero, Omega is not a covariance, or a
        view is larger than ten standard deviations of its portfolio.
    SingularCovarianceError
        If a view is about a portfolio without risk.
    """
    if P is None or Q is None:
        raise DataError(f"{'P' if P is None else 'Q'} is missing. Give P and Q, or views.")
    table = _read_rows(P, assets)
    labels = table.index if isinstance(P, pd.DataFrame) else None
    values, _ = read_vector(np.atleast_1d(Q) if np.ndim(Q) == 0 else Q, len(table), labels, "Q")
    names = [str(name) for name in table.index]
    rows = table.to_numpy(dtype=float)
    variances = _variances(rows, values, covariance, names)
    if Omega is None:
        return ViewMatrices(rows, values, np.diag(tau * variances), names)
    return ViewMatrices(rows, values, read_omega(Omega, names, labels), names)


def _read_rows(P: Any, assets: pd.Index) -> pd.DataFrame:
    """P as a table with the assets as columns, and no row without a portfolio."""
    if not isinstance(P, pd.DataFrame):
        P = np.atleast_2d(np.asarray(P))
        if P.ndim != 2 or P.shape[1] != len(assets):
            raise DataError(f"P has shape {P.shape}; it must be (n_views, {len(assets)}).")
        P = pd.DataFrame(P, [f"view {k}" for k in range(1, len(P) + 1)], assets)
    if not P.index.is_unique:
        raise DataError("P names a view twice. Give every view a name of its own.")
    rows = [read_vector(row, len(assets), assets, f"P, '{name}',")[0] for name, row in P.iterrows()]
    table = pd.DataFrame(np.reshape(rows, (len(P), len(assets))), P.index, assets)
    empty = table.index[~table.any(axis=1)]
    if len(empty):
        raise DataError(f"P has a row of zeros, '{empty[0]}'. A view needs a portfolio.")
    return table


def read_omega(Omega: Any, names: list[str], labels: pd.Index | None = None) -> Array:
    """Check a covariance of the errors of views.

    Parameters
    ----------
    Omega : DataFrame or array of shape (n_views, n_views)
        A DataFrame is matched by name where the views have `labels`.
    names : list of str
    labels : Index of length n_views, optional

    Returns
    -------
    ndarray of shape (n_views, n_views)

    Raises
    ------
    DataError
        If it has another shape, other names, is not finite, not symmetric or not positive
        semidefinite.
    """
    if isinstance(Omega, pd.DataFrame) and labels is not None:
        if set(Omega.index) != set(labels) or set(Omega.columns) != set(labels):
            raise DataError("Omega does not name the views of P. Give both the same labels.")
        Omega = Omega.loc[labels, labels]
    values = np.atleast_2d(read_array(Omega, "Omega"))
    if values.shape != (len(names), len(names)):
        raise DataError(
            f"Omega has shape {values.shape}; it must be ({len(names)}, {len(names)}), one row "
            "per view."
        )
    scale = np.abs(values).max(initial=0.0)
    if np.abs(values - values.T).max(initial=0.0) > 1e-10 * scale:
        raise DataError("Omega is not symmetric. Use (Omega + Omega.T) / 2 if you mean that.")
    lowest = np.linalg.eigvalsh(values).min(initial=0.0)
    if lowest < -1e-10 * scale:
        raise DataError(
            f"Omega is not a covariance: its lowest eigenvalue is {lowest:.3g}. Variances of views "
            "cannot be negative."
        )
    return np.asarray((values + values.T) / 2)


def contradictions(P: Array, Q: Array, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Views that say something else than earlier views imply.

    Parameters
    ----------
    P : ndarray of shape (n_views, n_assets)
    Q : ndarray of shape (n_views,)
    names : sequence of str, optional

    Returns
    -------
    DataFrame
        One row per contradiction: `view`, `others` that imply another value (a tuple), `stated`,
        `implied`, and `gap` = stated - implied, per period. Empty where the views can all hold.
    """
    names = [f"view {k}" for k in range(1, len(P) + 1)] if names is None else list(names)
    basis: list[int] = []
    found = []
    for k, row in enumerate(P):
        weights = np.linalg.lstsq(P[basis].T, row, rcond=None)[0]
        if np.linalg.norm(row - weights @ P[basis]) > DEPENDENT * np.linalg.norm(row):
            basis.append(k)
            continue
        implied = float(weights @ Q[basis])
        size = abs(Q[k]) + float(np.abs(weights) @ np.abs(Q[basis]))
        if abs(Q[k] - implied) > DEPENDENT * size:
            used = np.abs(weights) > DEPENDENT * np.abs(weights).max()
            others = tuple(names[i] for i, use in zip(basis, used, strict=True) if use)
            found.append((names[k], others, float(Q[k]), implied, float(Q[k]) - implied))
    return pd.DataFrame(found, columns=["view", "others", "stated", "implied", "gap"])


def require_consistent(P: Array, Q: Array, names: Sequence[str]) -> None:
    """Raise if views contradict each other.

    Parameters
    ----------
    P : ndarray of shape (n_views, n_assets)
    Q : ndarray of shape (n_views,)
    names : sequence of str

    Raises
    ------
    ContradictionError
        With all contradictions, the first of them in the message.
    """
    found = contradictions(P, Q, names)
    if found.empty:
        return
    first = found.iloc[0]
    others = " and ".join(f"'{name}'" for name in first["others"])
    raise ContradictionError(
        f"{len(found)} view(s) contradict others. '{first['view']}' states {first['stated']:.4g}, "
        f"but from {others} follows {first['implied']:.4g}: they disagree by "
        f"{abs(first['gap']):.4g} a period. Change or drop one, or pass contradictions='blend' to "
        "average them by their confidence.",
        found,
    )
