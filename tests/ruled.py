"""A population under other rules, as the app and the command line have it."""

from workbench import rules
from workbench.analyses import survival
from workbench.analysis import Selection
from workbench.compute import Compute


def under(networks, action="", env_kwargs=()):
    """Changed and measured anew, where the rules are not its own."""
    changed = rules.changed(networks, action, env_kwargs)
    if changed is networks:
        return networks
    *_, frame = survival.run(Compute("cpu", 1), Selection(changed), survival.Params())
    return rules.measured(changed, frame.survival, frame.error)
