"""A spool of its own, an usherd and a sandbox as processes: what the tests of spool and disk share."""
import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import urllib.request

from pipeline import Failures, Sandbox, left_in_working, select_pause

# What a ctest calls a test that could not run here.
SKIPPED = 77
# The longest that anything here may take.
LONGEST_S = 600


class Bench:
    """Everything in one folder that is gone at the end, unless something failed."""

    def __init__(self, usherd, sandbox, settings=(), options="", folder=None, spool=None, user=None,
                 linger="50ms"):
        self.usherd = usherd
        self.user = user
        self.linger = linger
        self.folder = folder or tempfile.mkdtemp(prefix="usherd-spool-")
        self.spool = spool or os.path.join(self.folder, "spool")
        self.failures = Failures()
        self.sandbox = Sandbox(sandbox, ["job_time=50ms", *settings])
        self.process = None
        self.log_path = os.path.join(self.folder, "usherd.log")
        self.config = os.path.join(self.folder, "usherd.yaml")
        self.write_config(options)
        if user is not None:
            os.chmod(self.folder, 0o755)
        self.make_folders()

    def write_config(self, options=""):
        facts = self.sandbox.facts
        key = os.path.join(self.folder, "key")
        with open(key, "w", encoding="utf-8") as out:
            out.write(facts["key"] + "\n")
        os.chmod(key, 0o600)
        if self.user is not None:
            os.chown(key, self.user, self.user)
        lines = {
            "api": f'base_url: "{facts["api"]}", key_file: {key}, ca_file: {facts["ca_file"]}',
            "spool": f"directory: {self.spool}, settle: 0s, rescan: 1s, min_free: 1MiB",
            "state": f"directory: {self.folder}/state",
            "batch": f"linger: {self.linger}",
            "limits": "requests_per_second: 1000, burst: 1000",
            "admin": f'listen: "", socket: {self.folder}/admin.sock',
            "log": "level: info",
            "records": "anonymous: reject",
        }
        for part in options.split(";"):
            if part.strip():
                section, text = part.split("=", 1)
                lines[section.strip()] += ", " + text.strip()
        with open(self.config, "w", encoding="utf-8") as out:
            for section, text in lines.items():
                out.write(f"{section}: {{{text}}}\n")
            out.write("stop_timeout: 5s\n")

    def make_folders(self):
        for name in ("incoming", "working", "done", "rejected"):
            path = os.path.join(self.spool, name)
            os.makedirs(path, exist_ok=True)
            if self.user is not None:
                os.chown(path, self.user, self.user)
        state = os.path.join(self.folder, "state")
        os.makedirs(state, exist_ok=True)
        if self.user is not None:
            os.chown(state, self.user, self.user)
            os.chown(self.spool, self.user, self.user)

    # Paths and files.
    def path(self, *parts):
        return os.path.join(self.spool, *parts)

    def drop(self, name, content):
        hidden = self.path("incoming", "." + name)
        with open(hidden, "wb") as out:
            out.write(content if isinstance(content, bytes) else content.encode())
        os.rename(hidden, self.path("incoming", name))

    def working(self, ending):
        found = [name for name in os.listdir(self.path("working")) if name.endswith(ending) and name[0] != "f"]
        return self.path("working", found[0]) if found else None

    def left_in_working(self):
        return left_in_working(self.spool)

    def receipt(self, name):
        try:
            with open(self.path("done", name + ".receipt.json"), encoding="utf-8") as text:
                return json.load(text)
        except FileNotFoundError:
            return None

    def rejects(self, name):
        try:
            with open(self.path("rejected", name + ".rejects.ndjson"), encoding="utf-8") as text:
                return [json.loads(line) for line in text]
        except FileNotFoundError:
            return []

    def refusal(self, name):
        try:
            with open(self.path("rejected", name + ".error.json"), encoding="utf-8") as text:
                return json.load(text)
        except FileNotFoundError:
            return None

    def ask_ledger(self, question):
        """One number; 0 while there is no ledger to ask."""
        try:
            ledger = sqlite3.connect(f"file:{self.folder}/state/ledger.sqlite?mode=ro", uri=True, timeout=5)
            try:
                return ledger.execute(question).fetchone()[0]
            finally:
                ledger.close()
        except sqlite3.Error:
            return 0

    # The daemon.
    def start(self, *command):
        self.log = open(self.log_path, "ab")
        extra = {"user": self.user, "group": self.user, "extra_groups": []} if self.user is not None else {}
        self.process = subprocess.Popen([self.usherd, *(command or ("run",)), "--config", self.config],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True, **extra)

    def stop(self, sig=signal.SIGTERM):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(sig)
        out, _ = self.process.communicate(timeout=LONGEST_S)
        code = self.process.returncode
        self.process = None
        self.log.close()
        self.printed = out
        return code

    def drain(self, *options):
        self.start("drain", *options)
        out, _ = self.process.communicate(timeout=LONGEST_S)
        code = self.process.returncode
        self.process = None
        self.log.close()
        self.printed = out
        return code

    def doctor(self, *options):
        done = subprocess.run([self.usherd, "doctor", *options, "--config", self.config], capture_output=True, text=True,
                              timeout=LONGEST_S, check=False)
        self.printed = done.stdout + done.stderr
        return done.returncode

    def command(self, *words):
        """Its exit code."""
        return subprocess.run([self.usherd, *words, "--config", self.config], capture_output=True, timeout=LONGEST_S,
                              check=False).returncode

    def log_text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as text:
            return text.read()

    def wait_for(self, what, holds, longest=60):
        """Looks again and again, as what is waited for happens in another process."""
        end = time.monotonic() + longest
        while not holds():
            if self.process is not None and self.process.poll() is not None:
                self.failures.check(False, f"usherd ended while waiting for {what}: {self.log_text()[-600:]}")
                return False
            if time.monotonic() > end:
                self.failures.check(False, f"no {what} within {longest} s: {self.log_text()[-600:]}")
                return False
            if self.process is not None:
                select_pause(self.process)
        return True

    def check(self, holds, message):
        self.failures.check(holds, message)

    def check_receipt(self, name, **wanted):
        receipt = self.receipt(name)
        if receipt is None:
            self.check(False, f"{name} has no receipt")
            return
        for key, value in wanted.items():
            self.check(receipt.get(key) == value, f"{name}: {key} is {receipt.get(key)!r}, not {value!r}")
        ended = receipt["imported"] + receipt["rejected"] + receipt["merged"] + receipt["unknown"]
        self.check(ended == receipt["records"], f"{name}: {ended} outcomes of {receipt['records']} records")
        lines = len(self.rejects(name))
        lost = receipt["rejected"] + receipt["unknown"]
        self.check(lines == lost, f"{name}: {lines} reject lines for {lost} records")

    def users(self):
        """By uid; what the sandbox applied."""
        text = self.sandbox.get("/oracle/users")
        return {user["uid"]: user for user in map(json.loads, text.splitlines()) if user.get("uid")}

    def check_oracle(self):
        seen = json.loads(self.sandbox.get("/oracle"))
        for name in ("bodies_applied_twice", "applied_twice", "keys_with_two_bodies", "users_in_two_jobs"):
            self.check(seen[name] == 0, f"{name}: {seen[name]}")

    def close(self):
        try:
            self.stop(signal.SIGKILL)
        finally:
            self.sandbox.stop()
        if self.failures:
            print("kept for a look:", self.folder)
        else:
            shutil.rmtree(self.folder)


def finish_jobs(bench):
    request = urllib.request.Request(bench.sandbox.facts["control"] + "/finish-jobs", method="POST")
    urllib.request.urlopen(request, timeout=60).read()


def record(uid, **properties):
    return json.dumps({"uid": uid, "properties": properties}) + "\n"


def run_scenarios(scenarios, arguments):
    """Runs the named ones, or all; ends with the exit code for ctest."""
    failed = skipped = 0
    for name in arguments.scenario or list(scenarios):
        began = time.monotonic()
        outcome = scenarios[name](arguments)
        word = {0: "ok", SKIPPED: "skipped"}.get(outcome, "FAILED")
        print(f"{name}: {word}, {time.monotonic() - began:.1f} s", flush=True)
        failed += outcome not in (0, SKIPPED)
        skipped += outcome == SKIPPED
    if skipped:
        print(f"{skipped} scenarios were skipped")
    return 1 if failed else SKIPPED if skipped else 0


def run_named(scenarios, description):
    """The scenarios that the command line names, or all."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("usherd")
    parser.add_argument("sandbox")
    parser.add_argument("scenario", nargs="*")
    return run_scenarios(scenarios, parser.parse_args())


def scenario(act, **made):
    """Wraps what is done with a bench into a function that returns an exit code."""
    def run(arguments):
        bench = Bench(arguments.usherd, arguments.sandbox, **made)
        try:
            act(bench)
        finally:
            bench.close()
        return 1 if bench.failures else 0
    return run
