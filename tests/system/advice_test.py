#!/usr/bin/env python3
"""What operators are told to do when something is not as it should be: advice_test.py USHERD SANDBOX"""
import os
import pty
import socket
import subprocess
import sys
import unittest

import live_service as service

USHERD, SANDBOX = sys.argv[1:3]
STRANGER = 12345
GROUP = 12346


class Advice(unittest.TestCase):
    def setUp(self):
        self.sandbox = service.Sandbox(SANDBOX)
        self.addCleanup(self.sandbox.stop)
        self.service = service.Service(USHERD, self.sandbox.facts)
        self.addCleanup(self.service.close)

    def as_stranger(self, *words, groups=()):
        return subprocess.run([USHERD, *words, "--config", self.service.config], capture_output=True, text=True,
                              check=False, timeout=service.PATIENCE_S, user=STRANGER, group=STRANGER,
                              extra_groups=list(groups))

    def test_a_watch_without_a_service_leaves_its_word_on_the_screen(self):
        shown, code = self.service.on_terminal("status", "--watch", stderr=True)
        self.assertEqual(code, 69)
        self.assertIn("systemctl status usherd", shown)
        self.assertNotIn("\x1b[2J", shown)

    def test_a_watch_clears_the_screen_before_its_first_picture(self):
        self.service.start()
        master, slave = pty.openpty()
        process = subprocess.Popen([USHERD, "status", "--watch", "--config", self.service.config], stdout=slave)
        os.close(slave)
        shown = b""
        while b"State" not in shown:
            shown += os.read(master, 65536)
        process.kill()
        process.wait()
        os.close(master)
        self.assertTrue(shown.startswith(b"\x1b[2J\x1b[H"), shown[:40])

    def test_a_drain_that_cannot_be_asked_says_so_and_no_color_is_obeyed(self):
        self.service.socket = os.path.join(self.service.folder, "nowhere", "admin.sock")
        self.service.write_config()
        for no_color, is_plain in (("", False), ("1", True)):
            shown, code = self.service.on_terminal("drain", stderr=True, env={"NO_COLOR": no_color})
            self.assertEqual(code, 0)
            line = next(line for line in shown.splitlines() if "admin.socket" in line)
            self.assertIn("status, pause, resume and jobs will not reach this drain", line)
            self.assertEqual("\x1b[3" not in line, is_plain, line)

    def test_a_port_that_is_taken_says_what_to_do(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.service.listen = f"127.0.0.1:{taken.getsockname()[1]}"
            self.service.write_config()
            with open(self.service.log, "ab") as log:
                self.service.process = subprocess.Popen([USHERD, "run", "--config", self.service.config], stdout=log,
                                                        stderr=log)
            self.service.wait_for_log("Address already in use; no status page and no metrics: free that address or give "
                                      "admin.listen another one, and restart usherd")

    def test_help_names_every_option_and_the_right_codes(self):
        for words in (["jobs", "list"], ["jobs", "abandon"], ["rejects", "retry"], ["rejects", "export"]):
            helped = subprocess.run([USHERD, *words, "--help"], capture_output=True, text=True, check=True).stdout
            self.assertIn("--config FILE", helped)
        listed = subprocess.run([USHERD, "jobs", "list", "--config", self.service.config], capture_output=True, text=True,
                                check=False)
        self.assertEqual(listed.returncode, 69, listed.stderr)
        self.assertIn(self.service.socket, listed.stderr)
        helped = subprocess.run([USHERD, "submit", "--help"], capture_output=True, text=True, check=True).stdout
        file = os.path.join(self.service.folder, "a.ndjson")
        with open(file, "w", encoding="utf-8") as out:
            out.write('{"uid":"a"}\n')
        with open(self.service.config, encoding="utf-8") as text:
            moved = text.read().replace("/spool,", "/none,")
        with open(self.service.config, "w", encoding="utf-8") as out:
            out.write(moved)
        self.assertEqual(self.service.command("submit", file).returncode, 1)
        self.assertRegex(helped, r"1 some were not, .* or there is no spool")
        self.assertNotRegex(helped, r"78 [^.]*no spool")

    def test_a_check_without_a_key_tells_of_the_credential(self):
        os.unlink(self.service.facts["key_file"])
        checked = self.service.command("check")
        self.assertEqual(checked.returncode, 78)
        self.assertIn("systemd-run --pipe --wait -p LoadCredential=api-key:FILE usherd check --online", checked.stderr)

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_who_may_not_read_the_key_or_use_the_folders_learns_who_may(self):
        self.service.command("drain")
        facts = self.service.facts
        for folder in (self.service.folder, os.path.dirname(facts["ca_file"]), os.path.dirname(facts["key_file"])):
            os.chmod(folder, 0o755)
        os.chmod(facts["ca_file"], 0o644)
        os.chmod(self.service.config, 0o644)
        os.chown(facts["key_file"], 0, GROUP)
        os.chmod(facts["key_file"], 0o640)
        closed = self.as_stranger("drain")
        self.assertEqual(closed.returncode, 78)
        self.assertIn(f"Permission denied; root and the group {GROUP} may read it: be one of them", closed.stderr)
        closed = self.as_stranger("drain", groups=[GROUP])
        self.assertEqual(closed.returncode, 78)
        self.assertIn("be root, or the user that usherd runs as", closed.stderr)
        os.chmod(facts["key_file"], 0o600)
        self.assertIn("; chown root:usherd", self.as_stranger("drain").stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
