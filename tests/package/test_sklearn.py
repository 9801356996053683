"""The adapters are the functions that they stand for, and estimators that scikit-learn accepts."""

import inspect
import pickle
import subprocess
import sys
from types import UnionType
from typing import TypeVar

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils.estimator_checks import estimator_checks_generator

from mixfolio import covariance, mixed_model
from mixfolio import sklearn as adapters
from mixfolio.errors import DataError, MixfolioError

REQUIRED = {"halflife": 30.0, "n_factors": 1, "target": adapters.LinearShrinkage()}
MODULES = (covariance, mixed_model)
NO_COVARIANCE = {mixed_model.even_periods}  # gives returns


def adapter_classes():
    found = [getattr(adapters, name) for name in adapters.__all__]
    return [cls for cls in found if cls is not adapters.CovarianceEstimator]


def example(cls):
    """An estimator with defaults where there are some."""
    needed = inspect.signature(cls).parameters.values()
    return cls(**{p.name: REQUIRED[p.name] for p in needed if p.default is p.empty})


ESTIMATORS = [example(cls) for cls in adapter_classes()]
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)


def returns_table(seed=1, shape=(90, 4)):
    rng = np.random.default_rng(seed)
    values = rng.normal(0.004, 0.03, shape) + rng.normal(0.0, 0.02, (shape[0], 1))
    dates = pd.date_range("2001-01-31", periods=shape[0], freq="ME")
    return pd.DataFrame(values, dates, [f"asset{j}" for j in range(shape[1])])


def estimators_of(module):
    """Public functions that map returns to a matrix."""
    functions = [getattr(module, name) for name in module.__all__]
    signatures = {f: inspect.signature(f) for f in functions if inspect.isfunction(f)}
    return {
        function
        for function, signature in signatures.items()
        if next(iter(signature.parameters)) == "returns"
        and isinstance(signature.return_annotation, TypeVar | UnionType)
    }


def matrix_of(estimator, returns):
    """What the function that an estimator stands for gives, with labels."""
    parameters = estimator.get_params(deep=False)
    if "target" in parameters and hasattr(parameters["target"], "fit"):
        parameters["target"] = matrix_of(parameters["target"], returns)
    return type(estimator)._estimate(returns, **parameters)


def test_every_covariance_has_an_adapter():
    wanted = set().union(*map(estimators_of, MODULES)) - NO_COVARIANCE
    assert covariance.sample in wanted
    assert covariance.shrinkage_intensity not in wanted
    assert wanted == {cls._estimate for cls in adapter_classes()}


@pytest.mark.parametrize("cls", adapter_classes(), ids=lambda cls: cls.__name__)
def test_parameters_are_those_of_the_function(cls):
    _, *wanted = inspect.signature(cls._estimate).parameters.values()
    assert list(inspect.signature(cls).parameters.values()) == wanted


def checks():
    """scikit-learn's own, but for arrays of other libraries, which are switched off there."""
    for estimator in ESTIMATORS:
        for prepared, check in estimator_checks_generator(estimator):
            name = check.func.__name__
            if name != "check_array_api_input":
                label = f"{type(estimator).__name__}-{name}"
                yield pytest.param(prepared, check, id=label)


@pytest.mark.filterwarnings("ignore:the specific variance")  # some checks repeat a column
@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learn_accepts(estimator, check):
    check(estimator)


@every_estimator
@pytest.mark.parametrize("labelled", [True, False])
def test_fit_keeps_the_estimate_of_the_function(estimator, labelled):
    returns = returns_table()
    given = returns if labelled else returns.to_numpy()
    fitted = clone(estimator).fit(given)
    expected = matrix_of(estimator, given)  # arrays have no dates
    assert type(fitted.covariance_) is np.ndarray
    np.testing.assert_allclose(fitted.covariance_, expected, rtol=1e-12)
    robustly = type(estimator)._estimate.__module__ == "mixfolio.covariance._robust"
    centre = returns.median() if robustly else returns.mean()
    np.testing.assert_allclose(fitted.location_, centre, rtol=1e-12)
    assert fitted.n_features_in_ == 4
    assert list(getattr(fitted, "feature_names_in_", [])) == (list(returns) if labelled else [])


@every_estimator
def test_errors_are_those_of_the_package(estimator):
    returns = returns_table()
    returns.iloc[3, 2] = np.nan
    with pytest.raises(DataError, match=r"2001-04-30.*asset2"):
        clone(estimator).fit(returns)


def test_groups_are_matched_by_name():
    returns = returns_table(shape=(90, 6))
    groups = pd.Series(["a", "a", "a", "b", "b", "b"], index=returns.columns)
    found = adapters.MixedModel(groups=groups.iloc[::-1]).fit(returns).covariance_
    wanted = mixed_model.covariance(returns, groups)
    # Another layout of the same table may end the iteration a rounding earlier.
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    wrong = mixed_model.covariance(returns, pd.Series(list("ababab"), returns.columns))
    assert np.abs(wrong / wanted - 1).to_numpy().max() > 1e-3
    with pytest.raises(DataError, match="asset5"):
        adapters.MixedModel(groups=groups.iloc[:5]).fit(returns)


def test_a_matrix_is_a_target_too():
    returns = returns_table()
    target = covariance.linear_shrinkage(returns)
    found = adapters.EmpiricalBayes(target.iloc[::-1, ::-1]).fit(returns).covariance_
    np.testing.assert_allclose(found, covariance.empirical_bayes(returns, target), rtol=1e-12)


def test_a_bad_parameter_is_reported_when_fitting():
    estimator = adapters.LinearShrinkage(target="zero")
    with pytest.raises(DataError, match="zero"):
        estimator.fit(returns_table())


def test_a_failed_fit_leaves_no_estimate():
    estimator = adapters.Tyler()
    with pytest.raises(MixfolioError):
        estimator.fit(returns_table(shape=(5, 4)))
    assert not hasattr(estimator, "covariance_")


def test_score_is_the_mean_normal_log_likelihood():
    past, future = returns_table(1), returns_table(2)
    estimator = adapters.LinearShrinkage().fit(past)
    normal = multivariate_normal(estimator.location_, estimator.covariance_)
    assert estimator.score(future) == pytest.approx(normal.logpdf(future).mean(), rel=1e-10)
    gaps = future.to_numpy() - estimator.location_
    distances = np.einsum("ti,ij,tj->t", gaps, np.linalg.inv(estimator.covariance_), gaps)
    np.testing.assert_allclose(estimator.mahalanobis(future), distances, rtol=1e-8)


def test_a_grid_search_finds_the_likeliest_intensity():
    returns, folds = returns_table(shape=(40, 12)), KFold(4)
    grid = np.linspace(0.05, 0.95, 7)
    found = GridSearchCV(adapters.LinearShrinkage(), {"intensity": grid}, cv=folds).fit(returns)
    scores = []
    for past, future in folds.split(returns):
        past, future = returns.iloc[past], returns.iloc[future]
        matrices = [covariance.linear_shrinkage(past, intensity=a) for a in grid]
        scores.append([multivariate_normal(past.mean(), m).logpdf(future).mean() for m in matrices])
    best = np.mean(scores, axis=0).argmax()
    assert 0 < best < len(grid) - 1
    assert found.best_params_ == {"intensity": grid[best]}


@every_estimator
def test_clones_and_pickles_are_equal(estimator):
    returns = returns_table()
    fitted = clone(estimator).fit(returns)
    again = pickle.loads(pickle.dumps(fitted))
    assert repr(again) == repr(estimator)
    np.testing.assert_array_equal(again.covariance_, fitted.covariance_)
    assert again.score(returns) == fitted.score(returns)


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_without_scikit_learn_the_error_says_what_to_install():
    done = run("import sys; sys.modules['sklearn'] = None; import mixfolio.sklearn")
    assert done.returncode == 1
    assert "ImportError: mixfolio.sklearn needs scikit-learn" in done.stderr
    assert "pip install 'mixfolio[sklearn]'" in done.stderr


def test_no_other_module_and_no_other_library_is_imported():
    done = run(
        "import sys, mixfolio.sklearn\n"
        "print([name for name in ('skfolio', 'matplotlib', 'pypfopt') if name in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr
