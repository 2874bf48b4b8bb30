"""What the documentation shows, runs: the python blocks of every page in order, docstring examples, links, versions."""

import doctest
import importlib
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import spinscape

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^```python *(no-run)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


def blocks_of(page):
    """The python blocks, padded so that line numbers in errors are the page's. Blocks marked "no-run" are left out."""
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        if not match[1]:
            yield compile("\n" * text.count("\n", 0, match.start(2)) + match[2], str(page), "exec")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    """All blocks of a page share one namespace, as a reader types them; their files go to a temporary folder."""
    blocks = list(blocks_of(page))
    if not blocks:
        pytest.skip("no python blocks")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    for block in blocks:
        exec(block, namespace)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page):
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


MODULES = [module.name for module in pkgutil.walk_packages(spinscape.__path__, "spinscape.")]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_docstring_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("spinscape"):
            raise
        pytest.skip(f"{name} needs {error.name}")
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(module, optionflags=options).failed == 0


def test_public_names_exist_and_say_what_they_are():
    for name in spinscape.__all__:
        assert name == "__version__" or getattr(spinscape, name).__doc__, name


def test_one_version_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^version: \W?{re.escape(spinscape.__version__)}\W?$", citation, re.MULTILINE)
    assert tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dynamic"] == ["version"]
