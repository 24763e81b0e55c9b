"""One contestant's one round: fresh synced data, the run under the meter, and what the sink saw of it."""
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from contestants import python
from sink import KEY

HERE = os.path.dirname(os.path.abspath(__file__))
LONGEST_LOG_S = 5


class Data:
    """The records, made once from their seed and kept."""

    def __init__(self, folder, records, files, seed, users=0):
        self.folder = os.path.join(folder, f"data-{records}-{files}-{seed}" + (f"-{users}" if users else ""))
        made = os.path.join(self.folder, "made.json")
        if not os.path.exists(made):
            shutil.rmtree(self.folder, ignore_errors=True)
            done = subprocess.run([sys.executable, os.path.join(HERE, "generate.py"), self.folder, "--records",
                                   str(records), "--files", str(files), "--seed", str(seed), "--bad", "0", "--users",
                                   str(users)],
                                  check=True, capture_output=True, text=True)
            with open(made, "w", encoding="utf-8") as out:
                out.write(done.stdout)
        self.names = sorted(name for name in os.listdir(self.folder) if name.endswith(".ndjson"))
        self.bytes = sum(os.path.getsize(os.path.join(self.folder, name)) for name in self.names)
        self.records = records

    def copy_into(self, folder):
        os.makedirs(folder, exist_ok=True)
        for name in self.names:
            path = os.path.join(folder, name)
            shutil.copyfile(os.path.join(self.folder, name), path)
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        # What others left to be written is not to be written in this one's time.
        os.sync()


class Context:
    """The folder of one round and what a contestant may need to know."""

    def __init__(self, folder, data, sink):
        self.folder, self.data, self.sink = folder, data, sink
        self.key_file = self.path("key")
        descriptor = os.open(self.key_file, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(KEY + "\n")

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def output(self):
        with open(self.path("stdout"), encoding="utf-8", errors="replace") as text:
            return text.read()

    def receipts(self, folder):
        sums = {"imported": 0, "merged": 0, "rejected": 0, "unknown": 0}
        for name in os.listdir(self.path(folder)):
            if name.endswith(".receipt.json"):
                with open(self.path(folder, name), encoding="utf-8") as text:
                    receipt = json.load(text)
                sums = {key: value + receipt[key] for key, value in sums.items()}
        return sums

    def fail(self, contestant, what):
        with open(self.path("stderr"), encoding="utf-8", errors="replace") as text:
            raise SystemExit(f"bench: {contestant.name} {what}; it said: {text.read()[-800:]}")


class Run:
    """A command under the meter."""

    def __init__(self, command, environment, context):
        self.last = None
        self.mark = context.sink.mark()
        read, write = os.pipe()
        self.pipe = os.fdopen(read, "rb", buffering=0)
        with open(context.path("stdout"), "wb") as out, open(context.path("stderr"), "wb") as err:
            self.began = time.time()
            self.meter = subprocess.Popen([python(), "-I", "-S", os.path.join(HERE, "meter.py"), str(write), *command],
                                          env=environment, cwd=context.folder, stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=err, pass_fds=[write])
        os.close(write)
        self.pid = json.loads(self._line(30))["pid"]

    def _line(self, seconds):
        line = b""
        end = time.monotonic() + seconds
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.pipe], [], [], max(0, end - time.monotonic()))
            byte = self.pipe.read(1) if ready else b""
            if not byte:
                self.kill()
                raise SystemExit("bench: a command gave no sign of its end in time")
            line += byte
        return line

    def ended(self):
        return bool(select.select([self.pipe], [], [], 0)[0])

    def report(self, seconds):
        if self.last is None:
            self.last = json.loads(self._line(seconds))
            self.meter.wait()
            self.pipe.close()
        return self.last

    def kill(self):
        """The command leads a session of its own, so that its children go with it. What ended the meter, as a
        signal to all of a terminal does, need not have ended the command."""
        if self.last is not None:
            return
        try:
            os.killpg(self.pid, 9)
        except (AttributeError, ProcessLookupError):
            self.meter.kill()
        self.meter.wait()


def processes_of(pid):
    found = [pid]
    for parent in found:
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{thread}/children", encoding="utf-8") as text:
                    found += [int(child) for child in text.read().split()]
        except OSError:
            continue
    return found


def pss_kib(pid):
    total = 0
    for process in processes_of(pid):
        try:
            with open(f"/proc/{process}/smaps_rollup", encoding="utf-8") as text:
                total += sum(int(line.split()[1]) for line in text if line.startswith("Pss:"))
        except OSError:
            continue
    return total


class PssWatch(threading.Thread):
    """The largest sum of Pss over all processes of a run. It costs the run CPU: only for rounds that do not count."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak_kib, self.over = pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            self.peak_kib = max(self.peak_kib, pss_kib(self.pid))

    def stop(self):
        self.over.set()
        self.join()
        return self.peak_kib


def wait_for_log(seen, contestant, data):
    """nginx writes its line once the answer is out: who exits at its last answer can be gone before."""
    end = time.monotonic() + LONGEST_LOG_S
    while contestant.verbatim and seen.lines_bytes < data.bytes and time.monotonic() < end:
        time.sleep(0.005)
        seen.update()
    return seen


def check_sink(contestant, context, seen):
    data = context.data
    if seen.incomplete or seen.refused:
        context.fail(contestant, f"had {seen.incomplete} bodies that came short and {seen.refused} requests refused")
    if any(not tls.startswith("TLSv1.3") for tls in seen.tls):
        context.fail(contestant, f"spoke {seen.tls}")
    # paste ends its line of lines with a newline.
    if contestant.verbatim and not data.bytes <= seen.lines_bytes <= data.bytes + seen.posts:
        context.fail(contestant, f"sent {seen.lines_bytes} bytes of lines, the files have {data.bytes}")
    # Who writes the records anew may choose other escapes.
    if not contestant.verbatim and seen.sent_bytes < 0.7 * data.bytes:
        context.fail(contestant, f"sent {seen.sent_bytes} bytes, the files have {data.bytes}")


def measure(contestant, data, sink, work, watch_pss):
    """One round of one contestant; what it took as a dictionary."""
    with tempfile.TemporaryDirectory(prefix="round-", dir=work) as folder:
        context = Context(folder, data, sink)
        data.copy_into(context.path(contestant.spool))
        contestant.prepare(context)
        sink_cpu = sink.cpu_s()
        run = Run(contestant.command(context), contestant.environment(context), context)
        watch = PssWatch(run.pid) if watch_pss else None
        try:
            report, wall = contestant.wait(context, run)
        finally:
            run.kill()
            pss = watch.stop() if watch else None
        contestant.check(context, report)
        seen = wait_for_log(sink.since(run.mark), contestant, data)
        check_sink(contestant, context, seen)
        millions = data.records / 1e6
        wall = wall or report["wall_s"]
        return {"wall_s": wall, "rate": data.records / wall, "cpu_s": report["cpu_s"] / millions,
                "sink_cpu_s": (sink.cpu_s() - sink_cpu) / millions, "rss_mib": report["peak_rss_kib"] / 1024,
                "pss_mib": pss / 1024 if pss else None, "posts": seen.posts, "reads": seen.reads,
                "merged": report.get("merged", 0), "connections": len(seen.connections), "tls": sorted(seen.tls),
                "first_post_s": seen.first_post - run.began if seen.first_post else None}
