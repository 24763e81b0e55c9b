#!/usr/bin/env python3
"""Delivers the same kind of records in every format, with damage of every kind among them.

usage: formats.py USHERD SANDBOX GENERATE [--records N] [--kills K]

Proves: what came as CSV, gzip (several members) and Zstandard (several frames) stands in the sandbox exactly as the
records say; bad CSV rows are one reject each, with line, offset and bytes of the unpacked original; damaged and
exploding files are refused whole with a code and nothing of them is sent; `usherd check` says the same beforehand; with
--kills that kill -9 on the way changes nothing of it.
"""
import argparse
import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

import pipeline

COLUMNS = ["email", "location.country", "uid", "plan", "seq:int", "score:real", "active:bool", "tags:strs",
           "display_name", "location.code:int", "comment", "location.note"]
# Rows that are no records, and their codes.
BAD_ROWS = [('only,two', "csv_cell_count"), ('"a"b,,bad-1,,,,,,,,,', "csv_quotes"),
            (',,bad-2,,x,,,,,,,', "csv_cell_type"), (',,bad-3,,,,,,,,,"never closed', "csv_quotes"),
            (',,,,1,,,,,,,', "anonymous")]


def cell(record, column):
    name, _, kind = column.partition(":")
    value = record if "." not in name else record.get("properties", {})
    for part in name.split("."):
        if value is record and part not in ("uid", "email", "display_name"):
            value = record.get("properties", {})
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return ""
    if kind == "bool":
        return "yes" if value else "FALSE"
    return ";".join(value) if kind == "strs" else value


def as_csv(records):
    """The file's text, and for each bad row its line, offset, bytes and code."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    bad = []
    line = 2
    offset = len(out.getvalue().encode())
    for index, record in enumerate(records):
        if index % 500 == 250:
            row, code = BAD_ROWS[index // 500 % len(BAD_ROWS)]
            out.write(row + "\r\n")
            bad.append((line, offset, row, code))
            line += 1
            offset += len(row) + 2
        before = out.tell()
        writer.writerow([cell(record, column) for column in COLUMNS])
        out.seek(before)
        text = out.read()
        line += text.count("\n")
        offset += len(text.encode())
    return out.getvalue().encode(), bad


def zstd(data, *options):
    return subprocess.run(["zstd", "-cq", *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def in_two(data, pack):
    half = data.find(b"\n", len(data) // 2) + 1
    return pack(data[:half]) + pack(data[half:])


def as_json(records):
    return ("[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n").encode()


def as_ndjson(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def write_formats(data, out):
    """Rewrites each generated file in a format of its own; returns the bad rows by file name."""
    bad = {}
    kinds = [".csv", ".csv.gz", ".csv.zst", ".ndjson.gz", ".jsonl.zst", ".json.gz", ".json.zst"]
    for name, kind in zip(sorted(os.listdir(data)), kinds):
        stem = name.removesuffix(".ndjson")
        with open(os.path.join(data, name), encoding="utf-8") as text:
            records = [json.loads(line) for line in text]
        if ".csv" in kind:
            content, bad[stem + kind] = as_csv(records)
        else:
            content = as_json(records) if ".json." in kind else as_ndjson(records)
        if kind.endswith(".gz"):
            content = in_two(content, gzip.compress)
        elif kind.endswith(".zst"):
            content = in_two(content, zstd)
        with open(os.path.join(out, stem + kind), "wb") as file:
            file.write(content)
    return bad


def bomb():
    """100 MB in some 100 KB, made without holding them: what we hold counts as the memory of who we start."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(b'{"uid":"never-1"}\n' * 60_000) for _ in range(100)) + packer.flush()


def write_damaged(out):
    """Files that must be refused whole, and their codes."""
    records = b"".join(b'{"uid":"never-%d"}\n' % number for number in range(5000))
    rows = b"uid\n" + b"".join(b"never-%d\n" % number for number in range(5000))
    files = {
        "zz-cut.ndjson.gz": (gzip.compress(records)[:-10], "damaged_archive"),
        "zz-cut.csv.zst": (zstd(rows)[:-10], "damaged_archive"),
        "zz-second-cut.ndjson.gz": (gzip.compress(records) + gzip.compress(records)[:50], "damaged_archive"),
        "zz-garbage.csv.gz": (gzip.compress(rows) + b"garbage", "damaged_archive"),
        "zz-plain.ndjson.zst": (records, "damaged_archive"),
        "zz-header.csv": (b"uid,uid\nnever-1,never-2\n", "bad_header"),
        "zz-open.json.gz": (gzip.compress(b'[{"uid":"never-1"}'), "damaged_document"),
        "zz-bomb.ndjson.gz": (bomb(), "too_large_unpacked"),
    }
    for name, (content, _) in files.items():
        with open(os.path.join(out, name), "wb") as file:
            file.write(content)
    return {name: code for name, (_, code) in files.items()}


def check_bad_rows(failures, folder, bad):
    for name, rows in bad.items():
        with open(os.path.join(folder, "spool", "rejected", name + ".rejects.ndjson"), encoding="utf-8") as text:
            rejects = [json.loads(line) for line in text]
        told = [(one["line"], one["offset"], one["code"]) for one in rejects]
        wanted = [(line, offset, code) for line, offset, _, code in rows]
        failures.check(told == wanted, f"{name}: {told[:4]} instead of {wanted[:4]}")
        for reject, (_, _, row, code) in zip(rejects, rows):
            if code.startswith("csv_"):
                failures.check(reject.get("raw") == row, f"{name}:{reject['line']}: {reject.get('raw')!r} is not {row!r}")


def check_refused(failures, folder, refused):
    rejected = os.path.join(folder, "spool", "rejected")
    for name, code in refused.items():
        path = os.path.join(rejected, name + ".error.json")
        failures.check(os.path.exists(path) and os.path.exists(os.path.join(rejected, name)), f"{name} is not refused")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as text:
                error = json.load(text)
            failures.check(error["code"] == code and bool(error["message"]), f"{name}: {error}")


def check_told_before(failures, usherd, config, dropped, bad, refused):
    """What `usherd check` says of the files, before anything is delivered."""
    paths = [os.path.join(dropped, name) for name in sorted(os.listdir(dropped))]
    ran = subprocess.run([usherd, "check", "--config", config, *paths], capture_output=True, text=True, check=False)
    failures.check(ran.returncode == 2, f"check: exit {ran.returncode}")
    for name, code in refused.items():
        failures.check(f"{name}: refused whole: {code}: " in ran.stdout, f"check does not say {code} of {name}")
    for name, rows in bad.items():
        for line, _, _, code in rows[:20]:
            failures.check(f"{name}:{line}: {code}: " in ran.stdout, f"check does not say {code} of {name}:{line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("usherd")
    parser.add_argument("sandbox")
    parser.add_argument("generate")
    parser.add_argument("--records", type=int, default=42_000)
    parser.add_argument("--kills", type=int, default=0)
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="usherd-formats-")
    failures = pipeline.Failures()
    data, expected = os.path.join(folder, "data"), os.path.join(folder, "expected.ndjson")
    dropped = os.path.join(folder, "dropped")
    os.mkdir(dropped)
    made = json.loads(subprocess.run([sys.executable, arguments.generate, data, "--records", str(arguments.records),
                                      "--files", "7", "--bad", "0", "--expected", expected],
                                     check=True, capture_output=True, text=True).stdout)
    bad = write_formats(data, dropped)
    refused = write_damaged(dropped)
    sandbox = pipeline.Sandbox(arguments.sandbox, ["job_time=200ms"])
    try:
        config = pipeline.write_config(folder, sandbox.facts, 90, 450_000, "auto")
        check_told_before(failures, arguments.usherd, config, dropped, bad, refused)
        pipeline.drop(folder, dropped)
        began = time.monotonic()
        code, err, used = pipeline.drain_with_kills(arguments.usherd, config, sandbox, arguments.kills, made["good"],
                                                   failures)
        wall = time.monotonic() - began
        failures.check(code == 2, f"exit {code}: {err}")
        failures.check(used.ru_maxrss < 64 * 1024, f"peak memory {used.ru_maxrss} KiB")
        pipeline.check_users(failures, sandbox, expected)
        count = sum(len(rows) for rows in bad.values())
        sums = pipeline.check_receipts(failures, folder, {"records": made["records"] + count, "bad": count,
                                                          "good": made["good"]})
        check_bad_rows(failures, folder, bad)
        check_refused(failures, folder, refused)
        left = pipeline.left_in_working(os.path.join(folder, "spool"))
        failures.check(not left, f"working/ still holds {left[:3]}")
        print(json.dumps({"wall_s": round(wall, 2), **sums, "refused": len(refused), "peak_rss_kib": used.ru_maxrss,
                          "cpu_s": round(used.ru_utime + used.ru_stime, 2)}))
    finally:
        sandbox.stop()
        if not failures:
            shutil.rmtree(folder)
        else:
            print("kept for a look:", folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
