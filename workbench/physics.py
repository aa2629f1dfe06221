"""The constants of Cart-Pole, under the names that Gymnasium's environment gives them."""

import math
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec

START_RANGE = 0.05
"""An episode starts with four numbers uniform within this."""
ENVS = ("CartPole-v0", "CartPole-v1")


@dataclass(frozen=True)
class Physics:
    """Constants of the cart and the pole; the defaults are Gymnasium's."""

    gravity: float = 9.8
    """m/s^2."""
    masscart: float = 1.0
    """kg."""
    masspole: float = 0.1
    """kg."""
    length: float = 0.5
    """Half the pole's length, m."""
    force_mag: float = 10.0
    """Size of a push, N."""
    tau: float = 0.02
    """Seconds between steps."""
    theta_threshold_radians: float = 12 * 2 * math.pi / 360
    """The pole has fallen beyond this angle."""
    x_threshold: float = 2.4
    """The cart has left the track beyond this position, m."""
    kinematics_integrator: str = "euler"
    """euler, or semi-implicit."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name == "kinematics_integrator":
                if value not in ("euler", "semi-implicit"):
                    raise WorkbenchError(f"physics: {name} must be euler or semi-implicit, not {value!r}")
            elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise WorkbenchError(f"physics: {name} must be a finite number, not {value!r}")
            elif name not in ("gravity", "force_mag") and value <= 0:
                raise WorkbenchError(f"physics: {name} must be above 0, not {value}")

    @classmethod
    def of(cls, spec: PolicySpec) -> "Physics":
        """The constants that a spec's `env_kwargs` give.

        Raises:
            WorkbenchError: a name that is no constant of Cart-Pole, or a value that cannot be one.
        """
        known = {f.name for f in fields(cls)}
        given = dict(spec.env_kwargs)
        if unknown := set(given) - known:
            raise WorkbenchError(
                f"{spec.env}: unknown arguments {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}"
            )
        return cls(**given)

    def vector(self) -> NDArray[np.float64]:
        """The constants in the kernels' order, (9,)."""
        return np.array(
            [
                self.gravity,
                self.masscart,
                self.masspole,
                self.length,
                self.force_mag,
                self.tau,
                self.theta_threshold_radians,
                self.x_threshold,
                self.kinematics_integrator == "semi-implicit",
            ]
        )


def is_cartpole(spec: PolicySpec) -> bool:
    """Whether the Cart-Pole engines can play this policy."""
    return spec.env in ENVS and spec.sizes[0] == 4 and spec.sizes[-1] == 2
