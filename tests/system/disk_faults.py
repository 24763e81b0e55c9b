#!/usr/bin/env python3
"""Full disks, full inode tables, read-only and other file systems, files that may not be read: on real file systems.

usage: disk_faults.py USHERD SANDBOX [SCENARIO...]

Mounts small file systems in memory, for which it must be root; where mounting is forbidden these scenarios are skipped,
and counted.
"""
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile

from spool_bench import SKIPPED, Bench, finish_jobs, record, run_named, scenario

NOBODY = 65534
RECORDS = 4000


class Mount:
    def __init__(self, where, options):
        os.makedirs(where, exist_ok=True)
        self.where = where
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "usherd-test", where], check=True, capture_output=True)

    def close(self):
        subprocess.run(["umount", "-l", self.where], check=True)


def can_mount():
    if os.geteuid() != 0:
        return False
    probe = os.path.join("/tmp", f"usherd-mount-{os.getpid()}")
    try:
        Mount(probe, "size=1m").close()
        return True
    except subprocess.CalledProcessError as refused:
        print("mounting is forbidden here:", refused.stderr.decode().strip())
        return False
    finally:
        os.rmdir(probe)


def fill(folder):
    """Takes every byte that is left."""
    with open(os.path.join(folder, "filler"), "wb", buffering=0) as out:
        piece = 1 << 20
        while piece:
            try:
                out.write(b"x" * piece)
            except OSError:
                piece //= 2


def on_small_disk(act, size="24m", extra="", options=""):
    """Spool and state on one small file system."""
    def run(arguments):
        if not can_mount():
            return SKIPPED
        folder = tempfile.mkdtemp(prefix="usherd-disk-")
        mount = Mount(folder, f"size={size},mode=755{extra}")
        bench = None
        try:
            bench = Bench(arguments.usherd, arguments.sandbox, settings=["job_time=300ms", "reject_uids_with=bad"],
                          options=options, folder=folder)
            bench.log_path = folder + ".log"
            act(bench)
            return 1 if bench.failures else 0
        finally:
            if bench is not None:
                bench.stop(9)
                bench.sandbox.stop()
            mount.close()
            os.rmdir(folder)
            if os.path.exists(folder + ".log"):
                os.unlink(folder + ".log")
    return run


def updates(prefix, count):
    """Every hundredth is refused by the API, so that reject lines must be written too."""
    return "".join(record(f"{prefix}{'bad' if i % 100 == 0 else ''}{i}", n=i) for i in range(count))


def full_disk(bench):
    """The disk fills up in mid-flight: what is in flight ends, intake parks, and goes on alone once there is room."""
    bench.start()
    bench.sandbox.patch({"job_time": "manual"})
    bench.drop("first.ndjson", updates("a", RECORDS))
    bench.drop(".second", updates("b", RECORDS))
    bench.wait_for("jobs under way", lambda: bench.ask_ledger("SELECT count(*) FROM batches WHERE state = 1") > 0)
    bench.wait_for("all of it under way", lambda: bench.ask_ledger(
        f"SELECT sum(records) = {RECORDS} FROM shares JOIN batches ON id = batch WHERE state = 1"))
    fill(bench.folder)
    # A look that began before may still take a file: the rescan parks the intake first.
    bench.wait_for("a parked intake", lambda: "intake is parked (disk)" in bench.log_text())
    os.rename(bench.path("incoming", ".second"), bench.path("incoming", "second.ndjson"))
    bench.sandbox.patch({"job_time": "300ms"})
    finish_jobs(bench)
    bench.wait_for("a receipt from a full disk", lambda: bench.receipt("first.ndjson"))
    bench.check_receipt("first.ndjson", records=RECORDS, imported=RECORDS * 99 // 100, rejected=RECORDS // 100)
    bench.check(os.path.exists(bench.path("incoming", "second.ndjson")), "a file was taken from a full disk")
    os.unlink(os.path.join(bench.folder, "filler"))
    bench.wait_for("the second receipt", lambda: bench.receipt("second.ndjson"))
    bench.check_receipt("second.ndjson", records=RECORDS, rejected=RECORDS // 100)
    bench.check("intake goes on" in bench.log_text(), "nothing was said when intake went on")
    bench.check(os.path.exists(os.path.join(bench.folder, "state", ".usherd-reserve")), "no reserve was made again")
    bench.check(bench.stop() == 0, "it did not stop by itself")
    bench.check_oracle()


def full_from_the_start(bench):
    """A disk that is full before the first file: nothing is taken, nothing is lost, and no restart is needed."""
    bench.drop("only.ndjson", updates("a", 100))
    bench.start()
    bench.wait_for("the receipt", lambda: bench.receipt("only.ndjson"))
    bench.stop()
    bench.drop(".more", updates("b", 100))
    fill(bench.folder)
    os.rename(bench.path("incoming", ".more"), bench.path("incoming", "more.ndjson"))
    bench.start()
    bench.wait_for("a parked intake", lambda: "intake is parked (disk)" in bench.log_text())
    bench.check(os.path.exists(bench.path("incoming", "more.ndjson")), "a file was taken from a full disk")
    bench.stop()
    bench.check(bench.drain("--park-timeout", "2s") == 69, "a drain on a full disk must give up with 69")
    bench.check("parked (disk)" in bench.log_text(), "the drain did not say why it gave up")
    bench.start()
    os.unlink(os.path.join(bench.folder, "filler"))
    bench.wait_for("the second receipt", lambda: bench.receipt("more.ndjson"))
    bench.check_receipt("more.ndjson", records=100, rejected=1)


def full_inode_table(bench):
    """No inode is left: the same as a full disk."""
    bench.start()
    bench.drop("first.ndjson", updates("a", 100))
    bench.wait_for("the receipt", lambda: bench.receipt("first.ndjson"))
    bench.drop(".second", updates("b", 100))
    table = os.path.join(bench.folder, "table")
    os.mkdir(table)
    made = 0
    try:
        while True:
            os.mknod(os.path.join(table, str(made)))
            made += 1
    except OSError:
        pass
    # As above.
    bench.wait_for("a parked intake", lambda: "intake is parked (disk)" in bench.log_text())
    bench.check("inodes" in bench.log_text(), "the log does not say that inodes are short")
    os.rename(bench.path("incoming", ".second"), bench.path("incoming", "second.ndjson"))
    bench.check(os.path.exists(bench.path("incoming", "second.ndjson")), "a file was taken without an inode left")
    for number in range(made):
        os.unlink(os.path.join(table, str(number)))
    bench.wait_for("the second receipt", lambda: bench.receipt("second.ndjson"))
    bench.check_receipt("second.ndjson", records=100, rejected=1)
    before = bench.log_text().partition("intake goes on")
    bench.check(before[1] and "second.ndjson" not in before[0], "the file was taken before there was room")


def nearly_full(bench):
    """Little room for long: the ledger's log does not take the last of it, and nothing parks."""
    with open(os.path.join(bench.folder, "filler"), "wb") as out:
        disk = os.statvfs(bench.folder)
        out.write(b"x" * (disk.f_bavail * disk.f_frsize - (3 << 20)))
    bench.start()
    for number in range(80):
        bench.drop(f"{number}.ndjson", record(f"user{number}"))
        bench.wait_for("a receipt", lambda number=number: bench.receipt(f"{number}.ndjson"))
    log = os.path.getsize(os.path.join(bench.folder, "state", "ledger.sqlite-wal"))
    bench.check(log < 1 << 20, f"its log has {log} bytes")
    bench.check("disk" not in bench.log_text(), bench.log_text()[-400:])
    bench.check(bench.stop() == 0, "it did not stop by itself")


def commands_on_a_bad_disk(bench):
    """Commands on a full and on a read-only disk say which of both it is."""
    bench.start()
    bench.drop("first.ndjson", updates("a", 200))
    bench.wait_for("the receipt", lambda: bench.receipt("first.ndjson"))
    state = os.path.join(bench.folder, "state") + "/"

    def told(*words, ends=(1, 69)):
        done = subprocess.run([bench.usherd, *words, "--config", bench.config], capture_output=True, text=True, timeout=60,
                              check=False)
        bench.check(done.returncode in ends, f"{words} ended with {done.returncode}: {done.stderr}")
        return done.stderr + done.stdout

    def fill():
        with open(filler, "wb", buffering=0) as out:
            try:
                while True:
                    out.write(b"x" * 4096)
            except OSError:
                pass

    filler = os.path.join(bench.folder, "filler")
    fill()
    text = told("rejects", "drop", "--uid", "abad0", ends=(1,))
    bench.check("No space left" in text, text)
    # A stop in order takes away what the database needs beside it.
    os.unlink(filler)
    bench.stop()
    fill()
    for words in (("doctor",), ("trace", "abad0")):
        text = told(*words)
        bench.check(f"no space left on the file system of {state}, make room" in text, f"{words}: {text}")
    os.unlink(filler)
    subprocess.run(["mount", "-o", "remount,ro", bench.folder], check=True)
    try:
        text = told("doctor")
        bench.check("the file system is read-only" in text and "as root" not in text, text)
    finally:
        subprocess.run(["mount", "-o", "remount,rw", bench.folder], check=True)
    bench.check(bench.doctor() == 0, bench.printed)


def read_only(bench):
    """The spool turns read-only under the daemon, as a file system with errors does, and back."""
    bench.start()
    bench.drop("first.ndjson", updates("a", 100))
    bench.wait_for("the receipt", lambda: bench.receipt("first.ndjson"))
    bench.drop("second.ndjson.part", updates("b", 100))
    # Over the spool once the daemon's lock is open, which would keep the file system writable.
    subprocess.run(["mount", "--bind", bench.spool, bench.spool], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", bench.spool], check=True)
        # Seen through the file system below, which is not read-only.
        below = os.path.join(bench.folder, "below")
        os.mkdir(below)
        subprocess.run(["mount", "--bind", bench.folder, below], check=True)
        try:
            incoming = os.path.join(below, "spool", "incoming")
            os.rename(os.path.join(incoming, "second.ndjson.part"), os.path.join(incoming, "second.ndjson"))
        finally:
            subprocess.run(["umount", "-l", below], check=True)
        bench.wait_for("a parked intake", lambda: "intake is parked (disk)" in bench.log_text())
        bench.check(os.path.exists(bench.path("incoming", "second.ndjson")), "a file was taken from a read-only spool")
        subprocess.run(["mount", "-o", "remount,bind,rw", bench.spool], check=True)
        bench.wait_for("the second receipt", lambda: bench.receipt("second.ndjson"))
        bench.check_receipt("second.ndjson", records=100, rejected=1)
        bench.stop()
        # At a start nothing can be made ready on it, and the folder is named.
        subprocess.run(["mount", "-o", "remount,bind,ro", bench.spool], check=True)
        check_read_only_start(bench, bench.path("incoming"))
    finally:
        bench.stop(9)
        subprocess.run(["umount", "-l", bench.spool], check=True)
    state = os.path.join(bench.folder, "state")
    subprocess.run(["mount", "--bind", state, state], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", state], check=True)
        check_read_only_start(bench, state)
    finally:
        subprocess.run(["umount", "-l", state], check=True)
    bench.check(bench.drain() == 0, "once it can be written it must start")


def check_read_only_start(bench, place):
    """Not 78, after which systemd leaves it at that: the next boot may well find it mended."""
    bench.check(bench.drain() == 1, "a start on a read-only file system must end with 1")
    told = bench.log_text().splitlines()[-1]
    bench.check(told.startswith(f"usherd: {place}: the file system is read-only; usherd cannot start before"), told)


def another_file_system(bench):
    """One of the four folders is elsewhere: refused at the start, naming both."""
    mount = Mount(bench.path("done"), "size=1m")
    try:
        bench.check(bench.drain() == 78, "a spool on two file systems must end with 78")
        bench.check("done must be on one file system" in bench.log_text(), bench.log_text()[-300:])
    finally:
        mount.close()


def for_nobody(act, **made):
    """An usherd that is not root, from whom modes and owners keep things."""
    def run(arguments):
        if os.geteuid() != 0:
            return SKIPPED
        bench = Bench(arguments.usherd, arguments.sandbox, user=NOBODY, **made)
        try:
            os.chmod(os.path.dirname(bench.sandbox.facts["ca_file"]), 0o755)
            os.chmod(bench.sandbox.facts["ca_file"], 0o644)
            os.chmod(bench.folder, 0o755)
            os.chown(bench.folder, NOBODY, NOBODY)
            act(bench)
        finally:
            bench.close()
        return 1 if bench.failures else 0
    return run


def drop_open(bench, name, text):
    """A file that its owner lets everybody read."""
    bench.drop(name + ".part", text)
    os.chmod(bench.path("incoming", name + ".part"), 0o644)
    os.rename(bench.path("incoming", name + ".part"), bench.path("incoming", name))


def unreadable(bench):
    """A file that usherd may not read stays, is named once, and is taken once it may be read."""
    bench.drop("secret.ndjson", record("secret"))
    os.chmod(bench.path("incoming", "secret.ndjson"), 0o600)
    drop_open(bench, "open.ndjson", record("open"))
    bench.start()
    bench.wait_for("the neighbour's receipt", lambda: bench.receipt("open.ndjson"))
    bench.wait_for("a word", lambda: "secret.ndjson stays in incoming/, unreadable" in bench.log_text())
    drop_open(bench, "later.ndjson", record("later"))
    bench.wait_for("a later receipt", lambda: bench.receipt("later.ndjson"))
    bench.check(bench.log_text().count("secret.ndjson stays") == 1, "it was named more than once")
    os.chmod(bench.path("incoming", "secret.ndjson"), 0o644)
    bench.wait_for("its receipt", lambda: bench.receipt("secret.ndjson"))


def unreadable_in_working(bench):
    """A restart finds a frozen batch that it may not read: that is said, others pass, and it goes on by itself."""
    bench.sandbox.patch({"region": "eu1"})  # 401: nothing goes out
    drop_open(bench, "a.ndjson", record("a1") + record("a2"))
    bench.start()
    bench.wait_for("a frozen batch", lambda: bench.ask_ledger("SELECT count(*) FROM batches WHERE state = 0") == 1)
    bench.stop(9)
    bench.sandbox.patch({"region": "any"})
    os.chown(bench.working("a.ndjson"), 0, 0)
    os.chmod(bench.working("a.ndjson"), 0o600)
    bench.start()
    bench.wait_for("a word", lambda: "batch 1 cannot be sent" in bench.log_text())
    drop_open(bench, "b.ndjson", record("b"))
    bench.wait_for("the neighbour's receipt", lambda: bench.receipt("b.ndjson"))
    told = subprocess.run([bench.usherd, "status", "--file", "a.ndjson", "--json", "--config", bench.config],
                          capture_output=True, text=True, timeout=60, check=False)
    waits = json.loads(told.stdout or "{}").get("waits_for", told.stderr)
    bench.check(waits.startswith("batch 1, which holds records of it: the disk") and "Permission denied" in waits, waits)
    os.chown(bench.working("a.ndjson"), NOBODY, NOBODY)
    bench.wait_for("its receipt", lambda: bench.receipt("a.ndjson"))
    bench.check_receipt("a.ndjson", records=2, imported=2)


def unreadable_before_it_is_read(bench):
    """A file of working/ that was not read yet: it is named once, parks nobody, and a drain ends with its name."""
    bench.sandbox.patch({"region": "eu1"})  # 401: nothing goes out
    for name in ("a.ndjson", "b.ndjson"):
        drop_open(bench, name, record(name))
    bench.start()
    bench.wait_for("frozen records", lambda: bench.ask_ledger("SELECT sum(records) = 2 FROM shares"))
    bench.stop(9)
    bench.sandbox.patch({"region": "any"})
    # As if it had died before anything was frozen.
    ledger = sqlite3.connect(os.path.join(bench.folder, "state", "ledger.sqlite"))
    for table in ("shares", "bodies", "batches"):
        ledger.execute(f"DELETE FROM {table}")
    ledger.execute("UPDATE files SET mark_offset = 0, mark_line = 1, mark_records = 0")
    ledger.commit()
    ledger.close()
    for name in os.listdir(os.path.join(bench.folder, "state")):
        os.chown(os.path.join(bench.folder, "state", name), NOBODY, NOBODY)
    os.chown(bench.working("a.ndjson"), 0, 0)
    os.chmod(bench.working("a.ndjson"), 0o600)
    bench.check(bench.drain("--park-timeout", "3s") == 69, bench.log_text()[-400:])
    bench.check("gave up: a.ndjson cannot be read" in bench.log_text(), bench.log_text()[-400:])
    bench.check("parked: disk" not in bench.log_text(), bench.log_text()[-400:])
    bench.check(bench.log_text().count("a.ndjson waits") == 1, bench.log_text()[-800:])
    os.chown(bench.working("a.ndjson"), NOBODY, NOBODY)
    bench.check(bench.drain() == 0, bench.log_text()[-400:])
    for name in ("a.ndjson", "b.ndjson"):
        bench.check_receipt(name, records=1, imported=1)
    bench.check_oracle()


def parked_for(bench, folder):
    """That status and metrics say so, of the folder."""
    told = json.loads(subprocess.run([bench.usherd, "status", "--json", "--config", bench.config], capture_output=True,
                                     text=True, timeout=60, check=False).stdout or "{}")
    return any(one["reason"] == "disk" and folder in one["detail"] for one in told.get("parked", []))


def closed_for_outcomes(bench):
    """done/ or rejected/ is closed, or gone: the intake parks, what is under way keeps its outcome, and it goes on by itself."""
    bench.start()
    drop_open(bench, "first.ndjson", record("first"))
    bench.wait_for("the first receipt", lambda: bench.receipt("first.ndjson"))
    number = 0
    for folder in ("done", "rejected"):
        for close, reopen in ((lambda path: os.chmod(path, 0o500), lambda path: os.chmod(path, 0o750)),
                              (lambda path: os.rename(path, path + ".aside"),
                               lambda path: os.rename(path + ".aside", path))):
            number += 1
            close(bench.path(folder))
            drop_open(bench, f"{number}.ndjson", record(f"good{number}") + record(f"bad{number}"))
            bench.wait_for(f"a word of {folder}", lambda folder=folder: parked_for(bench, f"/{folder}"))
            drop_open(bench, f"later{number}.ndjson", record(f"later{number}"))
            bench.check(bench.receipt(f"{number}.ndjson") is None or folder == "rejected", f"{folder}: a receipt")
            reopen(bench.path(folder))
            for name in (f"{number}.ndjson", f"later{number}.ndjson"):
                bench.wait_for(f"the receipt of {name}", lambda name=name: bench.receipt(name))
            bench.check_receipt(f"{number}.ndjson", records=2, imported=1, rejected=1)
            bench.wait_for("an intake that goes on", lambda: not parked_for(bench, "/"))
    bench.check(bench.stop() == 0, "it did not stop by itself")
    bench.check_oracle()


def closed_for_drops(bench):
    """An incoming/ whose names can be listed and not be opened, or that is sticky and somebody else's: it parks the intake."""
    bench.start()
    bench.wait_for("its start", lambda: " started; " in bench.log_text())
    incoming = bench.path("incoming")
    mode = os.stat(incoming).st_mode & 0o7777

    def not_opened():
        os.chmod(incoming, 0o400)

    def sticky():
        os.chown(incoming, 0, 0)
        os.chmod(incoming, 0o1777)

    for number, close in enumerate((not_opened, sticky)):
        close()
        drop_open(bench, f"{number}.ndjson", record(f"user{number}"))
        bench.wait_for("a word of incoming/", lambda: parked_for(bench, "/incoming"))
        bench.check(f"{number}.ndjson stays" not in bench.log_text(), "a file was blamed for its folder")
        os.chown(incoming, NOBODY, NOBODY)
        os.chmod(incoming, mode)
        bench.wait_for(f"receipt {number}", lambda number=number: bench.receipt(f"{number}.ndjson"))
        bench.wait_for("an intake that goes on", lambda: not parked_for(bench, "/"))
    bench.check(bench.log_text().count("intake is parked") == 2, bench.log_text()[-600:])
    bench.check(bench.stop() == 0, "it did not stop by itself")


def limited_size(bench):
    """A limit of file sizes is a full disk, not a signal that ends the service."""
    bench.drop("a.ndjson", updates("a", RECORDS))
    bench.start()
    bench.wait_for("the first receipt", lambda: bench.receipt("a.ndjson"))
    resource.prlimit(bench.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    bench.drop("b.ndjson", updates("b", RECORDS))
    bench.wait_for("a word of the disk", lambda: "File too large" in bench.log_text() or "(disk)" in bench.log_text())
    bench.check(bench.process.poll() is None, "it was ended by a signal")
    resource.prlimit(bench.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for name in ("a.ndjson", "b.ndjson"):
        bench.wait_for(f"receipt of {name}", lambda name=name: bench.receipt(name))
    bench.check_oracle()


SCENARIOS = {
    "unreadable_in_working": for_nobody(unreadable_in_working),
    "unreadable_before_it_is_read": for_nobody(unreadable_before_it_is_read),
    "closed_for_outcomes": for_nobody(closed_for_outcomes, settings=["reject_uids_with=bad"]),
    "closed_for_drops": for_nobody(closed_for_drops),
    "limited_size": scenario(limited_size),
    "full_disk": on_small_disk(full_disk),
    "full_from_the_start": on_small_disk(full_from_the_start),
    "nearly_full": on_small_disk(nearly_full, size="8m"),
    "full_inode_table": on_small_disk(full_inode_table, extra=",nr_inodes=400"),
    "commands_on_a_bad_disk": on_small_disk(commands_on_a_bad_disk),
    "read_only": on_small_disk(read_only),
    "another_file_system": on_small_disk(another_file_system),
    "unreadable": for_nobody(unreadable),
}


if __name__ == "__main__":
    sys.exit(run_named(SCENARIOS, __doc__))
