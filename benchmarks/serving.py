"""`serve` under load on loopback, what batching gains, and onnxruntime beside TensorFlow.

    python benchmarks/serving.py load [--seconds 120] [--connections 24] [--engine keras|onnx]
    python benchmarks/serving.py engines [--rounds 5]

`load` starts the command on the sample with cnn3 at 180 pixels, random weights, in a process of its own; this process
asks it over raw keep-alive connections, which takes a tenth of a core. In each round: as fast as it answers, which is
saturation, then at 80 % of that rate, paced evenly and as a Poisson process; latencies count from when a request was
due, not from when it was sent. The last part is saturation for `--seconds`, where errors are counted. `engines` takes
turns in one process: compiled calls of each length, and `Batcher` with as many callers as `--connections`, in batches
and singly.
"""

import argparse
import asyncio
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
SIZE, CLASSES = 180, list("abcdefghi")
console = Console(width=120)


def cnn3(image_size: int) -> Any:  # noqa: ANN401
    """The reference's network, with random weights."""
    from hmexp.config.model import CnnConfig
    from hmexp.models.build import build_model

    return build_model(CnnConfig(widths=[16, 32, 64], head="flatten", dense=128), image_size, len(CLASSES))


def card(image_size: int) -> Any:  # noqa: ANN401
    """Of its bundle."""
    from hmexp.models.bundle import Card

    return Card(CLASSES, image_size, "stretch", 1.3, {}, "", {})


class Load:
    """Asks a server to classify one picture again and again.

    Attributes:
        latencies: Seconds of each answer.
        statuses: Status -> answers; 0 counts connections that broke.
    """

    def __init__(self, port: int, picture: bytes) -> None:
        form = (
            b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n' + picture + b"\r\n--x--\r\n"
        )
        head = (
            f"POST /classify HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(form)}\r\n\r\n"
        )
        self.request = head.encode() + form
        self.port = port
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()

    async def ask(self, streams: Any, due: float) -> bool:  # noqa: ANN401
        """Ask once over a connection that is open; gives whether it still is."""
        reader, writer = streams
        alive = False
        try:
            writer.write(self.request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            self.statuses[int(head.split(b" ", 2)[1])] += 1
            alive = b"connection: close" not in head.lower()
        except (OSError, asyncio.IncompleteReadError):
            self.statuses[0] += 1
        self.latencies.append(time.perf_counter() - due)
        if not alive:
            writer.close()
        return alive

    async def saturate(self, connections: int, seconds: float) -> float:
        """As fast as it answers; gives answers a second."""
        end = time.perf_counter() + seconds

        async def client() -> None:
            streams = await asyncio.open_connection("127.0.0.1", self.port)
            while time.perf_counter() < end:
                if not await self.ask(streams, time.perf_counter()):
                    streams = await asyncio.open_connection("127.0.0.1", self.port)
            streams[1].close()

        begun = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(connections)))
        return len(self.latencies) / (time.perf_counter() - begun)

    async def at_rate(self, rate: float, seconds: float, poisson: bool) -> None:
        """At a rate, whatever the answers take."""
        gaps = np.full(int(rate * seconds), 1 / rate)
        if poisson:
            gaps = np.random.default_rng(0).exponential(1 / rate, len(gaps))
        free: asyncio.Queue[Any] = asyncio.Queue()
        due = time.perf_counter() + 0.1 + np.cumsum(gaps)

        async def one(when: float) -> None:
            streams = await asyncio.open_connection("127.0.0.1", self.port) if free.empty() else free.get_nowait()
            if await self.ask(streams, when):
                free.put_nowait(streams)

        tasks = []
        for when in due:
            await asyncio.sleep(max(0.0, when - time.perf_counter()))
            tasks.append(asyncio.create_task(one(float(when))))
        await asyncio.gather(*tasks)

    def figures(self) -> np.ndarray:
        """p50 and p99 in milliseconds, and their ratio."""
        p50, p99 = 1000 * np.percentile(self.latencies, [50, 99])
        return np.array([p50, p99, p99 / p50])

    @property
    def errors(self) -> int:
        """Answers other than 200."""
        return sum(count for status, count in self.statuses.items() if status != 200)


def start_server(folder: Path, port: int, engine: str, words: list[str]) -> subprocess.Popen[bytes]:
    """The command, once it answers and has embedded the catalogue."""
    import urllib.request

    from hmexp.models.bundle import save_bundle

    save_bundle(cnn3(SIZE), card(SIZE), folder / "model")
    line = [sys.executable, "-m", "hmexp", "serve", f"run={folder}/model", "data=sample", f"port={port}"]
    server = subprocess.Popen([*line, f"engine={engine}", "browser=false", *words], cwd=folder)
    while True:
        time.sleep(1)
        if server.poll() is not None:
            raise SystemExit("the server ended")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                if b'"ready"' in answer.read():
                    return server
        except OSError:
            continue


def a_picture() -> bytes:
    """A JPEG of the sample, 360x540."""
    import io

    from PIL import Image

    from hmexp.catalogue.sample import SAMPLE_VERSION, generate_sample
    from hmexp.config.record import PathsConfig

    root = PathsConfig().cache_path / "sample" / SAMPLE_VERSION
    generate_sample(root)
    stream = io.BytesIO()
    with Image.open(max((root / "images").rglob("*.jpg"), key=lambda path: path.stat().st_size)) as image:
        image.convert("RGB").resize((360, 540)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def load(args: argparse.Namespace) -> None:
    """Print latencies at saturation and below it."""
    picture, port = a_picture(), args.port
    title = f"{machine()}, engine={args.engine}, medians of {args.rounds} rounds"
    table = Table("load", "answers/s", "p50, ms", "p99, ms", "p99 / p50", "errors", title=title)
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(Path(folder), port, args.engine, args.words)
        try:
            asyncio.run(Load(port, picture).saturate(args.connections, 5))
            for name, rate, parts in rounds_of(args, port, picture):
                ratios = sorted(part.figures()[2] for part in parts)
                add(table, name, rate, parts, f" ({ratios[0]:.2f} to {ratios[-1]:.2f})")
            long = Load(port, picture)
            rate = asyncio.run(long.saturate(args.connections, args.seconds))
            add(table, f"saturation for {args.seconds:,} s", rate, [long])
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()
    console.print(table)
    console.print(f"picture of {len(picture) / 1000:.0f} kB, 360x540; statuses {dict(long.statuses)}")


def rounds_of(args: argparse.Namespace, port: int, picture: bytes) -> list[tuple[str, float, list[Load]]]:
    """Saturation, and 80 % of what it was just before, in turns: a shared machine is not as fast at all times."""
    full, rates = [], []
    below: dict[bool, list[Load]] = {False: [], True: []}
    for _ in range(args.rounds):
        for poisson, parts in below.items():
            full.append(Load(port, picture))
            rates.append(asyncio.run(full[-1].saturate(args.connections, args.part / 2)))
            parts.append(Load(port, picture))
            asyncio.run(parts[-1].at_rate(0.8 * rates[-1], args.part, poisson))
    rate = median(rates)
    return [
        (f"saturation, {args.connections} connections", rate, full),
        ("80 % of it, paced", 0.8 * rate, below[False]),
        ("80 % of it, Poisson", 0.8 * rate, below[True]),
    ]


def add(table: Table, name: str, rate: float, parts: list[Load], spread: str = "") -> None:
    """Add a row of medians."""
    p50, p99, ratio = np.median([part.figures() for part in parts], axis=0)
    errors, num = sum(part.errors for part in parts), sum(len(part.latencies) for part in parts)
    table.add_row(name, f"{rate:,.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{ratio:.2f}{spread}", f"{errors:,} of {num:,}")


def rate_of(run: Callable[[np.ndarray], Any], pixels: np.ndarray, calls: int) -> float:
    """Pictures a second of calls, one after another."""
    begun = time.perf_counter()
    for _ in range(calls):
        run(pixels)
    return calls * len(pixels) / (time.perf_counter() - begun)


def batched_rate(run: Callable[[np.ndarray], Any], callers: int, max_batch: int, num: int) -> float:
    """Pictures a second of callers that have one picture each."""
    from hmexp.serving.batcher import Batcher

    picture = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), np.uint8)

    async def ask_all() -> float:
        with ThreadPoolExecutor(1) as compute:
            batcher = Batcher(run, compute, max_batch, callers)

            async def caller() -> None:
                for _ in range(num // callers):
                    await batcher(picture)

            begun = time.perf_counter()
            await asyncio.gather(*(caller() for _ in range(callers)))
            return num // callers * callers / (time.perf_counter() - begun)

    return asyncio.run(ask_all())


def engines(args: argparse.Namespace) -> None:
    """Print what batches and onnxruntime gain."""
    from hmexp.runner.backend import start_inference

    device = start_inference("tensorflow", "auto")
    from hmexp.classifier import Classifier
    from hmexp.inference.export_graph import ExportGraph
    from hmexp.inference.formats import FORMATS
    from hmexp.serving.batcher import lengths
    from hmexp.serving.engines import keras_engine, warm_up

    model = cnn3(SIZE)
    runs = {"keras": keras_engine(Classifier(model, card(SIZE)))}
    with tempfile.TemporaryDirectory() as folder:
        FORMATS["onnx"].write(ExportGraph(model, card(SIZE), resizes=False), Path(folder), np.zeros(0))
        runs["onnx"] = FORMATS["onnx"].open(Path(folder))
    for run in runs.values():
        warm_up(run, SIZE, args.max_batch)
    rng = np.random.default_rng(0)
    table = Table("pictures/s", *runs, "onnx / keras", title=f"{machine()}, {device.words}, {args.rounds} rounds")
    for length in lengths(args.max_batch):
        pixels = rng.integers(0, 255, (length, SIZE, SIZE, 3), np.uint8)
        calls = max(4, args.num // length)
        rates = {name: median(rate_of(run, pixels, calls) for _ in range(args.rounds)) for name, run in runs.items()}
        row = f"{rates['keras']:,.0f}", f"{rates['onnx']:,.0f}", f"{rates['onnx'] / rates['keras']:.2f}"
        table.add_row(f"a compiled call, batch {length}", *row)
    for name, run in runs.items():
        found: dict[int, list[float]] = {1: [], args.max_batch: []}
        for _ in range(args.rounds):
            for max_batch, rates_ in found.items():
                rates_.append(batched_rate(run, args.connections, max_batch, args.num))
        single, batched = (median(values) for values in found.values())
        words = f"{name}: {args.connections} callers, one by one", f"{single:,.0f}", "", ""
        table.add_row(*words)
        table.add_row(
            f"{name}: batches of up to {args.max_batch}", f"{batched:,.0f}", "", f"{batched / single:.2f} times"
        )
    console.print(table)


def machine() -> str:
    """Of the table's head."""
    return f"{platform.node()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["load", "engines"])
    parser.add_argument("--seconds", type=int, default=120, help="of saturation, in which errors are counted")
    parser.add_argument("--part", type=int, default=20, help="seconds at 80 percent, in each round")
    parser.add_argument("--connections", type=int, default=24)
    parser.add_argument("--engine", default="keras")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--num", type=int, default=400)
    parser.add_argument("--max-batch", type=int, default=16)
    parser.add_argument("words", nargs="*", help="further words of the command, such as max_batch=1")
    arguments = parser.parse_args()
    {"load": load, "engines": engines}[arguments.what](arguments)
