"""Missing weights found from what training networks have in common, and candidates chosen so that one is right.

Four things are known of the missing weights without having seen the original act: what goes with the existing weights
(`learning.missing`), the survival time, that a network of values solves the Bellman equation (`learning.bellman`), and
what trained networks of such a survival time do (`learning.functions`). Modes of all four together are found from many
starts. The candidates returned stand for as much as possible of what was found: the first is the one like most others.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.learning.bellman import Bellman
from workbench.learning.descent import Energy, descend, survival_energy
from workbench.learning.functions import FunctionDensity
from workbench.learning.repair import Case, Source
from workbench.numerics.covering import cover
from workbench.numerics.symmetry import has_mirror, mirror
from workbench.physics import is_cartpole
from workbench.policies import forward
from workbench.rollouts.states import own

CHAINS, STEPS = 64, 50
RATE = 0.08
"""Adam's, in standard deviations of the Gaussian."""
BELLMAN = 2.0
"""What the log of the squared Bellman residual weighs."""
FUNCTION = 3.0
"""What the log density of functions weighs: its kernels are wider than functions vary."""
NETWORKS, STATES = 300, 128
"""Training networks, with as many mirror images, that say which functions are usual, and states for it."""
TEACHERS, LESSONS = 48, 2
"""Training networks whose states the Bellman equation is held to, and states of each."""
COMPARED = 1000
"""States on which candidates are compared with one another."""
ALIKE, BLUR = 0.95, 0.02
"""Share of equal actions at which one candidate stands half for another, and how sharply."""
TEMPERED = 0.5
"""Power of a candidate's likelihood in its share: the energies are not so exact as to be taken at their word."""


def posterior_energy(case: Case, source: Source) -> Energy:
    """All that is known of such networks and of the original, but for the Gaussian and for actions."""
    spec, parts = source.spec, []
    if (survival := survival_energy(case, source)) is not None:
        parts.append(survival)
    near = source.weights[source.nearest(case.survival, NETWORKS, case.seed)]
    # Outputs that actions are sampled from are not values.
    if is_cartpole(spec) and spec.action == "greedy":
        bellman = Bellman(spec, own(near[:TEACHERS], spec, LESSONS, case.seed % 2**31).reshape(-1, spec.sizes[0]))
        parts.append(lambda weights: BELLMAN * bellman.log_residual(weights))
    if has_mirror(spec):
        near = np.concatenate([near, mirror(near, spec)])
    usual = FunctionDensity(near, spec, source.states(STATES))
    parts.append(lambda weights: -FUNCTION * usual.log_density(weights))
    return lambda weights: torch.stack([part(weights) for part in parts]).sum(0)


def candidates(case: Case, source: Source) -> tuple[NDArray[np.float32], int]:
    """Networks (case.keep, p), best first, and the simulator episodes that choosing them took."""
    networks, left = descend(case, source, posterior_energy(case, source), CHAINS, STEPS, RATE)
    return representative(networks, left, case, source)


def representative(
    networks: NDArray[np.float32], left: NDArray[np.float64], case: Case, source: Source
) -> tuple[NDArray[np.float32], int]:
    """Of networks (n, p) with energies (n,) those (case.keep, p) that stand for most, the one like most others first.

    Two are alike as they act alike; those that do not survive as long as the original stand for none. Also the
    simulator episodes that telling this took.
    """
    judged, episodes = source.judge(networks, case)
    actions = forward(networks, source.spec, source.states(COMPARED)).argmax(2)
    agreed = np.stack([(actions == a).mean(1) for a in actions])
    likeness = 1 / (1 + np.exp(-(agreed - ALIKE) / BLUR))
    if case.survival is not None:
        likeness *= np.exp(-0.5 * np.square((judged - case.survival) / case.epsilon))[:, None]
    shares = np.exp(TEMPERED * (left.min() - left))
    return networks[cover(likeness, shares / shares.sum(), case.keep)], episodes
