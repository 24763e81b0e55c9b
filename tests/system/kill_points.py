#!/usr/bin/env python3
"""Kills `usherd drain` at the n-th system call of each kind, starts it again, and holds the outcome against what was
dropped.

usage: kill_points.py USHERD SANDBOX [--points N] [--seed S]

strace kills the process as it enters the call, so that all effects before it happened and none after. Proves for each
point: every record has one outcome, the newest value of every user stands in the sandbox, no body ran twice, no key went
out with two bodies, no user stood in two unfinished jobs, budgets were kept, and nothing is left in working/.
"""
import argparse
import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

from pipeline import Failures, Sandbox, left_in_working, oracle

# By what they do: bytes into files and sockets, syncs, names, what is taken in, and the ledger's own writes.
KINDS = ["write", "pwrite64", "fdatasync", "fsync", "rename", "renameat2", "unlink", "sendmsg", "sendto", "recvmsg",
         "openat", "ftruncate", "epoll_wait"]
LONGEST_S = 120
USERS, POISONED, BATCHES, OPERATIONS = 40, 3, 6, 90


def make_data(folder, seed):
    """Three files, one of them converted first; the expected users and how many records end in which way."""
    dice = random.Random(seed)
    expected, sums, number = {}, collections.Counter(), 0
    os.makedirs(folder)
    for name in ("a.ndjson", "b.json", "c.jsonl"):
        records = []
        for _ in range(dice.randint(90, 140)):
            number += 1
            kind = dice.random()
            # One user in half of the records; the others share the rest.
            uid = "hot" if kind < 0.5 else f"u{dice.randrange(USERS)}"
            record = {"uid": uid, "properties": {"seq": number, f"p{number % 3}": number}}
            if kind > 0.97:
                record = {"uid": f"poison{dice.randrange(POISONED)}", "properties": {"seq": number}}
                sums["rejected"] += 1
            elif kind > 0.94:
                record = {"uid": "", "properties": {}}
                sums["rejected"] += 1
            else:
                expected.setdefault(uid, {}).update(record["properties"])
                sums["good"] += 1
            records.append(record)
        sums["records"] += len(records)
        with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
            if name.endswith(".json"):
                json.dump(records, out)
            else:
                out.writelines(json.dumps(record) + "\n" for record in records)
    return expected, sums


def write_config(folder, facts):
    key = os.path.join(folder, "key")
    with open(key, "w", encoding="utf-8") as out:
        out.write(facts["key"] + "\n")
    os.chmod(key, 0o600)
    config = os.path.join(folder, "usherd.yaml")
    with open(config, "w", encoding="utf-8") as out:
        out.write(f"""api: {{base_url: "{facts['api']}", key_file: {key}, ca_file: {facts['ca_file']}, sessions: 4}}
spool: {{directory: {folder}/spool, settle: 0s, rescan: 1s, min_free: 1MiB}}
state: {{directory: {folder}/state}}
batch: {{max_records: 15, linger: 20ms}}
limits: {{in_progress_batches: {BATCHES}, in_progress_operations: {OPERATIONS}, requests_per_second: 1000, burst: 1000}}
admin: {{listen: "", socket: {folder}/admin.sock}}
log: {{level: warning}}
stop_timeout: 5s
""")
    return config


class Run:
    """One spool, from the drop to the last outcome."""

    def __init__(self, programs, sandbox, data):
        self.programs, self.sandbox, self.data = programs, sandbox, data
        self.folder = tempfile.mkdtemp(prefix="usherd-kill-")
        for name in ("incoming", "working", "done", "rejected"):
            os.makedirs(os.path.join(self.folder, "spool", name))
        for name in sorted(os.listdir(data)):
            shutil.copyfile(os.path.join(data, name), os.path.join(self.folder, "spool", "incoming", name))
        self.config = write_config(self.folder, sandbox.facts)
        urllib.request.urlopen(urllib.request.Request(sandbox.facts["control"] + "/reset", method="POST"), timeout=60)

    def drain(self, prefix=()):
        done = subprocess.run([*prefix, self.programs.usherd, "drain", "--config", self.config], capture_output=True,
                              text=True, timeout=LONGEST_S, check=False)
        return done.returncode, done.stderr

    def trace(self, kinds):
        """How often one thread enters each kind, the busiest counted: strace counts for each thread by itself."""
        out = os.path.join(self.folder, "trace")
        code, err = self.drain(["strace", "-f", "-qq", "-e", "trace=" + ",".join("?" + kind for kind in kinds), "-e",
                                "signal=none", "-o", out])
        if code != 2:
            raise RuntimeError(f"the run without a kill ended with {code}: {err}")
        calls = collections.Counter()
        with open(out, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                entered = re.match(r"(\d+) +(\w+)\(", line)
                if entered:
                    calls[entered.group(2), entered.group(1)] += 1
        most = collections.Counter()
        for (kind, _), count in calls.items():
            most[kind] = max(most[kind], count)
        return most

    def kill_at(self, kind, number):
        """False when the run came to its end before."""
        code, _ = self.drain(["strace", "-f", "-qq", "-e", f"trace={kind}", "-e", f"inject={kind}:signal=KILL:when={number}",
                              "-o", "/dev/null"])
        return code in (-9, 137)

    def check(self, failures, expected, sums):
        code, err = self.drain()
        # 0 where all that was refused had been settled before the kill.
        failures.check(code in (0, 2), f"exit {code}: {err}")
        seen = oracle(self.sandbox)
        for count in ("applied_twice", "bodies_applied_twice", "keys_with_two_bodies", "users_in_two_jobs"):
            failures.check(seen[count] == 0, f"{count} is {seen[count]}")
        failures.check(seen["peak_in_progress_batches"] <= BATCHES, "more batches in progress than budgeted")
        failures.check(seen["peak_in_progress_operations"] <= OPERATIONS, "more operations in progress than budgeted")
        self.check_users(failures, expected)
        self.check_files(failures, sums)
        left = left_in_working(os.path.join(self.folder, "spool"))
        failures.check(not left, f"working/ still holds {left[:3]}")
        left = os.listdir(os.path.join(self.folder, "spool", "incoming"))
        failures.check(not left, f"incoming/ still holds {left[:3]}")

    def check_users(self, failures, expected):
        found = {}
        for line in self.sandbox.get("/oracle/users").splitlines():
            user = json.loads(line)
            found[user["uid"]] = user["properties"]
        for uid in sorted(expected.keys() | found.keys()):
            failures.check(found.get(uid) == expected.get(uid),
                           f"{uid} holds {found.get(uid)}, not {expected.get(uid)}")

    def check_files(self, failures, sums):
        counts, lines = collections.Counter(), 0
        done = os.path.join(self.folder, "spool", "done")
        for name in os.listdir(done):
            if name.endswith(".receipt.json"):
                with open(os.path.join(done, name), encoding="utf-8") as text:
                    receipt = json.load(text)
                counts.update({key: receipt[key] for key in ("records", "imported", "merged", "rejected", "unknown")})
        rejected = os.path.join(self.folder, "spool", "rejected")
        for name in os.listdir(rejected):
            with open(os.path.join(rejected, name), encoding="utf-8") as text:
                places = [(reject["line"], reject["offset"]) for reject in map(json.loads, text)]
            failures.check(len(set(places)) == len(places), f"{name}: a record is rejected twice")
            lines += len(places)
        failures.check(counts["records"] == sums["records"], f"{counts['records']} records of {sums['records']}")
        failures.check(counts["imported"] + counts["merged"] == sums["good"], f"{counts} for {sums}")
        failures.check(counts["rejected"] == sums["rejected"] == lines, f"{counts['rejected']} rejected, {lines} lines")
        failures.check(counts["unknown"] == 0, f"{counts['unknown']} unknown")

    def remove(self):
        shutil.rmtree(self.folder)


def choose(most, points, dice):
    """Every kind in turn: its first call, then any of them."""
    kinds = [kind for kind in KINDS if most[kind] > 0]
    return [(kinds[i % len(kinds)], 1 if i < len(kinds) else dice.randint(1, most[kinds[i % len(kinds)]]))
            for i in range(points)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("usherd")
    parser.add_argument("sandbox")
    parser.add_argument("--points", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    programs = parser.parse_args()
    dice = random.Random(programs.seed)
    failures = Failures()
    scratch = tempfile.mkdtemp(prefix="usherd-kill-data-")
    data = os.path.join(scratch, "data")
    expected, sums = make_data(data, programs.seed)
    sandbox = Sandbox(programs.sandbox, ["job_time=10ms", "job_time_spread=20ms", "apply_order=random",
                                         "reject_uids_with=poison"])
    killed, kinds = 0, collections.Counter()
    try:
        run = Run(programs, sandbox, data)
        most = run.trace(KINDS)
        run.remove()
        for kind, number in choose(most, programs.points, dice):
            run = Run(programs, sandbox, data)
            if run.kill_at(kind, number):
                killed += 1
                kinds[kind] += 1
            before = len(failures)
            run.check(failures, expected, sums)
            if len(failures) > before:
                print(f"killed at {kind} number {number}; kept for a look: {run.folder}")
                break
            run.remove()
        # A run may need fewer calls than the one that was counted; most must have met their kill.
        failures.check(killed >= programs.points * 3 // 4, f"only {killed} of {programs.points} runs were killed")
        failures.check(len(kinds) >= 8 or programs.points < 13, f"only these kinds were met: {sorted(kinds)}")
        print(json.dumps({"points": programs.points, "killed": killed, "by_kind": kinds, "calls": most}))
    finally:
        sandbox.stop()
        shutil.rmtree(scratch)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
