"""Opening files from within the app, and following a file that grows."""

import json

import numpy as np
import pytest
from sample_pane import text, until
from textual.widgets import Input, Static

from workbench import recent
from workbench.compute import Compute
from workbench.exporting import export
from workbench.places import default_population
from workbench.policies import PolicySpec, initial
from workbench.population import Population, load
from workbench.tui.app import WorkbenchApp
from workbench.tui.open_screen import ImportScreen, OpenScreen, fitting
from workbench.tui.panes.dataset import DatasetPane
from workbench.tui.run_screen import RunScreen
from workbench.tui.view import View

SPEC = PolicySpec((4, 6, 2), "tanh")


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def population(path, count=20, first=0):
    weights = initial(SPEC, 60, 0)[first : first + count]
    return Population(SPEC, weights, {"survival": np.linspace(5, 190, 60)[first : first + count]}).save(path)


@pytest.fixture
def opened(tmp_path):
    """The app on a small population."""

    async def begin(pilot):
        await until(pilot, lambda: pilot.app.pane is not None and pilot.app.view is not None)

    path = population(tmp_path / "small.safetensors").path
    return path, begin


async def typed(pilot, text):
    """A path in the line, and its list."""
    screen = pilot.app.screen
    screen.query_one(Input).value = text
    await until(pilot, lambda: screen._listed == fitting(text))


async def test_a_path_is_chosen_by_keyboard(opened, tmp_path):
    path, begin = opened
    other = population(tmp_path / "folder" / "[bold]other.safetensors", 7).path
    app = WorkbenchApp(str(path), Compute("cpu", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        await pilot.press("ctrl+o")
        screen = app.screen
        assert isinstance(screen, OpenScreen)
        await until(pilot, lambda: screen._listed)
        assert screen._listed[0] == str(path), "what was opened last comes first"
        await typed(pilot, f"{tmp_path}/fol")
        assert screen._listed == [f"{tmp_path}/folder/"]
        await pilot.press("enter")  # into the folder
        await until(pilot, lambda: str(other) in screen._listed)
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(app.view.population) == 7)
        assert isinstance(app.pane, DatasetPane) and recent.paths() == [str(other), str(path)]


async def test_the_population_that_ships_is_always_offered(opened, monkeypatch, tmp_path):
    path, begin = opened
    shipped = str(default_population())
    monkeypatch.chdir(tmp_path)
    assert fitting("")[0] == shipped and shipped not in fitting(f"{tmp_path}/")
    app = WorkbenchApp(str(path), Compute("cpu", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: app.screen._listed)
        assert app.screen._listed[:2] == [str(path), shipped]
        await until(pilot, lambda: "shipped:  " in text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(app.view.population) == 7400)
    assert fitting("")[:2] == [shipped, str(path)], "once"


async def test_what_is_not_there_is_told(opened, tmp_path):
    path, begin = opened
    app = WorkbenchApp(str(path), Compute("cpu", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        app.open_path(str(tmp_path / "nothing.safetensors"))
        await until(pilot, lambda: len(app._notifications) == 1)
        assert "nothing.safetensors: no such file" in next(iter(app._notifications)).message
        app.open_path(str(tmp_path / "no folder" / "nothing.zip"))
        await until(pilot, lambda: len(app._notifications) == 2)
        assert len(app.view.population) == 20, "what is open stays"


@pytest.mark.parametrize("key", ["enter", "e", "escape"])
async def test_assumptions_are_shown_before_checkpoints_are_opened(opened, tmp_path, key):
    path, begin = opened
    list(export(load(path), tmp_path / "agents"))
    app = WorkbenchApp(str(path), Compute("cpu", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        app.open_path(str(tmp_path / "agents"))
        await until(pilot, lambda: isinstance(app.screen, ImportScreen))
        screen = app.screen
        await until(pilot, lambda: screen.job is not None and screen.job.state.final and screen._painted)
        assert screen.job.frame.networks == 20 and screen.job.frame.rows[0].assumed
        await pilot.press(key)
        if key == "enter":
            await until(pilot, lambda: app.view.population.provenance.get("import"))
            assert len(app.view.population) == 20 and app.path == str(tmp_path / "agents")
        elif key == "e":
            await until(pilot, lambda: isinstance(app.screen, RunScreen))
            assert app.screen.query_one("#field-path", Input).value == str(tmp_path / "agents")
        else:
            await until(pilot, lambda: not isinstance(app.screen, ImportScreen))
            assert "import" not in app.view.population.provenance


async def test_a_folder_without_checkpoints_is_told(opened, tmp_path):
    path, begin = opened
    (tmp_path / "empty").mkdir()
    app = WorkbenchApp(str(path), Compute("cpu", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        app.open_path(str(tmp_path / "empty"))
        await until(pilot, lambda: isinstance(app.screen, ImportScreen))
        screen = app.screen
        await until(pilot, lambda: screen.job is not None and screen.job.state.final)
        await until(pilot, lambda: "in 0 of 0 files" in text(app))
        await pilot.press("enter")
        assert app.screen is screen, "there is nothing to open"


async def test_a_file_that_grows_is_followed(opened, tmp_path):
    path, begin = opened
    app = WorkbenchApp(str(path), Compute("cpu", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        app.view.marks[[3, 5]] = True
        app.pane.table.place(4)
        await app._look()
        assert len(app.view.population) == 20, "nothing has changed"
        population(path, 30)
        await app._look()
        assert len(app.view.population) == 30 and app.view.marks.nonzero()[0].tolist() == [3, 5]
        assert app.pane.table.row == 4 and len(app.view.rows) == 30
        assert "grown to 30 networks" in str(app.pane.query_one("#said", Static).content)
        population(path, 30, first=10)
        await app._look()
        assert len(app.view.population) == 30
        await until(pilot, lambda: any("written anew" in n.message for n in app._notifications))
        path.unlink()
        await app._look()
        assert len(app.view.population) == 30


def test_a_view_grows_only_by_what_follows(tmp_path):
    small, large = (population(tmp_path / f"{n}.safetensors", n) for n in (20, 30))
    view = View(small)
    view.apply(view.arranged(expression="survival > 60"), expression="survival > 60")
    shown = len(view.rows)
    assert view.grow(large) and len(view.rows) > shown and view.arrangement.expression == "survival > 60"
    assert not view.grow(small), "it has shrunk"
    other = Population(PolicySpec((4, 6, 2), "relu"), large.weights)
    assert not view.grow(other)
    bare = Population(SPEC, np.concatenate([large.weights, large.weights[:1]]))
    assert view.grow(bare) and view.arrangement.expression == "", "a filter on a column that is gone goes too"
    broken = np.array(large.weights)
    broken[3, 2] = np.nan
    view = View(Population(SPEC, broken[:20]))
    assert view.grow(Population(SPEC, broken)), "bits are compared, not numbers"


def test_paths_that_fit(tmp_path, monkeypatch):
    for name in ("b.zip", "A.safetensors", "notes.txt", ".hidden.zip"):
        (tmp_path / name).touch()
    (tmp_path / "runs").mkdir()
    here = str(tmp_path)
    assert fitting(f"{here}/")[:2] == [f"{here}/", f"{here}/runs/"]
    assert [p.rpartition("/")[2] for p in fitting(f"{here}/")[2:] if "state" not in p] == ["A.safetensors", "b.zip"]
    assert fitting(f"{here}/a") == [f"{here}/A.safetensors"] and fitting(f"{here}/.h") == [f"{here}/.hidden.zip"]
    assert fitting("/nowhere/at/all") == []


def test_recent_files_survive_whatever_lies_there(tmp_path):
    assert recent.paths() == []
    for k in range(25):
        (tmp_path / f"{k}").touch()
        recent.remember(tmp_path / f"{k}")
    assert recent.paths()[0] == str(tmp_path / "24") and len(recent.paths()) == recent.MOST
    file = tmp_path / "state" / "agentemb-tui" / "recent.json"
    for said in ("[[[", json.dumps({"a": 1}), json.dumps([1, None, "/not/there"])):
        file.write_text(said)
        assert recent.paths() == []
    recent.remember(tmp_path / "3")
    assert recent.paths() == [str(tmp_path / "3")]


async def test_networks_are_saved_from_the_table(opened, tmp_path):
    path, begin = opened
    app = WorkbenchApp(str(path), Compute("cpu", 1))
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        for out, rows in ((tmp_path / "all.safetensors", range(20)), (tmp_path / "two.safetensors", (3, 5))):
            app.view.marks[list(rows) if len(rows) < 20 else []] = True
            await pilot.press("x")
            app.pane.query_one("#prompt-input", Input).value = str(out)
            await pilot.press("enter")
            await until(pilot, lambda out=out: str(out) in str(app.pane.query_one("#said", Static).content))
            assert (load(out).weights == app.view.population.weights[list(rows)]).all() and app.clipboard == str(out)
        await pilot.press("x")
        app.pane.query_one("#prompt-input", Input).value = str(out)
        await pilot.press("enter")
        await until(pilot, lambda: "already there" in str(app.pane.query_one("#said", Static).content))
