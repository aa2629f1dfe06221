"""What every pane has."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Container
from textual.css.query import NoMatches
from textual.message import Message

from workbench.service import Job, ModelService
from workbench.tui.view import View

if TYPE_CHECKING:
    from textual.worker import Worker

    from workbench.tui.app import WorkbenchApp


class Pane(Container):
    """A pane of the app: works on the app's view with the app's service."""

    TITLE: ClassVar[str] = ""
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """(key, what it does), most wanted first: the key bar shows as many as fit, the help screen all."""
    SIGNS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """(sign or word on the screen, what it means), for the help screen."""

    app: "WorkbenchApp"

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__()
        self.service = service
        self.view = view

    @property
    def here(self) -> bool:
        """Whether the pane is on the screen to stay: one that is being left has lost its parts already."""
        return self.is_attached and not self._pruning

    async def _dispatch_message(self, message: Message) -> None:
        # What was sent to it before, its own mounting and timers among it, comes late where the pane has been left.
        try:
            await super()._dispatch_message(message)
        except NoMatches:
            if self.here:
                raise

    def call_after_refresh(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Call back once the screen is painted, unless the pane has been left by then."""

        def here() -> Any:
            return callback(*args, **kwargs) if self.here else None

        return super().call_after_refresh(here)

    def run_worker(self, work: Any, *args: Any, **kwargs: Any) -> "Worker[Any]":
        """Work beside the screen; what it has to show is not missed where the pane has been left by then."""

        async def here() -> Any:
            try:
                return await work
            except NoMatches:
                if self.here:
                    raise
                return None

        return super().run_worker(here() if isinstance(work, Coroutine) else work, *args, **kwargs)

    def suggested(self) -> dict[str, str]:
        """Values for the fields of forms, by name: what the user is looking at."""
        return {}

    def copied(self) -> str:
        """What `y` copies: the command that gives what is on the screen, where there is one."""
        return ""

    def watches(self, job: Job) -> bool:
        """Whether the pane tells itself how a job goes, so that nothing pops up about it."""
        return False

    def grown(self) -> None:
        """Networks have joined the view's population."""

    def job_changed(self, job: Job) -> None:
        """A job changed its state; called on the app's thread."""
