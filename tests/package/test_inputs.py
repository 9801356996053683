"""The gate: what comes in is copied, checked and matched by label; every refusal says where."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mixfolio import _inputs as inputs
from mixfolio import covariance, expected_returns, inference, metrics, mixed_model, relationship
from mixfolio.errors import DataError

NAMES = ["a", "b", "c"]
TAKE_RETURNS = (
    covariance.sample,
    covariance.oas,
    covariance.linear_shrinkage,
    covariance.nonlinear_shrinkage,
    covariance.clip_eigenvalues,
    covariance.tyler,
    covariance.winsorised,
    expected_returns.sample,
    expected_returns.james_stein,
    expected_returns.bayes_stein,
    mixed_model.panel_reml,
    mixed_model.random_loadings,
)
RETURNS = pd.DataFrame(
    [[0.01, 0.02, 0.03], [0.04, -0.05, 0.06], [0.0, 0.01, -0.02]],
    pd.date_range("2020-01-31", periods=3, freq="ME"),
    NAMES,
)
COVARIANCE = pd.DataFrame([[0.04, 0.01, 0.0], [0.01, 0.09, 0.02], [0.0, 0.02, 0.16]], NAMES, NAMES)


def change(table, row, column, value):
    table = table.astype(object)
    table.iloc[row, column] = value
    return table


# ------------------------------------------------------------------------------- returns


@pytest.mark.parametrize(
    "form",
    [
        lambda r: r,
        lambda r: r.to_numpy(),
        lambda r: r.to_numpy().tolist(),
        lambda r: np.asfortranarray(r.to_numpy()),
        lambda r: r.astype(object),
        lambda r: r.astype("Float64"),
        lambda r: r.to_numpy()[::-1][::-1],
    ],
    ids=["DataFrame", "array", "lists", "Fortran", "objects", "nullable", "view"],
)
def test_returns_become_a_copy_of_numbers(form):
    given = form(RETURNS)
    values, labels = inputs.read_returns(given)
    np.testing.assert_array_equal(values, RETURNS.to_numpy())
    assert values.dtype == np.float64
    assert values.flags.c_contiguous
    assert values.flags.writeable
    assert (None if labels is None else list(labels)) == (
        NAMES if isinstance(given, pd.DataFrame) else None
    )
    values[:] = 0
    assert np.asarray(given, dtype=float).any()


def test_integers_are_numbers():
    values, _ = inputs.read_returns([[1, 2], [3, 4]])
    assert values.dtype == np.float64


def test_a_repeated_date_is_not_a_repeated_asset():
    twice = pd.concat([RETURNS, RETURNS])
    assert inputs.read_returns(twice)[0].shape == (6, 3)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            change(RETURNS, 1, 2, np.nan),
            r"1 cell.*row 2020-02-29 00:00:00, column c\. Drop or fill",
        ),
        (change(RETURNS, 2, 0, -np.inf), r"1 cell.*row 2020-03-31 00:00:00, column a"),
        (change(RETURNS, 0, 1, None), r"1 cell.*row 2020-01-31 00:00:00, column b"),
        (RETURNS.astype("Float64").mask(RETURNS > 0.02), r"3 cell|not a number"),
        (np.full((4, 2), np.nan), r"8 cell\(s\) .* row 0, column 0"),
        (change(RETURNS, 1, 1, "n/a"), r"not a number .*'n/a'.*Convert every column"),
        (change(RETURNS, 1, 1, ""), r"not a number"),
        (change(RETURNS, 1, 1, 1j), r"complex|not a number"),
        (RETURNS.to_numpy() * 1j, r"complex numbers"),
        (RETURNS.reset_index(), r"not a number"),
        (RETURNS["a"], r"shape \(3,\); .*\(n_periods, n_assets\).*single column"),
        (np.ones((3, 2, 2)), r"shape \(3, 2, 2\)"),
        (np.ones((3, 0)), r"shape \(3, 0\); .*at least one asset"),
        (0.1, r"shape \(\);"),
        (RETURNS.iloc[:1], r"returns has 1 period\(s\); .*at least 2\. Use a longer sample"),
        (RETURNS.iloc[:0], r"returns has 0 period\(s\)"),
        (
            RETURNS.set_axis(["a", "b", "a"], axis=1),
            r"1 repeated asset label.* first is 'a'\. Give",
        ),
    ],
    ids=[
        "missing",
        "infinite",
        "none",
        "nullable missing",
        "all missing",
        "text",
        "empty text",
        "complex cell",
        "complex",
        "dates in a column",
        "series",
        "three dimensions",
        "no asset",
        "scalar",
        "one period",
        "no period",
        "repeated",
    ],
)
def test_returns_that_cannot_be_used(table, message):
    with pytest.raises(DataError, match=message):
        inputs.read_returns(table)


@pytest.mark.parametrize("least", [1, 2, 3, 4])
def test_the_fewest_periods(least):
    if least <= 3:
        assert len(inputs.read_returns(RETURNS, min_periods=least)[0]) == 3
    else:
        with pytest.raises(DataError, match=r"3 period.*at least 4"):
            inputs.read_returns(RETURNS, min_periods=least)


# ---------------------------------------------------------------------------- covariance


def test_covariance_becomes_a_symmetric_copy():
    tilted = COVARIANCE.to_numpy().copy()
    tilted[0, 1] *= 1 + 1e-12
    values, labels = inputs.read_covariance(tilted)
    assert labels is None
    np.testing.assert_array_equal(values, values.T)
    np.testing.assert_allclose(values, COVARIANCE, rtol=1e-11)
    values, labels = inputs.read_covariance(COVARIANCE)
    assert list(labels) == NAMES
    values[:] = 0
    assert COVARIANCE.to_numpy().any()


@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_the_tolerance_of_symmetry_is_relative(factor):
    tilted = COVARIANCE.to_numpy().copy()
    tilted[0, 1] += 1e-4
    with pytest.raises(
        DataError, match=r"not symmetric: entries \(0, 1\) and its mirror differ by"
    ):
        inputs.read_covariance(factor * tilted)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), r"shape \(2, 3\); it must be square.*returns instead"),
        (np.ones(3), r"shape \(3,\); it must be square"),
        (np.ones((0, 0)), r"shape \(0, 0\)"),
        ([[1.0, 2.0], [3.0]], r"not a number|shape"),
        (
            COVARIANCE[NAMES[::-1]],
            r"row labels that differ from its column labels.*covariance\.loc",
        ),
        (COVARIANCE.set_axis(list("xyz")), r"row labels that differ"),
        (COVARIANCE.set_axis(list("aac")).set_axis(list("aac"), axis=1), r"1 repeated .* 'a'"),
        (change(COVARIANCE, 1, 2, np.nan), r"1 cell.*row b, column c"),
        (change(COVARIANCE, 0, 0, np.inf), r"1 cell.*row a, column a"),
        (change(COVARIANCE, 1, 2, "high"), r"not a number .*'high'"),
        (change(COVARIANCE, 1, 2, 0.05), r"entries \(b, c\) and its mirror differ by 0\.03.*C\.T"),
        (change(COVARIANCE, 2, 2, 0.0), r"1 variance.* lowest is 0 for asset c\. Remove"),
        (-np.eye(2), r"2 variance.* lowest is -1 for asset 0"),
    ],
    ids=[
        "oblong",
        "vector",
        "empty",
        "ragged",
        "rows in another order",
        "other rows",
        "repeated",
        "missing",
        "infinite",
        "text",
        "asymmetric",
        "zero variance",
        "negative variance",
    ],
)
def test_covariances_that_cannot_be_used(matrix, message):
    with pytest.raises(DataError, match=message):
        inputs.read_covariance(matrix)


# ------------------------------------------------------------------------------- vectors


@pytest.mark.parametrize(
    "vector",
    [[1, 2, 3], np.array([1.0, 2.0, 3.0]), pd.Series([3.0, 2.0, 1.0], NAMES[::-1])],
    ids=["list", "array", "Series"],
)
def test_vectors_are_put_in_order(vector):
    values, labels = inputs.read_vector(vector, 3, COVARIANCE.columns, "mean")
    np.testing.assert_array_equal(values, [1, 2, 3])
    assert list(labels) == NAMES


def test_a_labelled_vector_lends_its_labels():
    values, labels = inputs.read_vector(pd.Series([1.0, 2.0], ["x", "y"]), 2, None, "mean")
    assert list(labels) == ["x", "y"]
    assert inputs.read_vector([1.0, 2.0], 2, None, "mean")[1] is None
    assert values.flags.writeable


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ([1.0, 2.0], r"mean has shape \(2,\); it must be \(3,\), one entry per asset"),
        ([[1.0, 2.0, 3.0]], r"mean has shape \(1, 3\)"),
        (None, r"mean has 1 cell|mean has shape \(\)|not a number"),
        ({"a": 1.0}, r"mean holds something that is not a number, as .* mapping.*pandas\.Series"),
        ([1.0, np.nan, 3.0], r"mean has 1 cell.*row b, column mean"),
        (["1", "?", "3"], r"mean holds something that is not a number .*'\?'"),
        (pd.Series([1.0, 2.0], ["a", "b"]), r"1 missing \['c'\], 0 unknown \[\].*same labels"),
        (pd.Series(1.0, list("abcd")), r"0 missing \[\], 1 unknown \['d'\]"),
        (pd.Series(1.0, list("aab")), r"mean has 1 repeated asset label.*'a'"),
    ],
    ids=["short", "row", "none", "mapping", "missing", "text", "lacking", "extra", "repeated"],
)
def test_vectors_that_cannot_be_used(vector, message):
    with pytest.raises(DataError, match=message):
        inputs.read_vector(vector, 3, COVARIANCE.columns, "mean")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("returns.csv", r"returns is the text 'returns\.csv'.*mixfolio\.prices\.read_prices"),
        (Path("returns.csv"), r"returns is the text .*Read a file first"),
        ({0.01, 0.02}, r"returns is a set, which has no order\. Use a list"),
        ({"a": [0.01, 0.02]}, r"returns .* is a mapping.*pandas\.DataFrame"),
    ],
    ids=["text", "path", "set", "mapping"],
)
def test_what_is_no_table_is_named_by_its_kind(table, message):
    with pytest.raises(DataError, match=message):
        inputs.read_returns(table)


@pytest.mark.parametrize("groups", [{"x", "y", "z"}, frozenset("xyz"), "xyz", 3, iter("xyz")])
def test_groups_of_no_order_are_named_by_their_kind(groups):
    message = f"groups is .*of type {type(groups).__name__}; it must be a Series"
    with pytest.raises(DataError, match=message):
        inputs.read_membership(groups, 3, None)
    assert inputs.read_membership(("x", "y", "x"), 3, None)[1] == ["x", "y"]


@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf, None, "two"], ids=repr)
def test_what_is_not_positive_is_named(value):
    with pytest.raises(DataError, match=r"^tau is .*; it must be (positive|a )"):
        inputs.read_positive(value, "tau")
    assert inputs.read_positive(np.float32(2), "tau") == 2.0


# ------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("value", [2, 2.0, np.int64(2), np.float32(2), np.array(2.0)], ids=repr)
def test_numbers_are_read(value):
    assert inputs.read_number(value, "x") == 2.0
    assert type(inputs.read_number(value, "x")) is float


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, None, "two", [1, 2], 1j], ids=repr)
def test_what_is_no_number_is_named(value):
    with pytest.raises(DataError, match=r"^halflife is .*; it must be a (finite )?number"):
        inputs.read_number(value, "halflife")


# ---------------------------------------------------------------------------- membership


def test_membership_has_a_column_a_group_in_order_of_appearance():
    groups = pd.Series(["y", "x", "y"], NAMES)
    matrix, names = inputs.read_membership(groups, 3, COVARIANCE.columns)
    assert names == ["y", "x"]
    np.testing.assert_array_equal(matrix, [[1, 0], [0, 1], [1, 0]])


def test_results_are_labelled_as_inputs_were():
    values = np.arange(3.0)
    assert inputs.label_vector(values, None, "w") is values
    series = inputs.label_vector(values, COVARIANCE.columns, "w")
    assert (series.name, list(series.index)) == ("w", NAMES)
    matrix = np.eye(3)
    assert inputs.label_matrix(matrix, None) is matrix
    frame = inputs.label_matrix(matrix, COVARIANCE.columns)
    assert list(frame.index) == list(frame.columns) == NAMES


# ------------------------------------------------------------------------------- no returns

LEVELS = 100 * np.cumprod(1 + 0.01 * np.random.default_rng(3).standard_normal((40, 3)), axis=0)
NO_RETURNS = {
    "prices": LEVELS,
    "prices of pennies": LEVELS / 400,
    "gross returns": LEVELS[1:] / LEVELS[:-1],
    "log prices": np.log(LEVELS),
    "log prices of pennies": np.log(LEVELS / 400),
}


@pytest.mark.parametrize("name", NO_RETURNS)
@pytest.mark.parametrize("function", TAKE_RETURNS, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_prices_are_not_taken_for_returns(function, name):
    table = pd.DataFrame(NO_RETURNS[name], pd.date_range("2020", periods=len(NO_RETURNS[name])))
    with pytest.raises(DataError, match=r"prices, gross returns|a loss of more than|of the size"):
        function(table)


def test_interest_is_taken_for_returns():
    bills = np.full((40, 2), 0.004) + np.linspace(0, 0.001, 80).reshape(40, 2)
    inputs.read_returns(bills)


NO_NUMBERS = {
    "dates": (pd.DataFrame({"a": pd.date_range("2020", periods=6)}), "holds dates"),
    "an array of dates": (np.full((6, 2), "2020-01-01", "M8[D]"), "holds dates"),
    "spans": (pd.DataFrame({"a": pd.to_timedelta(range(6), unit="D")}), "holds spans of time"),
    "complex in objects": (np.array([[1j, 0.0]] * 6, dtype=object), "complex numbers"),
    "a mask": (
        np.ma.masked_array(np.full((6, 2), 0.01), mask=np.eye(6, 2)),
        r"masked array with 2 masked cell\(s\)",
    ),
    "an overflow": (np.full((6, 2), -1e200) * [[1, -1]], "whose squares overflow"),
}


@pytest.mark.parametrize("name", NO_NUMBERS)
def test_tables_of_no_numbers_are_named(name):
    table, message = NO_NUMBERS[name]
    with pytest.raises(DataError, match=message):
        inputs.read_returns(table)


def test_a_mask_that_hides_nothing_is_no_matter():
    table = np.ma.masked_array([[0.01, -0.02]] * 3, mask=False)
    np.testing.assert_array_equal(inputs.read_returns(table)[0], table.data)


# ------------------------------------------------------------------------------- order of time

DAYS = pd.date_range("2020", periods=60)
RECORD = pd.DataFrame(
    0.01 * np.random.default_rng(4).standard_normal((60, 3)), DAYS, ["a", "b", "c"]
)
OUT_OF_ORDER = {
    "reversed": (RECORD[::-1], "not in order of time"),
    "repeated": (RECORD.set_axis(DAYS[:-1].append(DAYS[-2:-1])), "1 repeated date"),
    "undated": (RECORD.set_axis(DAYS[:-1].append(pd.DatetimeIndex([pd.NaT]))), "without a date"),
}
ORDERED = {
    "ewma": lambda r: covariance.ewma(r, halflife=10),
    "mixed_model.covariance": lambda r: mixed_model.covariance(r, ["x", "x", "y"]),
    "stepdown": lambda r: inference.stepdown(r, "a", rng=np.random.default_rng(1)),
    "model_confidence_set": lambda r: inference.model_confidence_set(
        r, rng=np.random.default_rng(1)
    ),
    "sharpe_difference": lambda r: inference.sharpe_difference(
        r["a"], r["b"], rng=np.random.default_rng(1), n_resamples=99
    ),
    "wealth": lambda r: metrics.wealth(r["a"]),
    "drawdown": lambda r: metrics.drawdown(r["a"]),
    "maximum_drawdown": lambda r: metrics.maximum_drawdown(r["a"]),
}


@pytest.mark.parametrize("case", OUT_OF_ORDER)
@pytest.mark.parametrize("name", ORDERED)
def test_what_depends_on_the_order_of_time_refuses_disorder(name, case):
    table, message = OUT_OF_ORDER[case]
    ORDERED[name](RECORD)
    with pytest.raises(DataError, match=f"{message}|repeated period"):
        ORDERED[name](table)


def test_groups_with_names_are_not_matched_by_position():
    groups = pd.Series(["x", "x", "y"], ["c", "b", "a"])
    with pytest.raises(DataError, match="groups have labels and returns have none"):
        mixed_model.covariance(RECORD.to_numpy(), groups)
    found = mixed_model.covariance(RECORD.to_numpy(), groups.to_numpy())
    assert found.shape == (3, 3)


def test_a_record_without_periods_is_refused_and_no_foreign_error():
    returns = pd.DataFrame(
        np.random.default_rng(1).normal(0, 0.02, (30, 3)),
        pd.date_range("2020-01-31", periods=30, freq="ME"),
        list("abc"),
    )
    with pytest.raises(DataError):
        relationship.characteristics(returns, market=returns["a"].iloc[:0])


def test_every_warning_is_at_the_line_of_the_user():
    rooms = Path(inputs.__file__).parent.rglob("*.py")
    by_hand = [room.name for room in rooms if "warnings.warn(" in room.read_text(encoding="utf-8")]
    assert by_hand == ["_inputs.py"]  # others count no levels by themselves
