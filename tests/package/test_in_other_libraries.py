"""The package's covariances at work in PyPortfolioOpt and skfolio themselves."""

import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypfopt import EfficientFrontier
from skfolio.model_selection import WalkForward, cross_val_predict
from skfolio.moments import BaseCovariance
from skfolio.optimization import MeanRisk
from skfolio.prior import EmpiricalPrior
from sklearn.base import clone

from mixfolio.covariance import _estimators as covariance
from mixfolio.expected_returns import _estimators as expected_returns
from mixfolio.optimization import _optimizers as optimization
from mixfolio.sklearn import LinearShrinkage, SampleCovariance
from tests.package.test_sklearn import ESTIMATORS, every_estimator, matrix_of, returns_table

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def their_warnings():
    """What the other libraries say to each other is not ours to answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def variance_gap(weights, matrix):
    """Relative variance above the lowest that long-only weights reach."""
    lowest = optimization.minimum_variance(matrix)
    return float(weights @ matrix @ weights) / float(lowest @ matrix @ lowest) - 1


@every_estimator
def test_pyportfolioopt_takes_every_matrix_as_it_is(estimator):
    returns = returns_table(seed=3, shape=(90, 6))
    matrix = matrix_of(estimator, returns)
    frontier = EfficientFrontier(expected_returns.sample(returns), matrix)
    weights = pd.Series(frontier.min_volatility())
    assert list(weights.index) == list(returns.columns)
    assert abs(variance_gap(weights, matrix)) < 1e-5


def test_pyportfolioopt_finds_the_portfolio_of_highest_sharpe_ratio():
    returns = returns_table(seed=4, shape=(90, 6))
    mean, matrix = expected_returns.sample(returns), covariance.linear_shrinkage(returns)
    theirs = EfficientFrontier(mean, matrix)
    weights = pd.Series(theirs.max_sharpe(risk_free_rate=0.0))
    ours = optimization.maximum_sharpe(mean, matrix)
    pd.testing.assert_series_equal(weights, ours, atol=2e-4, check_names=False)


def minimum_risk(estimator):
    return MeanRisk(prior_estimator=EmpiricalPrior(covariance_estimator=estimator))


@every_estimator
def test_skfolio_takes_every_estimator(estimator):
    returns = returns_table(seed=5, shape=(90, 6))
    fitted = minimum_risk(estimator).fit(returns)
    used = fitted.prior_estimator_.return_distribution_.covariance
    matrix = matrix_of(estimator, returns)
    np.testing.assert_allclose(used, matrix, rtol=1e-12)
    assert abs(variance_gap(fitted.weights_, matrix.to_numpy())) < 1e-5


def test_skfolio_calls_the_estimators_its_own():
    for estimator in ESTIMATORS:
        assert isinstance(clone(estimator), BaseCovariance)


def test_cross_val_predict_is_a_plain_loop():
    returns = returns_table(seed=6, shape=(120, 5))
    folds = WalkForward(train_size=60, test_size=12)
    estimator = LinearShrinkage(target="constant_correlation")
    predicted = cross_val_predict(minimum_risk(estimator), returns, cv=folds)
    expected = []
    for past, future in folds.split(returns):
        matrix = covariance.linear_shrinkage(returns.iloc[past], target="constant_correlation")
        expected.append(returns.iloc[future] @ optimization.minimum_variance(matrix))
    np.testing.assert_allclose(predicted.returns, pd.concat(expected), atol=2e-5)


def test_in_parallel_it_is_the_same():
    returns = returns_table(seed=6, shape=(120, 5))
    folds = WalkForward(train_size=60, test_size=30)
    results = [
        cross_val_predict(minimum_risk(SampleCovariance()), returns, cv=folds, n_jobs=n).returns
        for n in (1, 2)
    ]
    np.testing.assert_array_equal(*results)


def test_an_estimator_that_is_older_than_skfolio_is_taken_too():
    code = """
import numpy as np
from mixfolio.sklearn import SampleCovariance
estimator = SampleCovariance()
from skfolio.optimization import MeanRisk
from skfolio.prior import EmpiricalPrior
returns = np.random.default_rng(1).normal(0, 0.01, (60, 4))
print(MeanRisk(prior_estimator=EmpiricalPrior(covariance_estimator=estimator)).fit(returns))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True)
    assert done.returncode == 0, done.stderr


def recipe(chapter):
    """The names that the code of a chapter's box "Use it elsewhere" defines."""
    text = (Path(__file__).parents[2] / "chapters" / f"{chapter}.md").read_text("utf-8")
    names = {}
    exec(re.search(r"^~~~python\n(.*?)^~~~$", text, re.S | re.M)[1], names)
    return names


def test_the_recipe_of_the_chapter_on_shrinkage_runs():
    names = recipe("06-shrinkage")
    weights = pd.Series(names["frontier"].clean_weights())
    assert abs(variance_gap(weights, names["sigma"])) < 1e-3


def test_the_recipe_of_the_chapter_on_means_and_views_runs():
    names = recipe("07-means-and-views")
    weights = pd.Series(names["frontier"].clean_weights())
    ours = optimization.mean_variance(names["mean"], names["sigma"], risk_aversion=4)
    np.testing.assert_allclose(weights, ours, atol=1e-4)
    ours = expected_returns.black_litterman(
        names["sigma"], names["market"], names["view"], risk_aversion=2.5
    ).mean
    np.testing.assert_allclose(names["model"].bl_returns(), ours, rtol=1e-6)
