"""What the reader sees while the book is built: one line a step, then a summary."""

import json
import os
import time
from collections import defaultdict
from pathlib import Path

from doit.exceptions import BaseFail, UnmetDependency
from doit.reporter import ConsoleReporter

CHAPTER_STAGES = ("execute", "validate")


def _split(task_name: str) -> tuple[str, str]:
    stage, _, chapter = task_name.partition(":")
    return stage, chapter


class ProgressReporter(ConsoleReporter):
    """Prints ``[done/total] chapter  stage  seconds`` and the time of each stage."""

    desc = "one line a chapter and stage, then a summary"

    def __init__(self, outstream, options):
        super().__init__(outstream, options)
        self.started: dict[str, float] = {}
        self.spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.counts: dict[str, int] = {"done": 0, "current": 0, "failed": 0}
        self.begun = 0.0
        self.total = 0
        self.messages: list[str] = []

    def write(self, text: str) -> None:
        self.outstream.write(text)
        self.outstream.flush()

    def initialize(self, tasks, selected_tasks):
        self.begun = time.monotonic()
        needed = _closure(tasks, selected_tasks)
        self.total = sum(_split(name)[0] in CHAPTER_STAGES and ":" in name for name in needed)

    def execute_task(self, task):
        self.started[task.name] = time.monotonic()
        if task.actions and ":" not in task.name:
            self.write(f"{'':9}{task.name} ...\n")

    def _finish(self, task) -> float:
        now = time.monotonic()
        start = self.started.pop(task.name, now)
        if task.actions:
            self.spans[_split(task.name)[0]].append((start, now))
        return now - start

    def _line(self, task, text: str) -> None:
        stage, chapter = _split(task.name)
        if chapter and stage in CHAPTER_STAGES:
            self.counts["done"] += 1
            counter = f"[{self.counts['done']:2}/{self.total}]"
            self.write(f"{counter:9}{chapter:26}{stage:10}{text}\n")
        elif task.actions:
            self.write(f"{'':9}{task.name:36}{text}\n")

    def add_success(self, task):
        self._line(task, f"{self._finish(task):6.1f} s")

    def skip_uptodate(self, task):
        self.counts["current"] += 1
        if _split(task.name)[1]:
            self.counts["done"] += 1

    def add_failure(self, task, fail: BaseFail):
        seconds = self._finish(task)
        if not fail.report or isinstance(fail, UnmetDependency):
            return
        self.counts["failed"] += 1
        self._line(task, f"{seconds:6.1f} s  FAILED")
        stage, chapter = _split(task.name)
        self.messages.append(f"\nFAILED   {stage}  {chapter}\n{fail.get_msg().strip()}\n")

    def complete_run(self):
        for message in [*self.messages, *self.runtime_errors]:
            self.write(message)
        if self.messages or self.runtime_errors:
            return
        if self.started:
            self.write("Interrupted. What is finished is kept; the next run goes on from there.\n")
            return
        stages = {stage: _busy(spans) for stage, spans in self.spans.items()}
        self.write(_summary(time.monotonic() - self.begun, _environment_time(), stages))


def _closure(tasks, selected: list[str]) -> set[str]:
    """The selected tasks and everything that they depend on."""
    pending, seen = list(selected), set()
    while pending:
        name = pending.pop()
        if name in seen or name not in tasks:
            continue
        seen.add(name)
        pending.extend([*tasks[name].task_dep, *tasks[name].setup_tasks])
    return seen


def _busy(spans: list[tuple[float, float]]) -> float:
    """Length of the union of the intervals: tasks of a stage run side by side."""
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
