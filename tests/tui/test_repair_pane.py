"""The Repair pane: keys pressed, then what is on the screen."""

import json
import shlex
import threading
from dataclasses import fields, replace

import numpy as np
import pytest
from converge_pane import joined
from hypothesis import given
from hypothesis import strategies as st
from repair_pane import METHODS, figures, go_to, opened, pressed, settled
from rich.cells import cell_len
from sample_pane import text, typed, until
from test_converge_pane import acrobot, linear, odd
from test_interpolate_pane import deep
from wire import count_bytes, listening

from workbench import repairing
from workbench.analyses import find, policy, recovery, repair, repairs
from workbench.analysis import Selection
from workbench.compute import Compute
from workbench.numerics.damage import KINDS, mask_hash, unit_weights
from workbench.policies import PolicySpec
from workbench.population import Population, load
from workbench.service import JobState
from workbench.tui import repairing as kept
from workbench.tui.panes.dataset import DatasetPane
from workbench.tui.panes.repair import RepairPane
from workbench.tui.unit_grid import BACK, INTACT, MISSING, NOWHERE, WRONG, UnitGrid, became, tolerance
from workbench.tui.widgets.trial import caution, many_rows, many_words, share, verdict

ONE = Compute("cpu", 1)
EVERY_KEY = (
    "n", "N", "plus", "minus", "c", "c", "s", "D", "G", "p", "left_square_bracket", "right_square_bracket", "w", "w",
    "d", "right", "down", "space", "u", "v", "enter", "backspace", "pagedown", "pageup", "home", "end", "D", "d", "f",
    "f", "i", "i", "o", "o", "equals_sign", "escape", "W", "v", "W", "C", "r", "space", "space", "full_stop", "comma",
    "less_than_sign", "greater_than_sign", "e", "E",
)  # fmt: skip


def test_every_weight_is_on_the_map_once():
    for sizes in ((4, 30, 2), (4, 2), (6, 8, 8, 3), (3, 5, 4, 7, 2)):
        for bias in (True, False):
            spec = PolicySpec(sizes, bias=bias, env="CartPole-v1" if sizes[0] == 4 else "Acrobot-v1")
            grid = UnitGrid.of(spec)
            there = grid.positions[grid.positions != NOWHERE]
            assert np.array_equal(np.sort(there), np.arange(spec.parameters))
            assert grid.positions.shape == (len(grid.rows), len(grid.columns))
            assert len({grid.name(*at) for at in np.argwhere(grid.positions != NOWHERE)}) == spec.parameters
            hidden = sum(sizes[1:-1])
            if hidden:
                units = unit_weights(spec)
                assert all(np.array_equal(grid.unit(k), units[k]) for k in range(hidden))


@given(st.lists(st.booleans(), min_size=22, max_size=22), st.floats(0, 3))
def test_a_weight_came_back_within_a_quarter_of_the_rms(mask, size):
    random = np.random.default_rng(0)
    original = random.normal(size=22).astype(np.float32)
    mask, close = np.array(mask), tolerance(original)
    assert close == pytest.approx(0.25 * np.sqrt((original.astype(float) ** 2).mean()))
    now = original + np.where(mask, size * random.normal(size=22), 0).astype(np.float32)
    found = became(original, now, mask, False)
    off = np.abs(now.astype(float) - original)
    assert set(found[mask]) <= {BACK, WRONG} and set(found[~mask]) <= {INTACT}
    assert np.array_equal(found[mask] == BACK, off[mask] <= close)
    assert set(became(original, now, mask, True)[mask]) <= {MISSING}


async def test_at_once_the_best_held_out_network_is_damaged_and_repaired(population, trained, cli):
    held = np.flatnonzero(population["held_out"])
    best = int(held[np.argmax(population["survival"][held])])
    async with opened(population, (170, 46)) as (app, pilot):
        state, pane = app.pane.state, app.pane
        assert state.params.network == best and pane.table.has_focus
        await until(pilot, lambda: all(view.trace is not None for view in pane.rollouts.views))
        *_, expected = repair.run(ONE, Selection(population), state.params)
        frame = state.frame
        for f in fields(repair.Frame):
            shown, told = getattr(frame, f.name), getattr(expected, f.name)
            assert np.array_equal(shown, told, equal_nan=np.asarray(told).dtype.kind == "f"), f.name
        for r, name in enumerate(frame.names):
            line = figures(app)[name]
            assert f" {frame.off[r, 0]:.1f} " in line and share(frame.own[r, 0]) in line
        assert joined(app, "#words").startswith(verdict(frame, state.row))
        *_, chart = recovery.run(ONE, Selection(population), state.charted.params)
        assert np.array_equal(state.recovered.off, chart.off)
        assert all(f" {name} " in joined(app, "#figure") for name in ("unrepaired", "missing", "whole", "random"))
        assert f"#{best} held out missing 0.2: 42 of 212" in joined(app, "#line")
        await pilot.press("equals_sign")
        assert state.command.split(" --generator")[0][:60] in joined(app, "#line")
        line = state.command
    said = json.loads(cli(*shlex.split(line)[1:], "--json", "--threads", "1").out)
    assert said["rows"]["gaussian"]["off"] == frame.off[frame.names.index("gaussian")].tolist()


async def test_every_row_has_a_candidate_on_the_map_and_at_play(population, trained):
    async with opened(population, (170, 46)) as (app, pilot):
        state, pane = app.pane.state, app.pane
        views = pane.rollouts.views
        state.wanted = ""
        original = np.array(population.weights[state.params.network])
        for key in ["right_square_bracket"] * 3 + ["left_square_bracket", "down", "j", "up"]:
            await pressed(app, pilot, key)
            name, row = state.frame.names[state.row], state.row
            assert np.array_equal(pane.map.now, state.frame.first[row])
            assert joined(app, "#words").startswith(verdict(state.frame, row)[:80])
            assert name in joined(app, "#rollouts")
            for view, weights in zip(views, (original, state.damaged.weights, state.frame.first[row]), strict=True):
                alone = Selection(Population(population.spec, weights[None]))
                (expected,) = policy.run(ONE, alone, policy.Params(0, 8))
                assert np.array_equal(view.trace.states, expected.trace.states)
        names = state.frame.names
        state.wanted = names[names.index("damaged") - 1]
        await pressed(app, pilot, "right_square_bracket")
        assert "42 missing" in joined(app, "#units") and (pane.map.became == MISSING).sum() == 42
        state.wanted = "undamaged"
        pane.action_turn(0)
        await pilot.pause()
        assert "42 came back" in joined(app, "#units") and "This is the original" in joined(app, "#words")
        await pilot.press("full_stop", "full_stop", "comma")
        assert [int(v.at) for v in views] == [1, 1, 1]
        await pilot.press("greater_than_sign")
        assert {v.speed for v in views} == {4}
        await pilot.press("space")
        assert all(v.playing for v in views)
        await pressed(app, pilot, "e", "space")
        assert "episode 2" in joined(app, "#line")


async def test_choices_repair_at_once(population, trained):
    async with opened(population, (80, 24), method=("algorithm1-whole",)) as (app, pilot):
        state = app.pane.state
        frame = await pressed(app, pilot, "plus", "plus", "minus")
        assert (state.params.level, int(frame.mask.sum())) == (0.25, 53)
        frame = await pressed(app, pilot, "L", "ctrl+u", *"40%", "enter")
        assert (state.params.level, int(frame.mask.sum())) == (0.4, 85)
        for kind in [*list(KINDS)[1:], next(iter(KINDS))]:
            assert (await pressed(app, pilot, "c")).kind == state.damaged.kind == kind
        frame = await pressed(app, pilot, "s", "S", "ctrl+u", "4", "enter", "p", "G")
        assert (frame.seed, state.params.source) == (4, "posterior")
        assert frame.generator.startswith("cartpolegen") and state.recovered.generator == frame.generator
        held = np.flatnonzero(population["held_out"])
        at = list(held).index(frame.network)
        assert (await pressed(app, pilot, "n")).network == held[(at + 1) % len(held)]
        assert (await pressed(app, pilot, "N")).network == frame.network
        row = int(np.flatnonzero(~population["held_out"])[0])
        frame = await pressed(app, pilot, "slash", *str(row), "enter")
        assert frame.network == row and "a training network, figures flatter" in joined(app, "#line")
        assert app.service.jobs == [job for job in app.service.jobs if job.background]


async def test_damage_by_hand_is_the_same_on_the_command_line(population, trained, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with opened(population) as (app, pilot):
        state, pane, grid = app.pane.state, app.pane, app.pane.state.grid
        await pressed(app, pilot, "d", "backspace")
        assert state.fault == "level: this mask damages none of 212 weights; there is nothing to repair"
        assert state.fault in joined(app, "#line") and pane.map.has_focus
        await pressed(app, pilot, "down", "right", "right", "space", "down", "u", "end", "v", "v")
        for keys, expected in (
            (("home", "u"), grid.unit(2)),
            (("down", "right", "space"), [*grid.unit(2), grid.positions[3, 1]]),
            (("enter",), grid.unit(2)),
        ):
            frame = await pressed(app, pilot, *keys)
            known, wanted = {int(grid.positions[1, 2])}, set(map(int, expected))
            await until(
                pilot,
                lambda k=known, w=wanted: state.current and set(map(int, state.frame.mask.nonzero()[0])) - k == w,
            )
            await settled(app, pilot)
        frame = state.frame
        assert f"drawn: {int(frame.mask.sum())} of 212" in joined(app, "#line")
        assert mask_hash(frame.mask) in joined(app, "#words") and mask_hash(frame.mask) in state.params.mask
        line = state.command
        await pressed(app, pilot, "x", "ctrl+u", *("m", "full_stop", *"csv"), "enter")
        await until(pilot, lambda: "mask of" in joined(app, "#line"))
        assert np.array_equal(repairing.read_mask(tmp_path / "m.csv", 212), frame.mask)
        await pressed(app, pilot, "D")
        assert "--mask" not in state.command and state.hand is None
        await typed(pilot, ["M", "ctrl+u", *"m.csv"])
        await pilot.press("enter")
        await until(pilot, lambda: "weights are damaged as m.csv says" in joined(app, "#line"))
        await settled(app, pilot)
        assert np.array_equal(state.frame.mask, frame.mask) and str(tmp_path / "m.csv") in state.command
    said = json.loads(cli(*shlex.split(line)[1:], "--json", "--threads", "1").out)
    assert said["mask"]["positions"] == np.flatnonzero(frame.mask).tolist()
    for r, name in enumerate(frame.names):
        assert said["rows"][name]["own_actions"] == [None if np.isnan(v) else v for v in frame.own[r].tolist()]


async def test_what_cannot_be_is_one_line_and_the_table_stays(population, trained, tmp_path):
    np.save(tmp_path / "short.npy", np.zeros(7, bool))
    np.save(tmp_path / "none.npy", np.zeros(212, bool))
    (tmp_path / "odd.csv").write_text("position\n3\n212\n")
    async with opened(population, (100, 30)) as (app, pilot):
        frame = app.pane.state.frame
        for key, answer, told in (
            ("L", "x", "level: expected a number, got 'x'"),
            ("L", "2", "level: expected 0 to 1 of missing, got 2"),
            ("slash", "96", "network: no network #96; they are #0 to #95"),
            ("S", "y", "seed: expected a number, got 'y'"),
            ("S", "9" * 12, "seed: expected 0 to 2,147,483,648, got 999999999999"),
            ("S", "9" * 5000, "seed: expected a number, got '999"),
            ("M", "a.png", "mask: expected a file ending in .npy or .csv, got a.png"),
            ("M", "no.npy", "no such file"),
            ("M", f"{tmp_path}/short.npy", "expected a mask of 212 true and false, got bool of shape (7,)"),
            ("M", f"{tmp_path}/odd.csv", "expected positions 0 to 211, got '212'"),
            ("x", "a.png", "expected a file ending in .npy, .csv, .safetensors or .svg"),
            ("x", f"{tmp_path}/odd.csv", "already there; give another name"),
        ):
            app.pane.query_one("#prompt Input").value = ""
            await pilot.press(key)
            app.pane.query_one("#prompt Input").value = answer
            await pilot.press("enter")
            await until(pilot, lambda told=told: told in joined(app, "#line"))
            assert app.pane.state.frame is frame
            assert "algorithm1-missing" in text(app)
        await pressed(app, pilot, *["minus"] * 5)
        assert "a level of 0 damages none of 212 weights" in joined(app, "#line")
        assert "a level of 0 damages none" in joined(app, "#words")
        frame = await pressed(app, pilot, "L", "ctrl+u", "1", "enter")
        assert frame.left == 0 and "Nothing is left of it" in joined(app, "#words")


async def test_networks_that_are_not_finite_or_have_no_generator(population, nothing_trained, tmp_path):
    async with opened(population) as (app, pilot):
        assert "no trained generator for these networks to repair with; t in the Sample pane" in joined(app, "#line")
        assert "42 missing" in joined(app, "#units")
        await pressed(app, pilot, "G")
        assert "no other trained generator" in joined(app, "#line")
    weights = np.array(population.weights)
    weights[3, 5] = np.inf
    saved = Population(population.spec, weights, dict(population.columns)).save(tmp_path / "odd.safetensors")
    async with opened(saved, marks=(3, 4)) as (app, pilot):
        assert "network: #3 has weights that are not finite" in joined(app, "#line")
        await pressed(app, pilot, "n")
        assert app.pane.state.params.network == 4


async def test_rows_come_as_they_are_done_and_a_newer_trial_takes_the_place(population, trained, monkeypatch):
    real, gate, slow = find("repair"), threading.Event(), []

    def run(compute, selection, params):
        for frame in real.run(compute, selection, params):
            yield frame
            if frame.done == 2 and params.seed == 71:
                slow.append(params)
                gate.wait(20)

    async with opened(population, (170, 46), seed=70) as (app, pilot):
        monkeypatch.setattr(kept, "find", lambda name: replace(real, run=run) if name == "repair" else find(name))
        await pilot.press("s")
        await until(pilot, lambda: app.pane.state.frame.seed == 71 and app.pane.state.frame.done == 2)
        await until(pilot, lambda: "any" in figures(app)["algorithm1-missing"])
        assert "any" not in figures(app)["mean network"]
        assert joined(app, "#words").startswith(f"So far 2 of {app.pane.state.frame.total} rows: ")
        await pilot.press("s")
        gate.set()
        frame = await pressed(app, pilot, "s")
        assert (frame.seed, frame.done == frame.total, len(slow)) == (73, True, 1)


@pytest.mark.parametrize("size", [(80, 24), (170, 46)])
async def test_while_one_waits_it_is_told_of_which_trial_the_figures_are(population, trained, monkeypatch, size):
    real, gate = find("repair"), threading.Event()

    def run(compute, selection, params):
        frames = real.run(compute, selection, params)
        empty = next(frames)  # without a row
        yield empty
        while not gate.wait(0.02):  # one that is cancelled ends here
            yield empty
        yield from frames

    async with opened(population, size, seed=75) as (app, pilot):
        state, words = app.pane.state, lambda: joined(app, "#words")
        network, first = state.params.network, state.frame
        assert not state.before and words().startswith(verdict(first, state.row)[:60])
        monkeypatch.setattr(kept, "find", lambda name: replace(real, run=run) if name == "repair" else find(name))
        await pilot.press("plus", "s", "p")
        await until(pilot, lambda: state.job.frame is not None)
        before = f"Of the trial before (#{network} missing 0.2, seed 75, prior): "
        await until(pilot, lambda: words().startswith(before))
        assert verdict(first, state.row)[:20] in words() and state.frame is first
        assert size[1] < 30 or "before: #" in text(app)
        gate.set()
        await settled(app, pilot)
        assert not state.before and words().startswith(verdict(state.frame, state.row)[:60])
        await pilot.press("backspace")
        await until(pilot, lambda: f"Shown is the trial before: #{network} missing 0.25, seed 76." in words())
        assert state.fault and words().startswith(state.fault)


def broken(compute, selection, params):
    raise RuntimeError("[red]no[/red]\x1b[2J")
    yield


async def test_a_trial_that_fails_is_one_line(population, trained, monkeypatch):
    async with opened(population, seed=80) as (app, pilot):
        state, frame = app.pane.state, app.pane.state.frame
        monkeypatch.setattr(kept, "find", lambda name: replace(find(name), run=broken))
        await pressed(app, pilot, "s")
        line = joined(app, "#line")
        assert "repair failed: defect in repair: RuntimeError: [red]no" in line and "r tries again" in line
        assert state.frame is frame and "\x1b" not in text(app)
        assert joined(app, "#words").startswith(f"Of the trial before (#{state.params.network} missing 0.2, seed 80): ")
        assert "repairing" not in text(app)
        monkeypatch.undo()
        assert (await pressed(app, pilot, "r")).seed == 81
        assert "failed" not in text(app)


async def test_where_the_first_trial_fails_nothing_is_said_to_run(population, trained, monkeypatch):
    monkeypatch.setattr(kept, "find", lambda name: replace(find(name), run=broken))
    async with opened(population, (80, 24), seed=82) as (app, pilot):
        assert "nothing repaired; r tries again" in text(app) and "repairing" not in text(app)
        assert "repair failed: defect in repair" in joined(app, "#line")
        await pilot.press("W")
        await until(pilot, lambda: "nothing repaired; W goes back" in text(app))
        assert "repairs failed: defect in repairs" in joined(app, "#line") and "repairing" not in text(app)


async def test_many_networks_fill_a_table_and_can_be_cancelled(population, trained, cli):
    marks = [int(k) for k in np.flatnonzero(population["held_out"])[:2]]
    async with opened(population, (150, 44), marks=marks) as (app, pilot):
        state = app.pane.state
        await pilot.press("W")
        await until(pilot, lambda: state.campaign.state is JobState.DONE)
        await until(pilot, lambda: app.pane._drawn_many is state.campaign.frame)
        frame = state.campaign.frame
        assert list(frame.networks) == [int(k) for k in frame.networks] and set(frame.networks) == set(marks)
        for counted in range(len(repairing.SUCCESSES)):
            headings, rows = many_rows(frame, counted)
            assert headings == [f"{level:g}" for level in sorted(frame.levels)]
            for r, (name, cells) in enumerate(rows):
                won, n = frame.counts(r, 0)
                assert n == 2
                assert cells[0] == f"{100 * won[0, counted] / n:.0f}/{100 * won[1, counted] / n:.0f}"
                assert f"{name} " in text(app)
            assert f"{repairing.SUCCESSES[counted]}, %" in text(app)
            assert joined(app, "#words").startswith(many_words(frame, counted, 0.2)[0][0][:80])
            await pilot.press("v")
            await pilot.pause()
        line = state.command
        await pilot.press("escape")
        await settled(app, pilot)
        assert not state.many and "▶" in text(app)
        before = state.campaign
        await pilot.press("W", "W")
        assert state.campaign is before
        app.view.marks[:] = False
        await pilot.press("W")
        await until(pilot, lambda: state.campaign is not before and state.campaign.frame is not None)
        await pilot.press("C")
        await until(pilot, lambda: state.campaign.state.final)
        if state.campaign.state is JobState.CANCELLED:
            await until(pilot, lambda: "cancelled; what it had stays" in joined(app, "#line"))
    said = json.loads(cli(*shlex.split(line)[1:], "--json", "--threads", "1").out)
    assert said["networks"] == frame.networks.tolist()
    assert said["rows"]["gaussian"]["levels"]["0.2"] == json.loads(
        json.dumps(repairs.figures_of(frame, frame.names.index("gaussian"), frame.levels.index(0.2)))
    )


async def test_saving_candidates_and_the_figure(population, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with opened(population) as (app, pilot):
        frame = app.pane.state.frame
        await pilot.press("x", "enter")
        path = tmp_path / f"repair-{frame.network}-0.safetensors"
        await until(pilot, lambda: f"networks saved to {path}" in joined(app, "#line"))
        assert np.array_equal(load(path).weights, frame.weights)
        await typed(pilot, ["x", "ctrl+u", *"a.svg"])
        await pilot.press("enter")
        await until(pilot, lambda: f"figure written to {tmp_path / 'a.svg'}" in joined(app, "#line"))
        assert (tmp_path / "a.svg").read_text() == recovery.svg(app.pane.state.recovered)
        assert app.pane.table.has_focus


def made(**rows):
    """A frame of rows (survives, actions, own) with three candidates each, the others bad."""
    off = np.array([[0.5 if s else 40.0, 40, 40] for s, _, _ in rows.values()])
    actions, own = (np.array([[row[k], 0.2, 0.2] for row in rows.values()]) for k in (1, 2))
    n = len(rows)
    names = tuple(name.replace("_", " ") for name in rows)
    return repair.Frame(
        n, n, 3, True, "g", "{}", "missing", 0.2, np.arange(212) < 42, 100.0, names, ("",) * n,
        np.array([name in repairing.CONTROLS for name in names]), np.zeros((n, 2), int), 100 - off, off, actions, own,
        own, np.zeros(n, bool), np.zeros((0, 212)), np.zeros(0, int), np.zeros((n, 212)), 200, 3, 5.0, 0, 100, 200, 170,
    )  # fmt: skip


def test_the_sentence_tells_survival_from_behaviour():
    frame = made(
        back=(1, 0.97, 0.96), nearly=(1, 0.97, 0.9), other=(1, 0.64, 0.5), acts=(0, 0.97, 0.96), bad=(0, 0.5, 0.5),
        damaged=(0, 0.6, 0.5), undamaged=(1, 1, 1), random_candidates=(1, 0.5, 0.5),
    )  # fmt: skip
    said = {name: verdict(frame, r) for r, name in enumerate(frame.names)}
    assert said["back"].startswith("The agent is back: 97% of its actions, 96% in the states it visits itself")
    assert said["nearly"] == (
        "Survival matches and 97% of actions, but only 90% in the states it visits itself: nearly back."
    )
    assert said["other"] == "Survival matches but only 64% of actions: not the same agent."
    assert said["acts"].startswith("97% of its actions, yet survival is 40.0 steps off: not back")
    assert said["bad"].startswith("Not repaired: 50% of its actions, survival 40.0 steps off")
    assert said["damaged"].startswith("Damaged: 60% of its actions are left")
    assert said["undamaged"] == "This is the original: it survives 100.0 steps."
    assert caution(frame, 0) == "Random candidates survive as long too: survival alone shows nothing here."
    assert caution(frame, 4) == caution(frame, 7) == ""
    luck = made(back=(1, 0.97, 0.96), random_candidates=(1, 0.99, 0.5))
    assert caution(luck, 0).startswith("Random candidates have both successes too")
    frame.memorised[0] = True
    assert verdict(frame, 0).endswith("It behaves as a training network does: looked up, not repaired.")
    frame.off[4, 2], frame.actions[4, 2] = 0.1, 0.99
    assert verdict(frame, 4).endswith("One of its 3 candidates has both.")


@given(st.floats(0, 1))
def test_a_share_is_on_the_side_of_success_that_its_digits_say(value):
    assert (float(share(value)[:-1]) >= 95) == (value >= repairing.ALIKE)


async def test_what_is_shown_survives_another_pane_and_follows_new_marks(population, trained):
    async with opened(population, (80, 24), marks=(5,)) as (app, pilot):
        assert app.pane.state.params.network == 5
        await pressed(app, pilot, "plus", "right_square_bracket", "d", "down", "right")
        state, frame = app.pane.state, app.pane.state.frame
        await go_to(app, pilot, DatasetPane, "1")
        await go_to(app, pilot)
        assert app.pane.state is state and state.frame is frame and app.pane.map.cursor == (1, 1)
        await go_to(app, pilot, DatasetPane, "1")
        app.view.marks[5] = False
        app.view.marks[8] = True
        await go_to(app, pilot)
        assert app.pane.state.frame.network == 8


async def test_help_lists_every_key_of_the_pane(population, trained):
    async with opened(population, (100, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        for key, does in RepairPane.KEYS:
            assert any(key in line and does in line for line in text(app).splitlines()), key


async def test_help_tells_what_every_sign_means(population, trained):
    async with opened(population, (100, 130)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        shown = joined(app, "HelpScreen Static")
        for sign, words in RepairPane.SIGNS:
            assert f"{sign} {words}" in shown, sign
        explained = {part for sign, _ in RepairPane.SIGNS for part in sign.split()}
        assert {heading.split()[0] for heading in app.pane.table.headings} <= explained


@pytest.mark.parametrize(
    "size",
    [(80, 24), *(pytest.param(s, marks=pytest.mark.slow) for s in ((200, 50), (80, 50), (120, 40), (60, 20), (20, 6)))],
)
async def test_every_size_shows_the_figures_and_survives_resizing(population, trained, size):
    async with opened(population, size) as (app, pilot):
        if size[0] >= 80:
            assert "▶" in text(app) and "equal survival" in text(app)
            assert joined(app, "#words").startswith(verdict(app.pane.state.frame, app.pane.state.row)[:60])
        for other in ((40, 10), (130, 40), size):
            await pilot.resize_terminal(*other)
            await pressed(app, pilot, "i", "o", "space", "d", "left", "f", "o", "i", "escape")
        assert all(cell_len(line) <= size[0] for line in text(app).splitlines())
        assert app.focused is not None


async def test_at_80_columns_one_key_brings_each_panel(population, trained):
    async with opened(population, (80, 24)) as (app, pilot):
        pane = app.pane
        assert pane.table.region and not pane.map.region and not pane.rollouts.region
        await pressed(app, pilot, "d")
        shown = joined(app, "#units")
        assert pane.map.has_focus and " bias " in f" {shown} " and " 30 " in shown
        await pressed(app, pilot, "f")
        assert "epsilon" in joined(app, "#figure") and not pane.map.region
        await pressed(app, pilot, "space")
        assert pane.rollouts.region and pane.rollouts.playing
        assert all(v.size.width >= 18 and v.size.height >= 8 for v in pane.rollouts.views)
        await pressed(app, pilot, "escape", "escape")
        assert pane.table.has_focus and not pane.rollouts.region


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_cursor_move_sends_little_and_an_idle_screen_nothing(population, trained, size):
    async with opened(population, size) as (app, pilot):
        await pressed(app, pilot, "d")
        with listening(app) as data:
            for key in ("right", "down", "l", "j", "left", "pagedown", "pageup", "end"):
                data.clear()
                await pressed(app, pilot, key)
                assert 0 < count_bytes(data) <= 3000
            data.clear()
            await pilot.pause(0.6)
            assert data == []


@pytest.mark.parametrize(
    ("make", "networks"),
    [
        (odd, 6),
        (linear, 0),
        (deep, 2),
        *(pytest.param(m, n, marks=pytest.mark.slow) for m in (acrobot, odd, linear) for n in (1, 4)),
    ],
)
async def test_populations_of_any_kind_bear_all_keys(tmp_path, make, networks):
    saved = make(6).select(np.arange(networks)).save(tmp_path / "p\x1b[31m[b].safetensors")
    async with opened(saved, (100, 40), cap=30) as (app, pilot):
        await pressed(app, pilot, *EVERY_KEY)
        await until(pilot, lambda: not app.pane.state.working)
        await settled(app, pilot)
        assert "\x1b" not in text(app)
        assert "Traceback" not in text(app)


def test_no_two_rows_have_the_same_mark():
    most = max(len(repairing.row_names(repairing.chosen_methods((), kind), kind)) for kind in KINDS)
    assert len(set(repairs.MARKS)) == len(repairs.MARKS) >= most


def test_tests_try_methods_that_there_are():
    assert set(METHODS) <= set(repairing.row_names(repairing.chosen_methods(METHODS, "missing"), "missing"))
