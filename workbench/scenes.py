"""An episode in characters, whatever the environment: a picture where one is known, and every number over time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workbench.axes import number
from workbench.drawing import EIGHTHS, Braille, Line
from workbench.policies import PolicySpec
from workbench.rollouts.outcomes import Trace

VALUE = 10
"""Columns that the value at the step takes."""
ROOM_BESIDE = 60
"""Columns from which the picture stands beside the curves."""
ROOM_FOR_PICTURE, HIGH_PICTURE = 5, 7
"""Lines."""
LEAST_LINES, MOST_LINES = 7, 14
TRACK = (-1.2, 0.6)
"""Where the car of Mountain Car can be (m)."""
GOAL = 0.5
REACH = 2.2
"""Half the height that both links of Acrobot take, and a margin (links of length 1)."""
TOP_LINE = 1.0
"""The height that its tip must come to."""


def hill(canvas: Braille, state: NDArray) -> None:
    """Mountain Car: the curve sin(3 x), the flag, and the car at x = state[0]."""
    wide, high = 2 * canvas.width, 4 * canvas.height

    def spot(x: float) -> tuple[float, float]:
        return (x - TRACK[0]) / (TRACK[1] - TRACK[0]) * (wide - 1), (high - 1) - (np.sin(3 * x) + 1) / 2 * (high - 5)

    line = np.array([spot(x) for x in np.linspace(*TRACK, wide)])
    canvas.polyline(line[:, 0], line[:, 1])
    at, foot = spot(GOAL)
    canvas.line(at, foot, at, foot - 4)
    canvas.line(at, foot - 4, at - 2, foot - 3)
    at, foot = spot(float(np.clip(state[0], *TRACK)))
    for up in range(1, 4):
        canvas.line(at - 2, foot - up, at + 2, foot - up)


def links(canvas: Braille, state: NDArray) -> None:
    """Acrobot: both links from their angles (cos, sin, cos, sin; downwards is 0), and the line to come above."""
    middle, centre = canvas.width, 2 * canvas.height
    scale = min(canvas.width, 2 * canvas.height) / REACH
    first = np.arctan2(state[1], state[0])
    both = first + np.arctan2(state[3], state[2])
    elbow = middle + scale * np.sin(first), centre + scale * np.cos(first)
    tip = elbow[0] + scale * np.sin(both), elbow[1] + scale * np.cos(both)
    canvas.line(middle, centre, *elbow)
    canvas.line(*elbow, *tip)
    for x in range(0, 2 * canvas.width, 4):
        canvas.dot(x, round(centre - TOP_LINE * scale))
    for x, y in ((middle, centre), elbow):
        canvas.line(x - 1, y, x + 1, y)


PICTURES: dict[str, Callable[[Braille, NDArray], None]] = {
    "MountainCar-": hill,
    "MountainCarContinuous-": hill,
    "Acrobot-": links,
}
"""By the environment's name without its version."""


def picture_of(env: str) -> Callable[[Braille, NDArray], None] | None:
    """How the states of an environment are drawn; None where nobody knows."""
    return next((draw for name, draw in PICTURES.items() if env.startswith(name)), None)


def scene_height(spec: PolicySpec) -> int:
    """Lines in which all is seen, as far as that is not too many."""
    picture = 0 if picture_of(spec.env) is None else HIGH_PICTURE
    return min(MOST_LINES, max(LEAST_LINES, picture + spec.sizes[0] + 1))


def scene_lines(trace: Trace, env: str, t: int, width: int, height: int) -> list[Line]:
    """The first episode of a trace at a step: a picture, and what was seen and done over time."""
    length = int(trace.steps[0, 0])
    states, actions = trace.states[0, 0, :length], np.asarray(trace.actions[0, 0, :length], float)
    actions = actions.reshape(length, -1)
    draw, d = picture_of(env), states.shape[1]
    if draw is None or height < ROOM_FOR_PICTURE:
        return curves(states, actions, t, width, height)
    if width >= ROOM_BESIDE:
        canvas = Braille(min(width // 2, 4 * height), height)
        draw(canvas, states[t])
        beside = curves(states, actions, t, width - canvas.width - 1, height)
        return [[(line + " ", "accent"), *rest] for line, rest in zip(canvas.lines(), beside, strict=True)]
    below = min(d + 1, max(2, height - max(ROOM_FOR_PICTURE, height // 2)))
    canvas = Braille(width, height - below)
    draw(canvas, states[t])
    return [*([(line, "accent")] for line in canvas.lines()), *curves(states, actions, t, width, below)]


def curves(states: NDArray, actions: NDArray, t: int, width: int, height: int) -> list[Line]:
    """Observations (steps, d) and actions (steps, k) as one line each, from its least to its largest value.

    As many observations as fit; the last line is the (first) action's, unless there is a single line.
    """
    acted = min(actions.shape[1], 1 if height < states.shape[1] + actions.shape[1] else height) if height > 1 else 0
    shown = [(f"s{k}", states[:, k]) for k in range(min(states.shape[1], height - acted))]
    shown += [("a" if actions.shape[1] == 1 else f"a{k}", actions[:, k]) for k in range(acted)]
    names = max((len(name) for name, _ in shown), default=0) + 1
    lines: list[Line] = [curve(name.ljust(names), values, t, width) for name, values in shown]
    return lines + [[(" " * width, "")]] * (height - len(lines))


def curve(name: str, values: NDArray, t: int, width: int) -> Line:
    """Values (steps,) over time in one line, the step's own apart."""
    room = max(1, width - len(name) - VALUE)
    # A column stands for the first of its steps; its own is always among those shown.
    at = np.arange(room) * len(values) // room
    head = min(room - 1, int((t + 0.999) * room / len(values)))
    at[head] = t
    finite = values[np.isfinite(values)]
    low, span = (float(finite.min()), float(np.ptp(finite))) if len(finite) else (0.0, 0.0)
    share = (values[at] - low) / span if span > 0 else np.full(room, 0.5)
    level = 1 + np.nan_to_num(share.clip(0, 1) * 7).round().astype(int)
    text = "".join(EIGHTHS[k] if known else " " for k, known in zip(level, np.isfinite(values[at]), strict=True))
    value = number(float(values[t]), 3).rjust(VALUE)
    return [(name, "dim"), (text[:head], "accent"), (text[head], "cursor"), (text[head + 1 :], "dim"), (value, "")]


def doing(trace: Trace, t: int) -> list[str]:
    """What is done at a step and what it brings, in words of which any number may be left out from the end."""
    action = np.atleast_1d(trace.actions[0, 0, t])
    done = str(int(action[0])) if action.dtype.kind in "iu" else " ".join(f"{a:+.2f}" for a in action)
    rewards = trace.rewards[0, 0] if trace.rewards is not None else np.ones(t + 1)
    return [f"a {done}", f"Σ {number(float(rewards[: t + 1].sum()), 4)}", f"r {number(float(rewards[t]), 3)}"]
