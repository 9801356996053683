"""The sentences of a report say what the numbers say, whatever the assets are called."""

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from mixfolio.report import pipeline as own_prices
from mixfolio.report import text as wording
from tests.package.report import own_data
from tests.package.report.own_data import write

NASTY = ["<b>A</b>", "B_x_y", "C*D*", "E|F", "$G$", "[H](http://x.y)"]


class Parts:
    """Everything a report is made of."""

    def __init__(self, folder, table, groups=None, previous=None, missing="raise", **choices):
        path = write(folder, table)
        self.inputs = own_prices.read_inputs(path, groups, previous, missing=missing)
        self.plan = own_prices.make_plan(self.inputs, **choices)
        self.found = own_prices.build_portfolio(self.inputs, self.plan)
        self.compared = own_prices.compare(self.inputs, self.plan, rng=np.random.default_rng(1))
        past = own_prices.latest(self.inputs, self.plan)
        self.groups = own_prices.known_groups(past, self.inputs.groups)

    def texts(self):
        """Every sentence, by the function that made it."""
        i, p, f, c = self.inputs, self.plan, self.found, self.compared
        return {
            "summary": wording.summary(i, p, f, c),
            "findings": wording.findings(i),
            "history": wording.history(i, p),
            "grouping": wording.grouping(i, f, self.groups),
            "comparison": wording.comparison(i, p, c),
            "trades": wording.trades(i, f, p),
            "attribution": wording.attribution(f, p),
            "objective": wording.objective(i, p),
            "backtest": wording.backtest(i, p, c),
            "caveats": wording.caveats(i, p, c),
        }


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wording")
    held = pd.Series(1 / 6, pd.Index(own_data.ASSETS, name="asset"), name="weight")
    return Parts(
        folder,
        own_data.monthly(),
        write(folder, own_data.groups(), "groups.csv"),
        write(folder, held, "weights.csv"),
        costs=0.002,
    )


def test_names_show_as_they_are():
    render = MarkdownIt("commonmark", {"html": False}).render
    for name in NASTY:
        shown = render(f"x {wording.escape(name)} y")
        escaped = name.replace("<", "&lt;").replace(">", "&gt;")
        assert shown == f"<p>x {escaped} y</p>\n"


def test_nasty_names_survive_everywhere(tmp_path):
    table = own_data.monthly().set_axis(NASTY, axis=1)
    for text in Parts(tmp_path, table).texts().values():
        for name in NASTY:
            assert name not in text or name == wording.escape(name)


def test_the_first_box_has_return_volatility_and_cost_against_equal_weights(parts):
    text, past = parts.texts()["summary"], parts.compared.summary
    held = (parts.found.weights > wording.HELD).sum()
    assert f"holds {held} of 6 assets" in text
    gap = past["return"]["mixed model"] - past["return"]["1/N"]
    assert f"{abs(gap):.1%} a year {'more' if gap > 0 else 'less'} than 1/N" in text
    for name in ("mixed model", "1/N"):
        for column, digits in (("volatility", 1), ("turnover", 0), ("costs", 2)):
            assert f"{past[column][name]:.{digits}%}" in text
    assert "raise no concern" in text


def test_the_first_box_says_so_when_another_estimator_was_better(parts):
    from dataclasses import replace

    def box(gap, low, high):
        names = ["sample covariance", "mixed model"] if gap < 0 else ["mixed model", "1/N"]
        rows = [[gap, low, high], [0.0, 0.0, 0.0]]
        gaps = pd.DataFrame(rows, names, ["gap", "low", "high"])
        table = parts.compared.volatility.loc[names]
        found = replace(parts.compared, volatility=table, gaps=gaps)
        return wording.summary(parts.inputs, parts.plan, parts.found, found)

    text = box(-0.031, -0.05, -0.012)
    assert "***Another estimator was better.*** The sample covariance had a volatility 3.1%" in text
    assert "(90% interval -5.0% to -1.2%): more than luck usually makes" in text
    assert "luck alone could make that" in box(-0.031, -0.05, 0.01)
    assert "Another estimator" not in box(0.2, 0.1, 0.3)


def test_where_the_sharpe_ratio_is_the_objective_it_tells_who_was_better(parts):
    from dataclasses import replace

    rows = [[0.0, 0.0, 0.0], [0.12, -0.05, 0.3], [0.1, 0.02, 0.2]]
    names = ["mixed model", "1/N", "linear shrinkage"]
    sharpe = pd.DataFrame(rows, names, ["gap", "low", "high"])

    def box(table):
        found = replace(parts.compared, sharpe=table)
        return wording.summary(parts.inputs, parts.plan, parts.found, found)

    text = box(sharpe)
    assert "***Equal weights were better.*** 1/N had a Sharpe ratio a year 0.12 above" in text
    assert "interval -0.05 to +0.30): luck alone could make that" in text
    text = box(sharpe.drop("1/N"))
    assert "***Another estimator was better.*** Linear shrinkage had a Sharpe ratio" in text
    assert "better.***" not in box(sharpe.iloc[:1])


def test_the_intervals_are_those_of_the_variance_test(parts):
    from mixfolio import inference

    gross, gaps = parts.compared.result.gross, parts.compared.gaps
    assert list(gaps.index) == list(parts.compared.volatility.index)
    ratio = gross["1/N"].std() / gross["mixed model"].std() - 1
    assert gaps.loc["1/N", "gap"] == pytest.approx(ratio, rel=1e-9)
    rng = np.random.default_rng(5)
    again = inference.variance_difference(
        gross["1/N"], gross["mixed model"], rng=rng, level=parts.compared.level
    )
    ends = np.expm1(np.array(again.interval) / 2)
    np.testing.assert_allclose(gaps.loc["1/N", ["low", "high"]], ends, atol=0.05)


def test_the_first_box_names_every_concern(tmp_path):
    table = own_data.monthly()
    table.iloc[80:, 0] /= 2
    table.iloc[20:28, 1] = table.iloc[20, 1]
    table["Copy"] = table["MSCI US"] * 1.5
    table.iloc[-30:, 4] = np.nan
    parts = Parts(tmp_path, table.drop(index=table.index[5:9]), missing="keep", lookback=25)
    last = table.index[-1]
    old, new = (last + pd.Timedelta(days, "D") for days in (200, 20))
    texts = [
        wording.summary(parts.inputs, parts.plan, parts.found, parts.compared, str(day.date()))
        for day in (old, new)
    ]
    for kind, name in (
        ("Missing prices", "Hedge Funds"),
        ("Prices that stand still", "US Treasuries"),
        ("Prices that jump", "Global Bonds"),
        ("Twins", "MSCI US, Copy"),
        ("Held after the last price", "Hedge Funds"),
    ):
        assert f"***{kind}.*** {name}." in texts[0]
    assert "***A break in the dates.***" in texts[0]
    assert "***Few periods.*** Weights of 6 assets are estimated from 25 months, 4.2" in texts[0]
    assert f"The last is of {last.date()}, 200 days before" in texts[0]
    assert "Old prices" not in texts[1] and "no concern" not in texts[0]


def test_an_asset_without_a_window_is_named_and_has_no_weight(tmp_path):
    table = own_data.monthly()
    table.iloc[:120, 2] = np.nan
    parts = Parts(tmp_path, table, missing="keep")
    texts = parts.texts()
    assert "and so left out today: MSCI US." in texts["summary"]
    assert "of 5 assets, the most in" in texts["summary"]
    assert f"{60 / 5:.1f} months per asset" in texts["history"]
    assert "All 6 assets are there at the end" in texts["caveats"]
    weights = wording.weight_table(parts.inputs, parts.found, parts.groups)
    assert weights.loc["MSCI US", ["weight", "risk_share"]].tolist() == [0, 0]
    assert "MSCI US" not in wording.shown_weights(weights).index
    path = write(tmp_path, weights, "weights.csv")
    again = own_prices.read_inputs(tmp_path / "prices.csv", None, path, missing="keep")
    found = own_prices.build_portfolio(again, own_prices.make_plan(again))
    assert found.diagnosis["turnover"] == pytest.approx(0, abs=1e-4)
    assert wording.weight_table(again, found, parts.groups)["trade"].abs().max() < 1e-4


def test_an_asset_that_has_ended_is_named(tmp_path):
    table = own_data.monthly()
    table.iloc[-20:, 4] = np.nan
    text = Parts(tmp_path, table, missing="keep", window=30).texts()["caveats"]
    assert "Without a last return: Hedge Funds." in text and "All 6" not in text


def test_concerns_are_marked(tmp_path):
    table = own_data.monthly()
    table.iloc[80:, 0] /= 2
    parts = Parts(tmp_path, table)
    assert "***Prices that jump.*** Global Bonds." in parts.texts()["summary"]
    assert "***Look closer.*** There is 1 return" in parts.texts()["findings"]


@pytest.mark.parametrize(
    ("lookback", "fragment"), [(40, "no more than one"), (45, "few"), (200, "plenty")]
)
def test_history_says_what_the_ratio_means(parts, lookback, fragment):
    import dataclasses

    n_assets = 40 if lookback < 60 else 6
    wide = pd.DataFrame(0.0, parts.inputs.returns.index, range(n_assets))
    inputs = dataclasses.replace(parts.inputs, returns=wide)
    text = wording.history(inputs, dataclasses.replace(parts.plan, lookback=lookback))
    assert fragment in text and f"{lookback / n_assets:.1f} months per asset" in text


def test_where_groups_come_from(parts, tmp_path):
    given = parts.texts()["grouping"]
    assert "those of your file: bonds (3), equity (2), other (1)" in given
    learned = Parts(tmp_path, own_data.monthly()).texts()["grouping"]
    assert "**learned from past correlations**" in learned and "cluster 1 (" in learned


def test_the_comparison_names_the_winner_and_its_rivals(parts):
    text, table = parts.texts()["comparison"], parts.compared.volatility
    assert f"{table['volatility'].iloc[0]:.2%} a year" in text
    n_decisions = len(range(parts.plan.window, 150, 3))
    assert f"{n_decisions} times" in text
    told = text.split("luck:")[-1].split(" cannot be told")[0]
    named = set(told.strip().replace(" and ", ", ").replace("the ", "").split(", "))
    for name, included in table["included"].iloc[1:].items():
        assert (name.replace("the ", "") in named) == included


def test_trades_and_costs(parts):
    turnover = float((parts.found.weights - 1 / 6).abs().sum())
    text = parts.texts()["trades"]
    assert f"{turnover:.0%} of the wealth" in text and f"costs {turnover * 0.002:.2%}" in text


def test_the_difference_comes_with_its_standard_error(parts):
    returns = parts.compared.result.returns
    years = pd.Series(np.arange(len(returns)) // 12, returns.index)
    gap = returns["mixed model"] - returns["1/N"]
    by_year = gap.groupby(years).sum().iloc[: len(gap) // 12]
    text = parts.texts()["backtest"]
    assert f"{gap.mean() * 12:+.1%} a year" in text
    error = float(text.split("standard error of ")[1].split("%")[0]) / 100
    rough = float(by_year.std() / np.sqrt(len(by_year)))  # from years: the same size
    assert error == pytest.approx(gap.std() * 12 / np.sqrt(len(gap)), abs=6e-4)
    assert 0.4 < error / rough < 2.5


def test_caveats_are_computed(parts):
    text = parts.texts()["caveats"]
    sigma = parts.compared.result.returns["mixed model"].std() * np.sqrt(12)
    assert f"about {(2 * sigma / 0.01) ** 2:,.0f} years" in text
    assert f"All {6} assets" in text


def test_the_weights_table_adds_up_and_is_sorted(parts):
    table = wording.weight_table(parts.inputs, parts.found, parts.groups)
    assert list(table) == ["weight", "class", "risk_share", "previous", "trade"]
    assert table["weight"].sum() == pytest.approx(1, abs=1e-5)
    assert table["risk_share"].sum() == pytest.approx(1, abs=1e-5)
    assert table["weight"].is_monotonic_decreasing
    pd.testing.assert_series_equal(
        table["trade"], table["weight"] - 1 / 6, check_names=False, atol=2e-6
    )


def test_long_tables_are_cut(tmp_path):
    rng = np.random.default_rng(2)
    table = own_data.random_prices(rng, n_assets=5)
    wide = pd.concat(
        [table.add_prefix(f"x{k} ") * (1 + 0.01 * rng.random(table.shape)) for k in range(8)],
        axis=1,
    )
    parts = Parts(tmp_path, wide, max_position=0.03)
    shown = wording.shown_weights(wording.weight_table(parts.inputs, parts.found, parts.groups))
    assert len(shown) == wording.SHOWN + 1
    assert shown.index[-1].startswith("... ")


def test_shares_of_risk_by_source_add_up(parts):
    shares = wording.risk_by_source(parts.found)
    total = shares.sum(axis=1)
    expected = parts.found.attribution.by_asset[shares.index]
    np.testing.assert_allclose(total, expected, atol=1e-12)
    assert list(wording.source_table(parts.found).index) == list(shares.columns)


def test_equal_risk_and_wealth_are_explained(tmp_path):
    free = Parts(tmp_path, own_data.monthly(), max_position=1.0)
    assert "as large a share of the risk as of the wealth" in free.texts()["attribution"]
    capped = Parts(tmp_path, own_data.monthly(), max_position=0.2)
    assert "Risk and wealth differ most for" in capped.texts()["attribution"]


def test_every_table_has_text_in_every_cell(parts):
    i, p, f, c = parts.inputs, parts.plan, parts.found, parts.compared
    for table in (
        wording.settings(i, p),
        wording.comparison_table(c),
        wording.diagnosis_table(i, f),
        wording.source_table(f),
        wording.backtest_table(c),
        wording.shown_weights(wording.weight_table(i, f, parts.groups)),
    ):
        cells = table.to_numpy().ravel()
        assert all(isinstance(cell, str) and cell for cell in cells)
        assert not [cell for cell in cells if "nan" in cell]


def test_trades_are_given_in_money(parts):
    from dataclasses import replace

    table = wording.weight_table(parts.inputs, parts.found, parts.groups, 2e6)
    np.testing.assert_allclose(table["money"], 2e6 * table["weight"], atol=0.01)
    np.testing.assert_allclose(table["trade_money"], 2e6 * table["trade"], atol=0.01)
    shown = wording.shown_weights(table)
    assert shown["money"].iloc[0] == f"{table['money'].iloc[0]:,.0f}"
    assert shown["trade money"].iloc[0] == f"{table['trade_money'].iloc[0]:+,.0f}"
    turnover = float((parts.found.weights - 1 / 6).abs().sum())
    text = wording.trades(parts.inputs, parts.found, replace(parts.plan, capital=2e6))
    assert f"({2e6 * turnover * 0.002:,.0f})" in text


def test_groups_are_added_up(parts):
    table = wording.weight_table(parts.inputs, parts.found, parts.groups, 1000.0)
    shown = wording.group_table(table)
    bonds = table["weight"][table["class"] == "bonds"].sum()
    assert shown.loc["bonds", "weight"] == f"{bonds:.1%}"
    assert list(shown) == ["weight", "risk share", "previous", "trade", "money", "trade money"]
    held = wording.weights_over_time(parts.compared, parts.inputs.groups)
    np.testing.assert_allclose(held.sum(axis=1), 1)
    assert set(held) == {"bonds", "equity", "other"}
    single = wording.weights_over_time(parts.compared, None, most=2)
    assert list(single)[2:] == ["others"]
    np.testing.assert_allclose(single.sum(axis=1), 1)


def test_the_frontier_starts_at_the_portfolio_of_lowest_variance(parts):
    frontier = own_prices.frontier(parts.inputs, parts.plan, parts.found)
    points = own_prices.risk_and_return(parts.inputs, parts.plan, parts.found)
    expected = parts.found.diagnosis["volatility per period"] * 12**0.5
    assert frontier.volatility[0] == pytest.approx(expected, rel=1e-6)
    assert points["volatility"].iloc[0] == pytest.approx(expected, rel=1e-9)
    assert points["mean"].iloc[0] == pytest.approx(frontier.mean[0], abs=1e-6)
    assert list(points.index[:2]) == ["portfolio", "1/N"] and len(points) == 8
    live = wording.live_frontier(frontier, parts.found)
    assert live["start"] == 0 and len(live["points"]) == len(frontier.mean)
    assert (live["points"][0]["x"], live["points"][0]["y"]) == (5, 105)
    assert (live["points"][-1]["x"], live["points"][-1]["y"]) == (295, 5)
    for point in live["points"]:
        assert sum(point["weights"]) == pytest.approx(1, abs=2e-3)
    assert not wording.is_flat(frontier) and "within your limits" in wording.frontier_note(frontier)
    table = wording.frontier_table(frontier)
    assert table["volatility a year"].iloc[-1] == f"{frontier.volatility[-1]:.1%}"


def test_a_frontier_of_equal_means_is_called_none(parts):
    from dataclasses import replace

    frontier = own_prices.frontier(parts.inputs, parts.plan, parts.found)
    flat = replace(frontier, mean=np.full(len(frontier.mean), 0.05))
    assert wording.is_flat(flat) and "no frontier to show" in wording.frontier_note(flat)


def test_of_many_assets_the_control_shows_the_largest(parts):
    from dataclasses import replace

    frontier = own_prices.frontier(parts.inputs, parts.plan, parts.found)
    wide = pd.DataFrame(np.tile(np.arange(1, 31) / 465, (len(frontier.mean), 1)))
    found = replace(parts.found, weights=wide.iloc[0])
    live = wording.live_frontier(replace(frontier, weights=wide), found)
    assert live["assets"] == [str(place) for place in range(18, 30)]
