"""Limits: every way to write them means the same, and what cannot hold is named with its size."""

import itertools

import numpy as np
import pandas as pd
import pytest

from mixfolio.errors import DataError, InfeasibleError
from mixfolio.optimization import _optimizers as optimization
from mixfolio.optimization._constraints import read_constraints

NAMES = list("abcd")
LABELS = pd.Index(NAMES)
COVARIANCE = pd.DataFrame(np.diag([0.04, 0.09, 0.16, 0.25]) + 0.01 * (1 - np.eye(4)), NAMES, NAMES)
SECTORS = pd.Series(["x", "x", "y", "y"], NAMES)


def weights(**options):
    return optimization.minimum_variance(COVARIANCE, **options)


def limits(**options):
    return read_constraints(4, LABELS, **options)


# ------------------------------------------------------------------------------- bounds


@pytest.mark.parametrize(
    "bounds",
    [
        (0.15, 0.35),
        [0.15, 0.35],
        (np.full(4, 0.15), np.full(4, 0.35)),
        ([0.15] * 4, 0.35),
        (0.15, pd.Series(0.35, NAMES)),
        (pd.Series(0.15, NAMES[::-1]), pd.Series(0.35, NAMES[::-1])),
        dict.fromkeys(NAMES, (0.15, 0.35)),
    ],
    ids=["scalars", "list", "arrays", "mixed", "Series", "reversed Series", "mapping"],
)
def test_bounds_can_be_written_in_many_ways(bounds):
    found = weights(bounds=bounds)
    assert found.min() == pytest.approx(0.15, abs=1e-15)
    assert found.max() == pytest.approx(0.35, abs=1e-15)
    pd.testing.assert_series_equal(found, weights(bounds=(0.15, 0.35)))


def test_bounds_are_matched_by_label():
    lower = pd.Series([0.0, 0.0, 0.0, 0.3], list("dcba"))
    assert weights(bounds=(lower, None), long_only=False)["a"] >= 0.3
    bound = limits(bounds=(lower, None))
    np.testing.assert_array_equal(bound.assets.lower, [0.3, 0, 0, 0])


def test_bounds_for_some_assets_leave_the_others_alone():
    bound = limits(bounds={"c": (0.2, None), "d": (None, 0.1)}, long_only=False)
    np.testing.assert_array_equal(bound.assets.lower, [-np.inf, -np.inf, 0.2, -np.inf])
    np.testing.assert_array_equal(bound.assets.upper, [np.inf, np.inf, np.inf, 0.1])
    assert bound.names == ("lower bound 0.2 of c", "upper bound 0.1 of d")


def test_positions_name_assets_without_labels():
    bound = read_constraints(3, None, bounds={2: (0.5, None)})
    np.testing.assert_array_equal(bound.assets.lower, [0, 0, 0.5])


@pytest.mark.parametrize("none", [(None, None), (-np.inf, np.inf), None])
def test_no_bounds(none):
    bound = limits(bounds=none, long_only=False)
    assert bound.matrix.shape == (4, 0)
    assert limits(bounds=none).matrix.shape == (4, 4)


def test_long_only_is_a_lower_bound_of_zero():
    with pytest.raises(DataError, match=r"bound -0\.5 of a allows what long_only=True forbids"):
        limits(bounds=(-0.5, 0.6))
    np.testing.assert_array_equal(limits(bounds=(None, 0.6)).assets.lower, np.zeros(4))
    np.testing.assert_array_equal(limits(bounds=(0.05, 0.6)).assets.lower, np.full(4, 0.05))
    np.testing.assert_array_equal(
        limits(bounds=(-0.5, 0.6), long_only=False).assets.lower, np.full(4, -0.5)
    )


def test_limits_mean_what_they_say():
    """`matrix.T @ w >= level`, row by row, in words that match."""
    bound = limits(bounds=(None, 0.6), groups=SECTORS, group_limits={"y": (0.1, 0.3)})
    w = np.array([0.6, 0.25, 0.1, 0.05])
    slack = dict(zip(bound.names, bound.matrix.T @ w - bound.level, strict=True))
    expected = {f"lower bound 0 of {name}": w[i] for i, name in enumerate(NAMES)}
    expected |= {f"upper bound 0.6 of {name}": 0.6 - w[i] for i, name in enumerate(NAMES)}
    expected |= {"lower limit 0.1 of group y": 0.05, "upper limit 0.3 of group y": 0.15}
    assert slack == pytest.approx(expected, abs=1e-15)


# ------------------------------------------------------------------------------- groups


@pytest.mark.parametrize(
    "groups",
    [
        SECTORS,
        SECTORS[::-1],
        pd.concat([pd.Series({"z": "y"}), SECTORS]),
        SECTORS.to_dict(),
        dict(reversed(SECTORS.to_dict().items())),
        SECTORS.to_list(),
        SECTORS.to_numpy(),
        SECTORS.astype("category"),
        pd.get_dummies(SECTORS),
        pd.get_dummies(SECTORS).astype(int)[::-1],
    ],
    ids=[
        "Series",
        "reversed Series",
        "Series of more assets",
        "mapping",
        "reversed mapping",
        "list",
        "array",
        "categories",
        "table of truth values",
        "reversed table",
    ],
)
def test_groups_can_be_written_in_many_ways(groups):
    found = weights(groups=groups, group_limits={"y": (0.5, None)})
    assert found[["c", "d"]].sum() == pytest.approx(0.5, abs=1e-15)


def test_groups_as_an_array_of_zeros_and_ones_go_by_position():
    table = pd.get_dummies(SECTORS).to_numpy(dtype=int)
    found = weights(groups=table, group_limits={1: (0.5, None)})
    assert found[["c", "d"]].sum() == pytest.approx(0.5, abs=1e-15)


def test_one_pair_limits_every_group():
    found = weights(groups=SECTORS, group_limits=(0.45, 0.55))
    assert found[["c", "d"]].sum() == pytest.approx(0.45, abs=1e-15)


def test_assets_in_several_groups_and_in_none():
    table = pd.DataFrame({"cheap": [0, 1, 1, 0], "small": [0, 0, 1, 1]}, NAMES)
    bound = {"cheap": (0.5, None), "small": (0.4, None)}
    found = weights(groups=table, group_limits=bound)
    assert found[["b", "c"]].sum() >= 0.5 - 1e-15
    assert found[["c", "d"]].sum() >= 0.4 - 1e-15
    free = weights()
    assert free[["b", "c"]].sum() < 0.5
    assert free[["c", "d"]].sum() < 0.4


# --------------------------------------------------------------------------- reachable means


@pytest.mark.parametrize("factor", [1e-9, 1.0, 1e9])
def test_reachable_means_are_those_of_the_vertices(factor):
    """With boxes, every extreme portfolio but for one weight sits on a bound."""
    mean = factor * np.array([0.3, -0.1, 0.2, 0.05])
    lower, upper = np.array([0.0, 0.1, -0.2, 0.0]), np.array([0.5, 0.6, 0.3, 0.9])
    corners = []
    for rest in range(4):
        for side in itertools.product((0, 1), repeat=3):
            w = np.insert(np.where(side, np.delete(upper, rest), np.delete(lower, rest)), rest, 0.0)
            w[rest] = 1 - w.sum()
            if lower[rest] <= w[rest] <= upper[rest]:
                corners.append(mean @ w)
    found = limits(bounds=(lower, upper), long_only=False).reachable(mean)
    assert found == pytest.approx((min(corners), max(corners)), rel=1e-12)


def test_every_mean_is_reachable_with_free_shorts():
    assert limits(long_only=False).reachable(np.arange(4.0)) == (-np.inf, np.inf)


def test_equal_means_are_reachable_only_as_they_are():
    found = limits(long_only=False).reachable(np.full(4, 0.1))
    assert found == pytest.approx((0.1, 0.1), rel=1e-12)


def test_highest_mean_after_costs():
    held = np.array([0.0, 1.0, 0.0, 0.0])
    mean = np.array([0.3, 0.1, 0.2, 0.0])
    for penalty, expected in ((0.05, 0.3 - 2 * 0.05), (0.2, 0.1)):
        bound = limits(previous=held, turnover_penalty=penalty)
        assert bound.highest_net(mean) == pytest.approx(expected, abs=1e-12)


# ------------------------------------------------------------------------ what cannot hold


def test_the_way_out_is_named_with_its_size():
    """Groups x and y hold everything; limits of 30 and 50 per cent leave 20 too few."""
    options = {"groups": SECTORS, "group_limits": {"x": (None, 0.3), "y": (None, 0.5)}}
    with pytest.raises(
        InfeasibleError,
        match=r"loosens them by 0\.2 in total: upper limit 0\.5 of group y by 0\.2\.",
    ):
        weights(**options)
    options["group_limits"] = {"x": (None, 0.3), "y": (None, 0.7)}
    assert weights(**options).sum() == pytest.approx(1.0, abs=1e-15)


def test_the_way_out_blames_the_narrowest():
    """Only the floor of a and the ceiling of its group contradict each other."""
    with pytest.raises(InfeasibleError) as caught:
        weights(bounds={"a": (0.5, None)}, groups=SECTORS, group_limits={"x": (None, 0.4)})
    message = str(caught.value)
    assert "loosens them by 0.1 in total" in message
    assert "limit 0.4 of group x by 0.1" in message and "lower bound" not in message


def test_of_equally_small_ways_out_that_of_the_group_is_named():
    """The caps of c and d, or the limit on x, could give way, and so could mixtures."""
    caps = {"c": (0, 0.2), "d": (0, 0.2)}
    with pytest.raises(InfeasibleError) as caught:
        weights(bounds=caps, groups=SECTORS, group_limits={"x": (None, 0.5)})
    assert str(caught.value).endswith("by 0.1 in total: upper limit 0.5 of group x by 0.1.")


def test_the_way_out_adds_up_what_gives_way():
    """Both groups are too narrow for their assets and, together, 40 per cent too narrow."""
    with pytest.raises(
        InfeasibleError, match=r"by 0\.4 in total: upper .* by 0\.\d+, upper .* by 0\."
    ):
        weights(
            bounds={"a": (0.5, None), "c": (0.3, None)},
            groups=SECTORS,
            group_limits={"x": (None, 0.4), "y": (None, 0.2)},
        )


@pytest.mark.parametrize("method", ["minimum_variance", "target_return", "maximum_sharpe"])
def test_every_optimizer_names_the_way_out(method):
    arguments = {"minimum_variance": [], "target_return": [0.1], "maximum_sharpe": []}[method]
    mean = [] if method == "minimum_variance" else [np.full(4, 0.1)]
    with pytest.raises(InfeasibleError, match=r"by 0\.2 in total"):
        getattr(optimization, method)(
            *mean,
            COVARIANCE,
            *arguments,
            groups=SECTORS,
            group_limits={"x": (None, 0.3), "y": (None, 0.5)},
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bounds": (0.5, 0.4)}, r"asset a has a lower limit of 0\.5 above .* 0\.4 \(4 such.*Swap"),
        ({"bounds": {"c": (0.2, 0.1)}}, r"asset c has a lower limit of 0\.2 above .* 0\.1"),
        ({"bounds": (None, -0.1)}, r"lower limit of 0 above .* -0\.1.*long-only"),
        ({"bounds": (0.3, None)}, r"lower bounds add up to 1\.2, .* Lower them by 0\.2 in all"),
        ({"bounds": (None, 0.2)}, r"upper bounds add up to 0\.8, .* Raise them by 0\.2 in all"),
        (
            {"groups": SECTORS, "group_limits": {"x": (0.6, 0.5)}},
            r"group x has a lower limit of 0\.6 above its upper limit of 0\.5",
        ),
    ],
)
def test_limits_that_contradict_each_other(options, message):
    with pytest.raises(InfeasibleError, match=message):
        weights(**options)


def test_limits_that_leave_exactly_one_portfolio():
    equal = np.full(4, 0.25)
    np.testing.assert_allclose(weights(bounds=(0.25, None)), equal, atol=1e-12)
    np.testing.assert_allclose(weights(bounds=(None, 0.25)), equal, atol=1e-12)
    np.testing.assert_allclose(weights(bounds=(0.25, 0.25)), equal, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bounds": 0.3}, r"bounds is 0\.3; it must be a pair"),
        ({"bounds": (0, 0.5, 1)}, r"bounds is \(0, 0\.5, 1\); it must be a pair"),
        ({"bounds": {"a": 0.3}}, r"bounds for 'a' is 0\.3; it must be a pair"),
        ({"bounds": {"q": (0, 1)}}, r"unknown asset 'q'"),
        ({"bounds": (np.nan, None)}, r"limit in bounds is nan; .* finite number"),
        ({"bounds": ("low", None)}, r"limit in bounds is 'low'; it must be a number"),
        ({"bounds": ({"a": 0.1}, None)}, r"bounds holds something that is not a number"),
        ({"bounds": ([0.1] * 3, None)}, r"bounds has shape \(3,\); it must be \(4,\)"),
        ({"bounds": ([0.1, np.nan, 0, 0], None)}, r"bounds has 1 cell.* in row b"),
        ({"bounds": (pd.Series(0.1, list("abce")), None)}, r"1 missing \['d'\], 1 unknown \['e'\]"),
        ({"groups": SECTORS}, r"groups and group_limits go together"),
        ({"group_limits": (0, 1)}, r"groups and group_limits go together"),
        ({"groups": SECTORS, "group_limits": {"q": (0, 1)}}, r"unknown group 'q'; there are \['x'"),
        ({"groups": SECTORS, "group_limits": 0.5}, r"group limit of 'x' is 0\.5; .* pair"),
        (
            {"groups": SECTORS, "group_limits": {"x": ("?", 1)}},
            r"group limit of 'x' is '\?'; it must",
        ),
        ({"groups": SECTORS, "group_limits": {"x": (np.nan, 1)}}, r"group limit of 'x' is nan"),
        ({"groups": SECTORS[:3], "group_limits": (0, 1)}, r"no entry for 1 asset.*'d'.*Add them"),
        ({"groups": list("xyx"), "group_limits": (0, 1)}, r"groups has 3 entries.* 4 assets"),
        (
            {"groups": ["x", "y", None, "x"], "group_limits": (0, 1)},
            r"4 entries, 1 of them missing",
        ),
        (
            {"groups": pd.concat([SECTORS, SECTORS]), "group_limits": (0, 1)},
            r"groups has 4 repeated asset label\(s\), the first is 'a'",
        ),
        (
            {"groups": pd.DataFrame({"x": [0, 1, 2, 0]}, NAMES), "group_limits": (0, 1)},
            r"groups has shape \(4, 1\); .* only zeros and ones",
        ),
        (
            {"turnover_penalty": -0.1, "previous": np.full(4, 0.25)},
            r"penalty is -0\.1; .*zero or pos",
        ),
        ({"turnover_penalty": np.nan, "previous": np.full(4, 0.25)}, r"turnover_penalty is nan"),
        ({"turnover_penalty": "some", "previous": np.full(4, 0.25)}, r"turnover_penalty is 'some'"),
        ({"turnover_penalty": 0.1}, r"turnover_penalty needs previous"),
        ({"turnover_penalty": 0.1, "previous": [0.5, 0.5]}, r"previous has shape \(2,\)"),
        ({"turnover_penalty": 0.1, "previous": [1, 0, 0, np.nan]}, r"previous has 1 cell.* row d"),
        (
            {"turnover_penalty": 0.1, "previous": pd.Series(0.25, list("abcq"))},
            r"previous does not name .*1 missing \['d'\], 1 unknown \['q'\]",
        ),
    ],
)
def test_arguments_that_make_no_sense(options, message):
    with pytest.raises(DataError, match=message):
        weights(**options)


def test_previous_is_matched_by_label():
    held = pd.Series([0.4, 0.3, 0.2, 0.1], NAMES)
    found = weights(previous=held[::-1], turnover_penalty=1.0)
    pd.testing.assert_series_equal(found, held, check_names=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bounds": 0.2}, r"bounds is 0\.2; .*For an upper limit give \(None, 0\.2\)"),
        (
            {"groups": SECTORS, "group_limits": {"x": 0.3}},
            r"group limit of 'x' is 0\.3; .*For an upper limit give \(None, 0\.3\)",
        ),
    ],
    ids=["bounds", "group"],
)
def test_a_number_for_a_pair_is_answered_with_the_pair(options, message):
    with pytest.raises(DataError, match=message):
        weights(**options)


@pytest.mark.parametrize(
    "ends",
    [{0.0, 0.5}, {"lower": 0, "upper": 0.5}, "ab", pd.DataFrame([[0, 1]])],
    ids=lambda ends: type(ends).__name__,
)
def test_what_has_no_order_or_no_numbers_is_no_pair(ends):
    with pytest.raises(
        DataError, match=r"(?s)group limit of 'x' is .*must be a pair \(lower, upper\)"
    ):
        weights(groups=SECTORS, group_limits={"x": ends})


def test_a_lower_bound_below_zero_by_rounding_is_zero():
    np.testing.assert_array_equal(limits(bounds=(-1e-17, 0.6)).assets.lower, np.zeros(4))
    with pytest.raises(DataError, match="Pass long_only=False"):
        limits(bounds={"b": (-1e-6, None)})


@pytest.mark.parametrize("n", [4, 60])
@pytest.mark.parametrize("bounds", [{1: (None, 0.01)}, {1: (0.4, None)}])
def test_a_bound_on_one_asset_alone_binds(n, bounds):
    """Few assets and many: other solvers, the same limits."""
    matrix = np.diag(np.linspace(1.0, 2.0, n))
    assert not read_constraints(n, None, bounds=bounds).only_nonnegative
    low, high = (0.0 if bounds[1][0] is None else bounds[1][0], bounds[1][1] or 1.0)
    found = optimization.minimum_variance(matrix, bounds=bounds)
    assert low - 1e-12 <= found[1] <= high + 1e-12
    assert not low < optimization.minimum_variance(matrix)[1] < high
    rest = np.delete(found, 1) * np.delete(np.diagonal(matrix), 1)
    np.testing.assert_allclose(rest, rest[0], rtol=1e-10)


def test_the_highest_mean_knows_a_bound_on_one_asset():
    mean = np.array([0.01, 0.02, 0.05])
    bound = read_constraints(3, None, bounds={2: (None, 0.2)})
    assert bound.reachable(mean) == pytest.approx((0.01, 0.2 * 0.05 + 0.8 * 0.02))


def test_one_group_limit_alone_binds():
    for pair in ((None, 0.3), (0.9, None)):
        found = weights(groups=SECTORS, group_limits={"x": pair})
        assert found[["a", "b"]].sum() == pytest.approx(pair[0] or pair[1], abs=1e-12)
