"""agentemb-tui: a workbench for populations of policy networks.

    import workbench
    pop = workbench.load()                      # the shipped population; or load(path)
    pop.weights, pop.spec, pop["survival"], len(pop)
    workbench.survival(pop.weights[:10], pop.spec, episodes=100, cap=200, seed=0)

Importing it is light: torch, numba, scipy and gymnasium are imported by what uses them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.errors import WorkbenchError as WorkbenchError
    from workbench.opening import load as load
    from workbench.policies import Normaliser as Normaliser
    from workbench.policies import PolicySpec as PolicySpec
    from workbench.policies import forward as forward
    from workbench.population import Population as Population
    from workbench.rollouts import Episodes as Episodes
    from workbench.rollouts import behaviour as behaviour
    from workbench.rollouts import record as record
    from workbench.rollouts import survival as survival

__version__ = "0.1.0"

_HOMES = {
    "WorkbenchError": "errors",
    "Normaliser": "policies",
    "PolicySpec": "policies",
    "forward": "policies",
    "Population": "population",
    "load": "opening",
    "Episodes": "rollouts",
    "behaviour": "rollouts",
    "record": "rollouts",
    "survival": "rollouts",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(import_module(f"workbench.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
