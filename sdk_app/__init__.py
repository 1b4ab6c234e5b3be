"""Links between partner apps, login pages and the citizen app.

link = parse_link(text, app_origin="https://app.example")
match link:
    case QrLink(): ...
"""

from sdk_app.deep_links import (
    AppToAppLink,
    Link,
    QrLink,
    SameDeviceLink,
    build_link,
    parse_link,
)
from sdk_app.errors import LinkForeign, LinkMalformed, LinkRefused, OriginUnsafe

__all__ = [
    "AppToAppLink",
    "Link",
    "LinkForeign",
    "LinkMalformed",
    "LinkRefused",
    "OriginUnsafe",
    "QrLink",
    "SameDeviceLink",
    "build_link",
    "parse_link",
]
