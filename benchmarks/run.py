"""Run benchmarks and record them: ``python benchmarks/run.py [simulation ...]``.

Every other script in this folder that has a function ``main`` and prints one JSON document is a
benchmark. Each runs in a process of its own, with one thread for linear algebra. Those not asked
for keep their place in results.json.
"""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cpuinfo
import numpy  # noqa: F401  loads the library that is described
import scipy.linalg  # noqa: F401
from measure import ONE_THREAD
from threadpoolctl import threadpool_info

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results.json"
HELPERS = {"environment", "measure", "peers", "run"}
PACKAGES = (
    "mixfolio",
    "numpy",
    "pandas",
    "quadprog",
    "scipy",
    "statsmodels",
    "clarabel",
    "cvxpy",
    "pyportfolioopt",
    "riskfolio-lib",
    "scikit-learn",
    "skfolio",
)


def machine() -> dict[str, Any]:
    """What matters for speed, and nothing that says where or whose it is."""
    information = cpuinfo.get_cpu_info()
    memory = None
    if hasattr(os, "sysconf"):
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    return {
        "processor": information.get("brand_raw", platform.machine()),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory in GiB": memory,
        "system": platform.system(),
    }


def versions() -> dict[str, str]:
    libraries = {
        f"{item['internal_api']} {item['version']}, kernel {item.get('architecture', 'unknown')}"
        for item in threadpool_info()
        if item["user_api"] == "blas"
    }
    return {
        "python": platform.python_version(),
        "linear algebra": "; ".join(sorted(libraries)),
        **{name: version(name) for name in PACKAGES},
    }


def run(name: str) -> dict[str, Any]:
    """Run one benchmark; what it prints beside its document passes through."""
    print(f"benchmark: {name} ...", flush=True)
    load = {"load before": round(os.getloadavg()[0], 2)} if hasattr(os, "getloadavg") else {}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", FOLDER / f"{name}.py"],
        stdout=subprocess.PIPE,
        env={**os.environ, **ONE_THREAD},
        check=True,
        text=True,
    )
    return load | json.loads(done.stdout)


def main(names: list[str]) -> None:
    known = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in HELPERS)
    if unknown := set(names) - set(known):
        sys.exit(f"no benchmark {sorted(unknown)}; there are {known}")
    old = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    results = {name: row for name, row in old.get("benchmarks", {}).items() if name in known}
    for name in names or known:
        results[name] = run(name)
        record(results)


def record(benchmarks: dict[str, Any]) -> None:
    """Write what there is so far; an interrupted run loses one benchmark."""
    document = {
        "machine": machine(),
        "versions": versions(),
        "threads": 1,
        "benchmarks": {name: benchmarks[name] for name in sorted(benchmarks)},
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
