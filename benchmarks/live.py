"""Frames a second and latency of the tab *Live*, by stage, on one and two cores, for one and two
users.

The server runs in a process of its own on the given cores. Each user is a thread of this process
on the same cores, which sends photographed faces over a real WebSocket as the page does: 30 frames
a second, none while two have no answer. A person smiles and stops smiling (pictures with growing
shares of a photographed smile), and the crop moves as a head does. What the browser itself takes is
not in these figures: the page shows it.

    python benchmarks/live.py HALF-SMILES [--seconds 10]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from websockets.sync.client import ClientConnection, connect

STAGES = ("wait", "decode", "landmarks", "capture", "retarget", "encode")
STEPS = (
    "rest",
    "right_075",
    "right_050",
    "right_025",
    "smile",
    "right_025",
    "right_050",
    "right_075",
)
FPS = 30
PENDING = 2
SUBJECT = {"face": "subject", "seed": "7", "side": "none", "grade": "V", "kind": "peripheral"}
OWN = {"face": "own", "side": "left", "grade": "V", "kind": "peripheral"}


def frames(folder: Path, stem: str, each: int = 6) -> list[bytes]:
    """The frames of one person, who smiles once, as JPEG of 512 x 384 pixels.

    Args:
        folder: photographed half-smiles.
        stem: the person.
        each: frames a step.

    Returns:
        The frames, one loop.
    """
    out = []
    for k in range(len(STEPS) * each):
        path = folder / f"{stem}_{STEPS[k // each]}.jpg"
        image = np.asarray(Image.open(path).convert("RGB"))
        angle = 2 * np.pi * k / (len(STEPS) * each)
        turn = cv2.getRotationMatrix2D((256, 256), 3 * np.sin(angle), 0.9 + 0.03 * np.cos(angle))
        turn[:, 2] += [8 * np.sin(angle), 6 * np.cos(2 * angle) - 64]
        moved = cv2.warpAffine(image, turn, (512, 384), borderMode=cv2.BORDER_REPLICATE)
        data = io.BytesIO()
        Image.fromarray(moved).save(data, "JPEG", quality=85)
        out.append(data.getvalue())
    return out


class User:
    """Somebody before a camera."""

    def __init__(self, address: str, choice: dict[str, str], shown: list[bytes]) -> None:
        self.address, self.choice, self.shown = address, choice, shown
        self.heads: list[dict[str, Any]] = []
        self.latencies: list[float] = []
        self.notes: set[str] = set()
        self._sent: dict[int, float] = {}
        self._answered = 0

    def run(self, seconds: float) -> None:
        """Plays for some seconds.

        Args:
            seconds: how long, after a second in which rest is taken.
        """
        with connect(self.address, max_size=None, compression=None) as live:
            live.send(json.dumps(self.choice))
            live.send("rest")
            self._play(live, 2.0)
            self.heads, self.latencies = [], []
            self._play(live, seconds)

    def _play(self, live: ClientConnection, seconds: float) -> None:
        end = time.perf_counter() + seconds
        due = time.perf_counter()
        number = max(self._sent, default=self._answered)
        while (now := time.perf_counter()) < end:
            if now >= due and number - self._answered < PENDING:
                number += 1
                self._sent[number] = now
                data = self.shown[int(now * FPS) % len(self.shown)]
                live.send(struct.pack("<Id", number, 1000 * now) + data)
                due = max(due + 1 / FPS, now)
            wait = max(0.0, due - time.perf_counter()) if number - self._answered < PENDING else 1.0
            with suppress(TimeoutError):
                self._take(live.recv(timeout=min(wait, 1.0)))

    def _take(self, message: str | bytes) -> None:
        assert isinstance(message, bytes)
        (length,) = struct.unpack_from("<I", message)
        head = json.loads(message[4 : 4 + length])
        self._answered = head["number"]
        self.latencies.append(time.perf_counter() - self._sent[self._answered])
        self.heads.append({**head, "made": len(message) > 4 + length})
        if head["note"]:
            self.notes.add(head["note"])


@contextmanager
def server(cores: set[int]) -> Iterator[tuple[str, int]]:
    """Serves the page on some cores.

    Args:
        cores: the numbers of the cores.

    Yields:
        The address of the WebSocket, and the number of the process.
    """
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "palsynth", "app", "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            command,
            env={**os.environ, "TMPDIR": folder},
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        try:
            for _ in range(1200):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}").close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"ws://127.0.0.1:{port}/palsynth/live", process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def seconds_of(pid: int) -> float:
    """Processor time of a process so far.

    Args:
        pid: its number.

    Returns:
        Seconds.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(
    address: str, pid: int, choice: dict[str, str], people: list[list[bytes]], seconds: float
) -> dict[str, Any]:
    """Lets some users play at the same time.

    Args:
        address: address of the WebSocket.
        pid: number of the server's process.
        choice: what all of them choose.
        people: the frames of each.
        seconds: how long.

    Returns:
        Frames a second of each user, latency, stages, and processor time a frame, milliseconds.
    """
    users = [User(address, choice, shown) for shown in people]
    threads = [threading.Thread(target=user.run, args=(seconds,)) for user in users]
    before = seconds_of(pid)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = seconds_of(pid) - before
    heads = [head for user in users for head in user.heads]
    latencies = 1000 * np.array([one for user in users for one in user.latencies])
    mean = {
        stage: float(np.mean([head["milliseconds"].get(stage, 0.0) for head in heads]))
        for stage in STAGES
    }
    return {
        "rates": [len([h for h in user.heads if h["made"]]) / seconds for user in users],
        "latency": float(np.median(latencies)),
        "p95": float(np.percentile(latencies, 95)),
        "stages": mean,
        "cpu": 1000 * spent / (len(heads) * (seconds + 2) / seconds),
        "notes": sorted(set().union(*(user.notes for user in users))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--cores", type=int, nargs="+", default=[2, 1])
    options = parser.parse_args()
    stems = sorted({path.name.split("_")[0] for path in options.folder.glob("*_smile.jpg")})[:2]
    people = [frames(options.folder, stem) for stem in stems]
    every = sorted(os.sched_getaffinity(0))
    print(
        "| cores | users | shows | frames/s | latency, ms | p95 | "
        + " | ".join(STAGES)
        + " | cpu |"
    )
    print("|---" * (7 + len(STAGES)) + "|")
    for cores in [set(every[:n]) for n in options.cores]:
        os.sched_setaffinity(0, cores)
        with server(cores) as (address, pid):
            measured(address, pid, SUBJECT, people[:1], 3.0)  # compiled, and loaded
            for users in (1, 2):
                for name, choice in (("subject", SUBJECT), ("own face", OWN)):
                    found = measured(address, pid, choice, people[:users], options.seconds)
                    rates = ", ".join(f"{rate:.1f}" for rate in found["rates"])
                    stages = " | ".join(f"{value:.1f}" for value in found["stages"].values())
                    print(
                        f"| {len(cores)} | {users} | {name} | {rates} | {found['latency']:.0f} | "
                        f"{found['p95']:.0f} | {stages} | {found['cpu']:.0f} |",
                        flush=True,
                    )
                    if found["notes"]:
                        print(found["notes"], file=sys.stderr)


if __name__ == "__main__":
    main()
