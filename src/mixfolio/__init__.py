"""Portfolio optimization under estimation error.

The companion package of the book *Portfolios from Noisy Data*. Functions come
first: an estimator maps returns to a covariance or a mean, an allocator maps
those to weights. Labels that go in come out.
"""

__version__ = "0.1.0"
