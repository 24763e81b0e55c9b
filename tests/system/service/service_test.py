#!/usr/bin/env python3
"""Installs the package in a container that boots systemd, and lives an operator's life with it.

usage: service_test.py DEB NEXT_DEB SANDBOX CACHE

Delivers to usher-sandbox on the host's loopback; reload, kill, freeze, reboot and power cut in mid-flight, a key as
credential, upgrade, removal and purge. Prints how long each step took. Needs root.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from container import LONGEST_S, Journal, Machine, debian_tree, wait_until  # noqa: E402

SPOOL = "/var/spool/usherd"
# The MESSAGE_IDs of systemd/usherd.catalog that a step waits for.
IDS = {"started": "8168d8d4f8ac42008de49082473c6ac0", "reloaded": "17154853138447a1ab33c2b7d0cd8125",
       "reload_refused": "c14cdf0e427a45259fbefc746dffb13e", "file_finished": "0c70401ba2ff4e0fa7035bb652935356",
       "parked": "26f3e01093c642c9a2ea827c1997f602", "unparked": "fd1461feefa848d3bcd03a873a3fd041",
       "key_changed": "d16b68442d7841d384ae07e21abc1557", "stopping": "045167830858486680d1f257fbdbbe68"}
# Fast enough for a test; what they are in the unit is looked at before.
DROP_IN = "[Service]\nRestartSec=100ms\nWatchdogSec=3s\n"


class Sandbox:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "--seed", "11", "--set", "job_time=100ms"], stdout=subprocess.PIPE,
                                        text=True)
        self.facts = json.loads(self.process.stdout.readline())

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.facts["control"] + path, method=method,
                                         data=None if body is None else json.dumps(body).encode())
        return urllib.request.urlopen(request, timeout=LONGEST_S).read().decode()

    def oracle(self):
        return json.loads(self.ask("GET", "/oracle"))

    def users(self):
        return [json.loads(line) for line in self.ask("GET", "/oracle/users").splitlines()]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


class Life:
    def __init__(self, deb, next_deb, sandbox_program, cache):
        self.machine = Machine(debian_tree(cache))
        self.sandbox = Sandbox(sandbox_program)
        for name, deb_file in (("usherd.deb", deb), ("next.deb", next_deb)):
            shutil.copy(deb_file, os.path.join(self.machine.shared, name))
        self.dropped = 0
        self.journal = None

    def close(self):
        if self.journal:
            self.journal.close()
        self.machine.close()
        self.sandbox.stop()

    # What steps are made of.

    def listen(self):
        """Follows the journal of this boot; what followed the last one ended with it."""
        if self.journal:
            self.journal.close()
        self.journal = Journal(self.machine, "_SYSTEMD_UNIT=usherd.service", "+", "UNIT=usherd.service")

    def wait_event(self, event, **fields):
        return self.journal.wait_for(
            f"{event} {fields}", lambda entry: entry.get("MESSAGE_ID") == IDS[event] and
            all(entry.get("USHERD_" + name.upper()) == value for name, value in fields.items()))

    def drop(self, name, records, user="producer"):
        """As docs/operating.md tells producers in shell to do it."""
        lines = "".join(json.dumps({"uid": f"{name}-{i}", "properties": {"n": i}}) + "\n" for i in range(records))
        self.machine.run("sh", "-c", f"cat >{SPOOL}/incoming/.{name} && sync {SPOOL}/incoming/.{name} && "
                         f"mv -n {SPOOL}/incoming/.{name} {SPOOL}/incoming/{name}", user=user, given=lines)
        self.dropped += records

    def finish(self, name, records):
        self.wait_event("file_finished", file=name)
        receipt = json.loads(self.machine.read(f"{SPOOL}/done/{name}.receipt.json"))
        self.equal((receipt["records"], receipt["imported"]), (records, records), "receipt of " + name)

    def equal(self, is_value, wanted, what):
        if is_value != wanted:
            raise AssertionError(f"{what}: {is_value!r}, not {wanted!r}")

    def true(self, holds, what):
        if not holds:
            raise AssertionError(what)

    def check_delivered(self):
        seen = self.sandbox.oracle()
        self.equal(len(self.sandbox.users()), self.dropped, "users at the API")
        for count in ("applied_twice", "bodies_applied_twice", "keys_with_two_bodies", "users_in_two_jobs"):
            self.equal(seen[count], 0, count)

    def in_flight(self, name, records):
        """Drops a file whose jobs do not end, and waits until the API has all of it."""
        self.sandbox.ask("PATCH", "/settings", {"job_time": "manual"})
        before = self.sandbox.oracle()["records_received"]
        self.drop(name, records)
        wait_until("jobs in progress", lambda: self.sandbox.oracle()["records_received"] >= before + records)

    def let_finish(self):
        self.sandbox.ask("PATCH", "/settings", {"job_time": "100ms"})
        self.sandbox.ask("POST", "/finish-jobs", {})

    def configure(self, **changes):
        facts = self.sandbox.facts
        values = {"level": "info", "key_file": "/etc/usherd/api.key", **changes}
        self.machine.write("/etc/usherd/usherd.yaml", f"""api:
  base_url: {facts["api"]}
  key_file: {values["key_file"]}
  ca_file: /etc/usherd/ca.pem
spool: {{settle: 1s, rescan: 1s, min_free: 1MiB}}
limits: {{requests_per_second: 200}}
admin: {{listen: ""}}
log: {{level: {values["level"]}}}
""")

    # The steps, in order.

    def install(self):
        self.machine.boot()
        said = self.machine.run("dpkg", "--install", "/shared/usherd.deb")
        self.true("write an API key" in said, "the installation does not say what is missing: " + said)
        self.equal(self.machine.show("ActiveState"), "inactive", "without a key the service")
        self.equal(self.machine.show("UnitFileState"), "enabled", "the unit")
        self.machine.run("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/usherd.service")
        modes = self.machine.run("sh", "-c", f"cd {SPOOL} && stat --format='%n %a %U:%G' incoming working done rejected")
        self.equal(modes.splitlines(), ["incoming 3730 usherd:usherd-submit", "working 700 usherd:usherd",
                                        "done 750 usherd:usherd", "rejected 750 usherd:usherd"], "modes")
        rules = self.machine.run("getfacl", "--absolute-names", "--default", "--omit-header", SPOOL + "/incoming").split()
        self.equal(sorted(rules), sorted(["user::rw-", "user:usherd:rw-", "group::---", "mask::rw-", "other::---"]),
                   "default ACL")
        exposure = self.machine.run("systemd-analyze", "security", "--no-pager", "usherd.service").splitlines()[-1]
        print("  " + exposure.strip())
        self.true(float(re.search(r"level for \S+: ([0-9.]+)", exposure).group(1)) <= 1.5, exposure)
        self.true("usherd has taken up its work" in self.machine.run("journalctl", "--dump-catalog", IDS["started"]),
                  "the catalogue does not know the MESSAGE_ID")
        # dpkg itself looks after what is installed: man pages, completions and the rest are where they belong.
        self.equal(self.machine.run("dpkg", "--verify", "usherd"), "", "dpkg --verify")

    def start(self):
        machine = self.machine
        machine.run("useradd", "--groups", "usherd-submit", "--user-group", "producer")
        machine.run("useradd", "--groups", "usherd-submit", "--user-group", "neighbour")
        self.configure()
        shutil.copy(self.sandbox.facts["ca_file"], machine.path("/etc/usherd/ca.pem"))
        os.chmod(machine.path("/etc/usherd/ca.pem"), 0o644)
        machine.write("/etc/usherd/api.key", self.sandbox.facts["key"] + "\n", 0o640)
        machine.run("chown", "root:usherd", "/etc/usherd/api.key")
        machine.write("/etc/systemd/system/usherd.service.d/test.conf", DROP_IN)
        machine.run("systemctl", "daemon-reload")
        self.listen()
        machine.run("systemctl", "start", "usherd")
        self.wait_event("started")
        self.equal(machine.show("StatusText"), "delivering: nothing to do", "status")
        self.equal(machine.show("WatchdogUSec"), "3s", "the watchdog's time")

    def deliver(self):
        machine = self.machine
        self.drop("first.ndjson", 1000)
        self.finish("first.ndjson", 1000)
        self.check_delivered()
        # Who may drop sees nothing of what others dropped.
        machine.run("sh", "-c", f"systemctl stop usherd && : >{SPOOL}/incoming/.x")
        self.drop("private.ndjson", 10)
        for words in (["ls", SPOOL + "/incoming"], ["cat", SPOOL + "/incoming/private.ndjson"],
                      ["rm", "-f", SPOOL + "/incoming/private.ndjson"], ["ls", SPOOL + "/done"]):
            code, said = machine.run(*words, user="neighbour", check=False)
            self.true(code != 0, f"a neighbour may {' '.join(words)}: {said}")
        machine.run("rm", SPOOL + "/incoming/.x")
        machine.run("systemctl", "start", "usherd")
        self.finish("private.ndjson", 10)

    def keep_the_key(self):
        pid = self.machine.show("MainPID")
        limits = self.machine.run("cat", f"/proc/{pid}/limits")
        self.true(re.search(r"Max core file size +0 +0", limits), "a core dump may be written: " + limits)
        self.equal(self.machine.run("stat", "--format=%U", f"/proc/{pid}/mem").strip(), "root",
                   "who owns the process's memory (others of its user may read it)")
        told = self.machine.run("journalctl", "--unit=usherd", "--output=export")
        words = self.machine.run("sh", "-c", f"tr '\\0' ' ' </proc/{pid}/cmdline; tr '\\0' ' ' </proc/{pid}/environ")
        self.true(self.sandbox.facts["key"] not in told + words, "the key stands in journal, arguments or environment")

    def reload(self):
        self.configure(level="debug")
        self.machine.run("systemctl", "reload", "usherd")
        self.wait_event("reloaded")
        self.machine.write("/etc/usherd/usherd.yaml", "api: {sesions: 3}\n")
        self.machine.run("systemctl", "reload", "usherd")
        refused = self.wait_event("reload_refused")
        self.true("sesions" in refused["MESSAGE"], "the fault is not named: " + refused["MESSAGE"])
        self.equal(self.machine.show("ActiveState"), "active", "after a faulty configuration the service")
        self.configure()
        self.machine.run("systemctl", "reload", "usherd")
        self.wait_event("reloaded")

    def rotate_the_key(self):
        """The API takes another key from now on: parked, a new file, and on, without a restart."""
        pid = self.machine.show("MainPID")
        self.sandbox.ask("POST", "/key", {"accept": "na1.second/key"})
        self.drop("rotated.ndjson", 500)
        self.wait_event("parked", reason="credentials")
        wait_until("a status that names the reason",
                   lambda: self.machine.show("StatusText").startswith("parked: credentials for "))
        self.machine.write("/etc/usherd/api.key", "na1.second/key\n", 0o640)
        self.wait_event("key_changed")
        self.wait_event("unparked", reason="credentials")
        self.finish("rotated.ndjson", 500)
        # And by reload, before the API says a word.
        self.machine.write("/etc/usherd/api.key", self.sandbox.facts["key"] + "\n", 0o640)
        self.sandbox.ask("POST", "/key", {"accept": self.sandbox.facts["key"]})
        self.machine.run("systemctl", "reload", "usherd")
        self.wait_event("key_changed")
        self.drop("again.ndjson", 500)
        self.finish("again.ndjson", 500)
        self.equal(self.machine.show("MainPID"), pid, "the process")
        self.check_delivered()

    def kill(self):
        self.in_flight("killed.ndjson", 20_000)
        self.machine.run("systemctl", "kill", "--signal=KILL", "usherd")
        self.wait_event("started")
        self.let_finish()
        self.finish("killed.ndjson", 20_000)
        self.check_delivered()

    def freeze(self):
        """Pings came all the time, or the watchdog had struck; now they stop."""
        self.equal(self.machine.show("NRestarts"), "1", "restarts: one for the kill")
        self.in_flight("frozen.ndjson", 5_000)
        pid = self.machine.show("MainPID")
        began = time.monotonic()
        self.machine.run("kill", "-STOP", pid)
        self.wait_event("started")
        print(f"  frozen, and working again after {time.monotonic() - began:.1f} s (WatchdogSec=3s)")
        self.true(self.machine.show("MainPID") != pid, "the frozen process was not replaced")
        self.let_finish()
        self.finish("frozen.ndjson", 5_000)
        self.check_delivered()

    def reboot(self):
        self.in_flight("rebooted.ndjson", 20_000)
        # What was entered from outside has no unit that ends it.
        self.journal.close()
        self.machine.reboot()
        self.listen()
        wait_until("the service", lambda: self.machine.show("ActiveState") == "active")
        self.let_finish()
        self.finish("rebooted.ndjson", 20_000)
        self.check_delivered()

    def power_cut(self):
        self.in_flight("cut.ndjson", 20_000)
        self.journal.close()
        self.machine.power_cut()
        self.machine.boot()
        self.listen()
        wait_until("the service", lambda: self.machine.show("ActiveState") == "active")
        self.let_finish()
        self.finish("cut.ndjson", 20_000)
        self.check_delivered()

    def credential(self):
        """The key as a credential of systemd wins over the file, which may then belong to root alone."""
        machine = self.machine
        machine.write("/root/key", self.sandbox.facts["key"] + "\n", 0o600)
        machine.write("/etc/usherd/api.key", "na1.wrong/key\n", 0o640)
        machine.write("/etc/systemd/system/usherd.service.d/test.conf", DROP_IN + "LoadCredential=api-key:/root/key\n")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "restart", "usherd")
        self.drop("credential.ndjson", 100)
        self.finish("credential.ndjson", 100)

    def upgrade(self):
        machine = self.machine
        self.in_flight("upgraded.ndjson", 5_000)
        pid = machine.show("MainPID")
        before = machine.read("/etc/usherd/usherd.yaml")
        machine.run("dpkg", "--install", "/shared/next.deb")
        self.true(machine.show("MainPID") not in ("0", pid), "the upgrade did not restart the service")
        self.equal(machine.read("/etc/usherd/usherd.yaml"), before, "the configuration after the upgrade")
        self.let_finish()
        self.finish("upgraded.ndjson", 5_000)
        # What was stopped stays stopped.
        machine.run("systemctl", "stop", "usherd")
        machine.run("dpkg", "--install", "/shared/usherd.deb")
        self.equal(machine.show("ActiveState"), "inactive", "a stopped service after an upgrade")
        machine.run("systemctl", "start", "usherd")

    def remove(self):
        """Removal in mid-flight keeps all there is; the next installation goes on with it."""
        machine = self.machine
        self.in_flight("kept.ndjson", 1_000)
        machine.run("dpkg", "--remove", "usherd")
        self.equal(machine.run("pgrep", "--exact", "usherd", check=False)[0], 1, "after a removal a process (pgrep)")
        for path in ("/etc/usherd/usherd.yaml", "/etc/usherd/api.key", "/var/lib/usherd", SPOOL + "/working"):
            self.true(os.path.exists(machine.path(path)), f"the removal took {path}")
        self.true(not os.path.exists(machine.path("/usr/bin/usherd")), "the removal left the program")
        machine.run("dpkg", "--install", "/shared/usherd.deb")
        self.let_finish()
        self.finish("kept.ndjson", 1_000)
        self.check_delivered()

    def purge(self):
        machine = self.machine
        told = machine.run("journalctl", "--unit=usherd", "--output=cat")
        self.true("no sign of life" not in told, "the heartbeat raised a false alarm")
        machine.run("systemctl", "stop", "usherd")
        self.drop("undelivered.ndjson", 1)
        said = machine.run("dpkg", "--purge", "usherd")
        self.true("not delivered" in said, "a purge does not tell of files that wait: " + said)
        self.true(os.path.exists(machine.path(SPOOL + "/incoming/undelivered.ndjson")), "a purge took what was not delivered")
        for path in ("/etc/usherd", "/var/lib/usherd", "/usr/share/doc/usherd"):
            self.true(not os.path.exists(machine.path(path)), f"the purge left {path}")
        os.unlink(machine.path("/root/key"))
        found = subprocess.run(["grep", "-rlF", self.sandbox.facts["key"], machine.upper], stdout=subprocess.PIPE,
                               text=True, check=False).stdout
        self.equal(found, "", "files that still hold the key")
        # With nothing waiting, the spool goes too.
        os.unlink(machine.path(SPOOL + "/incoming/undelivered.ndjson"))
        machine.run("dpkg", "--install", "/shared/usherd.deb")
        machine.run("dpkg", "--purge", "usherd")
        self.true(not os.path.exists(machine.path(SPOOL)), "the purge left an empty spool")


def main():
    life = Life(*sys.argv[1:5])
    try:
        for step in (life.install, life.start, life.deliver, life.keep_the_key, life.reload, life.rotate_the_key, life.kill,
                     life.freeze, life.reboot, life.power_cut, life.credential, life.upgrade, life.remove, life.purge):
            began = time.monotonic()
            print(step.__name__, flush=True)
            step()
            print(f"  ok, {time.monotonic() - began:.1f} s", flush=True)
    finally:
        life.close()
    print(f"{life.dropped} records dropped, all accounted for")


if __name__ == "__main__":
    main()
