#!/usr/bin/env python3
"""Every panel of the Grafana dashboard, asked of a real Prometheus that scrapes a real service.

usage: dashboard_test.py USHERD SANDBOX SOURCE_DIRECTORY
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import live_service as service

USHERD, SANDBOX, SOURCE = sys.argv[1:4]


def dashboard():
    with open(os.path.join(SOURCE, "config/grafana/usherd.json"), encoding="utf-8") as text:
        return json.load(text)


class Prometheus:
    """One that looks at `port` each second and ends with the test."""

    def __init__(self, port):
        self.folder = tempfile.TemporaryDirectory(prefix="usherd-prometheus-")
        config = os.path.join(self.folder.name, "prometheus.yml")
        with open(config, "w", encoding="utf-8") as out:
            out.write("global: {scrape_interval: 1s}\n"
                      f'scrape_configs: [{{job_name: usherd, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]\n')
        self.log = os.path.join(self.folder.name, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.folder.name}/data",
                 "--web.listen-address=127.0.0.1:0"], stdout=log, stderr=log)
        self.port = int(self.wait_for(self.listening, "it does not listen"))

    def listening(self):
        with open(self.log, encoding="utf-8", errors="replace") as text:
            found = re.search(r'"Listening on" address=127\.0\.0\.1:(\d+)', text.read())
        return found and found.group(1)

    def wait_for(self, look, otherwise):
        end = time.monotonic() + service.PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            found = look()
            if found:
                return found
            try:
                self.process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                pass
        with open(self.log, encoding="utf-8", errors="replace") as text:
            raise AssertionError(f"{otherwise}\n{text.read()}")

    def ask(self, path, **query):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}",
                                        timeout=service.PATIENCE_S) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            # Still starting.
            if error.code == 503:
                return None
            raise AssertionError(f"{query}: {error.read().decode()}") from error

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=service.PATIENCE_S)
        self.folder.cleanup()


class Dashboard(unittest.TestCase):
    def setUp(self):
        sandbox = service.Sandbox(SANDBOX, "job_time=100ms")
        self.addCleanup(sandbox.stop)
        self.service = service.Service(USHERD, sandbox.facts)
        self.addCleanup(self.service.close)
        self.service.start()
        self.prometheus = Prometheus(self.service.port)
        self.addCleanup(self.prometheus.close)

    def test_every_panel_shows_something(self):
        self.service.drop("a.ndjson", ['{"uid":"a"}', '{"uid":""}'])
        self.service.wait_until(lambda status: sum(status["files"].values()) == 1, "delivered")
        # The panel of what is parked is empty otherwise.
        self.assertEqual(self.service.command("pause").returncode, 0)
        panels = [(panel["title"], target["expr"]) for panel in dashboard()["panels"]
                  for target in panel.get("targets", [])]
        self.assertGreater(len(panels), 20)
        for title, expression in panels:
            query = expression.replace("$instance", ".+")
            self.assertNotIn("$", query, title)
            shown = self.prometheus.wait_for(
                lambda query=query: (self.prometheus.ask("query", query=query) or {}).get("result"),
                f"{title}: nothing to show for {query}")
            for series in shown:
                self.assertIn("metric", series)

    def test_instances_and_legends_name_labels_that_exist(self):
        found = self.prometheus.wait_for(lambda: self.prometheus.ask("label/instance/values"), "no instance")
        self.assertEqual(found, [f"127.0.0.1:{self.service.port}"])
        labels = set(re.findall(r"(\w+)=\"", self.service.get("/metrics")[1])) | {"instance"}
        named = re.findall(r"\{\{(\w+)\}\}", json.dumps(dashboard()))
        self.assertTrue(named)
        self.assertLessEqual(set(named), labels)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
