"""Worlds that are not the model's own: their truths, and what is lost in them."""

import numpy as np
import pandas as pd
import pytest

from mixfolio import simulation
from mixfolio.errors import DataError
from mixfolio.studies import misspecified

SMALL = {"n_train": 60, "n_per_industry": 3}


def drawn():
    return simulation.FactorWorld(n_per_industry=3).draw(np.random.default_rng(2))


@pytest.mark.parametrize("world", misspecified.WORLDS)
def test_every_estimator_has_a_loss_and_a_bias_and_none_beats_the_truth(world):
    found = misspecified.losses(np.random.default_rng(1), world=world, **SMALL)
    names = [f"{name}, {what}" for name in misspecified.COMPARED for what in ("loss", "bias")]
    assert set(found) == {*names, "intensity"}
    assert min(value for name, value in found.items() if name.endswith("loss")) >= -1e-12
    assert 0 <= found["intensity"] <= 1
    assert found == misspecified.losses(np.random.default_rng(1), world=world, **SMALL)


@pytest.mark.parametrize("world", ["its own", "heavy tails", "free factors", "no factors"])
def test_the_truth_is_the_covariance_of_many_periods(world):
    rng = np.random.default_rng(3)
    returns, truth = misspecified._simulate(drawn(), world, 60_000, rng)
    scale = np.sqrt(np.diagonal(truth))
    gap = (returns.cov() - truth) / np.outer(scale, scale)
    assert np.abs(gap.to_numpy()).max() < (0.25 if world == "heavy tails" else 0.03)


def test_heavy_tails_are_heavy():
    returns, _ = misspecified._simulate(drawn(), "heavy tails", 20_000, np.random.default_rng(4))
    assert returns.kurt().min() > 3


def test_drifting_loadings_keep_their_place_and_part_of_their_size():
    starts, ends = [], []
    for seed in range(40):
        world = simulation.FactorWorld(n_per_industry=3).draw(np.random.default_rng(seed))
        _, truth = misspecified._drifting(world, 30, np.random.default_rng([seed, 1]))
        before, variance = world.truth, world.specific_variance
        pairs = np.triu_indices(len(before), 1)
        starts.append(before.to_numpy()[pairs])
        ends.append(truth.to_numpy()[pairs])
        np.testing.assert_array_less(variance, np.diagonal(truth))
    correlation = np.corrcoef(np.concatenate(starts), np.concatenate(ends))[0, 1]
    assert 0.6 < correlation < 0.95


def test_with_wrong_groups_only_those_who_use_them_change():
    found = {
        world: pd.Series(misspecified.losses(np.random.default_rng(6), world=world, **SMALL))
        for world in ("its own", "wrong groups")
    }
    changed = found["its own"] != found["wrong groups"]
    assert set(changed.index[changed]) == {"mixed model, loss", "mixed model, bias", "intensity"}


def test_a_world_that_does_not_exist():
    with pytest.raises(DataError, match="world is 'mine'; it must be one of"):
        misspecified.losses(np.random.default_rng(1), world="mine")
