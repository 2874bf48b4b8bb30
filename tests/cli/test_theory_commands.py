"""`spinscape theory` from the command line to the files."""

import pytest

from spinscape.cli import experiments as command
from spinscape.cli import main
from spinscape.theory import tables
from spinscape.theory.table import read_table


def run(*words):
    return main(["theory", *words])


def written(folder, suffix):
    (path,) = folder.glob(f"*.{suffix}")
    return path


def test_a_figure_and_its_table(tmp_path, capsys):
    assert run("complexity", "--p", "4", "--out", str(tmp_path), "--format", "png,svg") == 0
    printed = capsys.readouterr().out
    table = read_table(written(tmp_path, "csv"))
    assert table.parameters["p"] == 4
    for suffix in ("csv", "png", "svg"):
        assert f"wrote {written(tmp_path, suffix)}" in printed
    assert written(tmp_path, "png").read_bytes().startswith(b"\x89PNG")
    direct = tables.complexity_curves(4)
    assert dict(table.meanings) == dict(direct.meanings)
    assert all((table[name] == direct[name]).all() for name in direct.columns)


def test_redraw_computes_nothing(tmp_path, capsys, monkeypatch):
    run("complexity", "--out", str(tmp_path))
    path = written(tmp_path, "png")
    first = path.read_bytes()
    path.unlink()
    monkeypatch.setattr("spinscape.study.run", None)
    assert run("complexity", "--out", str(tmp_path), "--redraw") == 0
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    "words", [["layers", "--p", "3", "6"], ["layers", "--p", "3,6"], ["counts", "--N", "12", "30"]]
)
def test_lists_are_typed_with_commas_or_spaces(words, tmp_path, capsys):
    assert run(*words, "--out", str(tmp_path)) == 0
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".png", ".sqlite"}
    assert read_table(written(tmp_path, "csv")).name == words[0]


def test_all_asks_for_every_figure(monkeypatch, tmp_path, capsys):
    asked = {}
    monkeypatch.setattr(command, "run_experiment", lambda one, recipe, _: asked.update({one.name: recipe}) or 0)
    assert run("all", "--out", str(tmp_path)) == 0
    assert set(asked) == {
        f"theory-{name}" for name in ("derivative-curves", "complexity", "layers", "counts", "density")
    }
    assert asked["theory-derivative-curves"].parameters == {"p": 3, "N": 1000}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["complexity", "--format", "gif"], "expected names from png, pdf, svg"),
        (["density", "--N"], "expected one argument"),
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
        (["complexity", "--p", "2"], "p: expected an integer from 3"),
        (["complexity", "--p", "three"], "p: expected an integer"),
        (["density", "--N", "1"], "N: expected"),
        (["complexity", "--redraw"], "theory-complexity-"),
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
