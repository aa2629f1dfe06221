"""The user's configuration, `config.toml`: read before the first paint, so nothing slow is imported here."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from workbench.places import config_dir
from workbench.text import clean

ANIMATIONS = ("auto", "on", "off")
MOST_FRAMES = 30
_THEME_LINE = re.compile(r"^[ \t]*theme[ \t]*=.*$", re.MULTILINE)
_FIRST_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


@dataclass(frozen=True)
class Config:
    """What a user has chosen; every field has a value without a file."""

    theme: str = ""
    """The colour theme; without one, the one that suits the terminal."""
    ascii: bool | None = None
    """Whether all is drawn in plain ASCII; without it, where the terminal has nothing else."""
    animation: str = "auto"
    """Episodes at play: on, off (a play goes to its end at once), auto (frames are left out on a slow line)."""
    refresh: int = 10
    """Frames a second of an episode at play, 1 to 30."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by the names that `agentemb-tui keys` prints; several with commas between them."""


def config_path() -> Path:
    """The file; may not exist."""
    return config_dir() / "config.toml"


def read_config(path: Path | None = None) -> tuple[Config, list[str]]:
    """The configuration, and a line for everything in the file that is not understood; that part is left out."""
    path = path or config_path()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config(), []
    except OSError as error:
        return Config(), [f"{path}: cannot be read ({error.strerror or error})"]
    except (ValueError, RecursionError) as error:
        return Config(), [f"{path}: not TOML ({clean(error, 120)})"]
    known = {f.name for f in fields(Config)}
    values: dict[str, Any] = {}
    faults = []
    for name, value in data.items():
        fault = _fault(name, value) if name in known else f"expected one of {', '.join(sorted(known))}"
        if fault:
            faults.append(clean(f"{path.name}: {name}: {fault}, got {value!r}", 200))
        else:
            values[name] = value
    keys = {}
    for name, value in _flat(values.pop("keys", {})):
        named = value if isinstance(value, list) else [value]
        if all(isinstance(key, str) and key.strip() for key in named) and named:
            keys[name] = ",".join(named)
        else:
            faults.append(clean(f"{path.name}: keys: {name}: expected a key or a list of keys, got {value!r}", 200))
    return Config(**values, keys=keys), faults


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Entries with their full names: TOML takes a name with a dot and no quotes for a table in a table."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _fault(name: str, value: Any) -> str:
    """What was expected of a field, or nothing."""
    if name == "theme":
        return "" if isinstance(value, str) else "expected a name"
    if name == "ascii":
        return "" if isinstance(value, bool) else "expected true or false"
    if name == "animation":
        return "" if value in ANIMATIONS else f"expected {', '.join(ANIMATIONS)}"
    if name == "refresh":
        fine = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_FRAMES
        return "" if fine else f"expected a whole number from 1 to {MOST_FRAMES}"
    return "" if isinstance(value, dict) else "expected a table"


def keep_theme(name: str) -> None:
    """Write the choice of a theme to the file; all else in it stays as it is.

    Raises:
        WorkbenchError: the file cannot be read or written.
    """
    from workbench.errors import WorkbenchError
    from workbench.storage import write_text

    path = config_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, ValueError) as error:
        raise WorkbenchError(f"{path}: cannot be read ({error})") from None
    line = f'theme = "{name}"'
    # Behind the first table's name it would be the table's.
    table = _FIRST_TABLE.search(text)
    head, rest = (text[: table.start()], text[table.start() :]) if table else (text, "")
    changed, count = _THEME_LINE.subn(lambda _: line, head, count=1)
    write_text(path, (changed if count else f"{line}\n{head}") + rest)
