"""Which commit the sources are of: the colophon says it, and the build asks whether it changed."""

import subprocess

from tools.build.project import Project

SOURCES = ("book", "chapters", "data", "src", "tests/reference", "tools", "requirements.lock")


def _git(project: Project, *command: str) -> str:
    """What git says of the sources; empty without git, or outside a repository."""
    if not (project.root / ".git").exists():
        return ""
    present = [name for name in SOURCES if (project.root / name).exists()]
    asked = ["git", "--no-optional-locks", *command, "--", *present]
    try:
        done = subprocess.run(asked, cwd=project.root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def commit(project: Project) -> str:
    """The last commit that touched the sources, with its date, and whether they changed since."""
    found = _git(project, "log", "-1", "--format=`%h` of %cs")
    changed = found and _git(project, "status", "--porcelain")
    return f"{found}, with changes that are not committed" if changed else found
