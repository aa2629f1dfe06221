"""The themes that ship: they read, words can be read on them, and a chosen one is kept."""

import tomllib

import pytest
from test_app import until
from textual.color import Color

from workbench.compute import Compute
from workbench.config import Config, read_config
from workbench.places import shipped
from workbench.tui.app import WorkbenchApp
from workbench.tui.panes.dataset import DatasetPane
from workbench.tui.themes import DEFAULT_THEME, FEW_COLOURS_THEME, load_themes, read_theme, suiting

FILES = sorted(shipped("themes").glob("*.toml"))
OKABE_ITO = {"#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"}
READABLE = 4.5
"""WCAG's contrast for words."""


def luminance(colour):
    """WCAG 2.1, relative luminance."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in Color.parse(colour).normalized]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def contrast(a, b):
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_words_can_be_read(path):
    theme = read_theme(path)
    assert theme is not None and theme.name == path.stem
    if not theme.ansi:
        for name in ("foreground", "accent", "warning", "error", "success"):
            assert contrast(getattr(theme, name), theme.background) >= READABLE, name


def test_the_colour_blind_dark_theme_is_okabe_and_itos():
    data = tomllib.loads((shipped("themes") / "agentemb-okabe-dark.toml").read_text())
    assert {data[name] for name in ("primary", "secondary", "accent", "success", "warning", "error")} <= OKABE_ITO


def test_sixteen_colours_are_all_named_by_the_terminal():
    data = tomllib.loads((shipped("themes") / "agentemb-16.toml").read_text())
    colours = [v for v in (*data.values(), *data["variables"].values()) if isinstance(v, str)]
    assert data["ansi"] is True and all(colour.startswith("ansi_") for colour in colours)


@pytest.mark.parametrize(("system", "name"), [("truecolor", DEFAULT_THEME), ("256", DEFAULT_THEME),
                                              ("standard", FEW_COLOURS_THEME), (None, FEW_COLOURS_THEME)])  # fmt: skip
def test_the_theme_that_suits(system, name):
    assert suiting(system) == name


def test_a_users_theme_is_found_and_may_replace_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "agentemb-tui" / "themes"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('primary = "#123456"\n')
    (folder / "agentemb-dark.toml").write_text('primary = "#654321"\n')
    (folder / "broken.toml").write_text("primary =")
    themes = {theme.name: theme.primary for theme in load_themes()}
    assert themes["mine"] == "#123456" and themes["agentemb-dark"] == "#654321" and "broken" not in themes


async def test_a_chosen_theme_is_kept_and_an_unknown_one_is_told(population, tmp_path, monkeypatch):
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path))
    app = WorkbenchApp(str(population.path), Compute("cpu", 1), remembers=True, config=Config(theme="no-such"))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        assert app.theme == DEFAULT_THEME
        assert app.faults[0].startswith("theme: expected one of ") and app.faults[0].endswith("got 'no-such'")
        await until(pilot, lambda: len(app.theme_changed_signal._subscriptions) > 0)
        app.theme = "agentemb-okabe-light"
        await until(pilot, lambda: read_config()[0].theme == "agentemb-okabe-light")
        app.close_service()
