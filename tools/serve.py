"""Serve the book while you write: ``python -m tools.serve [--port 8000]``.

Watches the sources, rebuilds into ``build/preview`` when one changes, and lets
open pages reload themselves. Chapters are executed but not validated here; a
rebuild that fails is reported and the last good pages stay.
"""

import argparse
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.project import Project

WATCHED = ("chapters", "book", "src", "data", "tools", "_config.yml")
POLL = 0.7  # seconds
RELOAD = b"""<script>(() => { let seen; setInterval(async () => {
  try { const now = await (await fetch("/__version")).text();
    if (seen && now !== seen) location.reload(); seen = now; } catch (error) {} }, 1000); })();
</script>"""


class Preview:
    """The preview's directory, and a counter of the builds that it has seen."""

    def __init__(self, project: Project):
        self.project = project
        self.directory = project.build_dir / "preview"
        self.version = 0

    def build(self) -> None:
        command = [sys.executable, "-m", "doit", "preview"]
        if subprocess.run(command, cwd=self.project.root).returncode == 0:
            self.version += 1
        else:
            print("The last good pages stay; waiting for the next change.", flush=True)

    def snapshot(self) -> dict[str, int]:
        """Every watched file with the time of its last change."""
        roots = [self.project.root / name for name in WATCHED]
        files = [path for root in roots for path in (root.rglob("*") if root.is_dir() else [root])]
        return {str(path): path.stat().st_mtime_ns for path in files
                if path.is_file() and "__pycache__" not in path.parts}

    def watch(self) -> None:
        """Rebuild after each change, for ever."""
        before = self.snapshot()
        while True:
            time.sleep(POLL)
            now = self.snapshot()
            if now != before:
                before = now
                self.build()


class Handler(SimpleHTTPRequestHandler):
    """Serves the preview; pages carry a small script that reloads them."""

    def __init__(self, *arguments, preview: Preview, **options):
        self.preview = preview
        super().__init__(*arguments, directory=str(preview.directory), **options)

    def do_GET(self):
        if self.path == "/__version":
            return self._send(str(self.preview.version).encode(), "text/plain")
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if path.suffix == ".html" and path.is_file():
            page = path.read_bytes().replace(b"</body>", RELOAD + b"</body>")
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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--root", type=Path, default=Project().root)
    options = parser.parse_args(arguments)
    preview = Preview(Project(options.root))
    preview.build()
    server = ThreadingHTTPServer(("127.0.0.1", options.port), partial(Handler, preview=preview))
    threading.Thread(target=preview.watch, daemon=True).start()
    print(f"Serving http://127.0.0.1:{server.server_address[1]}/ (Ctrl-C stops)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
