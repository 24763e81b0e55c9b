"""check.py FILE: writes the file's lines joined by commas; ends with 1 at the first that is no record with a uid."""
import json
import sys

first = True
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        record = json.loads(line)
        if not isinstance(record, dict) or not isinstance(record.get("uid"), str) or not record["uid"]:
            sys.exit(f"{sys.argv[1]}: not a record with a uid")
        sys.stdout.buffer.write(line.rstrip(b"\n") if first else b"," + line.rstrip(b"\n"))
        first = False
