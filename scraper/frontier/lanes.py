"""Queued requests as numbers: one array of links for all lanes of all queues, 4 bytes a request.

A lane is only a priority, its first and its last id; what stands between is found by following the array. First in,
first out within a priority. Whose turn it is must not enter.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence

from scraper.frontier.hosts import HostQueue, Lane

__all__ = ["Lanes"]


class Lanes:
    """The order of all requests that wait."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = array("I", [0])  # position: request id; value: the id behind it, 0 at the end

    def put(self, request: int, queue: HostQueue, priority: int, *, front: bool = False) -> None:
        """Put `request`, one that was there before or the next one, at the end, or at the front, of its lane."""
        if request == len(self._next):
            self._next.append(0)
        queue.length += 1
        if queue.length == 1 or priority > queue.priority:
            if queue.length > 1:
                queue.lower = queue.lower or []
                queue.lower.insert(0, [queue.priority, queue.first, queue.last])
            queue.priority, queue.first, queue.last = priority, request, request
        elif priority < queue.priority:
            self._put_below(request, queue, priority, front=front)
        elif front:
            self._next[request] = queue.first
            queue.first = request
        else:
            self._next[queue.last] = request
            queue.last = request

    def _put_below(self, request: int, queue: HostQueue, priority: int, *, front: bool) -> None:
        if queue.lower is None:
            queue.lower = []
        lane = _lane_of(queue.lower, priority)
        if not lane[1]:
            lane[1] = lane[2] = request
        elif front:
            self._next[request] = lane[1]
            lane[1] = request
        else:
            self._next[lane[2]] = request
            lane[2] = request

    def take(self, queue: HostQueue) -> tuple[int, int]:
        """Take the first request of the first lane; return it and its priority."""
        request, priority = queue.first, queue.priority
        if request != queue.last:
            queue.first = self._next[request]
        elif queue.lower:
            queue.priority, queue.first, queue.last = queue.lower.pop(0)
        queue.length -= 1
        return request, priority

    def ahead(self, queue: HostQueue, count: int) -> list[int]:
        """Return the next ids of the queue's first lane, at most `count`, without taking them."""
        request, last = queue.first, queue.last
        found: list[int] = []
        while queue.length and len(found) < count:
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
        self._next.frombytes(bytes((last + 1 - len(self._next)) * self._next.itemsize))
        following, lengths = self._next, [0] * len(queues)
        by_priority = dict[int, dict[int, Lane]]()
        lanes, latest = by_priority.setdefault(0, {}), 0
        for request, place, priority in requests:
            if priority != latest:
                lanes, latest = by_priority.setdefault(priority, {}), priority
            lane = lanes.get(place)
            if lane is None:
                lane = lanes[place] = [priority, request, request]
            else:
                following[lane[2]] = request
            lane[2] = request
            lengths[place] += 1
        for priority in sorted(by_priority, reverse=True):
            for place, lane in by_priority[priority].items():
                queue = queues[place]
                if not queue.length:
                    queue.priority, queue.first, queue.last = lane
                    queue.length = lengths[place]
                elif queue.lower is None:
                    queue.lower = [lane]
                else:
                    queue.lower.append(lane)
        yield from (queue for queue in queues if queue.length)

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
