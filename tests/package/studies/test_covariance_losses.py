"""The study of covariance estimators: its truths, known laws, and its bookkeeping."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from mixfolio import montecarlo
from mixfolio.covariance import _estimators as covariance
from mixfolio.covariance import _losses as losses
from mixfolio.errors import DataError
from mixfolio.studies import covariance_losses as covariance_study

truths = pytest.mark.parametrize("truth", covariance_study.TRUTHS)


def run(n_replications=30, seed=1, **arguments):
    study = partial(covariance_study.estimator_losses, **arguments)
    return montecarlo.run(study, n_replications, seed=seed)


@truths
@pytest.mark.parametrize("n_assets", [2, 20, 63])
def test_truths_are_covariances(truth, n_assets):
    sigma = covariance_study.TRUTHS[truth](n_assets, np.random.default_rng(0))
    assert sigma.shape == (n_assets, n_assets)
    np.testing.assert_array_equal(sigma, sigma.T)
    assert np.linalg.eigvalsh(sigma)[0] > 0


def test_what_the_truths_are():
    rng = np.random.default_rng(0)
    assert covariance_study.TRUTHS["Toeplitz"](5, rng)[1, 4] == 0.125
    diagonal = covariance_study.TRUTHS["identity-like"](5, rng)
    np.testing.assert_allclose(diagonal, np.diag([0.8, 0.9, 1.0, 1.1, 1.2]))
    factor = covariance_study.TRUTHS["factor"](63, rng)
    spread = np.sqrt(np.diagonal(factor))
    eigenvalues = np.linalg.eigvalsh(factor / np.outer(spread, spread))
    assert eigenvalues[-1] > 10
    assert (eigenvalues > 1.2).sum() == pytest.approx(10, abs=2), "a market and nine industries"


def test_frobenius_loss_of_the_sample_is_that_of_a_wishart():
    """(tr^2 + tr of the square) / (n N), within 4 standard errors."""
    results = run(60, truth="Toeplitz", n_assets=20, n_periods=31, estimators=("sample",))
    sigma = covariance_study.TRUTHS["Toeplitz"](20, np.random.default_rng(0))
    wanted = (np.trace(sigma) ** 2 + np.square(sigma).sum()) / (30 * 20)
    found = montecarlo.summary(results).loc["frobenius sample"]
    assert abs(found["mean"] - wanted) < 4 * found["s.e."]


def test_minimum_variance_loss_of_the_sample_is_that_of_a_wishart():
    """From the first two moments of an inverse Wishart matrix, at the identity, n = 200, p = 40."""
    results = run(40, truth="identity-like", n_assets=40, n_periods=201, estimators=("sample",))
    n, p = 200, 40
    wanted = (n - 1) * (n - p - 1) / ((n - p) * (n - p - 3)) - 1
    found = montecarlo.summary(results).loc["minimum_variance sample"]
    assert abs(found["mean"] - wanted) < 4 * found["s.e."] + 0.02 * wanted


def test_portfolio_variance_of_the_sample_is_that_of_a_wishart():
    """(T - 2) / (T - N - 1) times the lowest in expectation, whatever the truth (T = 63, N = 20).

    The variance over the lowest is 1 + chi2(N - 1) / chi2(T - N + 1), independent of each other.
    """
    results = run(80, truth="Toeplitz", n_assets=20, n_periods=63, estimators=("sample",))
    wanted = (63 - 2) / (63 - 20 - 1) - 1
    found = montecarlo.summary(results).loc["portfolio_variance sample"]
    assert abs(found["mean"] - wanted) < 4 * found["s.e."]


def test_losses_are_those_of_the_estimates():
    found = covariance_study.estimator_losses(
        np.random.default_rng(5), truth="Toeplitz", n_assets=12, n_periods=40
    )
    rng = np.random.default_rng(5)
    sigma = 0.5 ** np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    train = rng.standard_normal((40, 12)) @ np.linalg.cholesky(sigma).T
    estimate = covariance.oas(train)
    assert found["frobenius OAS"] == losses.frobenius_loss(estimate, sigma)
    assert found["portfolio_variance OAS"] == losses.portfolio_variance(estimate, sigma)
    assert found["minimum_variance OAS"] == losses.minimum_variance_loss(estimate, sigma)
    assert found["qlike OAS"] == losses.qlike_loss(estimate, sigma)
    assert len(found) == 4 * len(covariance_study._COMPARED)


def test_a_longer_sample_continues_a_shorter_one():
    for truth in covariance_study.TRUTHS:
        draws = [covariance_study._draw(truth, 9, t, np.random.default_rng(3))[1] for t in (10, 20)]
        np.testing.assert_allclose(draws[1][:10], draws[0], rtol=1e-13)


def test_losses_without_an_inverse_are_left_out():
    results = run(3, truth="Toeplitz", n_assets=12, n_periods=12)
    assert "minimum_variance sample" not in results
    assert "qlike EWMA" not in results
    assert "minimum_variance nonlinear" in results
    table = covariance_study._loss_table(results)
    inverted = ["portfolio_variance", "minimum_variance", "qlike"]
    assert table.loc[["sample", "EWMA"], inverted].isna().all(axis=None)
    assert table.drop(["sample", "EWMA"]).notna().all(axis=None)


def test_table_by_hand():
    results = run(12, truth="Toeplitz", n_assets=10, n_periods=25)
    table = covariance_study._loss_table(results)
    assert list(table.index) == list(covariance_study._COMPARED)
    assert table.loc["sample", "PRIAL"] == table.loc["sample", "PRIAL s.e."] == 0
    wanted = 100 * (1 - results["frobenius OAS"].mean() / results["frobenius sample"].mean())
    assert table.loc["OAS", "PRIAL"] == pytest.approx(wanted, rel=1e-12)
    draws = results["qlike POET"]
    assert table.loc["POET", "qlike"] == pytest.approx(draws.mean(), rel=1e-12)
    assert table.loc["POET", "qlike s.e."] == pytest.approx(draws.std() / np.sqrt(12), rel=1e-12)


def test_curves_are_tables_side_by_side():
    draws = covariance_study.loss_draws(
        3, seed=4, ratios=(0.5, 2.0), truths=("Toeplitz", "factor"), n_assets=12
    )
    assert len(draws) == 2 * 2 * 3
    curves = covariance_study.loss_curves(draws)
    assert len(curves) == 2 * 2 * len(covariance_study._COMPARED)
    assert set(curves["n_periods"]) == {24, 6}
    results = run(3, seed=4, truth="Toeplitz", n_assets=12, n_periods=6)
    part = curves[(curves["truth"] == "Toeplitz") & (curves["ratio"] == 2.0)]
    part = part.set_index("estimator").drop(columns=["truth", "ratio", "n_periods"])
    pd.testing.assert_frame_equal(part, covariance_study._loss_table(results))


def cells(**columns):
    """Draws of one truth and ratio, with these losses."""
    n = len(next(iter(columns.values())))
    index = pd.MultiIndex.from_product(
        [["factor"], [0.5], [126], range(n)], names=["truth", "ratio", "n_periods", "replication"]
    )
    named = {f"portfolio_variance {name}": values for name, values in columns.items()}
    return pd.DataFrame(named, index=index, dtype=float)


def test_winners_are_compared_in_pairs():
    """B is behind by 1 every time though both vary by far more; C by 1 on average; D is absent."""
    noise = np.array([0.0, 10.0, 20.0, 30.0])
    draws = cells(
        A=noise + 1, B=noise + 2.0 + [0.1, -0.1, 0.1, -0.1], C=[9, 20, 12, 27], D=[np.nan] * 4
    )
    row = covariance_study.winners(draws).loc["factor", 0.5, 126]
    assert (row["best"], row["value"], row["tied"]) == ("A", 16.0, ("C",))
    assert row["s.e."] == pytest.approx(np.std(noise, ddof=1) / 2)


def test_winners_of_a_study():
    """A target that is true, against estimators that must learn it: no doubt, by any loss."""
    draws = covariance_study.loss_draws(
        10, seed=5, ratios=(1.0,), truths=("identity-like",), n_assets=30
    )
    for loss in ("portfolio_variance", "minimum_variance", "qlike", "frobenius"):
        row = covariance_study.winners(draws, loss=loss).iloc[0]
        field = draws.filter(regex=f"^{loss} ").mean()
        assert f"{loss} {row['best']}" == field.idxmin()
        assert row["value"] == pytest.approx(field.min())
        assert not {"PCA", "POET"} & {row["best"], *row["tied"]}


def test_winners_that_cannot_be():
    with pytest.raises(DataError, match="no losses named 'guess'"):
        covariance_study.winners(cells(A=[1, 2]), loss="guess")
    with pytest.raises(DataError, match="a single replication"):
        covariance_study.winners(cells(A=[1], B=[2]))


def test_who_wins_where_it_is_known():
    """Each by 4 standard errors: the target that is true, and the estimator made for the case."""
    alike = covariance_study._loss_table(run(20, truth="identity-like", n_periods=63, n_assets=63))
    for name in ("LW identity", "OAS"):
        assert alike.loc[name, "PRIAL"] > 80 + 4 * alike.loc[name, "PRIAL s.e."]
    factor = run(20, truth="factor", n_periods=126, n_assets=63)
    for loss in ("portfolio_variance", "minimum_variance"):
        gap = factor[f"{loss} LW identity"] - factor[f"{loss} nonlinear"]
        assert gap.mean() > 4 * gap.std() / np.sqrt(20)


def test_instability_is_that_of_square_samples():
    """At N = T the published form loses by far, at N = T / 2 both are one."""
    square = montecarlo.run(
        partial(covariance_study.instability, n_assets=100, n_periods=100), 5, seed=8
    )
    assert square["published"].mean() > 5 * square["stable"].mean()
    assert (square["stable"] < 1.5 * square["sample"]).all()
    tall = montecarlo.run(
        partial(covariance_study.instability, n_assets=50, n_periods=100), 5, seed=8
    )
    np.testing.assert_allclose(tall["published"], tall["stable"], rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"truth": "normal"}, "truth is 'normal'; it must be one of"),
        ({"n_assets": 1}, "n_assets is 1"),
        ({"n_periods": 2}, "n_periods is 2"),
        ({"estimators": ("sample", "guess")}, r"estimators has \['guess'\]"),
    ],
)
def test_studies_that_cannot_be(arguments, message):
    with pytest.raises(DataError, match=message):
        covariance_study.estimator_losses(np.random.default_rng(0), **arguments)


def test_curves_that_cannot_be():
    for ratio, message in ((0.0, "ratio is 0"), (50.0, "n_periods is 1"), ("x", "ratio is 'x'")):
        with pytest.raises(DataError, match=message):
            covariance_study.loss_draws(2, seed=1, ratios=(ratio,))
    with pytest.raises(DataError, match="no losses of the sample"):
        covariance_study._loss_table(pd.DataFrame({"frobenius OAS": [1.0]}))
