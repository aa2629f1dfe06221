"""Two columns against each other in the app, runs as lines, and other rules."""

import numpy as np
import pytest
from rich.cells import cell_len
from ruled import under
from test_app import opened, settled, text, typed, until

from workbench.analyses import columns
from workbench.expressions import matches
from workbench.population import Text, load
from workbench.tui.columns_screen import ColumnsScreen
from workbench.tui.panes.dataset import DatasetPane
from workbench.tui.rules_screen import RulesScreen, describe


@pytest.fixture
def runs(population, tmp_path):
    """The small population as checkpoints of runs of eight, the last first."""
    n = len(population)
    made = population.with_columns(
        run=Text.of([f"[b]r{k // 8:02}" for k in range(n)]), step=np.array([100 * (8 - k % 8) for k in range(n)])
    )
    return made.save(tmp_path / "runs.safetensors")


async def counted(app, pilot):
    """The screen shows what was asked last."""
    await until(pilot, lambda: isinstance(app.screen, ColumnsScreen) and app.screen.job is not None)
    await until(pilot, lambda: app.screen.job.state.final)
    app.screen.follow()
    await pilot.pause()
    return app.screen


async def test_a_cell_becomes_a_filter_of_the_networks_shown(population):
    async with opened(population) as (app, pilot):
        await app.pane.rearrange(expression="survival > 30", group=None)
        await pilot.press("d")
        screen = await counted(app, pilot)
        rows = np.flatnonzero(population["survival"] > 30)
        assert screen.frame.n == len(rows)
        assert "survival by" in text(app) and "Spearman's rank correlation" in text(app)
        row, column = np.argwhere(screen.frame.counts > 0)[0]
        screen.map.select(int(row), int(column))
        condition = screen.frame.condition(row, column)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen.focused, type(app.pane.table)))
        await until(pilot, lambda: app.pane.view.arrangement.expression == f"(survival > 30) and {condition}")
        expected = np.intersect1d(rows, np.flatnonzero(matches(population, condition)))
        assert np.array_equal(np.sort(app.pane.view.rows), expected)


async def test_columns_and_logarithms_are_chosen_by_keys_and_by_name(population):
    async with opened(population) as (app, pilot):
        app.pane.view.marks[5:60] = True
        await pilot.press("d")
        screen = await counted(app, pilot)
        assert screen.frame.n == 55
        names = screen.choices
        before = screen.params.x
        await pilot.press("a")
        await counted(app, pilot)
        assert screen.params.x == names[(names.index(before) + 1) % len(names)]
        await pilot.press("A", "U", "u")
        await counted(app, pilot)
        assert (screen.params.x, screen.params.y) == (before, "survival")
        await pilot.press("X")
        await typed(pilot, "up")
        await until(pilot, lambda: screen.query_one("Input")._suggestion == "updates")
        await pilot.press("right", "enter")
        await counted(app, pilot)
        assert screen.params.x == "updates"
        for log in ("x", "y", "xy", ""):
            await pilot.press("L")
            await counted(app, pilot)
            assert screen.params.log == log
        line = await told(screen, pilot)
        assert f"--where 'id in {list(range(5, 60))}'" in line
        app.copy_to_clipboard("before")
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard == line)
        await pilot.press("X")
        await typed(pilot, "luck")
        await pilot.press("enter")
        await counted(app, pilot)
        assert "no column 'luck'" in text(app)


async def test_the_run_of_a_network_is_joined_and_gone_along(runs):
    async with opened(runs) as (app, pilot):
        await pilot.press("right_square_bracket")
        assert app.pane.table.row == 0  # the last of its run
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert app.pane.table.row == 2
        await settled(app, pilot)
        await pilot.press("d")
        screen = await counted(app, pilot)
        assert len(screen.frame.joined) == 8
        assert "○ at 100, ● at 800" in text(app) and "◆ #2" in text(app)
        assert "--trace 2" in (await told(screen, pilot))
        await pilot.press("right_square_bracket", "T")
        await until(pilot, lambda: not len(screen.frame.joined))
        assert "--trace" not in (await told(screen, pilot))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.pane.table.row == 1)


async def told(screen, pilot):
    await pilot.press("equals_sign")
    await pilot.pause()
    return screen._said


async def test_runs_may_have_other_names(population):
    async with opened(population) as (app, pilot):
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "no column 'run'" in text(app))
        await pilot.press("R")
        app.pane.query_one("#prompt-input").value = "held_out"
        await pilot.press("enter")
        await until(pilot, lambda: "runs: expected two columns, got 'held_out'" in text(app))
        await pilot.press("R")
        app.pane.query_one("#prompt-input").value = "held_out updates"
        await pilot.press("enter", "right_square_bracket")
        same = np.flatnonzero(population["held_out"] == population["held_out"][0])
        after = same[population["updates"][same] >= population["updates"][0]]
        expected = after[np.argsort(population["updates"][after], kind="stable")][1]
        await until(pilot, lambda: app.pane.table.row == expected)


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_it_fits_and_is_saved(runs, size, tmp_path):
    async with opened(runs, size) as (app, pilot):
        await pilot.press("d")
        screen = await counted(app, pilot)
        assert all(cell_len(line) <= size[0] for line in text(app).splitlines())
        for name, said in (("a.svg", "written"), ("a.csv", "written"), ("a.svg", "already there"), ("a.png", "ending")):
            await pilot.press("x")
            screen.query_one("Input").value = str(tmp_path / name)
            await pilot.press("enter")
            await until(pilot, lambda said=said: said in screen._said)
        assert (tmp_path / "a.svg").read_text() == columns.svg(screen.frame)
        await pilot.resize_terminal(120, 40)
        await counted(app, pilot)
        assert screen.params.bins > size[0] // 2 - 6
        await pilot.press("question_mark", "escape", "escape", "escape")
        await until(pilot, lambda: app.screen is app.screen_stack[0])


async def test_no_networks_are_said(population):
    async with opened(population) as (app, pilot):
        await app.pane.rearrange(expression="survival > 999")
        await pilot.press("d")
        await until(pilot, lambda: "no networks: the filter lets none through" in text(app))


async def test_other_rules_are_those_of_the_command_line(population):
    async with opened(population) as (app, pilot):
        app.pane.view.marks[3] = True
        for typed_in, fault in (("softly", "expected NAME=VALUE, got 'softly'"), ("sampled greedy", "expected one of")):
            app.action_rules()
            await until(pilot, lambda: isinstance(app.screen, RulesScreen))
            app.screen.query_one("Input").value = typed_in
            await pilot.press("enter")
            await until(pilot, lambda fault=fault: fault in text(app))
            await pilot.press("escape")
        app.action_rules()
        await until(pilot, lambda: isinstance(app.screen, RulesScreen))
        app.screen.query_one("Input").value = "sampled masspole=0.2"
        await pilot.press("enter")
        await until(pilot, lambda: app.view.population.spec.action == "sampled")
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.view is app.view)
        expected = under(load(population.path), "sampled", ("masspole=0.2",))
        assert np.array_equal(app.view.population["survival"], expected["survival"])
        assert app.view.marks[3] and describe(app.view.population) == "sampled masspole=0.2"
        await pilot.press("d")
        screen = await counted(app, pilot)
        assert "--action sampled --env-kwargs masspole=0.2" in await told(screen, pilot)
        await pilot.press("escape", "escape")
        app._rule("")
        await until(pilot, lambda: app.view.population.spec.action == "greedy")
        assert np.array_equal(app.view.population["survival"], population["survival"])
