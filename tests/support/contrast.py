"""How well a colour stands out from another, as WCAG 2.2 counts it."""

import re


def contrast(one: str, other: str) -> float:
    """From 1 to 21; colours as #rrggbb."""

    def luminance(colour: str) -> float:
        channels = [int(pair, 16) / 255 for pair in re.findall("..", colour.removeprefix("#"))]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
