"""Characters that are not seen or that turn directions: they can make a text look like another. Pure."""

from __future__ import annotations

import regex

# Line breaks, tabs, joiners and the two selectors of emoji may stay; the blank Braille pattern is no letter.
_UNSEEN = regex.compile(
    r"[[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}\u2800]--[\n\t\u200c\u200d\ufe0e\ufe0f]]", regex.VERSION1
)


def clean(text: str) -> str:
    """Without characters that are not seen or that turn the direction of what is seen."""
    return _UNSEEN.sub("", text)
