#!/usr/bin/env python3
"""What an operator sees of a running service, as processes: admin_test.py USHERD SANDBOX"""
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest
from datetime import datetime, timedelta

import live_service as service

USHERD, SANDBOX = sys.argv[1:3]
# Section 6 of the contract, name and type.
METRICS = {
    "usherd_records_total": "counter", "usherd_rejects_total": "counter", "usherd_files_total": "counter",
    "usherd_records_pending": "gauge", "usherd_backlog_bytes": "gauge", "usherd_backlog_files": "gauge",
    "usherd_oldest_pending_seconds": "gauge", "usherd_batches_total": "counter", "usherd_rekeyed_total": "counter",
    "usherd_sent_bytes_total": "counter", "usherd_batches_in_progress": "gauge",
    "usherd_operations_in_progress": "gauge", "usherd_budget_batches": "gauge", "usherd_budget_operations": "gauge",
    "usherd_oldest_job_seconds": "gauge", "usherd_requests_total": "counter",
    "usherd_request_duration_seconds": "histogram", "usherd_job_duration_seconds": "histogram",
    "usherd_retry_after_seconds_total": "counter", "usherd_sessions": "gauge", "usherd_parked": "gauge",
    "usherd_last_success_timestamp_seconds": "gauge", "usherd_spool_free_bytes": "gauge",
    "usherd_ledger_bytes": "gauge", "usherd_config_last_reload_successful": "gauge", "usherd_build_info": "gauge",
    "process_cpu_seconds_total": "counter", "process_resident_memory_bytes": "gauge",
    "process_virtual_memory_bytes": "gauge", "process_open_fds": "gauge", "process_max_fds": "gauge",
    "process_start_time_seconds": "gauge",
}


def good(count, start=0):
    return [json.dumps({"uid": f"user-{start + i}", "properties": {"n": i}}) for i in range(count)]


def value(metrics, name):
    """The value of one series, as `name` or `name{label="x"}`."""
    for line in metrics.splitlines():
        if line.startswith(name + " "):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no {name} in the metrics")


class Admin(unittest.TestCase):
    def setUp(self):
        self.sandbox = service.Sandbox(SANDBOX, "job_time=100ms")
        self.addCleanup(self.sandbox.stop)
        self.service = service.Service(USHERD, self.sandbox.facts)
        self.addCleanup(self.service.close)
        self.service.start()

    def idle(self, files):
        return self.service.wait_until(
            lambda status: status["state"] == "idle" and sum(status["files"].values()) == files, "idle")

    def test_metrics_have_every_name_and_promtool_finds_nothing_wrong(self):
        self.service.drop("a.ndjson", good(2500) + ['{"uid":""}', "not json"])
        self.idle(1)
        code, text = self.service.get("/metrics")
        self.assertEqual(code, 200)
        types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        self.assertEqual(types, METRICS)
        lint = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        self.assertEqual((lint.returncode, lint.stdout + lint.stderr), (0, ""))
        self.assertEqual(value(text, 'usherd_records_total{outcome="imported"}'), 2500)
        self.assertEqual(value(text, 'usherd_records_total{outcome="rejected"}'), 2)
        self.assertEqual(value(text, 'usherd_rejects_total{stage="local"}'), 2)
        self.assertEqual(value(text, 'usherd_files_total{result="with_rejects"}'), 1)
        self.assertEqual(value(text, 'usherd_batches_total{result="imported"}'), 3)
        self.assertEqual(value(text, 'usherd_requests_total{call="create",code="200"}'), 3)
        self.assertGreaterEqual(value(text, 'usherd_requests_total{call="status",code="200"}'), 3)
        self.assertEqual(value(text, 'usherd_request_duration_seconds_count{call="create"}'), 3)
        self.assertEqual(value(text, "usherd_job_duration_seconds_count"), 3)
        self.assertGreater(value(text, "usherd_sent_bytes_total"), 2500 * 20)
        self.assertEqual(value(text, "usherd_backlog_files"), 0)
        self.assertGreater(value(text, "usherd_last_success_timestamp_seconds"), 1e9)
        self.assertGreater(value(text, "usherd_ledger_bytes"), 0)
        self.assertGreater(value(text, "usherd_spool_free_bytes"), 0)
        self.assertGreater(value(text, "process_open_fds"), 5)

    def test_labels_come_from_fixed_lists_whatever_happens(self):
        before = {line.rsplit(" ", 1)[0] for line in self.service.get("/metrics")[1].splitlines()}
        self.service.drop("a.ndjson", good(10) + ["{}"])
        self.idle(1)
        after = {line.rsplit(" ", 1)[0] for line in self.service.get("/metrics")[1].splitlines()}
        self.assertEqual(before, after)

    def test_status_counts_and_hides_names_from_the_port(self):
        os.mkdir(os.path.join(self.service.incoming, "folder-of-anna.ndjson"))
        self.service.drop("a.ndjson", good(1200) + ['{"uid":""}'] * 3)
        status = self.idle(1)
        self.assertEqual(status["schema"], 1)
        self.assertEqual(status["records"],
                         {"imported": 1200, "rejected": 3, "merged": 0, "unknown": 0, "rekeyed": 0})
        self.assertEqual(status["backlog"]["files"], 0)
        self.assertEqual([(one["stage"], one["code"], one["count"]) for one in status["rejects"]],
                         [("local", "empty_uid", 3)])
        status = self.service.wait_until(lambda status: status["left"]["count"] == 1, "one left")
        self.assertEqual(status["left"]["files"][0]["name"], "folder-of-anna.ndjson")
        code, text = self.service.get("/api/status")
        self.assertEqual(code, 200)
        self.assertNotIn("anna", text)
        self.assertEqual(json.loads(text)["left"], {"count": 1, "reasons": {"directory": 1}})
        shown = self.service.command("status")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertIn("imported 1,200", shown.stdout)
        self.assertIn("folder-of-anna.ndjson", shown.stdout)
        self.assertNotIn("\x1b", shown.stdout)
        as_json = self.service.command("status", "--json")
        self.assertEqual(json.loads(as_json.stdout)["records"]["imported"], 1200)

    def test_colours_are_for_terminals_and_no_color_is_obeyed(self):
        self.assertIn("\x1b[", self.service.on_terminal("status", env={"NO_COLOR": ""})[0])
        self.assertNotIn("\x1b[", self.service.on_terminal("status", env={"NO_COLOR": "1"})[0])

    def test_a_watch_fits_its_terminal(self):
        picture = self.service.watched(rows=7, columns=40)
        lines = [re.sub(r"\x1b\[[0-9]*[a-zA-Z]", "", line) for line in picture.splitlines()]
        self.assertEqual(picture.count("\n"), 6)
        self.assertTrue(all(len(line) < 40 for line in lines), lines)
        self.assertTrue(any(line.startswith("State") for line in lines), lines)
        self.assertRegex(lines[-1], r"^and \d+ more lines")

    def test_a_dumb_terminal_is_spared_colours(self):
        self.assertNotIn("\x1b", self.service.on_terminal("status", env={"TERM": "dumb"})[0])

    def test_too_little_room_is_told_as_what_it_is(self):
        with open(self.service.config, encoding="utf-8") as text:
            config = text.read().replace("min_free: 1MiB", "min_free: 1024GiB")
        with open(self.service.config, "w", encoding="utf-8") as out:
            out.write(config)
        self.service.process.send_signal(signal.SIGHUP)
        status = self.service.wait_until(lambda status: status["parked"], "parked")
        advice = status["parked"][0]["advice"]
        self.assertEqual(status["parked"][0]["reason"], "disk")
        self.assertTrue(advice.startswith("less than spool.min_free is free where the spool is: "), advice)
        self.assertEqual(self.service.get("/readyz"), (503, f"parked (disk): {advice}\n"))

    def test_status_of_one_file(self):
        self.service.drop("a.ndjson", good(5) + ["{}"])
        self.idle(1)
        shown = self.service.command("status", "--file", "a.ndjson", "--json")
        story = json.loads(shown.stdout)
        self.assertEqual((story["state"], story["records"], story["imported"], story["rejected"]),
                         ("settled", 6, 5, 1))
        missing = self.service.command("status", "--file", "b.ndjson")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("b.ndjson", missing.stderr)
        self.assertEqual(self.service.get("/api/file?name=a.ndjson")[0], 403)

    def test_a_pause_stops_sending_and_outlives_a_restart(self):
        self.service.wait_until(lambda status: self.service.get("/readyz") == (200, "ok\n"), "ready")
        self.assertEqual(self.service.command("pause").returncode, 0)
        self.service.drop("a.ndjson", good(10))
        status = self.service.wait_until(lambda status: status["backlog"]["files"] == 1, "accepted")
        self.assertEqual((status["state"], status["parked"][0]["reason"]), ("parked", "paused"))
        self.assertIsNone(status["eta_seconds"])
        code, why = self.service.get("/readyz")
        self.assertEqual(code, 503)
        self.assertIn("paused", why)
        self.assertIn("usherd resume", why)
        self.assertEqual(self.service.get("/healthz"), (200, "ok\n"))
        self.assertEqual(value(self.service.get("/metrics")[1], 'usherd_parked{reason="paused"}'), 1)
        self.service.stop()
        self.service.start()
        since = [datetime.fromisoformat(one["parked"][0]["since"].replace("Z", "+00:00"))
                 for one in (status, self.service.status())]
        self.assertLess(abs(since[1] - since[0]), timedelta(milliseconds=50))
        self.assertEqual(self.service.get("/readyz")[0], 503)
        self.assertEqual(self.service.status()["records"]["imported"], 0)
        self.assertEqual(self.service.command("resume").returncode, 0)
        self.idle(1)
        self.assertEqual(self.service.get("/readyz"), (200, "ok\n"))
        self.service.stop()
        self.service.start()
        self.service.wait_until(lambda status: status["state"] == "idle", "idle after a restart")

    def test_a_job_is_listed_and_given_up(self):
        self.sandbox.patch({"job_time": "1h"})
        self.service.drop("a.ndjson", good(10))
        status = self.service.wait_until(
            lambda status: [job["stage"] for job in status["jobs"]["list"]] == ["processing"], "a job")
        job = status["jobs"]["list"][0]
        self.assertEqual((job["records"], status["budget"]["batches"]["used"]), (10, 1))
        listed = self.service.command("jobs", "list")
        self.assertIn(job["job"], listed.stdout)
        self.assertEqual(json.loads(self.service.command("jobs", "list", "--json").stdout)["jobs"]["count"], 1)
        self.assertEqual(self.service.get("/api/jobs")[0], 403)
        wrong = self.service.command("jobs", "abandon", "no-such-job")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("jobs list", wrong.stderr)
        self.assertEqual(self.service.command("jobs", "abandon", job["job"]).returncode, 0)
        status = self.idle(1)
        self.assertEqual((status["records"]["unknown"], status["budget"]["batches"]["used"]), (10, 0))
        self.assertEqual([(one["stage"], one["code"]) for one in status["rejects"]], [("unknown", "job_abandoned")])

    def test_the_port_answers_no_page_of_another_name_and_does_nothing(self):
        self.assertEqual(self.service.get("/api/status", host="evil.example")[0], 421)
        self.assertEqual(self.service.get("/metrics", host="status.example.com")[0], 200)
        self.assertEqual(self.service.get("/api/pause", method="POST")[0], 403)
        self.idle(0)

    def test_actions_are_logged_with_their_peer(self):
        self.service.get_local("/api/pause", method="POST")
        self.service.wait_for_log(rf"/api/pause by uid {os.getuid()} pid {os.getpid()}")

    def test_reload_changes_who_is_answered_and_what_is_logged(self):
        def code(host):
            return self.service.get("/healthz", host=host)[0]
        self.assertEqual((code("status.example.com"), code("other.example.com")), (200, 421))
        self.service.write_config('log: {level: debug, format: json}', hosts="other.example.com")
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait_for_log(r'"message":"configuration reloaded","event":"reloaded"')
        self.assertEqual((code("status.example.com"), code("other.example.com")), (421, 200))
        self.sandbox.patch({"job_time": "1ms", "in_progress_batches": 0})
        self.service.drop("a.ndjson", good(1))
        self.service.wait_for_log(r'"level":"debug","message":"429: the whole client waits')
        self.sandbox.patch({"in_progress_batches": 200})
        self.idle(1)

    def test_reload_through_the_socket_tells_what_is_wrong(self):
        self.assertEqual(self.service.get_local("/api/reload", method="POST")[0], 200)
        self.service.write_config("nonsense: 1")
        code, text = self.service.get_local("/api/reload", method="POST")
        self.assertEqual(code, 503)
        self.assertIn("nonsense", text)
        self.assertEqual(value(self.service.get("/metrics")[1], "usherd_config_last_reload_successful"), 0)

    def test_a_park_for_refused_records_names_the_code_and_where_to_look(self):
        self.sandbox.add_faults({"call": "create", "action": "status", "code": 400})
        self.service.drop("a.ndjson", good(40))
        status = self.service.wait_until(lambda status: status["state"] == "parked", "parked")
        self.assertEqual([one["reason"] for one in status["parked"]], ["refused"])
        code = status["rejects"][0]["code"]
        self.assertEqual(status["parked"][0]["detail"], f"the code is {code}")
        shown = self.service.get("/readyz")
        self.assertEqual(shown[0], 503)
        self.assertIn(f"the code is {code}", shown[1])
        # Nothing is there before the file has settled.
        self.assertEqual(os.listdir(os.path.join(self.service.folder, "spool", "rejected")), [])
        self.assertNotIn("rejected/", shown[1])
        self.assertIn("usherd trace UID", shown[1])
        listed = self.service.command("rejects", "list")
        self.assertEqual((listed.returncode, listed.stdout), (0, ""))
        self.assertIn("not settled", listed.stderr)

    def test_a_reload_that_names_faulty_files_is_refused_whole(self):
        key = self.service.facts["key_file"]
        self.service.write_config(ca_file="/nonexist.pem", limits=", in_progress_batches: 7")
        os.chmod(key, 0o644)
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait_for_log(r"stays: \S+:1: API key: \S+ everybody")
        self.service.wait_for_log(r"stays: \S+:1: api\.ca_file /nonexist\.pem: No such file")
        status = self.service.wait_until(lambda status: not status["service"]["reload_good"], "refused")
        self.assertEqual(status["budget"]["batches"]["limit"], 90)
        self.assertEqual(value(self.service.get("/metrics")[1], "usherd_config_last_reload_successful"), 0)
        with open(self.service.log, encoding="utf-8") as log:
            text = log.read()
        self.assertNotIn("configuration reloaded", text)
        self.assertNotIn("\\x0a", text)
        self.service.drop("a.ndjson", good(3))
        self.idle(1)
        os.chmod(key, 0o600)
        self.service.write_config(limits=", in_progress_batches: 7")
        self.service.process.send_signal(signal.SIGHUP)
        self.service.wait_for_log("configuration reloaded")
        self.service.wait_until(lambda status: status["budget"]["batches"]["limit"] == 7, "the new limit")

    def test_what_a_signal_reloaded_shows_at_once(self):
        for extra, good_now in (("nonsense: 1", False), ("", True), ("nonsense: 1", False)):
            self.service.write_config(extra)
            with open(self.service.log, encoding="utf-8") as log:
                mark = log.seek(0, os.SEEK_END)
            # So that what was gathered for this is fresh enough to be given out again.
            self.assertNotEqual(self.service.status()["service"]["reload_good"], good_now)
            self.service.process.send_signal(signal.SIGHUP)
            self.service.wait_for_log("configuration reloaded" if good_now else "was not reloaded", mark)
            self.assertEqual(self.service.status()["service"]["reload_good"], good_now)
            self.assertEqual(value(self.service.get("/metrics")[1], "usherd_config_last_reload_successful"), int(good_now))

    def test_events_come_while_the_service_lives(self):
        connection = service.UnixConnection(self.service.socket)
        connection.request("GET", "/api/events")
        answer = connection.getresponse()
        self.assertEqual(answer.getheader("Content-Type"), "text/event-stream")
        events = []
        while len(events) < 2:
            line = answer.readline().decode()
            if line.startswith("data: "):
                events.append(json.loads(line.removeprefix("data: ")))
        self.assertLess(events[0]["time"], events[1]["time"])

    def test_watch_draws_again_and_survives_a_restart(self):
        process = subprocess.Popen([USHERD, "status", "--watch", "--config", self.service.config],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            states = 0
            while states < 2:
                states += process.stdout.readline().startswith("State")
            self.service.stop()
            self.assertIn("trying again", process.stderr.readline())
            self.service.start()
            while not process.stdout.readline().startswith("State"):
                pass
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=service.PATIENCE_S)

    def test_commands_say_what_to_do_when_no_service_answers(self):
        self.service.stop()
        self.assertFalse(os.path.exists(self.service.socket))
        for words in (["status"], ["status", "--json"], ["status", "--watch"], ["pause"], ["resume"],
                      ["jobs", "list"], ["jobs", "abandon", "x"]):
            gone = self.service.command(*words)
            self.assertEqual((gone.returncode, gone.stdout), (69, ""), words)
            self.assertIn("systemctl status usherd", gone.stderr)

    def test_a_start_says_what_it_takes_up(self):
        self.sandbox.patch({"job_time": "1h"})
        self.service.drop("a.ndjson", good(10))
        self.service.wait_until(
            lambda status: [job["stage"] for job in status["jobs"]["list"]] == ["processing"], "a job")
        self.service.stop()
        self.service.start()
        self.service.wait_for_log(r"started; 1 file of an earlier run is open\b")
        self.service.wait_for_log(r"taking up 1 unfinished batch\b")

    def test_a_drain_answers_the_same_commands(self):
        self.service.stop()
        self.sandbox.patch({"job_time": "1h"})
        self.service.drop("a.ndjson", good(10))
        drain = subprocess.Popen([USHERD, "drain", "--config", self.service.config], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        self.service.process = drain
        end = time.monotonic() + service.PATIENCE_S
        while not os.path.exists(self.service.socket) and time.monotonic() < end:
            self.service.pause()
        status = self.service.wait_until(
            lambda status: [job["stage"] for job in status["jobs"]["list"]] == ["processing"], "a job")
        self.assertEqual(status["service"]["mode"], "drain")
        self.service.command("jobs", "abandon", status["jobs"]["list"][0]["job"])
        out, err = drain.communicate(timeout=service.PATIENCE_S)
        self.assertEqual(drain.returncode, 2, err)
        self.assertIn("unknown 10", out)
        self.assertNotIn("%", err)

    def test_a_drain_on_a_terminal_shows_a_bar_and_leaves_the_summary(self):
        self.service.stop()
        self.service.drop("a.ndjson", good(3000))
        shown, code = self.service.on_terminal("drain", stderr=True)
        self.assertEqual(code, 0)
        self.assertIn("0% [........................]", shown)
        # What stays is the summary: the bar was wiped out before.
        drawn = shown.split("\x1b[K\r")
        self.assertEqual(drawn[-2].strip("\r"), "")
        self.assertEqual(drawn[-1].strip().splitlines()[0].split()[:2], ["files", "1"])

    def test_a_port_that_is_taken_holds_up_nothing(self):
        other = service.Service(USHERD, self.sandbox.facts, listen=f"127.0.0.1:{self.service.port}")
        self.addCleanup(other.close)
        other.port = None
        with open(other.log, "ab") as log:
            other.process = subprocess.Popen([USHERD, "run", "--config", other.config], stdout=log, stderr=log)
        other.wait_for_log("no status page and no metrics")
        other.drop("a.ndjson", good(3))
        other.wait_until(lambda status: status["records"]["imported"] == 3, "delivered")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
