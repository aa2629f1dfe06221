"""Figures printed in the paper, for comparison: Chang, Kwiatkowski, Chen and Lipson, Agent Embeddings (2018)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingGroup:
    """One row of Table 1, its training half: networks, and mean and standard deviation of survival time (steps)."""

    size: int
    mean: float
    std: float


TABLE_1_TRAINING = {
    "1-50": TrainingGroup(25_608, 21.8, 11.5),
    "51-100": TrainingGroup(9_400, 69.7, 14.2),
    "101-150": TrainingGroup(10_103, 132.6, 13.1),
    "151-200": TrainingGroup(28_889, 184.9, 16.3),
    "all": TrainingGroup(74_000, 106.7, 73.3),
}

QUOTA = tuple(TABLE_1_TRAINING[name].size for name in ("1-50", "51-100", "101-150", "151-200"))
"""Networks in each survival group (Table 1)."""

RANDOM_AGENT, CONSTANT_AGENT = 22.0, 9.0
"""Survival of an agent that acts at random, and of one that always acts the same (section 3.5)."""
