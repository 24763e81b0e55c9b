#!/usr/bin/env python3
"""`usherd doctor` over spools that were damaged while usherd was dead.

usage: doctor_test.py USHERD SANDBOX [SCENARIO...]
"""
import gzip
import os
import re
import shutil
import signal
import subprocess
import sys

from spool_bench import record, run_named, scenario


def die_with_work(bench):
    """Leaves two files behind, frozen and never sent, and one converted file."""
    bench.drop("a.ndjson", "".join(record(f"a{i}", n=i) for i in range(20)))
    bench.drop("b.ndjson", "".join(record(f"b{i}", n=i) for i in range(10)))
    bench.drop("c.json", "[" + ",".join(record(f"c{i}", n=i).strip() for i in range(5)) + "]")
    bench.sandbox.patch({"region": "eu1"})  # 401: nothing goes out
    bench.start()
    bench.wait_for("frozen batches", lambda: bench.ask_ledger(
        "SELECT sum(records) = 35 FROM shares JOIN batches ON id = batch WHERE state = 0"))
    bench.check(bench.doctor() == 75, f"a running usherd: {bench.printed}")
    bench.stop(signal.SIGKILL)
    bench.sandbox.patch({"region": "any"})


def words(bench):
    return sorted(re.findall(r"^([a-z_]+): ", bench.printed, re.MULTILINE))


def settle_and_check(bench, **unknown):
    """Delivers what is left: every record has its outcome."""
    bench.check(bench.drain() == (2 if any(unknown.values()) else 0), bench.log_text()[-400:])
    for name, records in (("a.ndjson", 20), ("b.ndjson", 10), ("c.json", 5)):
        lost = unknown.get(name[0], 0)
        bench.check_receipt(name, records=records, imported=records - lost, unknown=lost)
    bench.check(not bench.left_in_working(), f"working/ holds {bench.left_in_working()}")
    bench.check(bench.doctor() == 0 and "in order" in bench.printed, bench.printed)
    bench.check_oracle()


def in_order(bench):
    """A spool that was merely killed has nothing to be found, and is not changed by looking."""
    die_with_work(bench)
    before = sorted(os.listdir(bench.path("working")))
    bench.check(bench.doctor() == 0, bench.printed)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(before == sorted(os.listdir(bench.path("working"))), "looking changed the spool")
    settle_and_check(bench)


def missing_file(bench):
    die_with_work(bench)
    os.unlink(bench.working("a.ndjson"))
    bench.check(bench.doctor() == 2, bench.printed)
    # The batch holds b.ndjson and c.json as well: what changed stands in it.
    bench.check("missing_file" in words(bench) and "changed_batch" in words(bench), bench.printed)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(bench.doctor() == 0, bench.printed)
    bench.check(bench.drain() == 2, bench.log_text()[-400:])
    bench.check_receipt("a.ndjson", records=20, unknown=20)
    bench.check(bench.receipt("b.ndjson")["records"] == 10, "b.ndjson")
    bench.check_oracle()


def orphan(bench):
    die_with_work(bench)
    with open(bench.path("working", "000000000001.lost.ndjson"), "w", encoding="utf-8") as out:
        out.write(record("lost", n=1))
    with open(bench.path("incoming", "lost.ndjson"), "w", encoding="utf-8") as out:
        out.write(record("other", n=1))
    bench.check(bench.doctor() == 2 and words(bench) == ["orphan"], bench.printed)
    bench.check(os.path.exists(bench.path("working", "000000000001.lost.ndjson")), "it was moved without being told")
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(os.path.exists(bench.path("incoming", "lost~2.ndjson")), "a file was overwritten, or the orphan is gone")
    settle_and_check(bench)
    bench.check({"lost", "other"} <= set(bench.users()), "the orphan was not delivered")


def changed_batch(bench):
    die_with_work(bench)
    path = bench.working("a.ndjson")
    with open(path, "r+b") as file:
        text = file.read()
        file.seek(text.index(b'"n": 4}'))
        file.write(b'"n": 9}')
    bench.check(bench.doctor() == 2 and words(bench) == ["changed_batch"], bench.printed)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(bench.doctor() == 0, bench.printed)
    # One batch held all three files; nobody can tell here which record changed.
    settle_and_check(bench, a=20, b=10, c=5)


def missing_part(bench):
    die_with_work(bench)
    records = bench.path("working", "f000000000003.records")
    before = open(records, "rb").read()
    os.unlink(records)
    bench.check(bench.doctor() == 2 and "missing_part" in words(bench), bench.printed)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(open(records, "rb").read() == before, "it was converted into something else")
    settle_and_check(bench)


def lost_conversion(bench):
    """A file and what it was converted into are both gone, after it was frozen and before: it ends all the same."""
    die_with_work(bench)
    for path in (bench.working("c.json"), bench.path("working", "f000000000003.records"),
                 bench.path("working", "f000000000003.origins")):
        os.unlink(path)
    bench.check(bench.doctor() == 2 and "missing_part" in words(bench), bench.printed)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(bench.doctor() == 0, bench.printed)
    settle_and_check(bench, a=20, b=10, c=5)


def lost_unread_conversion(bench):
    """As above, of files of which nothing was frozen yet; one was not even converted."""
    texts = {"a.csv": b"uid,plan\n1,x\n2,y\n", "b.ndjson.gz": gzip.compress(record("b1", n=1).encode()),
             "c.csv.gz": gzip.compress(b"uid\n3\n"), "d.json": b'[{"uid":"4"}]'}
    bench.linger, usual = "600s", bench.linger
    bench.write_config()
    for name, text in texts.items():
        bench.drop(name, text)
    bench.start()
    bench.wait_for("conversions", lambda: bench.ask_ledger("SELECT sum(state = 1) FROM files") == len(texts))
    bench.stop(signal.SIGKILL)
    bench.linger = usual
    bench.write_config()
    for name in os.listdir(bench.path("working")):
        os.unlink(bench.path("working", name))
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(bench.doctor() == 0 and "in order" in bench.printed, bench.printed)
    bench.check(bench.drain() == 2, bench.log_text()[-400:])
    for name in texts:
        bench.check([line["code"] for line in bench.rejects(name)] == ["file_changed"], f"{name}: {bench.rejects(name)}")
        bench.check_receipt(name, imported=0)
    bench.check(not bench.left_in_working(), f"working/ holds {bench.left_in_working()}")
    bench.check_oracle()


def changed_original(bench):
    """The conversion is gone, and what it was made of is another file by now: nothing of that is sent."""
    die_with_work(bench)
    with open(bench.working("c.json"), "w", encoding="utf-8") as out:
        out.write('[{"uid":"other"}]')
    os.unlink(bench.path("working", "f000000000003.records"))
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(bench.doctor() == 0, bench.printed)
    settle_and_check(bench, a=20, b=10, c=5)
    bench.check("other" not in bench.users(), "something else than was accepted was sent")


def leftovers(bench):
    die_with_work(bench)
    for name in ("f000000000099.local", "b000000000099.merged", "f000000000002.original"):
        open(bench.path("working", name), "w", encoding="utf-8").close()
    # Numbers above the last one may belong to a file that the next start adopts.
    bench.check(bench.doctor() == 2 and words(bench) == ["leftover", "leftover"], bench.printed)
    open(bench.path("working", "core"), "w", encoding="utf-8").close()
    bench.check(bench.doctor("--repair") == 2 and "foreign" in words(bench), bench.printed)
    bench.check(os.path.exists(bench.path("working", "core")), "what is not usherd's was touched")
    os.unlink(bench.path("working", "core"))
    settle_and_check(bench)


def damaged_ledger(bench):
    die_with_work(bench)
    bench.start()
    bench.stop()
    ledger = os.path.join(bench.folder, "state", "ledger.sqlite")
    for ending in ("-wal", "-shm"):
        if os.path.exists(ledger + ending):
            bench.check(bench.doctor() == 0, bench.printed)  # closes the log into the database
    whole = open(ledger, "rb").read()
    copy = ledger + ".copy"
    shutil.copyfile(ledger, copy)
    found = 0
    for page in range(1, len(whole) // 4096):
        with open(ledger, "wb") as out:
            out.write(whole[:page * 4096] + b"\xff" * 64 + whole[page * 4096 + 64:])
        code = bench.doctor()
        bench.check(code in (0, 2), f"page {page}: exit {code}: {bench.printed}")
        found += code == 2 and "damaged_ledger" in words(bench)
        for ending in ("-wal", "-shm"):
            if os.path.exists(ledger + ending):
                os.unlink(ledger + ending)
    bench.check(found > len(whole) // 4096 // 2, f"{found} of {len(whole) // 4096} damaged pages were found")
    with open(ledger, "wb") as out:
        out.write(b"nothing of a database" * 500)
    bench.check(bench.doctor() == 2 and words(bench) == ["damaged_ledger"], bench.printed)
    bench.check(bench.doctor("--repair") == 2, "a ledger without a row left cannot be repaired")
    bench.check(bench.drain() == 78, "usherd started on a damaged ledger")
    shutil.copyfile(copy, ledger)
    os.unlink(copy)
    settle_and_check(bench)


def lost_state(bench):
    die_with_work(bench)
    state = os.path.join(bench.folder, "state")
    lost = state + ".lost"
    os.rename(state, lost)
    os.mkdir(state)
    bench.check(bench.drain() == 78 and "doctor" in bench.log_text(), bench.log_text()[-300:])
    bench.check(bench.doctor() == 2 and words(bench) == ["not_together"], bench.printed)
    bench.check(not os.listdir(state), f"looking at it left {os.listdir(state)}")
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(bench.doctor() == 0, bench.printed)
    # It turns up again: the spool has another state now.
    new = state + ".new"
    os.rename(state, new)
    os.rename(lost, state)
    bench.check(bench.drain() == 78 and "their ids differ" in bench.log_text(), bench.log_text()[-300:])
    os.rename(state, lost)
    os.rename(new, state)
    settle_and_check(bench)


def foreign_state(bench):
    """The state of another spool, which knows files: no repair, only words."""
    die_with_work(bench)
    identity = bench.path(".usherd-spool")
    own = open(identity, encoding="utf-8").read()
    with open(identity, "w", encoding="utf-8") as out:
        out.write("another\n")
    os.rename(bench.working("a.ndjson"), os.path.join(bench.folder, "aside"))
    bench.check(bench.doctor() == 2 and words(bench) == ["not_together"], bench.printed)
    bench.check(bench.doctor("--repair") == 2, bench.printed)
    bench.check(open(identity, encoding="utf-8").read() == "another\n", "the spool's id was changed")
    os.rename(os.path.join(bench.folder, "aside"), bench.path("working", "000000000001.a.ndjson"))
    with open(identity, "w", encoding="utf-8") as out:
        out.write(own)
    settle_and_check(bench)


def older_spool(bench):
    """A file of yesterday's spool stands in working/ again: it has ended, and must not be sent a second time."""
    bench.drop("a.ndjson", record("a", n=1))
    bench.check(bench.drain() == 0, bench.log_text()[-400:])
    os.rename(bench.path("done", "a.ndjson"), bench.path("working", "000000000001.a.ndjson"))
    os.unlink(bench.path("done", "a.ndjson.receipt.json"))
    bench.check(bench.doctor("--repair") == 2 and words(bench) == ["orphan"], bench.printed)
    bench.check(not os.listdir(bench.path("incoming")), "what had ended was offered again")
    bench.check(bench.drain() == 0, bench.log_text()[-400:])
    bench.check_oracle()


def stranger(bench):
    """Somebody who may not look: that is said, with what to do."""
    if os.geteuid() != 0:
        return
    os.chmod(bench.folder, 0o755)
    done = subprocess.run([bench.usherd, "doctor", "--config", bench.config], capture_output=True, text=True,
                          timeout=60, check=False, user=65534, group=65534, extra_groups=[])
    bench.check(done.returncode == 1 and "run doctor as root, or as" in done.stderr, done.stderr)


def tree(folder):
    """All that is below it; not what the test writes, nor a log of the ledger, which a start may fold in, nor the numbers
    that a running usherd keeps up to date."""
    found = []
    for place, folders, files in os.walk(folder):
        found += [os.path.join(place, name) for name in folders + files
                  if not name.startswith(("usherd.", ".numbers-")) and not name.endswith(("-wal", "-shm"))]
    return sorted(found)


def refusals_leave_nothing(bench):
    """Directories of the configuration that are wrong: a start that refuses them makes nothing there."""
    die_with_work(bench)
    right = bench.spool
    half = os.path.join(bench.folder, "half")
    os.makedirs(os.path.join(half, "incoming"))
    with open(os.path.join(half, "rejected"), "w", encoding="utf-8") as out:
        out.write("a file\n")

    def refused(what, code, **written):
        before = tree(bench.folder)
        with open(bench.config, encoding="utf-8") as text:
            whole = good = text.read()
        for old, new in written.values():
            bench.check(old in whole, f"{what}: the configuration has no {old}")
            whole = whole.replace(old, new)
        with open(bench.config, "w", encoding="utf-8") as out:
            out.write(whole)
        ended = subprocess.run([bench.usherd, "run", "--config", bench.config], capture_output=True, text=True,
                               timeout=60, check=False)
        bench.check(ended.returncode == code, f"{what}: exit {ended.returncode}: {ended.stderr[-300:]}")
        after = tree(bench.folder)
        bench.check(before == after, f"{what}: {sorted(set(before) ^ set(after))}")
        with open(bench.config, "w", encoding="utf-8") as out:
            out.write(good)

    spool, state = f"directory: {right},", f"directory: {bench.folder}/state"
    refused("a missing spool beside a state that knows one", 78, spool=(spool, f"directory: {right}.typo,"))
    refused("a missing state beside a spool", 78, state=(state, f"{state}.typo"))
    empty = os.path.join(bench.folder, "empty")
    os.mkdir(empty)
    refused("an empty state beside a spool", 78, state=(state, f"directory: {empty}"))
    refused("an empty spool beside a state", 78, spool=(spool, f"directory: {empty},"))
    refused("a spool that is half made", 78, spool=(spool, f"directory: {half},"))
    refused("a missing spool, and a state that cannot be made", 78, spool=(spool, f"directory: {right}.typo,"),
            state=(state, f"{bench.folder}/nowhere/state"))
    refused("no trust root", 78, spool=(spool, f"directory: {right}.typo,"), state=(state, f"{state}.typo"),
            root=(bench.sandbox.facts["ca_file"], bench.config))
    bench.sandbox.patch({"region": "eu1"})
    bench.start()
    bench.wait_for("its start", lambda: bench.log_text().count(" started; ") == 2)
    refused("a missing spool beside a state in use", 75, spool=(spool, f"directory: {right}.typo,"))
    refused("a missing state beside a spool in use", 75, state=(state, f"{state}.typo"))
    bench.stop()
    bench.sandbox.patch({"region": "any"})
    settle_and_check(bench)


SCENARIOS = {act.__name__: scenario(act, linger="3s") for act in (in_order, missing_file, orphan, changed_batch, missing_part,
                                                      lost_conversion, lost_unread_conversion, changed_original,
                                                      leftovers, damaged_ledger, lost_state, foreign_state, older_spool,
                                                      stranger, refusals_leave_nothing)}


if __name__ == "__main__":
    sys.exit(run_named(SCENARIOS, __doc__))
