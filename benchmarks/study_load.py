"""A study under attack: raters answer while others send large bodies and hold connections open.

    python benchmarks/study_load.py [--raters 50] [--slow 300] [--megabytes 100] [--seconds 90]

The server is killed by SIGKILL several times. Prints how long raters waited for what they requested
while it ran, its largest memory, and whether every answer that it acknowledged is in the file.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from palsynth.evaluation.study import QUESTIONS
from palsynth.study.store import Study, StudyItem, create

CHUNK = bytes(1 << 20)


@dataclass
class Server:
    """``palsynth study serve`` in a process of its own."""

    study: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    peak: int = 0

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        words = ["study", "serve", str(self.study), "--port", str(self.port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([sys.executable, "-m", "palsynth.cli", *words], **quiet)
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends the server as a power cut would."""
        assert self.process is not None
        self.look()
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def look(self) -> None:
        """Notes the largest memory of the process, MB."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        self.peak = max(self.peak, int(peak.split()[1]) // 1024)


@dataclass
class Load:
    """What raters and attackers do, and what became of it."""

    server: Server
    think: float
    slow: int
    megabytes: int
    until: float
    waited: list[float] = field(default_factory=list)
    tried_again: int = 0
    refused: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    acknowledged: dict[tuple[int, int], dict[str, int]] = field(default_factory=dict)

    def request(self, method: str, path: str, body: str = "") -> http.client.HTTPResponse:
        """Requests until there is an answer, as a browser's user would."""
        while True:
            start = time.monotonic()
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
                connection.request(method, path, body or None)
                response = connection.getresponse()
                response.read()
                connection.close()
            except (OSError, http.client.HTTPException):
                self.tried_again += 1
                time.sleep(0.2)
                continue
            self.waited.append(time.monotonic() - start)
            self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
            return response

    def rate(self, rater: int, token: str, items: list[int]) -> None:
        """Rates item after item, again from the first after the last."""
        rng = random.Random(rater)
        while True:
            for place, item in enumerate(items, 1):
                if time.monotonic() > self.until:
                    return
                page = f"/r/{token}/{place}"
                for path in (page, f"{page}/patient.png", f"{page}/made.png"):
                    self.request("GET", path)
                time.sleep(rng.uniform(0.5, 1.5) * self.think)
                points = {question: rng.randint(1, 5) for question in QUESTIONS}
                # an answer that is not acknowledged may be saved all the same: it is sent again
                if self.request("POST", page, urlencode(points)).status == 303:
                    self.acknowledged[rater, item] = points

    def send_bodies(self, token: str, chunked: bool) -> None:
        """Sends large bodies, of known length or in chunks, as fast as the server takes them."""
        length = (
            "Transfer-Encoding: chunked" if chunked else f"Content-Length: {self.megabytes}000000"
        )
        head = f"POST /r/{token}/1 HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode()
        part = f"{len(CHUNK):x}\r\n".encode() + CHUNK + b"\r\n" if chunked else CHUNK
        while time.monotonic() < self.until:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as sent,
            ):
                sent.sendall(head)
                with contextlib.suppress(OSError):
                    for _ in range(self.megabytes):
                        sent.sendall(part)
                self.refused += b" 413 " in sent.recv(100)
            time.sleep(0.2)

    def hold(self) -> None:
        """Holds connections open: some send nothing, some a header, some a body, byte by byte."""
        starts = (b"", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"POST /r/x/1 HTTP/1.1\r\nHost: x\r\n")
        held: list[socket.socket] = []
        while time.monotonic() < self.until:
            for k in range(self.slow):
                try:
                    if k >= len(held):
                        held.append(socket.create_connection(("127.0.0.1", self.server.port)))
                        held[k].setblocking(False)
                        held[k].send(starts[k % 3])
                        if k % 3 == 2:
                            held[k].send(b"Content-Length: 60000\r\n\r\n")
                    elif k % 3:
                        held[k].send(b"a")
                    else:
                        held[k].recv(1)
                except BlockingIOError:
                    continue
                except OSError:
                    for one in held[k:]:
                        one.close()
                    del held[k:]
                    break
            time.sleep(1)
        for one in held:
            one.close()


def measured(
    folder: Path,
    *,
    raters: int,
    slow: int,
    megabytes: int,
    seconds: float,
    kills: int,
    think: float,
) -> dict[str, float]:
    """Attacks a study for some seconds.

    Args:
        folder: an empty folder.
        raters: raters who answer.
        slow: connections that are held open.
        megabytes: size of each of two kinds of bodies.
        seconds: how long.
        kills: SIGKILLs of the server.
        think: mean seconds for which a rater looks at a picture.

    Returns:
        Figures by name; times in seconds, memory in MB.
    """
    rng = np.random.default_rng(0)
    shown = [
        StudyItem(f"{p}.png", m, rng.bytes(40_000), rng.bytes(40_000))
        for p in "abcde"
        for m in "xy"
    ]
    create(folder / "study.sqlite", "A study", shown, raters, seed=0)
    study = Study(folder / "study.sqlite")
    server = Server(study.path)
    load = Load(server, think, slow, megabytes, time.monotonic() + seconds)
    tokens = study.tokens()
    threads = [
        threading.Thread(target=load.rate, args=(rater, token, study.items(rater)))
        for rater, token in enumerate(tokens, 1)
    ]
    threads += [threading.Thread(target=load.send_bodies, args=(tokens[0], c)) for c in (0, 1)]
    threads.append(threading.Thread(target=load.hold))
    for thread in threads:
        thread.start()
    restarts = []
    for _ in range(kills):
        time.sleep(seconds / (kills + 1))
        server.kill()
        start = time.monotonic()
        server.start()
        restarts.append(time.monotonic() - start)
    for thread in threads:
        thread.join()
    server.kill()
    again = Study(study.path)
    lost = sum(again.points(*place) != points for place, points in load.acknowledged.items())
    p50, p99 = np.percentile(load.waited, [50, 99])
    return {
        "requests": len(load.waited),
        "p50": float(p50),
        "p99": float(p99),
        "slowest": max(load.waited),
        "tried again": load.tried_again,
        "errors": sum(n for status, n in load.statuses.items() if status not in (200, 303)),
        "bodies refused": load.refused,
        "start of the server": max(restarts, default=0),
        "memory": server.peak,
        "acknowledged": len(load.acknowledged),
        "lost": lost,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raters", type=int, default=50)
    parser.add_argument("--slow", type=int, default=300)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--think", type=float, default=3, help="seconds per picture")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, value in measured(Path(folder), **vars(options)).items():
            print(f"{name:20} {value:.3f}".removesuffix(".000"))


if __name__ == "__main__":
    main()
