#!/usr/bin/env python3
"""`usherd doctor` where accepted files were cut short, renamed, or removed with their folder.

usage: doctor_files_test.py USHERD SANDBOX [SCENARIO...]
"""
import os
import re
import shutil
import signal
import sys

from spool_bench import record, run_named, scenario


def words(bench):
    return sorted(set(re.findall(r"^([a-z_]+): ", bench.printed, re.MULTILINE)))


def accept(bench, linger="600s"):
    """Leaves a.ndjson, of ten records, and b.csv, of two, accepted: with a short linger frozen, too."""
    usual, bench.linger = bench.linger, linger
    bench.write_config()
    bench.drop("a.ndjson", "".join(record(f"a{i}", n=i) for i in range(10)))
    bench.drop("b.csv", "uid,plan\n1,x\n2,y\n")
    bench.sandbox.patch({"region": "eu1"})  # 401: nothing goes out
    bench.start()
    bench.wait_for("both accepted", lambda: bench.ask_ledger("SELECT sum(state = 1) FROM files") == 2)
    if linger != "600s":
        bench.wait_for("frozen", lambda: bench.ask_ledger("SELECT sum(records) FROM shares") == 12)
    bench.stop(signal.SIGKILL)
    bench.sandbox.patch({"region": "any"})
    bench.linger = usual
    bench.write_config()


def short_file(bench):
    """A cut file is told, and left as it is; put back, or cut and started, all of it has its end."""
    accept(bench)
    path = bench.working("a.ndjson")
    whole = open(path, "rb").read()
    os.truncate(path, len(whole) // 2)
    for options in ((), ("--repair",)):
        bench.check(bench.doctor(*options) == 2 and words(bench) == ["short_file"], bench.printed)
        bench.check(f"{len(whole)} bytes" in bench.printed and "file_changed" in bench.printed, bench.printed)
        bench.check(os.path.getsize(path) == len(whole) // 2, "it was written to")
    with open(path, "r+b") as out:
        out.write(whole)
    bench.check(bench.doctor() == 0, bench.printed)
    os.truncate(path, 0)
    bench.check(bench.doctor() == 2 and words(bench) == ["short_file"], bench.printed)
    bench.check(bench.drain() == 2, bench.log_text()[-400:])
    bench.check([line["code"] for line in bench.rejects("a.ndjson")] == ["file_changed"], bench.rejects("a.ndjson"))
    bench.check_receipt("b.csv", imported=2)


def repaired_file(bench):
    """What a repair emptied is found no more, and leaves nothing behind."""
    accept(bench)
    os.unlink(bench.working("a.ndjson"))
    bench.check(bench.doctor("--repair") == 0 and words(bench) == ["missing_file"], bench.printed)
    for options in ((), ("--repair",)):
        bench.check(bench.doctor(*options) == 0 and "in order" in bench.printed, bench.printed)
    bench.check(bench.drain() == 2, bench.log_text()[-400:])
    bench.check(not bench.left_in_working(), f"working/ holds {bench.left_in_working()}")
    bench.check(bench.doctor() == 0, bench.printed)


def folder_is_gone(bench):
    """working/ was removed: what was in it is told, file by file, and a repair brings all to their end."""
    accept(bench, linger="50ms")
    shutil.rmtree(bench.path("working"))
    bench.check(bench.doctor() == 2, bench.printed)
    bench.check({"missing_folder", "missing_file"} <= set(words(bench)), bench.printed)
    bench.check("nothing was ever accepted" not in bench.printed, bench.printed)
    bench.check(not os.path.exists(bench.path("working")), "looking made the folder")
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(os.stat(bench.path("working")).st_mode & 0o777 == 0o700, "others may look into working/")
    bench.check(bench.doctor() == 0, bench.printed)
    bench.check(bench.drain() == 2, bench.log_text()[-400:])
    bench.check_receipt("a.ndjson", records=10, unknown=10)
    bench.check_receipt("b.csv", records=2, unknown=2)
    bench.check(not bench.left_in_working(), f"working/ holds {bench.left_in_working()}")
    bench.check_oracle()


def renamed_file(bench):
    """A file under another name of its number is no orphan: its records are on their way already."""
    accept(bench, linger="50ms")
    path = bench.working("a.ndjson")
    other = path.replace("a.ndjson", "q.ndjson")
    os.rename(path, other)
    bench.check(bench.doctor() == 2, bench.printed)
    bench.check("renamed" in words(bench) and not {"orphan", "missing_file"} & set(words(bench)), bench.printed)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(os.path.exists(path) and not os.path.exists(other), "it was not renamed back")
    bench.check(not os.listdir(bench.path("incoming")), f"incoming/ holds {os.listdir(bench.path('incoming'))}")
    bench.check(bench.doctor() == 0, bench.printed)
    # Another one of that number may hold what was accepted, too: it is not taken in anew.
    with open(other, "wb") as out:
        out.write(open(path, "rb").read() + b"\n")
    os.unlink(path)
    bench.check(bench.doctor() == 2 and {"orphan", "missing_file"} <= set(words(bench)), bench.printed)
    bench.check("moves it back" not in bench.printed, bench.printed)
    os.rename(other, path)
    bench.check(bench.drain() == 0, bench.log_text()[-400:])
    bench.check_receipt("a.ndjson", records=10, imported=10)
    bench.check_oracle()


SCENARIOS = {act.__name__: scenario(act) for act in (short_file, repaired_file, folder_is_gone, renamed_file)}


if __name__ == "__main__":
    sys.exit(run_named(SCENARIOS, __doc__))
