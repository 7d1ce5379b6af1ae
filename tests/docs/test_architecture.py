"""docs/architecture.md names every module and draws the walls as they are; what documents mention in code exists."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from api.webhooks.events import Event

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "architecture.md"
PACKAGES = (
    "recognizer",
    "security",
    "enrollment",
    "verification",
    "attendance",
    "api",
    "facesite",
    "benchmarks",
    "training",
)
FOLDERS = (*PACKAGES, ".ci", "deploy", "docs", "models", "scripts", "static", "templates", "tests")
DOCUMENTS = [
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "models/README.md", "training/README.md")),
]

ROW = re.compile(r"^\| `([\w/]+\.(?:py|js))` \|", re.MULTILINE)
CODE = re.compile(r"^```\w*\n((?:.*\n)*?)```$|`([^`]+)`|^ {4}(.+)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PATH = re.compile(rf"(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*|[\w-]+\.(?:py|js|mjs|html|css|md)")
DOTTED = re.compile(rf"(?:{'|'.join(PACKAGES)}|tests)(?:\.\w+)+")
CHECK_ID = re.compile(r"\w+\.[CEWI]\d{3}")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def is_listed(path: Path) -> bool:
    """Not migrations, and not an __init__.py that says nothing or only what its room is for."""
    if path.name == "__init__.py":
        return not all(isinstance(statement, ast.Expr) for statement in parsed(path).body)
    return "migrations" not in path.parts


def product() -> list[str]:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    files += (ROOT / "static" / "js").rglob("*.js")
    return sorted(str(path.relative_to(ROOT)) for path in files if is_listed(path))


@cache
def names_of_files() -> set[str]:
    files = [*ROOT.glob("*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    return {path.name for path in files}


class TestTheTable:
    def test_has_every_module(self):
        assert set(product()) - set(ROW.findall(PAGE.read_text())) == set()

    def test_has_nothing_that_is_gone_and_nothing_twice(self):
        rows = Counter(ROW.findall(PAGE.read_text()))
        assert rows - Counter(product()) == Counter()


class TestTheDiagramOfFloors:
    @pytest.mark.parametrize("floor", ["recognizer", "security", "enrollment", "verification", "attendance", "api"])
    def test_has_the_layers_of_the_contracts(self, floor):
        assert drawn_layers(floor) == contract_layers(floor)


def drawn_layers(floor: str) -> list[set[str]]:
    """From top to bottom: the names in each box."""
    (drawn,) = re.findall(rf"^ +subgraph {floor}\[.*?^ +end$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    boxes = re.findall(r'\b\w\d+\["(.*?)"\]', drawn)
    return [set(re.findall(r"[a-z_]+", re.sub(r"</?b>|<br>", " ", box))) for box in boxes]


def contract_layers(floor: str) -> list[set[str]]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract.get("containers") == [floor]]
    return [set(layer.split(" | ")) for layer in layers]


class TestWhatDocumentsMention:
    @pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
    def test_exists(self, document):
        assert [word for word in words_of_code(document) if not exists(word, document)] == []

    @pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
    def test_is_where_links_lead(self, document):
        links = LINK.findall(document.read_text())
        assert [link for link in links if not (document.parent / link).exists()] == []

    @pytest.mark.parametrize(
        "word",
        [
            "recognizer/nothing.py",
            "tests/enrollment/test_nothing*",
            "nothing.py",
            "enrollment.nothing",
            "enrollment.runtime.gallery.nothing",
            "recognizer.engine.FaceEngine.nothing",
        ],
    )
    def test_is_missed_when_it_is_gone(self, word):
        assert not exists(word, PAGE)


def words_of_code(document: Path) -> Iterator[str]:
    """Words between backticks, in blocks of code and in diagrams."""
    for code in CODE.findall(document.read_text()):
        yield from (word.strip(",:;()") for word in "".join(code).replace("<br>", " ").split())


def exists(word: str, document: Path) -> bool:
    """True for words that are neither a path in this repository nor a dotted name of its packages."""
    if PATH.fullmatch(word):
        beside = any(document.parent.glob(word)) or any(ROOT.glob(word))
        return beside or ("/" not in word and word in names_of_files())
    if DOTTED.fullmatch(word) and not CHECK_ID.fullmatch(word) and word not in set(Event):
        return is_defined(word.split("."))
    return True


def is_defined(parts: list[str]) -> bool:
    """A package, a module, a name at a module's top, or a name in the body of a class there."""
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        if place.is_dir():
            return length == len(parts)
        if place.with_suffix(".py").is_file():
            return is_in(parsed(place.with_suffix(".py")).body, parts[length:])
    return False


def is_in(body: list[ast.stmt], names: list[str]) -> bool:
    if not names:
        return True
    for statement in body:
        if names[0] in names_bound_by(statement):
            return is_in(statement.body if isinstance(statement, ast.ClassDef) else [], names[1:])
    return False


def names_bound_by(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name for alias in statement.names}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
