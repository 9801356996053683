"""Every digit of every reference is compared: change one, and nbval sees it."""

import copy
from types import SimpleNamespace

import projects
import pytest
from nbval.plugin import IPyNbCell, nocolors

from tools.build import notebook, references
from tools.build.project import Project

THIS = Project(projects.ROOT)
SKIPPED_BY_NBVAL = (
    "metadata",
    "traceback",
    "prompt_number",
    "output_type",
    "name",
    "execution_count",
    "application/vnd.jupyter.widget-view+json",
)
TRIED_WHEN_IT_WAS_FOUND_SOUND = 2_800


def _texts(outputs):
    """Every place of a text in the outputs: a container and its key."""
    for output in outputs:
        if output.output_type == "stream":
            yield output, "text"
        else:
            yield from ((output.data, mime) for mime in output.data)


def _changes(outputs):
    """Copies of the outputs, each with one digit raised by one (nine to zero)."""
    for which, (holder, key) in enumerate(_texts(outputs)):
        for at, letter in enumerate(str(holder[key])):
            if letter.isdecimal():
                changed = copy.deepcopy(outputs)
                place, name = list(_texts(changed))[which]
                digit = str((int(letter) + 1) % 10)
                place[name] = place[name][:at] + digit + place[name][at + 1 :]
                yield changed


def _nbval():
    """nbval's comparison of a cell, as set up for the references."""
    cell = IPyNbCell.__new__(IPyNbCell)
    cell.parent = SimpleNamespace(
        skip_compare=(*SKIPPED_BY_NBVAL, *notebook.SKIPPED), sanitize_patterns={}
    )
    cell.colors = nocolors
    cell.format_output_compare = lambda *_: None  # nobody reads these accounts
    return cell


@pytest.mark.parametrize("chapter", THIS.chapters())
def test_a_change_of_any_digit_is_seen(chapter):
    reference, nbval, tried = references.read_reference(THIS, chapter), _nbval(), 0
    for cell in reference.cells:
        assert nbval.compare_outputs(cell.outputs, cell.outputs)
        for outputs in _changes(cell.outputs):
            tried += 1
            assert not nbval.compare_outputs(outputs, cell.outputs)
    assert tried > 100


def test_no_fewer_digits_are_tried_than_when_the_comparison_was_found_sound():
    digits = sum(
        letter.isdecimal()
        for chapter in THIS.chapters()
        for cell in references.read_reference(THIS, chapter).cells
        for holder, key in _texts(cell.outputs)
        for letter in str(holder[key])
    )
    assert digits >= TRIED_WHEN_IT_WAS_FOUND_SOUND
