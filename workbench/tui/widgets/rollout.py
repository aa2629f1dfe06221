"""An episode played back: the cart and the pole, or what is seen and done in another environment."""

import math

from textual.timer import Timer

from workbench.analyses import policy
from workbench.config import Config
from workbench.drawing import Braille, Line
from workbench.physics import Physics, is_cartpole
from workbench.policies import PolicySpec
from workbench.rollouts.outcomes import Trace
from workbench.scenes import doing, scene_lines
from workbench.tui.widgets.chart import Chart, Tile

SPEEDS = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Against real time; at 1 a step takes the environment's tau."""
OTHER_TAU = 1 / 30
"""Seconds a step takes elsewhere than in Cart-Pole."""
SHOWN_TRACK = 2.4
ROOM_FOR_VELOCITIES = 42
TILES = 6
"""Fewer than larger charts have."""


class RolloutView(Chart):
    """Plays a recorded episode; drawn at the configured rate, whatever the speed."""

    DEFAULT_CSS = "RolloutView { height: 9; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tiles = [Tile(self) for _ in range(TILES)]
        self.trace: Trace | None = None
        self.spec: PolicySpec | None = None
        self.tau = OTHER_TAU
        self.title = ""
        self.at = 0.0
        self.speed = 3
        self.playing = False
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """The clock runs only while something is played."""
        self._timer = self.set_interval(1 / self._config.refresh, self._tick, pause=True)

    @property
    def _config(self) -> Config:
        return getattr(self.app, "config", None) or Config()

    def show(self, spec: PolicySpec, frame: policy.Frame, name: str = "") -> None:
        """Show the episode that was recorded of a network."""
        self.load(frame.trace, spec, f"{name}episode {frame.episode + 1} of {len(frame.steps)}")

    def load(self, trace: Trace | None, spec: PolicySpec | None = None, title: str = "", at: float = 0.0) -> None:
        """Show the first episode of a trace, at a step or at its end if that comes first; keeps playing if it was."""
        self.trace, self.spec, self.title = trace, spec, title
        self.tau = Physics.of(spec).tau if spec is not None and is_cartpole(spec) else OTHER_TAU
        self.at = max(0.0, min(at, self.length - 1.0))
        self.paint()

    @property
    def length(self) -> int:
        """Steps of the episode."""
        return int(self.trace.steps[0, 0]) if self.trace is not None else 0

    def toggle(self) -> None:
        """Play or pause; from the end, play again."""
        if self.trace is None:
            return
        ended = self.at >= self.length - 1
        if self._config.animation == "off":
            self.go(0 if ended else self.length - 1)
            return
        if not self.playing and ended:
            self.at = 0.0
        self._run(not self.playing)

    def step(self, steps: int) -> None:
        """Pause, and go some steps forwards or back."""
        self.go(int(self.at) + steps)

    def go(self, step: int) -> None:
        """Pause at a step, or at the end if it is over by then."""
        self._run(False)
        self.at = float(max(0, min(step, self.length - 1)))
        self.paint()

    def faster(self, by: int) -> None:
        """Change the speed by one notch."""
        self.speed = max(0, min(self.speed + by, len(SPEEDS) - 1))
        self.paint()

    def _run(self, playing: bool) -> None:
        self.playing = playing
        if self._timer is not None:
            if playing:
                self._timer.resume()
            else:
                self._timer.pause()
        self.paint()

    def _tick(self) -> None:
        self.at += SPEEDS[self.speed] / (self._config.refresh * self.tau)
        if self.at >= self.length - 1:
            self.at = float(max(0, self.length - 1))
            self._run(False)
        elif self._config.animation == "on" or not getattr(self.app, "line_is_slow", False):
            self.paint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The episode at this step, for a size."""
        if self.trace is None or self.spec is None or self.length < 1 or width < 10 or height < 4:
            return [[("no episode yet", "dim")]] if width >= 10 else []
        t = min(int(self.at), self.length - 1)
        speed = f"{SPEEDS[self.speed]:g}x"
        lines: list[Line] = [[(self.title[: width - 6].ljust(width - len(speed)), "dim"), (speed, "dim")]]
        if is_cartpole(self.spec):
            return [*lines, *self._cart(self.trace, t, width, height)]
        lines += scene_lines(self.trace, self.spec.env, t, width, height - 2)
        words = self._state(t, self.trace)
        for part in doing(self.trace, t):
            words += f" {part}" if len(words) + 1 + len(part) <= width else ""
        return [*lines, [(words[:width], "")]]

    def _state(self, t: int, trace: Trace) -> str:
        """Whether it plays, the step, and how it ended."""
        fell = "fell" if self.spec is not None and is_cartpole(self.spec) else "ended"
        ended = "" if t < self.length - 1 else (" cap" if self.length >= trace.states.shape[2] else f" {fell}")
        return f"{'▶' if self.playing else '‖'} t={t + 1}/{self.length}{ended}"

    def _cart(self, trace: Trace, t: int, width: int, height: int) -> list[Line]:
        x, x_dot, theta, theta_dot = trace.states[0, 0, t]
        right = bool(trace.actions[0, 0, t])
        rows = height - 3
        lines: list[Line] = []
        middle = (x / SHOWN_TRACK + 1) / 2 * (width - 1)
        canvas = Braille(width, rows)
        length = 4 * rows - 1
        # A character is twice as high as wide and holds 2 x 4 dots: dots are square, angles are true.
        canvas.line(
            2 * middle + 1,
            4 * rows - 1,
            2 * middle + 1 + length * math.sin(theta),
            4 * rows - 1 - length * math.cos(theta),
        )
        lines += [[(line, "accent")] for line in canvas.lines()]
        cart = "◀▀▀▀" if not right else "▀▀▀▶"
        at = max(0, min(round(middle) - 2, width - 4))
        track = "─" * width
        lines.append([(track[:at], "dim"), (cart, "strong"), (track[at + 4 :], "dim")])
        words = f"{self._state(t, trace)} {'→' if right else '←'}"
        angle = f"θ{math.degrees(theta):+.1f}°"
        if width >= ROOM_FOR_VELOCITIES:
            words += f" x{x:+.2f} ẋ{x_dot:+.1f} {angle} θ̇{theta_dot:+.1f}"
        else:
            # A number that is cut would be another one.
            for part in (f"x{x:+.2f}", angle):
                words += f" {part}" if len(words) + 1 + len(part) <= width else ""
        lines.append([(words[:width], "")])
        return lines
