"""`spinscape run | resume | status | verify | export | report` end to end, and the page they make."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import toy_experiment as toy

from spinscape import study
from spinscape.cli import main
from spinscape.cli.study import Lines
from spinscape.figures import report

TOY = ["--experiment", "toy=toy_experiment"]


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text('experiment = "toy"\n[parameters]\nunits = 7\n')
    return path


@pytest.fixture
def store(tmp_path, recipe, capsys):
    path = tmp_path / "s.sqlite"
    assert main(["run", str(recipe), "--store", str(path), *TOY]) == 0
    capsys.readouterr()
    return path


def test_run_names_the_store_after_the_recipe(tmp_path, recipe, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(recipe), *TOY]) == 0
    key = toy.recipe(units=7).key[:8]
    assert f"spinscape-results/small-{key}.sqlite" in capsys.readouterr().out
    assert main(["run", str(recipe), *TOY]) == 0
    assert "(continued)" in capsys.readouterr().out


def test_run_with_workers(tmp_path, recipe, store):
    again = tmp_path / "t.sqlite"
    assert main(["run", str(recipe), "--store", str(again), "--workers", "2", *TOY]) == 0
    with study.Store(store) as one, study.Store(again) as two:
        assert one.digest == two.digest


def test_resume_finishes(tmp_path, store, capsys):
    """Half of the rows are taken out of a copy; resume computes them again."""
    half = tmp_path / "half.sqlite"
    with study.Store(store) as whole, study.Store(half, whole.recipe) as part:
        for record in list(whole.records())[:3]:
            part.insert(record)
        digest = whole.digest
    assert main(["status", str(half), *TOY]) == 0
    assert "3 of 7 (43%)" in capsys.readouterr().out
    assert main(["resume", str(half), *TOY]) == 0
    with study.Store(half) as part:
        assert part.digest == digest


def test_status(store, capsys):
    assert main(["status", str(store), *TOY]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^units +7 of 7 \(100%\)$", printed, re.M)
    assert re.search(r"^experiment +toy, recipe \w{12}, begun with spinscape", printed, re.M)
    assert "left" not in printed


def test_failures_end_in_one_line_and_show_in_status(tmp_path, capsys):
    recipe, path = tmp_path / "r.toml", tmp_path / "f.sqlite"
    recipe.write_text('experiment = "toy"\n[parameters]\nunits = 4\nfailing = [1]\n')
    assert main(["run", str(recipe), "--store", str(path), *TOY]) == 1
    assert capsys.readouterr().err.startswith("spinscape: 1 of 4 units failed three times")
    main(["status", str(path), *TOY])
    assert re.search(r"^set aside +\{.*\"block\":1\}: ValueError: block 1 cannot", capsys.readouterr().out, re.M)


def test_a_unit_that_exits_is_no_success(tmp_path, capsys):
    recipe = tmp_path / "r.toml"
    recipe.write_text('experiment = "toy"\n[parameters]\nexiting = [1]\n')
    assert main(["run", str(recipe), "--store", str(tmp_path / "s.sqlite"), *TOY]) == 1
    assert "1 of 6 units failed three times" in capsys.readouterr().err


def test_verify_and_recompute(store, capsys):
    assert main(["verify", str(store), "--recompute", "3", *TOY]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"7 rows intact, digest [0-9a-f]{64}\n3 of 3 units computed again give the same bits", printed)


def test_verify_tells_of_wrong_numbers(tmp_path, capsys):
    """A row with a fitting checksum but other numbers than the experiment gives is found by computing it again."""
    path, made = tmp_path / "s.sqlite", toy.recipe(units=1)
    with study.Store(path, made) as opened:
        opened.put({"N": 10, "block": 0}, {"u": np.zeros(5)}, {})
    assert main(["verify", str(path), "--recompute", "1", *TOY]) == 1
    assert "computed again, it gives other bits" in capsys.readouterr().out


def test_verify_salvages(tmp_path, store, capsys):
    content = bytearray(store.read_bytes())
    content[content.index(b"\x93NUMPY") + 100] ^= 8
    damaged, new = tmp_path / "d.sqlite", tmp_path / "new.sqlite"
    damaged.write_bytes(content)
    assert main(["verify", str(damaged), "--salvage", str(new), *TOY]) == 1
    assert re.search(r"new\.sqlite with 6 intact rows", capsys.readouterr().out)
    assert main(["resume", str(new), *TOY]) == 0
    with study.Store(new) as one, study.Store(store) as two:
        assert one.digest == two.digest


def test_a_damaged_store_is_not_continued(tmp_path, store, capsys):
    content = store.read_bytes()
    place = content.index(b"\x93NUMPY") + 100
    store.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    assert main(["resume", str(store), *TOY]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_export(tmp_path, store, capsys):
    assert main(["export", str(store), str(tmp_path / "t.csv")]) == 0
    assert (tmp_path / "t.csv").read_text().count("\n") == 4 + 1 + 35
    assert main(["export", str(store), str(tmp_path / "t.txt")]) == 2


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (["run", "missing.toml"], "missing.toml"),
        (["status", "missing.sqlite"], "missing.sqlite"),
        (["resume", __file__], "not a readable spinscape store"),
        (["status", __file__, "--experiment", "toy"], "NAME=MODULE"),
    ],
)
def test_bad_commands_end_in_one_line(capsys, command, named):
    assert main(command) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("spinscape: ")
    assert named in error
    assert "\n" not in error


class Page(HTMLParser):
    """Collects what a page refers to, and checks that its tags close."""

    VOID = ("meta", "path", "use", "br")

    def __init__(self):
        super().__init__()
        self.open, self.links, self.titles, self.count = [], [], [], 0

    def handle_starttag(self, tag, attributes):
        self.count += 1
        self.links += [v for k, v in attributes if k in ("src", "href", "xlink:href", "data") or k.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.titles.append(data)


def parsed(text):
    page = Page()
    page.feed(text)
    assert page.open == []
    return page


def test_report_is_one_page_that_loads_nothing(store, capsys):
    assert main(["report", str(store), *TOY]) == 0
    text = store.with_suffix(".html").read_text(encoding="utf-8")
    page = parsed(text)
    assert page.titles == ["Figures", "Results", "Recipe", "Provenance", "How to reproduce"]
    assert all(link.startswith("#") for link in page.links)
    assert "<script" not in text
    assert "@import" not in text
    with study.Store(store) as opened:
        assert opened.digest in text
        assert report.page(opened) == text  # the same store gives the same page


def test_report_of_an_experiment_shows_its_own_figure_and_table(tmp_path, capsys):
    """What the command prints, once it is finished; before that the moments of what there is."""
    settings = [part for value in ("N=8", "tensors=2", "starts=3", "steps=12") for part in ("--set", value)]
    assert main(["turning", *settings, "--threads", "1", "--out", str(tmp_path)]) == 0
    path = next(tmp_path.glob("*.sqlite"))
    assert main(["report", str(path)]) == 0
    text = path.with_suffix(".html").read_text(encoding="utf-8")
    assert "<figcaption>Angles between successive gradients" in text
    assert "cosine first" in text
    with study.Store(path) as whole, study.Store(tmp_path / "half.sqlite", whole.recipe) as half:
        half.insert(next(iter(whole.records())))
    assert main(["report", str(tmp_path / "half.sqlite")]) == 0
    assert "Mean and standard deviation" in (tmp_path / "half.html").read_text(encoding="utf-8")


def test_report_of_scaled_losses(tmp_path):
    from spinscape.study import scaled_losses

    made = scaled_losses.recipe(sizes=(8, 10), starts=12)
    study.run(made, tmp_path / "s.sqlite").close()
    assert main(["report", str(tmp_path / "s.sqlite")]) == 0
    text = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert parsed(text).titles[0] == "Figures"
    assert "s.d. of means" in text


def test_a_long_table_is_thinned_and_says_so(tmp_path):
    rows = [{"time": float(k), "u": -1.0} for k in range(200)]
    with study.Store(tmp_path / "s.sqlite", toy.recipe()) as opened:
        opened.put({"unit": 0}, {"x": np.zeros(2)}, {})
        text = report.page(opened, report.Contents({}, rows))
    assert "One row in 4 of 200" in text
    assert text.count("<td class=number>-1</td>") == 50


def test_redraw_refuses_what_no_command_draws(store, tmp_path, capsys):
    assert main(["redraw", str(store), "--out", str(tmp_path)]) == 2
    assert "toy" in capsys.readouterr().err


def test_reports_escape_what_the_store_says(tmp_path):
    evil = "<script>alert(1)</script>"
    with study.Store(tmp_path / "s.sqlite", study.Recipe(evil, {evil: evil})) as opened:
        opened.put({evil: evil, "N": 1}, {evil: np.zeros(3), "m$^": np.ones(3)}, {"host": evil, "compiler": evil})
        opened.quarantine({"N": 2}, evil)
        text = report.page(opened)
    assert "<script" not in text
    assert parsed(text).titles[0] == "Set aside"


def test_report_of_an_empty_store(tmp_path):
    with study.Store(tmp_path / "s.sqlite", toy.recipe()) as opened:
        assert parsed(report.page(opened)).titles == ["Recipe", "Provenance", "How to reproduce"]


def test_progress_in_a_log_file(capsys):
    lines = Lines(seconds=0.0)
    lines.total = 10.0
    lines.update(4.0)
    lines.set_postfix_str("5/10 units")
    lines.update(1.0)
    told = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r" 50%, about .* left, 5/10 units", told[-1])


def test_python_m_spinscape(recipe, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-W", "error", "-m", "spinscape", "run", str(recipe), "--workers", "2", *TOY]
    command += ["--store", str(tmp_path / "s.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "finished" in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_of_any_encoding(encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "spinscape", "theory", "--help"]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    done.stdout.decode(encoding)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_reader_that_goes_away_is_no_error(store):
    for command, code in ((["verify", str(store), *TOY], 141), (["--help"], 0)):  # argparse passes over it
        process = subprocess.Popen(
            [sys.executable, "-m", "spinscape", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        )
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(120) == code
        process.stderr.close()
