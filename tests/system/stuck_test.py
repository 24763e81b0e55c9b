#!/usr/bin/env python3
"""An accepted file that cannot be finished is shown wherever somebody looks: stuck_test.py USHERD SANDBOX"""
import json
import os
import sys
import unittest

import live_service as service

USHERD, SANDBOX = sys.argv[1:3]


def good(count, user="user"):
    return [json.dumps({"uid": f"{user}-{i}", "properties": {"n": i}}) for i in range(count)]


class Stuck(unittest.TestCase):
    def setUp(self):
        self.sandbox = service.Sandbox(SANDBOX, "job_time=100ms")
        self.addCleanup(self.sandbox.stop)
        self.service = service.Service(USHERD, self.sandbox.facts)
        self.addCleanup(self.service.close)

    def working(self, name):
        folder = os.path.join(self.service.folder, "spool", "working")
        return [os.path.join(folder, one) for one in os.listdir(folder) if one.endswith("." + name)]

    def accept_and_stop(self, name, lines):
        """Accepted, read to its end, and nothing of it in a batch."""
        self.service.write_config()
        with open(self.service.config, encoding="utf-8") as file:
            text = file.read()
        with open(self.service.config, "w", encoding="utf-8") as file:
            file.write(text.replace("linger: 50ms", "linger: 1h"))
        self.service.start()
        self.service.drop(name, lines)
        self.service.wait_until(lambda status: status["backlog"]["records_pending"] == len(lines), "read")
        self.service.stop()
        self.service.write_config()

    def test_a_file_that_is_gone_is_named_with_the_reason_and_the_rest_goes_on(self):
        self.accept_and_stop("anna.ndjson", good(5))
        os.unlink(self.working("anna.ndjson")[0])
        self.service.start()
        self.service.drop("b.ndjson", good(7, "other"))
        status = self.service.wait_until(
            lambda status: status["records"]["imported"] == 7 and status["files"]["done"] == 1, "the other one done")
        self.assertEqual(status["stuck"]["count"], 1)
        named = status["stuck"]["list"][0]
        self.assertEqual(named["name"], "anna.ndjson")
        self.assertIn("No such file", named["reason"])
        self.assertIn("usherd doctor", named["reason"])
        self.assertIsNone(status["eta_seconds"])
        shown = self.service.command("status").stdout
        self.assertRegex(shown, r"State +delivering, 1 stuck")
        self.assertRegex(shown, r"Stuck +1 cannot go on")
        self.assertIn("anna.ndjson: ", shown)
        text = self.service.get("/api/status")[1]
        self.assertNotIn("anna", text)
        self.assertEqual(json.loads(text)["stuck"], {"count": 1})
        self.assertEqual(self.service.get("/readyz"), (200, "ok\n"))
        story = json.loads(self.service.command("status", "--file", "anna.ndjson", "--json").stdout)
        self.assertEqual(story["waits_for"], named["reason"])
        trace = self.service.command("trace", "user-3")
        self.assertIn("anna.ndjson was not looked into to its end: it is not in working/", trace.stderr)

    @unittest.skipIf(os.geteuid() == 0, "nothing is unreadable for root")
    def test_a_file_that_may_not_be_read_is_named_until_it_may(self):
        self.accept_and_stop("anna.ndjson", good(5))
        os.chmod(self.working("anna.ndjson")[0], 0)
        self.service.start()
        status = self.service.wait_until(lambda status: status["stuck"]["count"] == 1, "stuck")
        named = status["stuck"]["list"][0]
        self.assertIn("Permission denied", named["reason"])
        self.assertIsNone(status["eta_seconds"])
        story = json.loads(self.service.command("status", "--file", "anna.ndjson", "--json").stdout)
        self.assertEqual(story["waits_for"], named["reason"])
        trace = self.service.command("trace", "user-3")
        self.assertIn("anna.ndjson was not looked into to its end: usherd may not read it", trace.stderr)
        os.chmod(self.working("anna.ndjson")[0], 0o600)
        status = self.service.wait_until(lambda status: status["files"]["done"] == 1, "done")
        self.assertEqual(status["stuck"], {"count": 0, "list": []})

    def waits_for(self, name):
        return json.loads(self.service.command("status", "--file", name, "--json").stdout)["waits_for"]

    def test_a_file_says_that_it_waits_for_an_api_that_does_not_answer(self):
        self.service.start()
        self.sandbox.patch({"listening": False})
        self.service.drop("anna.ndjson", good(5))
        self.service.wait_until(lambda status: status["outage"] and status["backlog"]["files"] == 1, "an outage")
        self.assertRegex(self.waits_for("anna.ndjson"), r"^the API: \d+ requests? in a row came to nothing within .*, the "
                         r"last one because: .*refused.*; it is tried again$")
        self.sandbox.patch({"listening": True})
        self.service.wait_until(lambda status: status["files"]["done"] == 1, "done")
        self.assertEqual(self.waits_for("anna.ndjson"), "nothing: it is settled")

    def test_a_file_says_that_it_waits_for_the_rate_limit(self):
        self.service.start()
        self.sandbox.add_faults({"call": "create", "action": "status", "code": 429, "times": 1, "retry_after": 600})
        self.service.drop("anna.ndjson", good(5))
        self.service.wait_until(lambda status: status["held_seconds"] > 500, "a Retry-After")
        self.assertRegex(self.waits_for("anna.ndjson"), r"^the API's rate limit \(429\): nothing is sent for 9m \d+s$")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
