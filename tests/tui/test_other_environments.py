"""Populations of other environments than Cart-Pole: what was seen and done, in pictures and curves, and in words."""

import gymnasium
import numpy as np
import pytest
from rich.cells import cell_len
from test_app import opened, settled, text, until

from workbench.drawing import Braille
from workbench.policies import PolicySpec, initial
from workbench.population import Population, Text
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.outcomes import Trace
from workbench.rollouts.play import record, rollout
from workbench.scenes import curve, curves, doing, hill, links, scene_height, scene_lines
from workbench.tui.columns_screen import ColumnsScreen

SPECS = {
    "acrobot": PolicySpec((6, 8, 3), "tanh", env="Acrobot-v1"),
    "mountain": PolicySpec((2, 8, 8, 3), "relu", env="MountainCar-v0"),
    "pendulum": PolicySpec((3, 8, 1), "tanh", env="Pendulum-v1"),
}


def made(name, path, n=3):
    spec = SPECS[name]
    weights = initial(spec, n, 1)
    values = rollout(weights, spec, Episodes(2, 40)).returns
    columns = {
        "return": values.mean(1), "return_se": values.std(1), "run": Text.of(["a"] * n), "step": np.arange(n) * 10,
    }  # fmt: skip
    return Population(spec, weights, columns).save(path / f"{name}.safetensors")


def dots(canvas):
    """Where dots are, (k, 2) x and y."""
    bits = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
    return np.array(
        [
            (2 * x + i, 4 * y + j)
            for y, row in enumerate(canvas.cells)
            for x, cell in enumerate(row)
            for j in range(4)
            for i in range(2)
            if cell & bits[j][i]
        ]
    )


@pytest.mark.parametrize("name", SPECS)
def test_what_is_recorded_is_what_gymnasium_does(name):
    spec, episodes = SPECS[name], Episodes(1, 30)
    weights = initial(spec, 2, 3)
    trace = record(weights, spec, episodes)
    for k in range(2):
        env = gymnasium.make(spec.env)
        seen, _ = env.reset(seed=int(episodes.seeds[0]))
        for t in range(int(trace.steps[k, 0])):
            assert np.allclose(trace.states[k, 0, t], seen, atol=1e-6)
            action = trace.actions[k, 0, t]
            discrete = isinstance(env.action_space, gymnasium.spaces.Discrete)
            seen, reward, *_ = env.step(int(action) if discrete else action.astype(np.float32))
            assert trace.rewards[k, 0, t] == pytest.approx(reward, abs=1e-5)
    assert np.allclose(trace.rewards.sum(2), rollout(weights, spec, episodes).returns)


def test_the_links_are_above_the_line_when_gymnasium_says_it_is_over(rng):
    env = gymnasium.make("Acrobot-v1").unwrapped
    env.reset(seed=0)
    canvas = Braille(20, 10)
    empty = Braille(20, 10)
    links(empty, np.array([1, 0, 1, 0]))
    line = dots(empty)[:, 1].min()
    for first, second in [*rng.uniform(-np.pi, np.pi, (200, 2)), (np.pi, 0), (0, 0)]:
        if abs(-np.cos(first) - np.cos(first + second) - 1) < 0.12:
            continue  # within a dot of the line
        env.state = np.array([first, second, 0, 0])
        canvas = Braille(20, 10)
        links(canvas, np.array([np.cos(first), np.sin(first), np.cos(second), np.sin(second), 0, 0]))
        found = dots(canvas)
        # The elbow never comes above the line.
        assert (found[:, 1].min() < line) == bool(env._terminal()), (first, second)


def test_the_car_stands_on_the_hill_of_gymnasium():
    env = gymnasium.make("MountainCar-v0").unwrapped
    feet = []
    for x in np.linspace(-1.2, 0.5, 12):
        canvas, bare = Braille(40, 8), Braille(40, 8)
        hill(canvas, np.array([x, 0]))
        hill(bare, np.array([0.6, 0]))
        before = set(map(tuple, dots(bare)))
        car = np.array([d for d in dots(canvas) if tuple(d) not in before and d[0] < 74])
        feet.append((car[:, 0].mean(), car[:, 1].max()) if len(car) else (np.nan, np.nan))
    across, down = np.array(feet).T
    known = np.isfinite(across)
    assert (np.diff(across[known]) > 0).all()
    heights = env._height(np.linspace(-1.2, 0.5, 12))[known]
    assert np.corrcoef(heights, -down[known])[0, 1] > 0.98


@pytest.mark.parametrize("name", SPECS)
def test_scenes_fill_their_room(name):
    spec = SPECS[name]
    trace = record(initial(spec, 1, 3), spec, Episodes(1, 25))
    for width, height in ((44, scene_height(spec)), (100, 12), (24, 3), (20, 1)):
        for t in (0, 13, int(trace.steps[0, 0]) - 1):
            lines = scene_lines(trace, spec.env, t, width, height)
            assert len(lines) == height
            assert all(cell_len("".join(part for part, _ in line)) == width for line in lines)


def test_curves_show_the_least_and_the_most_and_the_step():
    values = np.array([3.0, 3.5, np.nan, 5.0, 4.0])
    name, before, here, after, value = (part for part, _ in curve("s0 ", values, 3, 23))
    assert (name, value.strip()) == ("s0 ", "5")
    assert before + here + after == "▁▁▃▃  ██▅▅"
    assert here == "█"
    long = curve("s ", np.r_[np.zeros(900), 9.0, np.zeros(99)], 900, 40)
    assert long[2][0] == "█"
    states, actions = np.zeros((7, 12)), np.zeros((7, 2))
    names = [line[0][0].strip() for line in curves(states, actions, 0, 40, 5)]
    assert names == ["s0", "s1", "s2", "s3", "a0"]
    assert [line[0][0].strip() for line in curves(states[:, :2], actions, 0, 40, 6)][:4] == ["s0", "s1", "a0", "a1"]


def test_what_is_done_and_what_it_brought():
    steps = np.array([[3]], np.int32)
    kept = Trace(np.zeros((1, 1, 4, 2)), np.array([[[2, 0, 1, 0]]]), steps, np.array([[[-1.0, -1, 100, 0]]]))
    assert doing(kept, 2) == ["a 1", "Σ 98", "r 100"]
    free = Trace(kept.states, np.array([[[[0.25, -1], [1, 1], [0, 0], [0, 0]]]]), steps)
    assert doing(free, 0) == ["a +0.25 -1.00", "Σ 1", "r 1"]


@pytest.mark.parametrize("name", ["mountain", pytest.param("acrobot", marks=pytest.mark.slow)])
async def test_the_dataset_pane_speaks_of_returns_and_plays_episodes(name, tmp_path):
    population = made(name, tmp_path)
    async with opened(population) as (app, pilot):
        await until(pilot, lambda: "random agent" in text(app))
        screen = text(app)
        assert "return groups" in screen and "survival" not in screen
        assert "worst" in screen and "episode 1 of 100" in screen and "s0 " in screen
        view = app.pane.inspector.rollout
        await pilot.press("full_stop", "full_stop")
        await until(pilot, lambda: "t=3/" in text(app))
        assert f"Σ {view.trace.rewards[0, 0, :3].sum():.4g}"[:4] in text(app)
        await pilot.press("space")
        await until(pilot, lambda: view.playing)
        await pilot.press("space", "e")
        await settled(app, pilot)
        await until(pilot, lambda: "episode 2 of 100" in text(app))
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, ColumnsScreen) and app.screen.frame is not None)
        assert app.screen.params.y == "return" and len(app.screen.frame.joined) == 3
