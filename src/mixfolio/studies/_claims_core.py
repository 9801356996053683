"""What a comparison of a printed claim with a computation is made of, and what it says.

Kinds of claims:

- ``number``: a printed number that can be computed. It is *reproduced* if the computed value rounds
  to it, *impossible* if it lies outside bounds that were proven, and *corrected* otherwise.
- ``derived``: a number that follows from other printed numbers. Those are rounded, so the
  computation gives an interval: *reproduced* if the printed number meets it, else *corrected*.
- ``estimate``: a printed simulation. *Reproduced* within three standard errors of the difference,
  else *corrected*.
- ``bound``: a number whose data are gone, while its limits can be computed: *impossible* outside
  them. Inside them it is *not checkable*: nothing speaks against it, and nothing for it.
- ``statement``: words with an outcome. *Reproduced* if the computation bears them out, else *not
  borne out*: refuted, or merely not shown, as the outcome says.
- ``none``: *not checkable*, for one of the reasons in :data:`REASONS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mixfolio._inputs import checked_but, read_number
from mixfolio.errors import DataError

VERDICTS = ("reproduced", "corrected", "not borne out", "impossible", "not checkable")
KINDS = ("number", "derived", "estimate", "bound", "statement", "none")
REASONS: Mapping[str, str] = {
    "live": "prices up to the day of the run; they cannot be had again",
    "picture": "shown as a picture without numbers",
    "definition": "a definition, a convention or a design choice",
    "listing": "a fact about the listing, read and not computed",
    "advice": "advice without a statement that a computation could contradict",
    "announced": "announced for the future",
    "inside": "its data are gone, and it lies within its bounds",
}
SIGMAS = 3.0
"""Standard errors of the difference that an estimate may be away."""


@dataclass(frozen=True)
class Outcome:
    """What a computation says about a claim.

    Attributes
    ----------
    text : str
        In words, with the numbers that matter.
    value : float, optional
        In the unit of the printed number.
    error : float
        Standard error of the printed number minus `value`, for estimates.
    low, high : float, optional
        Proven limits of the number, or the interval that follows from rounded numbers.
    attainable : tuple of float
        The only values that are possible, if they are few.
    holds : bool, optional
        Whether a statement is borne out.
    """

    text: str = ""
    value: float | None = None
    error: float = 0.0
    low: float | None = None
    high: float | None = None
    attainable: tuple[float, ...] = ()
    holds: bool | None = None


def _half(digits: int) -> float:
    """Half a unit of the last printed digit, and a grain for binary rounding."""
    return float(0.5 * 10.0**-digits * (1 + 1e-9))


def _meets(printed: float, digits: int, outcome: Outcome) -> bool:
    """Whether a number that rounds to the printed one lies within the limits of an outcome."""
    half = _half(digits)
    if outcome.attainable and min(abs(printed - a) for a in outcome.attainable) > half:
        return False
    above = outcome.low is None or printed + half >= outcome.low
    return above and (outcome.high is None or printed - half <= outcome.high)


def _number(printed: float, digits: int, outcome: Outcome) -> str:
    if outcome.value is None:
        raise DataError("a claim of kind 'number' needs an outcome with a value.")
    if abs(printed - outcome.value) <= _half(digits):
        return "reproduced"
    return "corrected" if _meets(printed, digits, outcome) else "impossible"


def _derived(printed: float, digits: int, outcome: Outcome) -> str:
    if outcome.low is None or outcome.high is None:
        raise DataError("a claim of kind 'derived' needs an outcome with low and high.")
    return "reproduced" if _meets(printed, digits, outcome) else "corrected"


def _estimate(printed: float, digits: int, outcome: Outcome) -> str:
    if outcome.value is None or not outcome.error > 0:
        raise DataError("a claim of kind 'estimate' needs a value with a standard error.")
    near = abs(printed - outcome.value) <= SIGMAS * outcome.error + _half(digits)
    return "reproduced" if near else "corrected"


def _bound(printed: float, digits: int, outcome: Outcome) -> str:
    if outcome.low is None and outcome.high is None and not outcome.attainable:
        raise DataError("a claim of kind 'bound' needs an outcome with limits.")
    return "not checkable" if _meets(printed, digits, outcome) else "impossible"


COMPARISONS: Mapping[str, Callable[[float, int, Outcome], str]] = {
    "number": _number,
    "derived": _derived,
    "estimate": _estimate,
    "bound": _bound,
}


@checked_but("printed")
def verdict(kind: str, printed: float, digits: int, outcome: Outcome) -> str:
    """Compare a printed claim with a computation.

    Parameters
    ----------
    kind : {"number", "derived", "estimate", "bound", "statement", "none"}
        See the module.
    printed : float
        The printed number; not used for statements.
    digits : int
        Decimals of the printed number. It stands for all numbers that round to it.
    outcome : Outcome
        What the computation says.

    Returns
    -------
    {"reproduced", "corrected", "not borne out", "impossible", "not checkable"}

    Raises
    ------
    DataError
        If the kind is unknown, or the outcome lacks what the kind compares.

    Examples
    --------
    Seventeen per cent and a bit, and a limit that it may or may not respect:

    >>> from mixfolio.studies.claims import Outcome, verdict
    >>> verdict("number", 17.3, 1, Outcome(value=17.32))
    'reproduced'
    >>> verdict("bound", 17.2, 1, Outcome(low=19.6))
    'impossible'
    """
    if kind == "none":
        return "not checkable"
    if kind == "statement":
        if outcome.holds is None:
            raise DataError("a claim of kind 'statement' needs an outcome that holds or does not.")
        return "reproduced" if outcome.holds else "not borne out"
    if kind not in COMPARISONS:
        raise DataError(f"a claim is of kind {kind!r}; it must be one of {', '.join(KINDS)}.")
    return COMPARISONS[kind](read_number(printed, "printed"), digits, outcome)


Computation: TypeAlias = Callable[[Any], Outcome]


class Registry(dict[str, Computation]):
    """Computations by the id of the claim."""

    def of(self, *names: str) -> Callable[[Computation], Computation]:
        """Register a function under one id or several."""

        def register(function: Computation) -> Computation:
            self.update(dict.fromkeys(names, function))
            return function

        return register
