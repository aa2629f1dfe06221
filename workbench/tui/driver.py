"""What goes to the terminal: as it is or in ASCII, and whether the line keeps up with it."""

import select

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

    @property
    def gone(self) -> bool:
        """Whether the terminal is closed: whoever is not its session's leader gets no signal then."""
        asked = select.poll()
        asked.register(self.fileno, 0)
        return any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in asked.poll(0))


class PlainDriver(TerminalDriver):
    """A terminal that takes ASCII only: nothing else is written to it."""

    def write(self, data: str) -> None:
        """Write in ASCII."""
        super().write(plain(data))
