#!/usr/bin/env python3
"""Makes usherd.yaml(5) of the commented default configuration, so that the two cannot differ.

usage: config_manual.py CONFIG VERSION >usherd.yaml.5
"""
import re
import sys

KEY = re.compile(r"^(  )?([a-z_]+):(?: (.*))?$")


def roff(text):
    """Text as roff takes it literally."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\\&" + text if text.startswith((".", "'")) else text


def prose(lines):
    return roff(re.sub(r"`([^`]*)`", r"\1", " ".join(lines)))


def blocks(text):
    """(section or None, key, default, comment lines) of each key, and (section, None, None, comment) of each section."""
    comment, section = [], None
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            comment.append(stripped.lstrip("#").strip())
            continue
        key = KEY.match(line)
        if key:
            indented, name, value = key.groups()
            if not indented and value is None:
                section = name
                yield name, None, None, comment
            else:
                yield section if indented else None, name, value or "", comment
        comment = []


def main():
    text = open(sys.argv[1], encoding="utf-8").read()
    head = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# yaml-language-server"):
            head.append(line.lstrip("# "))
    body = text.split("\n\n", 1)[1]
    print(f'.TH USHERD.YAML 5 "2026-11-24" "usherd {sys.argv[2]}" "File formats"')
    print(".SH NAME\nusherd.yaml \\- configuration of usherd")
    print(".SH SYNOPSIS\n.B /etc/usherd/usherd.yaml")
    print(f".SH DESCRIPTION\n{prose(head)}")
    print(".PP\n/usr/share/usherd/usherd.schema.json describes the file to editors.")
    for section, name, default, comment in blocks(body):
        if name is None:
            print(f".SH {roff(section.upper())}\n{prose(comment)}")
            continue
        if section is None:
            print(".SH AT THE TOP")
        path = f"{section}.{name}" if section else name
        print(f".TP\n.B {roff(path)}\n{prose(comment)}")
        print(f"Default: {roff(default)}." if default else "Default: empty.")
    print(".SH FILES\n.TP\n.I /etc/usherd/usherd.yaml\nThe configuration.")
    print(".TP\n.I /usr/share/usherd/usherd.schema.json\nA JSON Schema of it.")
    print(".SH SEE ALSO\n.BR usherd (8)")


if __name__ == "__main__":
    main()
