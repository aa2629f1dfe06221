"""The Converge pane: keys pressed, then what is on the screen."""

import json
import re
import shlex
import threading
from dataclasses import replace

import numpy as np
import pytest
from converge_pane import go_to, joined, opened, run, settled
from rich.cells import cell_len
from sample_pane import text, typed, until
from wire import count_bytes, listening

from workbench.analyses import converge, find
from workbench.analysis import Selection
from workbench.compute import Compute
from workbench.policies import PolicySpec
from workbench.population import Population, Text
from workbench.service import JobState
from workbench.tui import converging
from workbench.tui.commands import command_line
from workbench.tui.panes.converge import ConvergePane
from workbench.tui.panes.dataset import DatasetPane
from workbench.tui.widgets.convergence import figure_lines, shorter

EVERY_KEY = ("c", "v", "O", "z", "z", "i", "i", "o", "o", "m", "equals_sign", "escape", "enter", "right", "down", "C")


async def test_before_a_run_it_says_what_r_does_and_bears_all_keys(population):
    async with opened(population) as (app, pilot):
        assert "r compares 12 of 96 networks" in text(app)
        await pilot.press(*EVERY_KEY, "x")
        assert "nothing to save yet; r compares" in text(app)
        await pilot.press("X", "escape", "tab", "shift+tab")
        assert app.service.running() == []
        assert "output CD" not in text(app)
        assert isinstance(app.pane, ConvergePane)


async def test_what_is_shown_is_what_the_analysis_computes_and_the_command_line_says(population, cli):
    async with opened(population, (200, 50)) as (app, pilot):
        await pilot.press("s")
        shown = await run(app, pilot)
        params = app.pane.state.params
        assert (params.seed, shown.job.params) == (1, params)
        *_, expected = converge.run(Compute("cpu", 1), Selection(population), params)
        assert np.array_equal(shown.frame.matrices, expected.matrices, equal_nan=True)
        assert joined(app, "#figures").startswith(expected.sentence)
        for label in converge.shown(expected):
            cell = expected.statistic(label, "cd")
            if cell.pairs:
                line = next(line for line in text(app).splitlines() if f" {label} " in line and "±" in line)
                assert all(converge.short(v) in line for v in (cell.mean, cell.std, cell.low, cell.high))
                assert f" {cell.pairs} " in line
        assert expected.states_hash in text(app)
        await pilot.press("equals_sign")
        line = command_line(find("converge"), params, population)
        assert line.replace(" ", "") in joined(app).replace(" ", "")
    said = cli(*shlex.split(line)[1:], "--json", "--threads", "1")
    assert said.code == 0
    assert json.loads(said.out)["rows"].keys() == set(expected.labels)
    assert json.loads(said.out)["sentence"] == expected.sentence


async def test_column_and_order_change_at_once_and_the_cursor_stays_on_its_pair(population):
    async with opened(population) as (app, pilot):
        shown = await run(app, pilot)
        frame, jobs = shown.frame, list(app.service.jobs)
        await pilot.press("home", "down", "right", "right", "right")
        pair = app.pane.state.pair
        assert pair == (int(shown.order[1]), int(shown.order[3]))
        for by in ("survival", "clustering", "group"):
            await pilot.press("O")
            await settled(app, pilot)
            now = app.pane.state.shown
            assert (now.by, app.pane.state.pair) == (by, pair)
            assert np.array_equal(now.order, frame.order(by, "cd"))
            assert app.pane.map.cursor == (now.place(pair[0]), now.place(pair[1]))
            assert f"hidden CD, by {by}" in text(app)
        assert now.runs[0][0] in text(app)
        for key, column in (("c", 1), ("v", 0), ("v", -1), ("c", 0), ("c", 1), ("v", 0)):
            await pilot.press(key)
            await settled(app, pilot)
            assert app.pane.state.shown.column == frame.columns[column]
            assert f"{converge.COLUMNS[frame.columns[column]].heading}, by group" in text(app)
        a, b = pair
        there, back = frame.matrices[0][[a, b], [b, a]]
        figures = f"hidden CD {converge.short((there + back) / 2)} ({converge.short(there)} → {converge.short(back)} ←)"
        lasted = ", ".join(f"{s:.1f}" for s in frame.survival[[a, b]])
        assert f"{frame.names[a]} × {frame.names[b]}  {figures}  survival {lasted} steps" in text(app)
        assert app.service.jobs == jobs


async def test_choices_change_by_one_key_each_and_are_told(population):
    async with opened(population) as (app, pilot):
        state, before = app.pane.state, app.pane.state.params
        await pilot.press("p", "a", "d", "s", "s")
        assert state.params == replace(before, matching="greedy", signed=True, states="box", seed=2)
        assert "box  greedy  signed  seed 2" in text(app)
        await pilot.press("d", "d", "n", "ctrl+u", *"7", "enter", "S", "ctrl+u", *"5", "enter")
        await until(pilot, lambda: state.params.networks == 7 and state.params.seed == 5)
        assert state.params.states == "rollouts"
        for key, wrong, told in (
            ("n", "1", "networks: expected 2 to 2,000, got 1"),
            ("n", "x", "expected a number, got 'x'"),
            ("S", "-1", "expected a number, got '-1'"),
        ):
            await typed(pilot, [key, "ctrl+u", *wrong])
            await pilot.press("enter")
            await until(pilot, lambda told=told: told in text(app))
        await pilot.press("b")
        assert "one hidden layer" in text(app)
        assert app.service.running() == []  # nothing runs before r, unless runs are fast


async def test_a_changed_choice_runs_at_once_after_a_fast_run_and_waits_after_a_slow_one(population, monkeypatch):
    async with opened(population) as (app, pilot):
        monkeypatch.setattr(converging, "FAST", 0.0)
        await run(app, pilot)
        first, app.pane.state.took = app.pane.state.job, 1.0
        await pilot.press("s")
        assert app.pane.state.job is first
        assert "r compares: 12 of 96 networks" in text(app)
        monkeypatch.setattr(converging, "FAST", 1e9)
        await pilot.press("p")
        assert app.pane.state.job is not first
        await settled(app, pilot)
        assert (app.pane.state.shown.frame.matching, app.pane.state.shown.frame.seed) == ("greedy", 1)
        monkeypatch.setattr(converging, "FAST", 0.0)
        await pilot.press("p", "S", "ctrl+u", "0", "enter")  # a run of this session is shown again
        await until(pilot, lambda: app.pane.state.job is first)
        await settled(app, pilot)
        assert app.pane.state.shown.job is first


async def test_marks_come_first_and_w_goes_through_what_there_is(population, cli):
    async with opened(population, marks=(3, 5, 8, 40)) as (app, pilot):
        state = app.pane.state
        assert (state.source, state.about) == ("marked", "4 marked networks")
        shown = await run(app, pilot)
        assert shown.frame.names == ("#3", "#5", "#8", "#40")
        assert shown.frame.described in joined(app, "#figures")
        await pilot.press("equals_sign")
        line = command_line(find("converge"), state.params, population, "id in [3, 5, 8, 40]")
        assert line.replace(" ", "") in joined(app).replace(" ", "")
        await pilot.press("w")
        await settled(app, pilot)
        assert (state.source, state.about) == ("shown", "12 of 96 networks")
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        await app.pane.rearrange(expression="survival < 60", group=0)
        await go_to(app, pilot)
        assert state.about == f"12 of {len(app.view.rows):,} networks shown"
        shown = await run(app, pilot)
        assert set(shown.frame.rows) <= set(app.view.rows)
        assert shlex.split(state.command)[-1] == "(survival < 60) and (group == '1-50')"
        app.view.marks[:] = False
        await pilot.press("w")
        assert "nothing else to compare" in text(app)
    said = cli(*shlex.split(line)[1:], "--json", "--threads", "1")
    assert json.loads(said.out)["networks"] == ["#3", "#5", "#8", "#40"]


async def test_too_few_networks_are_a_readable_line(population):
    async with opened(population, marks=(3,)) as (app, pilot):
        await pilot.press("r")
        assert "two networks at least are compared, and one network is marked: m marks more" in joined(app)
        assert app.service.running() == []
        await pilot.press("w")
        await run(app, pilot)
        assert app.pane.state.shown.about == "12 of 96 networks"


@pytest.mark.parametrize("size", [(150, 40), (80, 24)])
async def test_two_networks_are_enough(population, size):
    async with opened(population, size, marks=(3, 70)) as (app, pilot):
        shown = await run(app, pilot)
        assert shown.values.shape == (2, 2)
        assert shown.frame.sentence in joined(app, "#figures")
        await pilot.press(*EVERY_KEY)
        await until(pilot, lambda: "They act differently" in text(app))


async def test_a_job_that_fails_is_one_line(population, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with opened(population) as (app, pilot):
        await typed(pilot, ["D", *"none.npy"])
        await pilot.press("enter", "r")
        await until(pilot, lambda: "converge failed: " in text(app))
        assert "no such file" in joined(app)
        assert "Traceback" not in text(app)
        np.save("some.npy", np.random.default_rng(0).normal(size=(50, 4)))
        await typed(pilot, ["D", "ctrl+u", *"some.npy"])
        await pilot.press("enter")
        assert (await run(app, pilot)).frame.count == 50


@pytest.fixture
def gate(monkeypatch):
    """`converge` waits after its first pairs until this is set."""
    real, gate = find("converge"), threading.Event()

    def slowly(compute, selection, params):
        for frame in real.run(compute, selection, params):
            yield frame
            if 0 < frame.done < frame.total:
                gate.wait(20)

    monkeypatch.setattr(converging, "find", lambda _: replace(real, run=slowly))
    yield gate
    gate.set()


@pytest.mark.parametrize("size", [pytest.param((150, 40), marks=pytest.mark.slow), (80, 24)])
async def test_a_running_job_fills_the_matrix_and_bears_keys_and_resizing(population, gate, size):
    async with opened(population, size) as (app, pilot):
        app.pane.state.params = replace(app.pane.state.params, seed=size[0])  # not in the cache
        await pilot.press("r")
        await until(pilot, lambda: app.pane.state.shown is not None and "C cancels" in text(app))
        await until(pilot, lambda: app.pane.state.shown.frame.done)
        assert "no value" in text(app) and "comparing…" in text(app)
        await pilot.press("O", "O")
        assert "clustering comes with the last pair" in text(app)
        await pilot.press("x")
        assert "saved once it is whole" in text(app)
        for other in ((60, 20), (200, 50), (20, 6), size):
            await pilot.resize_terminal(*other)
            await pilot.press("c", "i", "o", "i", "o", "z", "z")
        gate.set()
        await settled(app, pilot)
        assert np.isfinite(app.pane.state.shown.values).all()
        assert "no value" not in text(app)


async def test_cancelling_keeps_what_there_is(population, gate):
    async with opened(population) as (app, pilot):
        app.pane.state.params = replace(app.pane.state.params, seed=102)  # not in the cache
        await pilot.press("r")
        await until(pilot, lambda: app.pane.state.shown is not None and app.pane.state.shown.frame.done)
        await pilot.press("C")
        assert "converge stops   C cancels" in text(app)
        gate.set()
        await until(pilot, lambda: app.pane.state.job.state is JobState.CANCELLED)
        await settled(app, pilot)
        assert "cancelled, not complete" in text(app)
        shown = app.pane.state.shown
        assert shown.frame.done < shown.frame.total
        assert np.isfinite(shown.frame.matrices).any()
        assert (await run(app, pilot)).frame.done == shown.frame.total


async def test_saving_never_over_a_file_and_only_as_what_it_can_be(population, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with opened(population) as (app, pilot):
        shown = await run(app, pilot)
        await pilot.press("x", "enter")
        path = tmp_path / "converge-12-0.npz"
        await until(pilot, lambda: f"written to {path}" in text(app).replace("\n ", ""))
        with np.load(path) as saved:
            assert np.array_equal(saved["cd"], shown.frame.matrices[0])
        await pilot.press("x", "enter")
        await until(pilot, lambda: "already there; give another name" in text(app))
        for name in ("a.csv", "a.svg"):
            await typed(pilot, ["x", "ctrl+u", *name])
            await pilot.press("enter")
            await until(pilot, lambda name=name: f"written to {tmp_path / name}" in text(app).replace("\n ", ""))
        assert len((tmp_path / "a.csv").read_text().splitlines()) == 12 * 12 + 1
        assert (tmp_path / "a.svg").read_text().startswith("<svg")
        for key, name, told in (
            ("x", "a.png", "expected a file ending in .npz, .csv or .svg"),
            ("X", "b.csv", "expected a file ending in .npz"),
            ("x", "no/such/a.npz", "no/such"),
        ):
            await typed(pilot, [key, "ctrl+u", *name])
            await pilot.press("enter")
            await until(pilot, lambda told=told: told in text(app) or (tmp_path / "no").exists())
        await pilot.press("X", "enter")
        await until(pilot, (tmp_path / "activations-12-0.npz").exists)
        await until(pilot, lambda: "activations to" in text(app))
        with np.load(tmp_path / "activations-12-0.npz") as saved:
            assert saved["hidden_0000"].shape == (300, 30)
        assert app.pane.map.has_focus


async def test_what_is_shown_survives_another_pane(population):
    async with opened(population) as (app, pilot):
        shown = await run(app, pilot)
        await pilot.press("down", "right", "right", "O", "c")
        await settled(app, pilot)
        shown, pair = app.pane.state.shown, app.pane.state.pair
        jobs = [job for job in app.service.jobs if job.analysis.name == "converge"]
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        await go_to(app, pilot)
        await settled(app, pilot)
        assert app.pane.state.shown is shown
        assert (app.pane.state.pair, app.pane.map.cursor) == (pair, (shown.place(pair[0]), shown.place(pair[1])))
        assert "output CD, by survival" in text(app)
        assert [job for job in app.service.jobs if job.analysis.name == "converge"] == jobs


async def test_m_marks_the_network_of_the_row(population):
    async with opened(population) as (app, pilot):
        shown = await run(app, pilot)
        await pilot.press("m")
        row = int(shown.frame.rows[shown.order[0]])
        assert np.flatnonzero(app.view.marks).tolist() == [row]
        assert f"#{row} is marked in the Dataset pane (1): 1 in all" in text(app)
        assert f"#{row}● × " in text(app)
        assert app.pane.suggested()["first"] == str(row)
        await pilot.press("m")
        assert not app.view.marks.any()


async def test_samples_are_compared_on_the_states_of_the_population(population, trained):
    async with opened(population) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: getattr(app.pane.state, "trained", None) is not None)
        app.pane.state.change(count=9, group="all")
        await pilot.press("r")
        await until(pilot, lambda: app.pane.state.shown is not None and not app.pane.state.working)
        samples = app.pane.state
        await go_to(app, pilot)
        await pilot.press("w")
        assert app.pane.state.about == "9 samples"
        shown = await run(app, pilot)
        assert shown.population is samples.shown.watched
        assert shown.frame.states == f"rollouts of {population.name}"
        await pilot.press("equals_sign")
        assert "agentemb-tui converge SAMPLES.safetensors" in joined(app)
        await pilot.press("m", "down", "down", "m")
        rows = {int(shown.frame.rows[shown.order[k]]) for k in (0, 2)}
        assert samples.marks == rows
        assert "r compares: 2 marked samples" in text(app) or app.pane.state.about == "2 marked samples"
        shown = await run(app, pilot)
        assert set(shown.frame.rows.tolist()) == rows
        await pilot.press("enter")
        await until(pilot, lambda: "They act differently" in text(app) or "they act" in text(app).lower())


async def test_help_lists_every_key_of_the_pane(population):
    async with opened(population, (100, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        for key, words in ConvergePane.KEYS:
            assert any(key in line and words in line for line in text(app).splitlines()), key


@pytest.mark.parametrize(
    "size", [(80, 24), (200, 50), *(pytest.param(s, marks=pytest.mark.slow) for s in ((80, 50), (60, 20), (20, 6)))]
)
async def test_every_size_shows_the_picture_and_survives_resizing(population, size):
    async with opened(population, size) as (app, pilot):
        await run(app, pilot)
        if size[0] >= 80:
            assert "hidden CD, by group" in text(app)
            assert app.pane.state.shown.frame.sentence[:60] in joined(app, "#figures")
        for other in ((40, 10), (120, 40), size):
            await pilot.resize_terminal(*other)
            await pilot.press("i", "o", "i", "o", "tab", "tab")
            await settled(app, pilot)
        assert all(cell_len(line) <= size[0] for line in text(app).splitlines())
        assert app.focused is not None


async def test_at_80_columns_panels_take_each_others_place(population):
    async with opened(population, (80, 24)) as (app, pilot):
        shown = await run(app, pilot)
        assert "151-200" in text(app) and "± " not in text(app)
        await pilot.press("i")
        await until(pilot, lambda: "hidden CD, by group" not in text(app) and "± " in text(app))
        assert app.pane.figures.has_focus
        assert joined(app, "#figures").startswith(shown.frame.sentence)
        await pilot.press("escape")
        await until(pilot, lambda: "hidden CD, by group" in text(app))
        assert app.pane.map.has_focus
        await pilot.press("o")
        await until(pilot, lambda: "p matching  optimal" in text(app))
        assert "hidden CD, by group" in text(app)
        assert not app.pane.figures.region
        await pilot.press("escape")
        # Beside a small matrix the figures come before the sentence.
        await until(pilot, lambda: joined(app, "#figures").startswith("hidden CD: smaller is more alike"))


def test_figures_begin_with_the_chosen_column_and_fit_any_width(population, compute):
    params = converge.Params(12, count=100, resamples=20)
    *_, frame = converge.run(compute, Selection(population), params)
    for width in (250, 120, 60, 40, 30, 10):
        for column in frame.columns:
            lines = ["".join(part for part, _ in line) for line in figure_lines(frame, column, width)]
            assert converge.COLUMNS[column].heading in lines[0]
            assert max(map(len, lines)) <= max(width, 40), (width, lines)
            assert lines[1].split()[0] == frame.groups[0]
            # Neither intervals nor what is more alike are left out, however narrow it is.
            cells = [frame.statistic(label, column) for label in converge.shown(frame)]
            assert "".join(lines).count("[") >= sum(cell.pairs > 0 for cell in cells)
            alike = "larger" if converge.COLUMNS[column].measure.alike else "smaller"
            assert alike in "".join(lines).replace("\n", "")


async def test_at_80_columns_every_column_has_intervals_and_says_what_is_more_alike(population):
    async with opened(population, (80, 24)) as (app, pilot):
        frame = (await run(app, pilot)).frame
        told = text(app).splitlines()[-1]
        assert all(key in told for key in ("r compare", "enter pair", "c v column", "? help", "q quit"))
        for column in frame.columns:
            await until(pilot, lambda column=column: app.pane.state.shown.column == column)
            await pilot.pause()
            figures = joined(app, "#figures")
            alike = "larger" if converge.COLUMNS[column].measure.alike else "smaller"
            assert figures.startswith(f"{converge.COLUMNS[column].heading}: {alike} is more alike")
            for label in converge.shown(frame):
                cell = frame.statistic(label, column)
                given = ("mean", "low", "high") if cell.pairs else ()
                mean, low, high = (
                    (re.escape(shorter(getattr(cell, name))) for name in given) if given else ("-", "", "")
                )
                assert re.search(f"{label} +{mean} " + (rf"\[{low}, {high}\]" if given else ""), figures), label
            await pilot.press("c")


def test_numbers_in_little_room():
    assert [shorter(v) for v in (23.79, 3.557, 0.1409, 0.0223, -0.02, 0.0, -0.5, 100.0)] == [
        "23.8", "3.56", ".14", ".022", "-.020", ".00", "-.50", "100.0",
    ]  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_cursor_move_sends_little_and_an_idle_screen_nothing(population, size):
    async with opened(population, size) as (app, pilot):
        app.pane.state.params = replace(app.pane.state.params, networks=96)
        await run(app, pilot)
        with listening(app) as data:
            for zoomed in ((), ("z",)):
                await pilot.press(*zoomed, "home")
                await pilot.pause()
                for key in ("right", "down", "left", "up", "right"):
                    data.clear()
                    await pilot.press(key)
                    await pilot.pause()
                    assert count_bytes(data) <= 3000
            data.clear()
            await pilot.pause(0.6)
            assert data == []


def odd(n):
    spec = PolicySpec.cartpole()
    weights = np.random.default_rng(1).normal(size=(n, spec.parameters)).astype(np.float32)
    weights[:2] = np.nan
    names = Text.of([f"\x1b[2J[red]{k}[/red]\x07" for k in range(n)])
    return Population(spec, weights, {"survival": np.full(n, np.nan), "\x1b[31mrun": names})


def acrobot(n):
    spec = PolicySpec((6, 8, 8, 3), activation="tanh", env="Acrobot-v1")
    return Population(spec, np.random.default_rng(0).normal(size=(n, spec.parameters)).astype(np.float32))


def linear(n):
    spec = PolicySpec((4, 2))
    return Population(spec, np.random.default_rng(0).normal(size=(n, spec.parameters)).astype(np.float32))


@pytest.mark.parametrize(
    ("make", "networks"),
    [
        (linear, 0),
        (linear, 1),
        *(pytest.param(*other, marks=pytest.mark.slow) for other in ((acrobot, 4), (odd, 2), (odd, 6), (linear, 3))),
    ],
)
async def test_populations_of_any_kind_bear_all_keys(tmp_path, make, networks):
    saved = make(6).select(np.arange(networks)).save(tmp_path / "p\x1b[31m[b].safetensors")
    async with opened(saved, (100, 30)) as (app, pilot):
        for states in ("box",) if make is acrobot else ("rollouts", "box"):
            app.pane.state.params = replace(app.pane.state.params, states=states)
            await pilot.press("r")
            await settled(app, pilot)
            await pilot.press(*EVERY_KEY)
            await pilot.press("tab", "tab", "space", "full_stop", "escape", "b", "p", "a", "d", "w", "M", "X", "escape")
            await settled(app, pilot)
        assert "\x1b" not in text(app)
        assert "Traceback" not in text(app)
