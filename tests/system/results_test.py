#!/usr/bin/env python3
"""Where the results of commands go, and what is said when nobody gets them: results_test.py USHERD SANDBOX"""
import os
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


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
