"""Text that others wrote, made inert where it is shown: on a terminal, in a spreadsheet."""

import re

_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Characters that turn the direction of what follows (Unicode Standard Annex 9)."""
_TERMINAL = (
    {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"}
    | {127: "\u2421"}
    | dict.fromkeys((*range(128, 160), *_BIDI, *range(0xD800, 0xE000)), "\ufffd")
)
"""Control characters become their pictures; so do halves of surrogate pairs, which no stream can
encode and which stand for the bytes of file names that are no text."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE)


def for_terminal(text: str) -> str:
    """Return a text in which no character moves the cursor, sets colours or reverses lines."""
    return text.translate(_TERMINAL)


def for_csv(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    What begins like one and is no number gets an apostrophe before it, which spreadsheets do not
    show (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
