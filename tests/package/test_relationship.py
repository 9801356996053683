"""Relationship matrices against loops, published values, invariances and known failures."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist

from mixfolio import metrics, relationship
from mixfolio.backtest import _engine as backtest
from mixfolio.errors import ConvergenceError, DataError
from mixfolio.optimization import _optimizers as optimization

METRICS = ("exponential", "gaussian", "linear")
NAMES = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]
DATES = pd.date_range("2001-01-31", periods=60, freq="ME")


def panel(seed=0, n=7, periods=60):
    rng = np.random.default_rng(seed)
    common = rng.normal(0.005, 0.04, (periods, 1))
    own = rng.standard_t(5, (periods, n)) * rng.uniform(0.01, 0.05, n)
    return pd.DataFrame(common * rng.uniform(-0.5, 2, n) + own, DATES[:periods], NAMES[:n])


def traits(seed=0, n=7, p=4):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(3, 2, (n, p)), NAMES[:n], [f"trait {j}" for j in range(p)])


def lowest(matrix):
    return np.linalg.eigvalsh(np.asarray(matrix))[0]


# --------------------------------------------------------------------- characteristics


def dumb_characteristics(r, m):
    """One asset, from the definitions; NaN are left out with their period."""
    seen = ~np.isnan(r)
    r, m, t = r[seen], m[seen], np.arange(len(r))[seen]
    return {
        "mean": r.mean(),
        "volatility": r.std(ddof=1),
        "skewness": scipy.stats.skew(r),
        "kurtosis": scipy.stats.kurtosis(r, fisher=False),
        "beta": np.cov(r, m)[0, 1] / m.var(ddof=1),
        "downside_volatility": metrics.downside_deviation(r),
        "worst_period": r.min(),
        "drawdown": metrics.maximum_drawdown(r),
        "trend": np.polyfit(t, r, 1)[0],
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("given_market", [True, False])
def test_characteristics_by_definition(seed, given_market):
    returns = panel(seed)
    market = pd.Series(np.random.default_rng(9).normal(0, 0.05, 60), DATES)
    found = relationship.characteristics(returns, market if given_market else None)
    used = (market if given_market else returns.mean(axis=1)).to_numpy()
    expected = {name: dumb_characteristics(returns[name].to_numpy(), used) for name in NAMES}
    assert tuple(found.columns) == relationship.CHARACTERISTICS
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected).T, rtol=1e-9)


def test_skipping_missing_returns():
    returns = panel(1)
    returns.iloc[:9, 0] = np.nan
    returns.iloc[20:23, 2] = np.nan
    returns.iloc[40] = np.nan
    found = relationship.characteristics(returns, missing="skip")
    market = returns.mean(axis=1).to_numpy()
    expected = {name: dumb_characteristics(returns[name].to_numpy(), market) for name in NAMES}
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected).T, rtol=1e-9)
    with pytest.raises(DataError, match="ant"):
        relationship.characteristics(returns)


def test_losses_are_neither_invented_nor_forgotten():
    rising = panel().abs() + 0.01
    rising.iloc[5, 0] = np.nan
    found = relationship.characteristics(rising, missing="skip")
    assert (found["worst_period"] >= 0.01).all()
    assert (found["drawdown"] == 0).all()
    assert (found["downside_volatility"] == 0).all()
    falling = pd.DataFrame({"ant": [-0.5, -0.5, 0.1], "bee": [-0.2, 0.1, -0.1]})
    found = relationship.characteristics(falling)["drawdown"]
    assert found["ant"] == pytest.approx(-0.75)
    assert found["bee"] == pytest.approx(0.8 * 1.1 * 0.9 - 1)
    lost = pd.DataFrame({"ant": [-3.0, -3.0, 0.1], "bee": [-0.2, 0.1, -0.1]})
    assert relationship.characteristics(lost)["drawdown"]["ant"] == -1


def test_missing_policy_does_not_matter_without_gaps():
    first = relationship.characteristics(panel())
    second = relationship.characteristics(panel(), missing="skip")
    pd.testing.assert_frame_equal(first, second, rtol=0, atol=0)


def test_the_index_itself_has_beta_one():
    returns = panel(2)
    found = relationship.characteristics(returns, returns["cat"])
    assert found.loc["cat", "beta"] == pytest.approx(1, abs=1e-12)
    assert relationship.characteristics(returns)["beta"].mean() == pytest.approx(1, abs=1e-12)


@given(st.integers(3, 58), st.floats(-0.5, 0.5))
@settings(deadline=None, max_examples=25)
def test_nothing_from_the_decision_on_is_used(row, change):
    returns, market = panel(3), panel(4)["fox"]
    known = relationship.characteristics(returns, market, before=DATES[row])
    later = returns.copy()
    later.iloc[row:] = later.iloc[row:].to_numpy()[::-1] + change
    shifted = market.where(market.index < DATES[row], 7.0)
    again = relationship.characteristics(later, shifted, before=str(DATES[row].date()))
    pd.testing.assert_frame_equal(known, again, rtol=0, atol=0)
    cut = relationship.characteristics(returns.iloc[:row], market.iloc[:row])
    pd.testing.assert_frame_equal(known, cut, rtol=0, atol=0)
    as_array = relationship.characteristics(returns, market.to_numpy(), before=DATES[row])
    pd.testing.assert_frame_equal(known, as_array, rtol=0, atol=0)


def test_the_decision_period_itself_would_matter():
    returns = panel(3)
    later = returns.copy()
    later.iloc[29] += 0.1
    one, two = (relationship.characteristics(r, before=DATES[30]) for r in (returns, later))
    assert np.abs(one["mean"] - two["mean"]).min() > 1e-4


def test_walk_forward_with_a_kernel_of_past_returns_does_not_look_ahead():
    def strategy(past):
        kernel = relationship.kernel(relationship.characteristics(past))
        return optimization.minimum_variance(kernel)

    def weights(returns):
        settings = {"window": 24, "step": 6}
        result = backtest.walk_forward(returns, {"kernel": strategy}, **settings)
        return result.weights["kernel"]

    returns = panel(5)
    later = returns.copy()
    later.iloc[48:] *= -3
    before = weights(returns).loc[: DATES[47]]
    assert len(before) > 1
    pd.testing.assert_frame_equal(before, weights(later).loc[: DATES[47]])


def test_market_is_matched_by_date():
    returns, market = panel(6), panel(7)["dog"]
    more = pd.concat([market, pd.Series([0.3, -0.2], pd.to_datetime(["1999-01-31", "2010-01-31"]))])
    shuffled = more.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        relationship.characteristics(returns, market),
        relationship.characteristics(returns, shuffled),
    )


def test_arrays_have_positions_for_names():
    found = relationship.characteristics(panel().to_numpy())
    assert list(found.index) == list(range(7))
    expected = relationship.characteristics(panel()).to_numpy()
    np.testing.assert_array_equal(found.to_numpy(), expected)


@given(st.permutations(NAMES))
@settings(deadline=None, max_examples=10)
def test_characteristics_follow_their_assets(order):
    found = relationship.characteristics(panel()[order])
    expected = relationship.characteristics(panel()).loc[order]
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def spoiled(row, column, value):
    returns = panel()
    returns.iloc[row, column] = value
    return returns


def still():
    return panel().assign(bee=0.01)


@pytest.mark.parametrize(
    ("returns", "options", "message"),
    [
        (spoiled(3, 1, np.inf), {}, "2001-04-30.*bee"),
        (spoiled(3, 1, np.inf), {"missing": "skip"}, "2001-04-30.*bee"),
        (still(), {}, "1 asset.*never move.*'bee'"),
        (panel().iloc[:2], {}, "needs at least 3"),
        (panel(), {"before": DATES[1]}, "needs at least 3"),
        (panel(), {"before": "no date"}, "before is 'no date'"),
        (panel().to_numpy(), {"before": DATES[9]}, "before needs returns with an index"),
        (panel().iloc[::-1], {}, "does not rise"),
        (pd.concat([panel(), panel().iloc[-1:]]), {}, "does not rise"),
        (panel(), {"missing": "fill"}, "one of 'raise', 'skip'"),
        (panel(), {"market": panel()["ant"].iloc[1:]}, "no return for 1 of 60.*2001-01-31"),
        (panel(), {"market": pd.concat([panel()["ant"]] * 2)}, "or two for one"),
        (panel(), {"market": np.ones(60)}, "the market never moves"),
        (panel(), {"market": np.ones(3)}, r"market has shape \(3,\)"),
        (panel(), {"market": spoiled(3, 0, np.nan)["ant"]}, "market has 1 cell.*2001-04-30"),
        (panel().assign(ant=panel()["ant"].iloc[:2]), {"missing": "skip"}, "fewer"),
        (panel()["ant"].to_numpy(), {}, "two dimensions"),
        (panel().assign(ant="x"), {}, "not a number"),
    ],
)
def test_unusable_returns_are_named(returns, options, message):
    with pytest.raises(DataError, match=message):
        relationship.characteristics(returns, **options)


# ----------------------------------------------------------------------------- kernels


def dumb_kernel(table, metric, scale):
    """Entry by entry, from standardised features."""
    z = ((table - table.mean()) / table.std(ddof=1)).to_numpy()
    n = len(z)
    d = [[sum((a - b) ** 2 for a, b in zip(z[i], z[j], strict=True)) ** 0.5 for j in range(n)]
         for i in range(n)]  # fmt: skip
    if scale == "median":
        scale = np.median([d[i][j] for i in range(n) for j in range(i)])
    value = {
        "exponential": lambda i, j: np.exp(-d[i][j] / scale),
        "gaussian": lambda i, j: np.exp(-((d[i][j] / scale) ** 2)),
        "linear": lambda i, j: z[i] @ z[j] / (sum(z[k] @ z[k] for k in range(n)) / n),
    }[metric]
    return pd.DataFrame(
        [[value(i, j) for j in range(n)] for i in range(n)], table.index, table.index
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", ["median", 1.7])
@pytest.mark.parametrize("seed", range(2))
def test_kernels_by_loops(metric, scale, seed):
    found = relationship.kernel(traits(seed), metric=metric, scale=scale)
    pd.testing.assert_frame_equal(found, dumb_kernel(traits(seed), metric, scale), rtol=1e-10)


tables = arrays(float, st.tuples(st.integers(2, 9), st.integers(1, 4)), elements=st.floats(-9, 9))


@given(tables, st.sampled_from(METRICS), st.floats(0.01, 50))
@settings(deadline=None, max_examples=80)
def test_kernels_are_valid_by_construction(features, metric, scale):
    features = features + np.arange(len(features))[:, None] * np.pi  # no constant column
    if (np.ptp(features, axis=0) < 1e-6).any():
        return
    found = relationship.kernel(features, metric=metric, scale=scale)
    assert np.array_equal(found, found.T)
    assert lowest(found) > -1e-12 * len(found)
    assert np.trace(found) == pytest.approx(len(found))
    if metric != "linear":
        assert np.array_equal(np.diagonal(found), np.ones(len(found)))
        assert found.min() >= 0
        assert found.max() <= 1


@given(st.permutations(NAMES), st.sampled_from(METRICS))
@settings(deadline=None, max_examples=20)
def test_kernels_follow_their_assets(order, metric):
    whole = relationship.kernel(traits(), metric=metric)
    found = relationship.kernel(traits().loc[order], metric=metric)
    pd.testing.assert_frame_equal(found, whole.loc[order, order], rtol=1e-10)


@given(st.lists(st.floats(1e-3, 1e3), min_size=4, max_size=4), st.floats(-5, 5))
@settings(deadline=None, max_examples=20)
def test_units_of_features_do_not_matter(units, shift):
    for metric in METRICS:
        pd.testing.assert_frame_equal(
            relationship.kernel(traits() * units + shift, metric=metric),
            relationship.kernel(traits(), metric=metric),
            rtol=1e-7,
        )


def test_a_common_unit_is_enough_without_standardising():
    raw = relationship.kernel(traits(), standardise=False)
    pd.testing.assert_frame_equal(raw, relationship.kernel(100 * traits(), standardise=False))
    uneven = relationship.kernel(traits() * [1, 1, 1, 50], standardise=False)
    assert np.abs(raw - uneven).max(axis=None) > 0.1


@pytest.mark.parametrize("metric", ["exponential", "gaussian"])
def test_a_typical_pair_has_one_over_e(metric):
    pairs = relationship.kernel(traits(), metric=metric).to_numpy()[np.tril_indices(7, -1)]
    assert np.median(pairs) == pytest.approx(np.exp(-1))


def test_linear_kernel_of_markers_is_the_genomic_relationship():
    rng = np.random.default_rng(5)
    counts = rng.binomial(2, rng.uniform(0.1, 0.9, 300), (40, 300)).astype(float)
    counts = counts[:, np.ptp(counts, axis=0) > 0]
    p = counts.mean(axis=0) / 2
    centred = counts - 2 * p
    vanraden = centred @ centred.T / (2 * (p * (1 - p)).sum())
    found = relationship.kernel(counts, metric="linear", standardise=False)
    np.testing.assert_allclose(found / found[0, 0], vanraden / vanraden[0, 0], rtol=1e-10)
    assert np.diagonal(vanraden).mean() == pytest.approx(1, abs=0.05)


def test_arrays_give_arrays_and_the_input_is_untouched():
    features = traits().to_numpy()
    copy = features.copy()
    assert isinstance(relationship.kernel(features), np.ndarray)
    np.testing.assert_array_equal(features, copy)


@pytest.mark.parametrize(
    ("features", "options", "message"),
    [
        (traits().assign(size=1.0), {}, "1 column.*same for all.*'size'"),
        (traits().assign(size=np.nan), {}, "7 cell.*size of asset ant"),
        (traits().assign(size="big"), {}, "from_groups"),
        (traits().iloc[:1], {}, r"shape \(1, 4\)"),
        (traits().iloc[:, :0], {}, r"shape \(7, 0\)"),
        (np.ones(5), {}, "two dimensions"),
        (pd.concat([traits(), traits().iloc[:1]]), {}, "more than one row for 'ant'"),
        (traits(), {"metric": "cosine"}, "metric is 'cosine'"),
        (traits(), {"scale": 0.0}, "positive distance"),
        (traits(), {"scale": -1.0}, "positive distance"),
        (traits(), {"scale": "mean"}, "scale is 'mean'"),
        (np.eye(7)[:, :1], {}, "median distance"),
    ],
)
def test_unusable_features_are_named(features, options, message):
    with pytest.raises(DataError, match=message):
        relationship.kernel(features, **options)


# ------------------------------------------------------------------------------ labels

LABELS = pd.DataFrame(
    {"class": list("eebbccc"), "region": list("uxuxuux"), "risk": [1, 0, 0, 0, 1, 1, 1]}, NAMES
)


def test_label_kernels_by_loops():
    expected = pd.DataFrame(
        [[np.mean([LABELS.loc[a, c] == LABELS.loc[b, c] for c in LABELS]) for b in NAMES]
         for a in NAMES], NAMES, NAMES)  # fmt: skip
    pd.testing.assert_frame_equal(relationship.from_groups(LABELS), expected)
    blocks = [relationship.from_groups(LABELS[column]) for column in LABELS]
    pd.testing.assert_frame_equal(sum(blocks) / 3, expected)


@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=12))
@settings(deadline=None, max_examples=40)
def test_label_kernels_are_valid_by_construction(rows):
    found = relationship.from_groups(pd.DataFrame(rows)).to_numpy()
    assert lowest(found) > -1e-12 * len(found)
    assert np.array_equal(np.diagonal(found), np.ones(len(found)))
    assert np.array_equal(found, found.T)


def test_groups_in_every_form():
    labels = LABELS["class"]
    expected = relationship.from_groups(labels)
    pd.testing.assert_frame_equal(relationship.from_groups(labels.to_dict()), expected)
    as_list = relationship.from_groups(list(labels))
    assert isinstance(as_list, np.ndarray)
    np.testing.assert_array_equal(as_list, expected.to_numpy())
    one = relationship.from_groups(pd.Series("all", NAMES))
    assert (one == 1).all(axis=None)
    alone = relationship.from_groups(pd.Series(NAMES, NAMES))
    np.testing.assert_array_equal(alone, np.eye(7))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (LABELS.assign(risk=np.nan), "7 missing label.*risk of asset ant"),
        (pd.concat([LABELS, LABELS.iloc[:1]]), "more than one entry for 'ant'"),
        ([], "at least|one row per asset"),
    ],
)
def test_unusable_groups_are_named(groups, message):
    with pytest.raises(DataError, match=message):
        relationship.from_groups(groups)


# -------------------------------------------------------------------- reading, combining


def test_matched_by_name():
    whole = relationship.kernel(traits())
    wanted = pd.Index(["fox", "ant", "dog"])
    values, labels = relationship.read_relationship(whole, wanted)
    np.testing.assert_array_equal(values, whole.loc[wanted, wanted])
    assert labels is wanted
    values[0, 0] = 9
    assert whole.loc["fox", "fox"] == 1
    values, labels = relationship.read_relationship(whole)
    np.testing.assert_array_equal(values, whole)
    assert list(labels) == NAMES


def test_an_array_is_taken_in_the_order_of_the_assets():
    whole = relationship.kernel(traits()).to_numpy()
    values, labels = relationship.read_relationship(whole, pd.Index(NAMES))
    np.testing.assert_array_equal(values, whole)
    assert list(labels) == NAMES
    assert relationship.read_relationship(whole, n_assets=7)[1] is None


def test_singular_and_partial_kernels_are_accepted():
    block = relationship.from_groups(LABELS["class"])
    relationship.read_relationship(block)
    only = block.to_numpy() * np.outer([1, 1, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0])
    relationship.read_relationship(only)
    relationship.read_relationship(1e-9 * block)
    relationship.read_relationship(1e9 * block)


GOOD = relationship.kernel(traits())
INDEFINITE = pd.DataFrame([[1, 0.9, 0], [0.9, 1, 0.9], [0, 0.9, 1]], NAMES[:3], NAMES[:3])


@pytest.mark.parametrize(
    ("matrix", "labels", "message"),
    [
        (GOOD, ["ant", "yak", "zebu"], "no row for 2 of 3.*'yak'"),
        (GOOD.to_numpy(), NAMES[:3], "matrix of 7 assets, but there are 3"),
        (GOOD.iloc[:3], None, r"shape \(3, 7\)"),
        (GOOD.iloc[::-1], None, "row labels that differ"),
        (GOOD.where(GOOD < 1, np.nan), None, "7 cell"),
        (GOOD + np.triu(np.ones((7, 7))), None, "kernel is not symmetric"),
        (INDEFINITE, None, r"not positive semi-definite.*-0\.273.*nearest_psd"),
        (-GOOD, None, "trace of -7"),
        (np.zeros((3, 3)), None, "trace of 0; it must be positive"),
        (GOOD.set_axis(["ant"] * 7, axis=0).set_axis(["ant"] * 7, axis=1), None, "repeated"),
    ],
)
def test_unusable_relationships_are_named(matrix, labels, message):
    labels = None if labels is None else pd.Index(labels)
    with pytest.raises(DataError, match=message):
        relationship.read_relationship(matrix, labels, what="kernel")


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_definiteness_is_judged_relative_to_the_trace(size):
    vectors = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]

    def matrix(smallest):
        return size * (vectors * [1, 1, 1, 2, smallest]) @ vectors.T

    relationship.read_relationship(matrix(-1e-11))
    with pytest.raises(DataError, match="not positive"):
        relationship.read_relationship(matrix(-1e-8))


def test_combining_by_name():
    classes, risk = relationship.from_groups(LABELS["class"]), GOOD
    shuffled = risk.loc[NAMES[::-1], NAMES[::-1]]
    weights = {"risk": 0.4, "class": 0.6}
    found = relationship.combine({"class": classes, "risk": shuffled}, weights)
    pd.testing.assert_frame_equal(found, 0.6 * classes + 0.4 * risk)
    assert found.attrs["weight_sum"] == pytest.approx(1)
    mixed = relationship.combine({"class": classes, "risk": risk.to_numpy()}, weights)
    pd.testing.assert_frame_equal(found, mixed)
    mixed = relationship.combine({"class": classes.to_numpy(), "risk": risk}, weights)
    pd.testing.assert_frame_equal(found, mixed)
    arrays = {"class": classes.to_numpy(), "risk": risk.to_numpy()}
    np.testing.assert_allclose(relationship.combine(arrays, weights), found)


@given(st.floats(0, 5), st.floats(0.01, 5))
@settings(deadline=None, max_examples=20)
def test_the_weight_sum_is_the_mean_diagonal(first, second):
    kernels = {"a": GOOD, "b": relationship.from_groups(LABELS)}
    found = relationship.combine(kernels, {"a": first, "b": second})
    assert np.diagonal(found).mean() == pytest.approx(found.attrs["weight_sum"])
    assert lowest(found) > -1e-12


@pytest.mark.parametrize(
    ("kernels", "weights", "message"),
    [
        ({"a": GOOD}, {"b": 1.0}, r"weights are for \['b'\]"),
        ({"a": GOOD}, {"a": 0.5, "b": 0.5}, "Give each kernel one weight"),
        ({}, {}, "Give each kernel one weight"),
        ({"a": GOOD, "b": GOOD}, {"a": 1.1, "b": -0.1}, "none may be negative"),
        ({"a": GOOD}, {"a": 0.0}, "one must be positive"),
        ({"a": GOOD}, {"a": np.nan}, r"weights\['a'\]"),
        ({"a": GOOD, "b": INDEFINITE}, {"a": 1, "b": 1}, "has 3 assets and the first kernel 7"),
        ({"a": GOOD, "b": GOOD.rename(index={"ant": "yak"}, columns={"ant": "yak"})},
         {"a": 1, "b": 1}, r"kernels\['b'\] has no row for 1 of 7.*'ant'"),
        ({"a": INDEFINITE}, {"a": 1.0}, r"kernels\['a'\] is not positive semi-definite"),
    ],
)  # fmt: skip
def test_unusable_combinations_are_named(kernels, weights, message):
    with pytest.raises(DataError, match=message):
        relationship.combine(kernels, weights)


def test_similarity_of_named_pairs():
    found = relationship.similarity(GOOD, [("ant", "bee"), ("fox", "dog")])
    assert found["fox", "dog"] == GOOD.loc["fox", "dog"]
    assert found["ant", "bee"] == GOOD.loc["ant", "bee"]
    with pytest.raises(DataError, match="yak"):
        relationship.similarity(GOOD, [("ant", "yak")])
    with pytest.raises(DataError, match="no names"):
        relationship.similarity(GOOD.to_numpy(), [("ant", "bee")])


# -------------------------------------------------------------------------- association


def dumb_correlation(first, second):
    pairs = [(i, j) for i in range(len(first)) for j in range(i)]
    entries = [[float(m.iloc[i, j]) for i, j in pairs] for m in (first, second)]
    return scipy.stats.pearsonr(*entries)[0]


def two_matrices(seed, n=7):
    first = relationship.kernel(traits(seed, n))
    return first, relationship.kernel(traits(seed, n) + 2 * traits(seed + 50, n))


@pytest.mark.parametrize("seed", range(3))
def test_association_by_loops(seed):
    first, second = two_matrices(seed)
    found = relationship.association(first, 5 * second - 2)
    assert found.correlation == pytest.approx(dumb_correlation(first, second))
    assert np.isnan(found.p_value)
    left_out = [
        dumb_correlation(*(m.drop(index=name, columns=name) for m in (first, second)))
        for name in NAMES
    ]
    expected = np.sqrt(6 / 7 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    assert found.standard_error == pytest.approx(expected)


def test_association_matches_names():
    first, second = two_matrices(1)
    found = relationship.association(first, second)
    order = NAMES[::-1]
    turned = relationship.association(first, second.loc[order, order])
    assert turned.correlation == pytest.approx(found.correlation)
    assert turned.standard_error == pytest.approx(found.standard_error)
    part = relationship.association(first.loc[NAMES[:5], NAMES[:5]], second)
    assert part.correlation == pytest.approx(
        dumb_correlation(first.iloc[:5, :5], second.iloc[:5, :5])
    )


def test_permutations_find_what_is_there_and_nothing_else():
    rng = np.random.default_rng(3)
    first, second = two_matrices(2)
    assert relationship.association(first, first, n_permutations=99, rng=rng).p_value == 0.01
    draws = [
        relationship.association(
            relationship.kernel(rng.normal(size=(7, 3))),
            relationship.kernel(rng.normal(size=(7, 3))),
            n_permutations=39,
            rng=rng,
        ).p_value
        for _ in range(200)
    ]
    # Uniform on 1/40, ..., 1 under the null: share below .25, within four binomial errors.
    assert abs(np.mean(np.array(draws) <= 0.25) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 200)
    one, two = (
        relationship.association(first, second, n_permutations=19, rng=np.random.default_rng(4))
        for _ in range(2)
    )
    assert one == two


def test_the_jackknife_covers_a_known_spread():
    """Against the spread over fresh samples of 40 assets."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(150):
        traits = rng.normal(size=(40, 2))
        noisy = traits + rng.normal(size=(40, 2))
        found.append(relationship.association(*map(relationship.kernel, (traits, noisy))))
    spread = np.std([one.correlation for one in found])
    claimed = np.mean([one.standard_error for one in found])
    assert 0.8 < claimed / spread < 1.3


@pytest.mark.parametrize(
    ("first", "second", "options", "message"),
    [
        (GOOD, GOOD.iloc[:3, :3], {}, "second has no row for 4 of 7"),
        (GOOD.to_numpy(), GOOD.iloc[:6, :6], {}, "same assets"),
        (GOOD.iloc[:3, :3], GOOD, {}, "at least 4"),
        (GOOD, GOOD, {"n_permutations": 9}, "pass rng"),
        (GOOD, GOOD, {"n_permutations": -1}, "n_permutations"),
        (np.eye(7), GOOD, {}, "first has equal entries"),
        (GOOD, np.ones((7, 7)), {}, "second has equal entries"),
    ],
)
def test_unusable_pairs_of_matrices_are_named(first, second, options, message):
    with pytest.raises(DataError, match=message):
        relationship.association(first, second, **options)


# ------------------------------------------------------------------------ order, repair


@given(st.permutations(range(9)))
@settings(deadline=None, max_examples=15)
def test_members_of_a_group_are_neighbours(order):
    labels = pd.Series(list("aaabbbccc"), [f"asset {j}" for j in range(9)]).iloc[list(order)]
    found = labels[relationship.cluster_order(relationship.from_groups(labels))]
    assert (found != found.shift()).sum() == 3


def test_neighbours_on_a_line_stay_neighbours():
    places = pd.DataFrame({"place": [4.0, 1.0, 3.1, 0.0, 5.3, 1.9]}, list("ebdafc"))
    found = relationship.cluster_order(relationship.kernel(places))
    assert "".join(found) in ("abcdef", "fedcba")


def test_order_of_arrays_and_of_few_assets():
    np.testing.assert_array_equal(np.sort(relationship.cluster_order(GOOD.to_numpy())), range(7))
    assert list(relationship.cluster_order(GOOD.iloc[:2, :2])) == ["ant", "bee"]
    assert list(relationship.cluster_order(GOOD.iloc[:1, :1])) == ["ant"]


def test_repair_of_the_published_example():
    """Higham (2002), section 4: .7607, .1573, distance .5278, to four decimals as printed."""
    found = relationship.nearest_psd([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    expected = [[1, 0.7607, 0.1573], [0.7607, 1, 0.7607], [0.1573, 0.7607, 1]]
    np.testing.assert_allclose(found.matrix, expected, atol=5e-5)
    assert found.distance == pytest.approx(0.5278, abs=5e-5)
    assert found.lowest_eigenvalue == pytest.approx(1 - np.sqrt(2))


def opinions(seed, n):
    """Symmetric, unit diagonal, usually indefinite."""
    upper = np.triu(np.random.default_rng(seed).uniform(-1, 1, (n, n)), 1)
    return upper + upper.T + np.eye(n)


@given(st.integers(0, 10_000), st.integers(2, 8))
@settings(deadline=None, max_examples=20)
def test_repaired_matrices_are_valid_and_nearest(seed, n):
    matrix = opinions(seed, n)
    found = relationship.nearest_psd(matrix)
    assert lowest(found.matrix) > -1e-12
    np.testing.assert_array_equal(np.diagonal(found.matrix), 1)
    assert found.distance == pytest.approx(np.linalg.norm(found.matrix - matrix))
    assert (found.distance > 0) == (found.lowest_eigenvalue < 0)
    relationship.read_relationship(found.matrix)
    # The projection on a convex set: no other member is on the far side of it.
    rng = np.random.default_rng(seed)
    for _ in range(5):
        root = rng.normal(size=(n, n))
        other = root @ root.T
        spread = np.sqrt(np.diagonal(other))
        other /= np.outer(spread, spread)
        assert np.sum((matrix - found.matrix) * (other - found.matrix)) < 1e-6


def test_repair_keeps_names_scale_and_valid_matrices():
    found = relationship.nearest_psd(INDEFINITE)
    assert list(found.matrix.index) == NAMES[:3]
    diagonal = relationship.nearest_psd(INDEFINITE + np.diag([0.05, 0.01, 0]))
    np.testing.assert_allclose(np.diagonal(diagonal.matrix), [1.05, 1.01, 1], rtol=1e-14)
    large = relationship.nearest_psd(1e6 * INDEFINITE)
    np.testing.assert_allclose(large.matrix / 1e6, found.matrix, atol=1e-8)
    fine = relationship.nearest_psd(GOOD)
    assert (fine.distance, fine.n_iterations) == (0, 0)
    pd.testing.assert_frame_equal(fine.matrix, GOOD)


def test_what_cannot_be_repaired_is_named():
    with pytest.raises(DataError, match="diagonal entry of 0"):
        relationship.nearest_psd([[0, 1], [1, 1]])
    with pytest.raises(DataError, match="not symmetric"):
        relationship.nearest_psd([[1, 1], [0, 1]])
    with pytest.raises(ConvergenceError, match=r"2 steps.*tolerance"):
        relationship.nearest_psd(opinions(1, 8), max_iterations=2)


# ------------------------------------------------------------------- by hand


@pytest.mark.parametrize("value", [0.0, 3.0, -0.2])
def test_features_that_are_the_same_for_all_are_refused_whatever_they_are(value):
    table = pd.DataFrame({"size": [1.0, 2.0, 5.0], "flat": value}, list("abc"))
    with pytest.raises(DataError, match=r"1 column\(s\) that are the same.*'flat'"):
        relationship.kernel(table)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("seed", range(4))
def test_order_is_that_of_the_distances_between_points(scale, seed):
    """A matrix of products of points has the points' distances: average linkage on these."""
    points = scale * np.random.default_rng(seed).standard_normal((12, 20))
    tree = linkage(pdist(points), "average", optimal_ordering=True)
    found = relationship.cluster_order(points @ points.T)
    assert found.tolist() == leaves_list(tree).tolist()


def test_permutations_that_change_nothing_count():
    """Two pairs: 8 of the 24 orders of four assets leave them, and tie with what is observed."""
    pairs = relationship.from_groups(["a", "a", "b", "b"])
    rng = np.random.default_rng(1)
    found = relationship.association(pairs, 0.3 * pairs + 0.1, n_permutations=2000, rng=rng)
    assert found.correlation == pytest.approx(1)
    assert abs(found.p_value - 1 / 3) < 4 * np.sqrt(2 / 9 / 2000)


def test_without_permutations_there_is_no_p_value():
    K = np.random.default_rng(2).standard_normal((6, 9))
    for rng in (None, np.random.default_rng(3)):
        assert np.isnan(
            relationship.association(K @ K.T, np.cov(K), n_permutations=0, rng=rng).p_value
        )
