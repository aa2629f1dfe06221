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


@dataclass(frozen=True)
class GeneratedGroup:
    """The other half of a row: mean and standard deviation of survival time (steps) of 200 generated networks."""

    mean: float
    std: float


TABLE_1_SAMPLES = {
    "1-50": GeneratedGroup(11.0, 9.7),
    "51-100": GeneratedGroup(77.3, 46.5),
    "101-150": GeneratedGroup(127.0, 55.3),
    "151-200": GeneratedGroup(116.4, 58.6),
    "all": GeneratedGroup(136.7, 42.8),
}
SAMPLED = 200
"""Networks the paper samples for each figure."""


@dataclass(frozen=True)
class ConvergenceGroup:
    """One row of Table 2: ten networks of about this survival time (steps), convergence distances of their pairs."""

    survival: float
    group: str
    """The survival group whose conditional generator they are sampled from."""
    hidden: tuple[float, float]
    """Mean and standard deviation over pairs."""
    output: tuple[float, float]


TABLE_2 = {
    "good": ConvergenceGroup(191.0, "151-200", (2.75, 1.96), (0.32, 0.49)),
    "bad": ConvergenceGroup(29.0, "1-50", (3.13, 1.7), (0.09, 0.11)),
}
COMPARED = 10
"""Networks in each group of Table 2."""
FIGURE_5 = {"good": 1.51, "bad": 1.75, "mixed": 3.91}
"""Convergence distance of hidden units of the pairs that are drawn."""
FIGURE_6 = {"good": 0.32, "bad": 0.07, "mixed": 0.28}
"""The same of outputs."""
FIGURE_7 = (1.82, 12.5, 2.13, 2.77)
"""Hidden convergence distance between the endpoints of the four walks that are drawn."""

QUOTA = tuple(TABLE_1_TRAINING[name].size for name in ("1-50", "51-100", "101-150", "151-200"))
"""Networks in each survival group (Table 1)."""

RANDOM_AGENT, CONSTANT_AGENT = 22.0, 9.0
"""Survival of an agent that acts at random, and of one that always acts the same (section 3.5)."""

PRINTED = {
    "table1": "Table 1 prints the size of each group, and mean and standard deviation of survival of its training "
    f"networks and of {SAMPLED} samples: the columns headed 'paper'.",
    "fig4": "Figure 4 draws histograms with densities, samples over training networks, without figures; the text has "
    "them approximate the training distribution without capturing it, and some outperform all that was trained on.",
    "architectures": "No figures: linear layers give a similar distribution, and GANs were not successfully trained, "
    "since the discriminator told real networks from made ones at once (section 3.5).",
    "robustness": "In passing: survival varies by 5 steps at most (section 3.5), weights are not robust to small noise "
    f"(5.3), random actions last {RANDOM_AGENT:g} steps, always the same action {CONSTANT_AGENT:g} (3.5).",
    "table2": "Table 2 prints mean and standard deviation of the convergence distances of ten good and of ten bad "
    "networks: the rows headed 'paper'.",
    "fig5": "Figure 5 draws the correlations of a pair each; their hidden convergence distances are "
    f"{', '.join(f'{value:g} ({name})' for name, value in FIGURE_5.items())}.",
    "fig6": "Figure 6 draws the correlations of a pair each; their convergence distances of outputs are "
    f"{', '.join(f'{value:g} ({name})' for name, value in FIGURE_6.items())}.",
    "fig7": "Figure 7 draws four walks, with hidden convergence distances of "
    f"{', '.join(f'{value:g}' for value in FIGURE_7)} between their ends; the first and the last track performance, "
    "the second rises far above both ends.",
    "leans": "The authors' blog shows three pairs: all lean to the right and so do those between (a slope), the one "
    "between swerves the other way (a valley), the one between two that lean apart leans to neither side (a hill).",
    "fig8": "Figure 8 draws one network at ten levels of damage: differences of at most 15 steps by either criterion, "
    "below 5 at some levels, among them where nothing is left.",
    "fig9": "Figure 9 draws histograms of samples of 51-100 from ever fewer training networks, without figures: the "
    "approximations get worse.",
}
"""What the paper prints of each of its tables and figures, and of what it says in passing, in its own order."""
