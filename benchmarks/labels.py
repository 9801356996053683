"""What labels cost: the same call with a DataFrame, and with the array inside it.

Labels are checked, matched and put on the result. The extra time of a call is the difference of
both times in each round, in microseconds.
"""

import measure
import numpy as np

from mixfolio import covariance, optimization

SIZES = (10, 50, 250)
HIGHEST = 100.0


def rows(n):
    returns = measure.returns(2 * n, n)
    matrix = covariance.sample(returns)
    calls = {
        "covariance.sample": (covariance.sample, returns),
        "covariance.linear_shrinkage": (covariance.linear_shrinkage, returns),
        "optimization.minimum_variance": (optimization.minimum_variance, matrix),
        "optimization.hierarchical_risk_parity": (optimization.hierarchical_risk_parity, matrix),
    }
    return [cost(name, n, function, table) for name, (function, table) in calls.items()]


def cost(name, n, function, table):
    values = np.array(table)
    return measure.extra(
        f"labels of {name.rpartition('.')[2]}",
        f"N = {n}",
        lambda: function(table),
        lambda: function(values),
        at_most=HIGHEST,
    )


if __name__ == "__main__":
    measure.require_one_thread()
    measure.report({"rows": [row for n in SIZES for row in rows(n)]})
