"""Pace: how much of the configured rate a host gets, from what it lets us hear of itself.

Additive increase, multiplicative decrease, as TCP does it: a complaint halves the host's share of the rate, each good
answer gives a little back, and the share is never more than the whole, so nothing here makes a crawl faster than it was
configured. A host that is silent, or says that it has enough, rests for longer and longer; after PATIENCE such visits
it is asked one question at a time, and after GIVE_UP more it counts as dead.

A complaint about a request that left before the last one was heard says nothing new. Values and pure functions: no
clock, no queue and no host name may enter here.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from math import inf

import msgspec
from msgspec.structs import replace

__all__ = ["FRESH", "WELL", "Heard", "Pace", "Pacing", "Sign", "sign_of"]

PATIENCE = 3  # visits in a row that met nobody, or somebody who has enough, until the host is only probed
GIVE_UP = 10  # probes in a row after that, until it counts as dead: seven minutes with the usual rests of up to 60 s
LEAST_SHARE = 1 / 8  # of the configured rate; who wants less says so (Retry-After, Crawl-delay) or does not answer
MILD_SHARE = 1 / 4  # the least for a host that is slow, or fails at single pages, and does not complain itself
RECOVERY = 1 / 16  # of the configured rate, given back with each good answer
SLOW = 1.0  # seconds; an answer that is quicker is no sign of distress
QUICK = 0.05  # seconds; what is remembered of answers that were quicker than SLOW
RISE = 2.0  # times its usual latency make a host slow
SMOOTHING = 1 / 4  # weight of the newest latency
DRIFT = 1 / 16  # how fast what is slow becomes usual: other pages of the site may simply be heavier
REST_JITTER = 0.2  # share of a rest that is added at random, so that many hosts do not come back together
MAX_DOUBLINGS = 64  # 2.0 ** 1024 would overflow


class Sign(Enum):
    """What a visit says about its host."""

    FINE = "fine"  # an answer, whatever it is: the host is well
    FAULT = "fault"  # this page is too much for it
    BUSY = "busy"  # it says itself that it has enough
    DOWN = "down"  # nobody is there, or only a gateway that says so


class Heard(msgspec.Struct, frozen=True, gc=False):
    """What was heard of a host when a request ended. Times are clock seconds."""

    sign: Sign
    started: float
    latency: float


# Error codes (errors.py) and statuses. 500 is the application's fault at one page; 502, 504 and Cloudflare's 520 to 526
# are a gateway's words for a site that does not answer; 429 and 503 are said for the whole host (RFC 6585, RFC 9110).
_SILENCE = frozenset({"connection", "connect_timeout", "dns", "malformed", "proxy", "timeout", "tls"})
_STATUSES: dict[int, Sign] = {429: Sign.BUSY, 503: Sign.BUSY} | dict.fromkeys((502, 504, *range(520, 527)), Sign.DOWN)


def sign_of(status: int, reason: str = "") -> Sign:
    """Return what an answer with `status`, or an error with the code `reason`, says about the host."""
    if reason:
        return Sign.DOWN if reason in _SILENCE else Sign.FAULT if reason == "truncated" else Sign.FINE
    if status < 429:
        return Sign.FINE
    return _STATUSES.get(status, Sign.FAULT if status >= 500 else Sign.FINE)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How one host is doing."""

    share: float = 1.0  # of the configured rate
    streak: int = 0  # visits in a row that met nobody, or somebody who has enough
    latency: float = 0.0  # seconds, smoothed; 0: nothing heard yet
    usual: float = 0.0  # seconds
    eased_at: float = -inf  # clock seconds at which the share was last halved
    rested_at: float = -inf  # and at which the last rest began

    @property
    def probing(self) -> bool:
        """Tell whether the host is asked one question at a time, after ever longer rests."""
        return self.streak >= PATIENCE

    @property
    def dead(self) -> bool:
        """Tell whether there is no more hope for this run."""
        return self.streak >= PATIENCE + GIVE_UP

    def slots(self, limit: int) -> int:
        """Return how many requests at once the host may have, of the `limit` that is configured."""
        return 1 if self.probing else max(1, int(limit * self.share))

    def gap(self, gap: float, limit: int) -> float:
        """Return the seconds between two requests, where `gap` is configured: their rate is `share` of what it was."""
        return gap if self.share == 1.0 else gap / self.share + self.latency / limit * (1 / self.share - 1)


# One value for all hosts of which nothing was heard, and one for all that are well: they cost no memory.
FRESH = Pace()
WELL = Pace(latency=QUICK, usual=SLOW / RISE)


class Pacing(msgspec.Struct, frozen=True, kw_only=True):
    """How patient this crawl is with hosts in trouble."""

    backoff: float  # seconds of the first rest; doubled with each further one
    max_backoff: float  # seconds
    random: Callable[[], float]  # evenly spread over [0, 1)

    def hear(self, pace: Pace, heard: Heard, now: float) -> Pace:
        """Return the pace of a host of which something was heard; `now` in clock seconds."""
        if heard.sign is Sign.FINE:
            if heard.latency <= SLOW and (pace is WELL or pace is FRESH):  # as nearly all are
                return WELL
            return _after_answer(pace, heard, now)
        least = MILD_SHARE if heard.sign is Sign.FAULT else LEAST_SHARE
        eased = pace if heard.started <= pace.eased_at else _eased(pace, least, now)
        if heard.sign is Sign.FAULT or heard.started <= pace.rested_at:
            return eased
        rests = heard.sign is Sign.BUSY or pace.streak + 1 >= PATIENCE
        return replace(eased, streak=pace.streak + 1, rested_at=now if rests else pace.rested_at)

    def rest(self, pace: Pace) -> float:
        """Return the seconds that a host rests whose `rested_at` is now; jitter only adds."""
        rest = min(self.max_backoff, self.backoff * 2.0 ** min(pace.streak - 1, MAX_DOUBLINGS))
        return rest + rest * REST_JITTER * self.random()


def _after_answer(pace: Pace, heard: Heard, now: float) -> Pace:
    """The host is alive. It may be slow."""
    latency = pace.latency + SMOOTHING * (heard.latency - pace.latency) if pace.latency else heard.latency
    usual = min(latency, pace.usual + DRIFT * (latency - pace.usual)) if pace.usual else latency
    slow = latency > max(SLOW, RISE * usual)
    if slow and heard.started > pace.eased_at:
        pace = _eased(pace, MILD_SHARE, now)
    share = pace.share if slow else min(1.0, pace.share + RECOVERY)
    if share == 1.0 and latency <= SLOW:
        return WELL
    return replace(pace, share=share, streak=0, latency=latency, usual=usual)


def _eased(pace: Pace, least: float, now: float) -> Pace:
    return replace(pace, share=min(pace.share, max(least, pace.share / 2)), eased_at=now)
