r"""Thresholding of the correlations that principal components leave behind, for POET.

With the leading k eigenvectors V of S = Y'Y / n, the residuals are U = Y (I - V V'). Scaled to
variance one they are Z, with correlations ``r_ij = sum_t z_it z_jt / n``. Fan, Liao and Mincheva
(2013) pull each toward zero by

    C (1 / sqrt(N) + sqrt(log N / T)) sqrt(v_ij),    v_ij = sum_t (z_it z_jt - r_ij)^2 / T,

so that one whose products are noisier loses more. At some C nothing is left but the diagonal.

References
----------
Fan, J., Liao, Y. and Mincheva, M. (2013). Large covariance estimation by thresholding principal
orthogonal complements. Journal of the Royal Statistical Society B 75, 603-680; section 2.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cholesky

from mixfolio import _linalg
from mixfolio._inputs import Array, read_number
from mixfolio.errors import DataError

LOWEST_EIGENVALUE = 0.01
NO_RESIDUAL = 1e-7
ACCURACY = 1e-3


@dataclass(frozen=True)
class Residuals:
    """A covariance split into that of components and that of what they leave.

    Attributes
    ----------
    low_rank : ndarray of shape (n_assets, n_assets)
    spread : ndarray of shape (n_assets,)
        Standard deviations of the residuals.
    correlation : ndarray of shape (n_assets, n_assets)
        Of the residuals.
    unit : ndarray of shape (n_assets, n_assets)
        What C multiplies; 0 on the diagonal.
    """

    low_rank: Array
    spread: Array
    correlation: Array
    unit: Array

    def softened(self, constant: float) -> Array:
        """Correlations pulled toward zero by `constant` times the unit."""
        size = np.abs(self.correlation)
        size -= constant * self.unit
        np.maximum(size, 0.0, out=size)
        return np.copysign(size, self.correlation, out=size)

    def constant(self, lowest: float) -> float:
        """The smallest constant from `lowest` on that keeps the correlations positive definite.

        Parameters
        ----------
        lowest : float

        Returns
        -------
        float
            To 1 part in 1000, by bisection, from above: no eigenvalue of what it leaves is below
            0.01.

        Raises
        ------
        DataError
            If `lowest` is not a nonnegative number.
        """
        low = read_number(lowest, "threshold")
        if low < 0:
            raise DataError(f"threshold is {low}; it must not be negative.")
        if self._is_definite(low):
            return low
        off = self.unit > 0
        high = float((np.abs(self.correlation[off]) / self.unit[off]).max())
        while high - low > ACCURACY * high:
            middle = (low + high) / 2
            low, high = (low, middle) if self._is_definite(middle) else (middle, high)
        return high

    def covariance(self, constant: float) -> Array:
        """Low rank plus thresholded residuals, positive definite where every asset has some."""
        matrix = self.softened(constant)
        matrix *= np.outer(self.spread, self.spread)
        matrix += self.low_rank
        return matrix

    def _is_definite(self, constant: float) -> bool:
        matrix = self.softened(constant)
        matrix.flat[:: len(matrix) + 1] -= LOWEST_EIGENVALUE
        try:
            cholesky(matrix, overwrite_a=True, check_finite=False)
        except LinAlgError:
            return False
        return True


def residuals(Y: Array, n: int, n_factors: int) -> Residuals:
    """Split a sample covariance into components and residuals.

    Parameters
    ----------
    Y : ndarray of shape (n_periods, n_assets)
        Centred returns of assets that move.
    n : int
        Degrees of freedom.
    n_factors : int

    Returns
    -------
    Residuals
        An asset that the components explain but for rounding has spread 0 and no correlation.
    """
    n_periods, n_assets = Y.shape
    eigenvalues, vectors = _linalg.leading(Y.T @ Y / n, n_factors)
    root = vectors * np.sqrt(eigenvalues)
    U = Y - (Y @ vectors) @ vectors.T
    total, spread = (np.sqrt(np.square(x).sum(axis=0) / n) for x in (Y, U))
    spread[spread <= NO_RESIDUAL * total] = 0.0
    Z = np.where(spread > 0, U, 0.0) / np.where(spread > 0, spread, 1.0)
    correlation = Z.T @ Z / n
    squares = np.square(Z)
    # sum_t (z_i z_j - r)^2 / T, with sum_t z_i z_j = n r.
    noise = squares.T @ squares / n_periods
    noise -= (2 * n / n_periods - 1) * np.square(correlation)
    unit = np.sqrt(np.maximum(noise, np.finfo(float).eps))
    unit *= 1 / np.sqrt(n_assets) + np.sqrt(np.log(n_assets) / n_periods)
    np.fill_diagonal(correlation, 1.0)
    np.fill_diagonal(unit, 0.0)
    return Residuals(root @ root.T, spread, correlation, unit)
