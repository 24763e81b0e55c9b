#!/usr/bin/env python3
"""Drains generated files into usher-sandbox as processes, and holds the outcome against what was dropped.

usage: pipeline.py USHERD SANDBOX GENERATE [--records N] [--files M] [--kills K] [--limits] [--job-time T]

Proves: every good user stands in the sandbox with exactly the expected properties, each bad record in rejected/ with
its line, receipts that add up, no 429, no batch run twice, budgets kept; with --kills that `kill -9` on the way changes
nothing of it; with --limits that limits lowered while jobs are in progress are obeyed and everything still arrives.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

# The sandbox is on this machine: a proxy of whoever runs this is not for it.
for name in ("https_proxy", "HTTPS_PROXY"):
    os.environ.pop(name, None)

# The longest that any one of our processes may take; all are ended by their pid.
LONGEST_S = 900


class Sandbox:
    def __init__(self, program, settings):
        command = [program, "--seed", "7"]
        for setting in settings:
            command += ["--set", setting]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.facts = json.loads(self.process.stdout.readline())

    def get(self, path):
        with urllib.request.urlopen(self.facts["control"] + path, timeout=60) as answer:
            return answer.read().decode()

    def patch(self, settings):
        request = urllib.request.Request(self.facts["control"] + "/settings", method="PATCH",
                                         data=json.dumps(settings).encode())
        urllib.request.urlopen(request, timeout=60).read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)


class Failures(list):
    def check(self, holds, message):
        if not holds:
            self.append(message)
            print("FAIL:", message)


def write_config(folder, facts, batches, operations, most_records):
    key = os.path.join(folder, "key")
    with open(key, "w", encoding="utf-8") as out:
        out.write(facts["key"] + "\n")
    os.chmod(key, 0o600)
    config = os.path.join(folder, "usherd.yaml")
    with open(config, "w", encoding="utf-8") as out:
        out.write(f"""api: {{base_url: "{facts['api']}", key_file: {key}, ca_file: {facts['ca_file']}}}
spool: {{directory: {folder}/spool, settle: 0s, rescan: 1s, min_free: 1MiB}}
state: {{directory: {folder}/state}}
batch: {{max_records: {most_records}}}
limits: {{in_progress_batches: {batches}, in_progress_operations: {operations}, requests_per_second: 1000, burst: 1000}}
admin: {{listen: "", socket: {folder}/admin.sock}}
log: {{level: warning}}
stop_timeout: 5s
""")
    return config


def drop(folder, data):
    incoming = os.path.join(folder, "spool", "incoming")
    for name in ("incoming", "working", "done", "rejected"):
        os.makedirs(os.path.join(folder, "spool", name), exist_ok=True)
    for name in sorted(os.listdir(data)):
        hidden = os.path.join(incoming, "." + name)
        shutil.copyfile(os.path.join(data, name), hidden)
        os.rename(hidden, os.path.join(incoming, name))


def start_drain(usherd, config):
    return subprocess.Popen([usherd, "drain", "--config", config], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def oracle(sandbox):
    return json.loads(sandbox.get("/oracle"))


def wait_received(process, sandbox, goal):
    """Waits until the sandbox has received that many records; false when the process ended before."""
    end = time.monotonic() + LONGEST_S
    while process.poll() is None and time.monotonic() < end:
        if oracle(sandbox)["records_received"] >= goal:
            return True
        select_pause(process)
    return False


def lower_limits(process, sandbox, goal, lowered, failures):
    """Once that many records were received, and with jobs in progress that are more than the new limits allow."""
    failures.check(wait_received(process, sandbox, goal), "the drain ended before the limits were lowered")
    sandbox.patch(lowered)


def drain_with_kills(usherd, config, sandbox, kills, total, failures, lowered=None):
    """Kills usherd whenever another share of the records has been received, then lets it finish."""
    for kill in range(kills):
        process = start_drain(usherd, config)
        if wait_received(process, sandbox, total * (kill + 1) // (kills + 2)):
            process.kill()
        process.communicate()
        failures.check(process.returncode == -signal.SIGKILL, f"kill {kill + 1} came too late: exit {process.returncode}")
    # Waited for by hand, so that the memory told is that of this one process.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen([usherd, "drain", "--config", config], stdout=out, stderr=err)
        signal.alarm(LONGEST_S)
        if lowered:
            lower_limits(process, sandbox, total // 5, lowered, failures)
        _, status, used = os.wait4(process.pid, 0)
        signal.alarm(0)
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        return process.returncode, err.read().decode(), used


def select_pause(process):
    try:
        process.wait(timeout=0.02)
    except subprocess.TimeoutExpired:
        pass


def number_equal(left, right):
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(number_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(number_equal, left, right))
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def check_users(failures, sandbox, expected_file):
    count = 0
    with urllib.request.urlopen(sandbox.facts["control"] + "/oracle/users", timeout=LONGEST_S) as answer, \
            open(expected_file, encoding="utf-8") as expected:
        for line in answer:
            user = json.loads(line)
            wanted = expected.readline()
            if not wanted:
                failures.check(False, f"user {user.get('uid')} should not exist")
                return
            wanted = json.loads(wanted)
            count += 1
            for member in ("uid", "display_name", "email", "properties"):
                if not number_equal(user.get(member) or None, wanted.get(member) or None):
                    failures.check(False, f"{wanted['uid']}: {member} is {user.get(member)!r}, not {wanted.get(member)!r}")
                    return
        failures.check(not expected.readline(), f"only {count} users arrived")


def left_in_working(spool):
    return os.listdir(os.path.join(spool, "working"))


def check_receipts(failures, folder, made):
    sums = dict.fromkeys(("records", "imported", "rejected", "merged", "unknown"), 0)
    done = os.path.join(folder, "spool", "done")
    for name in os.listdir(done):
        if not name.endswith(".receipt.json"):
            continue
        with open(os.path.join(done, name), encoding="utf-8") as text:
            receipt = json.load(text)
        for key in sums:
            sums[key] += receipt[key]
        ended = receipt["imported"] + receipt["rejected"] + receipt["merged"] + receipt["unknown"]
        failures.check(ended == receipt["records"], f"{name}: {ended} outcomes of {receipt['records']} records")
    failures.check(sums["records"] == made["records"], f"receipts count {sums['records']} records of {made['records']}")
    failures.check(sums["rejected"] == made["bad"], f"{sums['rejected']} rejected of {made['bad']} bad ones")
    failures.check(sums["unknown"] == 0, f"{sums['unknown']} unknown")
    failures.check(sums["imported"] + sums["merged"] == made["good"], "imported and merged do not add up")
    return sums


def check_rejects(failures, folder, data, made):
    lines = 0
    rejected = os.path.join(folder, "spool", "rejected")
    for name in sorted(os.listdir(rejected)):
        with open(os.path.join(rejected, name), encoding="utf-8") as text:
            rejects = [json.loads(line) for line in text]
        with open(os.path.join(data, name.removesuffix(".rejects.ndjson")), "rb") as source:
            originals = source.read()
        by_line = originals.split(b"\n")
        for reject in rejects:
            lines += 1
            raw = by_line[reject["line"] - 1]
            same = raw == originals[reject["offset"]:reject["offset"] + len(raw)]
            failures.check(same, f"{name}: offset {reject['offset']} is not that of line {reject['line']}")
            if "raw" in reject:
                failures.check(reject["raw"].encode() == raw, f"{name}:{reject['line']}: raw differs")
            failures.check(bool(reject["code"]) and bool(reject["message"]), f"{name}:{reject['line']}: no reason")
    failures.check(lines == made["bad"], f"{lines} reject lines for {made['bad']} bad records")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("usherd")
    parser.add_argument("sandbox")
    parser.add_argument("generate")
    parser.add_argument("--records", type=int, default=30_000)
    parser.add_argument("--files", type=int, default=6)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--limits", action="store_true")
    parser.add_argument("--job-time", default="200ms")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="usherd-pipeline-")
    failures = Failures()
    data, expected = os.path.join(folder, "data"), os.path.join(folder, "expected.ndjson")
    made = json.loads(subprocess.run([sys.executable, arguments.generate, data, "--records", str(arguments.records),
                                      "--files", str(arguments.files), "--expected", expected],
                                     check=True, capture_output=True, text=True).stdout)
    sandbox = Sandbox(arguments.sandbox, [f"job_time={arguments.job_time}"])
    try:
        batches, operations, most_records, lowered = 90, 450_000, "auto", None
        if arguments.limits:
            # Batches so small that a fifth of the records is received with several waves of jobs to come.
            batches, most_records = 20, max(1, arguments.records // 100)
            # The sandbox reads one body at a time: what it finds waiting behind one is not early for a second.
            lowered = {"in_progress_batches": 3, "in_progress_operations": 3 * most_records,
                       "retry_after_seconds": 2, "early_grace": "1s"}
        config = write_config(folder, sandbox.facts, batches, operations, most_records)
        drop(folder, data)
        began = time.monotonic()
        code, err, used = drain_with_kills(arguments.usherd, config, sandbox, arguments.kills, made["good"], failures, lowered)
        wall = time.monotonic() - began
        seen = oracle(sandbox)
        failures.check(code == 2, f"exit {code}: {err}")
        failures.check(used.ru_maxrss < 64 * 1024, f"peak memory {used.ru_maxrss} KiB")
        check_users(failures, sandbox, expected)
        sums = check_receipts(failures, folder, made)
        check_rejects(failures, folder, data, made)
        failures.check(seen["bodies_applied_twice"] == 0 and seen["applied_twice"] == 0, "a batch ran twice")
        failures.check(seen["keys_with_two_bodies"] == 0, "a key went out with two bodies")
        failures.check(seen["users_in_two_jobs"] == 0, "a user stood in two unfinished jobs")
        failures.check(seen["peak_in_progress_batches"] <= batches, "more batches in progress than budgeted")
        failures.check(seen["peak_in_progress_operations"] <= operations, "more operations in progress than budgeted")
        if arguments.limits:
            failures.check(seen["answered_429"] > 0, "the lowered limits were never met")
            failures.check(seen["early_after_retry_after"] == 0, "a Retry-After was not obeyed")
        else:
            failures.check(seen["answered_429"] == 0, f"{seen['answered_429']} POSTs answered 429")
        left = left_in_working(os.path.join(folder, "spool"))
        failures.check(not left, f"working/ still holds {left[:3]}")
        print(json.dumps({"wall_s": round(wall, 2), "records": made["records"], **sums, "exit": code,
                          "peak_rss_kib": used.ru_maxrss, "cpu_s": round(used.ru_utime + used.ru_stime, 2), "posts": seen["posts"], "jobs": seen["jobs_created"],
                          "polls": seen["requests"]["status"], "answered_429": seen["answered_429"],
                          "peak_batches": seen["peak_in_progress_batches"],
                          "peak_operations": seen["peak_in_progress_operations"]}))
    finally:
        sandbox.stop()
        if not failures:
            shutil.rmtree(folder)
        else:
            print("kept for a look:", folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
