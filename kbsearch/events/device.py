"""What kind of device a browser says it is: four classes, so that reports can be split and bots left out.

Nothing finer is kept: a full user agent, with an address, would nearly name a person.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Cubot makes phones.
_BOT = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|scrap|preview|headless|lighthouse|monitor|pingdom|uptime|facebookexternalhit",
    re.IGNORECASE,
)
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook|android(?!.*\bmobile\b)", re.IGNORECASE)
_MOBILE = re.compile(r"mobi|iphone|ipod|android|windows phone|opera mini", re.IGNORECASE)
_DESKTOP = re.compile(r"windows nt|macintosh|x11|cros|linux x86_64", re.IGNORECASE)


@lru_cache(maxsize=1024)
def device_of(agent: str) -> str:
    """Return one of `schema.DEVICES`; "" for a program that is neither a browser nor says that it is a bot.

    >>> device_of("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148")
    'mobile'
    """
    for name, pattern in (("bot", _BOT), ("tablet", _TABLET), ("mobile", _MOBILE), ("desktop", _DESKTOP)):
        if pattern.search(agent[:500]):
            return name
    return ""
