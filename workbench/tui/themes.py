"""Colour themes: one .toml each, in the shipped folder and in the user's own."""

import tomllib
from pathlib import Path

from textual.theme import Theme

from workbench.places import config_dir, shipped

DEFAULT_THEME = "agentemb-dark"
TRUECOLOR = "truecolor"
FEW_COLOURS_THEME = "agentemb-16"
FEW_COLOURS = (None, "standard", "windows")
"""Rich's names of terminals with sixteen colours or fewer."""
FIELDS = (
    "primary", "secondary", "accent", "foreground", "background", "surface", "panel", "success", "warning", "error"
)  # fmt: skip


def load_themes() -> list[Theme]:
    """All themes; a user's theme takes the place of a shipped one of the same name. Files that do not read are left."""
    themes: dict[str, Theme] = {}
    for folder in (shipped("themes"), config_dir() / "themes"):
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            theme = read_theme(path)
            if theme is not None:
                themes[theme.name] = theme
    return list(themes.values())


def suiting(colour_system: str | None) -> str:
    """The theme for a terminal with so many colours, if nobody has chosen one."""
    return FEW_COLOURS_THEME if colour_system in FEW_COLOURS else DEFAULT_THEME


def read_theme(path: Path) -> Theme | None:
    """A theme from a file of colours, `dark`, and `ansi` where they are the terminal's own; None if it is not one."""
    try:
        data = tomllib.loads(path.read_text())
        colours = {k: str(data[k]) for k in FIELDS if k in data}
        return Theme(
            name=path.stem,
            dark=bool(data.get("dark", True)),
            ansi=bool(data.get("ansi", False)),
            variables={str(k): str(v) for k, v in data.get("variables", {}).items()},
            **colours,  # type: ignore[arg-type]
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return None
