"""The command line for people and machines: what is misspelt, missing, impossible, or read by programs."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from spinscape import study
from spinscape.cli import main
from spinscape.cli import study as commands
from spinscape.cli.terminal import aligned, plain


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "s.sqlite"
    study.run(study.experiment_of("scaled-losses").recipe(sizes=(6,), starts=5), path).close()
    return path


def code_of(words):
    """The exit code, by whichever way."""
    try:
        return main(words)
    except SystemExit as stop:
        return stop.code


def test_status_verify_and_list_for_programs(store, capsys):
    """What they print with --json is one JSON value."""
    found = {}
    for command in (["status", str(store)], ["verify", str(store), "--recompute", "1"], ["list"]):
        assert main([*command, "--json"]) == 0
        found[command[0]] = json.loads(capsys.readouterr().out)
    assert found["status"]["done"] == found["verify"]["rows"] == found["verify"]["recomputed"] == 1
    assert found["verify"]["problems"] == []
    assert {"name", "subject", "sentence", "source", "core_seconds", "parameters"} <= set(found["list"][0])


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["layer"], "'layers'"),
        (["layers", "--startz", "3"], "'--starts'"),
        (["layers", "--set", "startz=3"], "'starts'"),
        (["theory", "density", "--formt", "3"], "'--format'"),
        (["status", "x.sqlite", "--jason"], "'--json'"),
    ],
)
def test_what_is_misspelt_is_suggested(capsys, words, meant):
    assert code_of(words) == 2
    assert f"did you mean {meant}?" in capsys.readouterr().err


def test_recipe_files_suggest_too(tmp_path):
    (tmp_path / "a.json").write_text('{"experiment": "layers", "parameters": {"startz": 3}}')
    with pytest.raises(TypeError, match="did you mean 'starts'"):
        study.Recipe.from_file(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--format", "gif"], "png, pdf, svg"),
        (["--out", "/proc/nowhere"], "/proc"),
        (["--sizes", "100000"], "bytes"),
        (["--low", "99"], "low"),
        (["--set", "starts"], "NAME=VALUE"),
        (["--set", "starts=0"], "starts"),
        (["--starts", "[3"], "JSON"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_computed(monkeypatch, tmp_path, capsys, options, named):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("spinscape.study.execution.perform", None)  # computing would fail
    assert code_of(["layers", "--quick", *options]) == 2
    assert named in capsys.readouterr().err


def test_a_missing_extra_is_said_before_anything_is_computed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("spinscape.cli.outputs.find_spec", lambda name: None)
    assert main(["network-losses", "--quick", "--out", str(tmp_path / "out")]) == 2
    assert "pip install 'spinscape[" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_table_is_written_where_the_figure_cannot_be(monkeypatch, store, tmp_path, capsys):
    def fail(*arguments):
        raise RuntimeError("no ink")

    monkeypatch.setattr("spinscape.figures.style.save", fail)
    assert main(["redraw", str(store), "--out", str(tmp_path / "out")]) == 1
    assert "no ink" in capsys.readouterr().err
    assert len(list((tmp_path / "out").glob("*.csv"))) == 1


def test_no_figure_is_drawn_where_none_is_asked_for(store, tmp_path):
    assert main(["redraw", str(store), "--format", "none", "--out", str(tmp_path / "out")]) == 0
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".csv", ".md"}


def test_a_quick_run_does_not_overwrite_a_long_one(tmp_path):
    """Outputs carry the recipe's key."""
    for starts in ("5", "6"):
        command = ["scaled-losses", "--sizes", "6", "--tensors", "1", "--starts", starts, "--out", str(tmp_path)]
        assert main(command) == 0
    assert len(list(tmp_path.glob("scaled-losses-*.png"))) == len(list(tmp_path.glob("scaled-losses-*.csv"))) == 2


def test_tables_fit_the_terminal():
    cells = [[name * 8 for name in "abcdefgh"], ["1"] * 8]
    assert aligned(cells).count("\n") == 1
    folded = aligned(cells, 40)
    assert max(map(len, folded.splitlines())) <= 40
    assert all(name * 8 in folded for name in "abcdefgh")


def test_nothing_that_steers_a_terminal_is_printed(tmp_path, capsys):
    evil = "\x1b[2Jgone\x07"
    with study.Store(tmp_path / "s.sqlite", study.Recipe(evil, {})) as opened:
        opened.quarantine({"N": evil}, evil)
        opened.put({"N": 1}, {"u": np.zeros(2)}, {"compiler": evil})
    assert main(["status", str(tmp_path / "s.sqlite")]) == 0
    assert main(["redraw", str(tmp_path / "s.sqlite"), "--out", str(tmp_path)]) == 2
    printed = "".join(capsys.readouterr())
    assert "gone" in printed
    assert "\x1b" not in printed
    assert plain("ξ ≥ 0\n") == "ξ ≥ 0\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_the_terminal(encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-W", "error", "-m", "spinscape", "layers", "--help"]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "σ".encode(encoding, "backslashreplace") in done.stdout


def test_a_closed_pipe_ends_quietly():
    command = f"{sys.executable} -m spinscape list --json | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 141)
    assert done.stderr == ""


def test_mpi_without_mpi_is_one_line(monkeypatch, tmp_path, capsys):
    """The package is there and the runtime is not: importing mpi4py.MPI then raises RuntimeError."""
    (tmp_path / "r.json").write_text('{"experiment": "scaled-losses", "parameters": {"sizes": [6], "starts": 2}}')

    def no_runtime(name):
        raise RuntimeError("cannot load MPI library")

    monkeypatch.setattr(commands, "import_module", no_runtime)
    assert main(["run", str(tmp_path / "r.json"), "--store", str(tmp_path / "s.sqlite"), "--mpi"]) == 2
    assert "MPI runtime" in capsys.readouterr().err
