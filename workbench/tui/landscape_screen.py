"""Survival around an agent of the Interpolate pane, or over the plane through three, as it is played."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Static

from workbench.analyses import landscape
from workbench.errors import WorkbenchError
from workbench.service import JobState, ModelService
from workbench.text import clean
from workbench.tui.commands import command_line
from workbench.tui.help_screen import HelpScreen
from workbench.tui.interpolating import CAPS, InterpolateState
from workbench.tui.sampling import following
from workbench.tui.widgets.pair import HeatMapChart
from workbench.tui.widgets.prompt import Prompt
