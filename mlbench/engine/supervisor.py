"""The supervisor: takes a run through its phases and accounts for every process of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from time import monotonic_ns as clock
from typing import Any

from mlbench.engine.arena import Arena
from mlbench.engine.children import Child, Tenant, how_it_ended
from mlbench.engine.guardian import end_all
from mlbench.engine.harness import Harness
from mlbench.engine.log import Log
from mlbench.engine.manifest import Manifest
from mlbench.engine.order import Order
from mlbench.engine.page import Command, Slot
from mlbench.engine.plan import Plan
from mlbench.engine.process import MARKER, children, marked, reap_orphans
from mlbench.engine.rings import RunRings
from mlbench.engine.start import seated, start_worker
from mlbench.engine.telemetry import Telemetry
from mlbench.engine.watcher import Watcher
from mlbench.engine.wire import Mail, mail
from mlbench.errors import MlbenchError
from mlbench.imports import without_plugins
from mlbench.spec import DEFAULT_STOP, Request
from mlbench.store.layout import LOG, REQUEST, STOP, read_json

__all__ = ["Supervisor"]

LEAD_NS = 10_000_000
"""From the supervisor's word to the barrier's instant: all processes are waiting by then."""

LAST_WORDS_NS = 1_000_000_000
"""What a worker gets to write where its threads were, before it is killed."""

MARK_S = 1.0
"""What the sampler gets to read what is read at the ends of a load."""

LEAVE_S = 1.0
"""What the sampler gets to close its probes; a driver that hangs is not waited for."""

EVENTS_AT_ONCE = 100
"""Names of events that are written as they come; who has more sees the others at the end."""


class Supervisor:
    """One run, from fork to the last word in ``run.json``."""

    def __init__(
        self,
        order: Order,
        arena: Arena,
        recorder: tuple[int, int, int],
        guardian: int,
    ) -> None:
        self._run = run = order.run
        self._log = Log(run / LOG)
        self._local_code = order.local_code
        with without_plugins(Request):
            self._request = Request.model_validate(read_json(run / REQUEST))
        self._bench = self._request.bench
        self._timeouts = self._bench.timeouts
        self._hang_ns = round((self._timeouts.query + self._timeouts.grace) * 1e9)
        self._plan = Plan.of(self._request)
        cpus = self._plan.harness
        self._harness = Harness(run / "engine.log", recorder, guardian, cpus)
        self._rings = RunRings(arena, len(self._request.names))
        self._tenants = seated(run, self._plan, self._rings)
        self._harness.assign_recorder(run, self._tenants.values())
        self._around = ExitStack()
        self._stopping = self._failed = False
        self._watcher = Watcher(run, self._heard, self._died, self._stop)
        entries = {name: self._plan.entry(tenant) for name, tenant in self._tenants.items()}
        self._manifest = Manifest(run, entries, cpus)
        self._telemetry = Telemetry(self._bench.telemetry, self._manifest.data)

    # -- the phases ----------------------------------------------------------------------

    def run(self) -> int:
        """Take the run through its phases; returns the exit status of the engine."""
        self._watcher.add(self._harness.recorder)
        if (self._run / STOP).exists():
            self._stop("asked to stop")
        with self._around:
            self._start_children()
            self._manifest.describe(self._request)
            for phase in (self._setup, self._warm_up, self._load, self._drain):
                if self._stopping or self._failed:
                    break
                phase()
            status = self._close()
        self._log.write("ended", status=status, reasons=self._manifest.data["reasons"])
        return 1 if status == "failed" else 0

    def _start_children(self) -> None:
        try:
            variables = self._plan.surrounded(self._around)
        except MlbenchError as error:  # a device refuses what its placement asks for
            self._manifest.because(str(error))
            self._failed = True
            return
        for tenant in self._tenants.values():
            start_worker(tenant, self._plan, variables.get(tenant.name, {}), self._local_code)
            self._started(tenant)
        lanes = [self._plan.lane(t) for t in self._tenants.values() if t.open_load]
        if lanes:
            self._started(
                self._harness.start_driver(lanes, self._rings.dispatch, self._plan.is_apart)
            )
        if self._telemetry.is_wanted:
            brief = self._plan.brief(self._tenants.values())
            self._started(self._harness.start_sampler(brief, self._rings.samples))

    def _started(self, child: Child) -> None:
        self._watcher.add(child)
        self._log.write("started", process=child.name, pid=child.pid)

    def _setup(self) -> None:
        """Wait until every pipeline is open; one that cannot be ends the run before any load."""
        self._until(lambda: self._all_said("ready"), self._timeouts.setup, "setup")
        for tenant in self._tenants.values():
            if ready := tenant.said.get("ready"):
                self._entry_of(tenant)["routes"] = ready["routes"]

    def _warm_up(self) -> None:
        self._manifest.enter("warm-up")
        for tenant in self._tenants.values():
            tenant.wish(Mail.WARM)
        passes = {t.name: t.said["ready"]["queries_per_pass"] for t in self._tenants.values()}
        self._harness.tell_driver(kind="prepare", queries_per_pass=passes)
        self._until(self._all_warm, self._timeouts.setup, "warm-up")
        recorder = self._harness.recorder  # who imports gently may be the last
        self._until(lambda: "ready" in recorder.said, self._timeouts.setup, None)
        self._look_at_idle()

    def _all_warm(self) -> bool:
        driver = self._harness.driver
        prepared = driver is None or "prepared" in driver.said
        return prepared and self._all_said("warm")

    def _look_at_idle(self) -> None:
        """Let the sampler see the machine while all is ready and nothing runs."""
        harness, limit_s = self._harness, self._timeouts.probe
        self._until(lambda: harness.is_sampling, limit_s + MARK_S, None)
        if not harness.is_sampling:
            self._telemetry.late(limit_s)
        elif harness.sampler is not None and harness.sampler.alive:
            harness.tell_sampler(kind="mark")
            said = harness.sampler.said
            self._until(lambda: "marked" in said, MARK_S, None)
        idle_s = self._telemetry.idle_s(harness.sampler)
        if idle_s and self._tenants:
            begin_ns = clock()
            self._until(lambda: False, idle_s, None)
            self._telemetry.was_idle(begin_ns, clock())

    def _load(self) -> None:
        """Give the barrier, and wait until every load has ended."""
        self._manifest.enter("load")
        barrier_ns = clock() + LEAD_NS
        self._manifest.data["barrier_ns"] = barrier_ns
        window_end_ns = self._note_window(barrier_ns)
        for tenant in self._tenants.values():
            tenant.state = "running"
            self._entry_of(tenant)["load"]["begin_ns"] = barrier_ns
        self._start_loads(barrier_ns)
        self._save_pipelines()
        self._until(self._loads_over, self._load_limit(window_end_ns), None)
        self._harness.tell_sampler(kind="mark")
        self._end_loads(self._tenants.values())

    def _start_loads(self, barrier_ns: int) -> None:
        for tenant in self._tenants.values():
            tenant.wish(Mail.START, barrier_ns)
        self._harness.tell_driver(kind="start", barrier_ns=barrier_ns)

    def _note_window(self, barrier_ns: int) -> int | None:
        if self._request.window is None:
            return None
        begin_ns, end_ns = self._request.window.bounds_ns(barrier_ns)
        self._manifest.data["window"] = {"begin_ns": begin_ns, "end_ns": end_ns}
        return end_ns

    def _load_limit(self, window_end_ns: int | None) -> float | None:
        """Seconds after which the load ends, whatever the pipelines say; null for no limit."""
        if window_end_ns is not None:
            drain = self._timeouts.drain if self._tenants else 0
            return (window_end_ns - clock()) / 1e9 + drain
        if not self._tenants:
            stop = self._bench.stop or DEFAULT_STOP
            return stop.seconds or stop.max_seconds or stop.min_seconds or DEFAULT_STOP.seconds
        return None

    def _loads_over(self) -> bool:
        """Whether no load has to go on: all windows have passed, or all stop rules ended theirs."""
        if not self._tenants:
            return False
        tenants = [t for t in self._tenants.values() if not t.over]
        if self._request.window is not None:
            return all("passed" in tenant.said for tenant in tenants)
        return all(t.background or t.load_end_ns is not None for t in tenants)

    def _drain(self) -> None:
        """Wait for the queries that are still on their way, each pipeline up to its limit."""
        self._manifest.enter("drain")
        self._until(lambda: all(t.over for t in self._tenants.values()), None, None)

    def _end_loads(self, tenants: Iterable[Tenant]) -> None:
        """No further query of these pipelines; what is on its way may end until the limit."""
        at_once = self._stopping or self._request.window is not None
        for tenant in tenants:
            if tenant.over:
                continue
            tenant.desk.page.cells[Slot.COMMAND] = Command.STOP
            if tenant.open_load and tenant.load_end_ns is None:
                self._end_open_load(tenant)
            if at_once:
                self._cancel(tenant)
            elif tenant.deadline_ns is None and not self._plan.drains_for_ever(tenant.name):
                tenant.deadline_ns = clock() + round(self._timeouts.drain * 1e9)

    def _end_open_load(self, tenant: Tenant) -> None:
        if self._harness.drives:
            self._harness.tell_driver(kind="end", pipeline=tenant.name)
            return
        with suppress(BrokenPipeError, BlockingIOError):
            os.write(tenant.desk.inbox[1], mail(Mail.STOP))

    def _cancel(self, tenant: Tenant) -> None:
        """End what is under way; a worker that does not come back is killed after the grace."""
        tenant.cancelled = True
        tenant.desk.page.cells[Slot.COMMAND] = Command.CANCEL
        tenant.wish(Mail.CANCEL)
        tenant.deadline_ns = clock() + round(self._timeouts.grace * 1e9)

    def _close(self) -> str:
        """End every process, see that the tables are complete, and write the last manifest."""
        self._end_workers()
        self._take_down()
        self._harness.tell_driver(kind="leave")
        self._end(self._harness.driver, self._timeouts.grace)
        self._harness.tell_sampler(kind="leave")
        self._end(self._harness.sampler, LEAVE_S)
        self._end_recorder()
        self._harness.end_guardian()
        left = end_all(lambda: [*marked(os.environ[MARKER]), *children()])
        if left:
            self._log.write("swept", processes=left)
        reap_orphans()
        self._save_pipelines()
        self._manifest.data["harness"].update(self._harness.costs())
        status = self._status()
        self._manifest.close(status)
        return status

    def _take_down(self) -> None:
        """What stood around the workers ends before the sweep, which would kill it."""
        try:
            self._around.close()
        except MlbenchError as error:  # the pipelines did not have it all the time
            self._manifest.because(str(error))

    def _status(self) -> str:
        if self._failed or any(t.state == "failed" for t in self._tenants.values()):
            return "failed"
        return "stopped" if self._stopping else "done"

    def _end_workers(self) -> None:
        """Let workers that still live close their stages, then kill them."""
        self._end_loads(self._tenants.values())
        for tenant in self._tenants.values():
            if not tenant.over and not tenant.cancelled:
                self._cancel(tenant)
        workers = list(self._tenants.values())
        grace = self._timeouts.grace
        self._until(lambda: not any(t.alive for t in workers), grace, None, any_state=True)
        for tenant in workers:
            if tenant.alive:
                self._log.write("killed", process=tenant.name, why="did not close in time")
                tenant.signal(signal.SIGKILL)
        self._until(lambda: not any(t.alive for t in workers), grace, None, any_state=True)

    def _end(self, child: Child | None, seconds: float) -> None:
        """Wait for the end of who was told to leave, then kill it; it may still be a while."""
        if child is not None and child.alive:
            self._until(lambda: not child.alive, seconds, None, any_state=True)
            child.signal(signal.SIGKILL)
            self._until(lambda: not child.alive, LEAVE_S, None, any_state=True)

    def _end_recorder(self) -> None:
        recorder = self._harness.recorder
        self._harness.finish_recorder()
        self._until(lambda: not recorder.alive, self._timeouts.drain, None, any_state=True)
        if recorder.alive or recorder.status:
            self._manifest.because("the recorder did not finish: the last records are missing")
            self._failed = True
        recorder.signal(signal.SIGKILL)

    # -- waiting -------------------------------------------------------------------------

    def _until(
        self,
        reached: Callable[[], bool],
        seconds: float | None,
        what: str | None,
        any_state: bool = False,
    ) -> None:
        """Wait until a condition holds, the run is to end, or the time is over.

        With ``what``, running out of time fails the pipelines that did not get there.
        """
        end_ns = None if seconds is None else clock() + round(seconds * 1e9)
        while not reached():
            if not any_state and (self._failed or self._stopping):
                return
            if end_ns is not None and clock() >= end_ns:
                if what is not None:
                    self._too_late(what, seconds or 0)
                return
            instants = [i for i in (end_ns, self._next_deadline()) if i is not None]
            self._watcher.wait(min(instants, default=None))
            self._enforce()

    def _too_late(self, what: str, seconds: float) -> None:
        said = "ready" if what == "setup" else "warm"
        for tenant in self._tenants.values():
            if said not in tenant.said and not tenant.over:
                tenant.fail(f"{what} took longer than {seconds:g} s (timeouts: {{setup: ...}})")
        self._failed = True

    def _next_deadline(self) -> int | None:
        instants = [t.deadline_ns for t in self._tenants.values() if t.deadline_ns and t.alive]
        alive = [t for t in self._tenants.values() if t.alive and not t.dying]
        instants += [tenant.hangs_at(self._hang_ns, clock()) for tenant in alive]
        return min(instants, default=None)

    def _enforce(self) -> None:
        """Let the deadlines that have passed have their effect."""
        now = clock()
        for tenant in self._tenants.values():
            if not tenant.alive:
                continue
            passed = tenant.deadline_ns is not None and now >= tenant.deadline_ns
            if tenant.dying:
                if passed:
                    tenant.signal(signal.SIGKILL)
                    tenant.deadline_ns = None
            elif tenant.hangs_at(self._hang_ns, now) <= now:
                if not tenant.has_progressed(now):
                    self._hung(tenant)
            elif passed:
                self._overdue(tenant)

    def _hung(self, tenant: Tenant) -> None:
        """A stage did not come back: its query timed out, and its worker has to end."""
        query = int(tenant.desk.page.cells[Slot.OLDEST_QUERY])
        tenant.timed_out.append(query)
        tenant.fail(
            f"query {query} did not come back within {self._timeouts.query:g} s "
            "(timeouts: {query: ...}); where it was stands in "
            f"pipelines/{tenant.folder.name}/stderr.log"
        )
        self._kill(tenant, "hung")

    def _overdue(self, tenant: Tenant) -> None:
        if "done" in tenant.said:
            self._manifest.because(
                f"pipeline {tenant.name}: its stages did not close within "
                f"{self._timeouts.grace:g} s (timeouts: {{grace: ...}})"
            )
            self._kill(tenant, "did not close in time")
            return
        if not tenant.cancelled:
            self._log.write("cancelled", process=tenant.name, why="drain limit")
            self._cancel(tenant)
            return
        if tenant.state == "running" and not self._stopping and not self._request.window:
            tenant.fail(
                f"queries were still running {self._timeouts.grace:g} s after the drain limit"
            )
        self._kill(tenant, "did not end in time")

    def _kill(self, tenant: Tenant, why: str) -> None:
        """Have it write its stacks to its log, and kill it a moment later."""
        self._log.write("killed", process=tenant.name, why=why)
        with suppress(ProcessLookupError):
            os.kill(tenant.pid, signal.SIGUSR1)
        tenant.dying = True
        tenant.deadline_ns = clock() + LAST_WORDS_NS

    # -- what happens --------------------------------------------------------------------

    def _stop(self, why: str) -> None:
        if not self._stopping:
            self._log.write("stop", why=why)
            self._manifest.because(why)
        self._stopping = True

    def _heard(self, child: Child, message: dict[str, object]) -> None:
        kind = message["kind"]
        if child is self._harness.sampler:
            if self._telemetry.heard(message):
                self._manifest.save()
        elif kind == "ready" and child is self._harness.recorder:
            self._harness.recorder_is_ready()
        elif kind == "failed" and child is self._harness.recorder:
            self._manifest.because(str(message["reason"]))
            self._failed = True
        elif kind == "failed" and isinstance(child, Tenant):
            child.fail(str(message["reason"]))
        elif kind == "event" and isinstance(child, Tenant):
            self._named_event(child, str(message["name"]))
        elif kind == "loaded":
            self._loaded(child, message)
        elif kind == "done" and isinstance(child, Tenant):
            child.deadline_ns = clock() + round(self._timeouts.grace * 1e9)
        if kind not in ("passed", "tables"):
            self._log.write("heard", process=child.name, **message)

    def _named_event(self, tenant: Tenant, name: str) -> None:
        """Note an event's name: at once, for live readers and in case its worker is killed."""
        events = self._entry_of(tenant)["events"]
        events.append(name)
        if len(events) <= EVENTS_AT_ONCE:
            self._manifest.save()

    def _loaded(self, child: Child, message: dict[str, object]) -> None:
        name = str(message.get("pipeline", child.name))
        tenant = self._tenants[name]
        end_ns, queries = message["end_ns"], message["queries"]
        assert isinstance(end_ns, int)
        assert isinstance(queries, int)
        tenant.load_end_ns, tenant.queries = end_ns, queries
        tenant.why_ended = str(message.get("why", "stop"))
        if tenant.deadline_ns is None and not self._plan.drains_for_ever(name):
            tenant.deadline_ns = clock() + round(self._timeouts.drain * 1e9)
        if tenant.why_ended == "backlog":
            limit = self._bench.limits.backlog
            self._manifest.because(
                f"pipeline {name}: its load was ended when {limit} queries waited "
                "(limits: {backlog: ...})"
            )

    def _died(self, child: Child) -> None:
        self._log.write("exited", process=child.name, pid=child.pid, status=child.status)
        if isinstance(child, Tenant):
            self._tenant_died(child)
        elif child is self._harness.sampler:
            self._telemetry.ended(child)
        elif "closed" not in child.said:
            self._manifest.because(f"the {child.name} ended: {how_it_ended(child.status)}")
            self._failed = True
            for tenant in self._tenants.values():  # what it was told, but did not pass on
                if child is self._harness.driver and tenant.open_load and tenant.cancelled:
                    self._end_open_load(tenant)

    def _tenant_died(self, tenant: Tenant) -> None:
        tenant.deadline_ns = None
        entry = self._entry_of(tenant)
        if tenant.state == "failed":
            pass
        elif "done" in tenant.said:
            tenant.state = "stopped" if self._stopping or self._failed else "done"
        elif self._stopping or tenant.cancelled:
            tenant.state = "stopped"
        else:
            tenant.fail(
                f"its worker ended: {how_it_ended(tenant.status)}; what it said stands in "
                f"pipelines/{tenant.folder.name}/stderr.log"
            )
        entry["ended_ns"] = clock()
        if tenant.state == "failed" and self._manifest.data["barrier_ns"] is None:
            self._failed = True
        if tenant.open_load and self._harness.drives:
            self._harness.tell_driver(kind="end", pipeline=tenant.name)
        self._save_pipelines()

    def _all_said(self, kind: str) -> bool:
        return all(kind in tenant.said for tenant in self._tenants.values())

    # -- the manifest --------------------------------------------------------------------

    def _entry_of(self, tenant: Tenant) -> dict[str, Any]:  # Any: JSON
        return self._manifest.entry(tenant.name)

    def _save_pipelines(self) -> None:
        for tenant in self._tenants.values():
            tenant.describe(self._entry_of(tenant))
        self._manifest.save()
