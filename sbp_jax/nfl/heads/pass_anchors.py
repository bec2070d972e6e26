"""The two points of a pass on the yards axis that are known at the throw."""

from typing import Final

from sbp_jax.models.anchors import Anchor
from sbp_jax.nfl.plays.static import (
    AIR_YARDS,
    AIR_YARDS_SCALE,
    STATIC_FEATURES,
    YARDS_TO_ENDZONE,
    YARDS_TO_ENDZONE_SCALE,
)

_COLUMNS: Final = tuple(STATIC_FEATURES)

PASS_ANCHORS: Final = (
    # A catch gains the air yards and what follows it.
    Anchor(_COLUMNS.index(AIR_YARDS), AIR_YARDS_SCALE, below=20, above=60),
    # A touchdown gains exactly the yards to the end zone, and nothing gains more.
    Anchor(_COLUMNS.index(YARDS_TO_ENDZONE), YARDS_TO_ENDZONE_SCALE, below=40, above=1),
)
