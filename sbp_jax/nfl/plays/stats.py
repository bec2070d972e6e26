"""Ids of the official play statistics (GSIS) that the game files attach to each play.

Only what the tables use is named. A statistic is one line of a play: who, for which club, which
id, how many yards.
"""

from typing import Final

FIRST_DOWN_RUSH: Final = 3
FIRST_DOWN_PASS: Final = 4

RUSH: Final = 10
RUSH_TOUCHDOWN: Final = 11
RUSH_LATERAL: Final = 12  # yards after taking a lateral, no attempt of his own; so are the others
RUSH_LATERAL_TOUCHDOWN: Final = 13

INCOMPLETE: Final = 14
COMPLETE: Final = 15
PASS_TOUCHDOWN: Final = 16
INTERCEPTED: Final = 19
SACK: Final = 20
SACK_LATERAL: Final = 103

RECEPTION: Final = 21
RECEPTION_TOUCHDOWN: Final = 22
RECEPTION_LATERAL: Final = 23
RECEPTION_LATERAL_TOUCHDOWN: Final = 24

INTERCEPTION_RETURN: Final = 25
INTERCEPTION_RETURN_TOUCHDOWN: Final = 26
INTERCEPTION_LATERAL: Final = 27
INTERCEPTION_LATERAL_TOUCHDOWN: Final = 28

OWN_RECOVERY_TOUCHDOWN: Final = 56
OWN_RECOVERY_LATERAL_TOUCHDOWN: Final = 58
FUMBLE_LOST: Final = 106

TIMEOUT: Final = 68
PENALTY: Final = 93

AIR_YARDS_COMPLETE: Final = 111
AIR_YARDS_INCOMPLETE: Final = 112
YARDS_AFTER_CATCH: Final = 113
TARGET: Final = 115

PASS_FAILED: Final = frozenset({INCOMPLETE, INTERCEPTED})
PASS_ATTEMPT: Final = PASS_FAILED | {COMPLETE, PASS_TOUCHDOWN}
SACKED: Final = frozenset({SACK, SACK_LATERAL})
RUSHED: Final = frozenset({RUSH, RUSH_TOUCHDOWN, RUSH_LATERAL, RUSH_LATERAL_TOUCHDOWN})
CAUGHT: Final = frozenset({RECEPTION, RECEPTION_TOUCHDOWN})
CAUGHT_LATERAL: Final = frozenset({RECEPTION_LATERAL, RECEPTION_LATERAL_TOUCHDOWN})
TARGETED: Final = frozenset({TARGET})
AIR_YARDS: Final = frozenset({AIR_YARDS_COMPLETE, AIR_YARDS_INCOMPLETE})
FIRST_DOWN: Final = frozenset({FIRST_DOWN_RUSH, FIRST_DOWN_PASS})

RETURNED_TOUCHDOWN: Final = frozenset(
    {INTERCEPTION_RETURN_TOUCHDOWN, INTERCEPTION_LATERAL_TOUCHDOWN}
)
RETURNED: Final = RETURNED_TOUCHDOWN | {INTERCEPTION_RETURN, INTERCEPTION_LATERAL}

OFFENSE_TOUCHDOWN: Final = frozenset(
    {
        RUSH_TOUCHDOWN,
        RUSH_LATERAL_TOUCHDOWN,
        PASS_TOUCHDOWN,
        RECEPTION_TOUCHDOWN,
        RECEPTION_LATERAL_TOUCHDOWN,
        OWN_RECOVERY_TOUCHDOWN,
        OWN_RECOVERY_LATERAL_TOUCHDOWN,
    }
)

TWO_POINT: Final = frozenset({75, 76, 77, 78, 104, 105})  # rush, pass and catch, good or failed
EXTRA_POINT: Final = frozenset({72, 73, 74, 87, 301})  # good, failed, blocked (twice), aborted
FIELD_GOAL: Final = frozenset({69, 70, 71, 88})  # missed, good, blocked (twice)
PUNT: Final = frozenset({2, 29, 30, 31, 32, 86})  # blocked, punted, where it ended, blocked
KICKOFF: Final = frozenset({41, 42, 43, 44, 49, 51, 107, 108, 410})
