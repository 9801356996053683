"""Persistent effects of assets in a panel of returns: REML, BLUP, heritability, reliability.

The model of Henderson (1975), with assets for animals: the return of asset i in period t is

    r_it = x_t'b + a_i + e_it,    a ~ N(0, sum_k s_k K_k),    e_it ~ N(0, s_e) independent,

where x_t holds an intercept and regressors common to all assets, K_k are relationship matrices and
a_i is constant in time. It is a statement about means: an asset's effect is its "breeding value".
A common period effect p_t ~ N(0, s_p) may be added. Cells may be missing.

Two assumptions matter. Residuals are independent between assets: where groups of assets still move
together after the period effect, the shared noise of a group looks like an effect of the group, and
tests and intervals of s_k promise too much. And K_k does not depend on the returns that are fitted.

In breeding, assets are animals, and a_i is the breeding value. The variances are estimated by
restricted or full maximum likelihood (Patterson and Thompson, 1971), b by generalised least
squares, and a by best linear unbiased prediction. The computations stand in
``_panel_likelihood.py`` beside this file.

References
----------
Henderson, C. R. (1975). Best linear unbiased estimation and prediction under a selection model.
Biometrics 31, 423-447.
Patterson, H. D. and Thompson, R. (1971). Recovery of inter-block information when block sizes are
unequal. Biometrika 58, 545-554.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar, overload

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular
from scipy.stats import chi2

from mixfolio._inputs import (
    Array,
    Labels,
    MatrixLike,
    VectorLike,
    checked_but,
    label_vector,
    read_count,
    read_number,
    read_returns,
    read_vector,
    warn,
)
from mixfolio.errors import DataError
from mixfolio.mixed_model import _panel_likelihood
from mixfolio.mixed_model._common import read_regressors
from mixfolio.mixed_model._panel_likelihood import Cells, Dense, Eigen, Method, Solution
from mixfolio.relationship import read_relationship

Vector = TypeVar("Vector", bound=pd.Series | Array)
Kernels: TypeAlias = MatrixLike | Mapping[str, MatrixLike]

RANK_TOLERANCE = 1e-8
STILL = 12  # equal returns of an asset that are no chance
LEAST_RESIDUAL = 2e-8  # share of the variance of returns; the grid of ratios ends near it

# ------------------------------------------------------------------------------ the model


@dataclass(frozen=True)
class PanelModel(Generic[Vector]):
    """A fitted panel model: what :func:`panel_reml` gives.

    All returns and effects are decimal per period of the data, all variances are squares of that.

    Attributes
    ----------
    method : {"reml", "ml"}
    log_likelihood : float
        At the optimum; restricted (lme4's constant) or full.
    converged : bool
        Always true: a search that fails raises ConvergenceError.
    n_observations : int
        Cells that were seen.
    """

    method: Method
    log_likelihood: float
    converged: bool
    n_observations: int
    _design: "_Design"
    _engine: Eigen | Dense
    _names: tuple[Any, ...]
    _theta: Array
    _max_iterations: int

    # ------------------------------------------------------------------ variances

    @cached_property
    def variance_components(self) -> pd.Series:
        """Variances: ``"asset"`` (or the name of each kernel), ``"period"``, ``"residual"``."""
        values = self._theta * self._design.spread**2
        return pd.Series(values, index=pd.Index(self._names), name="variance")

    @property
    def at_boundary(self) -> tuple[Any, ...]:
        """Names of the components that are estimated as zero: no evidence that they exist."""
        return tuple(n for n, value in zip(self._names, self._theta, strict=True) if value == 0)

    @property
    def heritability(self) -> float:
        """Share of the variance of ONE return that persists: s_a / (s_a + s_e).

        s_a is the mean variance of an effect, ``sum_k s_k tr(K_k) / N``, whatever the units of the
        kernels. A period effect is the same for all assets, tells none from another, and does not
        count.
        """
        return self.reliability_of_mean(1)

    @property
    def reliability(self) -> float:
        """Share of the variance of a MEAN over the sample that persists: s_a / (s_a + s_e / T).

        It is the squared correlation of that mean with the effect, and the share of a deviation
        that is kept in `effects`, for unrelated assets of equal variance only. It uses the
        diagonals of the kernels and ignores what is off them: with relatives, more is kept of what
        a group shares, and less of what is an asset's own. `effect_reliability` counts relatives.
        T is the mean number of periods seen per asset, in a balanced panel all of them.
        """
        return self.reliability_of_mean(float(self._design.cells.counts.mean()))

    def reliability_of_mean(self, n_periods: float) -> float:
        """Reliability of a mean over `n_periods` periods, s_a / (s_a + s_e / n_periods).

        Parameters
        ----------
        n_periods : float
            Positive. 1 gives the heritability.

        Returns
        -------
        float

        Raises
        ------
        DataError
            If `n_periods` is not positive.
        """
        n_periods = read_number(n_periods, "n_periods")
        if n_periods <= 0:
            raise DataError(f"n_periods is {n_periods}; it must be positive.")
        sizes = self._sizes
        asset = float(self._theta[: len(sizes)] @ sizes)
        return asset / (asset + float(self._theta[-1]) / n_periods)

    @property
    def _sizes(self) -> Array:
        """Mean diagonal of every kernel: variance of a mean asset's effect by unit of component."""
        return np.array([np.diagonal(K).mean() for K in self._design.cells.kernels])

    def confint(self, level: float = 0.95) -> pd.DataFrame:
        """Profile-likelihood intervals of the variance components and the heritability.

        An interval holds the values at which twice the drop of the profile log-likelihood is below
        the quantile of chi-squared with one degree of freedom. Where zero is among them, the lower
        limit is 0. Near zero the interval covers too often: there the statistic is distributed as
        a mixture, in equal parts, of 0 and that chi-squared (Self and Liang, 1987).
        Like the test of `boundary_test`, it takes residuals as independent between assets.

        Parameters
        ----------
        level : float
            Between 0 and 1.

        Returns
        -------
        DataFrame of shape (n_components, 3)
            Columns ``estimate``, ``lower``, ``upper``. With one kernel there is a last row
            ``"heritability"``, by the profile of s_a / s_e; with several there is none.

        Raises
        ------
        DataError
            If `level` is not between 0 and 1.
        ConvergenceError
            If a profile cannot be computed.

        References
        ----------
        Self, S. G. and Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators
        and likelihood ratio tests under nonstandard conditions. JASA 82, 605-610.
        """
        level = read_number(level, "level")
        if not 0 < level < 1:
            raise DataError(f"level is {level}; it must be between 0 and 1, such as 0.95.")
        drop = float(chi2.ppf(level, 1)) / 2
        rows = {
            name: self._design.spread**2 * np.array(self._limits(j, drop))
            for j, name in enumerate(self._names)
        }
        if len(self._design.cells.kernels) == 1:
            rows["heritability"] = self._ratio_limits(drop)
        table = pd.DataFrame(rows, index=["estimate", "lower", "upper"], dtype=float)
        return table.T

    def profile(self, component: Any, values: VectorLike) -> pd.Series:
        """Highest log-likelihood for given values of one variance component.

        Parameters
        ----------
        component : str
            A name in `variance_components`.
        values : array-like of shape (n_values,)
            Variances, not negative; positive for ``"residual"``. A number is one value.

        Returns
        -------
        Series of shape (n_values,)
            Indexed by the values; at most `log_likelihood`.

        Raises
        ------
        DataError
            If there is no such component, or a value is out of range.
        ConvergenceError
            If the other components cannot be found.
        """
        j = self._place(component, self._names)
        points = _read_variances(values, component, positive=j == len(self._names) - 1)
        scaled = points / self._design.spread**2
        found = [self._profile(j, float(value)) for value in scaled]
        level = self._design.constant(self.method)
        index = pd.Index(points, name=component)
        return pd.Series(found, index=index, name="profile", dtype=float) + level

    def _place(self, component: Any, names: tuple[Any, ...]) -> int:
        if component not in names:
            raise DataError(f"component is {component!r}; it must be in {list(names)}.")
        return names.index(component)

    def _limits(self, j: int, drop: float) -> tuple[float, float, float]:
        best = float(self._theta[j])
        floor = self._profile(j, best) - drop
        unit = float(self._theta[-1] * self._design.cells.scale[j])
        return best, *_panel_likelihood.interval(
            lambda value: floor - self._profile(j, value),
            best,
            unit,
            positive=j == len(self._names) - 1,
        )

    def _profile(self, j: int, value: float) -> float:
        """Highest log-likelihood with component j held at a value."""
        held = np.arange(len(self._theta)) == j
        start = np.where(held, value, self._theta)
        cells, limit = self._design.cells, self._max_iterations
        function = _panel_likelihood.objective(
            self._engine, cells.freedom(self.method), self.method
        )
        return _panel_likelihood.maximise(function, start, held, cells.scale, limit)[1]

    def _ratio_limits(self, drop: float) -> Array:
        """Estimate and limits of the heritability, from the profile of s / s_e of one kernel."""
        best, unit = float(self._theta[0] / self._theta[-1]), float(self._design.cells.scale[0])
        floor = self._ratio_profile(best) - drop
        limits = _panel_likelihood.interval(
            lambda ratio: floor - self._ratio_profile(ratio), best, unit
        )
        ratios = np.array([best, *limits]) * self._sizes[0]
        return np.asarray(ratios / (1 + ratios))

    def _ratio_profile(self, ratio: float) -> float:
        """Highest log-likelihood with the ratio of the kernel's to the residual variance held."""
        cells = self._design.cells
        freedom, point = cells.freedom(self.method), np.array([ratio])
        if isinstance(self._engine, Eigen):
            return float(_panel_likelihood.profile(self._engine, point, freedom, self.method)[0])
        full = _panel_likelihood.objective(self._engine, freedom, self.method)

        def others(rest: Array) -> tuple[float, Array]:
            value, score = full(np.append(ratio * rest[-1], rest))
            score[-1] += ratio * score[0]
            return value, score[1:]

        start, held = self._theta[1:], np.zeros(len(self._theta) - 1, dtype=bool)
        limit = self._max_iterations
        return _panel_likelihood.maximise(others, start, held, cells.scale[1:], limit)[1]

    def boundary_test(self, component: Any = "asset") -> pd.Series:
        """Likelihood-ratio test that a variance component is zero.

        Under the hypothesis the statistic is zero with probability one half, and chi-squared with
        one degree of freedom otherwise: for many independent effects, with all other components
        above zero (Self and Liang, 1987). With few effects zero is likelier still (Crainiceanu and
        Ruppert, 2004).

        Parameters
        ----------
        component : str
            A name in `variance_components`, not ``"residual"``.

        Returns
        -------
        Series
            ``statistic`` and ``p_value``.

        Raises
        ------
        DataError
            If there is no such component.

        Warns
        -----
        UserWarning
            If another component is estimated as zero: then the law is another mixture.

        Notes
        -----
        The p-value is for residuals that are independent between assets. Where groups of assets
        move together beyond the period effect, their common noise looks like an effect of the
        group, and the p-value is too small, by much. Then draw panels without effects that have the
        correlations of the data, fit them, and take the share whose statistic is as large.

        References
        ----------
        Self, S. G. and Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators
        and likelihood ratio tests under nonstandard conditions. JASA 82, 605-610.
        Crainiceanu, C. M. and Ruppert, D. (2004). Likelihood ratio tests in linear mixed models
        with one variance component. JRSS B 66, 165-185.
        """
        j = self._place(component, self._names[:-1])
        others = [name for name in self.at_boundary if name != component]
        if others:
            warn(
                f"the component(s) {others} are estimated as zero too, and the p-value of "
                f"{component!r} does not count that. Fit the model without them.",
            )
        statistic = 2 * (self._profile(j, float(self._theta[j])) - self._profile(j, 0.0))
        p_value = 0.5 * float(chi2.sf(statistic, 1)) if statistic > 0 else 1.0
        return pd.Series({"statistic": max(statistic, 0.0), "p_value": p_value}, name=component)

    # -------------------------------------------------------------------- effects

    @cached_property
    def _solution(self) -> Solution:
        return _panel_likelihood.solve(self._design.cells, self._theta)

    @cached_property
    def fixed_effects(self) -> pd.Series:
        """Generalised least-squares estimates: ``"intercept"``, then the regressors by name."""
        values = self._design.spread * (self._design.back @ self._solution.fixed)
        values[0] += self._design.centre
        return pd.Series(values, index=pd.Index(self._design.names), name="fixed effect")

    @property
    def fixed_effects_se(self) -> pd.Series:
        """Standard errors of the fixed effects, the variance components taken as known."""
        back = self._design.back
        variance = np.diagonal(back @ self._solution.fixed_variance @ back.T)
        values = self._design.spread * np.sqrt(variance)
        return pd.Series(values, index=pd.Index(self._design.names), name="standard error")

    @cached_property
    def effects(self) -> Vector:
        """Best linear unbiased predictions of a_i, the sum over kernels, one per asset.

        All are 0 where the components of all kernels are estimated as 0.
        """
        return self._label(self._design.spread * self._solution.effects.sum(axis=0), "effect")

    @cached_property
    def effects_se(self) -> Vector:
        """Standard deviations of effect minus prediction (root of the prediction error variance).

        They know that the fixed effects are estimated, and take the variance components as known:
        with few assets they are too small, and 0 where the asset variance is estimated as 0.
        """
        return self._label(self._design.spread * np.sqrt(self._solution.error), "standard error")

    @property
    def component_effects(self) -> pd.DataFrame:
        """Predicted effects of every kernel, assets x kernels; their sum is `effects`."""
        names = list(self._names[: len(self._design.cells.kernels)])
        values = self._design.spread * self._solution.effects.T
        return pd.DataFrame(values, index=self._design.labels, columns=names)

    @property
    def effect_reliability(self) -> Vector:
        """Squared correlation of each prediction with its effect, 1 - PEV_i / var(a_i).

        It counts relatives and the uncertainty of the fixed effects, where `reliability` does not.
        Like `effects_se` it takes the variance components as known. NaN where the effect has no
        variance.
        """
        return self._label(self._effect_reliability(), "reliability")

    @property
    def accuracy(self) -> Vector:
        """Correlation of each prediction with its effect: the root of `effect_reliability`.

        Breeders print one or the other beside a bull, and call them by these two names.
        """
        return self._label(np.sqrt(self._effect_reliability()), "accuracy")

    def _effect_reliability(self) -> Array:
        prior = self._solution.prior
        share = self._solution.error / np.where(prior > 0, prior, np.nan)
        return np.asarray(np.clip(1 - share, 0.0, 1.0))

    @property
    def period_effects(self) -> pd.Series:
        """Predicted effect of every period; empty without a period effect in the model.

        A period without a single return is left out.
        """
        cells, solution = self._design.cells, self._solution
        if not cells.period:
            return pd.Series(dtype=float, name="period effect")
        ratio = self._theta[-2] / self._theta[-1]
        left = cells.rows @ np.r_[-solution.fixed, 1.0, -solution.effects.sum(axis=0)]
        values = self._design.spread * left * ratio / (1 + cells.seen * ratio)
        return pd.Series(values, index=self._design.periods, name="period effect")

    @property
    def expected_returns(self) -> Vector:
        """Fixed part at the mean of the regressors over the periods seen, plus the effect."""
        return self.predict()

    @property
    def expected_returns_se(self) -> Vector:
        """Standard errors of `expected_returns`, of the fixed part and the effect together."""
        found, point = self._solution, self._design.mean @ self._design.back
        variance = found.error + 2 * (point @ found.cross) + point @ found.fixed_variance @ point
        return self._label(self._design.spread * np.sqrt(variance), "standard error")

    def predict(self, fixed: VectorLike | None = None) -> Vector:
        """Expected return of every asset at given values of the regressors.

        Parameters
        ----------
        fixed : Series or array of shape (n_regressors,), optional
            Without the intercept. A Series is matched by name. The mean of the regressors over the
            periods seen by default.

        Returns
        -------
        Series or ndarray of shape (n_assets,)
            Decimal per period.

        Raises
        ------
        DataError
            If a regressor is missing, unknown or not finite, or the model has none.
        """
        point = self._design.mean
        if fixed is not None:
            names = pd.Index(self._design.names[1:])
            point = np.r_[1.0, _read_point(fixed, names)]
        level = float(point @ self.fixed_effects.to_numpy())
        values = level + self._design.spread * self._solution.effects.sum(axis=0)
        return self._label(values, "expected return")

    def _label(self, values: Array, name: str) -> Vector:
        found: Vector = label_vector(values, self._design.labels, name)
        return found


@overload
def panel_reml(
    returns: pd.DataFrame,
    relationship: Kernels | None = ...,
    *,
    fixed: MatrixLike | pd.Series | None = ...,
    random: Sequence[str] = ...,
    method: Method = ...,
    max_iterations: int = ...,
) -> PanelModel[pd.Series]: ...
@overload
def panel_reml(
    returns: Array,
    relationship: Kernels | None = ...,
    *,
    fixed: MatrixLike | pd.Series | None = ...,
    random: Sequence[str] = ...,
    method: Method = ...,
    max_iterations: int = ...,
) -> PanelModel[Array]: ...
@checked_but("random", "method")
def panel_reml(
    returns: MatrixLike,
    relationship: Kernels | None = None,
    *,
    fixed: MatrixLike | pd.Series | None = None,
    random: Sequence[str] = ("asset",),
    method: Method = "reml",
    max_iterations: int = 100,
) -> PanelModel[Any]:
    """Fit persistent asset effects to a panel of returns by (restricted) maximum likelihood.

    Parameters
    ----------
    returns : DataFrame or array of shape (n_periods, n_assets)
        Decimal simple returns; NaN is a missing cell. A period without any return is ignored. An
        asset without any is allowed if a relationship is given: its relatives predict it.
    relationship : DataFrame or array of shape (n_assets, n_assets), or mapping of such, optional
        K, positive semidefinite; a DataFrame is matched by name. Where the returns have no names,
        the assets are in the order of the first kernel that has, and take its names. A mapping
        gives every kernel a variance component of its own. With mean diagonal 1 a component is the
        variance of an asset's effect. The identity by default. K must be known without the returns
        that are fitted: groups, characteristics, or returns of an earlier time. A K from the same
        returns puts the response into its own prior.
    fixed : DataFrame, Series or array of shape (n_periods, n_regressors), optional
        Regressors common to all assets, such as the market, a trend, or dummies of regimes. A
        DataFrame is matched by the dates of `returns`. An intercept is always included.
    random : sequence of {"asset", "period"}
        ``"asset"`` is always there; ``("asset", "period")`` adds an effect of each period common
        to all assets.
    method : {"reml", "ml"}
        Restricted or full maximum likelihood.
    max_iterations : int
        Newton steps of the search where there is more than one ratio of variances.

    Returns
    -------
    PanelModel

    Raises
    ------
    DataError
        If the returns or a relationship are unusable; an asset has the same return in all of 12
        periods or more; there are fewer periods with a return than 2 plus the number of
        regressors, or fewer than 2 assets; a regressor is missing, constant, or a combination of
        others; relationships cannot be told from the intercept or from each other; nothing is left
        for the residual; or `random` asks for an effect of every cell.
    ConvergenceError
        If the search stops before its tolerance.

    Notes
    -----
    One kernel without a period effect: one eigendecomposition, a grid over the ratio of variances,
    then a root of the exact score, so that a second optimum is not overlooked; O(N) per step.
    Otherwise Newton steps with the curvature by differences of the exact score, from the best of
    several starts; O(N^3 + T N^2) per step.

    Examples
    --------
    A single month says next to nothing about which of nineteen indices have the higher mean, ten
    years say more; effects in per cent per month:

    >>> from mixfolio import datasets, mixed_model
    >>> returns = datasets.load("asset-classes").loc["2016":"2025"]
    >>> model = mixed_model.panel_reml(returns, random=("asset", "period"))
    >>> round(model.heritability, 3), round(model.reliability, 2)
    (0.011, 0.57)
    >>> effects = (100 * model.effects).round(2)
    >>> effects[["MSCI US", "US Treasuries"]].to_dict()
    {'MSCI US': 0.39, 'US Treasuries': -0.23}
    """
    terms = _read_random(random)
    if method not in ("reml", "ml"):
        raise DataError(f"method is {method!r}; it must be 'reml' or 'ml'.")
    max_iterations = read_count(max_iterations, "max_iterations")
    values, labels = read_returns(returns, allow_missing=True)
    kernels, labels = _read_kernels(relationship, values.shape[1], labels)
    design = _read_design(returns, values, labels, fixed, kernels, "period" in terms)
    engine, theta, value = _fit(design.cells, method, max_iterations)
    if theta[-1] < LEAST_RESIDUAL:
        raise DataError(
            "the effects fit the returns exactly and leave no residual: there is nothing to "
            "estimate its variance from. Are the returns made of the regressors?"
        )
    names = (*kernels, *(["period"] if design.cells.period else []), "residual")
    value += design.constant(method)
    n_cells = int(design.cells.counts.sum())
    return PanelModel(method, value, True, n_cells, design, engine, names, theta, max_iterations)


def _fit(cells: Cells, method: Method, max_iterations: int) -> tuple[Eigen | Dense, Array, float]:
    """The likelihood that suits, its optimum, and its value there."""
    freedom = cells.freedom(method)
    if len(cells.kernels) == 1 and not cells.period:
        ratio = Eigen(cells)
        theta, value = _panel_likelihood.search_ratio(ratio, freedom, method)
        return ratio, theta, value
    dense = Dense(cells)
    start = _panel_likelihood.best_start(cells, dense, method)
    function = _panel_likelihood.objective(dense, freedom, method)
    held = np.zeros(len(start), dtype=bool)
    return dense, *_panel_likelihood.maximise(function, start, held, cells.scale, max_iterations)


# -------------------------------------------------------------------------- reading input


def _read_random(random: Sequence[str]) -> set[str]:
    try:
        terms = {random} if isinstance(random, str) else set(random)
    except TypeError:
        terms = set()  # not a sequence of names: the message below says what it must be
    if {"asset:period", "period:asset", "residual"} & terms:
        raise DataError(
            "random asks for an independent effect of every asset and period. There is one return "
            "a cell, so that effect IS the residual: no data can tell the two apart. Leave it out."
        )
    if not terms <= {"asset", "period"} or "asset" not in terms:
        raise DataError(
            f"random is {random!r}; it must be ('asset',) or ('asset', 'period'). Regimes and "
            "trends are regressors: pass them as fixed."
        )
    return terms


def _read_kernels(
    relationship: Any, n_assets: int, labels: Labels | None
) -> tuple[dict[str, Array], Labels | None]:
    """Kernels by the name of their component, as arrays in the order of the assets, and labels.

    Where the returns have no labels, those of the first labelled kernel are the assets'.
    """
    if n_assets < 2:
        raise DataError("returns has 1 asset; its effect is the intercept. Give 2 or more.")
    if relationship is None:
        return {"asset": np.eye(n_assets)}, labels
    several = isinstance(relationship, Mapping)
    named = dict(relationship) if several else {"asset": relationship}
    if not named or {"period", "residual"} & set(named):
        raise DataError(
            f"relationship names the kernels {list(named)!r}; it must name at least one, and none "
            "'period' or 'residual'."
        )
    kernels = {}
    for name, matrix in named.items():
        what = f"relationship[{name!r}]" if several else "relationship"
        kernels[name], labels = read_relationship(matrix, labels, n_assets=n_assets, what=what)
    return kernels, labels


def _read_variances(values: Any, component: Any, *, positive: bool) -> Array:
    """Values of a variance component, not negative, or positive."""
    try:
        points = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError) as error:
        raise DataError(f"values of {component!r} must be numbers ({error}).") from error
    if points.ndim != 1:
        raise DataError(f"values of {component!r} have shape {points.shape}; give a vector.")
    lowest = float(points.min(initial=np.inf))
    if not np.isfinite(points).all() or lowest < 0 or (positive and lowest == 0):
        raise DataError(f"values of {component!r} must be variances, the lowest is {lowest}.")
    return points


def _read_point(fixed: Any, names: pd.Index) -> Array:
    """Values of the regressors, in their order."""
    if not len(names):
        raise DataError("fixed is given, but the model has no regressors. Use predict() alone.")
    if not isinstance(fixed, pd.Series) and np.size(fixed) != len(names):
        raise DataError(
            f"fixed has {np.size(fixed)} value(s); it must have one per regressor, {list(names)}, "
            "without the intercept."
        )
    return read_vector(fixed, len(names), names, "fixed")[0]


def _require_distinct(kernels: Mapping[str, Array], seen: Any) -> None:
    """Refuse kernels that, among assets with returns, look like the intercept or each other."""
    part = {name: K if seen.all() else K[np.ix_(seen, seen)] for name, K in kernels.items()}
    for name, K in part.items():
        if np.abs(K - K[:, :1]).max() <= RANK_TOLERANCE * np.abs(K).max():
            raise DataError(
                f"relationship {name!r} makes all assets alike (one group?), so that their effect "
                "is the intercept. Use a matrix that tells assets apart."
            )
    if len(part) == 1:
        return
    centred = [K - K.mean(axis=0) - K.mean(axis=1)[:, None] + K.mean() for K in part.values()]
    flat = np.array([K.ravel() / np.linalg.norm(K) for K in centred])
    if np.linalg.eigvalsh(flat @ flat.T)[0] < RANK_TOLERANCE:
        raise DataError(
            f"the relationships {list(kernels)} are combinations of each other, so that their "
            "components cannot be told apart. Leave one out."
        )


def _read_fixed(fixed: Any, returns: Any, n_periods: int) -> tuple[Array, list[Any]]:
    """Regressors with a leading intercept, in the order of the periods, and their names."""
    if fixed is None:
        return np.ones((n_periods, 1)), ["intercept"]
    values, names = read_regressors(fixed, returns, n_periods, "fixed")
    if "intercept" in names:
        raise DataError("fixed has a column 'intercept', which is always included. Rename it.")
    return np.column_stack([np.ones(n_periods), values]), ["intercept", *names]


@dataclass(frozen=True)
class _Design:
    """Sums over the cells of standardised returns, and what leads back from them.

    Returns are centred and scaled; regressors are rotated by `back` to be orthonormal over the
    cells: rotated = regressors @ back.
    """

    cells: Cells
    back: Array
    mean: Array
    centre: float
    spread: float
    names: list[Any]
    labels: Labels | None
    periods: Any

    def constant(self, method: Method) -> float:
        """What the log-likelihood has beside that of standardised returns and rotated X."""
        constant = -self.cells.freedom(method) * (0.5 * np.log(2 * np.pi) + np.log(self.spread))
        if method == "reml":
            constant += np.log(np.abs(np.diagonal(self.back))).sum()
        return float(constant)


def _read_design(
    returns: Any,
    values: Array,
    labels: Labels | None,
    fixed: Any,
    kernels: Mapping[str, Array],
    period: bool,
) -> _Design:
    """Leave out periods without returns, check, standardise and sum."""
    regressors, names = _read_fixed(fixed, returns, len(values))
    index = returns.index if isinstance(returns, pd.DataFrame) else np.arange(len(values))
    present = ~np.isnan(values)
    some = np.asarray(present.any(axis=1))
    if not some.all():
        values, regressors, present = values[some], regressors[some], present[some]
        index = index[some]
    _require_cells(values, present.sum(axis=0), labels, kernels, len(names))
    _require_repeats(present, period)
    rotated, back = _rotate(regressors, present.sum(axis=1), names)
    known = values[present]
    centre, spread = float(known.mean()), float(known.std())
    scaled = np.where(present, (values - centre) / spread, 0.0)
    cells = _sum_cells(rotated, scaled, present.astype(float), tuple(kernels.values()), period)
    mean = regressors.mean(axis=0)
    return _Design(cells, back, mean, centre, spread, names, labels, index)


def _sum_cells(
    X: Array, scaled: Array, present: Array, kernels: tuple[Array, ...], period: bool
) -> Cells:
    """The sums over periods, and over all cells, of regressors, returns and incidence."""
    p = X.shape[1]
    seen = present.sum(axis=1)
    rows = np.column_stack([seen[:, None] * X, scaled.sum(axis=1), present])
    gram = np.zeros((rows.shape[1], rows.shape[1]))
    gram[:p] = X.T @ rows
    gram[p] = np.concatenate([gram[:p, p], [(scaled**2).sum()], scaled.sum(axis=0)])
    gram[:, : p + 1] = gram[: p + 1].T
    np.fill_diagonal(gram[p + 1 :, p + 1 :], present.sum(axis=0))
    return Cells(rows, gram, kernels, period)


def _require_cells(
    values: Array, counts: Array, labels: Labels | None, kernels: Mapping[str, Array], n_fixed: int
) -> None:
    """Enough periods, assets that move, and something to predict an asset without returns from."""
    if len(values) < n_fixed + 1:
        raise DataError(
            f"returns has {len(values)} period(s) with a return; with {n_fixed - 1} regressor(s) "
            f"it needs at least {n_fixed + 1}. Use a longer sample or fewer regressors."
        )
    names = range(len(counts)) if labels is None else labels
    empty = np.flatnonzero(counts == 0)
    if len(empty) and (len(empty) > len(counts) - 2 or not _related(kernels, empty)):
        raise DataError(
            f"{len(empty)} asset(s) have no return at all, the first is {names[empty[0]]!s}, and "
            "there are no relatives to predict them from. Leave them out."
        )
    _require_distinct(kernels, counts > 0)
    # A few equal returns are replicates that happen to agree, and the variance of the others
    # tells what they are worth; a year of them is a price that stood still.
    seen = counts >= STILL
    low, high = np.nanmin(values[:, seen], axis=0), np.nanmax(values[:, seen], axis=0)
    still = np.flatnonzero(seen)[low == high]
    if len(still):
        raise DataError(
            f"{len(still)} asset(s) never move, the first is {names[still[0]]!s}, in "
            f"{int(counts[still[0]])} returns. Leave them out: the model gives all assets the same "
            "residual variance."
        )


def _require_repeats(present: Any, period: bool) -> None:
    """An effect of an asset, or of a period, needs more than one return to differ from noise."""
    if present.sum(axis=0).max() < 2:
        raise DataError(
            "no asset has more than one return, so that its effect cannot be told from the "
            "residual. Use a longer sample."
        )
    if period and present.sum(axis=1).max() < 2:
        raise DataError(
            "no period has more than one return, so that its effect cannot be told from the "
            "residual. Leave 'period' out of random."
        )


def _related(kernels: Mapping[str, Array], empty: Any) -> bool:
    """Whether every asset without returns is related to one with."""
    total = np.sum([np.abs(K) for K in kernels.values()], axis=0)
    return bool((np.delete(total[empty], empty, axis=1) > 0).any(axis=1).all())


def _rotate(regressors: Array, seen: Array, names: list[Any]) -> tuple[Array, Array]:
    """Regressors orthonormal over the cells, and the triangle that makes them so."""
    triangle = np.linalg.qr(np.sqrt(seen)[:, None] * regressors)[1]
    centred = regressors - regressors.mean(axis=0)
    spread = np.linalg.norm(centred, axis=0)
    constant = spread[1:] <= RANK_TOLERANCE * np.linalg.norm(regressors[:, 1:], axis=0)
    if constant.any():
        name = names[1 + int(np.argmax(constant))]
        raise DataError(
            f"fixed effect {name!s} is constant. The intercept is always included: leave it out."
        )
    left = np.abs(np.diagonal(triangle))[1:]
    collinear = left <= RANK_TOLERANCE * spread[1:] * np.sqrt(seen.mean())
    if collinear.any():
        name = names[1 + int(np.argmax(collinear))]
        raise DataError(
            f"fixed effect {name!s} is a combination of the intercept and those before it. Leave "
            "it out; of dummies that add up to one, leave out one."
        )
    back = solve_triangular(triangle, np.eye(len(triangle)))
    return regressors @ back, back
