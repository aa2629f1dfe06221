"""The same networks under other rules: how outputs become actions, and the arguments of the environment."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.performance import MEASURES
from workbench.policies import ActionRule
from workbench.population import CAP, Population
from workbench.text import clean

RULES = "rules"
"""Where provenance says that rules are not those of the file."""
BEHAVIOUR = ("lean_x", "lean_angle", "sharpness")
"""Columns of how networks move, which other rules change."""


def parse(words: Sequence[str]) -> dict[str, Any]:
    """Arguments of an environment from words such as `masspole=0.2`: values as JSON, or as they stand.

    Raises:
        WorkbenchError: a word without a name or an equals sign, or a name twice.
    """
    found: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name.isidentifier():
            raise WorkbenchError(f"env-kwargs: expected NAME=VALUE, got {clean(word, 60)!r}")
        if name in found:
            raise WorkbenchError(f"env-kwargs: {name} is given twice")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def changed(population: Population, action: str = "", env_kwargs: Sequence[str] = ()) -> Population:
    """The same networks under other rules, not measured yet; the population itself where the rules are its own.

    What the file says of survival or return, lean and sharpness holds under its own rules only: those columns are left
    out.

    Args:
        population: of networks.
        action: greedy or sampled; empty for the population's own.
        env_kwargs: arguments of the environment as `parse` reads them, over the population's own.

    Raises:
        WorkbenchError: no such rule or argument.
    """
    given = parse(env_kwargs)
    spec = population.spec.with_env(**given)
    if action:
        spec = replace(spec, action=cast(ActionRule, action))  # checked there
    if spec == population.spec:
        return population
    gone = {*BEHAVIOUR, *(name for m in MEASURES for name in (m.name, m.error))}
    columns = {name: column for name, column in population.columns.items() if name not in gone}
    # With the same cap as before, so that the two can be held against each other.
    rules = {"action": action, "env_kwargs": list(env_kwargs), CAP: population.cap}
    return replace(
        population, spec=spec, columns=columns, provenance={**population.provenance, RULES: rules}, stored_hash=None
    )


def measured(ruled: Population, values: NDArray[np.float64], error: NDArray[np.float64]) -> Population:
    """A population that `changed` gave with its survival or return: means (n,) and their standard errors (n,)."""
    measure = ruled.measure
    columns = {measure.name: values, measure.error: error.astype(np.float32), **ruled.columns}
    return replace(ruled, columns=columns, stored_hash=None)


def options(population: Population) -> list[str]:
    """The command line's options for the rules that a population is under; none where they are the file's own."""
    rules = population.provenance.get(RULES)
    if not isinstance(rules, dict):
        return []
    words = ["--action", str(rules["action"])] if rules["action"] else []
    return words + [word for given in rules["env_kwargs"] for word in ("--env-kwargs", str(given))]
