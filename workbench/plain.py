"""Everything the screen shows in plain ASCII: one character for one character, so that all stays in its place."""

import locale
import os
import unicodedata

from workbench.text import columns

PLAIN_TERMINALS = ("linux", "vt", "ansi", "cons")
"""How terminals are called that have no Braille dots."""

GLYPHS = {
    **dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True)),
    **dict(zip("░▒▓▀▌▐▎▊", ".:%\"||||", strict=True)),
    **dict(zip("▶▸◀◂▲△▴▼▾▽", ">><<^^^vvv", strict=True)),
    **dict(zip("●○◆◇■□•·✛✚✔✓✗✘★", "*oxd@%*.++YYXX*", strict=True)),
    **dict(zip("←→↑↓↔↕↗↘↖↙", "<>^v-|/\\\\/", strict=True)),
    **dict(zip("…±×÷–—−‖≤≥≡≠≈°′″", "~~x/---=<>X!~'''", strict=True)),
    **dict(zip("θẋΣΔμσαβγλπ", "avSDusabglp", strict=True)),
    **dict(zip("╱╲╳", "/\\X", strict=True)),
    "θ̇": "w", "▔": "-", "�": "?", "\u00a0": " ",
}  # fmt: skip
"""What is drawn, and what stands for it: blocks by height, marks told apart, a velocity v and an angle's w."""
_TOGETHER = {glyph: sign for glyph, sign in GLYPHS.items() if len(glyph) > 1}


def braille(dots: int) -> str:
    """A character for eight dots (bits as in Unicode), by where they lie."""
    rows = [bool(dots & bits) for bits in (0x09, 0x12, 0x24, 0xC0)]
    left, right = bool(dots & 0x47), bool(dots & 0xB8)
    if not dots:
        return " "
    if dots.bit_count() > 5:
        return "#"
    if left != right:
        return "|" if sum(rows) > 2 else "'" if rows[0] or (rows[1] and not rows[2]) else "." if rows[3] else "-"
    if sum(rows) == 1:
        return '"' if rows[0] else "-" if not rows[3] else "_"
    if not (rows[2] or rows[3]):
        return '"'
    if not (rows[0] or rows[1]):
        return "="
    falling = bool(dots & 0x03 and dots & 0xA0) and not dots & 0x18 and not dots & 0x44
    rising = bool(dots & 0x18 and dots & 0x44) and not dots & 0x03 and not dots & 0xA0
    return "\\" if falling else "/" if rising else "+"


class _Table(dict[int, str]):
    """For `str.translate`: fills itself as characters come."""

    def __missing__(self, code: int) -> str:
        sign = self[code] = _sign(chr(code))
        return sign


def _sign(character: str) -> str:
    code = ord(character)
    if code < 0x7F:
        return character
    if character in GLYPHS:
        return GLYPHS[character]
    if 0x2800 <= code <= 0x28FF:
        return braille(code - 0x2800)
    if 0x2500 <= code <= 0x257F:
        name = unicodedata.name(character)
        if not ("HORIZONTAL" in name or "LEFT" in name or "RIGHT" in name):
            return ":" if "DASH" in name else "|"
        return "+" if "VERTICAL" in name or "UP" in name or "DOWN" in name or "ARC" in name else "-"
    width = columns(character)
    bare = "".join(c for c in unicodedata.normalize("NFKD", character) if " " <= c <= "~")
    return bare if len(bare) == width else "?" * width


_TABLE = _Table()


def plain(text: str) -> str:
    """Text in ASCII of the same width; control sequences, which are ASCII, stay."""
    if text.isascii():
        return text
    for glyph, sign in _TOGETHER.items():
        text = text.replace(glyph, sign)
    return text.translate(_TABLE)


def needs_plain() -> bool:
    """Whether the terminal is one that nothing else than ASCII can be sent to."""
    encoding = locale.getencoding().lower().replace("-", "")
    return encoding != "utf8" or os.environ.get("TERM", "").startswith(PLAIN_TERMINALS)
