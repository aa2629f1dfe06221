"""Where things lie: shipped files, and the user's own cache, configuration and state."""

import os
from pathlib import Path

APP = "agentemb-tui"


def shipped(folder: str) -> Path:
    """A folder that ships with the program: `themes` or `checkpoints`.

    In a wheel they are `workbench/_themes` and `workbench/_checkpoints`; in a checkout they stand beside `workbench`.
    """
    here = Path(__file__).resolve().parent
    inside = here / f"_{folder}"
    return inside if inside.is_dir() else here.parent / folder


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/agentemb-tui`, by default `~/.cache/agentemb-tui`. May not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / APP


def state_dir() -> Path:
    """`$XDG_STATE_HOME/agentemb-tui`, by default `~/.local/state/agentemb-tui`. May not exist yet."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / APP


def config_dir() -> Path:
    """`$XDG_CONFIG_HOME/agentemb-tui`, by default `~/.config/agentemb-tui`. May not exist yet."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / APP


def default_population() -> Path:
    """The population that ships with the program."""
    return shipped("checkpoints") / "cartpole-7400.safetensors"
