#!/usr/bin/env python3
"""Runs `usherd run` as a service manager would: what it says on NOTIFY_SOCKET, and what it does on signals under load.

usage: notify_test.py USHERD SANDBOX
"""
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

USHERD, SANDBOX = "", ""
LONGEST_S = 120
JOBS = 100


class Late(Exception):
    pass


class Service:
    """A sandbox, a spool, and usherd as its service manager sees it."""

    def __init__(self, watchdog=None):
        self.folder = tempfile.mkdtemp(prefix="usherd-notify-")
        self.sandbox = subprocess.Popen([SANDBOX, "--seed", "3", "--set", "job_time=manual"], stdout=subprocess.PIPE, text=True)
        self.facts = json.loads(self.sandbox.stdout.readline())
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.folder + "/notify")
        for name in ("incoming", "working", "done", "rejected"):
            os.makedirs(f"{self.folder}/spool/{name}")
        self.write_key(self.facts["key"])
        self.configure()
        environment = dict(os.environ, NOTIFY_SOCKET=self.folder + "/notify", NO_PROXY="localhost", no_proxy="localhost")
        if watchdog:
            environment["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        self.log = open(self.folder + "/log", "wb")
        self.usherd = subprocess.Popen([USHERD, "run", "--config", self.folder + "/usherd.yaml"], env=environment,
                                       stderr=self.log)
        self.heard = []

    def configure(self, **changes):
        values = {"batches": 150, "stop": "30s", **changes}
        with open(self.folder + "/usherd.yaml", "w", encoding="utf-8") as out:
            out.write(f"""api: {{base_url: "{self.facts['api']}", key_file: {self.folder}/key, ca_file: {self.facts['ca_file']}}}
spool: {{directory: {self.folder}/spool, settle: 0s, rescan: 1s, min_free: 1MiB}}
state: {{directory: {self.folder}/state}}
batch: {{max_records: 10, linger: 0s}}
limits: {{in_progress_batches: {values["batches"]}, requests_per_second: 2000, burst: 1000}}
admin: {{listen: "", socket: {self.folder}/admin.sock}}
stop_timeout: {values["stop"]}
""")

    def write_key(self, key):
        with open(self.folder + "/new", "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(key + "\n")
        os.rename(self.folder + "/new", self.folder + "/key")

    def drop(self, name, records):
        hidden = f"{self.folder}/spool/incoming/.{name}"
        with open(hidden, "w", encoding="utf-8") as out:
            out.writelines(f'{{"uid":"{name}-{i}","properties":{{"n":{i}}}}}\n' for i in range(records))
        os.rename(hidden, f"{self.folder}/spool/incoming/{name}")

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.facts["control"] + path, method=method,
                                         data=None if body is None else json.dumps(body).encode())
        return urllib.request.urlopen(request, timeout=60).read().decode()

    def oracle(self):
        return json.loads(self.ask("GET", "/oracle"))

    def hear(self, what, holds):
        """The first message from now on for which it holds, and when it came."""
        end = time.monotonic() + LONGEST_S
        while True:
            ready, _, _ = select.select([self.socket], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise Late(f"nothing said of {what}; heard {self.heard[-20:]}; log:\n" + self.logged()[-2000:])
            lines = self.socket.recv(4096).decode().splitlines()
            self.heard.append(lines)
            if any(holds(line) for line in lines):
                return time.monotonic(), lines

    def logged(self):
        with open(self.folder + "/log", encoding="utf-8") as text:
            return text.read()

    def until(self, what, holds):
        end = time.monotonic() + LONGEST_S
        while not holds():
            if time.monotonic() > end:
                raise Late(f"{what}; log:\n" + self.logged()[-2000:])
            select.select([], [], [], 0.02)

    def finish(self, name):
        self.ask("PATCH", "/settings", {"job_time": "50ms"})
        self.ask("POST", "/finish-jobs", {})
        path = f"{self.folder}/spool/done/{name}.receipt.json"
        self.until("the receipt of " + name, lambda: os.path.exists(path))
        with open(path, encoding="utf-8") as text:
            return json.load(text)

    def close(self):
        if self.usherd.poll() is None:
            self.usherd.kill()
        self.usherd.wait()
        self.sandbox.terminate()
        self.sandbox.wait(timeout=30)
        self.sandbox.stdout.close()
        self.log.close()
        self.socket.close()
        shutil.rmtree(self.folder)


class Notifications(unittest.TestCase):
    def start(self, **options):
        service = Service(**options)
        self.addCleanup(service.close)
        service.hear("READY", lambda line: line == "READY=1")
        return service

    def load(self, service, name="load.ndjson"):
        """100 jobs in flight that do not end."""
        service.drop(name, JOBS * 10)
        service.until("jobs in flight", lambda: service.oracle()["jobs_created"] >= JOBS)

    def check_all_arrived(self, service, records):
        seen = service.oracle()
        self.assertEqual(seen["users"], records)
        for count in ("applied_twice", "bodies_applied_twice", "keys_with_two_bodies", "users_in_two_jobs"):
            self.assertEqual(seen[count], 0, count)

    def test_a_reload_under_load_is_answered_at_once_and_loses_nothing(self):
        service = self.start()
        self.load(service)
        service.configure(batches=20)
        sent = time.monotonic()
        service.usherd.send_signal(signal.SIGHUP)
        reloading, lines = service.hear("RELOADING", lambda line: line == "RELOADING=1")
        self.assertTrue(any(line.startswith("MONOTONIC_USEC=") for line in lines), lines)
        ready, _ = service.hear("READY", lambda line: line == "READY=1")
        print(f"\nreload with {JOBS} jobs in flight: begun after {1000 * (reloading - sent):.1f} ms, "
              f"done after {1000 * (ready - sent):.1f} ms")
        receipt = service.finish("load.ndjson")
        self.assertEqual((receipt["records"], receipt["imported"]), (JOBS * 10, JOBS * 10))
        self.check_all_arrived(service, JOBS * 10)

    def test_a_faulty_configuration_is_answered_and_the_old_one_stays(self):
        service = self.start()
        with open(service.folder + "/usherd.yaml", "w", encoding="utf-8") as out:
            out.write("api: {sesions: 3}\n")
        service.usherd.send_signal(signal.SIGHUP)
        service.hear("RELOADING", lambda line: line == "RELOADING=1")
        service.hear("READY", lambda line: line == "READY=1")
        service.drop("after.ndjson", 10)
        self.assertEqual(service.finish("after.ndjson")["imported"], 10)

    def test_a_key_that_is_revoked_under_load_is_replaced_without_a_restart_or_a_lost_record(self):
        service = self.start(watchdog=8)
        self.load(service)
        service.ask("POST", "/key", {"accept": "na1.second/key"})
        service.drop("more.ndjson", 200)
        service.hear("the reason", lambda line: line.startswith("STATUS=parked: credentials"))
        service.write_key("na1.second/key")
        self.assertEqual(service.finish("load.ndjson")["imported"], JOBS * 10)
        self.assertEqual(service.finish("more.ndjson")["imported"], 200)
        self.check_all_arrived(service, JOBS * 10 + 200)
        self.assertIsNone(service.usherd.poll())
        self.assertNotIn(service.facts["key"], service.logged())

    def test_an_intake_that_is_parked_says_for_how_long(self):
        service = self.start(watchdog=2)
        os.rename(service.folder + "/spool/incoming", service.folder + "/elsewhere")
        service.hear("its age", lambda line: re.match(r"STATUS=parked: disk for [1-9]\d*(\.\d+)?s;", line))

    def test_signs_of_life_come_in_good_time_and_the_status_tells_the_backlog(self):
        service = self.start(watchdog=2)
        self.load(service)
        service.hear("the backlog", lambda line: line.startswith("STATUS=delivering") and "100 batches in progress" in line
                     and line.endswith("1 file waiting"))
        first, _ = service.hear("life", lambda line: line == "WATCHDOG=1")
        for _ in range(4):
            last, _ = service.hear("life", lambda line: line == "WATCHDOG=1")
        print(f"\n5 signs of life in {last - first:.2f} s, with WATCHDOG_USEC of 2 s")

    def test_without_a_watchdog_no_sign_of_life_is_given(self):
        service = self.start()
        self.load(service)
        service.hear("the backlog", lambda line: line.startswith("STATUS=delivering"))
        self.assertFalse([lines for lines in service.heard if "WATCHDOG=1" in lines])

    def test_a_stop_with_exchanges_under_way_asks_for_time_and_ends_in_order(self):
        service = self.start(watchdog=2)
        service.ask("PATCH", "/settings", {"answer_time": "4s"})
        service.drop("slow.ndjson", 10)
        service.until("a POST under way", lambda: service.oracle()["posts"] > 0)
        service.usherd.send_signal(signal.SIGTERM)
        _, lines = service.hear("STOPPING", lambda line: line == "STOPPING=1")
        self.assertRegex("\n".join(lines), r"STATUS=stopping: [12] exchanges? under way")
        service.hear("more time", lambda line: line.startswith("EXTEND_TIMEOUT_USEC="))
        self.assertEqual(service.usherd.wait(timeout=LONGEST_S), 0)


if __name__ == "__main__":
    USHERD, SANDBOX = map(os.path.abspath, sys.argv[1:3])
    unittest.main(argv=sys.argv[:1])
