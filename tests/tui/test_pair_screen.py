"""Two networks closely: keys pressed, then what is on the screen."""

import json
import shlex
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from converge_pane import joined, opened, run
from rich.cells import cell_len
from sample_pane import text, typed, until
from wire import listening

from workbench.analyses import find, pair
from workbench.comparing import COLUMNS
from workbench.compute import Compute
from workbench.policies import PolicySpec
from workbench.population import Population
from workbench.tui.arranged import Networks
from workbench.tui.commands import command_line
from workbench.tui.converging import pair_params
from workbench.tui.pair_screen import PairScreen

WIDE = (160, 44)


@asynccontextmanager
async def compared(population, size):
    """The pane after a run, and a pair of different networks opened."""
    async with opened(population, size) as (app, pilot):
        shown = await run(app, pilot)
        await pilot.press("home", "right", "enter")
        await settled(app, pilot)
        yield app, pilot, shown


async def settled(app, pilot):
    """The pair is shown, and both at work."""
    await until(pilot, lambda: isinstance(app.screen, PairScreen))
    await until(pilot, lambda: app.screen.frame is app.screen.job.frame and app.screen.job.state.final)
    await until(pilot, lambda: all(job is not None and job.state.final for job in app.screen.watching))
    await pilot.pause()
    await pilot.pause()


def expected(screen):
    """What the analysis says of the same two networks."""
    *_, frame = pair.run(Compute("cpu", 1), screen.job.selection, screen.job.params)
    return frame


@pytest.mark.parametrize("size", [(80, 24), (100, 50)])
async def test_on_small_screens_one_part_is_shown_at_a_time(population, size):
    async with compared(population, size) as (app, pilot, shown):
        screen = app.screen
        frame = expected(screen)
        first, second = (int(shown.frame.rows[shown.order[k]]) for k in (0, 1))
        assert frame.names == (f"#{first}", f"#{second}")
        survival = ", ".join(f"{s:.1f}" for s in frame.survival)
        assert f"#{first} × #{second}   {survival} steps" in text(app)
        assert joined(app, "#pair-told") == frame.where[0].upper() + frame.where[1:]
        assert "▸1 units  2 measures  3 actions  4 rollouts" in text(app)
        assert f"units of #{second} across, units of #{first} down" in text(app)
        assert "◆  matched" in text(app)
        assert ("each cell is 2 × 2 units" in text(app)) == (size[1] < 40)
        # A matched pair has its own correlation beside its sign.
        assert "◆█" in text(app)
        await pilot.press("tab")
        await until(pilot, lambda: "▸2 measures" in text(app))
        for column in frame.columns:
            there, back = frame.value(column)
            line = next(line for line in text(app).splitlines() if f" {COLUMNS[column].heading} " in line)
            assert f"{there:.3f}" in line and f"{back:.3f}" in line
        assert frame.states_hash in text(app)
        assert "outputs: CD" in text(app)
        await pilot.press("3")
        await until(pilot, lambda: "▸3 actions" in text(app))
        assert frame.plane == ("θ", "θ̇")
        assert "θ (°)" in text(app) and "θ̇ (°/s)" in text(app)
        await pilot.press("tab")
        await until(pilot, lambda: "▸4 rollouts" in text(app))
        assert f"#{first}  episode 1 of 100" in text(app) and f"#{second}  episode 1 of 100" in text(app)
        await pilot.press("tab", "shift+tab", "shift+tab", "1")
        await until(pilot, lambda: "▸1 units" in text(app))
        assert all(cell_len(line) <= size[0] for line in text(app).splitlines())


@pytest.mark.parametrize("size", [WIDE, (200, 50)])
async def test_on_large_screens_all_parts_are_beside_each_other(population, size):
    async with compared(population, size) as (app, pilot, _):
        frame = expected(app.screen)
        cd = frame.value("cd")
        words = (
            f"hidden units: CD {sum(cd) / 2:.2f}",
            "measures and outputs",
            "outputs: CD",
            "where they act differently",
        )
        for word in (*words, "both from the same start", "Procrustes", "episode 1 of 100", frame.states_hash):
            assert word in text(app), word
        # Every unit has a line of its own, with its number.
        names = {line.split("│")[1].strip() for line in text(app).splitlines() if line.count("│") > 3}
        assert names >= {str(unit) for unit in frame.rows}
        await pilot.press("tab", "2", "3")
        assert "hidden units: CD" in text(app)


async def test_arrows_go_to_other_networks_and_the_matrix_follows(population):
    async with compared(population, (80, 24)) as (app, pilot, shown):
        keys = {"right": (0, 2), "down": (1, 2), "right_square_bracket": (1, 3), "h": (1, 2), "k": (0, 2)}
        for key, at in keys.items():
            await pilot.press(key)
            await settled(app, pilot)
            assert app.screen.at == at
            names = tuple(shown.frame.names[shown.order[k]] for k in at)
            assert app.screen.frame.names == names
            assert f"{names[0]} × {names[1]}" in text(app)
        await pilot.press("up", "escape")
        await until(pilot, lambda: not isinstance(app.screen, PairScreen))
        assert app.pane.map.cursor == (0, 2)
        assert app.pane.state.pair == (int(shown.order[0]), int(shown.order[2]))
        assert app.pane.map.has_focus


async def test_both_are_watched_from_the_same_start_and_stay_together(population):
    async with compared(population, (80, 24)) as (app, pilot, _):
        screen = app.screen
        first, second = screen.together.views
        assert np.array_equal(first.trace.states[0, 0, 0], second.trace.states[0, 0, 0])
        start = first.trace.states[0, 0, 0].copy()
        await pilot.press("4", "full_stop", "full_stop", "full_stop", "comma")
        assert (int(first.at), int(second.at)) == (2, 2)
        await pilot.press("plus")
        assert first.speed == second.speed == 4
        await pilot.press("space")
        assert first.playing and second.playing
        await pilot.press("space")
        assert not first.playing and not second.playing
        # One is over: it waits there while the other goes on.
        short, long = sorted(screen.together.views, key=lambda view: view.length)
        screen.action_step(short.length + 20)
        assert int(short.at) == short.length - 1
        if long.length > short.length + 30:
            screen.action_play()
            assert long.playing and not short.playing
            screen.action_play()
        await pilot.press("e")
        await settled(app, pilot)
        assert "episode 2 of 100" in text(app)
        assert np.array_equal(first.trace.states[0, 0, 0], second.trace.states[0, 0, 0])
        assert not np.array_equal(first.trace.states[0, 0, 0], start)


async def test_space_goes_to_the_rollouts(population):
    async with compared(population, (80, 24)) as (app, pilot, _):
        await pilot.press("space")
        await until(pilot, lambda: "▸4 rollouts" in text(app))
        assert any(view.playing for view in app.screen.together.views)
        await pilot.press("space")


async def test_the_options_are_those_of_the_matrix(population):
    async with opened(population, WIDE) as (app, pilot):
        await pilot.press("p", "a", "d")
        shown = await run(app, pilot)
        await pilot.press("home", "right", "enter")
        await settled(app, pilot)
        frame = app.screen.frame
        assert (frame.matching, frame.signed, frame.states) == ("greedy", True, "uniform box")
        assert frame.states_hash == shown.frame.states_hash
        a, b = shown.order[:2]
        both = shown.frame.matrices[0][[a, b], [b, a]]
        assert frame.value("cd") == pytest.approx(tuple(both), rel=1e-4)


async def test_the_command_is_said_and_copied_until_another_pair_is_shown(population, cli):
    async with compared(population, (80, 24)) as (app, pilot, _):
        screen = app.screen
        found, line = joined(app, "#pair-told"), command_line(find("pair"), screen.job.params, population)
        assert "= command" in text(app).splitlines()[-1] and "y copy" in text(app).splitlines()[-1]
        await pilot.press("equals_sign")
        await until(pilot, lambda: joined(app, "#pair-told").replace(" ", "") == line.replace(" ", ""))
        await pilot.press("escape")
        await until(pilot, lambda: joined(app, "#pair-told") == found)
        assert app.screen is screen
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard == line)
        await pilot.press("equals_sign", "right")
        await settled(app, pilot)
        assert joined(app, "#pair-told").startswith("They act differently")
        assert screen.copied() == command_line(find("pair"), screen.job.params, population) != line
        frame = screen.frame
    said = cli(*shlex.split(screen.copied())[1:], "--json", "--threads", "1")
    assert said.code == 0
    told = json.loads(said.out)
    assert tuple(told["networks"]) == frame.names and told["where"] == frame.where


async def test_of_samples_the_command_says_where_they_would_be(population):
    async with compared(population, (80, 24)) as (app, pilot, _):
        own = replace(app.screen.networks.populations[0], path=None)
        app.screen.networks = replace(app.screen.networks, populations=(own,))
        await pilot.press("equals_sign")
        await until(pilot, lambda: "what x in the Sample pane saves" in joined(app, "#pair-told"))
        assert app.screen.copied().startswith("agentemb-tui pair SAMPLES.safetensors ")
        assert "Sample pane" not in app.screen.copied()


async def test_networks_of_another_population_are_compared_too(population, tmp_path, cli):
    spec = PolicySpec((4, 6, 2))
    weights = np.random.default_rng(5).normal(size=(3, spec.parameters)).astype(np.float32)
    other = Population(spec, weights).save(tmp_path / "other.safetensors")
    async with opened(population, (80, 24), marks=(3, 7)) as (app, pilot):
        await pilot.press("W")
        await typed(pilot, str(other.path))
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.state.params.other == str(other.path))
        assert "2 marked networks and those of other.safetensors" in joined(app)
        shown = await run(app, pilot)
        assert set(shown.names[:2]) == {f"{population.name} #3", f"{population.name} #7"}
        assert set(shown.names[2:]) == {"other #0", "other #1", "other #2"}
        matrices = dict(zip(shown.frame.columns, shown.frame.matrices, strict=True))
        lines = set()
        for row, column in ((0, 1), (0, 2), (3, 1), (2, 4)):
            app.pane.map.select(row, column)
            await pilot.press("enter")
            await settled(app, pilot)
            screen = app.screen
            a, b = (int(shown.order[k]) for k in screen.places)
            assert {row, column} == set(screen.places) and screen.frame.states_hash == shown.frame.states_hash
            for name in ("cd", "agreement"):
                assert screen.frame.value(name) == pytest.approx((matrices[name][a, b], matrices[name][b, a]), rel=1e-4)
            assert f"{shown.frame.names[a]} × {shown.frame.names[b]}" in text(app)
            lines.add(screen.copied())
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, PairScreen))
        assert len(lines) == 4
        # Another file in its place, one that is not there, and none.
        app.pane.map.select(3, 0)
        app.pane.state.pair = int(shown.order[3]), int(shown.order[0])
        await pilot.press("m")
        await until(pilot, lambda: "is of another population" in joined(app))
        await pilot.press("W")
        await until(pilot, lambda: app.screen.query_one("Input").value == str(other.path))
        app.screen.query_one("Input").value = str(tmp_path / "nowhere")
        await pilot.press("enter")
        await until(pilot, lambda: "no such" in joined(app))
        assert app.pane.state.params.other == str(other.path)
        again = other.save(tmp_path / "again.safetensors")
        await pilot.press("W")
        app.screen.query_one("Input").value = str(again.path)
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.state.params.other == str(again.path))
        await pilot.press("W")
        app.screen.query_one("Input").value = ""
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.state.params.other == "")
    for line in lines:
        assert cli(*shlex.split(line)[1:], "--json", "--threads", "1").code == 0


async def test_help_lists_the_keys_and_escape_leaves_it(population):
    async with compared(population, (100, 60)) as (app, pilot, _):
        await pilot.press("question_mark")
        await pilot.pause()
        for key, words in PairScreen.KEYS:
            assert any(key in line and words in line for line in text(app).splitlines()), key
        await pilot.press("escape")
        assert isinstance(app.screen, PairScreen)


async def test_a_pair_that_cannot_be_compared_is_a_line(population):
    async with compared(population, (80, 24)) as (app, pilot, shown):
        gone = replace(pair_params(shown.job.params), states="/no/such/states.npy")
        screen = PairScreen(app.service, Networks.of(shown), gone, (0, 1))
        app.push_screen(screen)
        await until(pilot, lambda: "no such file" in text(app))
        assert "Traceback" not in text(app)
        await pilot.press("tab", "space", "full_stop", "e", "escape")


@pytest.mark.parametrize("size", [(80, 24), *(pytest.param(s, marks=pytest.mark.slow) for s in ((200, 50), (20, 6)))])
async def test_any_size_bears_all_keys_and_resizing_and_an_idle_screen_sends_nothing(population, size):
    async with compared(population, size) as (app, pilot, _):
        for other in ((200, 50), (40, 12), size):
            await pilot.resize_terminal(*other)
            await pilot.press("tab", "right", "full_stop", "2", "3", "4", "minus", "shift+tab", "1")
            await settled(app, pilot)
            assert all(cell_len(line) <= other[0] for line in text(app).splitlines())
        await pilot.pause(0.3)
        with listening(app) as data:
            await pilot.pause(0.6)
            assert data == []


ACROBOT, LINEAR = PolicySpec((6, 8, 5, 3), env="Acrobot-v1"), PolicySpec((4, 2))


@pytest.mark.parametrize(
    ("spec", "size"), [pytest.param(ACROBOT, (80, 24), marks=pytest.mark.slow), (LINEAR, (80, 24)), (LINEAR, WIDE)]
)
async def test_other_policies_have_what_they_can_have(tmp_path, spec, size):
    weights = np.random.default_rng(0).normal(size=(5, spec.parameters)).astype(np.float32)
    async with compared(Population(spec, weights).save(tmp_path / "p.safetensors"), size) as (app, pilot, _):
        assert "#0 × #1" in text(app)
        assert "They act differently" in text(app)
        if len(spec.sizes) == 2:
            assert "no hidden units" in text(app)
        await pilot.press("2", "3", "4", "space", "full_stop", "e", "right", "down")
        await settled(app, pilot)
        assert "Traceback" not in text(app)
