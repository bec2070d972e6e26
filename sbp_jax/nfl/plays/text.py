"""What only the sentence that describes a play says."""

import re
from typing import NamedTuple

THROW = re.compile(r"\bpass (?:incomplete )?(?:(short|deep) )?(left|middle|right)?")
ASIDE = re.compile(r"\([^)]*\)")
OVERTURNED = "REVERSED"
OPENING_LENGTH = 30


class Throw(NamedTuple):
    """Where a pass went: short or deep; left, middle or right. None where not said."""

    depth: str | None
    location: str | None


def final_ruling(description: str) -> str:
    """The part after the last overturned ruling, which is what counts.

    >>> final_ruling("pass incomplete. The ruling was REVERSED. pass short left to A.B for 9 yards")
    '. pass short left to A.B for 9 yards'
    """
    return description.rpartition(OVERTURNED)[2]


def throw(description: str) -> Throw:
    """Depth and side of the pass, as finally ruled.

    >>> throw("(7:12) (Shotgun) T.Brady pass incomplete deep left to R.Moss.")
    Throw(depth='deep', location='left')
    """
    # A ruling on something else than the throw does not repeat it.
    found = THROW.findall(final_ruling(description)) or THROW.findall(description)
    for depth, location in found:
        if depth or location:  # a backward pass before the throw has neither
            return Throw(depth or None, location or None)
    return Throw(None, None)


def opening(description: str) -> str:
    """First words without clock and formation: who kicked how far, for a kick.

    >>> opening("(8:30) (Punt formation) C.Hentrich punts 50 yards to PIT 46, Center-K.Amato.")
    'C.Hentrich punts 50 yards to P'
    """
    return ASIDE.sub("", description).strip()[:OPENING_LENGTH]
