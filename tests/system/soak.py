#!/usr/bin/env python3
"""A service in a bad world for a long time: files of every format keep coming, every fault of the sandbox fires by chance,
and at the end memory and descriptors are where they were and every record has its outcome.

usage: soak.py USHERD SANDBOX [--minutes 30]

Resident memory is looked at twice a second. What counts are the means of the second and of the last quarter, as the first
one warms up; descriptors are compared at rest, before and after.
"""
import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import time
import urllib.request

from spool_bench import Bench, finish_jobs, record

MOST_GROWTH = 0.05
USERS = 5000
# Each fires on so many of the calls that it can meet.
FAULTS = [
    {"call": "any", "action": "reset_before", "probability": 0.01},
    {"call": "create", "action": "reset_mid_body", "bytes": 1000, "probability": 0.01},
    {"call": "any", "action": "hang", "probability": 0.003},
    {"call": "any", "action": "redirect", "location": "https://localhost/", "probability": 0.0005},
    {"call": "any", "action": "status", "code": 500, "probability": 0.01},
    {"call": "any", "action": "status", "code": 502, "body": "html", "probability": 0.01},
    {"call": "any", "action": "status", "code": 503, "body": "empty", "retry_after": 1, "probability": 0.005},
    {"call": "any", "action": "status", "code": 500, "body": "truncated", "probability": 0.005},
    {"call": "any", "action": "status", "code": 500, "body": "oversized", "probability": 0.002},
    {"call": "create", "action": "status", "code": 429, "retry_after": 1, "probability": 0.01},
    {"call": "create", "action": "status", "code": 401, "probability": 0.0005},
    {"call": "any", "action": "delay", "delay": "300ms", "probability": 0.01},
    {"call": "create", "action": "job_stuck", "probability": 0.005},
    {"call": "create", "action": "job_fail", "probability": 0.005},
    {"call": "create", "action": "job_status", "word": "QUEUED", "probability": 0.005},
    {"call": "any", "action": "reset_after_commit", "probability": 0.01},
    {"call": "any", "action": "hang_after_commit", "probability": 0.003},
    {"call": "any", "action": "slow_headers", "delay": "20ms", "probability": 0.005},
    {"call": "any", "action": "slow_body", "delay": "20ms", "probability": 0.003},
    {"call": "any", "action": "truncate", "probability": 0.01},
    {"call": "any", "action": "garbage", "probability": 0.01},
    {"call": "any", "action": "close_after", "probability": 0.02},
]
SETTINGS = ["job_time=100ms", "job_time_spread=400ms", "apply_order=random", "record_error_probability=0.002",
            "running_batches=6", "in_progress_batches=12", "results_lag=1", "shuffle_fields=true", "extra_fields=true",
            "page_size=100", "reject_uids_with=bad"]
OPTIONS = ("api=request_timeout: 2s, connect_timeout: 2s;spool=keep_done: 20s, keep_rejected: 20s;"
           "batch=max_records: 300;limits=in_progress_batches: 12, job_timeout: 20s")


class Producer:
    """Drops a file of each format in turn."""

    def __init__(self, bench):
        self.bench = bench
        self.chance = random.Random(11)
        self.files = self.records = 0

    def drop_one(self):
        """A file of one record of a user of its own."""
        self.put(f"file-{self.files}.ndjson", record(f"alone{self.files}").encode(), 1)

    def drop(self):
        count = self.chance.randrange(1, 400)
        users = [self.chance.randrange(USERS) for _ in range(count)]
        lines = [record(f"u{user}", n=self.records + at, text="x" * self.chance.randrange(200))
                 for at, user in enumerate(users)]
        lines[0] = self.chance.choice(["not json\n", '{"uid":""}\n', record("bad" + str(users[0])), lines[0]])
        form = self.files % 4
        name = f"file-{self.files}" + (".ndjson", ".ndjson.gz", ".json", ".csv")[form]
        if form == 3:
            content = "uid,n:int\n" + "".join(f"u{user},{at}\n" for at, user in enumerate(users))
        elif form == 2:
            content = "[" + ",".join(line for line in lines[1:]) + "]"
            count -= 1
        else:
            content = "".join(lines)
        self.put(name, gzip.compress(content.encode()) if form == 1 else content.encode(), count)

    def put(self, name, data, count):
        hidden = self.bench.path("incoming", "." + name)
        with open(hidden, "wb") as out:
            out.write(data)
        os.rename(hidden, self.bench.path("incoming", name))
        self.files += 1
        self.records += count


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as text:
        return next(int(line.split()[1]) for line in text if line.startswith("VmRSS"))


def status(bench):
    done = subprocess.run([bench.usherd, "status", "--json", "--config", bench.config], capture_output=True, text=True,
                          timeout=60, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def descriptors(bench):
    """Open ones, but for those of sessions: these stay open for reuse."""
    sessions = status(bench)["sessions"]
    return len(os.listdir(f"/proc/{bench.process.pid}/fd")) - sessions["idle"] - sessions["busy"]


def set_faults(bench, rules):
    request = urllib.request.Request(bench.sandbox.facts["control"] + "/faults", method="PUT", data=json.dumps(rules).encode())
    urllib.request.urlopen(request, timeout=60).read()


def rest(bench, producer):
    """Everything settled. Meanwhile others go on sending, though little: a key under which the server stored a 401 is given
    up once that lasted ten minutes and others may send."""
    dropped = time.monotonic()

    def is_at_rest():
        nonlocal dropped
        now = status(bench)
        if bool(now) and now["state"] == "idle" and sum(now["files"].values()) == producer.files:
            return True
        if time.monotonic() - dropped > 20:
            producer.drop_one()
            dropped = time.monotonic()
        return False
    return bench.wait_for("rest", is_at_rest, longest=1500)


def soak(bench, minutes):
    producer = Producer(bench)
    bench.start()
    producer.drop()
    rest(bench, producer)
    at_rest = descriptors(bench)
    # One try without an answer, and to the next one a 401 that is stored under its key.
    set_faults(bench, [{"call": "create", "action": "hang", "times": 1},
                       {"call": "create", "action": "status", "code": 401, "times": 1}])
    producer.drop_one()
    bench.wait_for("a stored 401", lambda: all(rule["fired"] for rule in json.loads(bench.sandbox.get("/faults"))))
    set_faults(bench, FAULTS)
    samples = []
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end and bench.process.poll() is None:
        producer.drop()
        samples.append(resident_kib(bench.process.pid))
        # Jobs that never end would sooner or later take all of the organisation's places.
        if len(samples) % 120 == 0:
            finish_jobs(bench)
        try:
            bench.process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            pass
    bench.check(bench.process.poll() is None, "it ended in the middle")
    fired = {}
    for rule in json.loads(bench.sandbox.get("/faults")):
        fired[rule["action"]] = fired.get(rule["action"], 0) + rule["fired"]
    set_faults(bench, [])
    rest(bench, producer)
    quarter = len(samples) // 4
    early = sum(samples[quarter:2 * quarter]) / quarter
    late = sum(samples[-quarter:]) / quarter
    # Whoever asked for the status may not be gone yet, nor a connection that the server closed.
    bench.wait_for(f"{at_rest} descriptors", lambda: descriptors(bench) <= at_rest)
    left = descriptors(bench)
    bench.check("another key goes out" in bench.log_text(), "the key with the stored 401 was not given up")
    ended = status(bench)["records"]
    oracle = json.loads(bench.sandbox.get("/oracle"))
    bench.check(abs(late - early) <= MOST_GROWTH * early, f"memory went from {early:.0f} to {late:.0f} KiB")
    outcomes = {name: ended[name] for name in ("imported", "rejected", "merged", "unknown")}
    bench.check(sum(outcomes.values()) == producer.records, f"{producer.records} records dropped, {outcomes}")
    for name, count in fired.items():
        bench.check(count > 0, f"{name} never fired")
    # Users of a job that was given up are free, though the server still counts it: users_in_two_jobs says nothing here.
    bench.check(oracle["keys_with_two_bodies"] == 0, f"keys_with_two_bodies: {oracle['keys_with_two_bodies']}")
    print(json.dumps({"minutes": minutes, "files": producer.files, "records": producer.records, **outcomes,
                      "rekeyed": ended["rekeyed"], "faults_fired": sum(fired.values()), "rss_kib_early": round(early),
                      "rss_kib_late": round(late), "rss_kib_peak": max(samples), "fds_before": at_rest, "fds_after": left,
                      "applied_twice": oracle["bodies_applied_twice"]}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("usherd")
    parser.add_argument("sandbox")
    parser.add_argument("--minutes", type=float, default=30)
    arguments = parser.parse_args()
    bench = Bench(arguments.usherd, arguments.sandbox, settings=SETTINGS, options=OPTIONS)
    try:
        soak(bench, arguments.minutes)
    finally:
        bench.close()
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
