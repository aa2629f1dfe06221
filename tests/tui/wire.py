"""What a running app sends to the terminal."""

from contextlib import contextmanager


@contextmanager
def listening(app, paints=None):
    """While it lasts, a list of what is sent, in 24-bit colour; with `paints`, the updates themselves go there too."""
    compositor = type(app.screen._compositor)
    paint, data = compositor.render_partial_update, []

    def listen(self):
        update = paint(self)
        if update is not None:
            if paints is not None:
                paints.append(update)
            data.append(update.render_segments(app.console))
        return update

    compositor.render_partial_update = listen
    before, app.console._color_system = app.console._color_system, 3
    try:
        yield data
    finally:
        compositor.render_partial_update = paint
        app.console._color_system = before


def count_bytes(data):
    """How many bytes that is."""
    return len("".join(data).encode())
