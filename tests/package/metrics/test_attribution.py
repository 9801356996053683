"""Risk decompositions add up, follow the definition, and refuse what cannot be decomposed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixfolio import metrics
from mixfolio.errors import DataError, SingularCovarianceError
from mixfolio.metrics import _attribution as attribution
from mixfolio.mixed_model import covariance_reml, panel_reml

NAMES = ["A", "B", "C", "D"]


def make_parts(seed=0, n_assets=4, n_parts=3):
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((n_parts, n_assets, n_assets))
    names = [f"A{i}" for i in range(n_assets)]
    return {
        f"part {j}": pd.DataFrame(1e-4 * factor @ factor.T, names, names)
        for j, factor in enumerate(factors)
    }


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.lists(st.floats(-3, 3), min_size=2, max_size=12),
    st.integers(1, 4),
)
def test_shares_add_up_by_source_by_asset_and_to_the_variance(seed, weights, n_parts):
    parts = make_parts(seed, len(weights), n_parts)
    w = np.array(weights) + 0.01
    total = sum(parts.values())
    found = attribution.risk_attribution(w, parts)
    assert found.variance == pytest.approx(w @ total.to_numpy() @ w, rel=1e-9)
    assert found.by_source.sum() == pytest.approx(1, abs=1e-12)
    assert found.by_asset.sum() == pytest.approx(1, abs=1e-12)
    assert found.contributions.to_numpy().sum() == pytest.approx(found.variance, rel=1e-12)
    volatility = found.volatility_contributions.to_numpy().sum()
    assert volatility == pytest.approx(found.volatility, rel=1e-12)
    np.testing.assert_allclose(
        found.by_asset, metrics.risk_contributions(w, total), rtol=1e-7, atol=1e-9
    )


def test_contributions_are_weight_times_derivative():
    parts = make_parts()
    w, total = np.array([0.5, -0.2, 0.4, 0.3]), sum(parts.values()).to_numpy()
    found = attribution.risk_attribution(w, parts).volatility_contributions.sum(axis=1)
    for i, step in enumerate(1e-6 * np.eye(4)):
        slope = np.sqrt((w + step) @ total @ (w + step)) - np.sqrt((w - step) @ total @ (w - step))
        assert found.iloc[i] == pytest.approx(w[i] * slope / 2e-6, rel=1e-7)


def test_contributions_by_hand():
    parts = {"market": np.array([[4.0, 2.0], [2.0, 1.0]]), "specific": np.eye(2)}
    found = attribution.risk_attribution([0.5, -0.5], parts)
    table = {"market": [0.5, -0.25], "specific": [0.25, 0.25]}
    pd.testing.assert_frame_equal(found.contributions, pd.DataFrame(table))
    assert found.variance == 0.75
    assert found.by_source.to_dict() == pytest.approx({"market": 1 / 3, "specific": 2 / 3})
    assert found.by_asset.tolist() == [1.0, 0.0]


def test_a_fitted_model_is_decomposed_into_factors_kernels_and_residual():
    rng = np.random.default_rng(0)
    names = [f"A{i}" for i in range(8)]
    points = rng.standard_normal((8, 2))
    kernels = {
        "near": np.exp(-np.abs(np.subtract.outer(points[:, 0], points[:, 0]))),
        "alike": np.exp(-np.abs(np.subtract.outer(points[:, 1], points[:, 1]))),
    }
    market = rng.standard_normal(60)
    returns = pd.DataFrame(market[:, None] + rng.standard_normal((60, 8)), columns=names)
    model = covariance_reml(returns, kernels, factors=market)
    weights = pd.Series(1 / 8, names)
    found = attribution.risk_attribution(weights.iloc[::-1], model)
    assert list(found.by_source.index) == ["factors", "near", "alike", "residual"]
    assert list(found.by_asset.index) == names
    assert found.variance == pytest.approx(weights @ model.covariance() @ weights, rel=1e-12)
    systematic = weights @ model.covariance("systematic") @ weights
    assert found.by_source.iloc[:-1].sum() * found.variance == pytest.approx(systematic, rel=1e-12)
    hidden = attribution.risk_attribution(weights, model.components())
    pd.testing.assert_frame_equal(found.contributions, hidden.contributions)


def test_weights_are_matched_by_name():
    parts = make_parts()
    w = pd.Series([0.1, 0.2, 0.3, 0.4], ["A3", "A1", "A0", "A2"])
    found = attribution.risk_attribution(w, parts).contributions
    wanted = attribution.risk_attribution(w.sort_index().to_numpy(), parts).contributions
    pd.testing.assert_frame_equal(found, wanted)


def test_bad_input():
    parts = make_parts()
    means = panel_reml(np.random.default_rng(0).standard_normal((30, 4)))
    with pytest.raises(DataError, match=r"type PanelModel, .* Give what covariance_reml"):
        attribution.risk_attribution(np.ones(4), means)
    with pytest.raises(DataError, match=r"type ndarray, .* a mapping of names to matrices"):
        attribution.risk_attribution(np.ones(4), np.eye(4))
    with pytest.raises(DataError, match="no parts"):
        attribution.risk_attribution([1.0], {})
    with pytest.raises(DataError, match=r"weights .* 1 missing"):
        attribution.risk_attribution(pd.Series(0.25, ["A0", "A1", "A2", "A9"]), parts)
    with pytest.raises(DataError, match="part 'part 1' is not symmetric"):
        attribution.risk_attribution(np.ones(4), parts | {"part 1": np.triu(np.ones((4, 4)))})
    turned = parts["part 1"].iloc[::-1, ::-1]
    for other in (turned, parts["part 1"].to_numpy(), make_parts(n_assets=5)["part 1"]):
        with pytest.raises(DataError, match="'part 0' and 'part 1' have different assets"):
            attribution.risk_attribution(np.ones(4), parts | {"part 1": other})
    with pytest.raises(SingularCovarianceError, match="not all zero"):
        attribution.risk_attribution(np.zeros(4), parts)
    with pytest.raises(SingularCovarianceError, match="variance of -4"):
        attribution.risk_attribution(np.ones(4), {"all": -np.eye(4)})
