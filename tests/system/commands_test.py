#!/usr/bin/env python3
"""What commands print, where, and how they end, as processes: commands_test.py USHERD SANDBOX"""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import live_service as service

USHERD, SANDBOX = sys.argv[1:3]


def good(count, start=0):
    return [json.dumps({"uid": f"user-{start + i}", "properties": {"n": i}}) for i in range(count)]


class Commands(unittest.TestCase):
    def setUp(self):
        self.sandbox = service.Sandbox(SANDBOX, "job_time=100ms")
        self.addCleanup(self.sandbox.stop)
        self.service = service.Service(USHERD, self.sandbox.facts)
        self.addCleanup(self.service.close)

    def start_drain(self):
        """A drain whose file is in a job that does not end."""
        self.sandbox.patch({"job_time": "manual"})
        self.service.drop("a.ndjson", good(3))
        self.service.process = subprocess.Popen([USHERD, "drain", "--config", self.service.config], text=True,
                                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while self.service.process.poll() is None and not self.answers():
            self.service.pause()
        self.service.wait_until(lambda status: status["jobs"]["count"] == 1, "in a job")

    def answers(self):
        try:
            return self.service.status()
        except OSError:
            return None

    def end_drain(self):
        self.sandbox.patch({"job_time": "1ms"})
        self.sandbox.finish_jobs()
        out, err = self.service.process.communicate(timeout=service.PATIENCE_S)
        return self.service.process.returncode, out, err

    def test_a_drain_names_what_came_while_it_ran(self):
        self.start_drain()
        for name in ["a.ndjson", "renamed.ndjson"] + [f"more-{i}.ndjson" for i in range(30)]:
            self.service.drop(name, good(1))
        with open(os.path.join(self.service.incoming, "in_place.ndjson"), "w", encoding="utf-8") as out:
            out.write("{}\n")
        code, out, err = self.end_drain()
        self.assertEqual(code, 0, err)
        self.assertTrue(out.startswith("files 1  refused 0  records 3  imported 3"), out)
        left = [line for line in err.splitlines() if line.startswith("left in incoming/: ")]
        self.assertEqual((len(left), left[-1]), (21, "left in incoming/: 13 more"))
        self.assertTrue(all(line.endswith("(later: it came after the drain had started)") for line in left[:20]), err)
        self.assertEqual(self.service.command("drain").returncode, 2)
        self.assertEqual(os.listdir(self.service.incoming), [])

    def test_one_record_is_called_one(self):
        self.service.drop("one.ndjson", good(1))
        drained = self.service.command("drain")
        self.assertEqual(drained.returncode, 0, drained.stderr)
        self.assertIn("one.ndjson: 1 record, 1 imported, ", drained.stderr)

    def test_a_drain_that_is_broken_off_tells_how_far_it_came(self):
        self.service.drop("done.ndjson", good(2) + ['{"uid":""}'])
        self.assertEqual(self.service.command("drain").returncode, 2)
        self.start_drain()
        self.service.drop("late.ndjson", good(1))
        self.service.process.send_signal(signal.SIGTERM)
        out, err = self.service.process.communicate(timeout=service.PATIENCE_S)
        self.assertEqual(self.service.process.returncode, 1, err)
        self.assertTrue(out.startswith("files 0  refused 0  records 0  imported 0"), out)
        self.assertIn("left in incoming/: late.ndjson (later: it came after the drain had started)\n", err)
        self.assertTrue(err.endswith(
            "usherd: stopped before everything was delivered; what is left is safe in working/\n"), err)

    def test_a_reload_that_is_asked_for_too_early_ends_nothing(self):
        ours, theirs = os.pipe()
        os.set_blocking(theirs, False)
        try:
            while True:
                os.write(theirs, b"." * 4096)
        except BlockingIOError:
            os.set_blocking(theirs, True)
        self.service.process = subprocess.Popen([USHERD, "run", "--config", self.service.config], stdout=theirs,
                                                stderr=theirs)
        os.close(theirs)
        # Its first line, of the status page, finds no room: it does not listen to signals yet.
        while not os.path.exists(self.service.socket) and self.service.process.poll() is None:
            self.service.pause()
        self.service.process.send_signal(signal.SIGHUP)
        log = open(ours, encoding="utf-8")
        self.addCleanup(log.close)
        self.assertIn("started; 0 files", next((line for line in log if "started" in line), ""))
        self.service.process.send_signal(signal.SIGTERM)
        log.read()
        self.assertEqual(self.service.process.wait(timeout=service.PATIENCE_S), 0)

    def test_a_service_is_asked_although_its_file_was_spoilt_meanwhile(self):
        self.service.start()
        with open(self.service.config, encoding="utf-8") as source:
            good_text = source.read()
        for spoilt, exits in ((good_text.replace("max_records", "max_recrods"), 0), (good_text + "limits: [1\n", 78),
                              (good_text.replace("batch:", "bacht:"), 78), (good_text.replace("hosts", "hotss"), 78),
                              (good_text + "stop_timeout: soon\n", 0), (good_text.replace("hosts: [", "hosts: [a/b, "), 0)):
            with self.subTest(spoilt=spoilt):
                self.assertNotEqual(spoilt, good_text)
                with open(self.service.config, "w", encoding="utf-8") as out:
                    out.write(spoilt)
                for words in (("status",), ("pause",), ("jobs", "list"), ("resume",)):
                    shown = self.service.command(*words)
                    self.assertEqual(shown.returncode, exits, shown.stderr)
                    self.assertIn(self.service.config, shown.stderr)
        self.service.stop()
        self.assertEqual(self.service.command("status").returncode, 78)

    def test_a_login_page_does_not_prove_the_key(self):
        self.assertIn("the key is good", self.service.command("check", "--online").stdout)
        self.sandbox.add_faults({"call": "me", "action": "status", "code": 200, "body": "html"})
        checked = self.service.command("check", "--online")
        self.assertEqual((checked.returncode, checked.stderr),
                         (69, "GET /me: 200, but not as the API answers: no word about the key\n"))

    def test_a_check_of_the_key_names_the_address_and_the_role_that_are_to_blame(self):
        for code in (404, 302):
            self.sandbox.add_faults({"call": "me", "action": "status", "code": code, "times": 1})
            checked = self.service.command("check", "--online")
            self.assertEqual((checked.returncode, checked.stderr),
                             (69, f"GET /me: {code}: no word about the key; look at api.base_url first: "
                                  f"{self.service.facts['api']}\n"))
        for code in (401, 403):
            self.sandbox.add_faults({"call": "me", "action": "status", "code": code, "times": 1})
            checked = self.service.command("check", "--online")
            self.assertEqual((checked.returncode, checked.stderr),
                             (1, f"GET /me: {code}: the API does not accept the key; put a good one into "
                                 "api.key_file\n"))
        self.sandbox.patch({"role": "USER"})
        checked = self.service.command("check", "--online")
        self.assertIn("the key is good", checked.stdout)
        self.assertEqual((checked.returncode, checked.stderr),
                         (0, "its role cannot read why records fail: batches with errors will end unknown; take a key of "
                             "an Admin or Architect\n"))

    def test_the_path_of_the_base_url_stands_once_in_front_of_requests_also_after_a_reload(self):
        self.sandbox.patch({"base_path": "/gateway"})
        self.service.start()
        self.service.drop("a.ndjson", good(2))
        self.service.wait_for_log("parked: endpoint")
        self.service.facts["api"] += "/gateway"
        self.service.write_config()
        self.assertIn("the key is good", self.service.command("check", "--online").stdout)
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait_for_log("a.ndjson: 2 records, 2 imported")

    def test_a_drain_whose_key_is_refused_says_what_to_do(self):
        self.sandbox.patch({"region": "eu1"})
        self.service.drop("a.ndjson", good(1))
        ended = self.service.command("drain", "--park-timeout", "0s")
        self.assertEqual(ended.returncode, 69, ended.stderr)
        self.assertRegex(ended.stderr, r"parked \(credentials\): the API refuses the key; put a good one into api\.key_file.*;"
                                       r" what is left is safe in (incoming/ and )?working/\n$")

    def test_a_drain_that_took_nothing_says_where_that_stands(self):
        self.service.drop("a.ndjson", good(1))
        ended = self.service.command("drain", "--timeout", "0s")
        self.assertEqual(ended.returncode, 69, ended.stderr)
        self.assertIn("what is left is safe in incoming/ and working/\n", ended.stderr)

    def test_a_file_that_is_refused_whole_is_named_with_its_reason(self):
        for name in ["q.csv", "odd\x1b[31m.data"] + [f"more-{i}.json" for i in range(25)]:
            self.service.drop(name, ["color,uid,uid", "red,a,b"])
        shown = self.service.command("drain")
        self.assertEqual(shown.returncode, 2)
        refused = [line for line in shown.stderr.splitlines() if line.startswith(("q", "unnamed", "more", "refused"))]
        self.assertEqual((len(refused), refused[-1]), (21, "refused: 7 more"))
        self.assertNotIn("\x1b", shown.stderr)
        self.service.start()
        self.service.drop("q.csv", ["color,uid,uid", "red,a,b"])
        self.service.wait_for_log(r"warn\w* +q~2\.csv \(dropped as q\.csv\) refused: bad_header: \S")
        self.service.drop("odd\x1b[31m.data", ["a"])
        found = self.service.wait_for_log(
            r"warn\w* +(unnamed-\d+\.data) \(dropped as odd\\x1b\[31m\.data\) refused: unknown_format: \S")
        self.assertEqual(self.story("odd\x1b[31m.data")["file"], found.group(1))
        self.assertEqual((self.story("q.csv")["file"], self.story("q.csv")["dropped_as"]), ("q.csv", None))
        self.assertEqual(self.story("q~2.csv")["dropped_as"], "q.csv")
        text = self.service.command("status", "--file", "q.csv").stdout
        self.assertRegex(text, r"Refused +bad_header: \S")
        self.assertEqual(self.service.command("status", "--file", "none.csv").returncode, 1)

    def test_no_log_shows_the_first_record_of_a_csv_file_without_a_header(self):
        self.service.drop("customers.csv", ["ann,ann.lee@example.com", "bob,bob.ray@example.com"])
        shown = self.service.command("drain")
        self.assertEqual(shown.returncode, 2, shown.stderr)
        self.assertIn("customers.csv refused: bad_header: line 1, column 2: "
                      "rejected/customers.csv.error.json has the reason\n", shown.stderr)
        self.assertNotIn("ann.lee", shown.stderr + shown.stdout)
        with open(os.path.join(self.service.folder, "spool", "rejected", "customers.csv.error.json"),
                  encoding="utf-8") as reason:
            self.assertIn("ann.lee@example.com", reason.read())

    def story(self, name):
        shown = self.service.command("status", "--json", "--file", name)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        return json.loads(shown.stdout)

    def results_to(self, out, *words, **more):
        return subprocess.run([USHERD, *words, "--config", self.service.config], stdout=out, stderr=subprocess.PIPE,
                              text=True, timeout=service.PATIENCE_S, **more)

    def test_check_proves_the_key_beside_files_with_refused_records(self):
        file = os.path.join(self.service.folder, "b.ndjson")
        with open(file, "w", encoding="utf-8") as out:
            out.write('{"uid":""}\n')
        shown = self.service.command("check", "--online", file)
        self.assertIn("the key is good: organisation o-SANDBOX-na1, role ADMIN\n", shown.stdout)
        self.assertEqual((shown.returncode, shown.stderr), (2, ""))
        with open(self.service.facts["key_file"], "w", encoding="utf-8") as key:
            key.write("na1.another\n")
        for files in ([], [file]):
            shown = self.service.command("check", "--online", *files)
            self.assertEqual((shown.returncode, shown.stderr),
                             (1, "GET /me: 401: the API does not accept the key; put a good one into api.key_file\n"))

    def test_check_follows_a_link_as_submit_does(self):
        file = os.path.join(self.service.folder, "b.ndjson")
        with open(file, "w", encoding="utf-8") as out:
            out.write('{"uid":"1"}\n')
        link = os.path.join(self.service.folder, "link.ndjson")
        os.symlink(file, link)
        shown = self.service.command("check", link)
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertIn("link.ndjson: 1 record, 1 good", shown.stdout)

    def test_check_says_of_a_file_that_is_not_there_that_it_is_not_there(self):
        for name in ("missing", "missing.ndjson"):
            shown = self.service.command("check", os.path.join(self.service.folder, name))
            self.assertEqual(shown.returncode, 1, shown.stderr)
            self.assertRegex(shown.stderr, f"/{name}: .*No such file or directory\n")

    def test_one_thing_is_told_in_the_singular(self):
        self.service.drop("a.ndjson", ['{"uid":""}'])
        ended = self.results_to(subprocess.DEVNULL, "drain")
        self.assertIn("accepted 1 file, 11 B\n", ended.stderr)
        self.assertEqual(self.results_to(subprocess.DEVNULL, "rejects", "list").stderr, "1 reject\n")

    def test_a_user_without_a_word_may_be_one_whose_reject_was_dropped(self):
        self.service.drop("a.ndjson", ['{"uid":"long","email":5}'])
        self.results_to(subprocess.DEVNULL, "drain")
        self.results_to(subprocess.DEVNULL, "rejects", "drop")
        shown = self.service.command("trace", "long")
        self.assertEqual(shown.returncode, 1)
        self.assertIn("or its reject was dropped\n", shown.stderr)

    def test_a_watch_in_a_pipe_says_once_that_the_service_is_gone(self):
        self.service.start()
        watching = subprocess.Popen([USHERD, "status", "--watch", "--config", self.service.config], text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertRegex(watching.stdout.readline(), "^usherd +run")
        self.service.stop()
        with socket.socket(socket.AF_UNIX) as nobody:
            nobody.settimeout(service.PATIENCE_S)
            nobody.bind(self.service.socket)
            nobody.listen()
            for _ in range(3):
                nobody.accept()[0].close()
        watching.send_signal(signal.SIGINT)
        said = watching.communicate(timeout=service.PATIENCE_S)[1].splitlines()
        self.assertTrue(said and all(line.endswith("; trying again") for line in said), said)
        self.assertTrue(all(one != next_one for one, next_one in zip(said, said[1:])), said)

    def test_an_action_whose_answer_breaks_off_may_have_taken_effect(self):
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(self.service.socket)
            door.listen()
            for words, look in ((("pause",), "usherd status"), (("resume",), "usherd status"),
                                (("jobs", "abandon", "a/1"), "usherd jobs list"), (("status",), None)):
                with self.subTest(words=words):
                    asked = threading.Thread(target=self.break_off, args=(door,))
                    asked.start()
                    done = self.service.command(*words)
                    asked.join()
                    self.assertEqual(done.returncode, 69, done.stderr)
                    self.assertIn("the service broke its answer off", done.stderr)
                    self.assertEqual(f"it may have been done all the same: look with `{look}`" in done.stderr,
                                     look is not None, done.stderr)

    @staticmethod
    def break_off(door):
        """Hears one request to its end, and answers nothing."""
        with door.accept()[0] as connection:
            while b"\r\n\r\n" not in connection.recv(65536, socket.MSG_PEEK):
                pass
            connection.recv(65536)

    def test_a_start_refuses_every_file_that_a_check_refuses(self):
        missing, roots = os.path.join(self.service.folder, "missing"), self.sandbox.facts["ca_file"]
        for base, key in (("http://127.0.0.1:1", "ca_file"), (self.sandbox.facts["api"], "proxy_credentials_file")):
            self.service.facts["api"] = base
            self.service.facts["ca_file"] = missing if key == "ca_file" else f"{roots}, {key}: {missing}"
            self.service.write_config()
            for words in (("check",), ("drain", "--timeout", "0s"), ("run",)):
                with self.subTest(key=key, words=words):
                    done = self.service.command(*words)
                    self.assertEqual(done.returncode, 78, done.stderr)
                    self.assertIn(f"{missing}: No such file", done.stderr)

    def submit_endless(self, **more):
        """A submit whose input has not ended, once something of it stands in incoming/."""
        process = subprocess.Popen([USHERD, "submit", "-", "--name", "a.ndjson", "--config", self.service.config],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        process.stdin.write(b'{"uid":"1"}\n')
        process.stdin.flush()
        end = time.monotonic() + service.PATIENCE_S
        while not [name for name in os.listdir(self.service.incoming)
                   if os.path.getsize(os.path.join(self.service.incoming, name))]:
            self.assertLess(time.monotonic(), end, "nothing came into incoming/")
        return process

    def test_an_interrupted_submit_leaves_nothing_behind(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.submit_endless()
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=service.PATIENCE_S), -number)
            self.assertEqual(process.communicate(), (b"", b""))
            self.assertEqual(os.listdir(self.service.incoming), [])

    def test_a_submit_under_nohup_goes_on(self):
        process = self.submit_endless(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(b'{"uid":"2"}\n', timeout=service.PATIENCE_S)
        self.assertEqual((process.returncode, out, err), (0, b"a.ndjson\n", b""))
        with open(os.path.join(self.service.incoming, "a.ndjson"), "rb") as dropped:
            self.assertEqual(dropped.read(), b'{"uid":"1"}\n{"uid":"2"}\n')

    def test_results_that_are_lost_are_a_failure(self):
        self.service.drop("a.ndjson", good(2) + ['{"uid":""}'])
        file = os.path.join(self.service.folder, "b.ndjson")
        with open(file, "w", encoding="utf-8") as out:
            out.write("".join(line + "\n" for line in good(2)))
        with open("/dev/full", "w", encoding="utf-8") as full:
            def lost(*words):
                ended = self.results_to(full, *words)
                self.assertEqual(ended.returncode, 1, (words, ended.stderr))
                self.assertTrue(ended.stderr.endswith(
                    "usherd: cannot write to standard output: No space left on device\n"), (words, ended.stderr))
            lost("drain")
            self.assertEqual(subprocess.run([USHERD, "--help"], stdout=full, stderr=subprocess.DEVNULL,
                                            check=False).returncode, 1)
            for words in (["version"], ["check"], ["check", file], ["submit", file], ["rejects", "list"],
                          ["rejects", "export"], ["trace", "user-1"]):
                lost(*words)
            # Who tries again delivers twice: it is said that there is no need to.
            ended = self.results_to(full, "submit", file)
            self.assertIn(f"usherd: {file} was dropped, as b~2.ndjson: do not submit it again\n", ended.stderr)
            self.assertTrue(os.path.exists(os.path.join(self.service.incoming, "b~2.ndjson")))
            self.service.start()
            lost("status")
            lost("status", "--watch")

    def test_words_that_are_lost_do_not_decide_the_exit_code(self):
        self.service.drop("a.ndjson", good(2) + ['{"uid":""}'])
        self.assertEqual(self.service.command("drain").returncode, 2)
        with open("/dev/full", "w", encoding="utf-8") as full:
            def ended(*words):
                return subprocess.run([USHERD, *words, "--config", self.service.config], stdout=subprocess.PIPE,
                                      stderr=full, text=True, timeout=service.PATIENCE_S, check=False)
            for words, code in ((["rejects", "list"], 0), (["rejects", "show"], 0), (["rejects", "export"], 0),
                                (["status"], 69), (["trace", "nobody"], 1)):
                with self.subTest(words=words):
                    shown = self.service.command(*words)
                    self.assertEqual(shown.returncode, code, shown.stderr)
                    lost = ended(*words)
                    self.assertEqual((lost.returncode, lost.stdout), (code, shown.stdout))

    def test_a_reader_that_had_enough_is_no_failure(self):
        for ignored in (False, True):
            ours, theirs = os.pipe()
            os.close(ours)
            ended = self.results_to(theirs, "version", restore_signals=not ignored)
            os.close(theirs)
            self.assertEqual((ended.returncode, ended.stderr), (0 if ignored else -signal.SIGPIPE, ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
