"""
The documentation is run: its Python blocks work, its links lead somewhere, both READMEs give the same commands.

A Python block behind `<!-- not run: why -->` is only compiled. The blocks of one page share their names, in order, and
run in one fresh interpreter and folder of their own.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
PAGES = sorted(
    page for where in ("", "docs/**/", "examples/**/", "benchmarks/**/") for page in ROOT.glob(f"{where}*.md")
)
RUNNABLE = [page for page in PAGES if page.name.startswith("README") or page.is_relative_to(ROOT / "docs")]

_FENCE = re.compile(r"^(?P<indent>[ >]*)(?P<ticks>`{3,}|~{3,})\s*(?P<language>[\w+-]*)")
_NOT_RUN = re.compile(r"^<!--\s*not run:(?P<reason>.*)-->$")
_LINK = re.compile(
    r"\]\(\s*<?(?P<inline>[^)\s>]+)>?[^)]*\)"  # ](target "title")
    r"|^ {0,3}\[[^\]^]+\]:\s*<?(?P<reference>[^\s>]+)",  # [name]: target
    re.MULTILINE,
)


class Block(NamedTuple):
    """One fenced block: where it starts, in which language, and why it is not run (None: it is)."""

    line: int
    language: str
    code: str
    not_run: str | None


def blocks(text: str) -> Iterator[Block]:
    """Give the fenced blocks of a page."""
    before, opening, start, body = "", None, 0, []
    for number, line in enumerate(text.splitlines(), start=1):
        fence = _FENCE.match(line)
        if opening is None:
            if fence:
                opening, start, body = fence, number, []
            elif line.strip():
                before = line.strip()
        elif fence and not fence["language"] and fence["ticks"].startswith(opening["ticks"]):
            reason = _NOT_RUN.match(before)
            code = textwrap.dedent("\n".join(body)) + "\n"
            yield Block(start, opening["language"], code, reason["reason"].strip() if reason else None)
            before, opening = "", None
        else:
            body.append(line)
    if opening is not None:
        raise AssertionError(f"line {start}: the block is never closed")


# ---------------------------------------------------------------------------------------------------------------------
# Python blocks
# ---------------------------------------------------------------------------------------------------------------------

# Line numbers in a traceback are those of the page. `await` may stand at the top, as in the asyncio console.
_RUNNER = """
import ast, asyncio, inspect, json, sys
page, parts = json.load(sys.stdin)
names = {"__name__": "__main__"}
with asyncio.Runner() as runner:
    for line, code in parts:
        compiled = compile("\\n" * line + code, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        result = eval(compiled, names)
        if inspect.iscoroutine(result):
            runner.run(result)
print("\\nran to its end")
"""


def python_complaints(page: Path, folder: Path) -> list[str]:
    """Run the Python blocks of *page* in *folder*; say what is wrong with them."""
    complaints, parts = [], []
    for block in blocks(page.read_text("utf-8")):
        if block.language not in {"python", "py", "python3"}:
            continue
        if block.not_run is None:
            parts.append((block.line, block.code))
            continue
        if not block.not_run:
            complaints.append(f"{page}:{block.line}: not run, but no reason is given")
        try:
            compile(
                "\n" * block.line + block.code,
                str(page),
                "exec",
                flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
                dont_inherit=True,
            )
        except SyntaxError as problem:
            complaints.append(f"{page}:{problem.lineno}: {problem.msg}")
    if parts:
        run = subprocess.run(
            [sys.executable, "-X", "utf8", "-W", "error::DeprecationWarning:__main__", "-c", _RUNNER],
            input=json.dumps([str(page), parts]),
            capture_output=True,
            encoding="utf-8",
            cwd=folder,
            timeout=120,
            check=False,
        )
        if run.returncode or not run.stdout.endswith("\nran to its end\n"):
            complaints.append(f"{page}: exit status {run.returncode}\n{run.stderr}")
    return complaints


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_blocks_run(page, tmp_path):
    """Every Python block of the page runs, in order, in an empty folder."""
    complaints = python_complaints(page, tmp_path)
    assert not complaints, "\n".join(complaints)


def test_some_python_is_run():
    """Both READMEs hold at least one Python block that is really run."""
    for readme in READMES:
        assert any(each.language == "python" and each.not_run is None for each in blocks(readme.read_text("utf-8")))


def _page(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text, "utf-8")
    return page


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```python\n1 / 0\n```\n", "ZeroDivisionError"),
        ("text\n\n```python\nx = 1\nassert x == 2\n```\n", 'page.md", line 5'),
        ("```py\nimport nothing_of_this_name\n```\n", "ModuleNotFoundError"),
        ("```python\nx = 1\n```\n\n```python\nprint(y)\n```\n", "NameError"),
        ("- a list\n\n    ```python\n    1 / 0\n    ```\n", "ZeroDivisionError"),
        ("```python\n(\n```\n", "SyntaxError"),
        ("```python\nraise SystemExit(3)\n```\n", "exit status 3"),
        ("```python\nraise SystemExit\n```\n\n```python\n1 / 0\n```\n", "exit status 0"),
        ("```python\nimport asyncio\nawait asyncio.sleep(0)\nraise KeyError(1)\n```\n", "KeyError"),
        ("<!-- not run: needs a shop -->\n\n```python\nx = = 1\n```\n", "page.md:4"),
        ("<!-- not run: -->\n```python\nx = 1\n```\n", "no reason"),
        ("<!-- not run: a -->\n```python\nx = 1\n```\n\n```python\n1 / 0\n```\n", "ZeroDivisionError"),
        ("<!-- not run: a -->\n\nSomething between.\n\n```python\n1 / 0\n```\n", "ZeroDivisionError"),
    ],
)
def test_a_broken_block_is_noticed(tmp_path, text, expected):
    """A block that fails, does not compile or is skipped without a reason is named."""
    complaints = python_complaints(_page(tmp_path, text), tmp_path)
    assert len(complaints) == 1
    assert expected in complaints[0]


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 1\n```\ntext\n```python\nassert x == 1\n```\n",
        "```python\nimport asyncio\nawait asyncio.sleep(0)\n```\n",
        "1. step\n\n   ```python\n   if True:\n       x = 1\n   ```\n",
        "````markdown\n```python\n1 / 0\n```\n````\n",
        "<!-- not run: needs a shop -->\n```python\nasync with shop:\n    await sell()\n```\n",
        "```text\n1 / 0\n```\n",
    ],
)
def test_a_sound_block_passes(tmp_path, text):
    """Shared names, `await` at the top, indented and nested blocks and other languages are no trouble."""
    assert python_complaints(_page(tmp_path, text), tmp_path) == []


def test_blocks_run_in_the_folder_given(tmp_path):
    """What a block writes lands in its own folder, and not beside the page."""
    (tmp_path / "empty").mkdir()
    page = _page(tmp_path, "```python\nopen('made.txt', 'w').close()\n```\n")
    assert python_complaints(page, tmp_path / "empty") == []
    assert [each.name for each in (tmp_path / "empty").iterdir()] == ["made.txt"]


# ---------------------------------------------------------------------------------------------------------------------
# Links
# ---------------------------------------------------------------------------------------------------------------------


def prose(text: str) -> str:
    """Give a page without its fenced blocks, comments and `code`."""
    kept, ticks = [], ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if fence and not ticks:
            ticks = fence["ticks"]
        elif fence and fence["ticks"].startswith(ticks) and not fence["language"]:
            ticks = ""
        elif not ticks:
            kept.append(line)
    return re.sub(r"<!--.*?-->|(`+)(?!`).*?(?<!`)\1(?!`)", "", "\n".join(kept), flags=re.S)


def anchors(text: str) -> set[str]:
    """Give the names under which a page's headings can be linked to."""
    found: set[str] = set()
    outside = re.sub(r"^([ >]*)(`{3,}|~{3,}).*?^\1\2[`~]*\s*$", "", text, flags=re.S | re.M)
    for heading in re.findall(r"^ {0,3}#{1,6}\s+(.*?)\s*#*$", outside, re.M):
        label = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", label.lower()).replace(" ", "-")
        again = 0
        while (name := f"{slug}-{again}" if again else slug) in found:
            again += 1
        found.add(name)
    return found | set(re.findall(r"<a\s+(?:id|name)=\"([^\"]+)\"", text))


def link_complaints(page: Path, root: Path) -> list[str]:
    """Name every relative link of *page* that leads nowhere, or out of *root*."""
    complaints = []
    for found in _LINK.finditer(prose(page.read_text("utf-8"))):
        link = found["inline"] or found["reference"]
        if re.match(r"[a-z][a-z0-9+.-]*:", link, re.I):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if path.startswith("/") or not target.is_relative_to(root.resolve()) or not target.exists():
            complaints.append(f"{page}: {link} leads nowhere")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text("utf-8")):
            complaints.append(f"{page}: {link}: there is no such heading")
    return complaints


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_resolve(page):
    """Every relative link of the page leads to a file, and to a heading where it names one."""
    assert link_complaints(page, ROOT) == []


@pytest.mark.parametrize(
    "text",
    [
        "See [this](missing.md).",
        "See [this [really]](missing.md 'title').",
        "![a picture](missing.png)",
        "See [this].\n\n[this]: missing.md\n",
        "See [this](/page.md).",
        "See [this](../outside.md).",
        "See [this](#no-such-heading).",
        "See [this](page.md#no-such-heading).",
        "```text\n# Not a heading\n```\n\n[this](#not-a-heading)",
    ],
)
def test_a_dead_link_is_noticed(tmp_path, text):
    """A link to nothing, to the outside or to a missing heading is named."""
    (tmp_path / "outside.md").write_text("", "utf-8")
    (tmp_path / "docs").mkdir()
    assert len(link_complaints(_page(tmp_path / "docs", text), tmp_path / "docs")) == 1


def test_a_live_link_passes(tmp_path):
    """Files, folders, headings in any script, other sites and links inside code are no trouble."""
    text = """
        # 订单兑换：once, only
        ## Same
        ## Same
        [one](page.md) [two](#订单兑换once-only) [three](#same-1) [four](deep/) [five](deep/file.py) [six](https://example.com/x)
        `[seven](missing.md)` <!-- [eight](missing.md) -->

        ```markdown
        [nine](missing.md)
        ```
    """
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.py").touch()
    assert link_complaints(_page(tmp_path, textwrap.dedent(text)), tmp_path) == []


# ---------------------------------------------------------------------------------------------------------------------
# Commands
# ---------------------------------------------------------------------------------------------------------------------


def commands(text: str) -> list[str]:
    """Give the bash blocks of a page."""
    return [block.code for block in blocks(text) if block.language == "bash"]


def test_both_readmes_give_the_same_commands():
    """The English and the Chinese README hold the same bash blocks, and the second one runs the tests."""
    english, chinese = (commands(readme.read_text("utf-8")) for readme in READMES)
    assert english == chinese
    assert "pytest" in english[1]


def test_commands_are_told_from_other_blocks():
    """Only bash blocks count, and one changed letter is a difference."""
    text = "```bash\na\n```\n```python\nb\n```\n```bash\nc\n```\n"
    assert commands(text) == ["a\n", "c\n"]
    assert commands(text) != commands(text.replace("c", "d"))
