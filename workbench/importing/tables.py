"""Users' own columns: a table beside the checkpoints, CSV or JSON, matched to files by their names."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.population import Column, Text
from workbench.text import clean

FOUND = ("metadata.csv", "metadata.json", "columns.csv", "columns.json")
"""Names under which a table is found by itself, in a checkpoint's folder or one above it."""
KEYS = ("file", "filename", "name", "path", "checkpoint", "model", "source")
"""What the column of file names is called; else it is the first."""
LARGEST = 1 << 26
MOST_COLUMNS = 200
LONGEST = 60
"""Characters of a column's name."""
LONGEST_TEXT = 500
Value = float | str
Row = Mapping[str, Value]


@dataclass(frozen=True)
class Table:
    """Rows by the name of the file they are about."""

    path: Path
    rows: Mapping[str, Row] = field(default_factory=dict)

    def row(self, name: str) -> tuple[str, Row] | None:
        """The row of a file below the table's folder, under its path, its name, or its name without suffix."""
        file = Path(name)
        for key in (file.as_posix(), file.name, file.stem):
            if key in self.rows:
                return key, self.rows[key]
        return None


def read(path: Path) -> Table:
    """A table from CSV (with a line of names) or JSON (a list of objects, or an object of objects by file name).

    Raises:
        WorkbenchError: it cannot be read, or is of another form.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise WorkbenchError(f"{path}: larger than {LARGEST >> 20} MiB")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: no such file") from None
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        raise WorkbenchError(f"{path}: not text in UTF-8 ({error.reason})") from None
    match path.suffix:
        case ".csv":
            entries = _csv(path, text)
        case ".json":
            entries = _json(path, text)
        case _:
            raise WorkbenchError(f"{path}: expected a file ending in .csv or .json")
    rows: dict[str, Row] = {}
    for entry in entries:
        key = next((k for k in KEYS if k in entry), next(iter(entry), None))
        if key is None or not str(entry[key]):
            continue
        rows[str(entry[key])] = {str(k): value(v) for k, v in entry.items() if k != key}
    if any(len(row) > MOST_COLUMNS for row in rows.values()):
        raise WorkbenchError(f"{path}: more than {MOST_COLUMNS} columns")
    return Table(path, rows)


def _csv(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(text))
        return [{k: v for k, v in row.items() if isinstance(k, str) and k} for row in reader]
    except csv.Error as error:
        raise WorkbenchError(f"{path}: not a table ({clean(error, 80)})") from None


def _json(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WorkbenchError(f"{path}: not JSON ({clean(error, 80)})") from None
    if isinstance(found, dict):
        found = [{"file": k, **v} for k, v in found.items() if isinstance(v, dict)]
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise WorkbenchError(f"{path}: expected a list of objects, or an object of objects by file name")
    return found


def value(value: Any) -> Value:
    """A number as a number, else text; JSON's true and false are 1 and 0, its lists and objects text."""
    if isinstance(value, bool | int | float):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    try:
        return float(text.strip())
    except ValueError:
        return clean(text.strip(), LONGEST_TEXT)


def named(name: str, taken: Sequence[str]) -> str:
    """A column's name that filters can write: what is no letter, digit or underscore becomes an underscore, and a name
    that the program has itself gets `user_` before it (and a number behind it, if that is there too).
    """
    plain = re.sub(r"\W", "_", name.strip(), flags=re.ASCII)[:LONGEST] or "column"
    plain = f"_{plain}" if plain[0].isdigit() else plain
    if plain in taken:
        plain = f"user_{plain}"
    found, number = plain, 2
    while found in taken:
        found, number = f"{plain}_{number}", number + 1
    return found


def column(values: Sequence[Value | None]) -> Column:
    """Values (n,) as a column: numbers with NaN where one is missing, or text where any value is text."""
    if any(isinstance(v, str) and v for v in values):
        return Text.of([v if isinstance(v, str) else "" if v is None else f"{v:g}" for v in values])
    return np.array([v if isinstance(v, float | int) else math.nan for v in values], float)
