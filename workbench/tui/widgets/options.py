"""A list to choose from."""

import contextlib

from textual.widgets import OptionList


class Options(OptionList):
    """Textual's list; a page is not turned before its lines have been laid out."""

    def action_page_up(self) -> None:
        """One page up."""
        with contextlib.suppress(KeyError):  # it looks for the lines of its options
            super().action_page_up()

    def action_page_down(self) -> None:
        """One page down."""
        with contextlib.suppress(KeyError):
            super().action_page_down()
