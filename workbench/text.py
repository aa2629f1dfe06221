"""Words for people: durations, rates, and text from files made safe to print."""

import unicodedata


def clean(text: object, limit: int = 500) -> str:
    """Text from a file or a user, without control characters or anything that moves the cursor; long text is cut."""
    characters = (c if unicodedata.category(c)[0] != "C" else "�" for c in str(text)[: limit + 1])
    result = "".join(characters)
    return result if len(result) <= limit else result[: limit - 1] + "…"


def counted(count: int, noun: str, several: str = "") -> str:
    """`1 network`, `7,400 networks`; `several` is the plural where an s does not make it."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def columns(character: str) -> int:
    """How many columns a character takes: 2 for wide ones, 0 for what joins the one before it."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def duration(seconds: float | None) -> str:
    """`42 s`, `9 min`, `2 h 10 min`; `?` for None."""
    if seconds is None:
        return "?"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def rate(per_second: float | None) -> str:
    """`84/s`, `1.2k/s`, `3 M/s`; empty for None."""
    if per_second is None:
        return ""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if per_second >= size:
            scale = 1e3 if unit == "k" else size
            return f"{per_second / scale:.3g}{unit}/s"
    return f"{per_second:.3g}/s" if per_second < 100 else f"{per_second:.0f}/s"


def progress(done: int, total: int, per_second: float | None, left: float | None) -> str:
    """`31 % 84/s 9 min left`."""
    parts = [f"{100 * done // max(1, total)} %", rate(per_second)]
    if left is not None:
        parts.append(f"{duration(left)} left")
    return " ".join(p for p in parts if p)
