"""Only the log logs, only commands speak to the terminal, and what is logged has one of a few names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FIELDS = {"count", "seconds", "exception", "fate", "platform"}
"""An int may be an id: what a field is called says that it is none."""


def _breaks(tree: ast.AST, where: Path) -> Iterator[str]:
    """What only the log may do, and texts or unknown fields that are given to it."""
    forbidden = {"logging", "traceback", "pprint"}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if forbidden & {one.name.partition(".")[0] for one in names}:
                yield f"{where}:{node.lineno} imports"
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in forbidden:
                yield f"{where}:{node.lineno} imports"
            case ast.Call(func=ast.Name(id="print" | "breakpoint" | "__import__")):
                yield f"{where}:{node.lineno} calls"
            case ast.Attribute(value=ast.Name(id="sys"), attr="stderr" | "__stderr__" | "__stdout__"):
                yield f"{where}:{node.lineno} writes"
            case ast.Attribute(value=ast.Name(id="sys"), attr="stdout") if "commands" not in where.parts:
                yield f"{where}:{node.lineno} writes"
            case ast.Name(id="click") if "commands" not in where.parts:
                yield f"{where}:{node.lineno} echoes"
            case ast.Call(func=ast.Name(id="log" | "warn" | "fail"), keywords=keywords):
                if not {one.arg for one in keywords} <= FIELDS or any(isinstance(one.value, ast.JoinedStr) for one in keywords):
                    yield f"{where}:{node.lineno} logs an unknown field"


def test_only_the_log_logs_and_only_commands_speak_to_the_terminal() -> None:
    files = [file for part in ("bot", "handlers") for file in (ROOT / part).rglob("*.py") if file != ROOT / "bot" / "logs.py"]
    assert len(files) > 50
    found = [each for file in files for each in _breaks(ast.parse(file.read_text(encoding="utf-8")), file.relative_to(ROOT))]
    assert found == []
    assert len(list(_breaks(ast.parse("import logging\nprint(1)\nsys.stderr.write(x)\nwarn(E, id=1)"), Path("x")))) == 4
