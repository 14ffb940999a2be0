"""Strict reading of settings files: an unknown key is an error that names the nearest known one. Imports no torch."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from vqinsight.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)


class Settings(BaseModel):
    """Base of all settings: frozen, no unknown keys, numbers finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def parse_settings(kind: type[Model], values: dict[str, Any], source: str) -> Model:
    """Validate ``values`` as ``kind``.

    Raises:
        UsageError: one line an error: the key, what is wrong, and the nearest known key for an unknown one.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise UsageError("\n".join(f"{source}: {_explain(kind, item)}" for item in error.errors())) from None


def read_settings(kind: type[Model], path: Path) -> Model:
    """Read a JSON file as ``kind``; errors name the file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # RecursionError: too deeply nested brackets
        raise UsageError(f"{path}: cannot be read as JSON ({error}). Correct the file or remove it.") from error
    if not isinstance(values, dict):
        raise UsageError(f"{path}: holds a {type(values).__name__}, not an object of settings.")
    return parse_settings(kind, values, str(path))


def read_toml(kind: type[Model], path: Path, changes: Sequence[str] = ()) -> Model:
    """Read a TOML file as ``kind``.

    Args:
        changes: ``a.b=value`` each, the value written as in TOML (a bare word is a string); they replace what the file
            says. ``a.0.b`` reaches into lists.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: cannot be read as TOML ({error}).") from error
    for change in changes:
        key, value = read_change(change, "grpo.group_size=4")
        _put(values, key.split("."), value, change)
    return parse_settings(kind, values, str(path))


def read_change(change: str, example: str) -> tuple[str, Any]:
    """Key and value of ``key=value``, the value written as in TOML (a bare word is a string).

    Raises:
        UsageError: it is not of that form, or of more than one line.
    """
    if len(change.splitlines()) > 1:
        raise UsageError(f"--set {change!r}: write one line; each key=value has a --set of its own.")
    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {change}: write key=value, such as --set {example}")
    return key.strip(), _toml_value(text.strip())


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def _put(values: Any, keys: Sequence[str], value: Any, change: str) -> None:
    for place, key in enumerate(keys):
        last = place == len(keys) - 1
        if isinstance(values, list):
            if not key.isdigit() or int(key) >= len(values):
                raise UsageError(f"--set {change}: there is no entry {key}; the list has {len(values)}")
            if last:
                values[int(key)] = value
            else:
                values = values[int(key)]
        elif not isinstance(values, dict):
            raise UsageError(f"--set {change}: {'.'.join(keys[:place])} is a single value and holds no {key!r}")
        elif last:
            values[key] = value
        else:
            values = values.setdefault(key, {})


def _explain(kind: type[BaseModel], item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "missing":
        return f"the setting {key!r} is missing"
    if item["type"] != "extra_forbidden":
        return f"{key} = {item['input']!r}: {item['msg']}" if key else str(item["msg"])
    *above, last = item["loc"]
    nearest = difflib.get_close_matches(str(last), list(_fields(kind, above)), n=1, cutoff=0.0)
    return f"unknown setting {key!r}. Did you mean {'.'.join([*map(str, above), *nearest])!r}?"


def _fields(kind: type[BaseModel], above: Sequence[Any]) -> Iterable[str]:
    """Names of the settings at a key: a group of settings, or one of a list of groups."""
    for name in above:
        if not isinstance(name, str):
            continue
        annotation = kind.model_fields[name].annotation
        inner = [part for part in (annotation, *get_args(annotation)) if isinstance(part, type)]
        kind = next(part for part in inner if issubclass(part, BaseModel))
    return kind.model_fields
