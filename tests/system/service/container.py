"""A Debian that boots systemd as its PID 1, over an overlay of a tree that is made once.

The container shares the host's network: what listens on the host's loopback is reached from within.
"""
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

# The longest that anything within may take; a machine under load is slow, not broken.
LONGEST_S = 240
PACKAGES = ("systemd,systemd-sysv,ca-certificates,acl,procps,libboost-json1.81.0,libsimdjson14,libsqlite3-0,"
            "libyaml-cpp0.7,libspdlog1.10,libfmt9,libprometheus-cpp-core1.0,libssl3,libxxhash0,libzstd1,zlib1g,libsystemd0")


class Late(Exception):
    pass


def debian_tree(folder):
    """The path of a minimal Debian 12 with all that usherd needs, made at the first call."""
    tree = os.path.join(folder, "debian")
    done = os.path.join(folder, "debian.made")
    wanted = PACKAGES + "\n"
    if os.path.exists(done) and open(done, encoding="utf-8").read() == wanted:
        return tree
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(folder, exist_ok=True)
    subprocess.run(["debootstrap", "--variant=minbase", "--include=" + PACKAGES, "bookworm", tree],
                   check=True, stdout=subprocess.DEVNULL)
    with open(done, "w", encoding="utf-8") as out:
        out.write(wanted)
    return tree


def wait_until(what, holds, longest=LONGEST_S):
    """Asks until it holds, for what nobody announces."""
    end = time.monotonic() + longest
    while not holds():
        if time.monotonic() > end:
            raise Late(f"{what}: not within {longest} s")
        select.select([], [], [], 0.05)


class Journal:
    """Entries of this boot, those that were there and those that come."""

    def __init__(self, machine, *match):
        # nsenter forks: its child is to end with it.
        self.process = machine.start("setpriv", "--pdeathsig", "KILL", "journalctl", "--boot", "--follow", "--lines=all", "--output=json", "--all", *match)
        self.buffer = b""
        self.seen = []

    def wait_for(self, what, holds, longest=LONGEST_S):
        """The first of the entries not looked at yet for which it holds."""
        end = time.monotonic() + longest
        while True:
            line, newline, rest = self.buffer.partition(b"\n")
            if newline:
                self.buffer = rest
                entry = json.loads(line)
                self.seen.append(entry.get("MESSAGE"))
                if holds(entry):
                    return entry
                continue
            left = end - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            if not ready:
                raise Late(f"no entry within {longest} s: {what}; seen: {self.seen[-20:]}")
            self.buffer += os.read(self.process.stdout.fileno(), 65536)

    def close(self):
        self.process.kill()
        self.process.wait()
        if not self.process.stdout.closed:
            self.process.stdout.close()


class Machine:
    def __init__(self, tree):
        self.folder = tempfile.mkdtemp(prefix="usherd-machine-")
        for name in ("upper", "work", "root", "shared"):
            os.mkdir(os.path.join(self.folder, name))
        self.root = os.path.join(self.folder, "root")
        self.upper = os.path.join(self.folder, "upper")
        self.shared = os.path.join(self.folder, "shared")
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={tree},upperdir={self.upper},workdir={self.folder}/work", self.root], check=True)
        # Journals outlive a reboot, as on a server.
        os.makedirs(os.path.join(self.root, "var/log/journal"), exist_ok=True)
        with open(os.path.join(self.root, "etc/hosts"), "w", encoding="utf-8") as hosts:
            hosts.write("127.0.0.1 localhost\n")
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(os.path.join(self.folder, "notify"))
        self.process = None
        self.leader = None

    def boot(self):
        environment = dict(os.environ, NOTIFY_SOCKET=os.path.join(self.folder, "notify"))
        self.console = open(os.path.join(self.folder, "console"), "ab")
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--notify-ready=yes",
             "--machine=" + os.path.basename(self.folder).replace("_", "x"), "--directory=" + self.root, "--console=pipe",
             "--bind-ro=" + self.shared + ":/shared"],
            env=environment, stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console)
        self.wait_ready()

    def wait_ready(self):
        """Until PID 1 within says that the system is up."""
        end = time.monotonic() + LONGEST_S
        ready = False
        while not ready:
            self.told.settimeout(max(0.01, end - time.monotonic()))
            try:
                lines = self.told.recv(4096).decode().splitlines()
            except TimeoutError as late:
                raise Late("the container did not boot; its console: " +
                           open(os.path.join(self.folder, "console"), errors="replace").read()[-2000:]) from late
            for line in lines:
                if line.startswith("X_NSPAWN_LEADER_PID="):
                    self.leader = line.partition("=")[2]
                ready = ready or line == "READY=1"

    def command(self, *words, user=None):
        enter = ["nsenter", "--target", self.leader, "--mount", "--uts", "--ipc", "--pid", "--root", "--wdns=/"]
        environment = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
                       "DEBIAN_FRONTEND=noninteractive"]
        as_user = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"] if user else []
        return [*enter, *environment, *as_user, *words]

    def start(self, *words):
        return subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def run(self, *words, user=None, check=True, given=None):
        """What it printed, stderr included."""
        done = subprocess.run(self.command(*words, user=user), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=LONGEST_S, input=given if given is not None else "")
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: exit {done.returncode}: {done.stdout}")
        return done.stdout if check else (done.returncode, done.stdout)

    def show(self, name, unit="usherd.service"):
        return self.run("systemctl", "show", "--value", "--property=" + name, unit).strip()

    def path(self, path):
        """Where a file of the container stands on the host."""
        return os.path.join(self.root, path.lstrip("/"))

    def read(self, path):
        with open(self.path(path), encoding="utf-8") as text:
            return text.read()

    def write(self, path, text, mode=0o644):
        where = self.path(path)
        os.makedirs(os.path.dirname(where), exist_ok=True)
        with open(where, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(where, mode)

    def reboot(self):
        subprocess.run(self.command("systemctl", "--no-block", "reboot"), check=True, timeout=LONGEST_S)
        try:
            code = self.process.wait(timeout=LONGEST_S)
        except subprocess.TimeoutExpired as late:
            left = self.run("ps", "-ef", check=False)
            raise Late(f"the container did not go down; left in it: {left}") from late
        # systemd-nspawn says by this exit code that the container wants to come back.
        if code != 133:
            raise AssertionError(f"the container ended with {code} instead of rebooting")
        self.console.close()
        self.boot()

    def power_cut(self):
        """All processes die at once; the disk stays."""
        os.kill(int(self.leader), signal.SIGKILL)
        self.process.wait(timeout=LONGEST_S)
        self.console.close()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.power_cut()
        subprocess.run(["umount", self.root], check=False)
        self.told.close()
        shutil.rmtree(self.folder, ignore_errors=True)
