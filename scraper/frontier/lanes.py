"""Queued requests as numbers: one array of links for all lanes of all queues, 4 bytes a request.

A lane is only [priority, first id, last id]; what stands between is found by following the array. First in, first out
within a priority. Whose turn it is must not enter.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence

from scraper.frontier.hosts import HostQueue

__all__ = ["Lanes"]

Lane = list[int]  # [priority, first id, last id]


class Lanes:
    """The order of all requests that wait."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = array("I", [0])  # position: request id; value: the id behind it, 0 at the end

    def extend(self, request: int) -> None:
        """Make room for ids up to `request`."""
        missing = request + 1 - len(self._next)
        if missing == 1:
            self._next.append(0)
        elif missing > 1:
            self._next.frombytes(bytes(missing * self._next.itemsize))

    def put(self, request: int, queue: HostQueue, priority: int, *, front: bool = False) -> None:
        """Put `request` at the end, or at the front, of its lane."""
        lane = _lane_of(queue.lanes, priority)
        self._next[request] = lane[1] if front else 0
        if not lane[1]:
            lane[1] = lane[2] = request
        elif front:
            lane[1] = request
        else:
            self._next[lane[2]] = request
            lane[2] = request
        queue.length += 1

    def take(self, queue: HostQueue) -> tuple[int, int]:
        """Take the first request of the first lane; return it and its priority."""
        lane = queue.lanes[0]
        priority, request, last = lane
        if request == last:
            del queue.lanes[0]
        else:
            lane[1] = self._next[request]
        queue.length -= 1
        return request, priority

    def ahead(self, queue: HostQueue, count: int) -> list[int]:
        """Return the next ids of the queue's first lane, at most `count`, without taking them."""
        if not queue.lanes:
            return []
        _, request, last = queue.lanes[0]
        found: list[int] = []
        while len(found) < count:
            found.append(request)
            if request == last:
                break
            request = self._next[request]
        return found

    def refill(
        self, last: int, requests: Iterable[tuple[int, int, int]], queues: Sequence[HostQueue]
    ) -> Iterator[HostQueue]:
        """Put (id, number of the queue, priority) of ids up to `last` into empty queues; yield those that got some.

        The same as `put` for each, at a quarter of the price: this is what going on waits for.
        """
        self.extend(last)
        following, lengths = self._next, [0] * len(queues)
        by_priority = dict[int, dict[int, Lane]]()
        lanes, latest = by_priority.setdefault(0, {}), 0
        for request, place, priority in requests:
            if priority != latest:
                lanes, latest = by_priority.setdefault(priority, {}), priority
            lane = lanes.get(place)
            if lane is None:
                lane = lanes[place] = _lane_of(queues[place].lanes, priority)
                lane[1] = request
            else:
                following[lane[2]] = request
            lane[2] = request
            lengths[place] += 1
        for queue, length in zip(queues, lengths, strict=True):
            if length:
                queue.length = length
                yield queue

    def __repr__(self) -> str:
        return f"<Lanes {len(self._next) - 1} requests>"


def _lane_of(lanes: list[Lane], priority: int) -> Lane:
    """Return the lane of `priority`, made at its place when there is none. Priorities are few; a scan is short."""
    for place, lane in enumerate(lanes):
        if lane[0] == priority:
            return lane
        if lane[0] < priority:
            lanes.insert(place, [priority, 0, 0])
            return lanes[place]
    lanes.append([priority, 0, 0])
    return lanes[-1]
