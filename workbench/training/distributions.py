"""What a hyperparameter is drawn from."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.errors import WorkbenchError


@dataclass(frozen=True)
class Span:
    """A range, both ends included, drawn uniformly, log-uniformly, or half the one and half the other ("mixed")."""

    low: float
    high: float
    scale: Literal["uniform", "log", "mixed"] = "uniform"
    integer: bool = False

    def draw(self, rng: np.random.Generator) -> float:
        """One value."""
        low, high = (self.low - 0.5, self.high + 0.5) if self.integer else (self.low, self.high)
        log = self.scale == "log" or (self.scale == "mixed" and rng.random() < 0.5)
        value = math.exp(rng.uniform(math.log(low), math.log(high))) if log else rng.uniform(low, high)
        if self.integer:
            return int(min(max(round(value), self.low), self.high))
        return value

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}" + ("" if self.scale == "uniform" else f" ({self.scale})")


@dataclass(frozen=True)
class Choices:
    """A list of values, each as likely as the next."""

    values: tuple[float, ...]

    def draw(self, rng: np.random.Generator) -> float:
        """One value."""
        return self.values[int(rng.integers(len(self.values)))]

    def __str__(self) -> str:
        return ",".join(f"{v:g}" for v in self.values)


Distribution = Span | Choices


@dataclass(frozen=True)
class Hyperparameter:
    """A named hyperparameter: where it comes from, and what values make sense."""

    name: str
    default: Distribution
    low: float
    high: float
    meaning: str
    integer: bool = False

    def parse(self, text: str) -> Distribution:
        """Read `VALUE`, `A,B,C` or `LOW..HIGH`; a range keeps the default's scale.

        Raises:
            WorkbenchError: it does not read as numbers, or a value lies outside what makes sense.
        """
        try:
            if ".." in text:
                low, high = (self._number(part) for part in text.split("..", 1))
                if low > high:
                    raise WorkbenchError(f"{self.name}: the range {text!r} is empty")
                scale = self.default.scale if isinstance(self.default, Span) else "uniform"
                return Span(low, high, scale, self.integer)
            return Choices(tuple(self._number(part) for part in text.split(",")))
        except (ValueError, OverflowError):
            raise WorkbenchError(
                f"{self.name}: expected a number, a list A,B,C or a range LOW..HIGH, got {text!r}"
            ) from None

    def _number(self, text: str) -> float:
        value = float(text)
        if self.integer:
            if value != int(value):
                raise WorkbenchError(f"{self.name}: expected a whole number, got {text.strip()}")
            value = int(value)
        if not self.low <= value <= self.high:
            raise WorkbenchError(f"{self.name}: expected {self.low:g} to {self.high:g}, got {text.strip()}")
        return value
