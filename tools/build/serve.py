"""Serve the book while you write: ``python -m tools.build.serve [--port 8000]``.

Watches the sources, rebuilds into ``build/preview`` when one changes, and lets
open pages reload themselves. Chapters are executed but not validated here; an
edit of prose alone executes nothing. A rebuild that fails is reported and the
last good pages stay.
"""

import errno
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.build import exclusive, processes
from tools.build.project import Argument, Project, UserError, run_command
from tools.site import render

WATCHED = ("chapters", "book", "src", "data", "tools", "_config.yml")
POLL = 0.7  # seconds
RELOAD = b"""(() => { let seen; setInterval(async () => {
  try { const now = await (await fetch("/__version")).text();
    if (seen && now !== seen) location.reload(); seen = now; } catch (error) {} }, 1000); })();"""


def changed(path: Path) -> int | None:
    """When the file was changed last; None if it is none, or was removed this moment."""
    try:
        return path.stat().st_mtime_ns if path.is_file() else None
    except OSError:
        return None


class Preview:
    """The preview's directory, and a counter of the builds that it has seen."""

    def __init__(self, project: Project):
        self.project = project
        self.directory = project.build_dir / "preview"
        self.version = 0
        self.seen = self.snapshot()  # before the first build, so that no edit is missed

    def build(self) -> None:
        command = [sys.executable, "-m", "doit", "preview"]
        with exclusive.build(self.project, wait=True):
            status, _ = processes.run(command, self.project.root)
        if status == 0:
            self.version += 1
        else:
            print("The last good pages stay; waiting for the next change.", flush=True)

    def refresh(self, changed: list[Path]) -> bool:
        """Show an edit of prose without executing; False if it needs a build."""
        start = time.monotonic()
        with exclusive.build(self.project, wait=True):
            try:
                if not render.refresh(self.project, self.directory, changed):
                    return False
            except UserError as error:
                print(
                    f"{error}\nThe last good pages stay; waiting for the next change.", flush=True
                )
                return True
        self.version += 1
        print(f"Shown after {time.monotonic() - start:.1f} s; nothing was executed.", flush=True)
        return True

    def snapshot(self) -> dict[str, int]:
        """Every watched file with the time of its last change."""
        roots = [self.project.root / name for name in WATCHED]
        files = [path for root in roots for path in (root.rglob("*") if root.is_dir() else [root])]
        times = {str(path): changed(path) for path in files if "__pycache__" not in path.parts}
        return {path: time for path, time in times.items() if time is not None}

    def follow(self) -> None:
        """Rebuild if a file has changed since the snapshot before the last build."""
        now = self.snapshot()
        names = sorted(path for path, _ in now.items() ^ self.seen.items())
        if names:
            self.seen = now
            first = Path(names[0]).relative_to(self.project.root).as_posix()
            more = len(set(names)) - 1
            print(
                f"Changed: {first}{f' and {more} more' if more else ''}. Rebuilding ...", flush=True
            )
            if not self.refresh([Path(name) for name in dict.fromkeys(names)]):
                self.build()

    def watch(self) -> None:
        """Rebuild after each change, for ever."""
        while True:
            self.follow()
            time.sleep(POLL)


class Handler(SimpleHTTPRequestHandler):
    """Serves the preview; pages carry a small script that reloads them."""

    def __init__(self, *arguments, preview: Preview, **options):
        self.preview = preview
        super().__init__(*arguments, directory=str(preview.directory), **options)

    def do_GET(self):
        if self.path == "/__version":
            return self._send(str(self.preview.version).encode(), "text/plain")
        if self.path == "/__reload.js":  # a file of its own, as the policy of the pages demands
            return self._send(RELOAD, "text/javascript")
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if path.suffix == ".html" and path.is_file():
            page = path.read_bytes().replace(
                b"</body>", b'<script src="/__reload.js"></script></body>'
            )
            return self._send(page, "text/html; charset=utf-8")
        return super().do_GET()

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *arguments):
        """Requests are not worth a line each."""


def bind(port: int, preview: Preview) -> ThreadingHTTPServer:
    """The server of the preview, before it answers."""
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, preview=preview))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise UserError(f"port {port} cannot be used: {error.strerror}") from None
        raise UserError(f"port {port} is in use; try PORT={port + 1}") from None


def serve(project: Project, port: int) -> None:
    """Build, then answer and follow changes until Ctrl-C."""
    preview = Preview(project)
    server = bind(port, preview)
    try:
        preview.build()
        threading.Thread(target=preview.watch, daemon=True).start()
        print(f"Serving http://127.0.0.1:{server.server_address[1]}/ (Ctrl-C stops)", flush=True)
        server.serve_forever()
    except KeyboardInterrupt:
        print()


PORT: Argument = ("--port", {"type": int, "default": 8000})

if __name__ == "__main__":
    sys.exit(run_command(serve, PORT))
