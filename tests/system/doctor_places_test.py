#!/usr/bin/env python3
"""`usherd doctor`, and a start, where folders, state directory or ledger are not what they should be.

usage: doctor_places_test.py USHERD SANDBOX [SCENARIO...]
"""
import os
import re
import shutil
import sqlite3
import sys

from spool_bench import record, run_named, scenario


def words(bench):
    return re.findall(r"^([a-z_]+): ", bench.printed, re.MULTILINE)


def deliver(bench, name="a.ndjson"):
    bench.drop(name, record("a", n=1))
    bench.check(bench.drain() == 0, bench.log_text()[-400:])


def refused(bench, *said):
    bench.check(bench.drain() == 78, "it started")
    last = bench.log_text().strip().splitlines()[-1]
    for text in said:
        bench.check(text in last, f"{text!r} is not in {last!r}")


def odd_folders(bench):
    """A folder that is a file, or a link to a folder: found and named, and a start says what to do."""
    deliver(bench)
    for name in ("incoming", "done", "working"):
        aside = bench.path(name + ".aside")
        os.rename(bench.path(name), aside)
        open(bench.path(name), "w", encoding="utf-8").close()
        bench.check(bench.doctor() == 2 and words(bench) == ["odd_folder"], f"{name}: {bench.printed}")
        bench.check(bench.path(name) in bench.printed, bench.printed)
        refused(bench, bench.path(name), "not a directory", "move it away")
        os.unlink(bench.path(name))
        os.symlink(aside, bench.path(name))
        bench.check(bench.doctor("--repair") == 2 and words(bench) == ["odd_folder"], f"{name}: {bench.printed}")
        refused(bench, bench.path(name), "symbolic link", "move it away")
        os.unlink(bench.path(name))
        os.rename(aside, bench.path(name))
    bench.check(bench.doctor() == 0, bench.printed)


def damaged_ledger(bench):
    """What SQLite says is no help by itself."""
    deliver(bench)
    with open(os.path.join(bench.folder, "state", "ledger.sqlite"), "wb") as out:
        out.write(b"nothing of a database" * 500)
    refused(bench, "not a database", "usherd doctor", "copy of the state directory")


def newer_ledger(bench):
    """A ledger of a later version is whole: nobody is told to move it away."""
    deliver(bench)
    ledger = sqlite3.connect(os.path.join(bench.folder, "state", "ledger.sqlite"))
    ledger.execute("PRAGMA user_version = 9")
    ledger.close()
    for options in ((), ("--repair",)):
        bench.check(bench.doctor(*options) == 2 and words(bench) == ["newer_ledger"], bench.printed)
        bench.check("install the version" in bench.printed and "away" not in bench.printed, bench.printed)
    refused(bench, "install the version")


def state_is_gone(bench):
    """The spool knows a state directory, and there is none, or an empty one."""
    deliver(bench)
    state = os.path.join(bench.folder, "state")
    for is_empty in (False, True):
        shutil.rmtree(state)
        if is_empty:
            os.mkdir(state)
        bench.check(bench.doctor() == 2 and words(bench) == ["not_together"], bench.printed)
        bench.check(os.path.exists(state) == is_empty, "looking made a state directory")
        refused(bench, "doctor")
        bench.check(bench.doctor("--repair") == 0 and words(bench) == ["not_together"], bench.printed)
        bench.check(is_empty or os.stat(state).st_mode & 0o777 == 0o700, "others may look into the state directory")
        bench.check(bench.doctor() == 0, bench.printed)
        deliver(bench, f"{is_empty}.ndjson")


def spool_is_gone(bench):
    """The state knows files, and there is no spool, or an empty one: nothing was lost that a doctor may deny."""
    deliver(bench)
    aside = bench.spool + ".aside"
    os.rename(bench.spool, aside)
    for is_empty in (False, True):
        if is_empty:
            os.mkdir(bench.spool)
        bench.check(bench.doctor() == 2 and words(bench) == ["not_together"], bench.printed)
        bench.check("nothing was ever accepted" not in bench.printed, bench.printed)
        bench.check(os.path.exists(bench.spool) == is_empty and not (is_empty and os.listdir(bench.spool)),
                    "looking made something")
    ledger = sqlite3.connect(os.path.join(bench.folder, "state", "ledger.sqlite"))
    ledger.execute("UPDATE files SET state = 1")
    ledger.commit()
    bench.check(bench.doctor("--repair") == 2 and words(bench) == ["not_together"], bench.printed)
    bench.check("--repair:" not in bench.printed and not os.listdir(bench.spool), bench.printed)
    ledger.execute("UPDATE files SET state = 3")
    ledger.commit()
    ledger.close()
    # Nothing of it is missing: a new spool may take its place. The next start makes the other folders.
    bench.check(bench.doctor("--repair") == 2 and "repaired: makes them a pair" in bench.printed, bench.printed)
    bench.check(sorted(words(bench)) == ["missing_folder"] * 3 + ["not_together"], bench.printed)
    bench.check(bench.drain() == 0, bench.log_text()[-400:])
    deliver(bench, "b.ndjson")
    bench.check(bench.doctor() == 0, bench.printed)


def nothing_was_used(bench):
    """Directories that are wrong, and no spool that knows them: no repair makes anything."""
    shutil.rmtree(os.path.join(bench.folder, "state"))
    bench.check(bench.doctor("--repair") == 78, bench.printed)
    bench.check(not os.path.exists(os.path.join(bench.folder, "state")), "a state directory was made")


def forbidden_incoming(bench):
    """A unit may forbid the mode of incoming/: the start says how root makes it, and so does the doctor."""
    deliver(bench)
    os.rmdir(bench.path("incoming"))
    bench.check(bench.doctor("--repair") == 2 and words(bench) == ["missing_folder"], bench.printed)
    by_hand = f"install -d -m 3730 -o root -g usherd-submit {bench.path('incoming')} && setfacl -d -m "
    bench.check(by_hand in bench.printed, bench.printed)
    usherd, bench.usherd = bench.usherd, "strace"
    bench.start("-f", "-qq", "-o", "/dev/null", "-e", "inject=chmod:error=EPERM", usherd, "drain")
    bench.process.communicate(timeout=600)
    bench.usherd = usherd
    bench.check(bench.process.returncode == 78, bench.log_text()[-400:])
    bench.process = None
    bench.log.close()
    last = bench.log_text().strip().splitlines()[-1]
    bench.check("Operation not permitted; a unit with RestrictSUIDSGID=" in last and by_hand in last, last)
    bench.check(not os.path.exists(bench.path("incoming")), "what it made is still there")


def missing_folders(bench):
    """Each is named, and the next start makes it."""
    deliver(bench)
    shutil.rmtree(bench.path("done"))
    os.rmdir(bench.path("rejected"))
    bench.check(bench.doctor() == 2 and words(bench) == ["missing_folder"] * 2, bench.printed)
    bench.check(bench.path("done") + " is not there" in bench.printed, bench.printed)
    deliver(bench, "b.ndjson")
    bench.check(bench.doctor() == 0, bench.printed)


SCENARIOS = {act.__name__: scenario(act) for act in (odd_folders, damaged_ledger, newer_ledger, state_is_gone, spool_is_gone, nothing_was_used,
                                                     forbidden_incoming, missing_folders)}


if __name__ == "__main__":
    sys.exit(run_named(SCENARIOS, __doc__))
