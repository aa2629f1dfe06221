"""What was opened last, newest first: paths in a file of the user's state folder."""

import json
import os
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.places import state_dir
from workbench.storage import write_json

MOST = 20


def paths() -> list[str]:
    """Paths that are still there; none where nothing can be read."""
    try:
        found = json.loads((state_dir() / "recent.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return [p for p in found if isinstance(p, str) and os.path.exists(p)] if isinstance(found, list) else []


def remember(path: Path | str) -> None:
    """Put a path first. Where the state folder cannot be written, nothing is remembered, and nothing fails."""
    name = os.path.abspath(path)
    try:
        write_json(state_dir() / "recent.json", [name, *(p for p in paths() if p != name)][:MOST])
    except WorkbenchError:
        return
