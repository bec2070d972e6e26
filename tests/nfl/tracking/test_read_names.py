"""Names in the descriptions of plays, in every spelling that real ones have."""

import polars as pl
import pytest

from sbp_jax.nfl.tracking.names_in_text import fit_names, named_in_text

OFFENSE = (
    "Patrick Mahomes II",
    "Tyreek Hill",
    "Amon-Ra St. Brown",
    "JuJu Smith-Schuster",
    "Leighton Vander Esch",
    "DK Metcalf",
    "D.J. Moore",
    "Odell Beckham Jr.",
    "A.J. Brown",
    "Tyrell Williams",
    "Trent Williams",
    "Ka'imi Brown",
    "José Nuñez",
)


def names(text):
    """Passer and target that the text names, of OFFENSE; several where it fits several."""
    named = pl.select(**named_in_text(pl.lit(text)))
    pairs = pl.DataFrame({"play": 0, "nfl_id": range(len(OFFENSE)), "name": OFFENSE})
    pairs = pairs.join(named, how="cross")
    return tuple(
        " / ".join(OFFENSE[i] for i in sorted(fit_names(pairs, who)["nfl_id"]))
        for who in ("passer", "target")
    )


@pytest.mark.parametrize(
    ("text", "passer", "target"),
    [
        ("(:10) (Shotgun) P.Mahomes pass deep right to T.Hill for 61 yards, TOUCHDOWN.", 0, 1),
        ("P.Mahomes pass incomplete short left to A.St. Brown (J.Ramsey).", 0, 2),
        ("(9:00) P.Mahomes pass short left intended for J.Smith-Schuster INTERCEPTED by C.", 0, 3),
        ("P.Mahomes pass to L.Vander Esch pushed ob at DAL 35 for -5 yards", 0, 4),
        ("(No Huddle, Shotgun) P.Mahomes pass deep left to DK.Metcalf for 19 yards", 0, 5),
        ("P.Mahomes pass to D.Moore. Penalty on TEN-L.Jackson, Holding, declined.", 0, 6),
        ("O.Beckham Jr. pass deep right to T.Hill for 28 yards, TOUCHDOWN.", 7, 1),
        ("4-P.Mahomes laterals to 13-O.Beckham. O.Beckham pass deep to 10-T.Hill.", 7, 1),
        ("Direct snap to T.Hill.  T.Hill pass short middle to P.Mahomes for 1 yard", 1, 0),
        ("T.Hill reported in as eligible.  P.Mahomes pass short right to D.Moore", 0, 6),
        ("P.Mahomes backward pass to T.Hill. T.Hill pass deep left to O.Beckham Jr.", 1, 7),
        ("P.Mahomes pass to Ty.Williams for 45 yards", 0, 9),
        ("P.Mahomes pass to J.Nunez for 5 yards", 0, 12),
        ("P.Mahomes pass to T.Hill for 34 yards. The ruling was REVERSED. (Shotgun) O.Beckham "
         "pass incomplete to D.Moore.", 7, 6),
        ("P.Mahomes pass to T.Hill for 9 yards. The spot was challenged and REVERSED. T.Hill to "
         "KC 30 for 8 yards.", 0, 1),
    ],
)  # fmt: skip
def test_passer_and_target(text, passer, target):
    assert names(text) == (OFFENSE[passer], OFFENSE[target])


@pytest.mark.parametrize(
    ("text", "passer", "target"),
    [
        ("P.Mahomes pass incomplete deep right (T.Watt).", "Patrick Mahomes II", ""),
        ("P.Mahomes pass to T.Williams for 5 yards", "Patrick Mahomes II",
         "Tyrell Williams / Trent Williams"),
        ("P.Mahomes pass to T.Hilton for 5 yards", "Patrick Mahomes II", ""),
        ("T.Hill right end to KC 30 for 8 yards.", "", ""),
        ("P.Mahomes sacked at KC 20 for -5 yards.", "", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_nobody_or_several(text, passer, target):
    assert names(text) == (passer, target)


def test_missing_texts_and_names():
    named = pl.DataFrame({"text": [None, "P.Mahomes pass to T.Hill"]}, schema={"text": pl.String})
    first, second = named.select(**named_in_text(pl.col("text"))).rows()
    assert first == (None,) * 4
    pairs = pl.DataFrame({"play": [0], "nfl_id": [3], "name": [None], "passer_first": ["p"],
                          "passer_rest": ["mahomes"]},
                         schema_overrides={"name": pl.String})  # fmt: skip
    assert second[0] == "p"
    assert fit_names(pairs, "passer").is_empty()


def test_the_longest_last_name_that_fits_counts():
    roster = ["Alan Brown", "Alec Brown Jones"]
    pairs = pl.DataFrame({"play": 0, "nfl_id": [1, 2], "name": roster,
                          "target_first": "a", "target_rest": "brown jones for"})  # fmt: skip
    assert fit_names(pairs, "target")["nfl_id"].to_list() == [2]
