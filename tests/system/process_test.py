#!/usr/bin/env python3
"""What a process keeps to, whatever it was started with: process_test.py USHERD SANDBOX"""
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest
import unittest.mock

import live_service as service

USHERD, SANDBOX = sys.argv[1:3]
JOURNAL = "/run/systemd/journal/socket"


def good(count):
    return [json.dumps({"uid": f"user-{i}", "properties": {"n": i}}) for i in range(count)]


class Processes(unittest.TestCase):
    def setUp(self):
        self.sandbox = service.Sandbox(SANDBOX, "job_time=100ms")
        self.addCleanup(self.sandbox.stop)
        self.service = service.Service(USHERD, self.sandbox.facts)
        self.addCleanup(self.service.close)

    def start(self, *words, **more):
        process = subprocess.Popen([USHERD, *words, "--config", self.service.config], text=True, **more)
        self.addCleanup(process.wait, timeout=service.PATIENCE_S)
        self.addCleanup(process.kill)
        return process

    def test_a_check_of_the_key_writes_no_core(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            mute.settimeout(service.PATIENCE_S)
            self.service.facts["api"] = f"http://127.0.0.1:{mute.getsockname()[1]}"
            self.service.write_config()
            _, most = resource.getrlimit(resource.RLIMIT_CORE)
            check = self.start("check", "--online", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)))
            with mute.accept()[0]:
                self.assertEqual(resource.prlimit(check.pid, resource.RLIMIT_CORE), (0, 0))

    def started(self):
        """Waits until the service answers at its socket."""
        end = time.monotonic() + service.PATIENCE_S
        while time.monotonic() < end:
            try:
                return self.service.status()
            except OSError:
                self.assertIsNone(self.service.process.poll(), "it ended")
                self.service.pause()
        raise AssertionError("it never answered")

    def test_a_log_that_nobody_reads_ends_no_delivery(self):
        for command in ("run", "drain"):
            with self.subTest(command=command):
                self.sandbox.patch({"job_time": "manual"})
                self.service.drop(f"{command}.ndjson", good(3))
                self.service.process = self.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.started()
                self.service.wait_until(lambda status: status["jobs"]["count"] == 1, "in a job")
                self.service.process.stderr.close()
                self.service.process.stdout.close()
                self.service.process.send_signal(signal.SIGPIPE)
                self.service.process.send_signal(signal.SIGHUP)  # so that something is logged
                if command == "run":
                    self.service.command("pause")
                    self.service.command("resume")
                self.sandbox.patch({"job_time": "1ms"})
                self.sandbox.finish_jobs()
                if command == "run":
                    self.service.wait_until(lambda status: status["state"] == "idle", "idle")
                    self.service.process.send_signal(signal.SIGTERM)
                self.assertEqual(self.service.process.wait(timeout=service.PATIENCE_S), 0)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_a_reload_asked_for_during_a_start_follows_it(self):
        # It comes as the ledger is opened, when the configuration has long been read.
        ledger = os.path.join(self.service.folder, "state", "ledger.sqlite")
        with open(self.service.log, "ab") as log:
            self.service.process = subprocess.Popen(
                ["strace", "-D", "-f", "-qq", "-P", ledger, "-e", "trace=openat", "-e",
                 "inject=openat:signal=HUP:when=1", USHERD, "run", "--config", self.service.config],
                stdout=log, stderr=log)
        self.service.wait_for_log("configuration reloaded")
        self.service.wait_until(lambda status: status["state"] == "idle", "idle")

    @unittest.skipIf(os.path.exists(JOURNAL), "there is a journal, which would take the lines")
    def test_where_no_journal_takes_the_log_stderr_has_it_with_its_priorities(self):
        with open(self.service.log, "ab") as log:
            of_stderr = os.fstat(log.fileno())
            ended = self.start("drain", stdout=subprocess.DEVNULL, stderr=log,
                               env={**os.environ, "JOURNAL_STREAM": f"{of_stderr.st_dev}:{of_stderr.st_ino}"})
            self.assertEqual(ended.wait(timeout=service.PATIENCE_S), 0)
        with open(self.service.log, encoding="utf-8") as log:
            lines = log.read().splitlines()
        self.assertTrue(any(line.startswith("<6>started") for line in lines), lines)

    def test_a_drain_that_gives_up_unread_ends_by_its_own_code(self):
        self.service.drop("a.ndjson", good(1))
        ours, theirs = os.pipe()
        os.close(ours)
        for spoilt, code in ((False, 69), (True, 78)):
            if spoilt:
                self.service.write_config(extra="bacht: {}")
            drain = self.start("drain", "--timeout", "0s", stdout=subprocess.DEVNULL, stderr=theirs)
            self.assertEqual(drain.wait(timeout=service.PATIENCE_S), code)
        os.close(theirs)

    def test_roots_that_are_a_pipe_stop_neither_a_check_nor_a_reload(self):
        self.service.start()
        pipe = os.path.join(self.service.folder, "roots.pem")
        os.mkfifo(pipe)
        self.service.write_config(ca_file=pipe)
        checked = self.service.command("check")
        self.assertEqual(checked.returncode, 78)
        self.assertIn(f"api.ca_file {pipe}: is not a regular file; name one file", checked.stderr)
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait_for_log(r"the old one stays: .* api\.ca_file \S+: is not a regular file")
        self.assertEqual(self.service.status()["state"], "idle")

    def test_what_is_to_be_kept_for_no_time_is_removed_soon(self):
        with open(self.service.config, encoding="utf-8") as source:
            text = source.read()
        with open(self.service.config, "w", encoding="utf-8") as out:
            out.write(text.replace("spool: {", "spool: {keep_done: 0s, keep_rejected: 1s, "))
        self.service.start()
        folders = [os.path.join(self.service.folder, "spool", name) for name in ("done", "rejected")]
        end = time.monotonic() + service.PATIENCE_S
        for number in range(2):
            self.service.drop(f"{number}.ndjson", good(2) + ['{"uid":""}'])
            self.service.wait_for_log(rf"{number}\.ndjson: 3 records, 2 imported")
            while any(os.listdir(folder) for folder in folders):
                self.assertLess(time.monotonic(), end, "what is to be kept for no time stayed")
                self.service.pause()
            asked = self.service.command("status", "--file", f"{number}.ndjson")
            self.assertEqual(asked.returncode, 1, asked.stderr)
            self.assertIn("no accepted file is named", asked.stderr)
            self.assertEqual(self.service.command("trace", "user-0").returncode, 1)
        left = self.service.command("rejects", "list")
        self.assertEqual((left.returncode, left.stdout), (0, ""), left.stderr)

    def test_a_stop_does_not_wait_for_who_only_connects(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            mute.settimeout(service.PATIENCE_S)
            self.service.facts["api"] = f"https://127.0.0.1:{mute.getsockname()[1]}"
            self.service.write_config()
            with open(self.service.config, encoding="utf-8") as source:
                text = source.read()
            with open(self.service.config, "w", encoding="utf-8") as out:
                out.write(text.replace("stop_timeout: 5s", "stop_timeout: 1h").replace(
                    "ca_file:", "connect_timeout: 10m, ca_file:"))
            self.service.start()
            with mute.accept()[0]:
                self.service.process.send_signal(signal.SIGTERM)
                self.assertEqual(self.service.process.wait(timeout=service.PATIENCE_S), 0)

    def readyz(self):
        self.service.wait_until(lambda status: status["state"] == "parked", "parked")
        return self.service.get("/readyz")

    def test_who_is_parked_for_its_key_says_which_key_counts(self):
        credentials = os.path.join(self.service.folder, "credentials")
        os.mkdir(credentials)
        with open(os.path.join(credentials, "api-key"), "w", encoding="utf-8") as out:
            out.write("na1.revoked\n")
        with unittest.mock.patch.dict(os.environ, {"CREDENTIALS_DIRECTORY": credentials}):
            self.service.start()
        advice = ("the API refuses the key of the systemd credential api-key, which wins over api.key_file; change that "
                  "credential and restart usherd")
        self.assertEqual(self.readyz(), (503, f"parked (credentials): {advice}\n"))
        self.assertEqual(self.service.status()["parked"][0]["advice"], advice)
        self.service.wait_for_log("parked: credentials: " + advice)
        self.service.stop()
        key = self.service.facts["key_file"]
        with open(key, "w", encoding="utf-8") as out:
            out.write("na1.revoked\n")
        self.service.start()
        self.assertIn("put a good one into api.key_file", self.readyz()[1])
        os.chmod(key, 0o644)
        self.service.wait_for_log("; the old key stays in use")
        self.service.wait_until(lambda status: "everybody" in status["parked"][0]["advice"], "told of the mode")
        self.assertRegex(self.readyz()[1], r"refuses the key, and no other one can be read: API key: \S+: everybody on")

    @staticmethod
    def wait_for_state(process, states):
        """Of /proc/PID/stat; Z when it ended."""
        end = time.monotonic() + service.PATIENCE_S
        while time.monotonic() < end:
            with open(f"/proc/{process.pid}/stat", encoding="utf-8") as stat:
                state = stat.read().rsplit(")", 1)[1].split()[0]
            if state in states:
                return state
        raise AssertionError(f"never came into {states}")

    def test_a_command_that_was_stopped_takes_its_answer_when_it_goes_on(self):
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(service.PATIENCE_S)
            door.bind(self.service.socket)
            door.listen()
            asking = self.start("status", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            with door.accept()[0] as connection:
                self.assertIn(b"/api/status", connection.recv(65536))
                for _ in range(3):
                    self.wait_for_state(asking, "S")
                    asking.send_signal(signal.SIGSTOP)
                    self.wait_for_state(asking, "T")
                    asking.send_signal(signal.SIGCONT)
                    self.assertEqual(self.wait_for_state(asking, "SZ"), "S", "it ended")
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}\n")
        self.assertEqual((*asking.communicate(timeout=service.PATIENCE_S), asking.returncode), ("{}\n", "", 0))

    def without(self, stream, *words):
        return subprocess.run([USHERD, *words, "--config", self.service.config], check=False, text=True,
                              capture_output=True, timeout=service.PATIENCE_S, preexec_fn=lambda: os.close(stream))

    def test_a_missing_stream_is_not_replaced_by_the_next_file(self):
        for stream in (0, 1, 2):
            with self.subTest(stream=stream):
                self.service.drop(f"{stream}.ndjson", good(2))
                ended = self.without(stream, "drain")
                # Results that nobody got are a failure, as ever.
                self.assertEqual(ended.returncode, 1 if stream == 1 else 0, ended.stderr)
                self.assertTrue(os.path.exists(os.path.join(self.service.folder, "spool", "done", f"{stream}.ndjson")))
                for folder, _, names in os.walk(self.service.folder):
                    for name in names:
                        with open(os.path.join(folder, name), "rb") as file:
                            held = file.read()
                        for text in (b"records 2  imported", b" info "):
                            self.assertNotIn(text, held, name)
        lost = self.without(1, "version")
        self.assertEqual((lost.returncode, lost.stderr),
                         (1, "usherd: cannot write to standard output: Bad file descriptor\n"))
        self.assertEqual(self.without(0, "submit", "-", "--name", "x.ndjson").returncode, 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
