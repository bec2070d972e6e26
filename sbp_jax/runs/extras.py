"""Optional dependencies: asked for at a command's start, all that it will need at once."""

from importlib.util import find_spec

from sbp_jax.errors import MissingExtraError

MODULES = {
    "nfl": "nflgame",
    "figures": "matplotlib",
    "xgboost": "xgboost",
    "sweep": "optuna",
    "postgres": "psycopg",
    "tfds": "tensorflow_datasets",
    "numpyro": "numpyro",
    "tensorboard": "tensorboardX",
    "sklearn": "sklearn",
}
"""What each extra of the package installs, by a module that shows it; it is not imported."""


def need_extras(*extras: str | None) -> None:
    """Refuse to start what extras are missing for.

    Args:
        extras: names, as in ``pip install "sbp-jax[NAME]"``; None stands for one that is not
            needed as things are set.

    Raises:
        MissingExtraError: some are not installed; it names all of them.

    >>> need_extras("figures", None)
    """
    missing = [name for name in extras if name and find_spec(MODULES[name]) is None]
    if missing:
        names = ",".join(missing)
        raise MissingExtraError(
            f'not all that this needs is installed: pip install "sbp-jax[{names}]"'
        )
