#!/usr/bin/env python3
"""What a purge of the package takes away: postrm, with places of its own."""
import os
import subprocess
import tempfile
import unittest

from disk_faults import Mount, can_mount

POSTRM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packaging/postrm")
PLACES = ("etc/usherd", "var/lib/usherd", "run/usherd", "var/spool/usherd")


class Purge(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        for command in ("deb-systemd-helper", "journalctl", "systemctl"):
            path = self.path("bin", command)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write("#!/bin/sh\n")
            os.chmod(path, 0o755)

    def path(self, *names):
        return os.path.join(self.root, *names)

    def fill(self):
        for name in PLACES:
            os.makedirs(self.path(name, "done" if "spool" in name else "deep"), exist_ok=True)
            with open(self.path(name, "done" if "spool" in name else "deep", "-a file"), "w", encoding="utf-8"):
                pass

    def purge(self):
        with open(POSTRM, encoding="utf-8") as text:
            script = text.read()
        for name in PLACES:
            script = script.replace("/" + name, self.path(name))
        path = self.path("bin") + ":" + os.environ["PATH"]
        done = subprocess.run(["sh", "-c", script, "postrm", "purge"], env={"PATH": path}, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def left(self):
        return [name for name in PLACES if os.path.lexists(self.path(name))]

    def test_all_of_it_goes(self):
        self.fill()
        self.assertEqual(self.purge(), "")
        self.assertEqual(self.left(), [])
        self.assertEqual(self.purge(), "")

    def test_a_spool_with_something_undelivered_stays(self):
        self.fill()
        os.makedirs(self.path("var/spool/usherd/working/1"))
        self.assertIn("not delivered", self.purge())
        self.assertEqual(self.left(), ["var/spool/usherd"])
        self.assertTrue(os.listdir(self.path("var/spool/usherd/done")))

    def test_of_a_link_only_the_link_goes(self):
        os.makedirs(self.path("elsewhere/kept"))
        os.makedirs(self.path("var/lib"))
        os.symlink(self.path("elsewhere"), self.path("var/lib/usherd"))
        self.purge()
        self.assertEqual(self.left(), [])
        self.assertTrue(os.path.exists(self.path("elsewhere/kept")))

    @unittest.skipUnless(can_mount(), "nothing can be mounted here")
    def test_a_mount_point_is_emptied_and_ends_no_purge(self):
        for name in ("var/lib/usherd", "var/spool/usherd", "var/spool/usherd/done"):
            with self.subTest(name):
                mount = Mount(self.path(name), "size=1m")
                try:
                    self.fill()
                    self.assertEqual(self.purge(), "")
                    self.assertEqual(self.left(), ["/".join(name.split("/")[:3])])
                    self.assertEqual(os.listdir(self.path(name)), [])
                finally:
                    mount.close()
                    os.removedirs(self.path(name))


if __name__ == "__main__":
    unittest.main()
