#!/usr/bin/env python3
"""Runs one command and tells what it cost: whole life, with all children that it waited for.

usage: meter.py REPORT-FD COMMAND [ARGUMENT...]

Writes two JSON lines to REPORT-FD: {"pid"} at once, and at the end {"code", "wall_s", "cpu_s", "peak_rss_kib"}, where
the last is the largest single process. A process of its own, and a small one, because the kernel counts what a process
held before it became the command.
"""
import json
import os
import sys
import time


def main():
    report = int(sys.argv[1])
    os.set_inheritable(report, False)
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        try:
            os.execvp(sys.argv[2], sys.argv[2:])
        except OSError as error:
            os.write(2, f"meter: {sys.argv[2]}: {error.strerror}\n".encode())
            os._exit(127)
    os.write(report, json.dumps({"pid": child}).encode() + b"\n")
    _, status, used = os.wait4(child, 0)
    wall = time.monotonic() - began
    os.write(report, json.dumps({"code": os.waitstatus_to_exitcode(status), "wall_s": wall,
                                 "cpu_s": used.ru_utime + used.ru_stime, "peak_rss_kib": used.ru_maxrss}).encode() + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
