"""What the reader sees while the book is built: one line for each step, then a summary."""

import json
import os
import time
from collections import defaultdict
from pathlib import Path

from doit.exceptions import UnmetDependency
from doit.reporter import ConsoleReporter

CHAPTER_STAGES = ("execute", "validate")


class ProgressReporter(ConsoleReporter):
    """Prints ``[done/total] chapter  stage  seconds`` and the time of each stage."""

    desc = "one line for each chapter and stage, then a summary"

    def __init__(self, outstream, options):
        super().__init__(outstream, options)
        self.begun = time.monotonic()
        self.started: dict[str, float] = {}
        self.spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.done = self.total = 0
        self.failed: list[str] = []

    def write(self, text):
        super().write(text)
        self.outstream.flush()

    def initialize(self, tasks, selected_tasks):
        needed, pending = set(), list(selected_tasks)
        while pending:
            if (name := pending.pop()) not in needed:
                needed.add(name)
                pending += tasks[name].task_dep
        self.total = sum(
            name.startswith(f"{stage}:") for stage in CHAPTER_STAGES for name in needed
        )

    def execute_task(self, task):
        self.started[task.name] = time.monotonic()
        if task.actions and ":" not in task.name:
            self.write(f"{'':9}{task.name} ...\n")

    def _finish(self, task, outcome: str = "") -> None:
        now = time.monotonic()
        begun = self.started.pop(task.name, now)
        if not task.actions:
            return
        stage, _, chapter = task.name.partition(":")
        self.spans[stage].append((begun, now))
        self.done += bool(chapter)
        counter = f"[{self.done:2}/{self.total}]" if chapter else ""
        what = f"{chapter:26}{stage:10}" if chapter else f"{stage:36}"
        self.write(f"{counter:9}{what}{now - begun:6.1f} s{outcome}\n")

    def add_success(self, task):
        self._finish(task)

    def skip_uptodate(self, task):
        self.done += ":" in task.name

    def add_failure(self, task, fail):
        if fail.report and not isinstance(fail, UnmetDependency):
            self._finish(task, "  FAILED")
            stage, _, chapter = task.name.partition(":")
            headline = f"FAILED   {stage}  {chapter}"
            self.failed.append(headline)
            self.write(f"\n{headline}\n{fail.get_msg().strip()}\n\n")

    def complete_run(self):
        kept = "What is finished is kept; the next run goes on from there.\n"
        if self.failed:
            self.write("\n".join(["In short (the messages are above):", *self.failed, ""]))
        self.write("".join(self.runtime_errors))
        if self.started:
            self.write(f"Interrupted. {kept}")
        elif self.failed:
            self.write(kept)
        elif not self.runtime_errors:
            stages = {stage: _busy(spans) for stage, spans in self.spans.items()}
            self.write(_summary(time.monotonic() - self.begun, _environment_time(), stages))


def _busy(spans: list[tuple[float, float]]) -> float:
    """Length of the union of the intervals: steps of a stage run side by side."""
    total, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def _summary(build: float, environment: float, stages: dict[str, float]) -> str:
    """The time of the whole, then of each stage; stages overlap, so they are no summands."""
    known = {"environment": environment, **stages} if environment else stages
    if not known:
        return "Up to date.\n"
    parts = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in known.items())
    note = " (stages overlap)" if len(stages) > 1 else ""
    return f"Time: {build + environment:.0f} s in all; {parts}{note}.\n"


def _environment_time() -> float:
    """Seconds that the set-up before this run took, when it did anything."""
    path = Path(os.environ.get("BOOK_ENVIRONMENT_TIME", ""))
    if not path.is_file():
        return 0.0
    seconds = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return float(seconds)
