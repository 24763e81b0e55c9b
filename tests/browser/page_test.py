#!/usr/bin/env python3
"""Runs page_test.mjs against a service of its own: page_test.py USHERD SANDBOX BUILD [SHOTS]

The locked npm packages are installed below BUILD when they are not there. Exit code 77: they could not be fetched."""
import filecmp
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
import live_service as service  # noqa: E402


def install(build):
    os.makedirs(build, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "page_test.mjs"):
        shutil.copy(os.path.join(HERE, name), build)
    mark, lock = os.path.join(build, "installed"), os.path.join(build, "package-lock.json")
    if os.path.exists(mark) and filecmp.cmp(mark, lock, shallow=False):
        return
    if subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=build, check=False).returncode:
        sys.exit(77)
    shutil.copy(lock, mark)


def records(count, start):
    for i in range(count):
        yield json.dumps({"uid": f"user-{start + i}", "email": f"user-{start + i}@example.com",
                          "properties": {"plan": "basic", "seats": i}})
        if i % 500 == 0:
            yield json.dumps({"uid": "", "properties": {}})
        if i % 900 == 0:
            yield '{"uid":"a",'


def main():
    usherd, sandbox_program, build = sys.argv[1:4]
    install(build)
    # Slow jobs and few at a time: there is something to look at.
    sandbox = service.Sandbox(sandbox_program, "job_time=1500ms")
    usher = service.Service(usherd, sandbox.facts)
    try:
        usher.write_config("")
        text = open(usher.config, encoding="utf-8").read()
        limits = "limits: {requests_per_second: 1000, burst: 1000"
        with open(usher.config, "w", encoding="utf-8") as out:
            out.write(text.replace(limits, limits + ", in_progress_batches: 6, in_progress_operations: 8000"))
        usher.start()
        # The same port again after a restart.
        text = open(usher.config, encoding="utf-8").read()
        with open(usher.config, "w", encoding="utf-8") as out:
            out.write(text.replace("127.0.0.1:0", f"127.0.0.1:{usher.port}"))
        command = ["node", "page_test.mjs", f"http://127.0.0.1:{usher.port}", *map(os.path.abspath, sys.argv[4:5])]
        test = subprocess.Popen(command, cwd=build, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for line in test.stdout:
            wish = line.strip()
            if wish == "deliver":
                os.mkdir(os.path.join(usher.incoming, "a-folder.ndjson"))
                for i in range(12):
                    usher.drop(f"file-{i}.ndjson", records(10_000, i * 10_000))
            elif wish in ("pause", "resume"):
                usher.get_local(f"/api/{wish}", method="POST")
            elif wish == "stop":
                usher.stop()
            elif wish == "start":
                usher.start()
            test.stdin.write("done\n")
            test.stdin.flush()
        return test.wait(timeout=service.PATIENCE_S)
    finally:
        usher.close()
        sandbox.stop()


if __name__ == "__main__":
    sys.exit(main())
