"""From files of prices to a portfolio and its past: what is read, chosen, estimated and refused."""

import numpy as np
import pandas as pd
import pytest

from mixfolio import expected_returns
from mixfolio.covariance import _estimators as covariance
from mixfolio.errors import DataError, InfeasibleError
from mixfolio.optimization import _optimizers as optimization
from mixfolio.report import pipeline as own_prices
from tests.package.report import own_data
from tests.package.report.own_data import write


def read(folder, table, **options):
    return own_prices.read_inputs(write(folder, table), **options)


# ------------------------------------------------------------------- returns


def test_days_become_whole_weeks(tmp_path):
    table = own_data.daily(n_rows=503)
    inputs = read(tmp_path, table)
    assert inputs.frequency == ("weekly", 52.0)
    last = table.groupby(table.index.to_period("W")).last()
    expected = (last / last.shift(1) - 1).iloc[1:]
    whole = table.groupby(table.index.to_period("W")).size().iloc[-1] == 5
    expected = expected if whole else expected.iloc[:-1]
    np.testing.assert_allclose(inputs.returns, expected, atol=1e-12)
    assert "compounded to returns of weeks" in " ".join(inputs.notes)


@pytest.mark.parametrize(("drop", "left_out"), [(0, False), (1, True), (4, True)])
def test_a_last_week_that_is_not_whole_is_left_out(tmp_path, drop, left_out):
    table = own_data.daily().loc[:"2016-06-24"]
    table = table.iloc[: len(table) - drop]
    assert table.index[-1].weekday() == 4 - drop
    inputs = read(tmp_path, table)
    assert (inputs.returns.index[-1] < table.index[-1]) == left_out
    assert ("and the last week" in " ".join(inputs.notes)) == left_out


def test_months_stay_months(tmp_path):
    table = own_data.monthly()
    inputs = read(tmp_path, table)
    np.testing.assert_allclose(inputs.returns, table.pct_change().iloc[1:], atol=1e-12)
    assert inputs.frequency == ("monthly", 12.0) and inputs.notes == []


def test_wide_long_and_marked_files_give_the_same(tmp_path):
    table = own_data.monthly()
    wide = read(tmp_path, table)
    long = own_prices.read_inputs(write(tmp_path, own_data.long(table), "long.csv"))
    marked = tmp_path / "excel.csv"
    marked.write_text(table.to_csv(), encoding="utf-8-sig")
    excel = own_prices.read_inputs(marked)
    for other in (long, excel):
        pd.testing.assert_frame_equal(other.returns, wide.returns, check_column_type=False)
    assert excel.name == "excel.csv" and excel.notes == wide.notes


def test_times_of_one_zone_are_days(tmp_path):
    table = own_data.monthly()
    plain = read(tmp_path, table).returns
    table.index = table.index.tz_localize("UTC")
    np.testing.assert_array_equal(read(tmp_path, table).returns, plain)


def test_groups_and_weights_are_matched_by_name(tmp_path):
    table, groups = own_data.monthly(), own_data.groups()
    held = pd.Series([0.5, 0.1, 0.1, 0.1, 0.1, 0.1], groups.index, name="weight")
    inputs = own_prices.read_inputs(
        write(tmp_path, table),
        write(tmp_path, groups.iloc[::-1], "groups.csv"),
        write(tmp_path, held.iloc[::-1], "weights.csv"),
    )
    pd.testing.assert_series_equal(inputs.groups, groups, check_names=False, check_dtype=False)
    pd.testing.assert_series_equal(inputs.previous, held, check_names=False)


# ------------------------------------------------------------------- missing prices


def ragged():
    table = own_data.monthly()
    table.iloc[:20, 0] = np.nan
    table.iloc[70:73, 2] = np.nan
    return table


def test_missing_prices_are_refused_if_told_so(tmp_path):
    with pytest.raises(DataError) as caught:
        read(tmp_path, ragged(), missing="raise")
    for fragment in (
        "1 start late",
        "1 have gaps inside",
        "Global Bonds, MSCI US",
        "--missing fill",
    ):
        assert fragment in str(caught.value)


def test_a_delisted_asset_is_named_with_its_last_date(tmp_path):
    table = own_data.monthly()
    table.iloc[90:, 3] = np.nan
    with pytest.raises(DataError) as caught:
        read(tmp_path, table, missing="raise")
    last = table.index[89].date()
    expected = f"MSCI World USD has no price after {last}, 61 rows before the others end"
    assert expected in str(caught.value)


def test_an_empty_row_at_the_end_is_cut_and_said(tmp_path):
    table = own_data.monthly()
    later = table.index[-1] + pd.offsets.MonthEnd()
    longer = pd.concat([table, pd.DataFrame(np.nan, [later], table.columns)])
    inputs = read(tmp_path, longer.rename_axis(table.index.name))
    assert len(inputs.returns) == len(table) - 1
    assert inputs.notes == [f"Rows without any price at the end were left out: {later.date()}."]


def test_drop_assets(tmp_path):
    inputs = read(tmp_path, ragged(), missing="drop-assets")
    assert list(inputs.returns) == [
        a for a in own_data.ASSETS if a not in ("Global Bonds", "MSCI US")
    ]
    assert inputs.notes == ["Left out for missing prices: Global Bonds, MSCI US."]


def test_the_common_period_has_no_gaps(tmp_path):
    with pytest.raises(DataError, match=r"3 cells are missing in 1 of 6 assets .*MSCI US"):
        read(tmp_path, ragged(), missing="common-period")
    table = ragged().drop(columns="MSCI US")
    inputs = read(tmp_path, table, missing="common-period")
    pd.testing.assert_index_equal(
        inputs.returns.index, table.index[21:], check_names=False, exact=False
    )
    assert "20 rows were left out" in inputs.notes[0]


def test_fill_bridges_short_gaps_and_no_others(tmp_path):
    table = ragged()
    inputs = read(tmp_path, table, missing="fill")
    assert inputs.returns.index[0] == table.index[21]
    found = inputs.returns["MSCI US"].loc[table.index[70] : table.index[73]]
    gap = table["MSCI US"].iloc[73] / table["MSCI US"].iloc[69] - 1
    np.testing.assert_allclose(found, [0, 0, 0, gap], atol=1e-12)
    assert "3 missing prices" in inputs.notes[0]
    table.iloc[70:77, 2] = np.nan
    with pytest.raises(DataError, match="7 cells are missing in 1 of 6 assets"):
        read(tmp_path, table, missing="fill")


def test_groups_may_name_assets_that_were_left_out(tmp_path):
    groups = write(tmp_path, own_data.groups(), "groups.csv")
    inputs = own_prices.read_inputs(write(tmp_path, ragged()), groups, missing="drop-assets")
    assert list(inputs.groups.index) == list(inputs.returns)


# ------------------------------------------------------------------- missing prices that are kept

LATE, GONE = "MSCI US", "Hedge Funds"  # listed after 60 months; delisted before the last 40


def listed_late(n_missing=60):
    table = own_data.monthly()
    table.iloc[:n_missing, table.columns.get_loc(LATE)] = np.nan
    return table


def test_kept_prices_stay_missing_and_so_do_their_returns(tmp_path):
    inputs = read(tmp_path, listed_late(), missing="keep")
    assert inputs.returns[LATE].isna().sum() == 60 and inputs.returns[LATE].iloc[60:].notna().all()
    assert inputs.returns.drop(columns=LATE).notna().all(axis=None)
    assert len(inputs.notes) == 1 and f"Not always there: {LATE}." in inputs.notes[0]


@pytest.mark.parametrize("days", [True, False])
def test_weeks_with_a_missing_day_are_missing(tmp_path, days):
    table = own_data.daily()
    table.iloc[: 100 if days else 0, 2] = np.nan
    returns = read(tmp_path, table, missing="keep").returns
    assert (returns.iloc[:, 2].isna().sum() > 18) == days
    assert returns.drop(columns=returns.columns[2]).notna().all(axis=None)


def test_a_late_listing_takes_part_once_it_has_a_window(tmp_path):
    inputs = read(tmp_path, listed_late(), missing="keep")
    plan = own_prices.make_plan(inputs, window=30, lookback=60)
    found = own_prices.compare(inputs, plan, rng=np.random.default_rng(1))
    first = 60 + plan.window  # the first decision with all returns of its window
    first += -(first - plan.window) % plan.step
    for name in ("1/N", "nonlinear shrinkage", "mixed model"):
        held = found.result.weights[name][LATE]
        assert (held.iloc[: first - plan.window] == 0).all()
    equal = found.result.weights["1/N"]
    assert equal.iloc[0].drop(LATE).tolist() == pytest.approx([1 / 5] * 5)
    assert equal.iloc[first - plan.window].tolist() == pytest.approx([1 / 6] * 6)
    assert LATE in own_prices.build_portfolio(inputs, plan).weights.index


def test_before_it_lists_an_asset_changes_nothing(tmp_path):
    inputs = read(tmp_path, listed_late(), missing="keep")
    never = read(tmp_path, listed_late().drop(columns=LATE))
    plan = own_prices.make_plan(inputs, window=30)
    found, without = (
        own_prices.compare(i, plan, rng=np.random.default_rng(1)).result.gross[:60]
        for i in (inputs, never)
    )
    pd.testing.assert_frame_equal(found, without, rtol=0, atol=1e-14)


def test_without_a_window_an_asset_is_left_out_today(tmp_path):
    groups = write(tmp_path, own_data.groups(), "groups.csv")
    path = write(tmp_path, listed_late(120))
    for group_file in (None, groups):
        inputs = own_prices.read_inputs(path, group_file, missing="keep")
        plan = own_prices.make_plan(inputs)
        found = own_prices.build_portfolio(inputs, plan)
        assert list(found.weights.index) == [name for name in own_data.ASSETS if name != LATE]
        used = own_prices.known_groups(own_prices.latest(inputs, plan), inputs.groups)
        assert list(used.index) == list(found.weights.index)


def test_an_asset_that_is_held_but_has_no_window_is_refused_by_name(tmp_path):
    path = write(tmp_path, listed_late(120))
    held = pd.Series(1 / 6, pd.Index(own_data.ASSETS, name="asset"), name="weight")
    inputs = own_prices.read_inputs(
        path, None, write(tmp_path, held, "weights.csv"), missing="keep"
    )
    with pytest.raises(DataError, match="MSCI US is held now, but has no whole window"):
        own_prices.make_plan(inputs)
    own_prices.make_plan(inputs, lookback=30)
    held[LATE], held["Hedge Funds"] = 0.0, 1 / 3
    inputs = own_prices.read_inputs(
        path, None, write(tmp_path, held, "weights.csv"), missing="keep"
    )
    found = own_prices.build_portfolio(inputs, own_prices.make_plan(inputs))
    assert found.diagnosis["turnover"] > 0


def test_an_asset_that_ends_is_sold_at_its_last_price(tmp_path):
    table = own_data.monthly()
    table.iloc[-40:, table.columns.get_loc(GONE)] = np.nan
    inputs = read(tmp_path, table, missing="keep")
    plan = own_prices.make_plan(inputs, window=30)
    found = own_prices.compare(inputs, plan, rng=np.random.default_rng(1))
    assert found.result.frozen["asset"].unique().tolist() == [GONE]
    assert (found.result.weights["1/N"][GONE].iloc[-36:] == 0).all()
    assert found.result.returns.notna().all(axis=None)


def test_too_few_assets_with_a_window_are_refused(tmp_path):
    table = own_data.monthly()
    table.iloc[100:110, :4] = np.nan
    inputs = read(tmp_path, table, missing="keep")
    message = r"prices.csv: 2 asset\(s\) have all returns .* Choose a shorter lookback"
    with pytest.raises(DataError, match=message):
        own_prices.make_plan(inputs)


def test_the_past_begins_where_enough_assets_have_started(tmp_path):
    table = own_data.monthly()
    table.iloc[:40, :4] = np.nan
    inputs = read(tmp_path, table)
    assert len(inputs.returns) == len(table) - 41
    assert "The first 40 rows were left out: fewer than 3 assets." in inputs.notes
    own_prices.make_plan(inputs)


def test_a_column_without_a_price_is_left_out(tmp_path):
    inputs = read(tmp_path, own_data.monthly().assign(X=np.nan))
    assert "X" not in inputs.returns and "Without two prices" in inputs.notes[0]


def test_the_usual_cap_leaves_room_for_the_assets_that_have_a_window(tmp_path):
    table = own_data.monthly()
    table.iloc[:40, :3] = np.nan
    inputs = read(tmp_path, table, missing="keep")
    assert own_prices.make_plan(inputs).max_position == 0.5
    with pytest.raises(InfeasibleError, match=r"upper bounds add up to 0\.75"):
        own_prices.make_plan(inputs, max_position=0.25)


# ------------------------------------------------------------------- refusals


REFUSED = {
    "two assets": (lambda t: t.iloc[:, :2], {}, "2 asset.s. are left, and 3 are needed"),
    "too short": (lambda t: t.iloc[:35], {}, "34 monthly returns are left; 40 are needed"),
    "two rows": (lambda t: t.iloc[:2], {}, "three dates"),
    "still": (lambda t: t.assign(X=1.0), {}, "constant"),
    "unknown policy": (lambda t: t, {"missing": "guess"}, "missing='guess' is unknown"),
    "two-week steps": (
        lambda t: t.set_axis(pd.date_range("2010", periods=len(t), freq="14D", name="date")),
        {},
        "14 days apart",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, name):
    change, options, message = REFUSED[name]
    with pytest.raises(DataError, match=message):
        read(tmp_path, change(own_data.monthly()), **options)


def test_no_file_and_one_group(tmp_path):
    with pytest.raises(DataError, match="no file of prices"):
        own_prices.read_inputs("")
    groups = write(tmp_path, own_data.groups().map(lambda _: "same"), "groups.csv")
    with pytest.raises(DataError, match="all assets into the group 'same'"):
        own_prices.read_inputs(write(tmp_path, own_data.monthly()), groups)


# ------------------------------------------------------------------- the plan


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    groups = write(folder, own_data.groups(), "groups.csv")
    return own_prices.read_inputs(write(folder, own_data.monthly()), groups)


def test_defaults_depend_on_the_history(tmp_path, inputs):
    plan = own_prices.make_plan(inputs)
    assert (plan.lookback, plan.window, plan.step, plan.max_position) == (60, 60, 3, 0.30)
    short = own_prices.make_plan(read(tmp_path, own_data.monthly(45)))
    assert (short.lookback, short.window) == (45, 22)
    three = own_prices.make_plan(read(tmp_path, own_data.monthly().iloc[:, :3]))
    assert three.max_position == 0.5


WRONG = {
    "window beyond the data": ({"window": 500}, "150 monthly returns.*20 must be left"),
    "window that leaves too little": ({"window": 131}, "Choose between 20 and 130"),
    "lookback beyond the data": ({"lookback": 151}, "Choose between 20 and 150"),
    "lookback too short": ({"lookback": 5}, "Choose between 20 and 150"),
    "cap above one": ({"max_position": 30}, "0.3 is 30%"),
    "cap of nothing": ({"max_position": 0}, "above 0"),
    "costs in per cent": ({"costs": 1.0}, "costs is 1; it must be between 0 and 0.1"),
    "heritability": ({"min_heritability": 2}, "min-heritability is 2"),
    "penalty of nothing held": ({"turnover_penalty": 0.1}, "needs --previous"),
    "negative penalty": ({"turnover_penalty": -1}, "turnover-penalty is -1"),
    "no number": ({"costs": "much"}, "costs is 'much'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_plan_that_the_data_do_not_allow(inputs, name):
    choices, message = WRONG[name]
    with pytest.raises(DataError, match=message):
        own_prices.make_plan(inputs, **choices)


@pytest.mark.parametrize("choices", [{"max_position": 0.1}, {"max_group": 0.2}])
def test_limits_that_no_portfolio_meets(inputs, choices):
    with pytest.raises(InfeasibleError):
        own_prices.make_plan(inputs, **choices)


def test_an_asset_that_does_not_move_in_a_window_is_refused_by_name(tmp_path):
    table = own_data.monthly()
    table.iloc[80:, 3] = table.iloc[80, 3]
    inputs = read(tmp_path, table)
    with pytest.raises(DataError, match="never move, the first is MSCI World USD"):
        own_prices.make_plan(inputs)


def test_limits_on_groups_need_groups(tmp_path):
    with pytest.raises(DataError, match="max-group needs --groups"):
        own_prices.make_plan(read(tmp_path, own_data.monthly()), max_group=0.5)


# ------------------------------------------------------------------- portfolio and comparison


def test_the_portfolio_keeps_its_limits_and_uses_the_lookback(inputs):
    plan = own_prices.make_plan(inputs, lookback=48, max_position=0.25, max_group=0.6)
    found = own_prices.build_portfolio(inputs, plan)
    assert found.diagnosis["periods"] == 48
    assert found.weights.max() <= 0.25 + 1e-9
    assert found.weights.groupby(inputs.groups).sum().max() <= 0.6 + 1e-9
    assert found.weights.sum() == pytest.approx(1)


def test_a_price_on_trading_keeps_what_is_held(tmp_path, inputs):
    held = pd.Series(1 / 6, pd.Index(own_data.ASSETS, name="asset"), name="weight")
    previous = write(tmp_path, held, "weights.csv")
    again = own_prices.read_inputs(write(tmp_path, own_data.monthly()), None, previous)
    turnover = [
        own_prices.build_portfolio(
            again, own_prices.make_plan(again, turnover_penalty=penalty)
        ).diagnosis["turnover"]
        for penalty in (0.0, 0.2, 50.0)
    ]
    assert turnover[0] > turnover[1] > turnover[2]
    assert turnover[2] == pytest.approx(0, abs=1e-9)


def test_learned_groups_find_planted_ones():
    rng = np.random.default_rng(8)
    factor = rng.normal(size=(200, 3))
    place = np.repeat([0, 1, 2], [5, 3, 1])
    values = 0.01 * (factor[:, place] + 0.3 * rng.normal(size=(200, 9)))
    found = own_prices.learned_groups(pd.DataFrame(values, columns=list("ABCDEFGHI")))
    assert found.tolist() == ["cluster 1"] * 5 + ["cluster 2"] * 3 + ["cluster 3"]


@pytest.fixture(scope="module")
def compared(inputs):
    plan = own_prices.make_plan(inputs)
    return own_prices.compare(inputs, plan, rng=np.random.default_rng(1)), plan


def test_the_comparison_is_a_plain_loop(inputs, compared):
    found, plan = compared
    values = inputs.returns
    earned = []
    for start in range(plan.window, len(values), plan.step):
        past = values.iloc[start - plan.window : start]
        weights = optimization.minimum_variance(
            covariance.nonlinear_shrinkage(past), bounds=(0, plan.max_position)
        )
        for day in range(start, min(start + plan.step, len(values))):
            growth = weights * (1 + values.iloc[day])
            earned.append(growth.sum() - 1)
            weights = growth / growth.sum()
    np.testing.assert_allclose(found.result.gross["nonlinear shrinkage"], earned, atol=1e-12)
    volatility = np.std(earned, ddof=1) * np.sqrt(12)
    row = found.volatility.loc["nonlinear shrinkage"]
    assert row["volatility"] == pytest.approx(volatility, rel=1e-9)


def test_the_comparison_is_complete_and_sorted(compared):
    found, _ = compared
    names = ["1/N", "sample covariance", "linear shrinkage", "nonlinear shrinkage", "mixed model"]
    assert set(found.volatility.index) == set(found.summary.index) == set(names)
    assert found.volatility["volatility"].is_monotonic_increasing
    assert found.volatility["included"].iloc[0]
    assert found.left_out == {} and found.result.failures.empty
    costs = (found.result.gross - found.result.returns).mean() * 12
    np.testing.assert_allclose(found.summary["costs"], costs[found.summary.index], atol=1e-12)
    assert found.result.weights["mixed model"].to_numpy().max() < 0.5


def test_learned_groups_do_not_see_the_future(tmp_path):
    table = own_data.monthly()
    plan_of = own_prices.make_plan
    first = read(tmp_path, table)
    changed = table.copy()
    changed.iloc[70:] *= 1 + 0.2 * np.random.default_rng(3).random(changed.iloc[70:].shape)
    second = read(tmp_path, changed)
    weights = [
        own_prices.compare(i, plan_of(i), rng=np.random.default_rng(1))
        .result.weights["mixed model"]
        .iloc[:9]
        for i in (first, second)
    ]
    np.testing.assert_array_equal(*weights)


def test_with_few_periods_the_sample_covariance_is_left_out(tmp_path):
    table = own_data.daily(n_rows=215, n_assets=23)
    inputs = read(tmp_path, table)
    plan = own_prices.make_plan(inputs)
    assert plan.window < 23
    found = own_prices.compare(inputs, plan, rng=np.random.default_rng(1))
    assert list(found.left_out) == ["sample covariance"]
    assert "mixed model" in found.summary.index


# ------------------------------------------------------------------- options


def csv(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def everything(folder, **changes):
    """A plan with most options at once, and its inputs."""
    chosen = {
        "estimator": "LW constant correlation",
        "objective": "maximum-sharpe",
        "limits_file": csv(folder, "l.csv", "asset,lower,upper\nUS TIPS,0.05,0.1\nMSCI US,,0.2\n"),
        "max_position": 0.6,
        "lookback": 120,
        "window": 40,
    } | changes
    inputs = read(
        folder, own_data.monthly().assign(Cash=np.linspace(100, 120, 151)),
        exclude=["Hedge Funds"], benchmark="MSCI World USD", riskless="Cash",
    )  # fmt: skip
    return inputs, own_prices.make_plan(inputs, **chosen)


def test_assets_with_a_part_of_their_own_are_not_held(tmp_path):
    inputs, _ = everything(tmp_path)
    table = own_data.monthly()
    assert list(inputs.returns) == ["Global Bonds", "US Treasuries", "MSCI US", "US TIPS"]
    np.testing.assert_allclose(inputs.benchmark, table["MSCI World USD"].pct_change().iloc[1:])
    cash = np.linspace(100, 120, 151)
    np.testing.assert_allclose(inputs.riskless, cash[1:] / cash[:-1] - 1)
    assert "Left out, as asked for: Hedge Funds." in inputs.notes
    groups = write(tmp_path, own_data.groups().drop("MSCI World USD"), "groups.csv")
    again = own_prices.read_inputs(
        write(tmp_path, table), groups, exclude=["Hedge Funds"], benchmark="MSCI World USD"
    )
    assert list(again.groups.index) == list(again.returns)


def test_the_same_objective_limits_and_estimator_today_and_in_the_past(tmp_path):
    inputs, plan = everything(tmp_path)
    found = own_prices.compare(inputs, plan, rng=np.random.default_rng(1))
    assert found.chosen == "LW constant correlation" and found.chosen in found.summary.index
    excess = found.result.returns.sub(inputs.riskless, axis=0).dropna()
    ratio = excess.mean() / excess.std() * 12**0.5
    gaps = (ratio - ratio[found.chosen])[found.sharpe.index]
    np.testing.assert_allclose(found.sharpe["gap"], gaps, atol=1e-9)

    def weights(past):
        excess = past.sub(inputs.riskless.loc[past.index], axis=0)
        return optimization.maximum_sharpe(
            expected_returns.bayes_stein(excess),
            covariance.linear_shrinkage(past, target="constant_correlation"),
            bounds=([0, 0, 0, 0.05], [0.6, 0.6, 0.2, 0.1]),
        )

    today = own_prices.build_portfolio(inputs, plan)
    np.testing.assert_allclose(today.weights, weights(inputs.returns.iloc[-120:]), atol=1e-8)
    assert today.used == "given" and today.intensity == 0
    first = found.result.weights[found.chosen].iloc[0]
    np.testing.assert_allclose(first, weights(inputs.returns.iloc[:40]), atol=1e-8)
    assert (
        len(found.fits) == len(range(40, 150, 3)) and found.fits["heritability"].between(0, 1).all()
    )


def test_where_no_premium_is_expected_the_variance_is_lowest(tmp_path):
    table = own_data.monthly()
    inputs = read(tmp_path, table, riskless=0.45)
    plan = own_prices.make_plan(inputs, objective="maximum-sharpe", lookback=120)
    plain = own_prices.make_plan(inputs, lookback=120)
    np.testing.assert_allclose(
        own_prices.build_portfolio(inputs, plan).weights,
        own_prices.build_portfolio(inputs, plain).weights,
        atol=1e-9,
    )


def test_views_move_the_weights_the_way_they_point(tmp_path):
    text = "better,worse,value,confidence\nMSCI US,Global Bonds,{},0.9\n"
    weights = []
    for value in (-0.03, 0.06):
        views = csv(tmp_path, "views.csv", text.format(value))
        inputs, plan = everything(tmp_path, views_file=views, limits_file=None)
        weights.append(own_prices.build_portfolio(inputs, plan).weights["MSCI US"])
    assert weights[1] > weights[0] + 0.1
    assert plan.views[0].value == pytest.approx(0.06 / 12)


@pytest.mark.parametrize("objective", ["risk-parity", "maximum-diversification"])
def test_other_objectives(inputs, objective):
    plan = own_prices.make_plan(inputs, objective=objective)
    found = own_prices.build_portfolio(inputs, plan)
    if objective == "risk-parity":
        np.testing.assert_allclose(found.attribution.by_asset, 1 / 6, atol=1e-9)
        cap = round(float(found.weights.max()) - 0.03, 3)
        capped = own_prices.make_plan(inputs, objective=objective, max_position=cap)
        assert own_prices.build_portfolio(inputs, capped).weights.max() == pytest.approx(cap)
    else:
        expected = optimization.maximum_diversification(found.covariance, bounds=(0, 0.3))
        np.testing.assert_allclose(found.weights, expected, atol=1e-9)


def test_shorts_are_taken_only_when_allowed(inputs):
    plan = own_prices.make_plan(inputs, allow_short=True, max_position=1.0)
    assert own_prices.build_portfolio(inputs, plan).weights.min() < -0.01


VIEWS, LIMITS = "better,worse,value,confidence\nMSCI US,,0.05,0.5\n", "asset,lower,upper\n{}\n"
CONTRADICT = {
    "views without a use": ({"views_file": VIEWS}, "--views and --objective minimum-variance"),
    "parity and shorts": (
        {"objective": "risk-parity", "allow_short": True},
        "--objective risk-parity .* contradicts --max-group, --allow-short",
    ),
    "few periods": (
        {"objective": "maximum-sharpe", "max_position": 0.9, "lookback": 24},
        "24 assets and 24 periods",
    ),
    "no variance to price": (
        {"objective": "maximum-diversification", "turnover_penalty": 0.1},
        "--turnover-penalty .* --objective maximum-diversification",
    ),
    "no such estimator": ({"estimator": "best"}, "--estimator is 'best'. Choose one of: 'sample'"),
    "no such objective": ({"objective": "fame"}, "--objective is 'fame'"),
    "no money": ({"capital": 0}, "--capital is 0"),
    "unknown asset": ({"limits_file": LIMITS.format("X,0,1")}, "--limits: .* names X, which"),
    "limit in per cent": ({"limits_file": LIMITS.format("MSCI US,5,10")}, "0.1 for 10%"),
    "limit twice": ({"limits_file": LIMITS.format("A,0,1\nA,0,1")}, "A is there twice"),
    "a word": ({"limits_file": LIMITS.format("MSCI US,0,much")}, "line 2: upper is 'much'"),
    "crossed limits": ({"limits_file": LIMITS.format("MSCI US,0.3,0.1")}, "MSCI US"),
    "a lower limit below zero": ({"limits_file": LIMITS.format("MSCI US,-0.3,0.1")}, "MSCI US"),
    "no header": ({"limits_file": "MSCI US,0,1\n"}, "write asset,lower,upper in its first line"),
    "no line": ({"limits_file": LIMITS.format("")}, "no line below its header"),
    "a view on what is not there": (
        {"objective": "maximum-sharpe", "views_file": VIEWS.replace("MSCI US", "X")},
        "unknown asset",
    ),
    "a view of nothing": (
        {"objective": "maximum-sharpe", "views_file": VIEWS.replace("0.05", "")},
        "line 2 has no value",
    ),
}


@pytest.mark.parametrize("name", CONTRADICT)
def test_options_that_contradict_are_named(tmp_path, inputs, name):
    choices, message = CONTRADICT[name]
    choices = {
        option: csv(tmp_path, "x.csv", value) if option.endswith("_file") else value
        for option, value in choices.items()
    }
    if name == "few periods":
        moves = np.random.default_rng(1).normal(0, 0.03, (151, 24))
        table = pd.DataFrame(100 * np.exp(moves.cumsum(axis=0)))
        index = own_data.monthly().index
        inputs = read(tmp_path, table.add_prefix("A").set_index(index))
    if "turnover_penalty" in choices:
        import dataclasses

        inputs = dataclasses.replace(inputs, previous=pd.Series(1 / 6, inputs.returns.columns))
    with pytest.raises((DataError, InfeasibleError), match=message):
        own_prices.make_plan(inputs, **choices)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exclude": ["X"]}, "--exclude X: prices.csv has no such asset"),
        ({"benchmark": "X"}, "--benchmark X: prices.csv has no such asset"),
        ({"riskless": 7}, "--riskless is 7; a rate a year"),
        ({"benchmark": "MSCI US", "missing": "keep"}, "60 of its 150 returns are missing"),
        ({"exclude": own_data.ASSETS[:4]}, r"2 asset\(s\) are left"),
    ],
)
def test_assets_that_cannot_have_a_part(tmp_path, options, message):
    table = listed_late() if "missing" in options else own_data.monthly()
    with pytest.raises(DataError, match=message):
        read(tmp_path, table, **options)
