"""
The shape of the package: who may import whom, what stays light, what both doors share.

Every check takes the tree or the class it judges, so that it can be shown a bad one and has to complain.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pickle
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from crossloyalty import errors

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "crossloyalty"

# A row is a module or folder directly inside the package ("." is the package itself) and what it may import besides
# itself; imports point downwards only. A new module gets a row here before it gets an import.
MAY_IMPORT = {
    "errors": "",
    "domain": "errors",
    "application": "errors domain",
    "storage": "errors domain application",
    "adapters": "errors domain application",
    "_bridge": "errors domain application.driving application.ports application.sources",
    "loyalty": "errors domain application storage adapters _bridge",
    "rules": "domain",
    ".": "errors domain application storage adapters loyalty rules",
    "testing": "errors domain application storage.memory adapters _bridge loyalty .",
    "integrations": "errors domain application storage adapters _bridge loyalty .",
}

# `drive()` has no event loop: what would wait on one, or on another thread, has no place in these layers. The domain
# moreover asks the world nothing.
_LOOPS = "anyio asyncio concurrent multiprocessing queue sniffio threading trio"
_WORLD = "http httpx io os pathlib random secrets shutil socket sqlite3 ssl subprocess tenacity time urllib uuid"
MUST_NOT_USE = {
    "domain": f"{_LOOPS} {_WORLD}",
    "application": _LOOPS,
    "adapters": _LOOPS,
}

# What `import crossloyalty` leaves alone until it is used.
_HEAVY = (
    "asyncmy cattrs celery cryptography django fastapi httpx hypothesis msgspec openpyxl psycopg pymysql pytest"
    " sqlalchemy sqlite3 tenacity"
)
HEAVY = set(_HEAVY.split())


# ---------------------------------------------------------------------------------------------------------------------
# Who may import whom
# ---------------------------------------------------------------------------------------------------------------------


def sources(root: Path) -> Iterator[tuple[Path, list[str], ast.Module]]:
    """Give every module under the package folder *root*: its file, its dotted parts, its tree."""
    for path in sorted(root.rglob("*.py")):
        yield path, list(path.relative_to(root).with_suffix("").parts), ast.parse(path.read_text("utf-8"))


def imported(tree: ast.Module, parts: list[str]) -> Iterator[tuple[int, str]]:
    """Give line and absolute dotted name of everything a module of our package imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ["crossloyalty", *parts][: -node.level] if node.level else []
            base += node.module.split(".") if node.module else []
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)


def import_complaints(root: Path, table: Mapping[str, str] = MAY_IMPORT) -> list[str]:
    """Name every import under *root* that points elsewhere than the table allows."""
    complaints = []
    own = {parts[0] for _, parts, _ in sources(root)} - {"__init__"}
    for path, parts, tree in sources(root):
        row = "." if parts == ["__init__"] else parts[0]
        if row not in table:
            complaints.append(f"{path}: {row!r} has no row in the table")
            continue
        allowed = [row, *table[row].split()]
        for line, name in imported(tree, parts):
            if name.split(".")[0] != "crossloyalty":
                continue
            rest = name.removeprefix("crossloyalty").removeprefix(".")
            target = rest if rest.split(".")[0] in own else "."
            if not any(f"{target}.".startswith(f"{each}.") for each in allowed):
                complaints.append(f"{path}:{line}: {row!r} may not import {name}")
    return complaints


def plant(root: Path, files: Mapping[str, str]) -> Path:
    """Write a small package in the shape of ours and give its folder."""
    package = root / "crossloyalty"
    for name in (
        "errors",
        "_bridge",
        "loyalty",
        "storage/memory",
        "storage/sqlite",
        "application/ports",
        "domain/points",
    ):
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")
    for name, text in {"__init__.py": "", **files}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return package


def test_imports_point_downwards():
    """Every import inside the package is one the table allows."""
    assert import_complaints(PACKAGE) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("errors.py", "from crossloyalty.domain import points"),
        ("domain/tiers.py", "import crossloyalty.application.ports"),
        ("domain/tiers.py", "def f():\n    from crossloyalty.storage import memory"),
        (
            "domain/tiers.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from crossloyalty import loyalty",
        ),
        ("domain/tiers.py", "from crossloyalty import Loyalty"),
        ("domain/deep/tiers.py", "from ...application import ports"),
        ("domain/deep/__init__.py", "from ...application import ports"),
        ("application/claims.py", "from crossloyalty import storage"),
        ("application/claims.py", "from crossloyalty._bridge import drive"),
        ("application/claims.py", "from ..adapters.jd import codec"),
        ("storage/mysql.py", "from crossloyalty.adapters.jd import codec"),
        ("storage/mysql.py", "import crossloyalty._bridge"),
        ("adapters/jd/codec.py", "from crossloyalty.storage.memory import MemoryStorage"),
        ("_bridge.py", "from crossloyalty.application.claims import claim_orders"),
        ("_bridge.py", "from crossloyalty.application import portsmith"),
        ("_bridge.py", "from crossloyalty.storage import memory"),
        ("loyalty.py", "from crossloyalty.testing import StorageContract"),
        ("loyalty.py", "from crossloyalty.integrations import django"),
        ("__init__.py", "from crossloyalty.testing import StorageContract"),
        ("testing/contract.py", "from crossloyalty.storage.sqlite import SqliteStorage"),
        ("testing/contract.py", "from crossloyalty.storage import SqliteStorage"),
        ("testing/contract.py", "import crossloyalty.integrations.django"),
        ("integrations/django.py", "from crossloyalty.testing import StorageContract"),
        ("newcomer.py", ""),
    ],
)
def test_a_forbidden_import_is_noticed(tmp_path, name, text):
    """An import that points up or sideways is named, in whatever spelling."""
    package = plant(
        tmp_path, {"testing/__init__.py": "", "integrations/__init__.py": "", "adapters/__init__.py": "", name: text}
    )
    complaints = import_complaints(package)
    assert len(complaints) == 1
    assert str(package / name) in complaints[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "domain/tiers.py",
            "import attrs\nfrom crossloyalty.domain.points import x\nfrom crossloyalty.errors import InvalidInput",
        ),
        ("domain/deep/tiers.py", "from ..points import x\nfrom ...errors import InvalidInput"),
        (
            "_bridge.py",
            "from crossloyalty.application.ports import Storage\nfrom crossloyalty.application import ports",
        ),
        ("testing/contract.py", "from crossloyalty import Loyalty\nfrom crossloyalty.storage import memory"),
        (
            "integrations/django.py",
            "import django\nimport crossloyalty\nfrom crossloyalty.storage.sqlite import SqliteStorage",
        ),
    ],
)
def test_an_allowed_import_passes(tmp_path, name, text):
    """An import that points down, or outside the package, is nobody's trouble."""
    assert import_complaints(plant(tmp_path, {name: text})) == []


# ---------------------------------------------------------------------------------------------------------------------
# What a layer leaves alone
# ---------------------------------------------------------------------------------------------------------------------


def _own_statements(function: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield child
            yield from _own_statements(child)


_CLOCK = re.compile(r"\b(date|datetime)\.(now|today|utcnow)$")


def _is_async_generator(node: ast.AST) -> bool:
    if isinstance(node, ast.AsyncFunctionDef):
        return any(isinstance(each, ast.Yield) for each in _own_statements(node))
    return isinstance(node, ast.GeneratorExp) and (
        any(part.is_async for part in node.generators)
        or any(isinstance(each, ast.Await) for each in ast.walk(node.elt))
    )


def purity_complaints(root: Path, table: Mapping[str, str] = MUST_NOT_USE) -> list[str]:
    """Name every use under *root* of what a layer leaves alone: packages, async generators, the clock."""
    complaints = []
    for path, parts, tree in sources(root):
        if parts[0] not in table:
            continue
        unwanted = set(table[parts[0]].split())
        for line, name in imported(tree, parts):
            if name.split(".")[0] in unwanted:
                complaints.append(f"{path}:{line}: {parts[0]!r} may not use {name}")
        for node in ast.walk(tree):
            if _is_async_generator(node):
                complaints.append(f"{path}:{node.lineno}: an async generator")
            elif parts[0] == "domain" and isinstance(node, ast.Attribute) and _CLOCK.search(ast.unparse(node)):
                complaints.append(f"{path}:{node.lineno}: the domain asks no clock: {ast.unparse(node)}")
    return complaints


def test_inner_layers_leave_loops_threads_and_the_world_alone():
    """Use cases and adapters run without an event loop, and the domain asks nothing of the world."""
    assert purity_complaints(PACKAGE) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("application/claims.py", "import asyncio"),
        ("application/claims.py", "async def f():\n    from asyncio import gather\n    await gather()"),
        ("application/claims.py", "import concurrent.futures"),
        ("application/claims.py", "async def f():\n    yield 1"),
        ("application/claims.py", "async def f():\n    async with a:\n        x = yield"),
        ("application/claims.py", "class C:\n    async def f(self):\n        if a:\n            yield 1"),
        ("application/claims.py", "async def f():\n    return g(x async for x in y)"),
        ("application/claims.py", "async def f():\n    return g(await h(x) for x in y)"),
        ("adapters/jd/client.py", "import anyio.abc"),
        ("adapters/jd/client.py", "from threading import Lock"),
        ("adapters/jd/client.py", "async def pages():\n    while True:\n        yield await get()"),
        ("domain/tiers.py", "import random"),
        ("domain/tiers.py", "from datetime import date\ndef f():\n    return date.today()"),
        ("domain/tiers.py", "from datetime import UTC, datetime\nX = datetime.now(UTC)"),
        ("domain/tiers.py", "import datetime as d\nX = field(factory=d.datetime.utcnow)"),
    ],
)
def test_a_loop_thread_or_clock_is_noticed(tmp_path, name, text):
    """One forbidden package, async generator or look at the clock is named."""
    package = plant(tmp_path, {name: text})
    complaints = purity_complaints(package)
    assert len(complaints) == 1
    assert str(package / name) in complaints[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("storage/memory.py", "import threading"),
        ("loyalty.py", "import asyncio\nasync def f():\n    yield 1"),
        ("application/claims.py", "async def f():\n    def g():\n        yield 1\n    return [x async for x in y]"),
        ("application/claims.py", "def f():\n    yield from g()"),
        ("domain/tiers.py", "def judge(self, order, *, now):\n    return now, self.today, order.now()"),
    ],
)
def test_what_other_layers_may_do_passes(tmp_path, name, text):
    """Doors may know event loops, storages threads, and a plain generator is no async one."""
    assert purity_complaints(plant(tmp_path, {name: text})) == []


# ---------------------------------------------------------------------------------------------------------------------
# A light import
# ---------------------------------------------------------------------------------------------------------------------


def loaded_by_import(source_folder: Path) -> set[str]:
    """Give the top-level packages that `import crossloyalty` alone brings into a fresh interpreter."""
    script = """
import json, sys
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
import crossloyalty
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(json.dumps([crossloyalty.__file__, sorted(loaded)]))
"""
    run = subprocess.run(
        [sys.executable, "-c", script, str(source_folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=source_folder,
    )
    file, names = json.loads(run.stdout)
    assert file is not None, "the package has no __init__.py"
    assert Path(file).is_relative_to(source_folder)
    return set(names)


def test_importing_the_package_is_light():
    """Drivers, frameworks and HTTP are imported by whoever uses them, not by `import crossloyalty`."""
    loaded = loaded_by_import(PACKAGE.parent)
    assert "crossloyalty" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("heavy", ["sqlite3", "httpx", "tenacity", "cattrs"])
def test_a_heavy_import_is_noticed(tmp_path, heavy):
    """A heavy package is seen even when a module below pulls it in."""
    package = plant(tmp_path, {"__init__.py": "from crossloyalty import loyalty", "loyalty.py": f"import {heavy}"})
    assert loaded_by_import(package.parent) & HEAVY >= {heavy}


# ---------------------------------------------------------------------------------------------------------------------
# Two doors, one face
# ---------------------------------------------------------------------------------------------------------------------


def _plain(annotation: object) -> frozenset[str]:
    """Spell an annotation without its asynchronous dress: `AsyncStorage | Storage` is `Storage`."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"\bAwaitable\[(.*)\]", r"\1", text)
    text = re.sub(
        r"\bAsync(?=[A-Z])|\bAbstractAsync(?=[A-Z])", lambda found: "Abstract" * found[0].startswith("Abstract"), text
    )
    return frozenset(part.strip() for part in text.split("|"))


def _face(method: object) -> list[object]:
    if isinstance(method, property):
        return ["property", _plain(inspect.signature(method.fget).return_annotation)]
    signature = inspect.signature(method)
    parameters = [
        (each.name, each.kind, each.default, _plain(each.annotation)) for each in signature.parameters.values()
    ]
    return [*parameters, _plain(signature.return_annotation)]


def twin_complaints(plain: type, twin: type) -> list[str]:
    """Name every public method in which an asynchronous class differs from its plain twin by more than `async`."""
    complaints = []
    names = {name for each in (plain, twin) for name in dir(each) if not name.startswith("_")}
    for name in sorted(names | {"__init__"}):
        ours, theirs = inspect.getattr_static(plain, name, None), inspect.getattr_static(twin, name, None)
        if ours is None or theirs is None:
            complaints.append(f"{name}: only in {(plain if theirs is None else twin).__name__}")
            continue
        ours, theirs = (
            each.__func__ if isinstance(each, classmethod | staticmethod) else each for each in (ours, theirs)
        )
        if not (callable(ours) or isinstance(ours, property)):
            continue
        if inspect.iscoroutinefunction(ours):
            complaints.append(f"{name}: {plain.__name__}'s is a coroutine")
        if _face(ours) != _face(theirs):
            complaints.append(f"{name}: {_face(ours)} is not {_face(theirs)}")
    return complaints


def doors(module: ModuleType) -> list[tuple[type, type]]:
    """Give every public class of a module that has an `Async…` twin, with it."""
    classes = {name: each for name, each in vars(module).items() if inspect.isclass(each) and not name.startswith("_")}
    return [(each, classes[f"Async{name}"]) for name, each in classes.items() if f"Async{name}" in classes]


def test_both_doors_have_the_same_face():
    """`Loyalty` and `AsyncLoyalty`, and every other pair, have the same public methods with the same signatures."""
    pairs = doors(importlib.import_module("crossloyalty.loyalty"))
    assert "Loyalty" in {plain.__name__ for plain, _ in pairs if hasattr(plain, "claim")}
    for plain, twin in pairs:
        assert twin_complaints(plain, twin) == []


_DOOR = """
class Door:
    def __init__(self, program: Program, *, storage: Storage) -> None: ...
    @property
    def program(self) -> Program: ...
    def claim(self, member: str, *, note: str = "") -> Result: ...
    def orders(self) -> Iterator[Order]: ...
"""
_TWIN = """
class AsyncDoor:
    def __init__(self, program: Program, *, storage: AsyncStorage | Storage) -> None: ...
    @property
    def program(self) -> Program: ...
    async def claim(self, member: str, *, note: str = "") -> Result: ...
    def orders(self) -> AsyncIterator[Order]: ...
"""


def _pair(plain: str, twin: str) -> tuple[type, type]:
    module = ModuleType("planted")
    exec("from __future__ import annotations\n" + plain + twin, vars(module))
    [pair] = doors(module)
    return pair


def test_twins_that_differ_by_async_alone_pass():
    """Coroutines, asynchronous iterators and either kind of port are no difference."""
    assert twin_complaints(*_pair(_DOOR, _TWIN)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("async def claim", "async def claims"),
        ("async def claim", "async def extra(self) -> None: ...\n    async def claim"),
        ("member: str", "member_id: str"),
        ("member: str", "member: int"),
        ("*, note", "note"),
        ('note: str = ""', "note: str"),
        ('note: str = ""', 'note: str = "x"'),
        ("-> Result", "-> None"),
        ("@property\n", "\n"),
        ("storage: AsyncStorage", "store: AsyncStorage"),
    ],
)
def test_a_difference_between_twins_is_noticed(old, new):
    """A method, parameter, default or type that only one door has is named."""
    assert old in _TWIN
    assert twin_complaints(*_pair(_DOOR, _TWIN.replace(old, new))) != []


def test_a_plain_door_with_a_coroutine_is_noticed():
    """A method of the plain door that has to be awaited is named."""
    assert twin_complaints(*_pair(_DOOR.replace("def claim", "async def claim"), _TWIN)) != []


# ---------------------------------------------------------------------------------------------------------------------
# Docstrings and errors
# ---------------------------------------------------------------------------------------------------------------------


def docstring_complaints(root: Path) -> list[str]:
    """Name every public function and class at the top of a module under *root* that says nothing of itself."""
    complaints = []
    for path, _, tree in sources(root):
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if any(ast.unparse(each).endswith("overload") for each in node.decorator_list):
                continue
            if not (ast.get_docstring(node) or "").strip():
                complaints.append(f"{path}:{node.lineno}: {node.name} has no docstring")
    return complaints


def test_public_names_have_docstrings():
    """Every public function and class at the top of a module says what it is."""
    assert docstring_complaints(PACKAGE) == []


@pytest.mark.parametrize("text", ["def f(): ...", "async def f(): ...", "class C:\n    x = 1", 'def f():\n    " "'])
def test_a_missing_docstring_is_noticed(tmp_path, text):
    """A public name without a sentence is named; a private one and an overload are not."""
    clean = '@overload\ndef f(a): ...\ndef f(a):\n    "Say so."\ndef _g(): ...\nclass _H: ...\n'
    assert docstring_complaints(plant(tmp_path, {"domain/tiers.py": clean})) == []
    assert len(docstring_complaints(plant(tmp_path, {"domain/tiers.py": clean + text}))) == 1


_SAMPLES = {"bool": True, "float": 1.5, "int": 7, "object": "x", "str": "订单 \N{PILE OF POO}"}


def pickle_complaints(error_class: type[BaseException]) -> list[str]:
    """Say what an error of this class loses on its way to another process."""
    keywords = {
        name: _SAMPLES[str(each.annotation).partition(" ")[0]]
        for name, each in inspect.signature(error_class.__init__).parameters.items()
        if each.kind is each.KEYWORD_ONLY
    }
    error = error_class("order 38…45 is not finished", **keywords)
    complaints = []
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        try:
            copy = pickle.loads(pickle.dumps(error, protocol))
        except Exception as problem:  # noqa: BLE001 - whatever pickling raises is the finding
            complaints.append(f"{error_class.__name__}: {problem!r}")
            continue
        if (type(copy), str(copy), copy.args, vars(copy)) != (error_class, str(error), error.args, vars(error)):
            complaints.append(f"{error_class.__name__}: {copy!r} {vars(copy)} is not {error!r} {vars(error)}")
        if any(getattr(copy, name, None) != value for name, value in keywords.items()):
            complaints.append(f"{error_class.__name__}: does not keep what it was given")
    return complaints


def public_errors(module: ModuleType) -> list[type[BaseException]]:
    """Give the public exceptions a module defines."""
    return [
        each
        for name, each in vars(module).items()
        if inspect.isclass(each)
        and issubclass(each, BaseException)
        and each.__module__ == module.__name__
        and name[0] != "_"
    ]


@pytest.mark.parametrize("error_class", public_errors(errors), ids=lambda each: each.__name__)
def test_errors_travel_between_processes(error_class):
    """Every public error pickles to an equal message, class and data, is exported, and stands in the drawn tree."""
    assert issubclass(error_class, errors.CrossloyaltyError)
    assert pickle_complaints(error_class) == []
    assert error_class.__name__ in errors.__all__
    assert re.search(rf"^ .*\b{error_class.__name__}\b", errors.__doc__ or "", re.MULTILINE)


class _NeedsTwo(Exception):
    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code


class _Forgets(Exception):
    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self.args


class _Drops(Exception):
    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)


@pytest.mark.parametrize("error_class", [_NeedsTwo, _Forgets, _Drops])
def test_an_error_that_loses_something_is_noticed(error_class):
    """An error that cannot be rebuilt, or comes back without its data, is named."""
    assert pickle_complaints(error_class) != []


def test_the_checks_read_the_real_package():
    """The trees judged above are the package's own, so an empty list of complaints means something."""
    assert _count(PACKAGE) >= _count(PACKAGE / "domain") > 0
    assert len(public_errors(errors)) > 10


def _count(root: Path) -> int:
    return sum(1 for _ in sources(root))


def test_the_table_is_read_as_written():
    """Each name in the table is a row itself, or a module inside one."""
    named: Collection[str] = {each.split(".")[0] or "." for row in MAY_IMPORT.values() for each in row.split()}
    assert named <= set(MAY_IMPORT)
