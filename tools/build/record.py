"""The record of finished steps, which doit would write when a build ends.

Here it is written after every step, whole or not at all: whatever ends a build, a power cut
included, the next one goes on from there. doit finds this class by ``pyproject.toml``.
"""

from pathlib import Path

from doit.dependency import JsonDB

from tools.build.project import write_atomically

LAST = "deps:"  # what doit sets last when a step has succeeded


class SavedAtOnce(JsonDB):
    """doit's file of JSON, saved as soon as a step is done."""

    desc = "a JSON file, written after each step"

    def set(self, task_id: str, dependency: str, value: object) -> None:
        super().set(task_id, dependency, value)
        if dependency == LAST:
            self.dump()

    def dump(self) -> None:
        write_atomically(Path(self.name), self.codec.encode(self._db))
