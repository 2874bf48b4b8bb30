"""`spinscape theory` from the command line to the files."""

import pytest

from spinscape.cli import main
from spinscape.cli import theory as command
from spinscape.theory import tables
from spinscape.theory.table import read_table


def run(*words):
    return main(["theory", *words])


def test_a_figure_and_its_table(tmp_path, capsys):
    assert run("complexity", "--p", "4", "--out", str(tmp_path), "--format", "png,svg") == 0
    printed = capsys.readouterr().out.split()
    assert printed == [str(tmp_path / f"complexity-p4.{suffix}") for suffix in ("csv", "png", "svg")]
    table = read_table(printed[0])
    assert table.parameters["p"] == 4
    assert (tmp_path / "complexity-p4.png").read_bytes().startswith(b"\x89PNG")


def test_redraw_computes_nothing(tmp_path, capsys, monkeypatch):
    run("complexity", "--out", str(tmp_path))
    first = (tmp_path / "complexity-p3.png").read_bytes()
    (tmp_path / "complexity-p3.png").unlink()
    capsys.readouterr()
    monkeypatch.setattr(tables, "complexity_curves", None)
    assert run("complexity", "--out", str(tmp_path), "--redraw") == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "complexity-p3.png")]
    assert (tmp_path / "complexity-p3.png").read_bytes() == first


@pytest.mark.parametrize(
    ("words", "stem"),
    [
        (["derivative-curves", "--N", "12"], "derivative-curves-p3-N12"),
        (["layers", "--p", "3", "6"], "layers-p3-6"),
        (["counts", "--N", "12", "2000"], "counts-p3-N12-2000"),
        (["density", "--N", "12"], "density-p3-N12"),
    ],
)
def test_every_command_writes_what_it_says(words, stem, tmp_path, capsys):
    assert run(*words, "--out", str(tmp_path)) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / f"{stem}.csv"), str(tmp_path / f"{stem}.png")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{stem}.csv", f"{stem}.png"]


def test_all_asks_for_every_figure(monkeypatch, tmp_path, capsys):
    asked = []
    small = tables.complexity_curves(3, indices=1)
    monkeypatch.setattr(command, "_compute", lambda name, p, N: asked.append((name, p, N)) or small)
    assert run("all", "--out", str(tmp_path)) == 0
    assert [name for name, _, _ in asked] == ["derivative-curves", "complexity", "layers", "counts", "density"]
    assert asked[0] == ("derivative-curves", [3], [1000])
    assert len(capsys.readouterr().out.split()) == 10


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["complexity", "--format", "gif"], "expected names from png, pdf, svg"),
        (["complexity", "--p", "three"], "invalid int value"),
        (["density", "--N"], "expected 1 argument"),
        ([], "the following arguments are required"),
    ],
)
def test_wrong_words_are_explained(words, complaint, capsys):
    with pytest.raises(SystemExit) as stop:
        run(*words)
    assert stop.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["complexity", "--p", "2"], "p: expected at least 3"),
        (["density", "--N", "1"], "N: expected"),
        (["complexity", "--redraw"], "complexity-p3.csv"),
    ],
)
def test_wrong_values_end_in_one_line_and_code_2(words, complaint, tmp_path, capsys):
    assert run(*words, "--out", str(tmp_path)) == 2
    assert complaint in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_help_explains_itself(capsys):
    for words in (["--help"], ["density", "--help"], ["layers", "--help"]):
        with pytest.raises(SystemExit) as stop:
            run(*words)
        assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "critical point" in text
    assert "spinscape-results" in text
