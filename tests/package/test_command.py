"""The door of the command: it says what the command says, and imports nothing to say it."""

import subprocess
import sys

import pytest

from mixfolio import __main__ as door
from mixfolio.report import cli


def said(capsys, main, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code, capsys.readouterr()


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["--version"], ["--what"]])
def test_the_door_says_what_the_command_says(arguments, capsys):
    assert said(capsys, door.main, arguments) == said(capsys, cli.main, arguments)


def test_the_rest_is_passed_on(capsys):
    for arguments in (["report", "--help"], ["reprot"], ["report", "--level"]):
        assert said(capsys, door.main, arguments) == said(capsys, cli.main, arguments)


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_imports_nothing_that_takes_time(arguments):
    code = (
        "import sys\nfrom mixfolio.__main__ import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "print([name for name in ('numpy', 'pandas', 'scipy') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
