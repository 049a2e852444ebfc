"""Text in pictures: a page that lies on its side, and what is said where other scripts may be."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw, ImageFont

from tools.media.recognition import Recognised, read, recognised_text, unread_scripts

LINES = ["Invoice number 42 of the year", "The parties agree as follows", "12 July, paid in full"]
HINT = "Text recognition reads Latin, Chinese and Japanese writing"


def page(turned: int) -> Image.Image:
    image = Image.new("RGB", (1000, 300), "white")
    for number, line in enumerate(LINES):
        ImageDraw.Draw(image).text((40, 40 + 80 * number), line, "black", ImageFont.load_default(40))
    return image.rotate(turned, expand=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("turned", [0, 90, 270])
def test_a_page_on_its_side_is_read_in_order(turned: int) -> None:
    found = read(page(turned))
    assert found.text.split("\n") == LINES
    assert HINT not in recognised_text(found)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Recognised("", 0, 0, 0.0), True),
        (Recognised("42", 1, 0, 0.99), True),
        (Recognised("Kαλημρα κσμε, αυτ εναι", 2, 0, 0.87), True),
        (Recognised("The parties agree", 2, 0, 0.97), False),
    ],
)
def test_scripts_that_are_not_read_are_named_where_little_was_read(found: Recognised, told: bool) -> None:
    assert (HINT in unread_scripts(found)) is told
    assert (HINT in recognised_text(found)) is told
    assert HINT not in recognised_text(found, scripts=False)
