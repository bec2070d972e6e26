import struct
import subprocess
import sys
import warnings

import matplotlib as mpl
import pytest

from sbp_jax.errors import MissingExtraError
from sbp_jax.nfl.figures import FIGURES, write_figures
from sbp_jax.plots import learning_figure, save_figure


def test_files_are_png_of_the_common_width(figure_inputs, tmp_path, coarse):
    paths = write_figures(tmp_path, figure_inputs)
    assert [path.stem for path in paths] == [figure.stem for figure in FIGURES]
    assert paths == [tmp_path / figure.file for figure in FIGURES]
    for path in paths:
        content = path.read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", content[16:24])
        assert width == coarse
        assert 0.375 < height / width < 1.25
        assert 4_000 < len(content) < 100_000
    assert not list((tmp_path / "figures").glob(".*"))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(figure_inputs, tmp_path, monkeypatch):
    figure = learning_figure(figure_inputs.histories, objectives={})
    path = save_figure(figure, tmp_path / "curves.png")
    before = path.read_bytes()

    def fail(target, **_):
        target.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_settings_of_the_user_stay_and_do_not_show(figure_inputs):
    with mpl.rc_context({"figure.facecolor": "black", "font.size": 33}), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = learning_figure(figure_inputs.histories, objectives={})
        assert mpl.rcParams["font.size"] == 33
    assert figure.get_facecolor() == (1.0, 1.0, 1.0, 1.0)


def test_importing_needs_no_matplotlib_and_drawing_no_pyplot(tmp_path):
    code = (
        "import sys; from sbp_jax.plots import learning_figure, save_figure; from pathlib import "
        "Path; assert not any(name.startswith('matplotlib') for name in sys.modules); "
        "records = [{'epoch': 0, 'train_loss': 1.0, 'validation_score': 1.0}]; "
        "save_figure(learning_figure({'a': records}, objectives={}), Path(sys.argv[1])); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    path = tmp_path / "a.png"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert path.exists()


def test_without_matplotlib_the_extra_is_named(figure_inputs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'pip install "sbp-jax\[figures\]"'):
        write_figures(tmp_path, figure_inputs)
    assert not list(tmp_path.iterdir())
