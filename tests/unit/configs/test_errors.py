"""The drawing at the top of configs/errors.py is the tree below it."""

from __future__ import annotations

import inspect
import re

from configs import errors


def test_the_docstring_draws_the_classes_that_exist() -> None:
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^(?P<indent>[│├└─ ]*)(?P<name>\w+Error)\b", line)
        if match:
            depth = len(match["indent"]) // 4
            path[depth:] = [match["name"]]
            drawn[match["name"]] = path[depth - 1] if depth else "RuntimeError"
    classes = dict(inspect.getmembers(errors, inspect.isclass))
    assert drawn == {name: cls.__mro__[1].__name__ for name, cls in classes.items()}
    assert len(drawn) > 10


def test_each_class_says_when_it_is_raised() -> None:
    for name, cls in inspect.getmembers(errors, inspect.isclass):
        assert cls.__doc__ and cls.__doc__ != cls.__mro__[1].__doc__, name
