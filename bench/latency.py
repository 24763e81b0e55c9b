#!/usr/bin/env python3
"""Measures how long files of one record wait: from their rename in incoming/ to the job that the POST made, beyond
batch.linger, and from the job's end to the receipt.

usage: latency.py USHERD SANDBOX [--rate FILES_A_SECOND] [--files N] [--linger 1s] [--job-time 200ms] [--idle SECONDS]

Prints one JSON line with p50 and p99 in milliseconds; with --idle also how much of a core usherd uses while nothing comes. The job's creation is the sandbox's own time of it, to the
millisecond, after the whole body was read: an upper bound for the first byte of the POST.
"""
import argparse
import datetime
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

# The sandbox is on this machine: a proxy of whoever runs this is not for it.
for name in ("https_proxy", "HTTPS_PROXY"):
    os.environ.pop(name, None)

LONGEST_S = 600


def milliseconds(text):
    for unit, factor in (("ms", 1), ("s", 1000)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise SystemExit(f"latency: not a duration in ms or s: {text}")


def wall_ms(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() * 1000


def write_config(folder, facts, linger):
    key = os.path.join(folder, "key")
    descriptor = os.open(key, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(facts["key"] + "\n")
    config = os.path.join(folder, "usherd.yaml")
    with open(config, "w", encoding="utf-8") as out:
        out.write(f"""api: {{base_url: "{facts['api']}", key_file: {key}, ca_file: {facts['ca_file']}}}
spool: {{directory: {folder}/spool, min_free: 1MiB}}
state: {{directory: {folder}/state}}
batch: {{linger: {linger}}}
limits: {{requests_per_second: 1000, burst: 1000}}
admin: {{listen: "", socket: {folder}/admin.sock}}
log: {{level: warning}}
""")
    return config


def drop(spool, name, uid):
    """Gives the wall time of the rename in milliseconds."""
    hidden = os.path.join(spool, "incoming", "." + name)
    with open(hidden, "w", encoding="utf-8") as out:
        out.write(json.dumps({"uid": uid, "properties": {"plan": "basic"}}) + "\n")
        out.flush()
        os.fsync(out.fileno())
    os.rename(hidden, os.path.join(spool, "incoming", name))
    return time.time() * 1000


def receipts(spool, count):
    """Waits for the receipts: (name, mtime in milliseconds, receipt)."""
    done = os.path.join(spool, "done")
    end = time.monotonic() + LONGEST_S
    while True:
        names = [name for name in os.listdir(done) if name.endswith(".receipt.json")]
        if len(names) >= count:
            break
        if time.monotonic() > end:
            raise SystemExit(f"latency: only {len(names)} of {count} files ended")
        select.select([], [], [], 0.05)
    for name in names:
        path = os.path.join(done, name)
        with open(path, encoding="utf-8") as text:
            yield json.load(text), os.stat(path).st_mtime_ns / 1e6


def cpu_seconds(pid):
    # In nanoseconds, where the ticks of /proc/PID/stat are too coarse for a process that sleeps.
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="utf-8") as text:
            total += int(text.read().split()[0])
    return total / 1e9


def idle_share(pid, seconds):
    before = cpu_seconds(pid)
    select.select([], [], [], seconds)
    return (cpu_seconds(pid) - before) / seconds


def spread(values):
    values = sorted(values)
    return {"p50": round(values[len(values) // 2], 1), "p99": round(values[min(len(values) - 1, len(values) * 99 // 100)], 1),
            "max": round(values[-1], 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("usherd")
    parser.add_argument("sandbox")
    parser.add_argument("--rate", type=float, default=1)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--linger", default="1s")
    parser.add_argument("--job-time", default="200ms")
    parser.add_argument("--idle", type=float, default=0, help="seconds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="usherd-latency-") as folder:
        sandbox = subprocess.Popen([arguments.sandbox, "--set", f"job_time={arguments.job_time}"],
                                   stdout=subprocess.PIPE, text=True)
        facts = json.loads(sandbox.stdout.readline())
        spool = os.path.join(folder, "spool")
        for name in ("incoming", "working", "done", "rejected"):
            os.makedirs(os.path.join(spool, name))
        usherd = subprocess.Popen([arguments.usherd, "run", "--config", write_config(folder, facts, arguments.linger)])
        try:
            # The first file also waits for the start and for the first connection: it is not counted.
            drop(spool, "warm-up.ndjson", "warm-up")
            list(receipts(spool, 1))
            dropped = {}
            begun = time.monotonic()
            for number in range(arguments.files):
                pause = begun + number / arguments.rate - time.monotonic()
                if pause > 0:
                    select.select([], [], [], pause)
                name = f"f{number:06d}.ndjson"
                dropped[name] = drop(spool, name, f"user-{number}")
            ended = [(receipt, at) for receipt, at in receipts(spool, arguments.files + 1) if receipt["file"] in dropped]
            with urllib.request.urlopen(facts["control"] + "/oracle/jobs", timeout=60) as answer:
                jobs = {job["id"]: job for job in json.loads(answer.read())}
            idle = idle_share(usherd.pid, arguments.idle) if arguments.idle else None
        finally:
            for process in (usherd, sandbox):
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)
        to_post, to_receipt = [], []
        for receipt, settled in ended:
            job = jobs[receipt["batches"][0]["job"]]
            to_post.append(wall_ms(job["created"]) - dropped[receipt["file"]] - milliseconds(arguments.linger))
            to_receipt.append(settled - wall_ms(job["finished"]))
        at_rest = {"idle_share_of_a_core": round(idle, 6)} if idle is not None else {}
        print(json.dumps({"rate": arguments.rate, **at_rest, "files": len(ended), "jobs": len(jobs),
                          "rename_to_post_beyond_linger_ms": spread(to_post),
                          "job_end_to_receipt_ms": spread(to_receipt)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
