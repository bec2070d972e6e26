"""What every finished run on series does when its command is given again."""

from dataclasses import replace

import pytest

from sbp_jax.errors import RunFolderError


def check_printed_without_training(main, config, monkeypatch, capsys):
    def untouched(*args, **settings):
        raise AssertionError("trained again")

    monkeypatch.setattr("sbp_jax.series.compare.fit_series", untouched)
    table = (config.run / "table.txt").read_text()
    main(config)
    assert table in capsys.readouterr().out
    assert (config.run / "table.txt").read_text() == table


def check_another_is_refused(main, config, setting):
    found = getattr(config, setting)
    with pytest.raises(
        RunFolderError, match=rf"settings.{setting}: expected {found + 1}, got {found}"
    ):
        main(replace(config, **{setting: found + 1}))


def check_figures(config):
    for name in ("pp_plot", "forecasts"):
        data = (config.run / "figures" / f"{name}.png").read_bytes()
        assert data.startswith(b"\x89PNG")
