"""What a deep link can be refused for.

LinkRefused
├─ OriginUnsafe       the app's origin is not https (nor this very machine)
├─ LinkForeign        a link to somewhere else
└─ LinkMalformed      a link to the app whose shape is wrong
"""


class LinkRefused(ValueError):
    """Base of everything this package raises on purpose."""


class OriginUnsafe(LinkRefused):
    """The app's origin is not https, nor on this very machine."""


class LinkForeign(LinkRefused):
    """The link does not lead to the citizen app."""


class LinkMalformed(LinkRefused):
    """The link leads to the app, but its shape is wrong."""
