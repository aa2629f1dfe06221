"""Trainings that take a moment: every generator at its smallest."""

from dataclasses import fields

from workbench import generators
from workbench.compute import Compute
from workbench.learning.contract import settings_from, train

ONE = Compute("cpu", 1)
TINY = {"epochs": 2, "steps": 6, "unit_steps": 4, "predictor_steps": 4, "hidden": 16, "components": 2, "latents": 5}
"""Values for settings of these names, so that a training takes no time."""


def tiny_pairs(name, *others):
    """Settings of a generator as the command line has them, small, then some others."""
    have = {f.name for f in fields(generators.find(name).SETTINGS)}
    return [*(f"{k}={v}" for k, v in TINY.items() if k in have), *others]


def tiny(name, *others):
    """Small settings of a generator."""
    return settings_from(generators.find(name), tiny_pairs(name, *others))


def fit(name, data, *others, seed=0, state=None, compute=ONE):
    """A generator, trained to the end."""
    *_, (generator, _) = train(generators.find(name), data, tiny(name, *others), seed, compute, state)
    return generator
