"""What is said of a data set: its origins, how it is made, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tools.data.archives import Archives
from tools.data.tables import Table


@dataclass(frozen=True)
class Origin:
    """A file inside a source package."""

    package: str
    path: str


@dataclass(frozen=True)
class Defect:
    """Something wrong or surprising in the original, and what was done about it."""

    what: str
    action: str


@dataclass(frozen=True)
class DataSet:
    """One file of ``data/``: how it is made and what a reader must know about it."""

    name: str
    title: str
    description: str
    kind: str
    unit: str
    frequency: str
    origins: tuple[Origin, ...]
    build: Callable[[Archives], Table]
    defects: tuple[Defect, ...]
    main_role: str = "asset"
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Callable[[Archives], Mapping[str, str]] | None = None
    group_label: str = ""
    details: Callable[[Archives], Mapping[str, Mapping[str, str]]] | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    market: str = ""
    reference: str = ""
    compress: bool = False

    @property
    def filename(self) -> str:
        """Name of the file in ``data/``."""
        return f"{self.name}.csv.gz" if self.compress else f"{self.name}.csv"

    def role(self, column: str) -> str:
        """Role of a column: the main one unless the column is listed under another."""
        return next((r for r, names in self.roles.items() if column in names), self.main_role)
