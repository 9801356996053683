"""The kernel model against dense matrices, densities, gradients, its eigen form and known truths.

The dense twins here build the (N T) x (N T) covariance, which the package never does.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from mixfolio.errors import ConvergenceError, DataError
from mixfolio.mixed_model import _common as common
from mixfolio.mixed_model import _kernels as kernel_model
from mixfolio.mixed_model import covariance_reml

NAMES = [f"A{i}" for i in range(6)]
DATES = pd.date_range("2001-01-31", periods=25, freq="ME")


def make_kernel(n_assets, rng, dimensions=4):
    points = rng.standard_normal((n_assets, dimensions))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    return np.exp(-distance / np.median(distance))


def world(n_assets=6, n_periods=25, n_kernels=2, *, theta=(0.4, 0.2, 0.4), seed=0, factors=0):
    """Returns of a known model: labelled returns, kernels, factors."""
    rng = np.random.default_rng(seed)
    names = [f"A{i}" for i in range(n_assets)]
    kernels = {
        f"k{j}": pd.DataFrame(make_kernel(n_assets, rng), names, names) for j in range(n_kernels)
    }
    V = theta[-1] * np.eye(n_assets)
    for component, kernel in zip(theta, kernels.values(), strict=False):
        V += component * kernel.to_numpy()
    dates = pd.date_range("2001-01-31", periods=n_periods, freq="ME")
    f = pd.DataFrame(
        0.03 * rng.standard_normal((n_periods, factors)), dates, [f"f{j}" for j in range(factors)]
    )
    noise = rng.standard_normal((n_periods, n_assets)) @ np.linalg.cholesky(V).T
    slopes = 1 + 0.5 * rng.standard_normal((factors, n_assets))
    returns = 0.005 + f.to_numpy() @ slopes + 0.02 * noise
    return pd.DataFrame(returns, dates, names), kernels, f


def with_gaps(returns, share=0.1, seed=1):
    hidden = np.random.default_rng(seed).random(returns.shape) < share
    return returns.mask(hidden)


def dense(returns, factors, kernels, theta, scale):
    """Restricted log-likelihood and coefficients from the covariance of all observed cells."""
    Y = np.asarray(returns)
    T, N = Y.shape
    X = np.column_stack([np.ones(T), np.asarray(factors)])
    V = theta[-1] * np.eye(N) + sum(t * K for t, K in zip(theta, kernels, strict=False))
    seen = np.isfinite(Y).ravel()
    big = np.kron(np.eye(T), V * np.outer(scale, scale))[np.ix_(seen, seen)]
    Z, y = np.kron(X, np.eye(N))[seen], Y.ravel()[seen]
    inverse = np.linalg.inv(big)
    left = Z.T @ inverse @ Z
    b = np.linalg.solve(left, Z.T @ inverse @ y)
    r = y - Z @ b
    log_det = np.linalg.slogdet(big)[1] + np.linalg.slogdet(left)[1]
    freedom = len(y) - Z.shape[1]
    value = -0.5 * (freedom * np.log(2 * np.pi) + log_det + r @ inverse @ r)
    return value, b.reshape(X.shape[1], N).T


def spread(returns, factors):
    """Residual standard deviation of every asset, one regression at a time."""
    values = []
    for name in returns:
        y = returns[name].dropna()
        X = np.column_stack([np.ones(len(y)), factors.loc[y.index]])
        r = y - X @ np.linalg.lstsq(X, y.to_numpy())[0]
        values.append(np.sqrt(r @ r / (len(y) - X.shape[1])))
    return np.array(values)


CASES = pytest.mark.parametrize(
    ("n_kernels", "gaps", "factors", "scale"),
    [
        (1, 0.0, 0, "correlation"),
        (1, 0.0, 2, "raw"),
        (2, 0.0, 1, "correlation"),
        (3, 0.0, 0, "raw"),
        (1, 0.1, 1, "correlation"),
        (2, 0.15, 2, "raw"),
        (2, 0.15, 0, "correlation"),
    ],
)


def fitted(n_kernels, gaps, factors, scale, seed=3):
    theta = (*(0.4, 0.3, 0.2)[:n_kernels], 0.4)
    returns, kernels, f = world(n_kernels=n_kernels, theta=theta, factors=factors, seed=seed)
    returns = with_gaps(returns, gaps)
    model = covariance_reml(returns, kernels, factors=f if factors else None, scale=scale)
    size = spread(returns, f) if scale == "correlation" else np.ones(returns.shape[1])
    return model, returns, f, [kernel.to_numpy() for kernel in kernels.values()], size


# ------------------------------------------------------------------------------ dense twins


@CASES
def test_likelihood_and_coefficients_are_those_of_the_dense_model(n_kernels, gaps, factors, scale):
    model, returns, f, kernels, size = fitted(n_kernels, gaps, factors, scale)
    theta = model.variance_components.to_numpy()
    value, coefficients = dense(returns, f, kernels, theta, size)
    assert model.log_likelihood == pytest.approx(value, abs=1e-8)
    np.testing.assert_allclose(model.intercepts, coefficients[:, 0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(model.slopes, coefficients[:, 1:], rtol=0, atol=1e-11)


@CASES
def test_dense_search_finds_no_better_components(n_kernels, gaps, factors, scale):
    model, returns, f, kernels, size = fitted(n_kernels, gaps, factors, scale)
    theta = model.variance_components.to_numpy()

    def loss(free):
        return -dense(returns, f, kernels, np.exp(free), size)[0]

    start = np.log(np.full(len(theta), theta.sum() / len(theta)))
    best = minimize(loss, start, method="Nelder-Mead", options={"fatol": 1e-9, "xatol": 1e-7})
    assert -best.fun <= model.log_likelihood + 1e-6
    assert -best.fun >= model.log_likelihood - 1e-4
    np.testing.assert_allclose(np.exp(best.x), theta, atol=1e-3 * theta.sum())


@CASES
def test_gradient_and_average_information_by_differences(n_kernels, gaps, factors, scale):
    _, returns, f, kernels, _ = fitted(n_kernels, gaps, factors, scale)
    regressors = np.column_stack([np.ones(len(f)), f])
    data = kernel_model._standardise(returns.to_numpy(), None, regressors, scale)
    evaluate, start = kernel_model._likelihood(data, dict(zip("abc", kernels, strict=False)))
    theta = start * np.linspace(0.8, 1.3, len(start))
    _, gradient, information = evaluate(theta)
    h = 1e-5 * theta
    steps = [np.eye(len(theta))[k] * h[k] for k in range(len(theta))]
    for k, step in enumerate(steps):
        slope = (evaluate(theta + step)[0] - evaluate(theta - step)[0]) / (2 * h[k])
        assert slope * theta[k] == pytest.approx(gradient[k] * theta[k], abs=1e-5, rel=1e-6)
    # Average information is the mean of the observed and the expected one.
    hessian = np.array(
        [
            (evaluate(theta + step)[1] - evaluate(theta - step)[1]) / (2 * size)
            for step, size in zip(steps, h, strict=True)
        ]
    )
    expected = expected_information(returns, f, kernels, theta)
    np.testing.assert_allclose(information, (expected - hessian) / 2, rtol=1e-5)


def expected_information(returns, factors, kernels, theta):
    """tr(P K_k P K_l) / 2 with the dense projection P."""
    Y = np.asarray(returns)
    T, N = Y.shape
    X = np.column_stack([np.ones(T), np.asarray(factors)])
    seen = np.isfinite(Y).ravel()
    blocks = [np.kron(np.eye(T), K)[np.ix_(seen, seen)] for K in [*kernels, np.eye(N)]]
    V = sum(t * block for t, block in zip(theta, blocks, strict=True))
    Z, inverse = np.kron(X, np.eye(N))[seen], np.linalg.inv(V)
    P = inverse - inverse @ Z @ np.linalg.solve(Z.T @ inverse @ Z, Z.T @ inverse)
    products = [P @ block for block in blocks]
    return np.array([[np.vdot(a, b.T) / 2 for b in products] for a in products])


def test_density_of_the_observed_cells_with_known_means():
    """With coefficients held at their estimates the likelihood is a product of normal densities."""
    model, returns, f, _, _ = fitted(2, 0.15, 1, "correlation")
    V = model.covariance("total").to_numpy() - model.components()["factors"].to_numpy()
    means = model.intercepts.to_numpy() + f.to_numpy() @ model.slopes.to_numpy().T
    value, left = 0.0, 0.0
    for y, mean, x in zip(returns.to_numpy(), means, f.to_numpy()[:, 0], strict=True):
        o = np.isfinite(y)
        value += multivariate_normal(mean[o], V[np.ix_(o, o)]).logpdf(y[o])
        inside = np.zeros_like(V)
        inside[np.ix_(o, o)] = np.linalg.inv(V[np.ix_(o, o)])
        left = left + np.kron(np.outer([1, x], [1, x]), inside)
    # What restricted likelihood adds: it integrates over the coefficients.
    value += 0.5 * len(left) * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(left)[1]
    assert model.log_likelihood == pytest.approx(value, abs=1e-8)


def test_patterns_agree_with_the_complete_form():
    returns, kernels, f = world(n_kernels=2, factors=1)
    X = np.column_stack([np.ones(len(f)), f])
    data = kernel_model._standardise(returns.to_numpy(), None, X, "raw")
    tables = [kernel.to_numpy() for kernel in kernels.values()]
    theta = np.array([1e-4, 2e-4, 3e-4])
    n = len(f) - 2
    whole = kernel_model._complete(theta, data.E.T @ data.E / n, n, tables)
    parts = kernel_model._Patterns.of(data, tables).evaluate(theta)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_eigen_form_agrees_with_the_complete_form():
    returns, kernels, _ = world(n_kernels=1)
    K = kernels["k0"].to_numpy()
    E = returns.to_numpy() - returns.to_numpy().mean(axis=0)
    for rows in (E, E[:4]):  # more periods than assets, and fewer
        n = len(rows) - 1
        theta = np.array([2e-4, 3e-4])
        whole = kernel_model._complete(theta, rows.T @ rows / n, n, [K])
        fast = kernel_model._one_kernel(rows, n, K)[0](theta)
        for a, b in zip(whole, fast, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10)


# ------------------------------------------------------------------------------ known truths


def test_components_of_a_known_truth():
    """Mean error over replications within 4 Monte Carlo s.e.; standard errors near the spread."""
    theta = np.array([0.4, 0.25, 0.35])
    rng = np.random.default_rng(5)
    kernels = {"a": make_kernel(20, rng), "b": make_kernel(20, rng)}
    V = theta[0] * kernels["a"] + theta[1] * kernels["b"] + theta[2] * np.eye(20)
    root = np.linalg.cholesky(V).T
    fits = [
        covariance_reml(0.03 * rng.standard_normal((60, 20)) @ root, kernels, scale="raw")
        for _ in range(200)
    ]
    found = np.array([model.variance_components for model in fits]) / 0.03**2
    stated = np.array([model.standard_errors for model in fits]) / 0.03**2
    error = found.mean(axis=0) - theta
    assert (np.abs(error) < 4 * found.std(axis=0) / np.sqrt(len(fits))).all()
    np.testing.assert_allclose(np.nanmean(stated, axis=0), found.std(axis=0), rtol=0.15)
    covered = np.abs(found - theta) < 1.96 * stated
    assert ((covered.mean(axis=0) > 0.89) & (covered.mean(axis=0) < 0.99)).all()


def test_a_component_of_zero_is_at_the_boundary_half_of_the_time():
    """The score at zero has either sign with equal chance, so half of the estimates are zero."""
    rng = np.random.default_rng(7)
    K = make_kernel(15, rng)
    hits = sum(
        "kernel" in covariance_reml(rng.standard_normal((80, 15)), K, scale="raw").at_boundary
        for _ in range(200)
    )
    assert 70 < hits < 140  # of 200; small samples favour the boundary a little


def test_boundary_is_reported_and_has_no_standard_error():
    returns, kernels, _ = world(n_kernels=2, theta=(0.6, 0.0, 0.4), seed=2)
    for gaps in (0.0, 0.1):
        model = covariance_reml(with_gaps(returns, gaps), kernels)
        assert model.at_boundary == ("k1",)
        assert model.variance_components["k1"] == 0
        assert np.isnan(model.standard_errors["k1"])
        assert model.standard_errors[["k0", "residual"]].notna().all()
        alone = covariance_reml(with_gaps(returns, gaps), kernels["k0"])
        assert model.log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-9)
        np.testing.assert_allclose(model.covariance(), alone.covariance(), rtol=1e-6)


def test_all_kernels_at_the_boundary_leave_a_diagonal():
    rng = np.random.default_rng(0)
    alternating = np.add.outer(np.arange(40), np.arange(40)) % 2
    returns = np.where(alternating[:, :6] == 1, 1.0, -1.0) + 0.1 * rng.standard_normal((40, 6))
    returns = returns - returns.mean(axis=1, keepdims=True)  # all covariances sum to nothing
    model = covariance_reml(returns, np.ones((6, 6)))
    assert model.at_boundary == ("kernel",)
    assert model.heritability == 0
    np.testing.assert_allclose(model.covariance(), np.diag(returns.var(axis=0, ddof=1)))


# ------------------------------------------------------------------------------ the parts


def test_parts_add_up_and_keep_their_labels():
    model, returns, f, kernels, size = fitted(2, 0.0, 2, "correlation")
    parts = model.components()
    assert list(parts) == ["factors", "k0", "k1", "residual"]
    total = model.covariance()
    assert list(total.index) == list(total.columns) == list(returns.columns)
    np.testing.assert_allclose(sum(parts.values()), total, rtol=0, atol=1e-18)
    np.testing.assert_allclose(
        model.covariance("systematic") + model.covariance("idiosyncratic"), total, rtol=1e-14
    )
    B, theta = model.slopes, model.variance_components
    np.testing.assert_allclose(parts["factors"], B @ f.cov() @ B.T, rtol=1e-12)
    np.testing.assert_allclose(
        parts["k1"], theta["k1"] * kernels[1] * np.outer(size, size), rtol=1e-12
    )
    np.testing.assert_allclose(
        model.covariance("idiosyncratic"), np.diag(theta["residual"] * size**2), rtol=1e-12
    )
    shared = theta["k0"] + theta["k1"]  # kernels with a diagonal of ones
    assert model.heritability == pytest.approx(shared / (shared + theta["residual"]))
    assert model.shares.sum() == pytest.approx(1, abs=1e-14)
    assert model.shares["factors"] == pytest.approx(np.trace(parts["factors"]) / np.trace(total))
    with pytest.raises(DataError, match="which is 'all'"):
        model.covariance("all")


def test_arrays_give_arrays():
    returns, kernels, f = world(n_kernels=1, factors=1)
    framed = covariance_reml(returns, kernels, factors=f)
    bare = covariance_reml(returns.to_numpy(), kernels["k0"].to_numpy(), factors=f.to_numpy())
    for found, wanted in (
        (bare.covariance(), framed.covariance()),
        (bare.slopes, framed.slopes),
        (bare.intercepts, framed.intercepts),
    ):
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, wanted.to_numpy())
    assert list(bare.variance_components.index) == ["kernel", "residual"]


def test_labels_of_a_kernel_name_unlabelled_returns():
    returns, kernels, _ = world(n_kernels=2)
    turned = kernels["k1"].iloc[::-1, ::-1]
    bare = covariance_reml(returns.to_numpy(), {"k0": kernels["k0"], "k1": turned})
    pd.testing.assert_frame_equal(bare.covariance(), covariance_reml(returns, kernels).covariance())


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(6)), st.sampled_from([0.0, 0.1]), st.integers(1, 2))
def test_kernels_are_matched_by_name(order, gaps, n_kernels):
    returns, kernels, _ = world(n_kernels=n_kernels)
    returns = with_gaps(returns, gaps)
    turned = {name: kernel.iloc[order, order] for name, kernel in kernels.items()}
    turned = {name: extended(kernel) for name, kernel in turned.items()}
    one, other = covariance_reml(returns, kernels), covariance_reml(returns, turned)
    np.testing.assert_allclose(one.covariance(), other.covariance(), rtol=1e-12)
    shuffled = covariance_reml(returns.iloc[:, order], kernels)
    names = returns.columns
    np.testing.assert_allclose(
        one.covariance(), shuffled.covariance().loc[names, names], rtol=1e-6, atol=1e-12
    )


def extended(kernel):
    """The kernel with an asset more, which the returns do not have."""
    larger = kernel.reindex(index=[*kernel.index, "other"], columns=[*kernel.columns, "other"])
    larger = larger.fillna(0.0)
    larger.loc["other", "other"] = 1.0
    return larger


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.floats(0.1, 10), min_size=6, max_size=6),
    st.floats(0.2, 5),
    st.sampled_from([0.0, 0.1]),
    st.integers(1, 2),
)
def test_units_of_assets_and_of_kernels(sizes, factor, gaps, n_kernels):
    """Rescaling assets rescales the covariance; rescaling a kernel changes its component only."""
    returns, kernels, _ = world(n_kernels=n_kernels)
    returns = with_gaps(returns, gaps)
    model = covariance_reml(returns, kernels)
    scaled = covariance_reml(returns * sizes, kernels)
    np.testing.assert_allclose(
        scaled.covariance(), model.covariance() * np.outer(sizes, sizes), rtol=1e-5
    )
    jacobian = (returns.notna().sum() - 1) @ np.log(sizes)
    assert scaled.log_likelihood == pytest.approx(model.log_likelihood - jacobian, abs=1e-7)
    other = covariance_reml(returns, kernels | {"k0": factor * kernels["k0"]})
    np.testing.assert_allclose(other.covariance(), model.covariance(), rtol=1e-5)
    assert other.log_likelihood == pytest.approx(model.log_likelihood, abs=1e-8)


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 10**6),
    st.integers(2, 9),
    st.integers(3, 30),
    st.integers(1, 3),
    st.sampled_from(["raw", "correlation"]),
)
def test_no_component_can_be_moved_to_gain(seed, n_assets, n_periods, n_kernels, scale):
    """First-order conditions: no slope inside, and none upward at the boundary."""
    rng = np.random.default_rng(seed)
    returns = rng.standard_normal((n_periods, n_assets)) * rng.uniform(0.5, 2, n_assets)
    tables = {f"k{j}": make_kernel(n_assets, rng) for j in range(n_kernels)}
    if n_assets == 2:
        tables = {"k0": tables["k0"]}  # more than one cannot be told apart
    model = covariance_reml(returns, tables, scale=scale)
    data = kernel_model._standardise(returns, None, np.ones((n_periods, 1)), scale)
    evaluate, _ = kernel_model._likelihood(data, tables)
    theta = model.variance_components.to_numpy()
    value, gradient, _ = evaluate(theta)
    assert value + data.constant() == pytest.approx(model.log_likelihood, abs=1e-9)
    size = len(theta) * max(1.0, theta.max())
    inside = theta > 0
    assert np.abs(gradient[inside] * theta[inside]).max() < 1e-3 * size
    assert (gradient[~inside] * theta.max() < 1e-3 * size).all()


def test_returns_are_left_alone_and_the_fit_is_repeatable():
    returns, kernels, f = world(n_kernels=2, factors=1)
    before = returns.copy(), {name: kernel.copy() for name, kernel in kernels.items()}, f.copy()
    one, two = (covariance_reml(returns, kernels, factors=f) for _ in range(2))
    pd.testing.assert_frame_equal(returns, before[0])
    pd.testing.assert_frame_equal(kernels["k0"], before[1]["k0"])
    pd.testing.assert_frame_equal(f, before[2])
    pd.testing.assert_frame_equal(one.covariance(), two.covariance(), check_exact=True)
    assert one.converged and one.iterations < 20


def test_a_common_period_effect_is_a_kernel_of_ones():
    """V = a J + b I: the maximum in closed form, from the mean of all assets and the rest."""
    rng = np.random.default_rng(0)
    returns = rng.standard_normal((40, 5)) + rng.standard_normal((40, 1))
    model = covariance_reml(returns, {"period": np.ones((5, 5))}, scale="raw")
    S = np.cov(returns, rowvar=False)
    along = S.mean() * 5  # variance along the vector of ones
    rest = (np.trace(S) - along) / 4
    wanted = {"period": (along - rest) / 5, "residual": rest}
    assert model.variance_components.to_dict() == pytest.approx(wanted, rel=1e-6)


def test_factors_are_matched_by_date():
    returns, kernels, f = world(n_kernels=1, factors=2)
    longer = pd.concat([f, f.set_axis(f.index + pd.DateOffset(years=30))])
    shuffled = longer.sample(frac=1, random_state=0)
    one = covariance_reml(returns, kernels, factors=f)
    other = covariance_reml(returns, kernels, factors=shuffled)
    pd.testing.assert_frame_equal(one.covariance(), other.covariance())
    single = covariance_reml(returns, kernels, factors=f["f0"])
    assert list(single.slopes.columns) == ["f0"]


# ------------------------------------------------------------------------------ bad input


def spoil(table, place, value):
    table = table.copy()
    (table.iloc if isinstance(table, pd.DataFrame) else table)[place] = value
    return table


BAD_KERNELS = {
    "not symmetric": (lambda k: spoil(k, (0, 1), 0.0), "not symmetric"),
    "not positive semidefinite": (lambda k: k - 0.9, "positive semi-?definite|trace"),
    "asset missing": (lambda k: k.iloc[1:, 1:], "has no row for 1 of 6"),
    "labels differ": (lambda k: k.iloc[:, ::-1], "row labels that differ"),
    "not finite": (lambda k: spoil(k, (0, 0), np.nan), "missing or infinite"),
    "not square": (lambda k: k.iloc[:, 1:], "must be square"),
    "identity": (lambda k: pd.DataFrame(np.eye(6), k.index, k.index), "is the residual itself"),
    "diagonal": (
        lambda k: pd.DataFrame(np.diag(np.arange(1.0, 7)), k.index, k.index),
        "is the residual itself",
    ),
}


@pytest.mark.parametrize("case", BAD_KERNELS)
def test_bad_kernels(case):
    returns, kernels, _ = world(n_kernels=1)
    change, message = BAD_KERNELS[case]
    with pytest.raises(DataError, match=message) as caught:
        covariance_reml(returns, {"mine": change(kernels["k0"])})
    if case != "diagonal":
        assert "kernel 'mine'" in str(caught.value)


def test_kernels_that_cannot_be_told_apart():
    returns, kernels, _ = world(n_kernels=2)
    k0, k1 = kernels.values()
    mixed = 0.3 * k0 + 0.5 * k1 + 0.2 * np.eye(6)
    for tables in ({"a": k0, "b": k0}, {"a": k0, "b": k1, "c": mixed}):
        with pytest.raises(DataError, match="linearly dependent"):
            covariance_reml(returns, tables)


def test_kernels_need_a_size_and_a_name_of_their_own():
    returns, kernels, _ = world(n_kernels=1)
    with pytest.raises(DataError, match=r"matrix of 7 assets, but there are 6"):
        covariance_reml(returns.to_numpy(), np.full((7, 7), 0.5) + np.eye(7))
    with pytest.raises(DataError, match="kernels is empty"):
        covariance_reml(returns, {})
    with pytest.raises(DataError, match="Rename it"):
        covariance_reml(returns, {"residual": kernels["k0"]})
    with pytest.raises(DataError, match="scale is 'log'"):
        covariance_reml(returns, kernels, scale="log")


def test_bad_returns():
    returns, kernels, f = world(n_kernels=1, factors=1)
    with pytest.raises(DataError, match=r"1 asset.* never move, the first is A2"):
        covariance_reml(returns.assign(A2=0.01), kernels)
    with pytest.raises(DataError, match="explained by the factors, the first is A2"):
        covariance_reml(returns.assign(A2=0.01 + 2 * f["f0"]), kernels, factors=f)
    with pytest.raises(DataError, match="asset A2 has 0 period"):
        covariance_reml(returns.assign(A2=np.nan), kernels)
    with pytest.raises(DataError, match=r"1 period.* no return at all, the first at position 3"):
        covariance_reml(spoil(returns, 3, np.nan), kernels)
    with pytest.raises(DataError, match="missing or infinite"):
        covariance_reml(spoil(returns, (3, 1), np.inf), kernels)
    with pytest.raises(DataError, match="repeated asset label"):
        covariance_reml(returns.set_axis(["A0", *NAMES[:5]], axis=1), kernels)


def test_too_few_periods():
    returns, kernels, f = world(n_kernels=1, factors=2)
    fine = covariance_reml(returns.iloc[:4], kernels, factors=f.iloc[:4])
    assert np.linalg.eigvalsh(fine.covariance())[0] > 0
    with pytest.raises(DataError, match=r"has 3 period.s.; with 2 factor.s. .* at least 4"):
        covariance_reml(returns.iloc[:3], kernels, factors=f.iloc[:3])
    late = returns.copy()
    late.iloc[:-3, 4] = np.nan
    with pytest.raises(DataError, match="asset A4 has 3 period"):
        covariance_reml(late, kernels, factors=f)


def test_bad_factors():
    returns, kernels, f = world(n_kernels=1, factors=2)
    with pytest.raises(DataError, match="factor 'f1' is constant"):
        covariance_reml(returns, kernels, factors=f.assign(f1=0.3))
    with pytest.raises(DataError, match="factor 'f1' is a combination"):
        covariance_reml(returns, kernels, factors=f.assign(f1=2 * f["f0"] - 1))
    with pytest.raises(
        DataError, match="factors lacks 5 of the 25 periods of the returns, the first is 2001-01-31"
    ):
        covariance_reml(returns, kernels, factors=f.iloc[5:])
    with pytest.raises(DataError, match="some twice"):
        covariance_reml(returns, kernels, factors=pd.concat([f, f]))
    with pytest.raises(DataError, match="24 periods and returns 25"):
        covariance_reml(returns, kernels, factors=f.to_numpy()[1:])
    regime = f.assign(f1=np.r_[np.zeros(20), np.ones(5)])
    late = returns.copy()
    late.iloc[18:, 2] = np.nan
    with pytest.raises(DataError, match="constant or collinear in the periods of asset A2"):
        covariance_reml(late, kernels, factors=regime)


BAD_FACTORS = {
    "missing": (
        lambda f: spoil(f, (2, 1), np.nan),
        "1 cell.*first in column f1 of period 2001-03-31.*Leave these",
    ),
    "infinite": (lambda f: spoil(f.to_numpy(), (2, 1), np.inf), "1 cell.*column 1 of period 2"),
    "words": (lambda f: f["f0"].map(lambda x: "up" if x > 0 else "down"), "'up'|'down'"),
    "complex": (lambda f: f * 1j, "complex"),
    "none": (lambda f: f[[]], r"shape \(25, 0\).*leave the argument out"),
    "three dimensions": (lambda f: np.zeros((25, 2, 2)), r"shape \(25, 2, 2\)"),
    "a number": (lambda f: 3.0, r"shape \(\)"),
    "repeated names": (lambda f: f.set_axis(["a", "a"], axis=1), "a name of its own"),
    "one period": (lambda f: f.to_numpy()[:1], "1 periods and returns 25"),
}


@pytest.mark.parametrize("case", BAD_FACTORS)
def test_factors_that_are_no_table_of_numbers_are_called_factors(case):
    returns, kernels, f = world(n_kernels=1, factors=2)
    change, message = BAD_FACTORS[case]
    with pytest.raises(DataError, match=message) as caught:
        covariance_reml(returns, kernels, factors=change(f))
    assert str(caught.value).startswith("factors ")


def test_no_convergence_is_an_error():
    returns, kernels, _ = world(n_kernels=2)
    for table in (returns, with_gaps(returns)):
        with pytest.raises(ConvergenceError, match=r"after 1 Newton steps.*Raise max_iterations"):
            covariance_reml(table, kernels, max_iterations=1)
    with pytest.raises(DataError, match="max_iterations is 0"):
        covariance_reml(returns, kernels, max_iterations=0)


def test_copies_of_an_asset_that_the_kernel_takes_for_the_same():
    """The likelihood has no maximum: the residual variance runs to zero."""
    returns, _, _ = world(n_kernels=1)
    K = pd.DataFrame(np.kron(np.eye(3), np.ones((2, 2))), NAMES, NAMES)
    copies = returns.copy()
    copies[["A1", "A3", "A5"]] = copies[["A0", "A2", "A4"]].to_numpy()
    with pytest.raises(ConvergenceError, match="copies of each other"):
        covariance_reml(copies, K)


# ------------------------------------------------------------------------------ the search


def test_a_component_at_zero_that_would_fall_is_held():
    information = np.array([[2.0, 1.9], [1.9, 2.0]])
    step = kernel_model._ascent(np.array([1.0, 0.0]), np.array([10.0, 1.0]), information)
    np.testing.assert_allclose(step, [5.0, 0.0], rtol=1e-9)
    inside = kernel_model._ascent(np.array([1.0, 0.5]), np.array([10.0, 1.0]), information)
    np.testing.assert_allclose(information @ inside, [10.0, 1.0], rtol=1e-9)


def test_trials_reach_the_boundary_first_and_then_come_nearer():
    trials = kernel_model._trials(np.array([1.0, 1.0]), np.array([-3.0, 1.5]))
    first, second, third, *_ = trials
    assert first[0] == 0
    np.testing.assert_allclose([first, second, third], [[0, 1.5], [0.5, 1.25], [0.75, 1.125]])


@settings(deadline=None)
@given(st.floats(1e-6, 10), st.floats(0.01, 100))
def test_a_component_that_meets_the_boundary_is_zero_to_the_last_bit(start, slope):
    """Rounding would leave it a little above: then it is not reported as at the boundary."""
    first = next(kernel_model._trials(np.array([start, 1.0]), np.array([-start - slope, 0.3])))
    assert first[0] == 0


def test_components_are_zero_exactly_or_well_above():
    rng = np.random.default_rng(3)
    at_zero = 0
    for _ in range(60):
        kernels = {f"k{j}": make_kernel(6, rng) for j in range(2)}
        model = covariance_reml(0.02 * rng.standard_normal((12, 6)), kernels)
        theta = model.variance_components
        assert model.at_boundary == tuple(theta.index[theta < 1e-9])
        assert not theta[list(model.at_boundary)].any()
        at_zero += len(model.at_boundary)
    assert at_zero > 30


@pytest.mark.parametrize("share", [0.02, 0.4, 0.97])
def test_the_search_with_one_kernel_begins_at_the_best_of_a_grid(share):
    """33 shares on a logistic scale, each with the scale that is best for it: by brute force."""
    rng = np.random.default_rng(8)
    root = rng.standard_normal((7, 9))
    K = root @ root.T / 9
    truth = share * K / np.diagonal(K).mean() + (1 - share) * np.eye(7)
    n = 60
    E = rng.standard_normal((n, 7)) @ np.linalg.cholesky(truth).T * 0.03
    evaluate, start = kernel_model._one_kernel(E, n, K)
    S, mean, found = E.T @ E / n, np.diagonal(K).mean(), {}
    for logit in np.arange(-8, 8.1, 0.5):
        h = 1 / (1 + np.exp(-logit))
        V = h * K / mean + (1 - h) * np.eye(7)
        size = np.trace(np.linalg.solve(V, S)) / 7
        value = -n / 2 * (np.linalg.slogdet(size * V)[1] + 7)
        found[value] = size * np.array([h / mean, 1 - h])
    np.testing.assert_allclose(start, found[max(found)], rtol=1e-8)
    assert evaluate(start)[0] == pytest.approx(max(found), rel=1e-10)


def test_components_outside_have_no_likelihood():
    """Variances that are not positive definite: minus infinity, whatever the form."""
    rng = np.random.default_rng(9)
    K, E = np.diag([1.0, 2.0, 3.0]), rng.standard_normal((20, 3))
    evaluate = kernel_model._one_kernel(E, 20, K)[0]
    outside = np.array([0.1, -0.2])
    assert evaluate(outside)[0] == -np.inf
    assert evaluate(np.array([0.1, -0.1]))[0] == -np.inf  # singular: 0.1 * 1 - 0.1
    assert np.isfinite(evaluate(np.array([0.1, -0.0999]))[0])
    assert kernel_model._complete(outside, E.T @ E / 20, 20, [K])[0] == -np.inf
    assert np.isfinite(kernel_model._complete(np.array([0.1, 0.0]), E.T @ E / 20, 20, [K])[0])


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_units_of_a_factor_do_not_matter(unit):
    returns, kernels, f = world(factors=1)
    plain, other = (covariance_reml(returns, kernels, factors=x) for x in (f, unit * f))
    np.testing.assert_allclose(other.variance_components, plain.variance_components, rtol=1e-6)
    with pytest.raises(DataError, match="is constant"):
        covariance_reml(returns, kernels, factors=0 * f + unit * 0.1)


def test_the_first_missing_period_is_the_first_of_the_returns():
    """In their order, whatever it is."""
    table = pd.DataFrame({"f": [1.0, 2.0]}, ["b", "c"])
    with pytest.raises(DataError, match=r"lacks 2 of the 4 periods .*the first is z"):
        common._match_periods(table, pd.Index(["z", "b", "a", "c"]), "factors")
