"""The book's studies: published numbers, laws they must obey, and what they are made of."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from mixfolio import montecarlo
from mixfolio.covariance import _estimators as covariance
from mixfolio.errors import SingularCovarianceError
from mixfolio.optimization import _hierarchy as hierarchy
from mixfolio.optimization import _optimizers as optimization
from mixfolio.simulation import FactorWorld, Noise
from mixfolio.studies import laws as estimation_error
from mixfolio.studies import published as studies

REPLICATIONS = 30
PUBLISHED_DESIGN = ("truth", "sample", "PCA, no diagonal", "hierarchical", "equal")
# Medians of exact solutions over 100 replications, recorded before this code was written.
MEDIANS = {
    "Gaussian": (24.35, 7.88, 24.15, 22.45, 9.10),
    "GARCH, unmatched": (11.02, 3.49, 10.86, 9.83, 7.16),
}
NOISES = {"Gaussian": Noise(), "GARCH, unmatched": Noise("garch", match_variance=False)}


@pytest.fixture(scope="module")
def published():
    """Thirty replications of the published design, with either noise."""
    return {
        name: montecarlo.run(
            partial(studies.information_ratios, noise=noise, estimators=PUBLISHED_DESIGN),
            REPLICATIONS,
            seed=20,
        )
        for name, noise in NOISES.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("estimator", PUBLISHED_DESIGN)
def test_published_medians(published, noise, estimator):
    """Within 4 standard errors of the difference of two medians, 1.25 s / sqrt(n) each."""
    found = published[noise][f"{estimator} out"]
    wanted = MEDIANS[noise][PUBLISHED_DESIGN.index(estimator)]
    error = np.sqrt(np.pi / 2) * found.std(ddof=1) * np.sqrt(1 / REPLICATIONS + 1 / 100)
    assert error < 0.1 * wanted
    assert abs(found.median() - wanted) < 4 * error


@pytest.mark.parametrize("noise", NOISES)
def test_the_order_of_the_published_study(published, noise):
    means = published[noise].mean()
    out = [means[f"{name} out"] for name in ("truth", "PCA, no diagonal", "hierarchical")]
    assert out == sorted(out, reverse=True)
    assert means["hierarchical out"] > means["equal out"] > means["sample out"]
    assert means["sample in"] > 3 * means["truth in"]


def test_the_headline_is_a_theorem(published):
    """Sample over truth, paired: the exact laws within 4 standard errors of 30 replications."""
    table = published["Gaussian"]
    for kind, law in (
        ("out", estimation_error.realised_ratio),
        ("in", estimation_error.perceived_ratio),
    ):
        ratios = table[f"sample {kind}"] / table["truth in"].mean()
        error = ratios.std(ddof=1) / np.sqrt(REPLICATIONS)
        assert abs(ratios.mean() - law(450, 500)) < 4 * error + 0.02 * law(450, 500)


def test_matched_tails_have_no_detectable_effect():
    """The same seeds with Gaussian and with matched GARCH noise, on a small world."""
    tables = [
        montecarlo.run(
            partial(
                studies.information_ratios,
                world=FactorWorld(n_per_industry=6),
                noise=noise,
                n_train=120,
                n_test=250,
                estimators=("truth", "sample", "equal"),
            ),
            60,
            seed=2,
        )
        for noise in (Noise(), Noise("garch"), Noise("garch", match_variance=False))
    ]
    for name in ("truth out", "sample out"):
        gap = tables[0][name] - tables[1][name]
        assert abs(gap.mean()) < 4 * gap.std(ddof=1) / np.sqrt(60)
        wide = tables[0][name] - tables[2][name]
        assert wide.mean() > 8 * wide.std(ddof=1) / np.sqrt(60), "at five times the variance"


# ------------------------------------------------------------------------------- what it is


def small(**options):
    world = FactorWorld(n_per_industry=3)
    options = {"world": world, "n_train": 60, "n_test": 40} | options
    return studies.information_ratios(np.random.default_rng(3), **options)


def test_one_replication_step_by_step():
    """The documented steps in order, with formulas in place of the package's portfolios."""
    rng = np.random.default_rng(3)
    world = FactorWorld(n_per_industry=3).draw(rng)
    returns = world.simulate(100, rng).to_numpy()
    train, mean = returns[:60], world.mean.to_numpy()

    def tangent(mean, matrix):
        inverse = np.linalg.inv(matrix)
        return inverse @ (mean - (inverse @ mean).sum() / inverse.sum())

    S = np.cov(train.T)
    inner = np.zeros((27, 9))
    for j, name in enumerate(dict.fromkeys(world.groups)):
        member = np.flatnonzero(world.groups == name)
        inner[member, j] = tangent(mean[member], S[np.ix_(member, member)])
    pca = covariance.pca(train, n_factors=10)
    weights = {
        "truth": tangent(mean, world.truth.to_numpy()),
        "sample": tangent(mean, S),
        "equal": np.sign(mean),
        "hierarchical": inner @ np.linalg.inv(inner.T @ S @ inner) @ inner.T @ mean,
        "PCA": tangent(mean, pca),
        "Ledoit-Wolf": tangent(mean, covariance.linear_shrinkage(train)),
        "clipped": tangent(mean, covariance.clip_eigenvalues(train)),
    }
    found = small()
    for name, w in weights.items():
        for part, values in (("in", train @ w), ("out", returns[60:] @ w)):
            ratio = values.mean() / values.std(ddof=1) * np.sqrt(250)
            assert found[f"{name} {part}"] == pytest.approx(ratio, rel=1e-8), (name, part)
    assert set(found) == {f"{n} {p}" for n in studies.PORTFOLIOS for p in ("in", "out")}


def test_the_order_and_choice_of_estimators_changes_no_number():
    everything = small()
    some = small(estimators=("sample", "truth"))
    assert list(some) == ["sample in", "sample out", "truth in", "truth out"]
    assert some == {name: everything[name] for name in some}


def test_information_ratio_by_hand():
    """Mean 2, deviation sqrt(2 / 2) = 1, four periods a year: 4."""
    assert studies.information_ratio(np.array([1.0, 2.0, 3.0]), 4) == pytest.approx(4.0)


def test_truth_knows_the_noise():
    """The portfolio of the truth is not fooled by unmatched variance, nor by industries."""
    world = FactorWorld(n_per_industry=3).draw(np.random.default_rng(0))
    for noise in NOISES.values():
        found = studies.PORTFOLIOS["truth"](world, noise, np.empty((0, 27)))
        wanted = optimization.zero_cost_sharpe(world.mean, world.covariance(noise))
        np.testing.assert_array_equal(found, wanted)


def test_the_sample_needs_more_periods_than_assets():
    for n_train in (27, 20):
        with pytest.raises(SingularCovarianceError, match="needs more periods than assets"):
            small(estimators=("sample",), n_train=n_train)
    run = partial(
        studies.information_ratios, world=FactorWorld(n_per_industry=3), n_train=27, n_test=10
    )
    with pytest.raises(montecarlo.StudyError, match=r"replication 0 .*SingularCovarianceError"):
        montecarlo.run(run, 2, seed=0)
    others = ("truth", "equal", "hierarchical", "PCA", "Ledoit-Wolf", "clipped")
    assert np.isfinite(list(small(estimators=others, n_train=20).values())).all()


def test_the_published_hierarchy_looks_ahead_and_ours_does_not():
    """Change the test period: the published portfolio moves, the others do not."""
    rng = np.random.default_rng(5)
    world = FactorWorld(n_per_industry=3).draw(rng)
    returns = world.simulate(100, rng).to_numpy()
    train, mean = np.cov(returns[:60].T), world.mean.to_numpy()
    inner = np.zeros((27, 9))
    for j, name in enumerate(dict.fromkeys(world.groups)):
        member = np.flatnonzero(world.groups == name)
        block = train[np.ix_(member, member)]
        inner[member, j] = optimization.zero_cost_sharpe(mean[member], block)
    wanted = inner @ np.linalg.inv(inner.T @ np.cov(returns.T) @ inner) @ np.ones(9)
    found = studies._published_hierarchical(world, returns[:60], returns)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-10 * np.abs(wanted).max())
    changed = np.vstack([returns[:60], 2 * returns[60:] - 0.01])
    one, two = (studies._published_hierarchical(world, r[:60], r) for r in (returns, changed))
    assert np.abs(one / np.abs(one).max() - two / np.abs(two).max()).max() > 0.01
    for portfolio in studies.PORTFOLIOS.values():
        a, b = (portfolio(world, Noise(), r[:60]) for r in (returns, changed))
        np.testing.assert_array_equal(a, b)
    ratios = small(as_published=True)
    assert {"hierarchical, published in", "hierarchical, published out"} <= set(ratios)


def test_hierarchical_uses_the_industries():
    world = FactorWorld(n_per_industry=4).draw(np.random.default_rng(1))
    train = world.simulate(200, np.random.default_rng(2)).to_numpy()
    found = studies.PORTFOLIOS["hierarchical"](world, Noise(), train)
    wanted = hierarchy.cluster_then_allocate(
        world.mean, pd.DataFrame(np.cov(train.T), world.mean.index, world.mean.index), world.groups
    )
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)


def test_law_points_obey_the_laws():
    """Means over 60 replications within 4 standard errors, at 27 assets and 60 periods."""
    study = partial(studies.law_point, n_per_industry=3, n_train=60)
    table = montecarlo.run(study, 60, seed=4)
    wanted = {
        "realised": estimation_error.realised_ratio(27, 60),
        "perceived": estimation_error.perceived_ratio(27, 60),
        "variance": estimation_error.minimum_variance_inflation(27, 60),
    }
    assert list(table.columns) == list(wanted)
    z = (table.mean() - pd.Series(wanted)) / (table.std() / np.sqrt(60))
    assert (z.abs() < 4).all()


def test_one_industry():
    """The law for 100 assets, and the figures of the one published run within those of 40."""
    table = montecarlo.run(studies.one_industry, 40, seed=6)
    for name, figure in {
        "sample in": 11.78,
        "sample out": 12.29,
        "equal out": 7.31,
        "long-only sample in": 2.16,
        "long-only sample out": 1.86,
        "long-only equal out": 1.57,
    }.items():
        assert table[name].min() < figure < table[name].max(), name
    gap = table["sample out"] - estimation_error.realised_ratio(100, 500) * table["truth out"]
    assert abs(gap.mean()) < 4 * gap.std(ddof=1) / np.sqrt(40)
    means = table.mean()
    assert means["truth out"] > means["sample out"] > means["equal out"]
    assert means["equal out"] > 2 * means["long-only truth out"]


def test_frontiers_and_turnover():
    mean, matrix = np.array([0.01, 0.02, 0.03]), np.diag([1e-4, 4e-4, 9e-4]) + 1e-5
    study = partial(studies.three_frontiers, mean=mean, matrix=matrix, n_periods=24, n_points=5)
    table = montecarlo.run(study, 40, seed=7)
    assert table.shape == (40, 20)
    estimated, realised = (
        table[[f"{kind} volatility {j}" for j in range(5)]].mean()
        for kind in ("estimated", "realised")
    )
    assert realised.iloc[0] > estimated.iloc[0], "the estimate of the lowest risk is too low"
    assert table["estimated mean 4"].mean() > table["realised mean 4"].mean()

    def turnover(window):
        study = partial(studies.noise_turnover, mean=mean, matrix=matrix, window=window)
        return montecarlo.run(partial(study, n_decisions=12), 10, seed=8).mean()

    short, long = turnover(20), turnover(400)
    assert (short > long).all()
    assert (long > 0).all()


# ------------------------------------------------------------------- what follows the published


@pytest.fixture
def small_worlds(monkeypatch):
    """Every study draws worlds of nine industries with three assets each."""
    monkeypatch.setattr(studies, "FactorWorld", lambda **_: FactorWorld(n_per_industry=3))


def same_draw(seed, n_train):
    """Mean, covariance and history of the world that a study draws first."""
    rng = np.random.default_rng(seed)
    world = FactorWorld(n_per_industry=3).draw(rng)
    train = world.simulate(n_train, rng).to_numpy()
    return world.mean.to_numpy(), world.truth.to_numpy(), train


def tangent(mean, matrix):
    inverse = np.linalg.inv(matrix)
    return inverse @ (mean - (inverse @ mean).sum() / inverse.sum())


def over_best(w, mean, truth):
    best = tangent(mean, truth)
    return w @ mean / np.sqrt(w @ truth @ w) * np.sqrt(best @ truth @ best) / (best @ mean)


def test_factor_counts_by_formulas(small_worlds):
    mean, truth, train = same_draw(4, 60)
    found = studies.factor_counts(np.random.default_rng(4), counts=(1, 10), n_train=60)
    assert list(found) == [
        f"{kind} {k}" for k in (1, 10) for kind in ("with diagonal", "limit without")
    ]
    S = np.cov(train.T)
    values, vectors = np.linalg.eigh(S)
    for k in (1, 10):
        low_rank = sum(
            values[-j] * np.outer(vectors[:, -j], vectors[:, -j]) for j in range(1, k + 1)
        )
        matrix = low_rank + np.diag(np.diagonal(S - low_rank))
        assert found[f"with diagonal {k}"] == pytest.approx(
            over_best(tangent(mean, matrix), mean, truth)
        )
        # Without a diagonal, next to none: risk of the components only.
        limit = tangent(mean, low_rank + 1e-9 * np.trace(S) * np.eye(27))
        wanted = over_best(limit, mean, truth)
        assert found[f"limit without {k}"] == pytest.approx(wanted, rel=1e-4)


def test_all_components_are_the_sample(small_worlds):
    mean, truth, train = same_draw(1, 60)
    found = studies.factor_counts(np.random.default_rng(1), counts=(27,), n_train=60)
    wanted = over_best(tangent(mean, np.cov(train.T)), mean, truth)
    assert found["with diagonal 27"] == pytest.approx(wanted)


def test_cluster_errors_cost_and_true_clusters_are_learned():
    """The default world; errors in no cluster are none, and learned clusters are the true ones."""
    found = studies.cluster_errors(np.random.default_rng(1), shares=(0.0, 0.3, 1.0))
    assert list(found) == ["wrong 0", "wrong 0.3", "wrong 1", "learned", "agreement"]
    assert found["agreement"] == 1
    assert found["learned"] == pytest.approx(found["wrong 0"], rel=1e-9)
    assert 1 > found["wrong 0"] > max(found["wrong 0.3"], found["wrong 1"]) + 0.05


def test_agreement_counts_pairs(small_worlds, monkeypatch):
    """Two clusters of the nine taken for one: of 27^2 pairs, 2 * 3 * 3 are judged wrongly."""
    merged = np.repeat(np.arange(9), 3)
    merged[merged == 8] = 0
    monkeypatch.setattr(studies.optimization, "correlation_clusters", lambda *_, **__: merged)
    found = studies.cluster_errors(np.random.default_rng(1), shares=(), n_train=60)
    assert found["agreement"] == 1 - 18 / 27**2


def test_overlapping_clusters_are_no_better_than_the_truth(small_worlds):
    """With a history without end the sample is the truth, and clusters can only restrict it."""
    long = studies.overlapping_clusters(np.random.default_rng(2), n_train=30_000)
    assert 0.995 < long["no clusters"] <= 1
    assert max(long["first industry only"], long["both industries"]) < 1 + 1e-12
    study = partial(studies.overlapping_clusters, n_train=40)
    means = montecarlo.run(study, 40, seed=3).mean()
    assert means["first industry only"] > means["no clusters"] + 0.1


def test_overlapping_clusters_differ_where_stocks_overlap(small_worlds, monkeypatch):
    """Both ways of seeing it get a membership each: nine industries, more of them in the second."""
    seen = []
    whole = studies.optimization.cluster_then_allocate
    monkeypatch.setattr(
        studies.optimization,
        "cluster_then_allocate",
        lambda mean, matrix, member: seen.append(member) or whole(mean, matrix, member),
    )
    for seed in range(20):
        studies.overlapping_clusters(np.random.default_rng(seed), n_train=60)
    first, both = np.array(seen[::2]), np.array(seen[1::2])
    assert (first.sum(axis=2) == 1).all()
    assert ((both == 1) | (both == 0)).all()
    assert (both >= first).all()
    # A fifth of 540 draws have a second industry, which is the first again in one of nine.
    share = (both.sum(axis=2) == 2).mean()
    assert abs(share - 0.2 * 8 / 9) < 4 * np.sqrt(0.18 * 0.82 / 540)


def test_minimum_variance_losses_by_formulas():
    options = {"n_per_industry": 3, "n_train": 60}
    found = studies.minimum_variance_losses(np.random.default_rng(4), **options)
    _, truth, train = same_draw(4, 60)
    lowest = optimization.minimum_variance(truth)
    chosen = optimization.minimum_variance(np.cov(train.T))
    floor = lowest @ truth @ lowest
    assert found["equal weight"] == pytest.approx(np.sqrt(truth.mean() / floor))
    assert found["minimum variance"] == pytest.approx(np.sqrt(chosen @ truth @ chosen / floor))
    assert min(found.values()) > 1
    assert found["equal weight"] == max(found.values())
    options["n_train"] = 30_000
    long = studies.minimum_variance_losses(np.random.default_rng(4), **options)
    assert 1 <= long["minimum variance"] < 1.001
    for name, w in {
        "hierarchical risk parity": hierarchy.hierarchical_risk_parity(np.cov(train.T)),
        "nested, true clusters": hierarchy.nested_clusters(np.cov(train.T), np.repeat(range(9), 3)),
    }.items():
        assert found[name] == pytest.approx(np.sqrt(w @ truth @ w / floor))


def test_tails_without_tails_obey_the_law():
    study = partial(
        studies.tails, degrees_of_freedom=np.inf, common=True, n_per_industry=3, n_train=60
    )
    ratios = montecarlo.run(study, 60, seed=5)["sample"]
    gap = ratios.mean() - estimation_error.realised_ratio(27, 60)
    assert abs(gap) < 4 * ratios.std() / np.sqrt(60)


def test_common_tails_call_for_robust_estimates_and_single_ones_do_not():
    def gain(common):
        options = {"degrees_of_freedom": 2.5, "common": common}
        study = partial(studies.tails, n_per_industry=3, n_train=60, **options)
        table = montecarlo.run(study, 40, seed=6)
        gaps = table["Tyler"] - table["sample"]
        return gaps.mean() / (gaps.std() / np.sqrt(40))

    together, alone = gain(common=True), gain(common=False)
    assert together > 4
    assert together > alone


def test_common_tails_keep_the_covariance(monkeypatch):
    """The history that estimators see has the mean and the covariance of the world."""
    seen = {}
    monkeypatch.setattr(
        studies,
        "COMMON_TAIL_ESTIMATORS",
        {"kept": lambda train: seen.setdefault("train", train) is train and np.cov(train.T)},
    )
    options = {"degrees_of_freedom": 8.0, "common": True, "n_per_industry": 3}
    studies.tails(np.random.default_rng(7), n_train=40_000, **options)
    mean, truth, _ = same_draw(7, 1)
    train = seen["train"]
    found = np.diagonal(np.cov(train.T)) / np.diagonal(truth)
    assert np.abs(found - 1).max() < 0.1
    z = (train.mean(axis=0) - mean) / np.sqrt(np.diagonal(truth) / len(train))
    assert np.abs(z).max() < 4.5
    squares = np.square((train - mean) / np.sqrt(np.diagonal(truth)))
    together = np.corrcoef(squares[:, 0], squares[:, 26])[0, 1]
    assert together > 0.1, "large moves come to all at once"
