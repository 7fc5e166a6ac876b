"""How long many actions take on many workers, by what one of them costs; pure, as nobody has a hundred machines."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured of a cluster.

    Seconds before the first order, seconds that the client computes for an action, and those that Dask's scheduler
    does; bytes that come home for an action, and how many the link carries in a second; seconds to a worker.
    """

    plan: float
    client: float
    scheduler: float
    size: float
    rate: float
    delay: float

    def alone(self, durations: Sequence[float], workers: int) -> dict[str, float]:
        """Seconds that each part would take if all others cost nothing: the largest is what limits the run."""
        count = len(durations)
        return {
            "work": max(sum(durations) / workers, *durations),
            "client": self.plan + count * self.client,
            "scheduler": count * self.scheduler,
            "link": count * self.size / self.rate,
        }


def makespan(durations: Sequence[float], workers: int, costs: Costs, ahead: int = 1) -> float:
    """Seconds until everything is home: `ahead` orders wait at each worker, and all are handed out in this order.

    Client, scheduler and link do one thing at a time.
    """
    rooms = [(0.0, turn, worker) for turn in range(1 + ahead) for worker in range(workers)]
    free, client, scheduler = [0.0] * workers, costs.plan, 0.0
    answers = []
    for duration in durations:
        room, _, worker = heapq.heappop(rooms)
        client = max(client, room) + costs.client
        scheduler = max(scheduler, client) + costs.scheduler
        free[worker] = max(free[worker], scheduler + costs.delay) + duration
        answers.append(free[worker] + costs.delay)
        heapq.heappush(rooms, (answers[-1], 0, worker))
    link = 0.0
    for answer in sorted(answers):
        link = max(link, answer + 2 * costs.delay) + costs.size / costs.rate  # it is asked for, and comes
    return link


def drawn(count: int, mean: float) -> list[float]:
    """So many durations, in seconds, log-normal as those of compilations are, and always the same."""
    chance = random.Random(9)
    spread = 0.6
    return [mean * chance.lognormvariate(-(spread**2) / 2, spread) for _ in range(count)]
