"""Names of players as different sources spell them, brought to one form.

The plays have "P.Mahomes", others "Patrick Mahomes", "P. Mahomes" or "Patrick Mahomes II". What
they have in common is the first initial and the last name.
"""

from typing import Final

import polars as pl

_REMARK: Final = r"\(.*\)"  # as "T.Pike (3rd QB)"
_MARKS: Final = r"['\u2019`\-]"
_SUFFIX: Final = r"[\s,]+(?:jr|sr|ii|iii|iv|v)\.?\s*$"
# First name up to a dot or space, further initials, then all the rest.
_PARTS: Final = r"^([^.\s])[^.\s]*[.\s]+(?:[^.\s](?:[.\s]+))*(.+)$"


def name_key(name: pl.Expr) -> pl.Expr:
    """First initial and last name in small letters, without dots, marks, spaces and suffixes.

    A middle name counts as part of the last one. A name without a first one stays whole.

    >>> frame = pl.DataFrame({"name": ["P.Mahomes", "Patrick Mahomes II", "A.J. O'Neil", "Pele"]})
    >>> frame.select(name_key(pl.col("name")))["name"].to_list()
    ['p mahomes', 'p mahomes', 'a oneil', 'pele']
    """
    plain = (
        name.str.to_lowercase()
        .str.replace_all(_REMARK, "")
        .str.replace_all(_MARKS, "")
        .str.replace(_SUFFIX, "")
        .str.strip_chars()
    )
    initial, last = (plain.str.extract(_PARTS, group) for group in (1, 2))
    joined = initial + pl.lit(" ") + last.str.replace_all(r"[.\s]", "")
    return pl.coalesce(joined, plain).alias(name.meta.output_name())
