"""A lane of the sampler: a thread, and the probes that it reads.

NVML's calls release the interpreter lock, so one that hangs holds up its own lane and no
other; the process can leave without it. Probes that are read together wake up together: to
wake, and to find the interpreter's code in a cold cache, takes longer than most readings.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from time import monotonic_ns as clock
from typing import Literal

from mlbench.engine.sampler_post import Post

__all__ = ["Lane"]


class Lane:
    """A thread that opens its posts, serves them at their deadlines, and closes them."""

    def __init__(self, posts: Sequence[Post]) -> None:
        self._posts = posts
        self._words: SimpleQueue[Literal["mark", "leave"]] = SimpleQueue()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def start(self) -> None:
        """Open the probes and read them until told to leave, first as soon as all are open."""
        self._posts[0].since_ns = clock()
        self._thread.start()

    def leave(self) -> None:
        """Have it close its probes."""
        self._words.put("leave")

    def mark(self) -> None:
        """Have it read what is read at the ends of a load; then each post is `marked`."""
        asked = [post for post in self._posts if post.status == "open" and post.reads("ends")]
        for post in self._posts:
            post.marked.set()
        for post in asked:
            post.marked.clear()
        if asked:
            self._words.put("mark")

    def join(self, seconds: float) -> None:
        """Wait for its end; one that does not come back is left behind, and noted."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            for post in self._posts:
                if not post.is_settled:
                    post.hangs(post.since_ns, "it was not open when the run ended")
                elif post.status == "open":
                    post.hangs(post.since_ns, "it had not come back when the run ended")

    # -- in its thread -------------------------------------------------------------------

    def _live(self) -> None:
        for post in self._posts:
            post.open()
        origin_ns = clock()
        for post in self._posts:
            post.begin(origin_ns)
        while (word := self._word()) != "leave":
            woke_ns = clock()
            for post in self._posts:
                deadline_ns = post.schedule.next_ns
                is_due = deadline_ns is not None and deadline_ns <= woke_ns
                is_marked = word == "mark" and post.reads("ends")
                if post.is_read and (is_due or is_marked):
                    post.turn(woke_ns, is_marked)
        for post in self._posts:
            post.close()

    def _word(self) -> Literal["mark", "leave"] | None:
        """What it is told before the next deadline; null where that has come."""
        deadlines = [post.schedule.next_ns for post in self._posts if post.is_read]
        known = [deadline for deadline in deadlines if deadline is not None]
        wait_s = max(0.0, (min(known) - clock()) / 1e9) if known else None
        try:
            return self._words.get(timeout=wait_s)
        except Empty:
            return None
