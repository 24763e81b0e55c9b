#!/usr/bin/env python3
"""Where the results of commands go, and what is said when nobody gets them: results_test.py USHERD SANDBOX"""
import json
import os
import signal
import subprocess
import sys
import unittest

import live_service as service

USHERD, SANDBOX = sys.argv[1:3]


class Results(unittest.TestCase):
    def setUp(self):
        self.sandbox = service.Sandbox(SANDBOX, "job_time=100ms")
        self.addCleanup(self.sandbox.stop)
        self.service = service.Service(USHERD, self.sandbox.facts)
        self.addCleanup(self.service.close)

    def file(self, name, text):
        path = os.path.join(self.service.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def test_check_counts_a_file_that_is_refused_whole_among_its_results(self):
        for name, text, why in (("a.txt", "x\n", "unknown_format: the name ends in none of .ndjson "),
                                ("b.csv", "uid,uid\n1,2\n", "bad_header: line 1: column 2 (uid) is also in column 1\n"),
                                ("c.ndjson.gz", "junk", "damaged_archive: the gzip file is damaged ")):
            with self.subTest(name=name):
                path = self.file(name, text)
                checked = self.service.command("check", path)
                self.assertEqual((checked.returncode, checked.stderr), (2, ""))
                self.assertIn(f"{path}: refused whole: {why}", checked.stdout)

    def test_check_says_on_stderr_what_it_cannot_open(self):
        pipe = os.path.join(self.service.folder, "pipe.ndjson")
        os.mkfifo(pipe)
        checked = self.service.command("check", pipe)
        self.assertEqual(checked.returncode, 1)
        self.assertIn("is not a regular file\n", checked.stderr)
        self.assertNotIn("pipe.ndjson", checked.stdout)

    def watch(self, *words):
        """`status --watch` in a pipe; it ends with the test at the latest."""
        watching = subprocess.Popen([USHERD, "status", "--watch", *words, "--config", self.service.config], text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(watching.communicate, timeout=service.PATIENCE_S)
        self.addCleanup(watching.kill)
        return watching

    def interrupted(self, watching):
        watching.send_signal(signal.SIGINT)
        said = watching.communicate(timeout=service.PATIENCE_S)[1]
        self.assertEqual(watching.returncode, -signal.SIGINT)
        return said

    def test_a_watch_as_json_prints_a_document_a_line(self):
        self.service.start()
        watching = self.watch("--json")
        first, second = (json.loads(watching.stdout.readline()) for _ in range(2))
        self.assertEqual((first["schema"], first["state"]), (1, "idle"))
        self.assertLess(first["time"], second["time"])
        self.assertEqual(self.interrupted(watching), "")

    def test_a_watch_of_a_file_tells_its_story_until_interrupted(self):
        self.sandbox.patch({"job_time": "manual"})
        self.service.start()
        self.service.drop("a.ndjson", ['{"uid":"1"}', '{"uid":"2"}'])
        self.service.wait_until(lambda status: status["jobs"]["count"] == 1, "in a job")
        told, as_json = self.watch("--file", "a.ndjson"), self.watch("--file", "a.ndjson", "--json")
        self.assertEqual([told.stdout.readline().split() for _ in range(2)], [["File", "a.ndjson"], ["State", "ready"]])
        self.assertEqual(json.loads(as_json.stdout.readline())["pending"], 2)
        self.sandbox.patch({"job_time": "1ms"})
        self.sandbox.finish_jobs()
        while told.stdout.readline().split() != ["State", "settled"]:
            self.assertIsNone(told.poll())
        while (story := json.loads(as_json.stdout.readline()))["state"] != "settled":
            self.assertIsNone(as_json.poll())
        self.assertEqual((story["file"], story["imported"]), ("a.ndjson", 2))
        self.service.stop()
        for watching in (told, as_json):
            self.assertRegex(watching.stderr.readline(), "^usherd: .*; trying again\n$")
        self.service.start()
        while not told.stdout.readline().startswith("File"):
            self.assertIsNone(told.poll())
        self.assertEqual(json.loads(as_json.stdout.readline())["state"], "settled")
        for watching in (told, as_json):
            self.interrupted(watching)

    def test_a_watch_of_a_file_that_is_not_there_ends_as_a_look_does(self):
        for code in (69, 1):
            for words in ((), ("--json",)):
                watched = self.service.command("status", "--watch", "--file", "a.ndjson", *words)
                self.assertEqual((watched.returncode, watched.stdout), (code, ""))
                self.assertEqual(watched.stderr, self.service.command("status", "--file", "a.ndjson").stderr)
            if code == 69:
                self.service.start()

    def lost(self, *words):
        """What a command says when the disk behind its stdout is full."""
        with open("/dev/full", "w", encoding="utf-8") as full:
            ended = subprocess.run([USHERD, *words, "--config", self.service.config], stdout=full, stderr=subprocess.PIPE,
                                   text=True, timeout=service.PATIENCE_S, check=False)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        why = "usherd: cannot write to standard output: No space left on device\n"
        self.assertTrue(ended.stderr.endswith(why), ended.stderr)
        return ended.stderr.removesuffix(why)

    def test_a_doctor_whose_words_are_lost_says_why(self):
        self.service.command("drain")
        for words in ([], ["--repair"]):
            self.assertEqual(self.lost("doctor", *words), "")

    def test_a_change_of_rejects_that_nobody_is_told_of_is_said_to_be_done(self):
        self.service.drop("a.ndjson", ['{"uid":""}', '{"uid":"1","email":5}'])
        self.assertEqual(self.service.command("drain").returncode, 2)
        self.assertEqual(self.lost("rejects", "drop", "--code", "uid_empty", "--dry-run"), "")
        told = self.lost("rejects", "retry", "--uid", "1")
        self.assertRegex(told, r"^usherd: it was done all the same: 1 retried, of 1 that match; they are in \S+\n$")
        for words in ([], ["--json"]):
            self.assertRegex(self.lost("rejects", "drop", *words),
                             r"^usherd: it was done all the same: [02] dropped, of [02] that match")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
