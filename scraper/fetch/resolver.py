"""Host names to addresses, for the HTTP client's connector.

Look-ups block in libc, so they run in threads of their own: in the loop's default executor a few slow names would hold
up every file write. `connect_to` sends a name to a fixed place instead, as `curl --connect-to` does: the URL, the Host
header and the TLS name stay those of the site.

What was found is known for some minutes, and a name that could not be looked up is not asked for again for a while: a
site that is gone may have a thousand URLs. Whoever asks for a name at the same time waits for the same look-up, which
goes on when one of them leaves. IP literals never come to the resolver.
"""

from __future__ import annotations

import asyncio
import errno
import math
import socket
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from scraper.clock import Clock
from scraper.fetch.sending import current_sending

__all__ = ["LookUp", "RefusedAddressError", "Resolver", "guarded_sockets", "look_up", "parse_target", "why_no_address"]

LookUp = Callable[[str, int, int], list[tuple[str, int]]]
_Place = tuple[str, int]  # a name and a port
_Found = list[ResolveResult]

ADDRESS_LIFE = 300.0  # seconds that addresses are known
MAX_ADDRESSES = 10_000  # names with their ports; about a kilobyte each
FAILURE_LIFE = 30.0  # seconds that a name without address is not looked up again
TEMPORARY_FAILURE_LIFE = 5.0  # seconds; the same for one whose name servers did not answer
MAX_FAILURES = 10_000  # names
_NO_ADDRESS = getattr(socket, "EAI_NODATA", socket.EAI_NONAME)  # not every system knows it
_WITHOUT_ADDRESS = (_NO_ADDRESS, getattr(socket, "EAI_ADDRFAMILY", _NO_ADDRESS), socket.EAI_FAMILY)
_NEVER = (-math.inf, 0, "")
DNS_THREADS = 16  # look-ups at a time; a slow one holds its thread for libc's own 5 to 30 s


class RefusedAddressError(PermissionError):
    """An address that may not be connected to."""

    why = ""


def guarded_sockets(refuses: Callable[[str, str], str]) -> Callable[[AddrInfoType], socket.socket]:
    """Return what makes the connector's sockets: only where `refuses`, given host and address, has nothing to say.

    It is asked for each address that is tried, IP literals too, after the look-up and before the first packet; so a
    name cannot show one address to the check and another to the connection.
    """

    def make(target: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = target
        sending = current_sending.get()
        # A proxy's own address was written by the user, and the proxy connects to the host.
        if not sending.proxied and (why := refuses(sending.host, str(address[0]))):
            # The same words for every address, or the connector would merge several refusals into one plain OSError.
            refusal = RefusedAddressError(errno.EACCES, "the address is not allowed")
            refusal.why = why
            raise refusal
        return socket.socket(family, kind, protocol)

    return make


def parse_target(target: str) -> tuple[str, int]:
    """Split `address:port` (IPv6 in brackets); raise ValueError, naming the cure, for anything else."""
    host, _, port = target.rpartition(":")
    try:
        address = str(ip_address(host.removeprefix("[").removesuffix("]")))
        number = int(port)
    except ValueError:
        number, address = 0, ""
    if not 0 < number < 1 << 16:
        raise ValueError(f"connect_to: {target!r} is not address:port; write 127.0.0.1:8080 or [::1]:8080")
    return address, number


def look_up(host: str, port: int, family: int) -> list[tuple[str, int]]:
    """Return the addresses of `host` as the system knows them, each with `port`; raise gaierror. Blocks."""
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
    except UnicodeError as error:  # a label that is empty or longer than the 63 bytes of RFC 1035
        raise socket.gaierror(socket.EAI_NONAME, "a label of the name is empty or too long") from error
    return [(str(address[0]), int(address[1])) for _, _, _, _, address in found]


class Resolver(AbstractResolver):
    """Ask the system's resolver in own threads, at most `timeout` seconds a name; serve `connect_to` from memory."""

    def __init__(
        self, *, timeout: float, connect_to: Mapping[str, str], clock: Clock, look_up: LookUp = look_up
    ) -> None:
        self._timeout = timeout
        self._fixed = {name.lower(): parse_target(target) for name, target in connect_to.items()}
        self._threads = ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="dns")
        self._clock = clock
        self._look_up = look_up
        self._failed: OrderedDict[str, tuple[float, int, str]] = OrderedDict()  # name -> until when, code, words
        self._found: OrderedDict[_Place, tuple[float, _Found]] = OrderedDict()  # -> until when, whose turn is next
        self._asked: dict[_Place, asyncio.Future[_Found]] = {}  # look-ups under way

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> _Found:
        """Return the addresses of `host`, another one first each time; raise gaierror when it has none."""
        fixed = self._fixed.get(host.lower())
        if fixed is not None:
            return [_result(host, *fixed)]
        found = self._recall((host, port))
        if found is None:
            asked = self._asked.get((host, port)) or self._ask((host, port), family)
            found = await asyncio.shield(asked)
        addresses = found.copy()
        found.append(found.pop(0))
        return addresses

    def _recall(self, place: _Place) -> _Found | None:
        """Return what is known of `place`, None when it has to be looked up; raise what the last look-up met."""
        now = self._clock.now()
        until, found = self._found.get(place, (-math.inf, None))
        if now < until:
            self._found.move_to_end(place)
            return found
        until, code, words = self._failed.get(place[0], _NEVER)
        if now < until:
            raise socket.gaierror(code, words)
        return None

    def _ask(self, place: _Place, family: socket.AddressFamily) -> asyncio.Future[_Found]:
        """Begin a look-up; without a task, which costs as much as all else that is done here for a name."""
        loop = asyncio.get_running_loop()
        # First, since it raises where no thread can be started: nobody may be left to wait for what never began.
        answer = loop.run_in_executor(self._threads, self._look_up, *place, family)
        asked = self._asked[place] = loop.create_future()
        late = None if math.isinf(self._timeout) else loop.call_later(self._timeout, answer.cancel)
        answer.add_done_callback(partial(self._take, place, asked, late))
        return asked

    def _take(
        self,
        place: _Place,
        asked: asyncio.Future[_Found],
        late: asyncio.TimerHandle | None,
        answer: asyncio.Future[list[tuple[str, int]]],
    ) -> None:
        """Remember the answer of a look-up, and hand it to those who wait for it."""
        if late is not None:
            late.cancel()
        error = self._fault(answer)
        if asked.cancelled():  # the resolver is closed
            return
        del self._asked[place]
        if error is None:
            asked.set_result(self._keep(place, answer.result()))
            return
        if isinstance(error, socket.gaierror):
            self._remember(place[0], error)
        asked.set_exception(error)
        asked.exception()  # or asyncio complains when those who waited have left

    def _fault(self, answer: asyncio.Future[list[tuple[str, int]]]) -> BaseException | None:
        """Return why a look-up that is over brought no address."""
        if answer.cancelled():
            return socket.gaierror(socket.EAI_AGAIN, f"no answer within {self._timeout:g} s")
        error = answer.exception()
        if error is None and not answer.result():
            return socket.gaierror(_NO_ADDRESS, "no address")
        return error

    def _keep(self, place: _Place, addresses: list[tuple[str, int]]) -> _Found:
        found = [_result(place[0], *address) for address in addresses]
        self._found[place] = self._clock.now() + ADDRESS_LIFE, found
        self._found.move_to_end(place)
        if len(self._found) > MAX_ADDRESSES:
            self._found.popitem(last=False)
        return found

    def _remember(self, host: str, error: socket.gaierror) -> None:
        code = error.errno or 0
        life = TEMPORARY_FAILURE_LIFE if code == socket.EAI_AGAIN else FAILURE_LIFE
        self._failed[host] = self._clock.now() + life, code, error.strerror or ""
        self._failed.move_to_end(host)
        if len(self._failed) > MAX_FAILURES:
            self._failed.popitem(last=False)

    async def close(self) -> None:
        """Let go of the threads; a look-up that libc is still waiting for ends on its own."""
        for asked in self._asked.values():
            asked.cancel()
        self._asked.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)


def why_no_address(error: socket.gaierror) -> str:
    """Return what kind of failure a look-up had."""
    match error.errno:
        case socket.EAI_NONAME:
            return "there is no such name"
        case socket.EAI_AGAIN:
            return "the name servers did not answer; this may pass"
        case socket.EAI_FAIL:
            return "the name servers failed"
        case code if code in _WITHOUT_ADDRESS:
            return "the name has no address"
    return "the look-up failed"


def _result(name: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=name, host=address, port=port, family=family, proto=0, flags=flags)
