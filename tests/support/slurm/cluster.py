"""A real Slurm on this machine: one controller, two nodes, a GPU that is not one.

Debian's daemons run in the foreground, as whoever runs the tests and without systemd, below a
folder of their own. ``SLURM_CONF`` is all that a client needs to find them, and it is the mark
by which every process of the cluster, jobs too, is found when it has to end.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

__all__ = ["NODES", "Cluster", "can_hide_folders", "running", "why_not"]

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "scancel", "srun")
PACKAGES = "slurmctld slurmd slurm-client munge"
SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))

NODES = ("n0", "n1")
"""The nodes: two processors each; the first has the GPU."""

START_S = 30.0
STOP_S = 15.0
BEGIN_ANEW_S = 12.0
POLL_S = 0.05
DEAD_S = 6
"""After so long without a word from a node the controller calls it dead."""

CONFIGURATION = """\
ClusterName=mlbench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/%n.pid
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog={folder}/prolog
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
PlugStackConfig=/dev/null
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
GresTypes=gpu
ReturnToService=2
SlurmdTimeout={dead_s}
MessageTimeout=5
TCPTimeout=1
KillWait=20
MinJobAge=3600
NodeName=n0 NodeHostname={host} NodeAddr=127.0.0.1 Port={n0_port} CPUs=2 RealMemory=500 Gres=gpu:1
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={n1_port} CPUs=2 RealMemory=500
PartitionName=main Nodes=n0,n1 Default=YES MaxTime=60 State=UP
"""

# A count without a File does not register; the file of a device that nobody opens may be any.
DEVICES = """\
AutoDetect=off
NodeName=n0 Name=gpu File={folder}/gpu0
"""


# Two machines have no locks in common.
PROLOG = """\
#!/bin/sh
echo "export MLBENCH_LOCKS={folder}/locks-$SLURMD_NODENAME"
"""


def why_not() -> str | None:
    """What is missing to start it; null where nothing is."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=SEARCHED) is None]
    if missing:
        return f"needs Slurm ({', '.join(missing)}): apt-get install {PACKAGES}"
    try:
        _user()
    except KeyError:
        return f"needs a user that has a name: /etc/passwd has none for {os.getuid()}"
    return None


def can_hide_folders() -> bool:
    """Whether this user may give a process mounts of its own, which `Cluster.blind_node` does."""
    asked = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@contextmanager
def running() -> Iterator[Cluster]:
    """A cluster whose nodes are idle; nothing of it is left afterwards."""
    # A socket's path has at most 108 characters, which those of pytest's folders pass.
    folder = Path(tempfile.mkdtemp(prefix="mlbench-slurm-", dir="/tmp"))
    folder.chmod(0o755)  # munge serves nobody from a folder that not all may enter
    cluster = Cluster(folder)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(cluster.stop)
        cluster.start()
        yield cluster


class Cluster:
    """The daemons and what one can do to them.

    Parameters
    ----------
    folder
        Empty, with a short path: configuration, state, sockets and logs go there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._ports: dict[str, int] = {}
        self._blind: set[str] = set()

    @property
    def variables(self) -> dict[str, str]:
        """What a client needs to find it."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    # -- start and stop ------------------------------------------------------------------

    def start(self) -> None:
        """Start everything, and wait until both nodes are idle."""
        self._configure()
        self._munge()
        self._daemon("controller", "slurmctld", "-D", "-i")
        self._until(lambda: "UP" in self._ask("scontrol", "ping"), "the controller is up")
        for node in NODES:
            self.start_node(node)
        self._until(self._are_idle, "nodes are idle")

    def stop(self) -> None:
        """End everything that carries the mark, jobs first: a daemon leaves its steps behind."""
        with suppress(subprocess.TimeoutExpired):
            self._ask("scancel", "--full", f"--user={_user()}")
        for name in (*NODES, "controller", "munge"):
            self._end(name)
        self._until(lambda: not self._kill(self.processes()), "no process is left", STOP_S)

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self._daemon(node, "slurmd", "-D", "-N", node)
        self._listens(node)

    def kill_node(self, node: str) -> None:
        """Kill the daemon of a node, which is how a machine looks that lost its power."""
        daemon = self._daemons.pop(node)
        daemon.kill()
        daemon.wait()

    def blind_node(self, node: str, folder: Path) -> None:
        """Have a node see a folder empty, as if it were on a disk of this machine alone."""
        self._end(node)
        hidden = 'mount -t tmpfs none "$1" && exec "$2" -D -N "$3"'
        program = shutil.which("slurmd", path=SEARCHED) or ""
        words = ("sh", str(folder), program, node)
        self._daemon(node, "unshare", "--mount", "sh", "-c", hidden, *words)
        self._listens(node)
        self._blind.add(node)

    def fail_node(self, node: str) -> None:
        """Have the administrator call a node dead."""
        self._ask("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    def tidy(self) -> None:
        """Cancel all jobs, bring back dead nodes, and wait until both are idle again."""
        self._ask("scancel", "--full", f"--user={_user()}")
        for node in NODES:
            if node in self._blind:
                self._end(node)
            if node not in self._daemons:
                self.start_node(node)
        try:
            self._until(self._are_idle, "nodes are idle", BEGIN_ANEW_S)
        except TimeoutError:  # a word between controller and node was lost: they begin anew
            for node in NODES:
                self._end(node)
                self.start_node(node)
            self._until(self._are_idle, "nodes are idle")
        self._blind.clear()
        self._kill(self.processes(b"SLURM_JOB_ID="))  # steps outlive the daemon of their node

    # -- questions -----------------------------------------------------------------------

    def state_of(self, node: str) -> str:
        """The state of a node, `idle` or `down*`; empty where nobody answers."""
        return self._ask("sinfo", "--noheader", f"--nodes={node}", "--format=%t").strip()

    def job(self, job: str) -> dict[str, str]:
        """What the controller knows of a job, by `scontrol show job`."""
        words = self._ask("scontrol", "--oneliner", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def jobs(self) -> list[str]:
        """The ids of all jobs that there ever were."""
        asked = ("squeue", "--noheader", "--states=all", "--format=%i", "--sort=i")
        return self._ask(*asked).split()

    def processes(self, variable: bytes = b"") -> list[int]:
        """The processes that carry the mark, of those with this variable where one is named."""
        mark = f"SLURM_CONF={self.variables['SLURM_CONF']}".encode()
        found = {pid: _environment(pid) for pid in _processes()}
        return [
            pid
            for pid, lines in found.items()
            if mark in lines and any(line.startswith(variable) for line in lines)
        ]

    # -- parts ---------------------------------------------------------------------------

    def _are_idle(self) -> bool:
        """Whether all nodes are idle; who is called down or drained is called back."""
        states = {node: self.state_of(node) for node in NODES}
        for node, state in states.items():
            if state.startswith(("down", "drain")):
                self._ask("scontrol", "update", f"nodename={node}", "state=resume")
        return set(states.values()) == {"idle"}

    def _configure(self) -> None:
        self._ports = dict(zip(("controller", *NODES), _free_ports(3), strict=True))
        values = {
            "host": socket.gethostname().split(".")[0],
            "user": _user(),
            "folder": self.folder,
            "dead_s": DEAD_S,
            **{f"{name}_port": port for name, port in self._ports.items()},
        }
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(**values))
        (self.folder / "gres.conf").write_text(DEVICES.format(**values))
        (self.folder / "gpu0").symlink_to("/dev/null")
        prolog = self.folder / "prolog"
        prolog.write_text(PROLOG.format(**values))
        prolog.chmod(0o755)
        for name in ("state", *NODES):
            (self.folder / name).mkdir()

    def _munge(self) -> None:
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        names = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
        places = [f"--{option}={self.folder}/munge.{name}" for option, name in names.items()]
        log = f"--log-file={self.folder}/munge.log"
        self._daemon("munge", "munged", "--foreground", *places, log)
        self._until((self.folder / "munge.socket").exists, "munge listens")

    def _daemon(self, name: str, program: str, *arguments: str) -> None:
        path = shutil.which(program, path=SEARCHED)
        assert path is not None
        with (self.folder / f"{name}.out").open("ab") as output:
            self._daemons[name] = subprocess.Popen(
                [path, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**_plain(os.environ), **self.variables},
                start_new_session=True,
            )

    def _listens(self, node: str) -> None:
        """Wait until the daemon of a node can be reached."""
        self._until(lambda: _is_open(self._ports[node]), f"{node} listens")

    def _ask(self, *command: str) -> str:
        done = subprocess.run(
            command,
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            timeout=STOP_S,
            check=False,
        )
        return done.stdout

    def _until(self, holds: Callable[[], bool], what: str, patience_s: float = START_S) -> None:
        end_s = time.monotonic() + patience_s
        while not holds():
            if time.monotonic() > end_s:
                raise TimeoutError(f"not in {patience_s:.0f} s: {what}\n{self._said()}")
            time.sleep(POLL_S)

    def _said(self) -> str:
        """The state of the nodes, and the last words of each daemon."""
        states = ", ".join(f"{node} {self.state_of(node)}" for node in NODES)
        files = sorted(self.folder.glob("*.out"))
        words = (f"{file.name}: {file.read_text(errors='replace')[-600:]}" for file in files)
        return "\n".join((states, *words))

    def _end(self, name: str) -> None:
        daemon = self._daemons.pop(name, None)
        if daemon is None:
            return
        daemon.terminate()
        try:
            daemon.wait(STOP_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def _kill(self, pids: list[int]) -> list[int]:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return pids


def _user() -> str:
    """Who runs this, and so the cluster: root is not needed, only jobs of others would need it.

    Raises
    ------
    KeyError
        If the user has no name.
    """
    return pwd.getpwuid(os.getuid()).pw_name


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what a Slurm around this process left, if the tests are themselves a job."""
    return {key: value for key, value in environment.items() if not key.startswith("SLURM")}


def _free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _processes() -> Iterator[int]:
    own = os.getpid()
    numbers = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return (number for number in numbers if number != own)


def _environment(pid: int) -> list[bytes]:
    """The variables that a process started with; none for one that is gone or another's."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
