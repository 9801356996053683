"""``datapackage.json``: the Frictionless descriptor of ``data/``."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tools.data_sets.archives import SOURCES, Archives
from tools.data_sets.files import DATA
from tools.data_sets.spec import DataSet, Origin
from tools.data_sets.tables import Table

Entry = dict[str, Any]

PUBLISHED = {
    "demiguel2009": "DeMiguel, Garlappi and Uppal (2009), Tables 3, 4 and 5, the columns of the "
    "three data sets whose returns are public. Turnover of 1/N is absolute, of the others a "
    "multiple of it.",
    "mixed-models": "What R 4.2.2 with lme4 1.1-31, nlme 3.1-162 and sommer 4.4.2 fits to the "
    "returns in mixed-models-returns: persistent effects of assets, a common slope on the market.",
    "mixed-models-returns": "Two simulated panels, drawn once with R 4.2.2: twelve assets over 40 "
    "periods, and ten related assets over 60.",
    "mixed-models-relationship": "The relationship matrix of the ten related assets.",
}
INDEX = {
    "demiguel2009": ("table", "strategy"),
    "mixed-models": ("panel", "software"),
    "mixed-models-returns": ("panel", "period"),
    "mixed-models-relationship": ("asset",),
}


def describe_fields(spec: DataSet, table: Table, archives: Archives) -> list[dict[str, str]]:
    """Schema fields: name, type, role, group, and what else is known of the column."""
    groups = spec.groups(archives) if spec.groups else {}
    details = spec.details(archives) if spec.details else {}
    source_names = {new: old for old, new in spec.renamed.items()}
    fields: list[dict[str, str]] = [{"name": "date", "type": "date", "format": "default"}]
    for column in table.header[1:]:
        entry = {"name": column, "type": "number", "role": spec.role(column)}
        if column in groups and entry["role"] == "asset":
            entry["group"] = groups[column]
        if column in source_names:
            entry["source_name"] = source_names[column]
        fields.append({**entry, **details.get(column, {})})
    return fields


def licences(spec: DataSet) -> list[dict[str, str]]:
    """The licence of every package used, each package once."""
    used = dict.fromkeys(SOURCES[origin.package] for origin in spec.origins)
    return [
        {"name": source.licence, "title": f"{source.licence_title}, as distributed"}
        for source in used
    ]


def describe_origin(origin: Origin) -> dict[str, str]:
    """Package, file inside it, and the archive with its sha256."""
    source = SOURCES[origin.package]
    return {
        "title": f"{source.package} {source.version}",
        "path": origin.path,
        "archive": source.archive,
        "archive_sha256": source.sha256,
    }


def optional(spec: DataSet) -> dict[str, str]:
    """What only some data sets have."""
    entries = {
        "compression": "gz" if spec.compress else "",
        "market": spec.market,
        "group_label": spec.group_label,
        "reference": spec.reference,
    }
    return {key: value for key, value in entries.items() if value}


def describe(spec: DataSet, table: Table, stored: bytes, archives: Archives) -> Entry:
    """One resource of the Frictionless data package."""
    fields = describe_fields(spec, table, archives)
    return {
        "name": spec.name,
        "path": spec.filename,
        "profile": "tabular-data-resource",
        "title": spec.title,
        "description": spec.description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(stored),
        "hash": "sha256:" + hashlib.sha256(stored).hexdigest(),
        "licenses": licences(spec),
        "sources": [describe_origin(origin) for origin in spec.origins],
        "kind": spec.kind,
        "unit": spec.unit,
        "frequency": spec.frequency,
        "first": table.rows[0][0],
        "last": table.rows[-1][0],
        "rows": len(table.rows),
        "main_role": spec.main_role,
        "defects": [{"what": d.what, "action": d.action} for d in spec.defects],
        **optional(spec),
        "schema": {"fields": fields, "primaryKey": "date", "missingValues": [""]},
    }


def describe_published(name: str, reference: str) -> Entry:
    """The descriptor's entry of results of others, and of what they belong to, kept by hand."""
    content = (DATA / "published" / f"{name}.csv").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    path = f"published/{name}.csv"
    entry: Entry = {"name": name, "path": path, "hash": f"sha256:{digest}"}
    return {**entry, "reference": reference, "index": list(INDEX[name])}


def as_json(content: Mapping[str, Any]) -> bytes:
    """Indented JSON in which an object without inner objects takes one line."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    compact = re.sub(r"\{[^{}\[\]]*\}", lambda m: re.sub(r"\n\s*", " ", m[0]), text)
    assert json.loads(compact) == content, "compaction changed the descriptor"
    return compact.encode("utf-8")


def package(resources: Sequence[Entry]) -> Entry:
    """The Frictionless descriptor of the folder."""
    return {
        "profile": "tabular-data-package",
        "name": "portfolios-from-noisy-data",
        "title": "Data of the book Portfolios from Noisy Data",
        "description": "Rebuilt from pinned packages by tools/rebuild_data.py. The licence of "
        "each file is that of the package that distributes it; the figures themselves remain "
        "those of their publishers.",
        "resources": list(resources),
        "published": [describe_published(*item) for item in PUBLISHED.items()],
    }
