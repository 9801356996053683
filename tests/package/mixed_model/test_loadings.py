"""Random loadings: a literal round, bounds, known truths, symmetries and refusals."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mixfolio.covariance import _estimators as covariance
from mixfolio.covariance import _losses as losses
from mixfolio.errors import DataError
from mixfolio.mixed_model import _loadings as loading_model
from mixfolio.mixed_model import _variational as variational
from mixfolio.mixed_model._loadings import random_loadings

# ------------------------------------------------------------------- simulated worlds


def world(n_periods, sizes, seed, market=(0.6, 0.1), group=(0.4, 0.15), psi=(0.3, 0.6)):
    """Returns, groups and the truth: loadings of market and groups, and specific variances."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(len(sizes)), sizes)
    N = len(label)
    L = np.zeros((N, 1 + len(sizes)))
    L[:, 0] = rng.normal(*market, N)
    L[np.arange(N), 1 + label] = rng.normal(*group, N)
    own = rng.uniform(*psi, N)
    factors = rng.standard_normal((n_periods, L.shape[1]))
    values = factors @ L.T + np.sqrt(own) * rng.standard_normal((n_periods, N))
    names = [f"s{i}" for i in range(N)]
    groups = pd.Series([f"g{j}" for j in label], index=names, name="sector")
    return pd.DataFrame(0.02 * values, columns=names), groups, L, own


RETURNS, GROUPS, _, _ = world(40, [5, 4, 6], 1)


def overlapping(n_assets, n_groups, rng):
    membership = (rng.random((n_assets, n_groups)) < 0.4).astype(float)
    return np.column_stack([np.ones(n_assets), membership[:, membership.sum(axis=0) > 1]])


def standardised(values):
    return (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)


# ------------------------------------------------------------------- a literal round


def literal_round(S, n, membership, now):
    """The round of the module's docstring, asset by asset, with full matrices."""
    N, k = membership.shape
    where = [np.flatnonzero(row) for row in membership]
    L, C, psi = now["l"], now["C"], now["psi"]
    precision = np.eye(k)
    for i in range(N):
        precision += (np.outer(L[i], L[i]) + C[i]) / psi[i]
    F = np.linalg.inv(precision)
    G = F @ L.T @ np.diag(1 / psi)
    A, B = S @ G.T, F + G @ S @ G.T
    new_L, new_C, new_psi = np.zeros((N, k)), np.zeros((N, k, k)), np.zeros(N)
    evidence = n / 2 * (np.linalg.slogdet(F)[1] - np.trace(B) + k)
    for i, a in enumerate(where):
        block, m, v = B[np.ix_(a, a)], now["m"][a], now["v"][a]
        own = np.linalg.inv(n * block / psi[i] + np.diag(1 / v))
        l = own @ (n * A[i, a] / psi[i] + m / v)  # noqa: E741
        new_L[i, a] = l
        new_C[i][np.ix_(a, a)] = own
        residual = S[i, i] - 2 * l @ A[i, a] + l @ block @ l + np.trace(block @ own)
        new_psi[i] = max((n * residual + 2 * 0.5) / (n + 2), 0.01)
        evidence -= n / 2 * (np.log(2 * np.pi * psi[i]) + residual / psi[i])
        divergence = np.trace(own / v[:, None]) + (l - m) @ ((l - m) / v) - len(a)
        divergence += np.log(v).sum() - np.linalg.slogdet(own)[1]
        evidence -= divergence / 2
    evidence -= np.sum(np.log(now["v"]) + 0.01 / now["v"])  # two loadings with s.d. 0.1
    evidence -= np.sum(np.log(psi) + 0.5 / psi)  # two periods with half of the variance
    m, v = np.zeros(k), np.zeros(k)
    for j in range(k):
        members = np.flatnonzero(membership[:, j])
        m[j] = new_L[members, j].mean()
        spread = ((new_L[members, j] - m[j]) ** 2 + new_C[members, j, j]).sum()
        v[j] = (spread + 2 * 0.1**2) / (len(members) + 2)
    return evidence, {"l": new_L, "C": new_C, "psi": new_psi, "m": m, "v": v}


@pytest.mark.parametrize(("n_periods", "seed"), [(30, 0), (6, 1), (12, 2)])
def test_rounds_are_those_of_a_literal_one(n_periods, seed):
    rng = np.random.default_rng(seed)
    membership = overlapping(9, 5, rng)
    Z = standardised(rng.standard_normal((n_periods, 9)) @ rng.standard_normal((9, 9)))
    structure, n = variational.Structure(membership), n_periods - 1
    times, now = variational.moments(Z), variational.start(Z, structure)
    literal = {
        "l": structure.table(now.loadings),
        "C": np.zeros((9, *2 * membership.shape[1:])),
        "psi": now.psi,
        "m": now.mean,
        "v": now.variance,
    }
    for _ in range(4):
        evidence, now = variational.advance(times, n, structure, now)
        expected, literal = literal_round(Z.T @ Z / n, n, membership, literal)
        assert evidence == pytest.approx(expected, rel=1e-10)
        np.testing.assert_allclose(structure.table(now.loadings), literal["l"], atol=1e-9)
        own = np.diagonal(literal["C"], axis1=1, axis2=2)
        np.testing.assert_allclose(structure.table(now.variances), own, atol=1e-10)
        np.testing.assert_allclose(now.psi, literal["psi"], rtol=1e-9)
        np.testing.assert_allclose(now.mean, literal["m"], atol=1e-9)
        np.testing.assert_allclose(now.variance, literal["v"], rtol=1e-8)


def test_the_evidence_is_below_the_log_marginal_likelihood():
    """The likelihood without factors and loadings, by averaging over draws of the loadings."""
    rng = np.random.default_rng(3)
    membership = np.array([[1, 1], [1, 1], [1, 0], [1, 1.0]])
    Z = standardised(rng.standard_normal((7, 1)) + rng.standard_normal((7, 4)))
    structure, n = variational.Structure(membership), 6
    now = variational.fit(Z, structure, 300).state
    evidence, _ = variational.advance(variational.moments(Z), n, structure, now)
    evidence += np.sum(np.log(now.variance) + 0.01 / now.variance)  # without the priors
    evidence += np.sum(np.log(now.psi) + 0.5 / now.psi)
    draws = rng.standard_normal((40_000, 4, 2)) * np.sqrt(now.variance) + now.mean
    draws *= membership
    V = draws @ draws.transpose(0, 2, 1) + np.diag(now.psi)
    trace = np.trace(np.linalg.solve(V, np.broadcast_to(Z.T @ Z, V.shape)), axis1=1, axis2=2)
    logs = -0.5 * (n * np.linalg.slogdet(V)[1] + trace + n * 4 * np.log(2 * np.pi))
    weights = np.exp(logs - logs.max())
    marginal = np.log(weights.mean()) + logs.max()
    standard_error = weights.std() / weights.mean() / np.sqrt(len(weights))
    assert standard_error < 0.02
    assert evidence < marginal + 4 * standard_error
    assert evidence > marginal - 3  # and not far below


# ------------------------------------------------------------------- the rounds


@given(st.integers(0, 10_000), st.integers(3, 40), st.integers(2, 14))
@settings(deadline=None, max_examples=40)
def test_the_evidence_never_falls(seed, n_periods, n_assets):
    rng = np.random.default_rng(seed)
    structure = variational.Structure(overlapping(n_assets, 4, rng))
    mixing = rng.standard_normal((n_assets, n_assets))
    Z = standardised(rng.standard_t(3, (n_periods, n_assets)) @ mixing)
    path = np.array(variational.fit(Z, structure, 60).evidence)
    assert np.diff(path).min() >= -1e-9 * np.abs(path).max()


def test_leaps_end_where_plain_rounds_end_and_sooner():
    Z = standardised(RETURNS.to_numpy())
    table = pd.get_dummies(GROUPS).to_numpy(dtype=float)
    structure = variational.Structure(np.column_stack([np.ones(15), table]))
    found = variational.fit(Z, structure, 3000)
    now, times = variational.start(Z, structure), variational.moments(Z)
    evidence = []
    for _ in range(3000):
        value, now = variational.advance(times, 39, structure, now)
        evidence.append(value)
    assert found.converged
    assert found.evidence[-1] == pytest.approx(evidence[-1], abs=1e-3)
    assert found.rounds < np.searchsorted(evidence, found.evidence[-1])


def test_few_rounds_warn():
    with pytest.warns(UserWarning, match="did not settle in 3 rounds"):
        model = random_loadings(RETURNS, GROUPS, max_iterations=1)
    assert not model.converged
    assert model.iterations == 3


# ------------------------------------------------------------------- what the result says


def restricted_log_likelihood(values, V):
    """The density of T - 1 orthonormal contrasts, with the constant of lme4."""
    T = len(values)
    basis = np.linalg.qr(np.column_stack([np.ones(T), np.eye(T)[:, 1:]]))[0]
    contrasts = basis[:, 1:].T @ values
    density = stats.multivariate_normal(np.zeros(len(V)), V).logpdf(contrasts).sum()
    return density - len(V) / 2 * np.log(T)


@pytest.mark.parametrize("n_periods", [40, 10])
def test_the_log_likelihood_is_that_of_contrasts(n_periods):
    model = random_loadings(RETURNS[:n_periods], GROUPS)
    expected = restricted_log_likelihood(RETURNS[:n_periods].to_numpy(), model.covariance())
    assert model.log_likelihood == pytest.approx(expected, rel=1e-11)


def test_the_parts_add_up_and_are_what_they_say():
    model = random_loadings(RETURNS, GROUPS)
    parts = model.components()
    assert list(parts) == ["market", "sector", "specific"]
    total = model.covariance()
    np.testing.assert_allclose(sum(parts.values()), total, rtol=1e-12)
    np.testing.assert_allclose(
        model.covariance("systematic") + model.covariance("idiosyncratic"), total, rtol=1e-12
    )
    pd.testing.assert_frame_equal(model.covariance("idiosyncratic"), parts["specific"])
    for part in parts.values():
        assert np.linalg.eigvalsh(part)[0] >= -1e-18
    L = model.loadings
    outside = parts["sector"].to_numpy()[np.ix_(GROUPS == "g0", GROUPS != "g0")]
    assert not outside.any()
    assert parts["market"].loc["s0", "s7"] == pytest.approx(L["market"]["s0"] * L["market"]["s7"])
    own = total.loc["s0", "s0"]
    expected = (L.loc["s0"] ** 2 + model.loading_variance.loc["s0"]).sum()
    assert own == pytest.approx(expected + model.specific_variance["s0"])
    with pytest.raises(DataError, match="which"):
        model.covariance("all")


def test_labels_and_arrays():
    model = random_loadings(RETURNS, GROUPS)
    assert list(model.loadings.columns) == ["market", "g0", "g1", "g2"]
    assert list(model.loadings.index) == list(RETURNS.columns)
    assert list(model.specific_variance.index) == list(RETURNS.columns)
    assert list(model.loading_distribution["assets"]) == [15, 5, 4, 6]
    bare = random_loadings(RETURNS.to_numpy(), list(GROUPS))
    assert isinstance(bare.loadings, np.ndarray)
    np.testing.assert_array_equal(bare.loadings, model.loadings)
    np.testing.assert_array_equal(bare.covariance(), model.covariance())
    assert list(bare.components()) == ["market", "groups", "specific"]


def test_the_distribution_is_that_of_the_standardised_loadings():
    model = random_loadings(RETURNS, GROUPS)
    scaled = model.loadings.div(RETURNS.std(), axis=0)
    spread = model.loading_variance.div(RETURNS.var(), axis=0)
    inside = GROUPS == "g1"
    row = model.loading_distribution.loc["g1"]
    assert row["mean"] == pytest.approx(scaled.loc[inside, "g1"].mean())
    total = ((scaled.loc[inside, "g1"] - row["mean"]) ** 2 + spread.loc[inside, "g1"]).sum()
    assert row["variance"] == pytest.approx((total + 2 * 0.01) / (4 + 2))


def test_the_covariance_has_about_the_variances_of_the_sample():
    returns, groups, _, _ = world(300, [20, 20], 4)
    ratio = np.diagonal(random_loadings(returns, groups).covariance()) / returns.var()
    assert np.abs(ratio - 1).max() < 0.1
    assert abs(ratio.mean() - 1) < 0.03


# ------------------------------------------------------------------- known truths


def test_known_parameters_are_recovered():
    """Means and variances of loadings, specific variances and loadings, over six worlds."""
    rows, errors = [], []
    for seed in range(6):
        returns, groups, L, own = world(400, [40, 40, 40], 100 + seed)
        model = random_loadings(returns, groups)
        L_hat = model.loadings.to_numpy() / 0.02
        m = L_hat.sum(axis=0) / (L != 0).sum(axis=0)
        truth = L.sum(axis=0) / (L != 0).sum(axis=0)
        spread = np.array([L_hat[L[:, j] != 0, j].var() for j in range(4)])
        true_spread = np.array([L[L[:, j] != 0, j].var() for j in range(4)])
        psi = model.specific_variance.to_numpy() / 0.02**2
        rows.append([*(m - truth), (psi / own).mean() - 1, np.log(spread / true_spread).mean()])
        errors.append(np.sqrt(np.square(L_hat - L)[L != 0].mean()))
    rows = np.array(rows)
    standard_error = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
    assert (np.abs(rows.mean(axis=0)) < np.maximum(5 * standard_error, 0.03)).all()
    assert np.mean(errors) < 0.06  # a loading alone has a standard error of about 0.04


def test_shrinkage_of_loadings_beats_none_when_periods_are_few():
    """Against principal components with as many factors: extra variance of the portfolio."""
    gaps = []
    for seed in range(8):
        returns, groups, L, own = world(60, [15, 15, 15, 15], 200 + seed)
        truth = 0.02**2 * (L @ L.T + np.diag(own))
        model = losses.minimum_variance_loss(random_loadings(returns, groups).covariance(), truth)
        free = losses.minimum_variance_loss(covariance.pca(returns, n_factors=5), truth)
        gaps.append(model - free)
    assert np.mean(gaps) < -2 * np.std(gaps, ddof=1) / np.sqrt(len(gaps))


# ------------------------------------------------------------------- symmetries


def close(found, expected, tolerance=2e-4):
    scale = float(np.abs(np.asarray(expected)).max())
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=10)
def test_the_order_of_assets_groups_and_periods_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    expected = random_loadings(RETURNS, GROUPS)
    shuffled = RETURNS.iloc[rng.permutation(40), rng.permutation(15)]
    renamed = GROUPS.map({"g0": "z", "g1": "y", "g2": "x"})[rng.permutation(GROUPS.index)]
    found = random_loadings(shuffled, renamed)
    names = RETURNS.columns
    close(found.covariance().loc[names, names], expected.covariance())
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, abs=0.05)


def test_units_do_not_matter():
    scale = np.exp(np.random.default_rng(0).uniform(-5, 5, 15))
    plain, scaled = random_loadings(RETURNS, GROUPS), random_loadings(RETURNS * scale, GROUPS)
    close(scaled.loadings.div(scale, axis=0), plain.loadings)
    close(scaled.covariance() / np.outer(scale, scale), plain.covariance())
    shift = 39 * np.log(scale).sum()
    assert scaled.log_likelihood == pytest.approx(plain.log_likelihood - shift, abs=0.05)


# ------------------------------------------------------------------- groups of all kinds


def test_one_group_is_the_market():
    same = random_loadings(RETURNS, pd.Series("all", index=RETURNS.columns))
    none = random_loadings(RETURNS)
    assert list(same.loadings.columns) == ["market"]
    pd.testing.assert_frame_equal(same.covariance(), none.covariance())
    assert list(none.components()) == ["market", "specific"]


def test_a_group_of_one_has_no_factor():
    lonely = GROUPS.copy()
    lonely["s3"] = "alone"
    model = random_loadings(RETURNS, lonely)
    assert "alone" not in model.loadings
    assert (model.loadings.loc["s3"].drop("market") == 0).all()


def test_assets_in_no_group_and_in_several():
    table = pd.get_dummies(GROUPS).astype(int)
    table.loc["s0"] = 0
    table.loc["s1"] = 1
    model = random_loadings(RETURNS, table)
    assert (model.loadings.loc["s0"] != 0).tolist() == [True, False, False, False]
    assert (model.loadings.loc["s1"] != 0).all()
    assert list(model.components()) == ["market", "groups", "specific"]
    assert np.linalg.eigvalsh(model.covariance())[0] > 0


def test_nested_levels_have_parts_of_their_own():
    industries = pd.Series([f"i{j // 2}" for j in range(15)], index=RETURNS.columns)
    nested = pd.DataFrame({"sector": GROUPS, "industry": industries})
    model = random_loadings(RETURNS, nested.sample(frac=1.0, random_state=1))
    assert list(model.components()) == ["market", "sector", "industry", "specific"]
    np.testing.assert_allclose(sum(model.components().values()), model.covariance(), rtol=1e-12)
    same = random_loadings(RETURNS, pd.DataFrame({"sector": GROUPS, "again": GROUPS}))
    assert list(same.loadings.columns) == ["market", "g0", "g1", "g2"]
    pd.testing.assert_frame_equal(same.covariance(), random_loadings(RETURNS, GROUPS).covariance())


def test_names_that_clash_are_told_apart():
    labels = pd.DataFrame({"sector": GROUPS, "size": GROUPS.where(GROUPS != "g2", "g1")})
    labels.loc["s0", "sector"] = "market"
    labels.loc["s1", "sector"] = "market"
    names = list(random_loadings(RETURNS, labels).loadings.columns)
    assert names == ["market", "sector: market", "g0", "g1", "g2", "size: g0", "size: g1"]
    for name in ("specific", "market", "sample"):
        unnamed = random_loadings(RETURNS, GROUPS.rename(name))
        assert list(unnamed.components()) == ["market", "groups", "specific"]


def test_groups_are_matched_by_name_and_may_cover_more():
    wide = pd.concat([pd.Series(["q", "q"], index=["zz", "yy"]), GROUPS[::-1]])
    found = random_loadings(RETURNS, wide.rename("sector"))
    close(found.covariance(), random_loadings(RETURNS, GROUPS).covariance())
    assert list(found.loading_distribution.index) == ["market", "g0", "g1", "g2"]


# ------------------------------------------------------------------- small and odd samples


@pytest.mark.parametrize("n_periods", [3, 4, 5])
def test_very_few_periods_give_a_positive_definite_covariance(n_periods):
    model = random_loadings(RETURNS[:n_periods], GROUPS)
    assert np.isfinite(model.log_likelihood)
    assert np.linalg.eigvalsh(model.covariance())[0] > 0


@pytest.mark.parametrize("n_assets", [1, 2])
def test_very_few_assets(n_assets):
    few = RETURNS.iloc[:, :n_assets]
    model = random_loadings(few, GROUPS)
    assert np.linalg.eigvalsh(model.covariance())[0] > 0
    ratio = np.diagonal(model.covariance()) / few.var()
    assert np.abs(ratio - 1).max() < 0.1


def warnings_of(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    assert all(one.filename == __file__ for one in caught)  # where the user's line is
    return result, [str(one.message) for one in caught]


def test_a_near_copy_is_held_above_zero_and_named():
    noise = 0.001 * np.random.default_rng(0).standard_normal(40) * RETURNS["s0"].std()
    near = RETURNS.iloc[:, :3].assign(s1=RETURNS["s0"] + noise)
    long = pd.concat([near] * 60, ignore_index=True)  # so that data outweigh the prior
    model, (message,) = warnings_of(lambda: random_loadings(long))
    assert "specific variance of 2 asset(s), the first is s0" in message
    assert model.floored == ("s0", "s1")
    share = model.specific_variance / long.var()
    assert share.min() == pytest.approx(0.01)
    assert np.linalg.eigvalsh(model.covariance())[0] > 0
    bare, messages = warnings_of(lambda: random_loadings(long.to_numpy()))
    assert bare.floored == (0, 1)
    assert "the first is 0" in messages[0]


@pytest.mark.parametrize("n_periods", [4, 30, 60, 104, 208])
@pytest.mark.parametrize("times", [1.0, -2.0])
def test_a_copy_is_named_in_samples_of_any_length(n_periods, times):
    returns, groups, _, _ = world(n_periods, [5, 4, 6], 7)
    copied = returns.assign(s3=0.001 + times * returns["s2"])
    model, messages = warnings_of(lambda: random_loadings(copied, groups))
    assert "1 pair(s) of assets are copies" in messages[0]
    assert "the first is s2 and s3" in messages[0]
    assert np.linalg.eigvalsh(model.covariance())[0] > 0
    near = copied.assign(s3=copied["s3"] + 0.01 * returns["s14"])
    assert not any("copies" in text for text in warnings_of(lambda: random_loadings(near))[1])
    assert "the first is 2 and 3" in warnings_of(lambda: random_loadings(copied.to_numpy()))[1][0]


def test_the_quiet_fit_is_the_same_and_says_nothing():
    copied = pd.concat([RETURNS.assign(s3=RETURNS["s2"])] * 8, ignore_index=True)
    values, names = np.ascontiguousarray(copied.to_numpy()), copied.columns
    model, messages = warnings_of(lambda: loading_model.fit(values, names, GROUPS))
    assert messages == []
    loud, messages = warnings_of(lambda: random_loadings(copied, GROUPS))
    assert len(messages) == 2
    assert model.floored == loud.floored == ("s2", "s3")
    pd.testing.assert_frame_equal(model.covariance(), loud.covariance(), check_exact=True)
    assert random_loadings(RETURNS, GROUPS).floored == ()


@pytest.mark.parametrize(
    ("returns", "groups", "message"),
    [
        (RETURNS.mask(RETURNS > 0.03), GROUPS, "missing or infinite"),
        (RETURNS.assign(s4=0.01), GROUPS, "1 asset.* never move, the first is s4"),
        (RETURNS.to_numpy() * 0, None, "15 asset.* never move, the first is 0"),
        (RETURNS, GROUPS.drop("s2"), "no entry for 1 asset.*'s2'"),
        (RETURNS, GROUPS.where(GROUPS.index != "s2"), "1 of them missing"),
        (RETURNS.rename(columns={"s2": "other"}), GROUPS, "no entry for 1 asset.*'other'"),
        (RETURNS, list(GROUPS)[:-1], "groups has 14 entries"),
        (RETURNS, pd.concat([GROUPS, GROUPS[:1]]), "repeated asset label"),
        (RETURNS[:2], GROUPS, "needs at least 3"),
        (RETURNS.assign(s4=0.1 + 1.4e-17 * (np.arange(40) % 2)), GROUPS, "1 asset.* never move"),
        (RETURNS, pd.concat([GROUPS, GROUPS], axis=1), "more than one column called 'sector'"),
    ],
)
def test_bad_input_is_named(returns, groups, message):
    with pytest.raises(DataError, match=message):
        random_loadings(returns, groups)


def test_one_column_of_zeros_and_ones_has_two_readings():
    coded = (GROUPS == "g1").astype(int)
    for table in (coded.to_frame(), coded.to_frame() == 1, coded.to_numpy()[:, None]):
        with pytest.raises(DataError, match="or the labels of two groups"):
            random_loadings(RETURNS, table)
    labels = random_loadings(RETURNS, coded)
    assert list(labels.loadings.columns) == ["market", 0, 1]
    one = random_loadings(RETURNS, coded.rename("g1").to_frame().assign(none=0))
    assert list(one.loadings.columns) == ["market", "g1"]


def test_bad_counts_are_named():
    with pytest.raises(DataError, match="max_iterations is 0"):
        random_loadings(RETURNS, GROUPS, max_iterations=0)


def test_nothing_is_printed_or_warned_in_ordinary_use():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        random_loadings(RETURNS, GROUPS)


@pytest.mark.parametrize("column", [[0, 1, 2, 0, 1, 2], [0.0, 0.5, 0.5, 0.0, 0.5, 0.0]])
def test_one_column_with_other_labels_than_zero_and_one_is_a_level(column):
    few = RETURNS.iloc[:, :6]
    table = pd.DataFrame({"sector": column}, few.columns)
    found = random_loadings(few, table).covariance()
    wanted = random_loadings(few, table["sector"]).covariance()
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_rounds_begin_with_what_correlations_say():
    """Mean correlation of all, and what a group has more, at least 0.02; the rest is specific."""
    rng = np.random.default_rng(4)
    membership = np.column_stack([np.ones(6), [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]).astype(float)
    shared = rng.standard_normal((200, 1))
    Z = rng.standard_normal((200, 6)) + shared
    Z[:, :3] += rng.standard_normal((200, 1))
    Z = standardised(Z)
    structure = variational.Structure(membership)
    now = variational.start(Z, structure)
    C = np.corrcoef(Z.T)
    every = (C.sum() - 6) / 30
    first, second = ((block.sum() - 3) / 6 for block in (C[:3, :3], C[3:, 3:]))
    assert second - every < 0.02 < first - every
    wanted = np.sqrt([every, first - every, 0.02])
    np.testing.assert_allclose(now.mean, wanted, rtol=1e-10)
    np.testing.assert_allclose(structure.table(now.loadings), membership * wanted, rtol=1e-10)
    own = np.maximum(1 - membership @ wanted**2, 0.2)
    np.testing.assert_allclose(now.psi, own, rtol=1e-10)
    assert (own > 0.2).any()
    assert (now.variance == 0.02).all()
    assert not now.variances.any()
    assert not now.noise.any()
    alike = variational.start(standardised(shared + 1e-3 * Z), structure)
    assert (alike.psi == 0.2).all()


def test_a_leap_stays_within_its_limits_and_is_squarem():
    """Along x - 2 a r + a^2 v in logarithms of variances; floors of 1 % and of exp(-20)."""
    structure = variational.Structure(np.ones((3, 1)))
    now = variational.start(
        standardised(np.random.default_rng(5).standard_normal((30, 3))), structure
    )

    def state(psi, variance, mean):
        return now._replace(
            psi=np.full(3, psi), variance=np.array([variance]), mean=np.array([mean])
        )

    # Steps of -1 and of -0.9 in log psi: r = -1, v = 0.1, alone, so that a = -10.
    old, one, two = (state(np.exp(-x), 1.0, 1.0) for x in (0.0, 1.0, 1.9))
    leap = variational._leap(old, one, two)
    np.testing.assert_allclose(leap.psi, 0.01)
    assert leap.mean[0] == pytest.approx(1)
    old, one, two = (state(1.0, np.exp(-x), 1.0) for x in (0.0, 1.0, 1.9))
    assert np.log(variational._leap(old, one, two).variance[0]) == pytest.approx(-10)
    old, one, two = (state(1.0, np.exp(-5 * x), 1.0) for x in (0.0, 1.0, 1.9))
    assert np.log(variational._leap(old, one, two).variance[0]) == pytest.approx(-20)
    old, one, two = (state(np.exp(x), np.exp(x), 1.0) for x in (0.0, 1.0, 1.9))
    leap = variational._leap(old, one, two)
    np.testing.assert_allclose([*leap.psi, *leap.variance], np.exp(2.0))
    # Where rounds turn sharply the leap is no shorter than the second round itself.
    old, one, two = (state(1.0, 1.0, x) for x in (0.0, 1.0, 0.5))
    assert variational._leap(old, one, two).mean[0] == pytest.approx(0.5)
    still = variational._leap(one, one, one)
    np.testing.assert_allclose(still.psi, one.psi)
