"""Figures as markdown, and where they stand in bench/README.md."""
import os
import platform
import re
import statistics
import subprocess


def median(rounds, key):
    return statistics.median(one[key] for one in rounds)


def spread(rounds, key, form):
    values = [one[key] for one in rounds]
    return f"{form.format(statistics.median(values))} ({form.format(min(values))}-{form.format(max(values))})"


def rate_spread(rounds):
    values = [one["rate"] / 1000 for one in rounds]
    return f"{statistics.median(values):,.0f}k ({min(values):,.0f}-{max(values):,.0f})"


def ratio(rounds, others, key, form="{:.2f}"):
    """Median of the ratios round by round: both were measured within the same minutes."""
    if not others:
        return ""
    return form.format(statistics.median(one[key] / other[key] for one, other in zip(rounds, others)))


def table(present, results, pss):
    ours, floor, floor2 = (results.get(name) for name in ("usherd", "floor", "floor2"))
    lines = ["| | records/s | wall s | client CPU s a million | sink CPU s a million | peak RSS MiB [all processes, Pss] | "
             "CPU / floor's | rate / two-thread floor's | usherd's rate / its | its CPU / usherd's | what it leaves out |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for name, contestant in present.items():
        rounds = results[name]
        rss = f"{max(one['rss_mib'] for one in rounds):.0f}" + (f" [{pss[name]:.0f}]" if pss.get(name) else "")
        cells = [contestant.name, rate_spread(rounds), spread(rounds, "wall_s", "{:.2f}"), spread(rounds, "cpu_s", "{:.2f}"),
                 f"{median(rounds, 'sink_cpu_s'):.2f}", rss, ratio(rounds, floor, "cpu_s"), ratio(rounds, floor2, "rate"),
                 ratio(ours or [], rounds, "rate") if name != "usherd" and ours else "",
                 ratio(rounds, ours, "cpu_s") if name != "usherd" else "", contestant.leaves_out]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).splitlines()[0].strip()
    except (OSError, IndexError):
        return ""


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as text:
        found = re.search(r"model name\s*: (.*)", text.read())
    return found.group(1) if found else platform.machine()


def machine(data, arguments, load):
    versions = [first_line(["nginx", "-v"]) or first_line(["/usr/sbin/nginx", "-v"]), first_line(["node", "--version"]),
                " ".join(first_line(["curl", "--version"]).split()[:2]), first_line(["/usr/sbin/syslog-ng", "--version"])]
    return (f"{data.records:,} records, {data.bytes:,} bytes, {len(data.names)} files; medians of {arguments.rounds} interleaved "
            f"rounds after one to warm up (smallest-largest); {os.cpu_count()} cores ({processor()}), shared with the sink; "
            f"load before the run {load:.1f}. " + ", ".join(version for version in versions if version) + ".")


def save(path, mark, text):
    begin, end = f"<!-- {mark}: written by bench/run --save -->", f"<!-- end of {mark} -->"
    with open(path, encoding="utf-8") as source:
        page = source.read()
    if begin not in page or end not in page:
        raise SystemExit(f"bench: {path} has no place for {mark}")
    head, rest = page.split(begin, 1)
    tail = rest.split(end, 1)[1]
    with open(path, "w", encoding="utf-8") as out:
        out.write(head + begin + "\n" + text.strip() + "\n" + end + tail)
