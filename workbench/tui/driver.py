"""What goes to the terminal: as it is or in ASCII, and whether the line keeps up with it."""

from textual.drivers.linux_driver import LinuxDriver

from workbench.plain import plain

WAITING = 2
"""Paints that wait to be sent, from which on a line is slow."""


class TerminalDriver(LinuxDriver):
    """A terminal that takes any character."""

    @property
    def behind(self) -> bool:
        """Whether earlier paints still wait to be sent."""
        writer = self._writer_thread
        return writer is not None and writer._queue.qsize() >= WAITING


class PlainDriver(TerminalDriver):
    """A terminal that takes ASCII only: nothing else is written to it."""

    def write(self, data: str) -> None:
        """Write in ASCII."""
        super().write(plain(data))
