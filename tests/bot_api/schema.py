"""The published schema, through the models aiogram generates from it; only the methods called are built."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from .faults import ApiError, Json, bad

RANGE = re.compile(r"(\d+)-(\d+) (characters|bytes|identifiers|items)(?! after entit)")
SIMPLE = {int, str, float, bool, datetime, timedelta, NoneType}


@dataclass(frozen=True)
class Parameter:
    """One parameter: its type, whether it comes as JSON, and the range its description gives."""

    adapter: TypeAdapter[Any]
    is_json: bool
    required: bool
    deprecated: bool
    span: tuple[int, int, str] | None

    def read(self, raw: Any) -> Any:
        """Returns the plain value; raises ValueError (of which ValidationError is one)."""
        if self.is_json:
            value = self._decoded(raw)
            for path in extras(self.adapter.validate_python(value)):
                raise ValueError(f"unknown field {path}")
            return value
        value = self.adapter.validate_python(raw)
        whole = isinstance(value, str) and int in self._members() and re.fullmatch(r"-?\d{1,19}", value)
        return int(value) if whole else value

    def _decoded(self, raw: Any) -> Any:
        if not isinstance(raw, str) or (str in self._members() and raw[:1] not in ("[", "{")):
            return raw
        return json.loads(raw)

    def _members(self) -> set[Any]:
        return members(self.adapter._type)

    def range_problem(self, value: Any) -> str | None:
        """Returns in words how a value lies outside the described range."""
        if self.span is None or not isinstance(value, str | list):
            return None
        low, high, unit = self.span
        size = len(value.encode()) if unit == "bytes" and isinstance(value, str) else len(value)
        return None if low <= size <= high else f"{size} {unit}, {low}-{high} allowed"


@dataclass(frozen=True)
class Method:
    """One method: its parameters by name, and the type of its answer."""

    parameters: dict[str, Parameter]
    returning: TypeAdapter[Any]


def members(annotation: Any) -> set[Any]:
    """Returns the members of a union, or the type itself."""
    return set(get_args(annotation)) if get_origin(annotation) in (Union, UnionType) else {annotation}


def extras(value: Any, path: str = "") -> Iterator[str]:
    """Yields the paths of fields the models do not know, which they keep without complaint."""
    if isinstance(value, BaseModel):
        for name in value.model_extra or ():
            yield f"{path}.{name}".lstrip(".")
        for name in value.model_fields_set:
            if name in type(value).model_fields:
                yield from extras(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from extras(item, f"{path}[{index}]")


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return TypeAdapter(annotation)
    return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))


def _descriptions(model: type) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    found: dict[str, str] = {}
    name = None
    for node in getattr(body, "body", []):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found[name] = str(node.value.value)
    return found


def _parameter(field: Any, description: str) -> Parameter:
    from aiogram.client.default import Default

    kinds = members(field.annotation) - {Default}
    # Default stands for "as the client was set up": nothing of it is ever on the wire.
    ordered = [kind for kind in get_args(field.annotation) if kind is not Default]
    annotation = Union[tuple(ordered)] if Default in members(field.annotation) else field.annotation  # noqa: UP007
    match = RANGE.search(description)
    return Parameter(
        adapter=_adapter(annotation),
        is_json=not kinds <= SIMPLE,
        required=field.is_required(),
        deprecated=bool((field.json_schema_extra or {}).get("deprecated")),
        span=(int(match[1]), int(match[2]), match[3]) if match else None,
    )


@cache
def method(name: str) -> Method | None:
    """Returns a method by its exact name, or None."""
    from aiogram import methods

    model = getattr(methods, name[:1].upper() + name[1:], None)
    if model is None or getattr(model, "__api_method__", None) != name:
        return None
    told = _descriptions(model)
    fields = {key: _parameter(field, told.get(key, "")) for key, field in model.model_fields.items()}
    return Method(fields, _adapter(model.__returning__))


class Schema:
    """Checks calls and answers; what is wrong is appended to `violations`."""

    def __init__(self, violations: list[str]) -> None:
        self.violations = violations

    def refuse(self, problem: str) -> ApiError:
        """Records a violation and returns the 400 for it."""
        self.violations.append(problem)
        return bad(problem)

    def read(self, name: str, raw: Json) -> Json:
        """Returns the parameters of a call as plain values; raises ApiError."""
        found = method(name)
        if found is None:
            raise self.refuse(f"{name}: no such method")
        problems: list[str] = []
        values: Json = {}
        for key, value in raw.items():
            parameter = found.parameters.get(key)
            if parameter is None or parameter.deprecated:
                problems.append(f"{name}.{key}: {'unknown' if parameter is None else 'deprecated'} parameter")
                continue
            try:
                values[key] = parameter.read(value)
            except ValueError as error:
                problems.append(f"{name}.{key}: {_told(error)}")
                continue
            if told := parameter.range_problem(values[key]):
                problems.append(f"{name}.{key}: {told}")
        missing = {key for key, parameter in found.parameters.items() if parameter.required} - raw.keys()
        problems += [f"{name}.{key}: missing" for key in sorted(missing)]
        self.violations.extend(problems)
        if problems:
            raise bad("; ".join(problems))
        return values

    def check(self, name: str, answer: Any) -> None:
        """Checks an answer; raises ApiError 500, since the fault would be the server's own."""
        found = method(name)
        assert found is not None
        try:
            unknown = list(extras(found.returning.validate_python(answer)))
        except ValidationError as error:
            unknown = [_told(error)]
        if unknown:
            self.violations.append(f"answer of {name}: {'; '.join(unknown)}")
            raise ApiError(500, "Internal Server Error: the answer does not fit the schema")


def _told(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, item['loc']))} {item['msg']}".strip() for item in error.errors()[:3])
    return str(error)
