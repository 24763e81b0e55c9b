#!/usr/bin/env python3
"""The disk of the spool is unmounted under a running daemon, and other folders stand below it.

usage: spool_away.py USHERD SANDBOX [SCENARIO...]

Mounts, for which it must be root; where mounting is forbidden it is skipped.
"""
import os
import shutil
import subprocess
import sys
import tempfile

from disk_faults import Mount, can_mount, parked_for
from spool_bench import SKIPPED, Bench, record, run_named

FOLDERS = ["done", "incoming", "rejected", "working"]


class MountedSpool:
    """A spool whose disk can be taken away; below it stand empty folders, on a disk of their own."""

    def __init__(self, folder):
        self.where = os.path.join(folder, "spool")
        self.real = os.path.join(folder, "real")
        self.below = Mount(self.where, "size=64m,mode=755")
        for name in FOLDERS:
            os.makedirs(os.path.join(self.where, name))
            os.makedirs(os.path.join(self.real, name))
        self.mount()

    def mount(self):
        subprocess.run(["mount", "--bind", self.real, self.where], check=True)
        self.is_mounted = True

    def unmount(self):
        subprocess.run(["umount", "-l", self.where], check=True)
        self.is_mounted = False

    def close(self):
        if self.is_mounted:
            self.unmount()
        self.below.close()


def on_mounted_spool(act):
    def run(arguments):
        if not can_mount():
            return SKIPPED
        folder = tempfile.mkdtemp(prefix="usherd-away-")
        mounted = MountedSpool(folder)
        bench = None
        try:
            bench = Bench(arguments.usherd, arguments.sandbox, folder=folder, options="batch=max_records: 50")
            act(bench, mounted)
            return 1 if bench.failures else 0
        finally:
            if bench is not None:
                bench.stop(9)
                bench.sandbox.stop()
            mounted.close()
            shutil.rmtree(folder)
    return run


def unmounted(bench, mounted):
    """Nothing ends, nothing is taken in or left below, and it goes on by itself once the disk is back."""
    bench.start()
    bench.wait_for("its start", lambda: " started; " in bench.log_text())
    bench.sandbox.patch({"listening": False})
    bench.drop("a.ndjson", "".join(record(f"a{i}", n=i) for i in range(2000)))
    bench.drop("c.csv", "uid,n:int\n" + "".join(f"c{i},{i}\n" for i in range(20)))
    bench.wait_for("both files", lambda: bench.ask_ledger("SELECT count(*) FROM files") == 2)
    bench.wait_for("batches", lambda: bench.ask_ledger("SELECT count(*) FROM batches") > 1)
    mounted.unmount()
    bench.drop("b.ndjson", record("b"))
    bench.sandbox.patch({"listening": True})
    bench.wait_for("a word of working/", lambda: parked_for(bench, "/working is another folder"))
    bench.wait_for("a batch that cannot be read", lambda: "cannot be sent" in bench.log_text())
    bench.check(sorted(os.listdir(bench.spool)) == FOLDERS, f"below: {os.listdir(bench.spool)}")
    for name in FOLDERS:
        there = os.listdir(bench.path(name))
        bench.check(there == (["b.ndjson"] if name == "incoming" else []), f"below, in {name}: {there}")
    mounted.mount()
    for name, records in (("a.ndjson", 2000), ("c.csv", 20)):
        bench.wait_for(f"the receipt of {name}", lambda name=name: bench.receipt(name), longest=180)
        bench.check_receipt(name, records=records, imported=records)
    bench.wait_for("an intake that goes on", lambda: not parked_for(bench, "/"))
    bench.check(bench.log_text().count("intake is parked") == 1, bench.log_text()[-600:])
    bench.check("parked: disk" not in bench.log_text(), bench.log_text()[-600:])
    bench.check(bench.stop() == 0, "it did not stop by itself")
    bench.check(bench.doctor() == 0, bench.printed)
    bench.check("b" not in bench.users(), "what lay below was sent")
    bench.check_oracle()


SCENARIOS = {"unmounted": on_mounted_spool(unmounted)}


if __name__ == "__main__":
    sys.exit(run_named(SCENARIOS, __doc__))
