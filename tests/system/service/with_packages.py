#!/usr/bin/env python3
"""Packs usherd twice, the second time as a later version, and runs a test with both packages.

usage: with_packages.py TEST BUILD_DIRECTORY SANDBOX CACHE
"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import package_test  # noqa: E402


def main():
    test, package_test.BUILD, sandbox, cache = sys.argv[1:5]
    with tempfile.TemporaryDirectory(prefix="usherd-packages-") as folder:
        debs = [package_test.pack(os.path.join(folder, name), version) for name, version in (("one", None), ("next", "99.0"))]
        return subprocess.run([sys.executable, test, *debs, sandbox, cache], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
