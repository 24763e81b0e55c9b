"""Who runs against the sink: how each is started, when it is done, and what it leaves out."""
import os
import shutil
import signal
import time

from sink import KEY

# A peer that hangs ends the bench, not the day.
LONGEST_S = 600
PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers")


def python():
    # A version manager's wrapper would be measured along.
    return "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else os.path.realpath(shutil.which("python3"))


class Contestant:
    """`run` prepares the folder of one round; its spool is filled with fresh, synced copies of the data."""
    name = leaves_out = ""
    spool = "in"
    #: its bodies hold the lines of the files byte for byte
    verbatim = True

    def missing(self):
        """What to install, or nothing."""
        return None

    def prepare(self, context):
        os.makedirs(context.path("done"), exist_ok=True)

    def command(self, context):
        raise NotImplementedError

    def environment(self, context):
        return {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "HOME": context.folder}

    def wait(self, context, run):
        """Waits for its end; gives what the meter says, and the wall time if that is not start to end."""
        return run.report(LONGEST_S), None

    def check(self, context, report):
        """Complains unless everything was done."""
        if report["code"] != 0:
            context.fail(self, f"ended with {report['code']}")

    def files(self, context):
        return [context.path(self.spool, name) for name in context.data.names]


class Usherd(Contestant):
    name = "usherd drain"
    spool = "spool/incoming"
    leaves_out = "nothing"

    def __init__(self, program):
        self.program = program

    def missing(self):
        if not os.path.exists(self.program):
            return f"{self.program}: cmake --preset release && cmake --build build/release --target usherd"
        return None

    def prepare(self, context):
        for name in ("working", "done", "rejected"):
            os.makedirs(context.path("spool", name), exist_ok=True)
        with open(context.path("usherd.yaml"), "w", encoding="utf-8") as out:
            out.write(f"""api: {{base_url: "{context.sink.api}", key_file: {context.key_file}, ca_file: {context.sink.ca}}}
spool: {{directory: {context.path("spool")}, settle: 0s}}
state: {{directory: {context.path("state")}}}
batch: {{max_records: 50000}}
limits: {{requests_per_second: 10000, burst: 10000}}
admin: {{listen: "", socket: {context.path("admin.sock")}}}
log: {{level: warning}}
""")

    def command(self, context):
        return [self.program, "drain", "--config", context.path("usherd.yaml")]

    def check(self, context, report):
        super().check(context, report)
        ended = context.receipts("spool/done")
        if ended["imported"] + ended["merged"] != context.data.records:
            context.fail(self, f"the receipts say {ended}")
        # What was folded into a newer record of its user went out as part of that one.
        self.verbatim = ended["merged"] == 0
        report["merged"] = ended["merged"]


class Floor(Contestant):
    leaves_out = "order, ledger, syncs, retries, polls, moving files, rejects, receipts: ends at the first fault"

    def __init__(self, program, threads):
        self.program, self.threads = program, threads
        self.name = f"floor, {threads} thread{'s' if threads > 1 else ''}"

    def missing(self):
        if not os.path.exists(self.program):
            return f"{self.program}: cmake --preset release && cmake --build build/release --target floor"
        return None

    def command(self, context):
        return [self.program, "--threads", str(self.threads), "--port", str(context.sink.port), "--ca", context.sink.ca,
                "--key-file", context.key_file, *self.files(context)]

    def check(self, context, report):
        super().check(context, report)
        if context.output().strip() != str(context.data.records):
            context.fail(self, f"sent {context.output().strip()} records")


class Duties(Floor):
    leaves_out = "ledger, syncs, merging, retries, polls, moving files, rejects, receipts: ends at the first fault"

    def __init__(self, program, threads=1):
        super().__init__(program, threads)
        self.name = f"floor with rules and order, {threads} thread{'s' if threads > 1 else ''}"

    def missing(self):
        missing = super().missing()
        return missing and missing.replace("--target floor", "--target duties")


class ReadDuties(Duties):
    def __init__(self, program):
        super().__init__(program)
        self.name = "floor with rules and order, each body read a second time"

    def command(self, context):
        program, *rest = super().command(context)
        return [program, "--bodies", "read", *rest]


class Sdk(Contestant):
    name = "official node SDK, poll each 10 ms"
    leaves_out = "idempotency keys (a restart posts twice), order, checks beyond JSON, rejects; it writes every record anew"
    verbatim = False

    def __init__(self, modules):
        self.modules = modules

    def missing(self):
        if shutil.which("node") is None:
            return "node: apt-get install nodejs npm"
        if not os.path.isdir(os.path.join(self.modules, "node_modules", "@fullstory", "server-api-client")):
            return f"the official node SDK: bench/run --install, which runs npm ci in {self.modules}"
        return None

    def prepare(self, context):
        super().prepare(context)
        shutil.copy(os.path.join(PEERS, "sdk.mjs"), self.modules)

    def command(self, context):
        return [shutil.which("node"), os.path.join(self.modules, "sdk.mjs"), context.path("done"), *self.files(context)]

    def environment(self, context):
        return {**super().environment(context), "NODE_ENV": "test", "FS_API_HOST": context.sink.api,
                "NODE_EXTRA_CA_CERTS": context.sink.ca, "KEY_FILE": context.key_file}

    def check(self, context, report):
        super().check(context, report)
        if context.output().strip() != str(context.data.records):
            context.fail(self, f"sent {context.output().strip()} records")


class Scripts(Contestant):
    def __init__(self, checks):
        self.checks = checks
        self.name = "python check + curl, xargs -P 8" if checks else "paste + curl, xargs -P 8"
        self.leaves_out = ("idempotency keys, order, record rules, rejects: stops a file at its first bad line" if checks else
                           "any check of the records, idempotency keys, order, rejects: a bad line spoils its file")

    def missing(self):
        return None if shutil.which("curl") else "curl: apt-get install curl"

    def command(self, context):
        script = 'printf "%s\\0" "$@" | xargs -0 -n 1 -P 8 ' + os.path.join(PEERS, "send_file.sh")
        return ["/bin/sh", "-c", script, "sh", *self.files(context)]

    def environment(self, context):
        check = {"CHECK": f"{python()} {PEERS}/check.py"} if self.checks else {}
        return {**super().environment(context), "API": context.sink.api, "CA": context.sink.ca,
                "KEY_FILE": context.key_file, "DONE": context.path("done"), **check}


SYSLOG_NG = """@version: 3.38
options {{ stats-freq(0); log-msg-size(1048576); }};
source files {{
  wildcard-file(base-dir("{spool}") filename-pattern("*.ndjson") flags(no-parse) follow-freq(0.1) max-files(100)
    log-iw-size(1000000) log-fetch-limit(10000));
}};
destination api {{
  http(url("{api}/v2/users/batch") method("POST") workers(4) batch-lines(50000) batch-timeout(1000)
    headers("Authorization: Basic {key}", "Content-Type: application/json")
    body("${{MSG}}") body-prefix("{{\\"requests\\":[") delimiter(",") body-suffix("]}}")
    tls(ca-file("{ca}")) log-fifo-size(2000000) {buffer});
}};
log {{ source(files); destination(api); flags(flow-control); }};
"""


class SyslogNg(Contestant):
    """It runs for ever: it is done when the sink has every line."""

    def __init__(self, disk_buffer):
        self.disk_buffer = disk_buffer
        self.name = "syslog-ng http(), 4 workers" + (", reliable disk buffer" if disk_buffer else "")
        self.leaves_out = "any check of the records, polls, idempotency keys, order, receipts: a bad line spoils its batch"
        if not disk_buffer:
            self.leaves_out += "; lines under way are in memory only"

    def missing(self):
        if shutil.which("syslog-ng", path=os.environ.get("PATH", "") + ":/usr/sbin") is None:
            return "syslog-ng: apt-get install --no-install-recommends syslog-ng-core syslog-ng-mod-http"
        return None

    def prepare(self, context):
        os.makedirs(context.path("buffer"), exist_ok=True)
        buffer = f'disk-buffer(reliable(yes) disk-buf-size(4294967296) mem-buf-size(67108864) dir("{context.path("buffer")}"))'
        with open(context.path("syslog-ng.conf"), "w", encoding="utf-8") as out:
            out.write(SYSLOG_NG.format(spool=context.path("in"), api=context.sink.api, key=KEY, ca=context.sink.ca,
                                       buffer=buffer if self.disk_buffer else ""))

    def command(self, context):
        return ["syslog-ng", "-F", "--no-caps", "-f", context.path("syslog-ng.conf"), "-R", context.path("persist"),
                "-c", context.path("control"), "-p", context.path("pid")]

    def wait(self, context, run):
        wanted = context.data.bytes
        seen = context.sink.since(run.mark)
        end = time.monotonic() + LONGEST_S
        while seen.update().lines_bytes < wanted and time.monotonic() < end and not run.ended():
            time.sleep(0.05)
        wall = (seen.last_post or time.time()) - run.began
        os.kill(run.pid, signal.SIGTERM)
        return run.report(LONGEST_S), wall


def all_of(usherd, floor, duties, modules):
    return {
        "usherd": Usherd(usherd),
        "floor": Floor(floor, 1),
        "floor2": Floor(floor, 2),
        "duties": Duties(duties),
        "duties2": Duties(duties, 2),
        "duties-read": ReadDuties(duties),
        "sdk": Sdk(modules),
        "paste": Scripts(False),
        "python": Scripts(True),
        "syslog-ng": SyslogNg(False),
        "syslog-ng-disk": SyslogNg(True),
    }
