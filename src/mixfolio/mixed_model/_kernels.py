r"""Covariance from relationship matrices: variance components by restricted maximum likelihood.

Asset i earns in period t

    r_t = a + B f_t + u_t + e_t,    u_t ~ N(0, sum_k theta_k K_k),    e_t ~ N(0, theta_0 D_0),

independent over t, with observed factors f_t, slopes of its own for every asset, and relationship
matrices K_k. D_0 holds the residual variances on the correlation scale and is I on the raw scale.
All assets have the same regressors X = (1, f), so that least squares is generalised least squares.
With its residuals E, n = T - 1 - k degrees of freedom and S = E'E / n, the exact restricted
log-likelihood is, up to a constant,

    l(theta) = -(n / 2) (log|V| + tr(V^-1 S)),    V = sum_k theta_k K_k + theta_0 D_0.

It costs the same for any number of periods. Its gradient and average information are

    -(n / 2) tr(V^-1 K_k - V^-1 S V^-1 K_k)    and    (n / 2) tr(V^-1 K_k V^-1 K_l V^-1 S).

With one kernel and D_0 = I the eigenvectors of K diagonalise V for every theta, and a step is O(N).
With missing cells, periods that observe the same assets share V[obs, obs].

References
----------
Patterson, H. and Thompson, R. (1971). Recovery of inter-block information when block sizes are
unequal. Biometrika 58, 545-554.
Gilmour, A., Thompson, R. and Cullis, B. (1995). Average information REML. Biometrics 51, 1440-1450.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy.linalg import lapack, solve_triangular
from scipy.optimize import nnls

from mixfolio._inputs import (
    Array,
    Labels,
    MatrixLike,
    checked_but,
    label_matrix,
    label_vector,
    read_count,
    read_returns,
    require_even,
)
from mixfolio.errors import ConvergenceError, DataError
from mixfolio.mixed_model._common import Matrix, Part, label_table, read_part, read_regressors
from mixfolio.relationship import read_relationship

Scale: TypeAlias = Literal["correlation", "raw"]
Evaluation: TypeAlias = tuple[float, Array, Array]  # log-likelihood, gradient, average information

RESERVED = ("factors", "residual")
TOLERANCE = 1e-13  # expected gain in log-likelihood at which the Newton method stops
ROUNDING = 1e-10  # a smaller one may be rounding, if steps no longer lower it
OUTSIDE: Evaluation = (-np.inf, np.empty(0), np.empty((0, 0)))  # V is not positive definite


@dataclass(frozen=True)
class KernelModel(Generic[Matrix]):
    """A fitted covariance model with relationship matrices; see :func:`covariance_reml`.

    Attributes
    ----------
    variance_components : Series of length n_kernels + 1
        theta by kernel, and theta_0 as "residual". In units of the assets' residual variances on
        the correlation scale, of a squared return per period on the raw scale.
    standard_errors : Series of length n_kernels + 1
        From the average information among the components above zero; missing (NaN) for a component
        at the boundary, where there is none.
    log_likelihood : float
        Restricted log-likelihood of the returns, with all constants of the density of the
        residuals (the constant of lme4 and nlme). Comparable between kernels, not between sets of
        factors; nor between scales, unless the standard deviations count as parameters.
    converged : bool
        Always true: a fit that does not converge raises.
    iterations : int
        Newton steps.
    at_boundary : tuple of str
        Components that are estimated as zero.
    intercepts : Series or array of shape (n_assets,)
        Return per period where the factors are zero.
    slopes : DataFrame or array of shape (n_assets, n_factors)
        Loadings on the observed factors.
    shares : Series
        Shares of the factors, the kernels and the residual in the sum of the assets' variances.
    """

    variance_components: pd.Series
    standard_errors: pd.Series
    log_likelihood: float
    converged: bool
    iterations: int
    at_boundary: tuple[str, ...]
    intercepts: pd.Series | Array
    slopes: Matrix
    _labels: Labels | None = field(repr=False)
    _kernels: dict[str, Array] = field(repr=False)
    _scale: Array = field(repr=False)
    _factor_covariance: Array = field(repr=False)

    def components(self) -> dict[str, Matrix]:
        """Covariances of the parts of a return, which add up to the total.

        Returns
        -------
        dict of DataFrame or array of shape (n_assets, n_assets)
            "factors" (where there are any), one entry per kernel, and "residual"; per period.
        """
        return {
            name: label_matrix(values, self._labels) for name, values in self._components().items()
        }

    def _components(self) -> dict[str, Array]:
        outer = np.outer(self._scale, self._scale)
        parts = {}
        if len(self._factor_covariance):
            slopes = np.asarray(self.slopes)
            product = slopes @ self._factor_covariance @ slopes.T
            parts["factors"] = (product + product.T) / 2
        for name, kernel in self._kernels.items():
            parts[name] = self.variance_components[name] * kernel * outer
        parts["residual"] = np.diag(self.variance_components["residual"] * self._scale**2)
        return parts

    def covariance(self, which: Part = "total") -> Matrix:
        """Covariance of returns that the model implies, or a part of it.

        Parameters
        ----------
        which : {"total", "systematic", "idiosyncratic"}
            ``B Omega B' + sum theta_k K_k + theta_0 D_0``, its first two terms, or its last.

        Returns
        -------
        DataFrame or array of shape (n_assets, n_assets)
            Per period.

        Raises
        ------
        DataError
            If there is no such part.
        """
        parts = self._components()
        if read_part(which) == "idiosyncratic":
            parts = {"residual": parts["residual"]}
        elif which == "systematic":
            del parts["residual"]
        total: Matrix = label_matrix(np.sum(list(parts.values()), axis=0), self._labels)
        return total

    @property
    def shares(self) -> pd.Series:
        """Shares of factors, kernels and residual in the sum of the assets' variances."""
        traces = {name: float(np.trace(values)) for name, values in self._components().items()}
        return pd.Series(traces, name="share") / sum(traces.values())

    @property
    def heritability(self) -> float:
        """Share of the kernels in the variance that the factors leave, on the scale of the fit.

        ``sum_k theta_k tr(K_k) / (sum_k theta_k tr(K_k) + theta_0 N)``. In breeding it is the share
        of the variance that relatives pass on; here it is the share that relationship explains,
        the heritability of covariance. All covariance between assets, but for the factors, is in
        it.
        """
        theta = self.variance_components
        shared = sum(theta[name] * np.trace(kernel) for name, kernel in self._kernels.items())
        return float(shared / (shared + theta["residual"] * len(self._scale)))


@checked_but("factors")
def covariance_reml(
    returns: Matrix,
    kernels: Mapping[str, MatrixLike] | MatrixLike,
    *,
    factors: MatrixLike | pd.Series | None = None,
    scale: Scale = "correlation",
    max_iterations: int = 100,
) -> KernelModel[Matrix]:
    """Fit a covariance that is a sum of relationship matrices, by restricted maximum likelihood.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns. NaN marks a missing cell: the likelihood is that of the others.
    kernels : mapping of str to (n_assets, n_assets) matrix, or one such matrix
        Relationship matrices: symmetric, positive semidefinite, not diagonal. Labelled ones are
        matched by name and may cover more assets. A single matrix is called "kernel". Make them
        from what is not in `returns`: from attributes of the assets, or from strictly earlier
        periods. A matrix of correlations of these returns puts the response into its own prior,
        and neither the components nor the likelihood then mean what they say.
    factors : DataFrame, Series or array of shape (n_periods, n_factors), optional
        Observed factors, matched by date where both have labels. Every asset has its own slopes.
    scale : {"correlation", "raw"}
        Whether the kernels describe residuals divided by their standard deviations, which are
        taken from the data and put back afterwards, or the residuals themselves.
    max_iterations : int

    Returns
    -------
    KernelModel

    Raises
    ------
    DataError
        If the returns are unusable; a kernel is not symmetric, not positive semidefinite, lacks an
        asset or cannot be told from the others or from the residual; a factor lacks a date, has a
        cell that is no finite number, is constant or collinear; an asset never moves; an asset or
        a period is missing altogether; or there are fewer than n_factors + 2 periods of an asset.
    ConvergenceError
        If `max_iterations` steps do not reach the maximum.

    Notes
    -----
    A component at zero stays there while the likelihood falls into the allowed side, and is
    reported in `at_boundary`. A term for every asset and period, independent and of equal variance,
    is the residual itself, since a cell holds one observation: a diagonal kernel is refused.

    With one kernel and no missing cell the search starts from the best of a grid of heritabilities,
    against local maxima; otherwise it starts from least squares of S on the kernels.

    Examples
    --------
    How much of the variance of nineteen indices goes with their four asset classes:

    >>> from mixfolio import datasets, mixed_model, relationship
    >>> returns = datasets.load("asset-classes").loc["2016":"2025"]
    >>> same_class = relationship.from_groups(datasets.groups("asset-classes"))
    >>> model = mixed_model.covariance_reml(returns, {"class": same_class})
    >>> model.variance_components.round(3).to_dict()
    {'class': 0.539, 'residual': 0.461}
    >>> round(model.heritability, 3)
    0.539
    """
    if scale not in ("correlation", "raw"):
        raise DataError(f"scale is {scale!r}; it must be 'correlation' or 'raw'.")
    max_iterations = read_count(max_iterations, "max_iterations")
    values, labels = read_returns(returns, allow_missing=True)
    tables, labels = _read_kernels(kernels, values.shape[1], labels)
    names, regressors = _read_factors(factors, returns, len(values))
    data = _standardise(values, labels, regressors, scale)
    evaluate, start = _likelihood(data, tables)
    theta, value, information, steps = _climb(evaluate, start, max_iterations)
    components = pd.Series(theta, index=[*tables, "residual"], name="variance_component")
    coefficients = data.coefficients(list(tables.values()), theta)
    return KernelModel(
        variance_components=components,
        standard_errors=_standard_errors(components, information),
        log_likelihood=value + data.constant(),
        converged=True,
        iterations=steps,
        at_boundary=tuple(components.index[components == 0]),
        intercepts=label_vector(coefficients[:, 0], labels, "intercept"),
        slopes=label_table(coefficients[:, 1:], labels, names),
        _labels=labels,
        _kernels=tables,
        _scale=data.scale,
        _factor_covariance=np.atleast_2d(np.cov(regressors[:, 1:], rowvar=False))
        if names
        else np.empty((0, 0)),
    )


def _standard_errors(components: pd.Series, information: Array) -> pd.Series:
    inside = components.to_numpy() > 0
    errors = np.full(len(components), np.nan)
    errors[inside] = np.sqrt(np.diagonal(np.linalg.inv(information[np.ix_(inside, inside)])))
    return pd.Series(errors, index=components.index, name="standard_error")


# ------------------------------------------------------------------------------ reading


def _read_kernels(
    kernels: Any, n_assets: int, labels: Labels | None
) -> tuple[dict[str, Array], Labels | None]:
    """Kernels in the order of the assets; labels from the first labelled kernel if need be."""
    named = dict(kernels) if isinstance(kernels, Mapping) else {"kernel": kernels}
    if not named:
        raise DataError("kernels is empty. Give at least one relationship matrix.")
    tables = {}
    for name, kernel in named.items():
        if name in RESERVED:
            raise DataError(f"a kernel is called {name!r}, which names another part. Rename it.")
        what = f"kernel {name!r}"
        values, labels = read_relationship(kernel, labels, n_assets=n_assets, what=what)
        tables[name] = values
        if not np.any(values - np.diag(np.diagonal(values))):
            raise DataError(
                f"kernel {name!r} is diagonal. A term that is independent between assets is the "
                "residual itself, since every cell holds one observation. Leave it out."
            )
    return tables, labels


def _require_distinct(tables: dict[str, Array]) -> None:
    """Refuse kernels of which one is a combination of others and the identity."""
    matrices = [*tables.values(), np.eye(len(next(iter(tables.values()))))]
    gram = np.array([[np.vdot(a, b) for b in matrices] for a in matrices])
    size = np.sqrt(np.diagonal(gram))
    lowest = float(np.linalg.eigvalsh(gram / np.outer(size, size))[0])
    if lowest < 1e-10:
        raise DataError(
            f"the kernels {list(tables)} and the residual's identity are linearly dependent "
            f"(lowest eigenvalue of their cosines {lowest:.1g}), so that no data can tell their "
            "variance components apart. Leave one out."
        )


def _read_factors(factors: Any, returns: Any, n_periods: int) -> tuple[list[Any], Array]:
    """Names of the factors, and the regressors: a column of ones, then the factors."""
    if factors is None:
        return [], np.ones((n_periods, 1))
    if isinstance(factors, pd.Series) and factors.name is None:
        factors = factors.rename("factor")
    require_even(factors, "factors")
    values, names = read_regressors(factors, returns, n_periods, "factors")
    _require_independent(values, names)
    return names, np.column_stack([np.ones(n_periods), values])


def _require_independent(values: Array, names: list[Any]) -> None:
    """Refuse a factor that is constant, or a combination of those before it."""
    deviations = values - values.mean(axis=0)
    size = np.linalg.norm(deviations, axis=0)
    constant = size <= 1e-12 * np.sqrt(len(values)) * np.abs(values).max(axis=0)
    if constant.any():
        name = names[int(constant.argmax())]
        raise DataError(
            f"factor {name!r} is constant, as the intercept is that is always there. Leave it out."
        )
    remainder = np.abs(np.diagonal(np.linalg.qr(deviations / size, mode="r")))
    short = np.ones(len(names), dtype=bool)
    short[: len(remainder)] = remainder < 1e-8
    if short.any():
        raise DataError(
            f"factor {names[int(short.argmax())]!r} is a combination of the factors before it and "
            "the intercept. Leave it out, or use more periods."
        )


# ------------------------------------------------------------------------------ the likelihood


@dataclass(frozen=True)
class _Panel:
    """Scaled returns Y and least-squares residuals E, both T x N and zero where not `seen`.

    The regressors are X = Q R. Every asset's returns were divided by its `scale`.
    """

    Y: Array
    E: Array
    seen: Any
    Q: Array
    R: Array
    scale: Array

    @property
    def complete(self) -> bool:
        return bool(self.seen.all())

    def moments(self) -> tuple[Array, Array]:
        """Products of residuals, and their degrees of freedom: periods shared less regressors."""
        seen = self.seen.astype(float)
        return self.E.T @ self.E, np.maximum(seen.T @ seen - self.Q.shape[1], 0.0)

    def coefficients(self, kernels: list[Array], theta: Array) -> Array:
        """Intercepts and slopes in units of returns, N x (k + 1), by generalised least squares."""
        on_Q = self.Y.T @ self.Q
        if not self.complete:
            on_Q = _Patterns.of(self, kernels).coefficients(theta)
        solution: Array = solve_triangular(self.R, (on_Q * self.scale[:, None]).T)
        return solution.T

    def constant(self) -> float:
        """What the density adds to the log-likelihood: 2 pi, |X'X| and the scale of returns."""
        N, c = self.Y.shape[1], self.Q.shape[1]
        freedom = self.seen.sum(axis=0) - c
        log_det = np.log(np.abs(np.diagonal(self.R))).sum()
        return float(
            -0.5 * freedom.sum() * np.log(2 * np.pi) - N * log_det - freedom @ np.log(self.scale)
        )


def _standardise(values: Array, labels: Labels | None, X: Array, scale: Scale) -> _Panel:
    """Check that every asset can be fitted, and divide by its residual standard deviation."""
    seen = ~np.isnan(values)
    _require_observed(seen, labels, X.shape[1])
    Q, R = np.linalg.qr(X)
    Y = np.where(seen, values, 0.0)
    E = Y - Q @ _least_squares(Y, seen, Q, labels).T
    if not seen.all():
        E[~seen] = 0.0
    spread = np.sqrt(np.square(E).sum(axis=0) / (seen.sum(axis=0) - X.shape[1]))
    still = np.flatnonzero(spread <= 1e-10 * np.sqrt(np.square(Y).mean(axis=0)))
    if len(still):
        reason = "never move" if X.shape[1] == 1 else "never move or are explained by the factors"
        raise DataError(
            f"{len(still)} asset(s) {reason}, the first is {_name(still[0], labels)}. Leave "
            "them out: nothing is left to model."
        )
    if scale == "raw":
        spread = np.ones_like(spread)
    return _Panel(Y / spread, E / spread, seen, Q, R, spread)


def _least_squares(Y: Array, seen: Any, Q: Array, labels: Labels | None) -> Array:
    """Coefficients on Q of every asset, from the periods in which it is seen: N x (k + 1)."""
    products = Y.T @ Q
    if seen.all():
        return products
    grams = np.einsum("ti,ta,tb->iab", seen.astype(float), Q, Q, optimize=True)
    lowest = np.linalg.eigvalsh(grams)[:, 0]
    if lowest.min() < 1e-10:
        raise DataError(
            f"the factors are constant or collinear in the periods of asset "
            f"{_name(int(lowest.argmin()), labels)}. Leave it or a factor out."
        )
    solution: Array = np.linalg.solve(grams, products[:, :, None])[:, :, 0]
    return solution


def _likelihood(
    data: _Panel, tables: dict[str, Array]
) -> tuple[Callable[[Array], Evaluation], Array]:
    """The restricted likelihood by the fastest form that applies, and where to start."""
    kernels = list(tables.values())
    n = len(data.E) - data.Q.shape[1]
    if data.complete and len(kernels) == 1:
        return _one_kernel(data.E, n, kernels[0])
    _require_distinct(tables)
    products, freedom = data.moments()
    start = _moment_start(products, freedom, kernels)
    if data.complete:
        return partial(_complete, S=products / n, n=n, kernels=kernels), start
    return _Patterns.of(data, kernels).evaluate, start


def _name(place: int, labels: Labels | None) -> str:
    return str(place if labels is None else labels[place])


def _require_observed(seen: Any, labels: Labels | None, n_regressors: int) -> None:
    counts = seen.sum(axis=0)
    if counts.min() <= n_regressors:
        raise DataError(
            f"asset {_name(int(counts.argmin()), labels)} has {counts.min()} period(s); with "
            f"{n_regressors - 1} factor(s) this method needs at least {n_regressors + 1}. Use a "
            "longer sample, or leave the asset out."
        )
    empty = np.flatnonzero(~seen.any(axis=1))
    if len(empty):
        raise DataError(
            f"{len(empty)} period(s) have no return at all, the first at position {empty[0]}. Use "
            "returns.dropna(how='all')."
        )


def _one_kernel(E: Array, n: int, kernel: Array) -> tuple[Callable[[Array], Evaluation], Array]:
    """The likelihood in the eigenvectors of the kernel, O(N) per call, and a start from a grid."""
    d, vectors = np.linalg.eigh(kernel)
    d[d < 1e-13 * len(d) * d[-1]] = 0.0
    if len(E) <= len(d):
        s = np.square(E @ vectors).sum(axis=0) / n
    else:
        s = np.maximum(((E.T @ E @ vectors) * vectors).sum(axis=0), 0.0) / n

    def evaluate(theta: Array) -> Evaluation:
        v = theta[0] * d + theta[1]
        if v.min() <= 0:
            return OUTSIDE
        A, ratio = np.stack([d, np.ones_like(d)]) / v, s / v
        value = -n / 2 * float(np.log(v).sum() + ratio.sum())
        return value, -n / 2 * (A @ (1 - ratio)), n / 2 * (A * ratio) @ A.T

    return evaluate, _grid_start(d, s)


def _grid_start(d: Array, s: Array) -> Array:
    """The best of a grid of heritabilities, with the size that is best for it."""
    share, mean = 1 / (1 + np.exp(-np.linspace(-8.0, 8.0, 33))), d.mean()
    v = np.outer(share / mean, d) + (1 - share)[:, None]
    size = (s / v).mean(axis=1)
    best = int((len(d) * np.log(size) + np.log(v).sum(axis=1)).argmin())
    start: Array = size[best] * np.array([share[best] / mean, 1 - share[best]])
    return start


def _complete(theta: Array, S: Array, n: int, kernels: list[Array]) -> Evaluation:
    """The likelihood of a complete panel from S: one Cholesky factor, 2 q + 3 products per call."""
    V = _combine(theta, kernels)
    inverse, log_det = _inverse(V)
    if inverse is None:
        return OUTSIDE
    W = inverse @ S @ inverse
    value = -n / 2 * (log_det + float(np.vdot(inverse, S)))
    matrices = [*kernels, None]
    gradient = np.array([-n / 2 * (_inner(K, inverse) - _inner(K, W)) for K in matrices])
    halves = [(inverse if K is None else inverse @ K) @ W for K in matrices]
    information = n / 2 * np.array([[_inner(K, half) for half in halves] for K in matrices])
    return value, gradient, (information + information.T) / 2


def _combine(theta: Array, kernels: list[Array]) -> Array:
    V = np.diag(np.full(len(kernels[0]), theta[-1]))
    for component, kernel in zip(theta, kernels, strict=False):
        V += component * kernel
    return V


def _inner(K: Array | None, matrix: Array) -> float:
    """tr(K matrix), where None is the identity."""
    return float(np.trace(matrix)) if K is None else float(np.vdot(K, matrix))


def _inverse(V: Array) -> tuple[Array | None, float]:
    """Inverse and log-determinant by Cholesky; None where V is not positive definite."""
    factor, failed = lapack.dpotrf(V)
    if failed:
        return None, np.inf
    upper = lapack.dpotri(factor)[0]
    inverse: Array = np.triu(upper) + np.triu(upper, 1).T
    return inverse, 2 * float(np.log(np.diagonal(factor)).sum())


def _moment_start(products: Array, freedom: Array, kernels: list[Array]) -> Array:
    """Nonnegative least squares of S on the kernels (Haseman and Elston, 1972), kept off zero.

    Entry (i, j) of S = products / freedom has the weight `freedom`.
    """
    matrices = [*kernels, np.eye(len(products))]
    gram = np.array([[np.vdot(freedom * a, b) for b in matrices] for a in matrices])
    right = np.array([np.vdot(a, np.where(freedom > 0, products, 0.0)) for a in matrices])
    root = np.linalg.cholesky(gram)
    theta, _ = nnls(root.T, solve_triangular(root, right, lower=True))
    floor = 0.02 * float(np.trace(products) / np.trace(freedom))
    means = np.array([float(np.trace(a)) / len(a) for a in matrices])
    start: Array = np.maximum(theta, floor / means)
    return start


# ------------------------------------------------------------------------------ missing cells


@dataclass(frozen=True)
class _Patterns:
    """Periods grouped by the assets they observe: `groups` holds (periods, assets) by pattern."""

    Y: Array
    Q: Array
    groups: list[tuple[Any, Any]]
    kernels: list[Array]

    @classmethod
    def of(cls, panel: _Panel, kernels: list[Array]) -> "_Patterns":
        rows, place = np.unique(panel.seen, axis=0, return_inverse=True)
        place = place.ravel()
        groups = [(np.flatnonzero(place == j), np.flatnonzero(row)) for j, row in enumerate(rows)]
        return cls(panel.Y, panel.Q, groups, kernels)

    def _equations(self, theta: Array) -> tuple[list[Array], float, Array, Array] | None:
        """Inverses by pattern, sum of log|V_t|, X'V^-1X as (c, N, c, N), and X'V^-1y as (c, N)."""
        N, c = self.Y.shape[1], self.Q.shape[1]
        V = _combine(theta, self.kernels)
        inverses, log_det = [], 0.0
        left, right = np.zeros((c, N, c, N)), np.zeros((c, N))
        for periods, seen in self.groups:
            inverse, one = _inverse(V[np.ix_(seen, seen)])
            if inverse is None:
                return None
            inverses.append(inverse)
            log_det += len(periods) * one
            Q = self.Q[periods]
            for a, b in np.ndindex(c, c):
                left[a][seen[:, None], b, seen] += (Q[:, a] @ Q[:, b]) * inverse
            right[:, seen] += Q.T @ self.Y[np.ix_(periods, seen)] @ inverse
        return inverses, log_det, left, right

    def coefficients(self, theta: Array) -> Array:
        """Generalised least squares on Q, N x (k + 1)."""
        equations = self._equations(theta)
        assert equations is not None  # the components are those of a finite likelihood
        _, _, left, right = equations
        solution: Array = np.asarray(
            np.linalg.solve(left.reshape(right.size, -1), right.ravel()), dtype=np.float64
        )
        return solution.reshape(right.shape).T

    def evaluate(self, theta: Array) -> Evaluation:
        """Restricted log-likelihood without constants, gradient and average information."""
        equations = self._equations(theta)
        if equations is None:
            return OUTSIDE
        inverses, log_det, left, right = equations
        spread, one = _inverse(left.reshape(right.size, -1))
        if spread is None:
            return OUTSIDE
        variance = spread.reshape(left.shape)
        beta = np.tensordot(variance, right, 2)
        terms = [
            self._pattern(periods, seen, inverse, beta, variance)
            for (periods, seen), inverse in zip(self.groups, inverses, strict=True)
        ]
        square, gradient, information, products = (sum(term) for term in zip(*terms, strict=True))
        flat = products.reshape(len(theta), -1)
        information = (information - flat @ spread @ flat.T) / 2
        return -(log_det + one + square) / 2, gradient, (information + information.T) / 2

    def _pattern(
        self, periods: Any, seen: Any, inverse: Array, beta: Array, variance: Array
    ) -> tuple[float, Array, Array, Array]:
        """What the periods of a pattern add to r'V^-1 r, the gradient, q'V^-1 q and X'V^-1 q."""
        Q = self.Q[periods]
        E = self.Y[np.ix_(periods, seen)] - Q @ beta[:, seen]
        P = E @ inverse
        taken = np.einsum("ta,tb,aibj->ij", Q, Q, variance[:, seen][..., seen], optimize=True)
        weight = len(periods) * inverse - inverse @ taken @ inverse - P.T @ P
        blocks = [*(K[np.ix_(seen, seen)] for K in self.kernels), np.eye(len(seen))]
        gradient = np.array([-np.vdot(block, weight) / 2 for block in blocks])
        q = np.array([P @ block for block in blocks])
        solved = q @ inverse
        products = np.zeros((len(blocks), *beta.shape))
        products[:, :, seen] = Q.T @ solved
        return float(np.vdot(P, E)), gradient, np.einsum("kti,lti->kl", q, solved), products


# ------------------------------------------------------------------------------ the maximum


def _climb(
    evaluate: Callable[[Array], Evaluation], theta: Array, max_iterations: int
) -> tuple[Array, float, Array, int]:
    """Average-information Newton with step halving, within theta >= 0."""
    value, gradient, information = evaluate(theta)
    for iteration in range(max_iterations + 1):
        step = _ascent(theta, gradient, information)
        gain = float(step @ gradient) / 2
        if gain < TOLERANCE:
            return theta, value, information, iteration
        if iteration == max_iterations:
            break
        for trial in _trials(theta, step):
            new, slope, curvature = evaluate(trial)
            if new > value - 1e-13 * abs(value):
                break
        else:
            break
        theta, value, gradient, information = trial, new, slope, curvature
    if gain < ROUNDING:
        return theta, value, information, iteration
    cause = (
        "The residual variance runs to zero: look for assets that are copies of each other."
        if theta[-1] < 1e-8 * theta.max()
        else "Raise max_iterations, or leave out a kernel that the data cannot tell from another."
    )
    raise ConvergenceError(
        f"the restricted likelihood is not at its maximum after {iteration} Newton steps: the next "
        f"promises a gain of {gain:.2g}. {cause}"
    )


def _trials(theta: Array, step: Array) -> Iterator[Array]:
    """The point a step away, or where the step first meets the boundary, then ever nearer ones."""
    room = np.divide(theta, -step, out=np.full(len(theta), np.inf), where=step < 0)
    reach = min(1.0, float(room.min()))
    trial = np.maximum(theta + reach * step, 0.0)
    trial[room <= reach] = 0.0
    yield trial
    for halving in range(1, 40):
        yield theta + reach * 0.5**halving * step


def _ascent(theta: Array, gradient: Array, information: Array) -> Array:
    """Newton step among the components that are above zero or would rise from it."""
    size = np.sqrt(np.diagonal(information))
    scaled, slope = information / (size[:, None] * size), gradient / size
    scaled[np.diag_indices(len(size))] += 1e-13  # directions without information stand still
    free = (theta > 0) | (gradient > 0)
    step = np.zeros(len(theta))
    while free.any():
        step[:] = 0.0
        step[free] = np.linalg.solve(scaled[free][:, free], slope[free]) / size[free]
        blocked = (theta == 0) & (step < 0)
        if not blocked.any():
            break
        free &= ~blocked
    return step
