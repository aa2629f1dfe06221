"""Figure 5: correlations of hidden units in a good pair of networks, a bad one and a mixed one (section 4.1)."""

from workbench.drawn_pairs import analysis
from workbench.paper import FIGURE_5

ANALYSIS = analysis("fig5", "Figure 5: correlations of hidden units in pairs of networks", False, FIGURE_5)
