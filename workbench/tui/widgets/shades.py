"""Colours of shades: ramps of even lightness for dark and light themes, and for terminals of 16 colours."""

from textual.color import Gradient

from workbench.matrices import LEVELS

DARK = ("#0b0405", "#2e1e3b", "#413d7b", "#37659e", "#348fa7", "#40b7ad", "#8bdab2", "#def5e5")
"""Seaborn's `mako`: even steps of lightness."""
DARK_SIGN = ("#8fd3ff", "#3f8fc4", "#1c2c38", "#c87626", "#ffc26e")
LIGHT_SIGN = ("#00527f", "#5ba3d0", "#f1f1ee", "#e8935a", "#a04300")
FEW = {
    "heat": ("#5555ff",) * 4 + ("#00aaaa",) * 2 + ("#55ffff",) * 2 + ("#ffffff",) * 2,
    "sign": ("#55ffff", "#55ffff", "#5555ff", "#5555ff", "#5555ff", *["#aa5500"] * 3, "#ffff55", "#ffff55"),
    "heat:light": ("#00aaaa",) * 4 + ("#5555ff",) * 2 + ("#0000aa",) * 2 + ("#000000",) * 2,
    "sign:light": ("#0000aa",) * 3 + ("#5555ff",) * 2 + ("#aa5500",) * 2 + ("#aa0000",) * 3,
}
"""For terminals of 16 colours: the ink of shades, on the background there is."""


def shade_rules(widget: str) -> str:
    """A style for every level. In full colour a shade is of two neighbouring colours of the ramp, and so never vivid
    against what is around it; the ramp goes from the background's own lightness away from it.
    """
    rules = []
    full = {
        "heat": (DARK, 0.12, 0.98), "heat:light": (DARK[::-1], 0.0, 0.9),
        "sign": (DARK_SIGN, 0.0, 1.0), "sign:light": (LIGHT_SIGN, 0.0, 1.0),
    }  # fmt: skip
    for kind, few in FEW.items():
        name, _, light = kind.partition(":")
        theme = f":{light}" if light else ""
        stops, first, last = full[kind]
        ramp = Gradient.from_colors(*stops)
        for k in range(LEVELS):
            at = first + (last - first) * (k + 0.5) / LEVELS
            # What is negative has more ink the lower it is.
            ink = 0.05 if name == "heat" or k >= LEVELS // 2 else -0.05
            style = f"> .matrix--{name}-{k}"
            front, back = (ramp.get_color(min(1.0, max(0.0, at + d))).hex for d in (ink, -ink))
            rules += [
                f"{widget}.-many{theme} {style} {{ color: {front}; background: {back}; }}",
                f"{widget}.-few{theme} {style} {{ color: {few[k]}; }}",
            ]
    return "\n".join(rules)
