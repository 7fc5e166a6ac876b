"""Machines in network namespaces of this one, and a link between them that delays and loses packets; Linux, as root.

The kernel delays and loses where it has netem. Where it has not, the program that forwards the packets does: `switch`.
Namespaces have no names, and end with the processes in them.
"""

from __future__ import annotations

import array
import fcntl
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEVICE = "link"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
CONTROL = Path("/proc/sys/net/ipv4/tcp_congestion_control")
PACKET, IPV4, LAST_OF_DESTINATION = 1 << 16, 4, 19  # RFC 791: bytes of the header


@dataclass(frozen=True, slots=True)
class Link:
    """Seconds that a packet takes in each direction, the share of packets that is lost, and the congestion control.

    The latter is that of this machine if it is not named; a namespace may have `reno` besides.
    """

    delay: float
    loss: float
    control: str


@dataclass(frozen=True, slots=True)
class Host:
    """A machine: its address, and the process that keeps its namespace; the first is the namespace of this process."""

    address: str
    process: int | None = None

    @property
    def inside(self) -> tuple[str, ...]:
        """What a command begins with that is to run there."""
        program = shutil.which("nsenter") or "nsenter"  # not every command is looked for where this process looks
        return () if self.process is None else (program, f"--net=/proc/{self.process}/ns/net")

    def arrived(self) -> int:
        """Bytes that have come in by the link."""
        rows = Path(f"/proc/{self.process or 'self'}/net/dev").read_text().splitlines()
        return next(int(row.split()[1]) for row in rows if row.split()[0] == f"{DEVICE}:")


ALONE = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"),
)
"""What the command begins with that calls `hosts`: it ends with whom it was started by, and all that it starts with it,
namespaces too."""


def problem() -> str:
    """Why there can be no such machines here; nothing where there can."""
    try:
        argv = (*ALONE, "ip", "tuntap", "add", DEVICE, "mode", "tun")
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    return done.stderr.strip().replace("\n", "; ") if done.returncode else ""


@contextmanager
def hosts(count: int, link: Link) -> Iterator[tuple[list[Host], str]]:
    """That many machines, the first of which is this process's; and why netem is not what delays and loses, if so."""
    with ExitStack() as resources:
        here, there = socket.socketpair()
        resources.enter_context(here)
        machines, devices = [Host(address(0))], [device(0, link.control)]
        for number in range(1, count):
            words = ("join", str(there.fileno()), str(number), link.control)
            argv = ("unshare", "--net", sys.executable, __file__, *words)
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, pass_fds=(there.fileno(),))
            resources.callback(end, process)
            devices.append(received(here))
            machines.append(Host(address(number), process.pid))
        there.close()
        refused = next(filter(None, (netem(host, link) for host in machines)), "")
        forwarder = subprocess.Popen(
            (
                *(sys.executable, __file__, "switch", *map(str, (link.delay, link.loss) if refused else (0, 0))),
                *map(str, devices),
            ),
            pass_fds=devices,
        )
        resources.callback(end, forwarder)
        for one in devices:
            os.close(one)
        yield machines, refused


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def address(number: int) -> str:
    """The address of a machine; its last byte says where the switch sends a packet."""
    return f"10.0.0.{number + 1}"


def device(number: int, control: str) -> int:
    """A network device in the namespace of this process, up and with its address; returns its descriptor."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    for words in (f"addr add {address(number)}/24 dev {DEVICE}", f"link set dev {DEVICE} up", "link set dev lo up"):
        subprocess.run(("ip", *words.split()), check=True)
    if control:
        CONTROL.write_text(control)
    return descriptor


def join(channel: int, number: int, control: str) -> None:
    """Be a machine: send the descriptor of its device, and keep the namespace until nobody needs it."""
    with socket.socket(fileno=channel) as there:
        message = array.array("i", [device(number, control)]).tobytes()
        there.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, message)])
    sys.stdin.read()


def received(channel: socket.socket) -> int:
    """The descriptor that a machine sends."""
    _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
    return descriptors[0]


def netem(host: Host, link: Link) -> str:
    """Have the kernel delay and lose what a machine sends; returns what it says if it cannot."""
    words = f"tc qdisc add dev {DEVICE} root netem delay {link.delay * 1000:g}ms loss {link.loss:%}"
    done = subprocess.run((*host.inside, *words.split()), check=False, capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else ""


def switch(delay: float, loss: float, devices: Sequence[int]) -> None:
    """Forward packets by their address, each so many seconds after it was sent, but for a share that is lost."""
    chance, waiting = random.Random(0), deque[tuple[float, int, bytes]]()
    arrivals = select.epoll()
    for one in devices:
        arrivals.register(one, select.EPOLLIN)
    while True:
        rest = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for one, _ in arrivals.poll(rest):
            for packet in packets(one):
                if packet[0] >> 4 == IPV4 and chance.random() >= loss:
                    waiting.append((time.monotonic() + delay, devices[packet[LAST_OF_DESTINATION] - 1], packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, target, packet = waiting.popleft()
            os.write(target, packet)


def packets(device: int) -> Iterator[bytes]:
    """What has come in by a device."""
    while True:
        try:
            yield os.read(device, PACKET)
        except BlockingIOError:
            return


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it, after all that needs the link
    name, *words = sys.argv[1:]
    if name == "join":
        join(int(words[0]), int(words[1]), words[2])
    else:
        switch(float(words[0]), float(words[1]), [int(word) for word in words[2:]])
