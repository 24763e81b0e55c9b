#!/usr/bin/env python3
"""A state that is older than its spool, or new beside it: starts refuse it, `usherd doctor` tells and repairs.

usage: doctor_ages_test.py USHERD SANDBOX [SCENARIO...]
"""
import os
import shutil
import signal
import sys

from doctor_test import die_with_work, tree, words
from spool_bench import record, run_named, scenario


def put_state_back(bench, aside):
    state = os.path.join(bench.folder, "state")
    shutil.rmtree(state)
    shutil.copytree(aside, state)


def older_state(bench):
    """The state of yesterday beside the spool of today: what has ended since must not end a second time."""
    die_with_work(bench)
    aside = os.path.join(bench.folder, "aside")
    shutil.copytree(os.path.join(bench.folder, "state"), aside)
    bench.check(bench.drain() == 0, bench.log_text()[-400:])
    receipts = [open(bench.path("done", name + ".receipt.json"), encoding="utf-8").read()
                for name in ("a.ndjson", "b.ndjson", "c.json")]
    bench.drop("late.ndjson", record("late", n=1))
    put_state_back(bench, aside)
    bench.check(bench.drain() == 78 and "copy from before" in bench.log_text(), bench.log_text()[-400:])
    bench.check(bench.doctor() == 2 and words(bench) == ["older_state"] * 3, bench.printed)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(bench.doctor() == 0, bench.printed)
    bench.check(bench.drain() == 0, bench.log_text()[-400:])
    for name, receipt in zip(("a.ndjson", "b.ndjson", "c.json"), receipts):
        bench.check(open(bench.path("done", name + ".receipt.json"), encoding="utf-8").read() == receipt, name)
        bench.check(not bench.rejects(name), f"{name} was imported, and has reject lines")
    # What `trace` shows: the receipt knows when it was.
    bench.check(bench.ask_ledger("SELECT min(finished) > 0 FROM batches") == 1, "a batch ended in 1970")
    bench.check_receipt("late.ndjson", records=1, imported=1)
    bench.check(not bench.left_in_working(), f"working/ holds {bench.left_in_working()}")
    bench.check_oracle()


def sequences(bench):
    done = bench.path("done")
    return sorted(bench.receipt(name[:-len(".receipt.json")])["sequence"] for name in os.listdir(done)
                  if name.endswith(".receipt.json"))


def older_idle_state(bench):
    """The nightly copy of a state in which nothing was open: no receipt tells, the numbers do."""
    state = os.path.join(bench.folder, "state")
    aside = os.path.join(bench.folder, "aside")
    bench.drop("a.ndjson", record("a", n=1))
    bench.check(bench.drain() == 0, bench.log_text()[-400:])
    shutil.copytree(state, aside)
    bench.drop("b.ndjson", record("b", n=1))
    bench.check(bench.drain() == 0, bench.log_text()[-400:])
    # One that is accepted, and not sent.
    bench.sandbox.patch({"region": "eu1"})
    bench.start()
    bench.drop("c.ndjson", record("c", n=1))
    bench.wait_for("c.ndjson", lambda: bench.ask_ledger("SELECT count(*) FROM batches WHERE state = 0"))
    bench.stop()
    bench.sandbox.patch({"region": "any"})
    held = tree(bench.spool)
    put_state_back(bench, aside)
    for command in ("drain", "run"):
        said = len(bench.log_text())
        bench.start(command)
        code = bench.process.wait(timeout=60)
        bench.stop()
        told = bench.log_text()[said:]
        bench.check(code == 78 and "copy from before" in told and "usherd doctor" in told, f"{command}: {code}: {told}")
    bench.check(bench.doctor() == 2 and words(bench) == ["older_state"], bench.printed)
    bench.check("1 files that are newer" in bench.printed, bench.printed)
    bench.check(tree(bench.spool) == held, "looking changed the spool")
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(bench.doctor() == 0, bench.printed)
    bench.drop("d.ndjson", record("d", n=1))
    bench.check(bench.drain() == 0, bench.log_text()[-400:])
    bench.check(sequences(bench) == [1, 2, 3, 4], f"sequences {sequences(bench)}")
    batches = [bench.receipt(name + ".ndjson")["batches"][0]["batch"] for name in "abcd"]
    # The third was frozen for c.ndjson by the state that is gone.
    bench.check(batches[:2] == [1, 2] and min(batches[2:]) > 3, f"batches {batches}")
    bench.check(not bench.left_in_working(), f"working/ holds {bench.left_in_working()}")
    bench.check_oracle()


def lost_state_numbers(bench):
    """Numbers go on after a state was lost."""
    state = os.path.join(bench.folder, "state")
    for name in "ab":
        bench.drop(name + ".ndjson", record(name, n=1))
        bench.check(bench.drain() == 0, bench.log_text()[-400:])
    shutil.rmtree(state)
    os.mkdir(state)
    bench.check(bench.drain() == 78 and "doctor" in bench.log_text(), bench.log_text()[-300:])
    bench.check(bench.doctor() == 2 and words(bench) == ["not_together"], bench.printed)
    bench.check(not os.listdir(state), f"looking at it left {os.listdir(state)}")
    bench.check(bench.doctor("--repair") == 0 and words(bench) == ["not_together"], bench.printed)
    bench.check(bench.doctor() == 0, bench.printed)
    bench.drop("c.ndjson", record("c", n=1))
    bench.check(bench.drain() == 0, bench.log_text()[-400:])
    bench.check(sequences(bench) == [1, 2, 3], f"sequences {sequences(bench)}")
    bench.check_oracle()


def older_state_in_part(bench):
    """One batch held records of two files, and one of them has not ended: of its records nobody knows."""
    bench.write_config("batch = max_records: 20")
    bench.drop("a.ndjson", "".join(record(f"a{i}", n=i) for i in range(10)))
    bench.drop("b.ndjson", "".join(record(f"b{i}", n=i) for i in range(10, 40)))
    bench.sandbox.patch({"region": "eu1"})
    bench.start()
    bench.wait_for("frozen batches", lambda: bench.ask_ledger(
        "SELECT count(*) FROM batches WHERE state = 0") >= 2)
    bench.stop(signal.SIGKILL)
    bench.sandbox.patch({"region": "any"})
    os.rename(bench.working("a.ndjson"), bench.path("done", "a.ndjson"))
    shown = bench.ask_ledger("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', accepted / 1000.0, 'unixepoch') FROM files")
    with open(bench.path("done", "a.ndjson.receipt.json"), "w", encoding="utf-8") as out:
        out.write(f'{{"file":"a.ndjson","sequence":1,"accepted":"{shown}","finished":"2026-11-24T01:48:00.123Z",'
                  '"bytes":1,"records":10,"imported":9,"rejected":0,"merged":1,"unknown":0,"rekeyed":0,"batches":['
                  '{"batch":1,"job":"J","records":10,"imported":9,"rejected":0,"unknown":0,"submitted":null,'
                  '"finished":null}]}\n')
    bench.check(bench.doctor() == 2 and words(bench) == ["older_state"], bench.printed)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(bench.doctor() == 0, bench.printed)
    bench.check(bench.drain() == 2, bench.log_text()[-400:])
    bench.check_receipt("b.ndjson", records=30, unknown=10, imported=20)
    kept = bench.rejects("b.ndjson")
    bench.check({line["code"] for line in kept} == {"no_verdict"}, f"{kept[:1]}")
    bench.check(all(line.get("record", {}).get("uid", "").startswith("b") for line in kept), f"{kept[:1]}")
    bench.check(not bench.rejects("a.ndjson"), "a.ndjson was imported, and has reject lines")
    bench.check_oracle()


SCENARIOS = {act.__name__: scenario(act, linger="3s") for act in (older_state, older_idle_state, lost_state_numbers,
                                                                  older_state_in_part)}


if __name__ == "__main__":
    sys.exit(run_named(SCENARIOS, __doc__))
