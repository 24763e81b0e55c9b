"""A running usherd with its sandbox, for tests of what an operator sees."""
import fcntl
import http.client
import json
import os
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time
import urllib.request

# The sandbox is on this machine: a proxy of whoever runs this is not for it.
for name in ("https_proxy", "HTTPS_PROXY"):
    os.environ.pop(name, None)

# The longest that anything here is waited for; nothing is slept away.
PATIENCE_S = 60


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("usherd", timeout=PATIENCE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(self.path)


class Sandbox:
    def __init__(self, program, *settings):
        command = [program, "--seed", "7"]
        for setting in settings:
            command += ["--set", setting]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.facts = json.loads(self.process.stdout.readline())

    def patch(self, settings):
        request = urllib.request.Request(self.facts["control"] + "/settings", method="PATCH",
                                         data=json.dumps(settings).encode())
        urllib.request.urlopen(request, timeout=PATIENCE_S).read()

    def add_faults(self, *faults):
        request = urllib.request.Request(self.facts["control"] + "/faults", method="POST",
                                         data=json.dumps(faults).encode())
        urllib.request.urlopen(request, timeout=PATIENCE_S).read()

    def finish_jobs(self):
        request = urllib.request.Request(self.facts["control"] + "/finish-jobs", method="POST")
        urllib.request.urlopen(request, timeout=PATIENCE_S).read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE_S)


class Service:
    """usherd with a folder of its own. start() may be called again after stop() or kill()."""

    def __init__(self, program, facts, listen="127.0.0.1:0"):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="usherd-service-")
        self.process = None
        self.port = None
        self.listen = listen
        self.socket = os.path.join(self.folder, "admin.sock")
        self.config = os.path.join(self.folder, "usherd.yaml")
        self.log = os.path.join(self.folder, "log")
        key = os.path.join(self.folder, "key")
        with open(key, "w", encoding="utf-8") as out:
            out.write(facts["key"] + "\n")
        os.chmod(key, 0o600)
        self.facts = {**facts, "key_file": key}
        self.write_config()
        self.incoming = os.path.join(self.folder, "spool", "incoming")
        for name in ("incoming", "working", "done", "rejected"):
            os.makedirs(os.path.join(self.folder, "spool", name), exist_ok=True)

    def write_config(self, extra="", hosts="status.example.com", ca_file=None, limits=""):
        facts = self.facts
        roots = ca_file or facts["ca_file"]
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(f"""api: {{base_url: "{facts['api']}", key_file: {facts['key_file']}, ca_file: {roots}}}
spool: {{directory: {self.folder}/spool, settle: 0s, rescan: 1s, min_free: 1MiB}}
state: {{directory: {self.folder}/state}}
limits: {{requests_per_second: 1000, burst: 1000{limits}}}
batch: {{max_records: 1000, linger: 50ms}}
admin: {{listen: "{self.listen}", socket: {self.socket}, hosts: [{hosts}]}}
stop_timeout: 5s
{extra}
""")

    def start(self):
        with open(self.log, "ab") as log:
            mark = log.tell()
            self.process = subprocess.Popen([self.program, "run", "--config", self.config], stdout=log, stderr=log)
        if not self.listen:
            return self
        found = self.wait_for_log(r"status page on http://127\.0\.0\.1:(\d+)/", mark)
        self.port = int(found.group(1))
        return self

    def wait_for_log(self, pattern, mark=0):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with open(self.log, "r", encoding="utf-8", errors="replace") as text:
                text.seek(mark)
                found = re.search(pattern, text.read())
            if found:
                return found
            if self.process.poll() is not None:
                break
            self.pause()
        with open(self.log, encoding="utf-8", errors="replace") as text:
            raise AssertionError(f"the log never said {pattern!r}:\n{text.read()}")

    def pause(self):
        """A moment, or until the service ends."""
        try:
            self.process.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            pass

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=PATIENCE_S)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)

    def drop(self, name, lines):
        hidden = os.path.join(self.incoming, "." + name)
        with open(hidden, "w", encoding="utf-8") as out:
            out.write("".join(line + "\n" for line in lines))
        os.rename(hidden, os.path.join(self.incoming, name))

    def get(self, path, host="localhost", method="GET"):
        """Through the port: status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request(method, path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def get_local(self, path, method="GET"):
        connection = UnixConnection(self.socket)
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def status(self):
        return json.loads(self.get_local("/api/status")[1])

    def wait_until(self, holds, what):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            status = self.status()
            if holds(status):
                return status
            self.pause()
        raise AssertionError(f"never {what}: {json.dumps(self.status())}")

    def command(self, *words, env=None):
        return subprocess.run([self.program, *words, "--config", self.config], capture_output=True, text=True,
                              timeout=PATIENCE_S, env={**os.environ, **(env or {})})

    def watched(self, rows, columns):
        """The second picture that `status --watch` draws on a terminal of that size."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen([self.program, "status", "--watch", "--config", self.config], stdout=slave,
                                   stderr=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"})
        os.close(slave)
        try:
            shown = b""
            while shown.count(b"\x1b[J") < 2:
                shown += os.read(master, 65536)
            return shown.decode().split("\x1b[J")[1]
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)
            os.close(master)

    def on_terminal(self, *words, env=None, stderr=False):
        """What a command writes when its stdout, and its stderr too if asked for, is a terminal; its exit code."""
        master, slave = pty.openpty()
        process = subprocess.Popen([self.program, *words, "--config", self.config], stdout=slave,
                                   stderr=slave if stderr else subprocess.DEVNULL, env={**os.environ, **(env or {})})
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(master)
        return shown.decode(), process.wait(timeout=PATIENCE_S)
