"""The app: paints first, loads after, and wires panes to the service. No analysis, no drawing of data.

Only Textual is imported before the first paint; numpy, the population and the panes come in a thread.
"""

import asyncio
import gc
import signal
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.containers import Horizontal
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from workbench.config import Config
from workbench.tui.holding import HoldingApp
from workbench.tui.panes import PANES, pane_class, pane_title
from workbench.tui.themes import DEFAULT_THEME, TRUECOLOR, load_themes, suiting

if TYPE_CHECKING:
    from textual._types import AnimationLevel
    from textual.driver import Driver
    from textual.theme import Theme

    from workbench.compute import Compute
    from workbench.service import Job, JobState, ModelService
    from workbench.tui.jobs_screen import Resumed
    from workbench.tui.messages import JobChanged
    from workbench.tui.opened import Opened

JOBS_A_SECOND = 4
GENERAL_KEYS = (("?", "help"), (":", "palette"), ("J", "jobs"), ("^o", "open"), ("y", "copy"), ("q", "quit"))
ALWAYS, FIRST_KEYS = "?q", 3
"""Of these keys, those that are always told; and how many of a pane's come before the others."""
ANIMATION_LEVELS: "dict[str, AnimationLevel]" = {"on": "full", "auto": "basic", "off": "none"}
"""Of scrolling and the like, by what is configured."""
RARELY = (50_000, 20, 100)
"""Thresholds of the collector of garbage: thousands of objects of a screen come and go by reference counts alone."""
RESUME_SECONDS = 0.05
REMEMBER_SECONDS = 3.0
"""Between looks at what one is at: a killed app loses no more of it."""
LISTEN_SECONDS = 1.0
"""Between looks at whether the terminal is still there."""
LOOK_SECONDS = 5.0
"""Between looks at what is open: whether it has grown."""


class WorkbenchApp(HoldingApp):
    """The workbench on one population."""

    TITLE = "agentemb"
    ALLOW_SELECT = False  # a terminal selects by itself; Textual fails where what was clicked is gone by then
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-normal"), (130, "-wide")]
    BINDINGS = [
        Binding("question_mark", "help", "help", show=False),
        Binding("colon", "command_palette", "palette", show=False),
        Binding("J", "jobs", "jobs", show=False),
        Binding("ctrl+o", "open", "open", show=False),
        Binding("y", "copy", "copy", show=False),
        Binding("q", "quit", "quit", show=False),
        Binding("ctrl+z", "suspend_process", "suspend", show=False),
        *(Binding(str(k), f"pane('{name}')", show=False) for k, name in enumerate(PANES, 1)),
    ]
    CSS = """
    Screen { layout: vertical; background: $background; }
    #title { height: 1; background: $panel; color: $text; }
    #title-left { width: 1fr; height: 1; padding: 0 1; text-style: bold; }
    #title-right { width: auto; height: 1; padding: 0 1; color: $text-muted; }
    #body { height: 1fr; }
    #loading { padding: 1 2; color: $text-muted; }
    #bar { height: 1; background: $panel; }
    #keys { width: 1fr; height: 1; padding: 0 1; color: $text; }
    #jobs { width: auto; height: 1; padding: 0 1; color: $accent; }
    NetworkTable > .table--header { text-style: bold; color: $text-muted; }
    NetworkTable > .table--column { text-style: bold underline; color: $accent; }
    NetworkTable > .table--cursor { background: $primary; color: $text; text-style: bold; }
    NetworkTable:blur > .table--cursor { background: $panel-lighten-2; }
    NetworkTable > .table--marked { color: $warning; }
    NetworkTable > .table--range { background: $panel-lighten-1; }
    NetworkTable > .table--rail { color: $panel-lighten-2; }
    NetworkTable > .table--thumb { color: $text-muted; }
    Picture > .picture--dim { color: $text-muted; }
    Picture > .picture--accent { color: $accent; }
    Picture > .picture--first { color: $primary-lighten-2; }
    Picture > .picture--second { color: $warning; }
    Picture > .picture--strong { text-style: bold; }
    #body, #body * { scrollbar-size-vertical: 1; }
    """

    def __init__(
        self,
        path: str | None = None,
        compute: "Compute | None" = None,
        remembers: bool = False,
        config: Config | None = None,
        driver_class: "type[Driver] | None" = None,
    ) -> None:
        super().__init__(path, remembers, driver_class)
        self.config = config or Config()
        self.faults: list[str] = []
        """What of the configuration cannot be, said once the population is on the screen."""
        self.wanted_compute = compute
        self.warm = False
        """Whether the kernels are compiled and loaded."""
        self.fault = ""
        """Why it left, for standard error."""
        self._jobs_timer: Timer | None = None
        self._jobs_told = ""
        self._keys_painted = ""
        for theme in load_themes():
            self.register_theme(theme)
        self.animation_level = ANIMATION_LEVELS[self.config.animation]
        wanted = self.config.theme or suiting(self.console.color_system if driver_class else TRUECOLOR)
        if wanted not in self.available_themes:
            self.faults.append(f"theme: expected one of {', '.join(sorted(self.available_themes))}, got {wanted!r}")
        self.theme = wanted if wanted in self.available_themes else DEFAULT_THEME

    def compose(self) -> ComposeResult:
        """The frame that is painted before anything is loaded."""
        with Horizontal(id="title"):
            yield Static(" agentemb", id="title-left", markup=False)
            yield Static("", id="title-right", markup=False)
        with Horizontal(id="body"):
            yield Static("opening the population…", id="loading", markup=False)
        with Horizontal(id="bar"):
            yield Static("", id="keys")
            yield Static("", id="jobs", markup=False)

    def on_mount(self) -> None:
        """Signals, and the loading once something is on the screen."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, partial(self.exit, return_code=128 + number))
        self.app_resume_signal.subscribe(
            self, lambda _: self.set_timer(RESUME_SECONDS, lambda: self.refresh(layout=True))
        )
        self._jobs_timer = self.set_interval(1 / JOBS_A_SECOND, self._paint_jobs, pause=True)
        self.call_after_refresh(lambda: self.run_worker(self._open()))

    async def _open(self) -> None:
        def load() -> "tuple[ModelService, Opened]":
            from workbench.compute import Compute
            from workbench.memory import few_arenas
            from workbench.service import ModelService
            from workbench.tui.opened import Opened

            few_arenas()
            opened = Opened.of(self.path, self.remembers)
            pane_class(opened.pane)
            return ModelService(self.wanted_compute or Compute(), headless=False), opened

        from workbench.errors import WorkbenchError

        try:
            service, opened = await asyncio.to_thread(load)
            if self.config.keys:
                from workbench.tui import keys

                self.faults += keys.apply(self, self.config.keys)
        except WorkbenchError as error:
            self.fault = str(error)
            self.exit(return_code=2)
            return
        from workbench.tui.messages import JobChanged

        def tell(job: "Job") -> None:
            self.post_message(JobChanged(job))

        service.watchers.append(tell)
        self.service = service
        await self.query_one("#loading").remove()
        await self._take(opened)
        gc.set_threshold(*RARELY)
        self.call_after_refresh(gc.enable)
        self.call_after_refresh(lambda: self.run_worker(asyncio.to_thread(lambda: [*map(pane_class, PANES)])))
        if self.faults:
            self.notify("\n".join(map(self._safe, self.faults)), title="configuration", severity="warning", timeout=20)
        self.set_interval(LOOK_SECONDS, self._look)
        self.set_interval(LISTEN_SECONDS, self._listen)
        if self.remembers:
            self.set_interval(REMEMBER_SECONDS, self._remember)
            self.theme_changed_signal.subscribe(self, self._keep_theme)

    def _keep_theme(self, theme: "Theme") -> None:
        """A theme was chosen: it is taken the next time too."""
        from workbench.config import keep_theme
        from workbench.errors import WorkbenchError

        try:
            keep_theme(theme.name)
        except WorkbenchError as error:
            self.notify(self._safe(error), title="not kept", severity="warning")

    @property
    def line_is_slow(self) -> bool:
        """Whether what was painted before still waits to be sent."""
        return bool(getattr(self._driver, "behind", False))

    def action_copy(self) -> None:
        """Copy what one is at to the clipboard of the terminal, through whatever lies between."""
        at = self.screen if hasattr(self.screen, "copied") else self.pane
        words = at.copied() if at else ""
        if words:
            self.copy_to_clipboard(words)
        self.notify(self._safe(words) if words else "nothing here to copy", title="copied" * bool(words))

    def _listen(self) -> None:
        """Leave where the terminal is gone, which nothing else may say: reading from it would go on for ever."""
        if getattr(self._driver, "gone", False):
            self.exit(return_code=128 + signal.SIGHUP)

    async def action_pane(self, name: str) -> None:
        """Go to a pane."""
        if not isinstance(self.pane, pane_class(name)):
            await self._show_pane(name)

    async def _show_pane(self, name: str) -> None:
        if self.service is None or self.view is None:
            return
        if self.pane is not None:
            await self.pane.remove()
        self.pane = pane_class(name)(self.service, self.view)
        await self.query_one("#body").mount(self.pane)
        self._retitle()
        self._paint_keys()

    async def _dispatch_action(self, namespace: DOMNode, action_name: str, params: Any) -> bool:
        # Keys may be pressed faster than panes come and go: one meant for a pane that is being left does nothing.
        try:
            return await super()._dispatch_action(namespace, action_name, params)
        except NoMatches:
            if getattr(namespace, "here", True):
                raise
            return True

    def on_job_changed(self, message: "JobChanged") -> None:
        """A job began or ended."""
        job = message.job
        if message.state.final and not self.warm and job.frame is not None:
            self.warm = True
            # What has been imported stays: the collector need not look at it again, which would stall the screen.
            gc.collect()
            gc.freeze()
        if self.pane is not None and self.pane.is_mounted and self.pane.here:
            self.pane.job_changed(job)
        if self.service is not None and job in self.service.jobs:
            self._tell(job, message.state)

    def _tell(self, job: "Job", state: "JobState") -> None:
        from workbench.service import JobState

        if self._jobs_timer is not None and not state.final:
            self._jobs_timer.resume()
        self._paint_jobs()
        watched = getattr(self.screen, "job", None) is job or (self.pane is not None and self.pane.watches(job))
        if job.background or watched:
            return
        if state is JobState.FAILED:
            self.notify(self._safe(job.error), title=f"{job.analysis.name} failed", severity="error", timeout=10)
        elif state is JobState.DONE:
            self.notify(f"{job.analysis.name} is done (J shows it)", timeout=4)
        elif state is JobState.CANCELLED:
            on = "; the same again with resume goes on" if job.analysis.writes else ""
            self.notify(f"{job.analysis.name} has stopped{on}", timeout=4)

    def _paint_jobs(self) -> None:
        running = self.service.running() if self.service else []
        if not running and self._jobs_timer is not None:
            self._jobs_timer.pause()
        words = [f"{job.analysis.name} {job.progress or 'starting'}" for job in running]
        told = f"jobs: {'; '.join(words)}" if words else ""
        if words and len(words) == self._jobs_told.count(";") + 1:
            told = told.ljust(len(self._jobs_told))  # as wide as before: another width sends more than this line
        if told != self._jobs_told:
            self._jobs_told = told
            self.query_one("#jobs", Static).update(told)
            self._paint_keys()

    def _paint_keys(self) -> None:
        """How to get help and to leave, the pane's first keys, and as many others as the jobs leave room for."""
        from workbench.tui.help_screen import fitting, key_bar

        room = self.size.width - len(self._jobs_told) - 2
        own = self.pane.KEYS if self.pane else ()
        always = [key for key in GENERAL_KEYS if key[0] in ALWAYS]
        rest = [key for key in GENERAL_KEYS if key not in always]
        shown = fitting([*always, *own[:FIRST_KEYS], *rest, *own[FIRST_KEYS:]], room)
        painted = key_bar([key for key in (*own, *GENERAL_KEYS) if key in shown], room)
        if painted != self._keys_painted:
            self._keys_painted = painted
            self.query_one("#keys", Static).update(painted)

    def _retitle(self) -> None:
        if self.view is None or self.service is None:
            return
        from workbench.text import clean, counted

        population, compute = self.view.population, self.service.compute
        right = f"{compute.device} {compute.workers}t"
        room = self.size.width - len(right) - 5
        here = self.pane.TITLE if self.pane else ""
        panes = [(k, pane_title(name)) for k, name in enumerate(PANES, 1)]
        titles = "  ".join(f"▸{k} {title}" if title == here else f"{k} {title}" for k, title in panes)
        numbers = " ".join(f"▸{k} {title}" if title == here else str(k) for k, title in panes)
        # Other rules stand with the name: they are what one must not overlook.
        name = f"{clean(population.name, 40)} {clean(self._rules, 40)}".rstrip()
        about = [name, counted(len(population), "network"), population.spec.label]
        # What does not fit is left out, from the least wanted on.
        fitting = [f"agentemb  {'  '.join(about[:k])} · {t}" for k, t in ((3, titles), (2, titles), (1, titles))]
        fitting += [f"{about[0]} · {titles}", f"{about[0]} · {numbers}"]
        self.query_one("#title-left", Static).update(next((f for f in fitting if len(f) <= room), numbers))
        self.query_one("#title-right", Static).update(right)

    def on_resize(self) -> None:
        """The title and the key bar show what fits, once the size is the new one."""
        self.call_after_refresh(self._retitle)
        self.call_after_refresh(self._paint_keys)

    def action_command_palette(self) -> None:
        """Everything that can be done, by name."""
        from workbench.tui.over import Palette

        if not Palette.is_open(self):  # type: ignore[arg-type]
            self.push_screen(Palette(id="--command-palette"))

    def pop_screen(self) -> AwaitComplete:
        """Close the screen in front; the last one stays, however often and fast that is asked for."""
        return super().pop_screen() if len(self.screen_stack) > 1 else AwaitComplete()

    def get_system_commands(self, screen: Screen) -> Iterable[SystemCommand]:
        """What the palette offers: Textual's own, and every analysis."""
        # `?` lists the keys with what they do; Textual's own list has no words for most of them.
        yield from (command for command in super().get_system_commands(screen) if command.title != "Keys")
        yield SystemCommand("Open", "Another population, checkpoint or folder of checkpoints", self.action_open)
        yield SystemCommand("Rules", "Play these networks by other rules: sampled masspole=0.2", self.action_rules)
        yield SystemCommand("Jobs", "What is running, with progress and cancel", self.action_jobs)
        if self.service is None:
            return
        from workbench import reproductions
        from workbench.analyses import find, names

        for name in names():
            analysis = find(name)
            yield SystemCommand(f"Run {name}", analysis.title, lambda a=analysis: self._open_run(a))
        for name in reproductions.names():
            analysis = reproductions.find(name)
            yield SystemCommand(f"Reproduce {name}", analysis.title, lambda a=analysis: self._open_run(a))

    def _open_run(self, analysis: object, given: "Mapping[str, str] | None" = None) -> None:
        from workbench.tui.run_screen import RunScreen

        if self.service is not None and self.view is not None:
            opened = self.view.population.path
            suggested = {"population": str(opened)} if opened is not None else {}
            suggested |= {**(self.pane.suggested() if self.pane else {}), **(given or {})}
            self.push_screen(RunScreen(self.service, self.view, analysis, suggested))  # type: ignore[arg-type]

    def action_jobs(self) -> None:
        """Everything that runs or ran, with cancel."""
        from workbench.analyses import find
        from workbench.tui.jobs_screen import JobsScreen

        def answered(task: "Resumed | None") -> None:
            if task is not None:
                self._open_run(find(task[0]), task[1])

        if self.service is not None:
            self.push_screen(JobsScreen(self.service), answered)

    def action_help(self) -> None:
        """The keys of this pane, and the general ones."""
        from workbench.tui.help_screen import HelpScreen

        title = self.pane.TITLE if self.pane else "agentemb"
        anew = [(keys, f"{name}, as configured") for name, keys in self._keymap.items()]
        keys = [*anew, *(self.pane.KEYS if self.pane else ()), *GENERAL_KEYS]
        self.push_screen(HelpScreen(title, keys, self.pane.SIGNS if self.pane else ()))

    def close_service(self) -> None:
        """Ask all jobs to stop, and wait a moment for tasks to save what they have."""
        if self.service is not None:
            self.service.close()
