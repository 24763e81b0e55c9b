#!/usr/bin/env python3
"""Does what README.md and docs/operating.md tell people to do, block by block, in a container that boots systemd.

usage: docs_test.py DEB NEXT_DEB SANDBOX CACHE

A block of sh runs as root within the container, unless a comment before it says otherwise: `on=build` or `on=host` (the
sources, on this machine), `user=NAME`, `stdin=key`, `before=STEP` and `after=STEP` (what the reader's own machine would
have). Examples of other languages are compiled and run against a real usherd. A block that nothing runs fails the test.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import service_test  # noqa: E402
from container import wait_until  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
BLOCK = re.compile(r"(?:^<!-- (run|example): ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = ("README.md", "docs/operating.md")
RECORDS = '{"uid":"1","properties":{"n":1}}\n{"uid":"2","properties":{"n":2}}\n'
# How each example is run, as `... INCOMING NAME`; made ready in a folder that holds it under this name.
EXAMPLES = {"sh": ("drop.sh", ["sh", "drop.sh"]), "python": ("drop.py", ["python3", "drop.py"]),
            "java": ("Drop.java", ["java", "Drop.java"]), "go": ("drop.go", ["go", "run", "drop.go"])}


class Reader:
    def __init__(self, life, deb):
        self.life = life
        self.machine = life.machine
        self.deb = deb
        self.ran = 0

    def block(self, page, kind, hints, language, text):
        where = f"{page}: {text.strip().splitlines()[0]}"
        print(where, flush=True)
        self.ran += 1
        if kind == "example":
            self.example(hints.strip(), text)
            return
        if language != "sh":
            raise AssertionError(f"{where}: nothing runs a block of '{language}'")
        hints = dict(word.split("=", 1) for word in (hints or "").split())
        self.prepare(hints.get("before", ""))
        if hints.get("on") in ("build", "host"):
            subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=ROOT, check=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL)
        else:
            given = self.life.sandbox.facts["key"] + "\n" if hints.get("stdin") == "key" else ""
            self.machine.run("bash", "-euo", "pipefail", "-c", "cd /tmp\n" + text, user=hints.get("user"), given=given)
        self.prepare(hints.get("after", ""))

    def prepare(self, step):
        name, _, argument = step.partition(":")
        if name:
            getattr(self, "made_" + name)(*filter(None, [argument]))

    # What the machine of a reader would have, or what time brings.

    def made_package(self):
        made = glob.glob(os.path.join(ROOT, "build/release/usherd_*_amd64.deb"))
        # /tmp is a file system of the container's own.
        shutil.copy(made[0] if made else self.deb, self.machine.path("/srv/usherd_0_amd64.deb"))
        self.machine.run("cp", "/srv/usherd_0_amd64.deb", "/tmp/")

    def made_configure(self):
        shutil.copy(self.life.sandbox.facts["ca_file"], self.machine.path("/etc/usherd/ca.pem"))
        os.chmod(self.machine.path("/etc/usherd/ca.pem"), 0o644)
        self.life.configure()

    def made_users(self):
        for user in ("producer", "olga"):
            self.machine.run("useradd", "--user-group", user)

    def made_rootkey(self):
        self.machine.write("/root/usherd.key", self.life.sandbox.facts["key"] + "\n", 0o600)

    def made_settled(self, name):
        receipt = self.machine.path(f"{service_test.SPOOL}/done/{name}.receipt.json")
        wait_until("the receipt of " + name, lambda: os.path.exists(receipt))

    def example(self, language, text):
        """Runs it as the producer's program would run, and follows what it dropped to its end."""
        file, command = EXAMPLES[language]
        name = f"by-{language}.ndjson"
        incoming = self.machine.path(service_test.SPOOL + "/incoming")
        with tempfile.TemporaryDirectory(prefix="usherd-example-") as folder:
            with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
                out.write(text)
            trace = os.path.join(folder, "trace")
            subprocess.run(["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2", "-o", trace,
                            *command, incoming, name], cwd=folder, check=True, input=RECORDS.encode(),
                           env=dict(os.environ, GOCACHE=os.path.join(folder, "cache"), GO111MODULE="off"))
            calls = open(trace, encoding="utf-8", errors="replace").read()
        synced = re.search(r"f(?:data)?sync\([^\n]*= 0", calls)
        renamed = re.search(r"rename(?:at2?)?\([^\n]*" + re.escape(name) + r"[^\n]*= 0", calls)
        if not synced or not renamed or synced.start() > renamed.start():
            raise AssertionError(f"the example in {language} does not sync before it renames:\n{calls[-2000:]}")
        self.made_settled(name)
        self.life.equal(self.machine.read(f"{service_test.SPOOL}/done/{name}"), RECORDS, f"what the example in {language} dropped")


def main():
    deb = sys.argv[1]
    life = service_test.Life(*sys.argv[1:5])
    reader = Reader(life, deb)
    try:
        life.machine.boot()
        for page in PAGES:
            with open(os.path.join(ROOT, page), encoding="utf-8") as text:
                blocks = BLOCK.findall(text.read())
            for kind, hints, language, body in blocks:
                if language in ("text", "console", "json"):
                    continue
                if "on=elsewhere" in hints:
                    # Its own test runs it: CI begins with these.
                    for program in re.findall(r"^scripts/\w+", body, re.MULTILINE):
                        life.true(os.access(os.path.join(ROOT, program), os.X_OK), program + " is no program")
                    continue
                reader.block(page, kind, hints, language, body)
    finally:
        life.close()
    print(f"{reader.ran} blocks ran")
    if reader.ran < 20:
        raise AssertionError("blocks are missing")


if __name__ == "__main__":
    main()
