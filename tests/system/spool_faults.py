#!/usr/bin/env python3
"""Files that change after their claim, and files that should not have been dropped, as processes.

usage: spool_faults.py USHERD SANDBOX [SCENARIO...]
"""
import os
import socket
import stat
import sys

from spool_bench import finish_jobs, record, run_named, scenario


def freeze_while_away(bench, names):
    """Lets usherd take what was dropped and freeze it, while nobody listens to it."""
    bench.sandbox.patch({"listening": False})
    bench.start()
    bench.wait_for("accepted files", lambda: all(bench.working(name) for name in names))
    bench.wait_for("a frozen batch", lambda: bench.ask_ledger(
        f"SELECT count(DISTINCT file) = {len(names)} FROM shares JOIN batches ON id = batch WHERE state = 0"))


def change(path, old, new):
    """In place, as a producer that kept the file open would."""
    with open(path, "r+b") as file:
        text = file.read()
        assert text.count(old) == 1 and len(old) == len(new), (old, text.count(old))
        file.seek(text.index(old))
        file.write(new)


def changed_and_appended(bench):
    """One record of a frozen batch changes, and something is appended: it alone is unknown, the tail is a file."""
    bench.drop("a.ndjson", "".join(record(f"a{i}", n=i) for i in range(20)))
    bench.drop("b.ndjson", "".join(record(f"b{i}", n=i) for i in range(10)))
    freeze_while_away(bench, ["a.ndjson", "b.ndjson"])
    change(bench.working("a.ndjson"), b'"a4", "properties": {"n": 4}', b'"a4", "properties": {"n": 9}')
    with open(bench.working("a.ndjson"), "ab") as file:
        file.write(record("late", n=1).encode())
    bench.sandbox.patch({"listening": True})
    for name in ("a.ndjson", "b.ndjson", "a~tail.ndjson"):
        bench.wait_for(f"receipt of {name}", lambda name=name: bench.receipt(name))
    bench.check_receipt("a.ndjson", records=20, imported=19, unknown=1, tail="a~tail.ndjson")
    bench.check_receipt("b.ndjson", records=10, imported=10)
    bench.check_receipt("a~tail.ndjson", records=1, imported=1)
    rejects = bench.rejects("a.ndjson")
    bench.check([(line["line"], line["code"], line["stage"]) for line in rejects] == [(5, "file_changed", "unknown")],
                f"reject lines: {rejects}")
    users = bench.users()
    bench.check("a4" not in users, "a changed record was sent")
    bench.check(len(users) == 30, f"{len(users)} users")
    bench.check_oracle()


def changed_after_a_restart(bench):
    """Which record changed is then not known, but which file: its records are unknown, the others go on."""
    bench.drop("a.ndjson", "".join(record(f"a{i}", n=i) for i in range(20)))
    bench.drop("b.ndjson", "".join(record(f"b{i}", n=i) for i in range(10)))
    bench.sandbox.patch({"region": "eu1"})  # 401: parked before anything is marked as sent
    bench.start()
    bench.wait_for("a parked daemon", lambda: "credentials" in bench.log_text())
    bench.wait_for("a frozen batch", lambda: bench.ask_ledger(
        "SELECT sum(records) = 30 FROM shares JOIN batches ON id = batch WHERE state = 0 AND sent_wall IS NULL"))
    bench.stop()
    change(bench.working("a.ndjson"), b'"a4", "properties": {"n": 4}', b'"a4", "properties": {"n": 9}')
    bench.sandbox.patch({"region": "any"})
    code = bench.drain()
    bench.check_receipt("b.ndjson", records=10, imported=10)
    bench.check_receipt("a.ndjson", records=20, unknown=20)
    bench.check([line["line"] for line in bench.rejects("a.ndjson")] == list(range(1, 21)), "other lines than 1 to 20")
    bench.check(code == 2, f"exit {code}")
    bench.check_oracle()


def changed_while_it_waits_by_itself(bench):
    """A merged record was refused, its sources wait to go singly, and one of them changes while nobody runs."""
    bench.sandbox.patch({"job_time": "manual", "reject_uids_with": "bad"})
    bench.drop("a.ndjson", "".join(record(f"a{i}", n=i) for i in range(3)) + record("bad", n=1) + record("bad", n=2))
    bench.start()
    bench.wait_for("a job", lambda: bench.ask_ledger("SELECT count(*) FROM batches WHERE state = 1") == 1)
    bench.command("pause")
    finish_jobs(bench)
    bench.wait_for("single records", lambda: bench.ask_ledger("SELECT count(*) FROM singles") == 2)
    bench.stop(9)
    bench.sandbox.patch({"job_time": "50ms"})
    change(bench.working("a.ndjson"), b'{"uid": "bad", "properties": {"n": 1}', b'xxuid": "bad", "properties": {"n": 1}')
    bench.start()
    bench.wait_for("a running daemon", lambda: bench.command("resume") == 0)
    bench.wait_for("the receipt", lambda: bench.receipt("a.ndjson"))
    bench.check_receipt("a.ndjson", records=5, imported=3, rejected=1, unknown=1)
    codes = sorted((line["line"], line["stage"], line["code"]) for line in bench.rejects("a.ndjson"))
    bench.check(codes[0] == (4, "unknown", "file_changed") and codes[1][:2] == (5, "api"), f"reject lines: {codes}")
    bench.check("line 4 is not the record that was accepted" in bench.log_text(), "the log does not name the record")
    bench.check_oracle()


def changed_while_waiting(bench):
    """Records that were read and wait for their users: frozen as they are now, unless another user's name is on them."""
    bench.sandbox.patch({"job_time": "manual"})
    bench.start()
    bench.drop("a.ndjson", record("x", v=1) + record("y", v=1) + record("x", v=2) + record("y", v=2))
    bench.wait_for("a job", lambda: bench.ask_ledger("SELECT count(*) FROM batches WHERE state = 1"))
    change(bench.working("a.ndjson"), b'"x", "properties": {"v": 2}', b'"x", "properties": {"v": 9}')
    change(bench.working("a.ndjson"), b'"y", "properties": {"v": 2}', b'"z", "properties": {"v": 2}')
    bench.sandbox.patch({"job_time": "50ms"})
    finish_jobs(bench)
    bench.wait_for("the receipt", lambda: bench.receipt("a.ndjson"))
    bench.check_receipt("a.ndjson", records=4, imported=3, unknown=1)
    rejects = [(line["line"], line["code"]) for line in bench.rejects("a.ndjson")]
    bench.check(rejects == [(4, "file_changed")], f"reject lines: {rejects}")
    users = bench.users()
    bench.check("z" not in users, "a record was sent for a user that order knows nothing of")
    bench.check(users["x"]["properties"]["v"] == 9 and users["y"]["properties"]["v"] == 1, f"users: {users}")
    bench.check_oracle()


def cut_short(bench):
    """A file that loses its end while it is being read: what is missing is said in one reject line."""
    lines = [record(f"a{i:05}", text="x" * 200) for i in range(20_000)]
    bench.drop("a.ndjson", "".join(lines))
    freeze_while_away(bench, ["a.ndjson"])
    os.truncate(bench.working("a.ndjson"), sum(map(len, lines[:15_000])) + 10)
    bench.sandbox.patch({"listening": True})
    bench.wait_for("the receipt", lambda: bench.receipt("a.ndjson"))
    receipt = bench.receipt("a.ndjson")
    bench.check_receipt("a.ndjson", imported=15_000, records=15_001, rejected=0, unknown=1)
    codes = [(line["line"], line["stage"], line["code"]) for line in bench.rejects("a.ndjson")]
    bench.check(codes == [(15_001, "unknown", "file_changed")], f"reject lines: {codes}")
    bench.check(receipt["bytes"] == sum(map(len, lines)), "the receipt tells another size than the accepted one")
    bench.check(len(bench.users()) == 15_000, "other users than those that were left")
    bench.command("rejects", "retry", "--stage", "unknown")
    bench.check(not bench.rejects("a.ndjson")[0].get("retried_as"), "what is no record any more was sent again")
    bench.check(bench.command("rejects", "drop", "--stage", "local") == 0 and len(bench.rejects("a.ndjson")) == 1,
                "it was dropped as one of a local rule")
    bench.check(bench.command("rejects", "drop", "--stage", "unknown") == 0 and not bench.rejects("a.ndjson"),
                "it was not dropped")


def taken_away(bench):
    """An accepted file is removed from working/ under a running daemon: neighbours go on, and nothing hangs."""
    bench.drop("a.ndjson", "".join(record(f"a{i}", n=i) for i in range(20)))
    bench.drop("b.ndjson", "".join(record(f"b{i}", n=i) for i in range(10)))
    freeze_while_away(bench, ["a.ndjson", "b.ndjson"])
    os.unlink(bench.working("a.ndjson"))
    bench.sandbox.patch({"listening": True})
    bench.wait_for("receipt of b.ndjson", lambda: bench.receipt("b.ndjson"))
    bench.check_receipt("b.ndjson", records=10, imported=10)
    bench.wait_for("a word about a.ndjson", lambda: "usherd doctor" in bench.log_text())
    bench.check(bench.stop() == 0, "it did not stop by itself")
    bench.check(bench.drain() == 1, "a drain that cannot finish a file must fail")
    bench.check(bench.doctor() == 2 and "missing_file" in bench.printed, bench.printed)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(bench.drain() == 2, "what was lost is not told")
    receipt = bench.receipt("a.ndjson")
    bench.check(receipt and receipt["unknown"] == 20, f"receipt: {receipt}")
    bench.check_oracle()


def something_else_in_its_place(bench):
    """A link stands where an accepted file stood: its records are unknown, its neighbours go on, doctor names it."""
    bench.drop("a.ndjson", "".join(record(f"a{i}", n=i) for i in range(20)))
    bench.drop("b.ndjson", "".join(record(f"b{i}", n=i) for i in range(10)))
    freeze_while_away(bench, ["a.ndjson", "b.ndjson"])
    path = bench.working("a.ndjson")
    os.unlink(path)
    os.symlink("/etc/hostname", path)
    bench.sandbox.patch({"listening": True})
    bench.wait_for("receipt of b.ndjson", lambda: bench.receipt("b.ndjson"))
    bench.check_receipt("b.ndjson", records=10, imported=10)
    bench.wait_for("a word about a.ndjson", lambda: "a.ndjson cannot be settled" in bench.log_text())
    bench.stop()
    bench.check(bench.doctor("--repair") == 2 and "missing_file" in bench.printed, bench.printed)
    os.unlink(path)
    bench.check(bench.doctor("--repair") == 0, bench.printed)
    bench.check(bench.drain() == 2, "what was lost is not told")
    receipt = bench.receipt("a.ndjson")
    bench.check(receipt and receipt["unknown"] == 20, f"receipt: {receipt}")
    bench.check_oracle()


def odd_inputs(bench):
    """Every odd thing at once, among good neighbours."""
    good = record("good", n=1)
    incoming = bench.path("incoming")
    bench.drop("cut_in_a_line.ndjson", good + '{"uid":"cut","prop')
    bench.drop("cut_in_the_document.json", '[{"uid":"j1"},{"uid":"j2"')
    bench.drop("binary.ndjson", bytes(range(256)) * 40)
    bench.drop("binary.json", b"\x7fELF" + bytes(range(256)))
    bench.drop("long_line.ndjson", record("before") + '{"uid":"' + "x" * (1 << 20) + '"}\n' + record("after"))
    bench.drop("large_line.ndjson", record("large", **{f"p{i:03}": "v" * 8000 for i in range(115)}))
    bench.drop("bad_utf8.ndjson", b'{"uid":"\xff\xfe"}\n' + record("utf8").encode())
    bench.drop("mark.ndjson", b"\xef\xbb\xbf" + record("mark").encode())
    bench.drop("mark.json", b"\xef\xbb\xbf" + b'[{"uid":"jmark"}]')
    bench.drop("crlf.ndjson", '{"uid":"crlf1"}\r\n\r\n{"uid":"crlf2"}\r\n')
    bench.drop("empty.ndjson", "")
    bench.drop("empty.json", "")
    bench.drop("blank.ndjson", "\n \n\r\n\t\n")
    bench.drop("nul.ndjson", b'{"uid":"n\x00ul"}\n\x00\x00\x00\n' + record("nul").encode())
    bench.drop("unknown.bin", "whatever")
    os.mkdir(os.path.join(incoming, "folder.ndjson"))
    os.mkfifo(os.path.join(incoming, "pipe.ndjson"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.join(incoming, "socket.ndjson"))
    elsewhere = os.path.join(bench.folder, "elsewhere.ndjson")
    with open(elsewhere, "w", encoding="utf-8") as out:
        out.write(record("elsewhere"))
    os.symlink(elsewhere, os.path.join(incoming, "link.ndjson"))
    os.link(elsewhere, os.path.join(incoming, "second_name.ndjson"))
    bench.drop("neighbour.ndjson", good)
    code = bench.drain()
    bench.check(code == 2, f"exit {code}: {bench.log_text()[-600:]}")
    check_odd_outcomes(bench)


def check_odd_outcomes(bench):
    def codes(name):
        return [line["code"] for line in bench.rejects(name)]

    bench.check_receipt("cut_in_a_line.ndjson", records=2, rejected=1)
    bench.check(codes("cut_in_a_line.ndjson") == ["invalid_json"], str(codes("cut_in_a_line.ndjson")))
    bench.check_receipt("binary.ndjson", imported=0)
    bench.check(bench.receipt("binary.ndjson")["rejected"] == bench.receipt("binary.ndjson")["records"] > 0, "binary")
    bench.check_receipt("long_line.ndjson", records=3, imported=2, rejected=1)
    bench.check(codes("long_line.ndjson") == ["record_too_large"], str(codes("long_line.ndjson")))
    bench.check_receipt("large_line.ndjson", records=1, imported=1)
    bench.check_receipt("bad_utf8.ndjson", records=2, imported=1, rejected=1)
    bench.check_receipt("mark.ndjson", records=1, imported=1)
    bench.check_receipt("mark.json", records=1, imported=1)
    bench.check_receipt("crlf.ndjson", records=2, imported=2)
    bench.check_receipt("empty.ndjson", records=0)
    bench.check_receipt("blank.ndjson", records=0)
    bench.check_receipt("nul.ndjson", records=3, rejected=2, imported=1)
    for name, code in (("cut_in_the_document.json", "damaged_document"), ("binary.json", "damaged_document"),
                       ("empty.json", "damaged_document")):
        refusal = bench.refusal(name)
        bench.check(refusal is not None and refusal["code"] == code, f"{name}: {refusal}")
    refused = [name for name in os.listdir(bench.path("rejected")) if name.startswith("unnamed-")]
    bench.check(len(refused) == 2, f"the file of an unknown ending: {refused}")
    for name, word in (("folder.ndjson", "directory"), ("pipe.ndjson", "special"), ("socket.ndjson", "special"),
                       ("link.ndjson", "symlink"), ("second_name.ndjson", "hard_link")):
        bench.check(os.path.lexists(bench.path("incoming", name)), f"{name} did not stay")
        bench.check(f"left in incoming/: {name} ({word}: " in bench.log_text(), f"{name} is not named as {word}")
    bench.check(stat.S_ISFIFO(os.lstat(bench.path("incoming", "pipe.ndjson")).st_mode), "the FIFO was touched")
    bench.check_receipt("neighbour.ndjson", records=1)
    # Told once each, and taken once the other name is gone.
    os.unlink(os.path.join(bench.folder, "elsewhere.ndjson"))
    bench.check(bench.drain() == 0, bench.log_text()[-600:])
    bench.check_receipt("second_name.ndjson", records=1, imported=1)
    users = bench.users()
    wanted = {"good", "before", "after", "large", "utf8", "mark", "jmark", "crlf1", "crlf2", "nul", "elsewhere"}
    bench.check(set(users) == wanted, f"users: {sorted(set(users) ^ wanted)}")


SCENARIOS = {
    "changed_and_appended": scenario(changed_and_appended),
    "changed_after_a_restart": scenario(changed_after_a_restart),
    "changed_while_it_waits_by_itself": scenario(changed_while_it_waits_by_itself),
    "changed_while_waiting": scenario(changed_while_waiting, options="records=merge: false"),
    "cut_short": scenario(cut_short, options="batch=max_records: 500"),
    "taken_away": scenario(taken_away),
    "something_else_in_its_place": scenario(something_else_in_its_place),
    "odd_inputs": scenario(odd_inputs),
}


if __name__ == "__main__":
    sys.exit(run_named(SCENARIOS, __doc__))
