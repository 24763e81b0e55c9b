#!/usr/bin/env python3
"""`usherd trace` and `usherd rejects` beside a running service and without one: rejects_test.py USHERD SANDBOX"""
import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import unittest

import live_service as service

USHERD, SANDBOX = sys.argv[1:3]


def update(uid, **properties):
    return json.dumps({"uid": uid, "properties": properties})


class Rejects(unittest.TestCase):
    def setUp(self):
        self.sandbox = service.Sandbox(SANDBOX, "job_time=50ms", "reject_uids_with=bad")
        self.addCleanup(self.sandbox.stop)
        self.service = service.Service(USHERD, self.sandbox.facts)
        self.addCleanup(self.service.close)
        self.service.start()
        self.files = 0

    def deliver(self, name, lines):
        self.service.drop(name, lines)
        self.settled(1)

    def settled(self, more):
        self.files += more
        self.service.wait_until(
            lambda status: status["state"] == "idle" and sum(status["files"].values()) == self.files, "idle")

    def run_json(self, *words, code=0):
        done = self.service.command(*words, "--json")
        self.assertEqual(done.returncode, code, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def trace(self, user, code=0):
        return [(one["file"], one["line"], one["outcome"]) for one in self.run_json("trace", user, code=code)[0]["updates"]]

    def rejects(self, *filters):
        return [(one["file"], one["line"], one["code"]) for one in self.run_json("rejects", "list", *filters)]

    def test_a_trace_tells_how_each_update_of_a_user_ended(self):
        self.deliver("a.ndjson", [update("ann", n=1), update("badbob", n=1), '{"uid":"carl","email":"%s"}' % ("x" * 200)])
        self.assertEqual(self.trace("ann"), [("a.ndjson", 1, "imported")])
        self.assertEqual(self.trace("badbob"), [("a.ndjson", 2, "rejected")])
        self.assertEqual(self.trace("carl"), [("a.ndjson", 3, "rejected")])
        self.assertEqual(self.trace("nobody", code=1), [])
        self.assertEqual(self.service.get("/api/trace?user=ann")[0], 403)
        self.sandbox.patch({"job_time": "1h"})
        self.service.drop("b.ndjson", [update("ann", n=2)])
        self.service.wait_until(lambda status: [job["stage"] for job in status["jobs"]["list"]] == ["processing"], "a job")
        self.service.drop("c.ndjson", [update("zoe"), update("ann", n=3)])
        self.service.wait_until(lambda status: status["backlog"]["records_waiting"] == 1, "the third update")
        self.assertEqual(self.trace("ann"), [("a.ndjson", 1, "imported"), ("b.ndjson", 1, "processing"),
                                             ("c.ndjson", 2, "waiting")])
        text = self.service.command("trace", "ann").stdout.splitlines()
        self.assertRegex(text[0], r"^a\.ndjson line 1 +imported +batch \d+ job \S+ finished 20")
        stdin = subprocess.run([USHERD, "trace", "-", "--config", self.service.config], input="ann\nbadbob\n",
                               capture_output=True, text=True, timeout=service.PATIENCE_S, check=True)
        self.assertIn("badbob:\n", stdin.stdout)

    def trace_all(self, users, code):
        done = subprocess.run([USHERD, "trace", "-", "--json", "--config", self.service.config], input=users,
                              capture_output=True, text=True, timeout=service.PATIENCE_S)
        self.assertEqual(done.returncode, code, done.stderr)
        return [(one["user"], [update["outcome"] for update in one["updates"]])
                for one in map(json.loads, done.stdout.splitlines())]

    def test_many_users_are_traced_in_one_question_and_told_of_in_their_order(self):
        self.deliver("a.ndjson", [update("ann"), update("badbob"), update("ann")])
        told = [("badbob", ["rejected"]), ("nobody", []), ("ann", ["merged", "imported"]), ("badbob", ["rejected"])]
        users = "badbob\nnobody\r\n\nann\nbadbob"
        self.assertEqual(self.trace_all(users, 1), told)
        with open(self.service.log, encoding="utf-8") as text:
            log = text.read()
        # The one that was named again is asked for by itself.
        self.assertEqual(len(re.findall(r"admin: /api/trace by uid \d+ pid \d+", log)), 1)
        self.assertNotIn("badbob", log)
        self.service.stop()
        self.assertEqual(self.trace_all(users, 1), told)

    def test_files_that_wait_for_their_conversion_are_told_of_once_for_all_users(self):
        self.service.command("pause")
        # More than the batches that wait to be sent hold: reading and converting stop there.
        self.service.drop("a.ndjson", [update(f"w{number}") for number in range(40000)])
        self.service.wait_until(lambda status: status["backlog"]["files"] == 1, "the first file")
        for number in range(25):
            self.service.drop(f"b{number:02}.csv", ["uid", f"u{number}"])
        self.service.wait_until(lambda status: status["backlog"]["files"] == 26, "the others")
        done = subprocess.run([USHERD, "trace", "-", "--config", self.service.config], input="u1\nu2\nw0\n",
                              capture_output=True, text=True, timeout=service.PATIENCE_S)
        self.assertEqual(done.stderr.count("was not looked into to its end"), 20, done.stderr)
        self.assertEqual(done.stderr.count("nor were 5 more\n"), 1, done.stderr)
        told = self.run_json("trace", "w0")[0]
        self.assertEqual((told["unsearched_files"], len(told["unsearched"])), (25, 20))

    def test_a_reject_is_retried_once_and_never_over_newer_data(self):
        self.deliver("a.ndjson", [update("badann", n=1), update("badbob", n=1), "no json"])
        self.assertEqual([line for _, line, _ in self.rejects("--stage", "api")], [1, 2])
        self.sandbox.patch({"reject_uids_with": ""})
        self.deliver("b.ndjson", [update("badbob", n=2)])
        trial = self.run_json("rejects", "retry", "--stage", "api", "--dry-run", code=2)[0]
        self.assertEqual((trial["retried"], trial["refused"], trial["file"]), (1, 1, None))
        done = self.run_json("rejects", "retry", "--stage", "api", code=2)[0]
        self.assertEqual([(one["line"], one["reason"]) for one in done["refusals"]], [(2, "newer_data")])
        self.assertIn("b.ndjson line 1", done["refusals"][0]["detail"])
        self.settled(1)
        self.assertEqual([how for _, _, how in self.trace("badann")], ["rejected", "imported"])
        marked = self.run_json("rejects", "list", "--uid", "badann")
        self.assertEqual([one["retried_as"] for one in marked], [done["file"]])
        again = self.run_json("rejects", "retry", "--uid", "badann")[0]
        self.assertEqual((again["retried"], again["already_retried"]), (0, 1))
        exported = self.service.command("rejects", "export", "--stage", "api")
        self.assertEqual(exported.stdout.splitlines(), [update("badbob", n=1)])
        self.assertEqual(exported.stderr, "1 reject; 1 that were retried are left out\n")
        self.service.wait_for_log(r"/api/rejects/retry stage=api by uid \d+ pid \d+")
        # Who is meant is nobody's business but the operator's.
        with open(self.service.log, encoding="utf-8") as text:
            self.assertNotIn("badann", text.read())
        users = {user["uid"]: user["properties"]["n"] for user in self.sandbox_users()}
        self.assertEqual((users["badann"], users["badbob"]), (1, 2))

    def test_the_older_reject_of_a_user_may_be_retried_before_the_newer_one(self):
        for n, name in ((1, "a.ndjson"), (2, "b.ndjson")):
            self.deliver(name, [update("badann", n=n)])
        self.sandbox.patch({"reject_uids_with": ""})
        for n, name in ((1, "a.ndjson"), (2, "b.ndjson")):
            done = self.run_json("rejects", "retry", "--file", name)[0]
            self.assertEqual((done["retried"], done["refused"]), (1, 0))
            self.settled(1)
            self.assertEqual([user["properties"]["n"] for user in self.sandbox_users()], [n])
        marked = self.run_json("rejects", "list")
        self.assertEqual([one["retried_line"] for one in marked], [1, 1])

    def test_the_newer_record_is_named_by_its_line_in_the_file_as_it_was_dropped(self):
        self.deliver("a.ndjson", [update("badann", n=1)])
        self.sandbox.patch({"reject_uids_with": "", "job_time": "1h"})
        self.service.drop("b.json", [f'[{update("x")},{update("badann", n=2)}]'])
        self.service.wait_until(lambda status: [job["stage"] for job in status["jobs"]["list"]] == ["processing"], "a job")
        refused = self.run_json("rejects", "retry", code=2)[0]["refusals"][0]["detail"]
        self.assertRegex(refused, r"^b\.json line 1, batch \d+ is newer and is on its way$")
        self.sandbox.finish_jobs()
        self.settled(1)
        # What told the lines is gone with the conversion.
        refused = self.run_json("rejects", "retry", code=2)[0]["refusals"][0]["detail"]
        self.assertRegex(refused, r"^b\.json record 2, batch \d+ is newer and was imported$")

    def sandbox_users(self):
        with service.urllib.request.urlopen(self.sandbox.facts["control"] + "/oracle/users", timeout=service.PATIENCE_S) as answer:
            return [json.loads(line) for line in answer.read().decode().splitlines()]

    def test_what_is_exported_corrected_and_submitted_is_a_new_file(self):
        self.deliver("a.ndjson", ['{"uid":"ann","email":"%s"}' % ("x" * 200), "{broken"])
        exported = self.service.command("rejects", "export", "--code", "email_too_long").stdout
        self.assertEqual(json.loads(exported)["uid"], "ann")
        fixed = os.path.join(self.service.folder, "fixed.ndjson")
        with open(fixed, "w", encoding="utf-8") as out:
            out.write(exported.replace("x" * 200, "ann@example.com"))
        self.assertEqual(self.service.command("submit", fixed).returncode, 0)
        self.settled(1)
        self.assertEqual(self.run_json("rejects", "drop", "--code", "email_too_long", "--dry-run")[0]["dropped"], 1)
        self.assertEqual(self.run_json("rejects", "drop", "--code", "email_too_long")[0]["dropped"], 1)
        self.assertEqual(self.rejects(), [("a.ndjson", 2, "invalid_json")])
        self.assertEqual(self.service.command("rejects", "export").stdout, "{broken\n")
        shown = self.service.command("rejects", "show").stdout
        self.assertIn("a.ndjson line 2, offset", shown)
        self.assertEqual(self.service.command("rejects", "drop").stdout, "1 dropped, of 1 that match\n")
        self.assertFalse(os.listdir(os.path.join(self.service.folder, "spool", "rejected")))

    def test_the_newest_update_of_a_user_is_exported_last(self):
        first = [update("badann", n=1), update("badann", n=2)[:-1] + ',"plan":1}']
        self.deliver("b.ndjson", first)
        self.deliver("a.ndjson", [update("badann", n=3)])
        self.assertEqual(self.service.command("rejects", "export").stdout.splitlines(), [*first, update("badann", n=3)])

    def test_what_was_rejected_again_after_a_retry_is_exported_where_it_stood_first(self):
        updates = [update("badann", n=n) for n in range(4)]
        self.deliver("b.ndjson", updates[:2])
        self.deliver("a.ndjson", updates[2:])
        for begin in ("b.ndjson", "retry-"):
            name = [file for file, _, _ in self.rejects() if file.startswith(begin)][0]
            done = self.run_json("rejects", "retry", "--file", name)[0]
            self.assertEqual(done["retried"], 2)
            self.settled(1)
        exported = self.service.command("rejects", "export")
        self.assertEqual(exported.stdout.splitlines(), updates, exported.stderr)

    def test_a_record_that_is_not_utf8_is_given_back_as_it_came_and_never_makes_another_user(self):
        record = b'{"uid":"lat2\xe9"}'
        submit = [USHERD, "submit", "--config", self.service.config, "--name"]
        subprocess.run([*submit, "a.ndjson", "-"], input=record + b"\n", stdout=subprocess.DEVNULL, check=True,
                       timeout=service.PATIENCE_S)
        self.settled(1)
        listed = self.run_json("rejects", "list")[0]
        self.assertEqual((listed["code"], listed["raw"]), ("invalid_utf8", '{"uid":"lat2\ufffd"}'))
        self.assertEqual(base64.b64decode(listed["raw_base64"]), record)
        self.assertEqual(list(listed)[-1], "raw_base64")
        refused = self.run_json("rejects", "retry", code=2)[0]["refusals"][0]
        self.assertEqual(refused["detail"], "it is not UTF-8: export it, write it in UTF-8, and submit it")
        exported = subprocess.run([USHERD, "rejects", "export", "--config", self.service.config], capture_output=True,
                                  check=True, timeout=service.PATIENCE_S).stdout
        self.assertEqual(exported, record + b"\n")
        subprocess.run([*submit, "b.ndjson", "-"], input=exported, stdout=subprocess.DEVNULL, check=True,
                       timeout=service.PATIENCE_S)
        self.settled(1)
        self.assertEqual(self.rejects(), [("a.ndjson", 1, "invalid_utf8"), ("b.ndjson", 1, "invalid_utf8")])
        self.assertEqual(self.sandbox_users(), [])
        self.assertIn("lat2\\xe9", self.service.on_terminal("rejects", "show")[0])

    def test_a_row_that_is_not_utf8_is_given_back_as_it_stands_in_the_file(self):
        submit = [USHERD, "submit", "--config", self.service.config, "--name", "a.csv", "-"]
        subprocess.run(submit, input=b'uid,email\nann,"Jos\xe9"\nbob,x\n', stdout=subprocess.DEVNULL, check=True,
                       timeout=service.PATIENCE_S)
        self.settled(1)
        self.assertEqual(self.rejects(), [("a.csv", 2, "invalid_utf8")])
        exported = subprocess.run([USHERD, "rejects", "export", "--config", self.service.config], capture_output=True,
                                  check=True, timeout=service.PATIENCE_S).stdout
        self.assertEqual(exported, b'ann,"Jos\xe9"\n')
        self.assertEqual([user["uid"] for user in self.sandbox_users()], ["bob"])

    def test_it_works_on_a_stopped_spool_too(self):
        self.deliver("a.ndjson", [update("ann", n=1), update("badbob", n=1)])
        self.service.stop()
        self.assertEqual(self.trace("ann"), [("a.ndjson", 1, "imported")])
        retried = self.run_json("rejects", "retry")[0]
        self.assertEqual(retried["retried"], 1)
        # Not accepted yet: what it holds is not known.
        self.assertEqual(self.service.command("rejects", "retry").returncode, 69)
        self.sandbox.patch({"reject_uids_with": ""})
        drained = self.service.command("drain")
        self.assertEqual(drained.returncode, 0, drained.stderr)
        self.assertEqual([how for _, _, how in self.trace("badbob")], ["rejected", "imported"])

    def test_a_bad_line_among_the_rejects_of_one_file_leaves_the_others_alone(self):
        self.deliver("a.ndjson", [update("badann", n=1)])
        self.deliver("b.ndjson", [update("badbob", n=1), update("carl", n=1)])
        self.deliver("c.ndjson", [update("badann", n=2), update("badcy", n=1)])
        spoilt = os.path.join(self.service.folder, "spool/rejected/b.ndjson.rejects.ndjson")
        with open(spoilt, "a") as lines:
            lines.write("oops\n")
        named = spoilt + ":2: not a line of rejects"
        traced = self.service.command("trace", "badcy")
        self.assertEqual(traced.returncode, 0, traced.stderr)
        self.assertIn("c.ndjson line 2", traced.stdout)
        self.assertIn(named, traced.stderr)
        self.assertEqual(self.trace("badbob"), [("b.ndjson", 1, "rejected")])
        listed = self.service.command("rejects", "list")
        self.assertEqual(listed.returncode, 1, listed.stderr)
        self.assertEqual([line.split()[0] for line in listed.stdout.splitlines()],
                         ["a.ndjson:1", "b.ndjson:1", "c.ndjson:1", "c.ndjson:2"])
        self.assertIn(named, listed.stderr)
        exported = self.service.command("rejects", "export", "--uid", "badcy")
        self.assertEqual(exported.stdout, update("badcy", n=1) + "\n")
        self.assertEqual(exported.stderr.count(named), 1)
        for words in (["retry"], ["drop"], ["retry", "--file", "b.ndjson"], ["drop", "--file", "b.ndjson"]):
            refused = self.service.command("rejects", *words)
            self.assertEqual(refused.returncode, 1, refused.stderr)
            self.assertIn(named, refused.stderr)
        self.assertEqual(self.run_json("rejects", "list", "--file", "c.ndjson", "--json")[0]["line"], 1)
        self.assertEqual(self.run_json("rejects", "drop", "--file", "a.ndjson")[0]["dropped"], 1)
        self.assertEqual(self.run_json("rejects", "retry", "--file", "c.ndjson")[0]["retried"], 2)
        self.settled(1)
        self.service.stop()
        doctor = self.service.command("doctor")
        self.assertEqual(doctor.returncode, 2, doctor.stdout + doctor.stderr)
        self.assertIn("bad_reject: " + named, doctor.stdout)

    def test_a_change_of_a_spool_without_its_state_is_refused_as_a_start_is(self):
        self.deliver("a.ndjson", [update("bad")])
        self.service.stop()
        spool = os.path.join(self.service.folder, "spool")
        with open(f"{spool}/.usherd-spool", "w") as other:
            other.write("another\n")
        with open(f"{spool}/working/000000000099.b.ndjson", "w") as unknown:
            unknown.write(update("bad", n=2) + "\n")
        start = self.service.command("drain")
        self.assertEqual(start.returncode, 78, start.stderr)
        why = re.search("the spool .*do not belong together.*", start.stderr).group()
        for words in (["retry"], ["retry", "--dry-run"], ["drop"]):
            refused = self.service.command("rejects", *words)
            self.assertEqual(refused.returncode, 78, refused.stderr)
            self.assertIn(why, refused.stderr)

    def test_a_change_whose_answer_breaks_off_may_have_been_done(self):
        self.service.stop()
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(self.service.socket)
            door.listen()
            for words, doubtful in (("drop",), True), (("retry",), True), (("drop", "--dry-run"), False):
                asked = threading.Thread(target=self.break_off, args=(door,))
                asked.start()
                done = self.service.command("rejects", *words)
                asked.join()
                self.assertEqual(done.returncode, 69, done.stderr)
                self.assertIn("the service broke its answer off", done.stderr)
                self.assertEqual("may have been done all the same: look with `usherd rejects list`" in done.stderr, doubtful,
                                 done.stderr)

    @staticmethod
    def break_off(door):
        """Hears one request to its end, and answers nothing."""
        with door.accept()[0] as connection:
            while b"\r\n\r\n" not in connection.recv(65536, socket.MSG_PEEK):
                pass
            connection.recv(65536)

    def kill_retry(self, kind, number):
        """Kills an offline retry as it enters its n-th call of a kind; False when it came to its end before."""
        done = subprocess.run(["strace", "-f", "-qq", "-e", f"trace={kind}", "-e",
                               f"inject={kind}:signal=KILL:when={number}", "-o", os.devnull, USHERD, "rejects", "retry",
                               "--code", "anonymous", "--config", self.service.config], capture_output=True, timeout=service.PATIENCE_S)
        self.assertIn(done.returncode, (-9, 137, 0), done.stderr)
        return done.returncode != 0

    def drain(self, code):
        drained = self.service.command("drain")
        self.assertEqual(drained.returncode, code, drained.stderr)

    def left_hidden(self):
        return [name for folder in ("incoming", "rejected")
                for name in os.listdir(os.path.join(self.service.folder, "spool", folder)) if name.startswith(".")]

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_a_retry_that_is_killed_anywhere_is_sent_once(self):
        self.service.stop()
        for kind in ("renameat2", "fsync"):
            number, killed = 0, True
            while killed:
                number += 1
                # Nobody can tell by newer data that an anonymous record was sent.
                self.service.write_config("records: {anonymous: reject}")
                self.service.drop(f"{kind}-{number}.ndjson", ['{"email":"a@example.com"}', update(f"{kind}{number}") + "x"])
                self.drain(2)
                self.service.write_config("records: {anonymous: accept}")
                killed = self.kill_retry(kind, number)
                with self.subTest(kind=kind, number=number):
                    self.check_killed_retry()
            self.assertGreater(number, 3)

    def check_killed_retry(self):
        before = len(self.sandbox_users())
        noted = any(name.startswith(".usherd-retry-") and not name.endswith(".new")
                    for name in os.listdir(os.path.join(self.service.folder, "spool", "rejected")))
        exported = self.service.command("rejects", "export", "--code", "anonymous")
        self.assertEqual(exported.returncode, 69 if noted else 0, exported.stderr)
        again = self.service.command("rejects", "retry", "--code", "anonymous")
        # What was sent waits to be accepted.
        self.assertIn(again.returncode, (0, 69), again.stderr)
        self.assertEqual(self.left_hidden(), [])
        self.drain(0)
        self.run_json("rejects", "retry", "--code", "anonymous")
        self.drain(0)
        self.assertEqual(len(self.sandbox_users()), before + 1)
        self.assertEqual([one for one in self.run_json("rejects", "list", "--code", "anonymous") if "retried_as" not in one], [])

    def test_a_start_ends_a_retry_that_was_killed(self):
        self.deliver("a.ndjson", ['{"email":"a@example.com"}'])
        self.service.stop()
        self.service.write_config("records: {anonymous: accept}")
        # As it is about to mark the old lines.
        self.assertTrue(self.kill_retry("renameat2", 3))
        found = self.service.command("doctor")
        self.assertEqual(found.returncode, 2, found.stdout)
        self.assertRegex(found.stdout, r"^cut_retry: `usherd rejects` was cut short: rejected/\.")
        self.assertEqual(len([name for name in self.left_hidden() if name.startswith(".usherd-retry-")]), 1)
        self.service.start()
        self.files = 0
        self.settled(1)
        self.assertEqual(self.left_hidden(), [])
        self.assertIn("retried_as", self.run_json("rejects", "list")[0])
        self.assertEqual(self.run_json("rejects", "retry")[0]["already_retried"], 1)
        self.assertEqual(len(self.sandbox_users()), 1)

    def test_doctor_ends_a_retry_that_was_killed_only_when_told(self):
        self.deliver("a.ndjson", ['{"email":"a@example.com"}'])
        self.service.stop()
        self.assertTrue(self.kill_retry("renameat2", 3))
        left = self.left_hidden()
        self.assertEqual(self.service.command("doctor").returncode, 2)
        self.assertEqual(self.left_hidden(), left)
        repaired = self.service.command("doctor", "--repair")
        self.assertEqual(repaired.returncode, 0, repaired.stdout + repaired.stderr)
        self.assertEqual(self.left_hidden(), [])
        self.assertIn("retried_as", self.run_json("rejects", "list")[0])
        self.assertIn("in order", self.service.command("doctor").stdout)

    def test_a_wrong_word_is_named(self):
        for words, said in ((["rejects"], "say what to do"), (["rejects", "list", "--stage", "x"], "local, api or unknown"),
                            (["rejects", "burn"], "burn"), (["trace"], "UID")):
            wrong = self.service.command(*words)
            self.assertEqual(wrong.returncode, 64, words)
            self.assertIn(said, wrong.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
