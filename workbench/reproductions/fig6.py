"""Figure 6: correlations of outputs in a good pair of networks, a bad one and a mixed one (section 4.1)."""

from workbench.drawn_pairs import analysis
from workbench.paper import FIGURE_6

ANALYSIS = analysis("fig6", "Figure 6: correlations of outputs in pairs of networks", True, FIGURE_6)
