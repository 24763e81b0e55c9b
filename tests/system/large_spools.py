#!/usr/bin/env python3
"""Spools of unusual size: very many small files, one very large file.

usage: large_spools.py USHERD SANDBOX [many|huge] [--files N] [--bytes N]
"""
import argparse
import json
import os
import select
import sys
import time

from spool_bench import Bench, record, run_scenarios

MIB = 1 << 20
MOST_MEMORY_KIB = 64 * 1024


def peak_kib(pid):
    """Of resident memory so far; 0 once the process has ended."""
    with open(f"/proc/{pid}/status", encoding="ascii") as text:
        return next((int(line.split()[1]) for line in text if line.startswith("VmHWM")), 0)


def drain_and_measure(bench, name, **facts):
    began = time.monotonic()
    bench.start("drain")
    # What wait4 tells of memory begins with that of this program, which was copied to start the other one.
    peak, pid = 0, 0
    while pid == 0:
        peak = max(peak, peak_kib(bench.process.pid))
        select.select([bench.process.stdout], [], [], 0.05)
        pid, status, used = os.wait4(bench.process.pid, os.WNOHANG)
    bench.process.returncode = os.waitstatus_to_exitcode(status)
    bench.printed = bench.process.stdout.read()
    code, bench.process = bench.process.returncode, None
    bench.check(code == 0, f"exit {code}: {bench.log_text()[-400:]}")
    print(json.dumps({"scenario": name, **facts, "wall_s": round(time.monotonic() - began, 1),
                      "cpu_s": round(used.ru_utime + used.ru_stime, 1), "peak_rss_kib": peak}), flush=True)
    bench.check(0 < peak < MOST_MEMORY_KIB, f"peak memory {peak} KiB")


def many(arguments):
    bench = Bench(arguments.usherd, arguments.sandbox)
    try:
        for number in range(arguments.files):
            with open(bench.path("incoming", f"f{number:06}.ndjson"), "w", encoding="utf-8") as out:
                out.write(record(f"u{number}", n=number))
        drain_and_measure(bench, "many", files=arguments.files)
        receipts = sum(name.endswith(".receipt.json") for name in os.listdir(bench.path("done")))
        bench.check(receipts == arguments.files, f"{receipts} receipts of {arguments.files} files")
        bench.check(not os.listdir(bench.path("incoming")), "incoming/ is not empty")
        bench.check(not bench.left_in_working(), "working/ is not empty")
        bench.check(len(bench.users()) == arguments.files, f"{len(bench.users())} users")
        bench.check_oracle()
    finally:
        bench.close()
    return 1 if bench.failures else 0


def huge(arguments):
    """Large records, so that the sandbox has few users to keep."""
    bench = Bench(arguments.usherd, arguments.sandbox, settings=["store_users=false"])
    try:
        values = {f"p{i:02}": "v" * 8000 for i in range(12)}
        records = 0
        with open(bench.path("incoming", ".huge.ndjson"), "w", encoding="utf-8", buffering=MIB) as out:
            while out.tell() < arguments.bytes:
                out.write(record(f"u{records}", **values))
                records += 1
        size = os.path.getsize(bench.path("incoming", ".huge.ndjson"))
        os.rename(bench.path("incoming", ".huge.ndjson"), bench.path("incoming", "huge.ndjson"))
        drain_and_measure(bench, "huge", bytes=size, records=records)
        bench.check_receipt("huge.ndjson", records=records, imported=records, bytes=size)
        bench.check_oracle()
    finally:
        bench.close()
    return 1 if bench.failures else 0


SCENARIOS = {"many": many, "huge": huge}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("usherd")
    parser.add_argument("sandbox")
    parser.add_argument("scenario", nargs="*")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--bytes", type=int, default=2 << 30)
    return run_scenarios(SCENARIOS, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
