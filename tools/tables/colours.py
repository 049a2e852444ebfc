"""Colours of cells as a person would name them."""

from __future__ import annotations

import colorsys

_HUES = ((15, "red"), (45, "orange"), (70, "yellow"), (165, "green"), (195, "cyan"), (255, "blue"), (290, "purple"))


def tinted(rgb: str, tint: float) -> str:
    """A theme's colour made lighter (tint > 0) or darker. RRGGBB in and out; ECMA-376, 18.8.19."""
    hue, light, saturation = colorsys.rgb_to_hls(*_parts(rgb))
    light = light * (1 + tint) if tint < 0 else light * (1 - tint) + tint
    return "".join(f"{round(255 * part):02X}" for part in colorsys.hls_to_rgb(hue, min(1.0, light), saturation))


def name_of(colour: str) -> str:
    """A word for #RRGGBB, such as red, light green, dark grey."""
    hue, light, saturation = colorsys.rgb_to_hls(*_parts(colour.lstrip("#")))
    if light > 0.97:
        return "white"
    if light < 0.06:
        return "black"
    if saturation < 0.12:
        return "light grey" if light > 0.75 else "dark grey" if light < 0.35 else "grey"
    word = next((word for limit, word in _HUES if hue * 360 < limit), "pink" if hue * 360 < 345 else "red")
    if word == "orange" and light < 0.4:
        word = "brown"
    return f"light {word}" if light > 0.75 else f"dark {word}" if light < 0.3 else word


def _parts(rgb: str) -> tuple[float, float, float]:
    return int(rgb[0:2], 16) / 255, int(rgb[2:4], 16) / 255, int(rgb[4:6], 16) / 255
