#!/usr/bin/env python3
"""Makes files of user records as a producer would write them, from a seed.

usage: generate.py OUT --records N --files M [--seed S] [--bad PERCENT] [--users N] [--expected FILE]

Writes OUT/part-NNN.ndjson. With --expected it also writes the state that all good records add up to, a JSON object a
line: {"uid", "display_name", "email", "properties"}; and prints how many records are good and bad.
"""
import argparse
import json
import os
import random
import sys

NAMES = ["Ana", "Björn", "Chloé", "Дмитрий", "Eleni", "فاطمة", "Gökçe", "花子", "Iñigo", "Zoë 🙂"]
PLANS = ["free", "basic", "team", "enterprise"]


def good_record(rng, number, user):
    record = {"uid": f"user-{user:08d}"}
    if number % 3:
        record["display_name"] = f"{NAMES[rng.randrange(len(NAMES))]} {user}"
    if number % 4:
        record["email"] = f"user{user}@example.com"
    properties = {"plan": PLANS[rng.randrange(4)], "seq": number, "score": round(rng.random() * 100, 4),
                  "active": rng.random() < 0.5}
    if number % 2:
        properties["tags"] = [f"t{rng.randrange(50)}" for _ in range(rng.randrange(1, 4))]
    if number % 5 == 0:
        properties["location"] = {"country": "DE", "code": rng.randrange(10000), "note": "Straße „x“ \\ \" \t"}
    properties["comment"] = "é" * rng.randrange(1, 20) + "x" * rng.randrange(0, 40)
    record["properties"] = properties
    return record


def bad_line(rng, number):
    """One line of each kind that the rules refuse, in turn."""
    uid = f"bad-{number}"
    kinds = [
        lambda: json.dumps({"uid": ""}),
        lambda: json.dumps({"uid": "u" * 257}),
        lambda: json.dumps({"uid": uid, "email": "e" * 129}),
        lambda: json.dumps({"uid": uid, "display_name": "d" * 257}),
        lambda: json.dumps({"email": "nobody@example.com"}),
        lambda: json.dumps({"uid": uid, "properties": {"1bad": 1}}),
        lambda: json.dumps({"uid": uid, "properties": {"a": [{"b": 1}]}}),
        lambda: json.dumps({"uid": uid, "properties": {"big": "x" * 8193}}),
        lambda: json.dumps({"uid": uid, "plan": "basic"}),
        lambda: '{"uid":"%s","uid":"twice"}' % uid,
        lambda: '{"uid":"%s",' % uid,
        lambda: '["not an object"]',
        lambda: '{"uid":"%s","properties":{"n":1e999}}' % uid,
        lambda: json.dumps({"uid": uid, "properties": "none"}),
        lambda: '{"uid":"%s"} trailing' % uid,
    ]
    return kinds[number % len(kinds)]()


def deep_merge(into, new):
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            deep_merge(into[key], value)
        else:
            into[key] = json.loads(json.dumps(value)) if isinstance(value, (dict, list)) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bad", type=float, default=1.0, help="percent")
    parser.add_argument("--users", type=int, default=0, help="distinct users; default nine tenths of the records")
    parser.add_argument("--expected")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    users = arguments.users or max(1, arguments.records * 9 // 10)
    os.makedirs(arguments.out, exist_ok=True)
    state = {}
    good = bad = 0
    per_file = (arguments.records + arguments.files - 1) // arguments.files
    number = 0
    for index in range(arguments.files):
        path = os.path.join(arguments.out, f"part-{index:03d}.ndjson")
        with open(path, "w", encoding="utf-8") as out:
            for _ in range(min(per_file, arguments.records - number)):
                number += 1
                if rng.random() * 100 < arguments.bad:
                    out.write(bad_line(rng, bad) + "\n")
                    bad += 1
                    continue
                user = number if number <= users else rng.randrange(1, users + 1)
                record = good_record(rng, number, user)
                out.write(json.dumps(record, ensure_ascii=number % 7 == 0) + "\n")
                good += 1
                if arguments.expected:
                    known = state.setdefault(record["uid"], {"uid": record["uid"], "properties": {}})
                    for member in ("display_name", "email"):
                        if member in record:
                            known[member] = record[member]
                    deep_merge(known["properties"], record["properties"])
    if arguments.expected:
        with open(arguments.expected, "w", encoding="utf-8") as out:
            for uid in sorted(state):
                out.write(json.dumps(state[uid]) + "\n")
    json.dump({"records": number, "good": good, "bad": bad, "users": len(state)}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
