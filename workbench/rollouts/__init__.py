"""Playing policies: survival time, behaviour, and recorded episodes."""

from workbench.rollouts.episodes import Episodes
from workbench.rollouts.outcomes import Behaviour, Rollouts, Trace
from workbench.rollouts.play import behaviour, record, rollout, survival

__all__ = ["Behaviour", "Episodes", "Rollouts", "Trace", "behaviour", "record", "rollout", "survival"]
