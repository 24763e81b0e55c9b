#!/usr/bin/env python3
"""The programs for producers in docs/operating.md: that a name which is taken costs nobody a record.

Those whose language is not installed are left out. That what they drop is delivered is seen by service/docs_test.py.
"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
EXAMPLE = re.compile(r"^<!-- example: (\w+) -->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = {"sh": ("drop.sh", ["sh", "drop.sh"]), "python": ("drop.py", ["python3", "drop.py"]),
            "java": ("Drop.java", ["java", "Drop.java"]), "go": ("drop.go", ["go", "run", "drop.go"])}


def examples():
    with open(os.path.join(ROOT, "docs/operating.md"), encoding="utf-8") as page:
        return EXAMPLE.findall(page.read())


class Examples(unittest.TestCase):
    def drop(self, folder, language, records):
        return subprocess.run([*COMMANDS[language][1], os.path.join(folder, "incoming"), "a.ndjson"], cwd=folder,
                              input=records, text=True, capture_output=True, timeout=300, check=False,
                              env=dict(os.environ, GOCACHE=os.path.join(folder, "cache"), GO111MODULE="off"))

    def check(self, folder, language):
        def held():
            found = {}
            for name in os.listdir(incoming):
                with open(os.path.join(incoming, name), encoding="utf-8") as text:
                    found[name] = text.read()
            return found

        incoming = os.path.join(folder, "incoming")
        os.mkdir(incoming)
        done = self.drop(folder, language, "first\n")
        self.assertEqual((done.returncode, held()), (0, {"a.ndjson": "first\n"}), done.stderr)
        done = self.drop(folder, language, "second\n")
        self.assertNotEqual(done.returncode, 0, "it did not fail")
        hidden = [name for name in held() if name != "a.ndjson"]
        self.assertEqual(len(hidden), 1, f"the second records are gone: {done.stderr}")
        self.assertTrue(hidden[0].startswith("."), hidden)
        self.assertEqual(held(), {"a.ndjson": "first\n", hidden[0]: "second\n"})
        self.assertIn("a.ndjson", done.stderr)

    def test_a_name_that_is_taken_is_refused_and_nothing_is_lost(self):
        found = examples()
        self.assertEqual(sorted(language for language, _ in found), sorted(COMMANDS))
        for language, text in found:
            with self.subTest(language=language), tempfile.TemporaryDirectory(prefix="usherd-example-") as folder:
                if shutil.which(COMMANDS[language][1][0]) is None:
                    continue
                with open(os.path.join(folder, COMMANDS[language][0]), "w", encoding="utf-8") as out:
                    out.write(text)
                self.check(folder, language)


if __name__ == "__main__":
    unittest.main(verbosity=2)
