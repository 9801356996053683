"""Compute nonlinear.json again: nonlinear shrinkage in arithmetic of 50 digits.

    python tests/golden/make_nonlinear.py            # rewrites it
    python tests/golden/make_nonlinear.py --check    # compares instead, and fails if they differ

The published formulas as they are printed, on mtcars.csv from its means and eigenvectors on, and
the Hilbert transform of the kernel at points from 1e-6 to 1e9. Needs `pip install mpmath==1.4.1`.
"""

import csv
import json
import sys
from pathlib import Path

import mpmath as mp

FOLDER = Path(__file__).parent
mp.mp.dps = 50
ROOT5 = mp.sqrt(5)


def kernel(x):
    return 3 / (4 * ROOT5) * max(mp.mpf(0), 1 - x * x / 5)


def hilbert(x):
    log = mp.log(abs((ROOT5 - x) / (ROOT5 + x)))
    return -3 * x / (10 * mp.pi) + 3 / (4 * ROOT5 * mp.pi) * (1 - x * x / 5) * log


def smooth(function, at, values, h):
    return sum(function((at - v) / (h * v)) / (h * v) for v in values) / len(values)


def shrunken(values, n):
    """All eigenvalues, rising; `values` are those that are not null."""
    h, c = mp.mpf(n) ** (-mp.mpf(1) / 3), mp.mpf(len(values)) / n
    for v in values:
        f, Hf = (mp.pi * c * v * smooth(g, v, values, h) for g in (kernel, hilbert))
        yield v / (f**2 + (1 - c - Hf) ** 2)


def of_table(rows, n):
    X = mp.matrix(rows)
    for j in range(X.cols):
        mean = sum(X[:, j]) / X.rows
        for i in range(X.rows):
            X[i, j] -= mean
    values, vectors = mp.eigsy(X.T * X / n)
    d = list(shrunken(list(values), n))
    return list(values), d, vectors * mp.diag(d) * vectors.T


def null_case(values, n, p):
    """More assets than degrees of freedom: the replacement of null and of other eigenvalues."""
    h = mp.mpf(n) ** (-mp.mpf(1) / 3)
    zero = smooth(hilbert, mp.mpf(0), values, h)
    floor = 1 / (mp.pi * (mp.mpf(p) / n - 1) * zero)
    squares = (
        smooth(kernel, v, values, h) ** 2 + smooth(hilbert, v, values, h) ** 2 for v in values
    )
    rest = [v / ((mp.pi * v) ** 2 * square) for v, square in zip(values, squares, strict=True)]
    return [floor] * (p - n) + rest


def main():
    with (FOLDER / "mtcars.csv").open(encoding="utf-8") as file:
        rows = [[mp.mpf(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    values, d, matrix = of_table(rows, len(rows) - 1)
    points = [10.0**k for k in range(-6, 10)] + [2.0, 2.2, 2.3, 5.0, 11.9, 12.1, 29.0, 31.0]
    spiked = [mp.mpf(j) ** 3 / 1000 for j in range(1, 41)]
    made = {
        "eigenvalues": [float(v) for v in values],
        "shrunken": [float(v) for v in d],
        "covariance": [[float(matrix[i, j]) for j in range(11)] for i in range(11)],
        "hilbert": [[x, float(hilbert(mp.mpf(x)))] for x in points],
        "as many": [[float(v) for v in spiked], [float(v) for v in shrunken(spiked, 40)]],
        "fewer": [[float(v) for v in spiked], [float(v) for v in null_case(spiked, 40, 60)]],
    }
    path = FOLDER / "nonlinear.json"
    if "--check" in sys.argv:
        if json.loads(path.read_text(encoding="utf-8")) != made:
            sys.exit("nonlinear.json differs")
    else:
        path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
