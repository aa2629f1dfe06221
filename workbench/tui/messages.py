"""All messages between the service, the app and its panes."""

from textual.message import Message

from workbench.service import Job


class JobChanged(Message):
    """A job's state changed. Posted from the thread that changed it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        # Of now: a quick job may be over before its first message is read.
        self.state = job.state
        super().__init__()
