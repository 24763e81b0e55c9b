#!/usr/bin/env python3
"""Root and a spool that is another user's: what root's commands make there is that user's, and what an earlier one left
is found and given back.

usage: owner_test.py USHERD SANDBOX [SCENARIO...]
"""
import json
import os
import shutil
import subprocess
import sys

from disk_faults import NOBODY, drop_open, for_nobody
from spool_bench import record, run_named


def as_root(bench, *command):
    """Its exit code."""
    user, bench.user = bench.user, None
    try:
        bench.start(*command)
        bench.printed, _ = bench.process.communicate(timeout=600)
        return bench.process.returncode
    finally:
        bench.process = None
        bench.log.close()
        bench.user = user


def roots(bench):
    """What root owns in spool and state."""
    found = []
    for folder in (bench.spool, os.path.join(bench.folder, "state")):
        for where, folders, files in os.walk(folder):
            found += [path for path in (os.path.join(where, name) for name in folders + files)
                      if os.lstat(path).st_uid == 0]
    return sorted(found)


def drop(bench, name):
    drop_open(bench, name, record("good") + "no record\n")
    os.chown(bench.path("incoming", name), NOBODY, NOBODY)


def a_drain_by_root(bench):
    """Then the service starts and delivers; a key that root alone may read was read before."""
    os.chown(os.path.join(bench.folder, "key"), 0, 0)
    shutil.rmtree(os.path.join(bench.folder, "state"))
    os.chown(bench.folder, 0, 0)  # so that root alone can make the state directory
    drop(bench, "a.ndjson")
    bench.check(as_root(bench, "drain") == 2, bench.log_text()[-600:])
    bench.check(roots(bench) == [], f"root owns {roots(bench)}")
    bench.check_receipt("a.ndjson", records=2, imported=1, rejected=1)
    bench.check("key: Permission denied" in bench.log_text(), "that the key cannot be read again was not said")
    os.chown(bench.folder, NOBODY, NOBODY)
    os.chown(os.path.join(bench.folder, "key"), NOBODY, NOBODY)
    drop(bench, "b.ndjson")
    bench.check(bench.drain() == 2, bench.log_text()[-600:])
    bench.check_receipt("b.ndjson", records=2, imported=1, rejected=1)


def a_closed_state(bench):
    """Whoever works on the spool must be able to work on the state: root does not do it in his place."""
    state = os.path.join(bench.folder, "state")
    os.chown(state, 0, 0)
    os.chmod(state, 0o700)
    drop(bench, "a.ndjson")
    bench.check(as_root(bench, "drain") == 78, bench.log_text()[-600:])
    last = bench.log_text().strip().splitlines()[-1]
    bench.check(f"state.directory {state} is closed to" in last and "chown -R" in last, last)
    bench.check(roots(bench) == [], f"root owns {roots(bench)}")


def a_spool_of_roots(bench):
    """Root goes on as root."""
    for name in ("", "working"):
        os.chown(bench.path(name), 0, 0)
    drop(bench, "a.ndjson")
    bench.check(as_root(bench, "drain") == 2, bench.log_text()[-600:])
    bench.check(os.stat(bench.path("done", "a.ndjson.receipt.json")).st_uid == 0, "root did not stay root")


def what_root_left(bench):
    """Found by the doctor, named by a start, given back by root's repair."""
    drop(bench, "a.ndjson")
    bench.check(bench.drain() == 2, bench.log_text()[-600:])
    names = [bench.path(".usherd-lock"), bench.path(".usherd-spool"), bench.path("done", "a.ndjson.receipt.json"),
             bench.path("rejected", "a.ndjson.rejects.ndjson"), os.path.join(bench.folder, "state", "ledger.sqlite")]
    for name in names:
        os.chown(name, 0, 0)
    bench.check(bench.drain() == 78, bench.log_text()[-600:])
    bench.check("usherd doctor --repair" in bench.log_text().strip().splitlines()[-1], bench.log_text()[-600:])
    bench.check(bench.doctor() == 2 and bench.printed.startswith("wrong_owner: "), bench.printed)
    bench.check(all(name in bench.printed for name in names), bench.printed)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(roots(bench) == [], f"root owns {roots(bench)}")
    bench.check(bench.doctor() == 0, bench.printed)
    bench.check(bench.drain() == 0, bench.log_text()[-600:])


def folders_that_are_roots(bench):
    """Root made the spool and gave away what a service needs at first sight: nothing starts on it, which the doctor
    knows; a repair keeps modes and the producers' group."""
    drop(bench, "a.ndjson")
    bench.check(bench.drain() == 2, bench.log_text()[-600:])
    folders = [bench.path(name).rstrip("/") for name in ("", "incoming", "done", "rejected")]
    for name in folders:
        os.chown(name, 0, 0)
    producers = 54321
    os.chown(bench.path("incoming"), 0, producers)
    os.chmod(bench.path("incoming"), 0o3730)
    bench.check(as_root(bench, "drain") == 78, bench.log_text()[-600:])
    last = bench.log_text().strip().splitlines()[-1]
    bench.check(f"{bench.path('incoming')} belongs to root and is closed to nobody, to whom working/ belongs" in last
                and "usherd doctor" in last and "be root" not in last, last)
    bench.check(bench.doctor() == 2 and bench.printed.startswith("wrong_owner: "), bench.printed)
    bench.check(all(f"{name}" in bench.printed for name in folders), bench.printed)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(roots(bench) == [] and os.stat(bench.spool).st_uid == NOBODY, f"root owns {roots(bench)}")
    kept = os.stat(bench.path("incoming"))
    bench.check((kept.st_gid, kept.st_mode & 0o7777) == (producers, 0o3730), f"{kept}")
    bench.check(bench.doctor() == 0, bench.printed)
    bench.check(bench.drain() == 0, bench.log_text()[-600:])


def links_of_the_service(bench):
    """Whoever works as the service can put links where its folders were: no repair by root follows one of them."""
    drop(bench, "a.ndjson")
    bench.check(bench.drain() == 2, bench.log_text()[-600:])
    aside = os.path.join(bench.folder, "aside")
    os.mkdir(aside)
    names = ("secret", "b.receipt.json", "b.error.json", ".usherd-secret")
    for name in names:
        with open(os.path.join(aside, name), "w", encoding="ascii") as file:
            file.write("root's")
    for folder in (bench.path("working"), bench.path("done"), bench.path("rejected")):
        os.rename(folder, folder + ".real")
        os.symlink(aside, folder)
        os.chown(folder, NOBODY, NOBODY, follow_symlinks=False)
        bench.doctor("--repair")
        given = [name for name in names if os.stat(os.path.join(aside, name)).st_uid != 0]
        bench.check(given == [], f"{given} given away by {folder}: {bench.printed}")
        os.unlink(folder)
        os.rename(folder + ".real", folder)
    # What an administrator moved elsewhere is theirs to look into.
    state = os.path.join(bench.folder, "state")
    os.rename(state, state + ".real")
    os.symlink(state + ".real", state)
    os.chown(os.path.join(state, "ledger.sqlite"), 0, 0)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(os.stat(os.path.join(state, "ledger.sqlite")).st_uid == NOBODY, bench.printed)


def a_wait_is_shown(bench):
    """A file whose reject lines cannot be written: `status --file` says what it waits for."""
    bench.sandbox.patch({"region": "eu1"})  # 401: nothing goes out
    drop(bench, "a.ndjson")
    bench.start()
    bench.wait_for("its reject lines", lambda: os.path.exists(bench.path("working", "f000000000001.local")))
    bench.stop(9)
    bench.sandbox.patch({"region": "any"})
    os.chown(bench.path("working", "f000000000001.local"), 0, 0)
    bench.start()
    bench.wait_for("a word", lambda: "a.ndjson waits" in bench.log_text())
    told = subprocess.run([bench.usherd, "status", "--file", "a.ndjson", "--json", "--config", bench.config],
                          capture_output=True, text=True, timeout=60, check=False)
    waits = json.loads(told.stdout or "{}").get("waits_for", told.stderr)
    bench.check("the disk" in waits and "f000000000001.local: Permission denied" in waits, waits)
    os.chown(bench.path("working", "f000000000001.local"), NOBODY, NOBODY)
    bench.wait_for("its receipt", lambda: bench.receipt("a.ndjson"))
    bench.stop()


SCENARIOS = {act.__name__: for_nobody(act) for act in (a_drain_by_root, a_closed_state, a_spool_of_roots,
                                                       what_root_left, folders_that_are_roots,
                                                       links_of_the_service, a_wait_is_shown)}


if __name__ == "__main__":
    sys.exit(run_named(SCENARIOS, __doc__))
