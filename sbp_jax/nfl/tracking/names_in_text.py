"""Who threw to whom, as the description of a play has it, and which tracked player that is.

Descriptions write a name as the first letters of the first name and the last name, "T.Hill" or
"Ty.Williams"; tracking and players tables write it out.
"""

from typing import Final

import polars as pl

_PASSER: Final = r"([A-Za-z']+)\.\s?((?:St\. )?[A-Z][\w' -]*?(?: (?:Jr|Sr)\.)?) pass\b"
_TARGET: Final = (
    r"\bpass (?:incomplete |short |deep |left |middle |right )*(?:to|intended for) "
    r"(?:\d+-)?([A-Za-z']+)\.\s?(.{2,40})"
)
_SUFFIXES: Final = r"\s(jr|sr|ii|iii|iv|v)$"
_REVERSED: Final = "REVERSED"
_LATERAL: Final = r"(?i)\bbackwards? pass"


def named_in_text(description: pl.Expr) -> dict[str, pl.Expr]:
    """First name and what follows of passer and target, plain; null where the text names none.

    What counts is the text after the last overturned ruling, if it tells of a pass at all. What
    follows the first name of a target is the last name and the words after it, because only the
    players' names tell where a name ends.

    >>> text = "(2:11) B.St. Brown reported in as eligible. O.Beckham pass deep right to S.Barkley."
    >>> pl.select(**named_in_text(pl.lit(text))).row(0)
    ('o', 'beckham', 's', 'barkley')
    >>> text = "(:06) (Shotgun) T.Brady pass incomplete short left (J.Watt)."
    >>> pl.select(**named_in_text(pl.lit(text))).row(0)
    ('t', 'brady', None, None)
    """
    parts = description.str.split(_REVERSED)
    final = pl.when(parts.list.last().str.contains(r"\bpass ")).then(parts.list.last())
    text = pl.coalesce(final, description).str.replace_all(_LATERAL, "lateral")
    return {
        f"{who}_{part}": plain(text.str.extract(pattern, group))
        for who, pattern in (("passer", _PASSER), ("target", _TARGET))
        for group, part in ((1, "first"), (2, "rest"))
    }


def plain(name: pl.Expr) -> pl.Expr:
    """Lower-case letters and single spaces: names as comparable as spelling allows.

    >>> pl.select(plain(pl.lit("St. Brown-O'Neal")))[0, 0]
    'st brownoneal'
    """
    letters = name.str.normalize("NFKD").str.to_lowercase().str.replace_all(r"[^a-z\s]", "")
    return letters.str.replace_all(r"\s+", " ").str.strip_chars()


def fit_names(pairs: pl.DataFrame, who: str) -> pl.DataFrame:
    """The players whose names fit the text.

    Args:
        pairs: a row for each play and player: play, nfl_id, name, and ``{who}_first`` and
            ``{who}_rest`` of `named_in_text`.
        who: "passer" or "target".

    Returns:
        play, nfl_id of the players that fit: those whose first name begins, and whose last name
        opens the rest. Of several last names that fit the longest counts, so that "A.Brown Jones"
        is not taken for A.Brown; two players of one play remain where the text fits both.
    """
    words = pl.col("name").str.splitn(" ", 2)
    first = plain(words.struct.field("field_0")).str.replace_all(" ", "")
    last = plain(words.struct.field("field_1")).str.replace(_SUFFIXES, "")
    rest = pl.col(f"{who}_rest") + " "
    fits = first.str.starts_with(pl.col(f"{who}_first")) & rest.str.starts_with(last + " ")
    fitting = pairs.filter(fits & (last != "")).with_columns(length=last.str.len_chars())
    longest = pl.col("length") == pl.col("length").max().over("play")
    return fitting.filter(longest).select("play", "nfl_id")
