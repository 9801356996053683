"""What the workflows run is named by its content, which nobody can change afterwards."""

import re

import pytest

from tools.build.project import Project

FILES = sorted((Project().root / ".github" / "workflows").glob("*.yml"))
USES = re.compile(r"^\s*(?:- )?[\"']?uses[\"']?\s*:\s*(.*)$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def unpinned(text):
    return [used for used in USES.findall(text) if not PINNED.fullmatch(used)]


def test_every_action_is_named_by_its_commit():
    assert sum(len(USES.findall(path.read_text(encoding="utf-8"))) for path in FILES) >= 10
    assert [line for path in FILES for line in unpinned(path.read_text(encoding="utf-8"))] == []


def test_one_action_has_one_commit():
    used = {line for path in FILES for line in USES.findall(path.read_text(encoding="utf-8"))}
    names = [line.split("@")[0] for line in used]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    "line",
    [
        "      - uses: actions/checkout@v4",
        "      - uses: actions/checkout@main # v4.3.1",
        "        uses: actions/checkout@34e114876b0b11c390a56381ad16ebd13914f8d # v4.3.1",
        "        uses: actions/checkout@34e114876b0b11c390a56381ad16ebd13914f8d5",
        "        uses: docker://python:3.12",
    ],
)
def test_an_action_that_can_change_is_seen(line):
    assert unpinned(line)
