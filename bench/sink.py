"""The neutral sink: nginx, TLS 1.3, one worker. It reads each body to its end, answers a create with a job and every
question about a job with COMPLETED, and keeps nothing of it."""
import json
import os
import shutil
import signal
import socket
import subprocess
import time

KEY = "na1.bench/0123456789abcdef"
# What surrounds the lines of a batch, less the newline that makes no comma.
FRAMING_BYTES = len('{"requests":[') + len("]}") - 1
LONGEST_START_S = 10
LARGEST_BODY = "64m"
# Memory that held a body stays with nginx. Given back and faulted in anew for each body, it cost up to four times as
# much CPU with several bodies at once as with one, where a page fault is dear.
KEEPS_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}

# The second server answers once the first one holds the whole body: a bare `return 200` in the first would answer
# before the body has come. The answer's times are the server's own, to the second, as nginx has no others.
CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
{user}
events {{ worker_connections 1024; }}
http {{
  log_format sink '{{"at":$msec,"call":"$call","length":$request_length,"content":"$content_length",'
                  '"status":$status,"took":$request_time,"tls":"$ssl_protocol $ssl_cipher","connection":$connection}}';
  access_log {folder}/access.log sink;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type application/json;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  client_body_timeout 600s;
  client_max_body_size {largest};
  map $request_method $call {{ POST create; default read; }}
  upstream answers {{ server unix:{folder}/answers.sock; keepalive 32; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/certificate.key;
    ssl_protocols TLSv1.3;
    location = /v2/users/batch {{
      client_body_buffer_size {largest};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_pass_request_body off;
      proxy_pass http://answers;
    }}
    location = /me {{ return 200 '{{"email":"bench@example.com","orgId":"o-BENCH-na1","role":"ADMIN"}}'; }}
    location ~ ^/v2/users/batch/[^/]+/(errors|imports)$ {{ return 200 '{{"results":[]}}'; }}
    location ~ ^/v2/users/batch/([^/]+)$ {{
      return 200 '{{"job":{{"id":"$1","status":"COMPLETED","created":"$time_iso8601","finished":"$time_iso8601"}}}}';
    }}
  }}
  server {{
    listen unix:{folder}/answers.sock;
    access_log off;
    location / {{
      return 200 '{{"job":{{"id":"$request_id","status":"PROCESSING","created":"$time_iso8601"}}}}';
    }}
  }}
}}
"""


def program():
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Sink:
    def __init__(self, folder):
        os.makedirs(folder)
        self.folder = folder
        self.log = os.path.join(folder, "access.log")
        self.ca = os.path.join(folder, "certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", os.path.join(folder, "certificate.key"), "-out", self.ca],
                       check=True, capture_output=True)
        # Another program may take the port between our look and nginx's start.
        for _ in range(3):
            if self._start():
                return
        raise SystemExit(f"bench: nginx does not start: see {folder}/error.log")

    def _start(self):
        self.port = free_port()
        self.api = f"https://localhost:{self.port}"
        config = os.path.join(self.folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as out:
            out.write(CONFIG.format(folder=self.folder, port=self.port, largest=LARGEST_BODY, user=""
                                    if os.geteuid() else "user root;"))
        self.process = subprocess.Popen([program(), "-c", config, "-e", os.path.join(self.folder, "error.log")],
                                        env={**os.environ, **KEEPS_MEMORY})
        end = time.monotonic() + LONGEST_START_S
        while time.monotonic() < end and self.process.poll() is None:
            if listens(self.port):
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)

    def cpu_s(self):
        """User and system time of the worker so far."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="utf-8") as text:
            workers = text.read().split()
        ticks = 0
        for worker in workers:
            with open(f"/proc/{worker}/stat", encoding="utf-8") as text:
                fields = text.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def mark(self):
        """Where the log ends now: what comes later is read by `since`."""
        return os.path.getsize(self.log)

    def since(self, mark):
        return Seen(self.log, mark)


class Seen:
    """What the sink's log says from a mark on, read further at each call of `update`."""

    def __init__(self, path, mark):
        self.path, self.at = path, mark
        self.posts = self.reads = self.refused = self.lines_bytes = self.sent_bytes = self.incomplete = 0
        self.first_post = self.last_post = None
        self.tls = set()
        self.connections = set()
        self.update()

    def update(self):
        with open(self.path, "rb") as log:
            log.seek(self.at)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self.at += len(line)
                self._take(json.loads(line))
        return self

    def _take(self, entry):
        self.connections.add(entry["connection"])
        if entry["status"] != 200:
            self.refused += 1
            return
        if entry["call"] == "read":
            self.reads += 1
            return
        self.posts += 1
        self.tls.add(entry["tls"])
        self.sent_bytes += entry["length"]
        # Logged at its end.
        self.first_post = self.first_post or entry["at"] - entry["took"]
        self.last_post = entry["at"]
        if entry["content"] != "-":
            content = int(entry["content"])
            self.lines_bytes += content - FRAMING_BYTES
            # The length of the request is what nginx has read of it.
            self.incomplete += entry["length"] <= content
