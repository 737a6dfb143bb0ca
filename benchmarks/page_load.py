"""The page under load: visitors work at the same time while others upload files that mean harm.

    python benchmarks/page_load.py [--visitors 20] [--seconds 60]

Each visitor opens the page, uploads two photos, and simulates, measures and anonymizes in turn,
over HTTP as a browser does. Prints how long they waited for what, what the uploads were answered,
the largest memory of the server, and what it wrote outside its private folder or left behind.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.images import png_bytes
from palsynth.subjects import View, render, sample

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.app.hostile import KEPT, PICTURES

TASKS = ("simulate", "measure", "anonymize")
PATIENCE = 600.0


class Page:
    """An open page, spoken to as its browser does."""

    def __init__(self, port: int, session: str) -> None:
        self.port, self.session = port, session
        status, text = self.ask("GET", "/")
        assert status == 200, text
        config = re.search(r"window\.gradio_config = (\{.*?\});\s*</script>", text, re.S)
        assert config is not None
        self.config = json.loads(config[1])
        self.parts = {part["id"]: part["props"] for part in self.config["components"]}
        heart = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        heart.request("GET", f"/gradio_api/heartbeat/{session}")
        self._heartbeat = heart.getresponse()  # open as long as the page

    def close(self) -> None:
        """Leaves the page."""
        self._heartbeat.close()

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, str]:
        """Sends a request.

        Args:
            method: the method.
            path: the path.
            body: the body.
            kind: the type of the body.

        Returns:
            Status and text of the answer.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with closing(connection):
            connection.request(method, path, body, {"Content-Type": kind} if kind else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def upload(self, *files: tuple[str, bytes]) -> tuple[int, str]:
        """Uploads files.

        Args:
            files: name and contents of each.

        Returns:
            Status and text of the answer.
        """
        parts = [
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="'
            + name.encode()
            + b'"\r\n\r\n'
            + data
            + b"\r\n"
            for name, data in files
        ]
        body = b"".join(parts) + b"--x--\r\n"
        kind = "multipart/form-data; boundary=x"
        return self.ask("POST", "/gradio_api/upload?upload_id=a", body, kind)

    def work(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """Presses a button, and waits.

        Args:
            name: what the button does, as the API calls it.
            given: values by label, in place of those that the page starts with.

        Returns:
            The message that ends the work.
        """
        (event,) = [d for d in self.config["dependencies"] if d["api_name"] == name]
        data = [
            given.get(self.parts[part].get("label"), self.parts[part].get("value"))
            for part in event["inputs"]
        ]
        asked = {
            "data": data,
            "fn_index": event["id"],
            "session_hash": self.session,
            "trigger_id": event["targets"][0][0],
            "event_data": None,
        }
        status, text = self.ask(
            "POST", "/gradio_api/queue/join?", json.dumps(asked).encode(), "application/json"
        )
        if status != 200:
            return {"success": False, "output": {"error": text}}
        for message in self._messages():
            if message["msg"] in ("process_completed", "unexpected_error"):
                return message
        return {"success": False, "output": {"error": "the stream ended"}}

    def _messages(self) -> Iterator[dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with closing(connection):
            connection.request("GET", f"/gradio_api/queue/data?session_hash={self.session}")
            for line in connection.getresponse():
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])


class Load:
    """What visitors and attackers do, and what became of it."""

    def __init__(self, port: int, seconds: float) -> None:
        self.port, self.until = port, time.monotonic() + seconds
        self.waited: dict[str, list[float]] = defaultdict(list)
        self.failed: Counter[str] = Counter()
        self.uploads: Counter[str] = Counter()
        self.wrong: list[str] = []

    def visit(self, number: int, photos: list[tuple[str, bytes]]) -> None:
        """Works on the page until the time is over.

        Args:
            number: number of the visitor.
            photos: name and contents of a patient's photos.
        """
        page = Page(self.port, f"visitor{number}")
        start = time.monotonic()
        status, text = page.upload(*photos)
        self.waited["upload"].append(time.monotonic() - start)
        assert status == 200, text
        files = [
            {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": Path(path).name}
            for path in json.loads(text)
        ]
        given = {
            "Photos": files,
            **{f"Photo {k + 1} shows": Path(name).stem for k, (name, _) in enumerate(photos)},
            "Seed": number,
        }
        turn = number
        while time.monotonic() < self.until:
            task, turn = TASKS[turn % len(TASKS)], turn + 1
            start = time.monotonic()
            ended = page.work(task, given)
            if ended.get("success"):
                self.waited[task].append(time.monotonic() - start)
            else:
                self.failed[str((ended.get("output") or {}).get("error") or ended)[:200]] += 1
        page.close()

    def attack(self) -> None:
        """Uploads every hostile picture once."""
        page = Page(self.port, "attacker")
        for name, (make, text) in PICTURES.items():
            status, said = page.upload((name, make()))
            self.uploads["kept" if status == 200 else "refused"] += 1
            fine = status == 200 if text == KEPT else status == 400 and text in said
            if not fine or "\n" in said:
                self.wrong.append(f"{name}: {status} {said}")
        page.close()


@contextmanager
def server(folder: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Serves the page.

    Args:
        folder: what the server has in place of the system's folder for temporary files.

    Yields:
        Its port, and its process.
    """
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "palsynth", "app", "--port", str(port)],
            env={**os.environ, "TMPDIR": str(folder / "tmp")},
            stdout=subprocess.DEVNULL,
            stderr=log,
            text=True,
        )
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.1)
            yield port, process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def photos() -> list[tuple[str, bytes]]:
    """A patient's photos at rest and in a movement, as a camera would send them.

    Returns:
        Name and contents of each.
    """
    palsy = Palsy.peripheral(Side.RIGHT, Grade.IV)
    return [
        (f"{move.value}.png", png_bytes(render(sample(12), move, palsy, view=View(512)).image))
        for move in (Movement.REST, Movement.GRIN)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    shown = photos()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        with server(folder) as (port, process):
            load = Load(port, options.seconds)
            threads = [
                threading.Thread(target=load.visit, args=(k, shown))
                for k in range(options.visitors)
            ]
            threads.append(threading.Thread(target=load.attack))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024  # type: ignore[index]
            (private,) = [p for p in (folder / "tmp").iterdir() if p.is_dir()]
            beside = [p.name for p in (folder / "tmp").iterdir() if p != private]
            for _ in range(200):  # sessions end; what the attacker sent belongs to none and stays
                files = [p for p in private.rglob("*") if p.is_file() and p.name != ".lock"]
                if (left := len(files) - load.uploads["kept"]) <= 0:
                    break
                time.sleep(0.1)
            alive = process.poll() is None
        print(f"{options.visitors} visitors, {options.seconds:.0f} s")
        for task, times in load.waited.items():
            median, slow = np.percentile(times, [50, 95])
            print(f"{task}: {len(times)}; {median:.1f} s, 95 % within {slow:.1f} s")
        print("failed:", dict(load.failed) or "none")
        print("hostile uploads:", dict(load.uploads), "; not as said:", load.wrong or "none")
        print(f"largest memory: {peak} MB; server alive: {alive}")
        print("beside the private folder:", beside or "nothing")
        print("files of visitors who left:", left, "; after the server:", end=" ")
        print([p.name for p in (folder / "tmp").iterdir()] or "nothing")
        log = (folder / "log.txt").read_text()
        print("tracebacks in its log:", log.count("Traceback"))
        if "Traceback" in log:
            print(log[-3000:])


if __name__ == "__main__":
    main()
