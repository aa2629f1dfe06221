"""What names of files and shapes of networks tell: environment, steps trained, run."""

import re
from pathlib import Path

NAMED = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*-v\d+")
"""An id of Gymnasium inside a name: `dqn-CartPole-v1.zip`, `Acrobot-v1__ppo__1__1700000000`."""
SHAPES = {
    (4, 2): "CartPole-v1", (6, 3): "Acrobot-v1", (2, 3): "MountainCar-v0", (2, 1): "MountainCarContinuous-v0",
    (3, 1): "Pendulum-v1", (8, 4): "LunarLander-v3",
}  # fmt: skip
"""Environments by observations and actions."""
FAMILIES = {shape: env.rpartition("-v")[0] for shape, env in SHAPES.items()}
STEPS = re.compile(
    r"(?:(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)([kKmM]?)[_-]?(?:steps?|iters?|iterations?)(?![A-Za-z]))"
    r"|(?:(?<![A-Za-z])(?:steps?|iters?|iterations?|epochs?|ckpt|checkpoint|update|global_step)[_-]?(\d+)([kKmM]?)(?![A-Za-z0-9]))"
)
SCALES = {"": 1.0, "k": 1e3, "m": 1e6}


def environment(path: Path, sizes: tuple[int, ...]) -> tuple[str, str]:
    """The environment of a checkpoint and how it is known; both empty where nothing tells it.

    Args:
        path: the file; its own name counts before those of the folders it is in.
        sizes: of its layers. A name that does not fit them is not believed.
    """
    ends = sizes[0], sizes[-1]
    guess = SHAPES.get(ends, "")
    for depth, part in enumerate(reversed(path.parts)):
        for found in NAMED.finditer(part):
            family = found[0].rpartition("-v")[0]
            # Folders have such names for other reasons too: where the shape tells enough, they are not needed.
            unknown = family not in FAMILIES.values() and (not depth or not guess)
            if unknown or FAMILIES.get(ends) == family:
                return found[0], f"environment {found[0]} (by name)"
    shape = f"{ends[0]} observations and {ends[1]} outputs"
    if guess:
        return guess, f"environment {guess} (by {shape})"
    return "", f"environment unknown ({shape}); --env says it"


def steps(stem: str) -> float | None:
    """Steps trained, as a file's name tells them: `rl_model_10000_steps`, `ckpt_500`, `model-10k-steps`."""
    found = STEPS.search(stem)
    if found is None:
        return None
    number, scale = (found[1], found[2]) if found[1] else (found[3], found[4])
    return float(number) * SCALES[scale.lower()] if len(number) <= 15 else None
