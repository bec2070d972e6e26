"""What is known of a tracked pass on the yards axis, and what its head sees without detour.

A completed pass gains about the depth of its target, and what he runs on before the ball arrives
and after: logits are counted from his depth at the step that is read, by a point that the network
may move. So they follow him frame by frame. No play gains more than the yards to the end zone.
"""

from typing import Final

from sbp_jax.models.ceiling import Ceiling
from sbp_jax.models.knot_anchors import KnotAnchor
from sbp_jax.nfl.tracking.features import EXTRA_FEATURES
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES, SCALES
from sbp_jax.nfl.tracking.static import TRACKING_STATIC, YARDS_TO_ENDZONE, YARDS_TO_ENDZONE_SCALE

STEP_FEATURES: Final = ("target_x", "target_vx", "target_vy", *EXTRA_FEATURES)
"""Names, among `MODEL_FEATURES`, of what the head sees of the step that is read."""

STEP_COLUMNS: Final = tuple(MODEL_FEATURES.index(name) for name in STEP_FEATURES)

_STATICS: Final = tuple(TRACKING_STATIC)

TRACKING_ANCHORS: Final = (
    KnotAnchor(
        len(_STATICS) + STEP_FEATURES.index("target_x"),
        SCALES["x"],
        knots=(-10, -6, -3.5, -2, -1, 0, 1, 2, 3.5, 6, 10, 16, 28, 60),
        shift_scale=5.0,
    ),
    # An incompletion gains nothing: a peak of one yard's width at 0.
    KnotAnchor(None, 1.0, knots=(-15, -4, -1, 0, 1, 4, 20, 99)),
)

TRACKING_CEILING: Final = Ceiling(_STATICS.index(YARDS_TO_ENDZONE), YARDS_TO_ENDZONE_SCALE)
