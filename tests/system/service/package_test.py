#!/usr/bin/env python3
"""Packs usherd as a Debian package and looks at it: lintian, files, conffiles, dependencies, manual pages, completions.

usage: package_test.py BUILD_DIRECTORY SOURCE_DIRECTORY
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = "", ""
FILES = {
    "/usr/bin/usherd": "755", "/etc/usherd/usherd.yaml": "644", "/lib/systemd/system/usherd.service": "644",
    "/usr/lib/sysusers.d/usherd.conf": "644", "/usr/lib/tmpfiles.d/usherd.conf": "644",
    "/usr/lib/systemd/catalog/usherd.catalog": "644", "/usr/share/bash-completion/completions/usherd": "644",
    "/usr/share/zsh/vendor-completions/_usherd": "644", "/usr/share/man/man8/usherd.8.gz": "644",
    "/usr/share/man/man5/usherd.yaml.5.gz": "644", "/usr/share/usherd/usherd.schema.json": "644",
    "/usr/share/usherd/usherd.rules.yml": "644", "/usr/share/usherd/usherd.json": "644",
    "/usr/share/doc/usherd/copyright": "644", "/usr/share/doc/usherd/changelog.gz": "644",
    "/usr/share/doc/usherd/README.md": "644", "/usr/share/doc/usherd/CHANGELOG.md": "644",
    **{f"/usr/share/doc/usherd/docs/{name}": "644"
       for name in ("delivery.md", "formats.md", "ledger.md", "operating.md", "rejects.md", "sandbox.md", "spool.md",
                    "status.md", "status-page.png", "status-page-phone.png")},
}


def run(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, **options)
    return done.returncode, done.stdout


def pack(folder, version=None):
    """Makes the package in `folder`, and gives its path."""
    more = ["-R", version] if version else []
    code, said = run("cpack", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-G", "DEB", "-B", folder, *more)
    if code != 0:
        raise AssertionError(said)
    made = [name for name in os.listdir(folder) if name.endswith(".deb")]
    return os.path.join(folder, made[0])


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="usherd-package-")
        cls.deb = pack(cls.folder)
        cls.root = os.path.join(cls.folder, "root")
        subprocess.run(["dpkg-deb", "--raw-extract", cls.deb, cls.root], check=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def field(self, name):
        return run("dpkg-deb", "--field", self.deb, name)[1].strip()

    def test_lintian_finds_no_error(self):
        code, said = run("lintian", "--allow-root", "--fail-on=error,warning", self.deb)
        self.assertEqual(code, 0, said)

    def test_every_file_is_there_with_its_mode_and_no_other(self):
        found = {}
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)
                place = path.removeprefix(self.root)
                if not place.startswith("/DEBIAN/"):
                    found[place] = f"{os.stat(path).st_mode & 0o7777:o}"
        self.assertEqual(found, FILES)

    def test_every_file_belongs_to_root(self):
        for line in run("dpkg-deb", "--contents", self.deb)[1].splitlines():
            self.assertIn(" root/root ", line)

    def test_the_configuration_is_a_conffile(self):
        with open(os.path.join(self.root, "DEBIAN/conffiles"), encoding="utf-8") as text:
            self.assertEqual(text.read(), "/etc/usherd/usherd.yaml\n")

    def test_dependencies_name_the_libraries_it_is_linked_with(self):
        depends = self.field("Depends")
        for package in ("libc6", "libssl3", "libsqlite3-0", "libsystemd0", "libsimdjson", "libyaml-cpp", "systemd",
                        "ca-certificates"):
            self.assertIn(package, depends)

    def test_the_version_is_that_of_the_program(self):
        self.assertEqual(run(os.path.join(self.root, "usr/bin/usherd"), "--version")[1].splitlines()[0],
                         "usherd " + self.field("Version"))

    def test_maintainer_scripts_are_shell(self):
        for name in ("preinst", "postinst", "prerm", "postrm"):
            path = os.path.join(self.root, "DEBIAN", name)
            self.assertEqual(run("sh", "-n", path), (0, ""))
            self.assertEqual(os.stat(path).st_mode & 0o7777, 0o755)

    def test_only_a_first_installation_changes_who_may_read_the_key(self):
        """Later on it may be a credential that root alone can read."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("chown", "systemd-sysusers", "systemd-tmpfiles", "journalctl", "deb-systemd-helper",
                         "deb-systemd-invoke", "systemctl"):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                    out.write("#!/bin/sh\n")
                os.chmod(out.name, 0o755)
            with open(os.path.join(self.root, "DEBIAN/postinst"), encoding="utf-8") as text:
                script = text.read().replace("/etc/usherd", folder).replace("/run/", folder + "/")
            key = os.path.join(folder, "api.key")
            for version, mode in (("", "640"), ("0.0.1", "600")):
                with open(key, "w", encoding="utf-8"):
                    os.chmod(key, 0o600)
                code, said = run("sh", "-c", script, "postinst", "configure", version,
                                 env={"PATH": folder + ":" + os.environ["PATH"]})
                self.assertEqual((code, f"{os.stat(key).st_mode & 0o7777:o}"), (0, mode), said)

    def test_the_manual_has_every_command_key_and_exit_code(self):
        man8 = run("zcat", os.path.join(self.root, "usr/share/man/man8/usherd.8.gz"))[1]
        man5 = run("zcat", os.path.join(self.root, "usr/share/man/man5/usherd.yaml.5.gz"))[1].replace("\\-", "-")
        for page in ("man8/usherd.8.gz", "man5/usherd.yaml.5.gz"):
            code, said = run("mandoc", "-T", "lint", "-W", "warning", os.path.join(self.root, "usr/share/man", page))
            self.assertEqual((code, said), (0, ""))
        helped = run(os.path.join(self.root, "usr/bin/usherd"), "--help")[1]
        commands = re.findall(r"^  ([a-z]+) ", helped.split("Commands:")[1], re.MULTILINE)
        self.assertIn("run", commands)
        for command in commands:
            self.assertRegex(man8, rf"\n\.BR? {command}\b", f"usherd.8 does not tell of {command}")
        for code in re.findall(r"\b(\d+) [a-z]", helped.split("Exit codes:")[1]):
            self.assertIn(f".B {code}\n", man8)
        with open(os.path.join(SOURCE, "config/usherd.schema.json"), encoding="utf-8") as text:
            schema = json.load(text)
        for section, entry in schema["properties"].items():
            for key in entry.get("properties", {"": None}):
                self.assertIn(f"\n.B {section}.{key}\n".replace(".\n", "\n"), man5)

    def test_bash_completes_commands_options_and_files(self):
        self.assertEqual(self.bash("dra"), ["drain"])
        self.assertIn("check", self.bash(""))
        self.assertEqual(self.bash("--config", "/etc/usherd/usherd.yaml", "dra"), ["drain"])
        self.assertEqual(self.bash("drain", "--park"), ["--park-timeout"])
        self.assertEqual(self.bash("jobs", "list", "--con"), ["--config"])
        self.assertEqual(self.bash("rejects", "ret"), ["retry"])
        self.assertEqual(self.bash("rejects", "retry", "--dry"), ["--dry-run"])
        self.assertEqual(self.bash("rejects", "retry", ""), [])
        self.assertEqual(self.bash("submit", "/etc/host"), sorted(run("bash", "-c", "compgen -f /etc/host")[1].split()))

    def bash(self, *words):
        line = " ".join(f"'{word}'" for word in ("usherd", *words))
        script = (f"source {self.root}/usr/share/bash-completion/completions/usherd; COMP_WORDS=({line}); "
                  f"COMP_CWORD={len(words)}; _usherd; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
        code, said = run("bash", "-c", script, env=dict(os.environ, PATH=f"{self.root}/usr/bin:/usr/bin:/bin"))
        self.assertEqual(code, 0, said)
        return sorted(said.split())

    def test_zsh_completes_commands_with_what_they_do(self):
        self.assertIn("drain:Take what is there", self.zsh(""))
        self.assertIn("--park-timeout:Give up", self.zsh("drain", "-"))
        self.assertIn("--dry-run:Say what", self.zsh("rejects", "retry", "-"))
        self.assertIn("(files)", self.zsh("submit", ""))

    def zsh(self, *words):
        # What would be offered is printed instead.
        line = " ".join(f"'{word}'" for word in ("usherd", *words))
        script = ("_describe() { print -rl -- ${(P)argv[-1]} }; _files() { print -r '(files)' }; "
                  f"words=({line}); CURRENT={len(words) + 1}; source {self.root}/usr/share/zsh/vendor-completions/_usherd")
        code, said = run("zsh", "-f", "-c", script, env=dict(os.environ, PATH=f"{self.root}/usr/bin:/usr/bin:/bin"))
        self.assertEqual(code, 0, said)
        return said


class Unit(unittest.TestCase):
    def test_the_sandboxing_is_good(self):
        code, said = run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15",
                         os.path.join(SOURCE, "systemd/usherd.service"))
        print(said.splitlines()[-1])
        self.assertEqual(code, 0, said)


if __name__ == "__main__":
    BUILD, SOURCE = map(os.path.abspath, sys.argv[1:3])
    unittest.main(argv=sys.argv[:1])
