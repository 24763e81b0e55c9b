"use strict";
const at = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const plural = (count, noun) => `${whole.format(count)} ${noun}${count === 1 ? "" : "s"}`;

// Writes only what changed, so that a reader's selection stays and screen readers are not told twice.
function say(node, text) {
  if (node.textContent !== text)
    node.textContent = text;
}

function rate(value) {
  return value >= 100 || value === 0 ? whole.format(value) : value.toPrecision(2).replace(/\.0$/, "");
}

function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    ++unit;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

function span(seconds) {
  if (seconds < 60)
    return `${Math.round(seconds)} s`;
  const steps = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]];
  const [large, name, small, rest] = steps.find(([least]) => seconds >= least);
  const more = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${name}${more > 0 ? ` ${more} ${rest}` : ""}`;
}

function make(name, text, kind) {
  const node = document.createElement(name);
  if (text !== undefined)
    node.textContent = text;
  if (kind)
    node.className = kind;
  return node;
}

function fill(table, rows, nothing) {
  const body = at(table).tBodies[0];
  const made = rows.map((cells) => {
    const row = make("tr", undefined, cells.kind);
    row.append(...cells.map(([text, kind]) => text instanceof Node ? wrap(text) : make("td", text, kind)));
    return row;
  });
  if (made.length === 0) {
    const row = make("tr");
    const cell = make("td", nothing, "none");
    cell.colSpan = at(table).tHead.rows[0].cells.length;
    row.append(cell);
    made.push(row);
  }
  body.replaceChildren(...made);
}

function wrap(node) {
  const cell = make("td");
  cell.append(node);
  return cell;
}

function headline(status) {
  const left = status.eta_seconds;
  const soon = left !== null && left > 0 ? `, about ${span(left)} left` : "";
  switch (status.state) {
    case "delivering":
      if (status.outage)
        return ["The API does not answer",
                `${plural(status.outage.requests, "request")} in a row came to nothing within ${span(status.outage.seconds)}, ` +
                `the last one because: ${status.outage.cause}. They are sent again until one is answered.`];
      return [`Delivering${soon}`, ""];
    case "idle":
      return ["Idle: everything is delivered", "It takes up whatever is dropped into the spool."];
    case "waiting":
      return [`Waiting ${span(status.held_seconds)} for the API's rate limit`,
              "The API answered 429; it goes on by itself."];
    case "parked":
      return [`Parked: ${status.parked.map((one) => one.reason).join(", ")}`, ""];
    case "starting":
      return ["Starting", "It takes up what an earlier run left."];
    default:
      return ["Stopping", "What is under way may finish; nothing is lost."];
  }
}

function showState(status) {
  document.body.dataset.state = status.state;
  const [now, why] = headline(status);
  say(at("headline"), now);
  say(at("why"), why);
  document.title = `${status.state === "delivering" ? rate(status.rate.records_per_second) + "/s" : status.state} · usherd`;
  const list = at("parked");
  list.hidden = status.parked.length === 0;
  list.replaceChildren(...status.parked.map((one) => {
    const item = make("li");
    item.append(make("b", one.reason), ` for ${span(one.seconds)}: ${one.advice}.`);
    if (one.detail)
      item.append(` (${one.detail})`);
    return item;
  }));
  say(at("version"), `version ${status.service.version}`);
  say(at("uptime"), `up ${span(status.service.uptime_seconds)}`);
  const time = at("time");
  time.dateTime = status.time;
  say(time, new Date(status.time).toLocaleTimeString());
}

function showTiles(status) {
  const backlog = status.backlog;
  say(at("rate"), rate(status.rate.records_per_second));
  say(at("rate-hour"), rate(status.rate.last_hour));
  say(at("eta"), status.eta_seconds === null ? "unclear" : status.eta_seconds === 0 ? "none" : span(status.eta_seconds));
  say(at("backlog-bytes"), bytes(backlog.bytes));
  say(at("backlog-files"), plural(backlog.files, "file"));
  say(at("oldest"), backlog.oldest_seconds === null ? "none" : span(backlog.oldest_seconds));
}

const svg = (name, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes))
    node.setAttribute(key, value);
  return node;
};

// 1, 2 or 5 times a power of ten: what people read off an axis.
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value);
}

// The history ends with the last whole step; what goes on now stands behind it.
function showPlot({history, records_per_second: now}) {
  const rates = [...history, now];
  const plot = at("plot");
  const width = 720, height = 200;
  const most = Math.max(...rates, 0);
  const top = niceTop(most * 1.05);
  const x = (i) => (i / (rates.length - 1)) * width;
  const y = (value) => height - (value / top) * height;
  const line = rates.map((value, i) => `${i === 0 ? "M" : "L"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const parts = [0, top / 2, top].map((value) => svg("line", {class: "grid", x1: 0, x2: width, y1: y(value), y2: y(value)}));
  parts.push(svg("path", {class: "area", d: `${line}L${width} ${height}L0 ${height}Z`}));
  parts.push(svg("path", {class: "rate", d: line}));
  plot.replaceChildren(...parts);
  const box = plot.parentElement;
  if (!box.classList.contains("plot-box")) {
    const wrapper = make("div", undefined, "plot-box");
    plot.before(wrapper);
    wrapper.append(plot, make("span", "", "tick top"), make("span", "", "tick half"));
  }
  const [upper, half] = plot.parentElement.querySelectorAll(".tick");
  upper.style.top = "1.25rem";
  half.style.top = "50%";
  upper.setAttribute("aria-hidden", "true");
  half.setAttribute("aria-hidden", "true");
  say(upper, rate(top));
  say(half, rate(top / 2));
  say(at("plot-text"), most === 0 ? "Nothing ended within the last hour." : `At most ${rate(most)} records per second, averaged over 30 s.`);
}

function showAges(backlog) {
  const most = Math.max(...backlog.ages.map((age) => age.bytes), 1);
  let from = 0;
  fill("ages", backlog.ages.map((age, i) => {
    const bar = make("span", undefined, "bar");
    bar.style.width = `${(age.bytes / most) * 100}%`;
    const name = age.up_to_seconds === null ? `over ${span(from)}` : `up to ${span(age.up_to_seconds)}`;
    from = age.up_to_seconds;
    const cells = [[name], [bar], [whole.format(age.files), "n"], [bytes(age.bytes), "n"]];
    cells.kind = `${age.files === 0 ? "zero" : ""} ${i > 4 ? "late" : ""}`;
    return cells;
  }));
  say(at("pending"), `${plural(backlog.records_pending, "record")} read and under way, ` +
    `${whole.format(backlog.records_waiting)} of them behind an earlier update of their user.`);
}

function gauge(id, used, usable, limit) {
  const box = at(id);
  const figure = box.querySelector(".figure");
  figure.replaceChildren(make("b", whole.format(used)), ` of ${whole.format(limit)}`);
  const track = box.querySelector(".track");
  track.setAttribute("aria-valuenow", used);
  track.setAttribute("aria-valuemax", limit);
  track.setAttribute("aria-valuetext", `${used} of ${limit}`);
  track.querySelector("i").style.width = `${limit === 0 ? 0 : Math.min(100, (used / limit) * 100)}%`;
  track.querySelector("em").style.width = `${limit === 0 ? 0 : ((limit - usable) / limit) * 100}%`;
}

function showBudget(status) {
  const {batches, operations} = status.budget;
  gauge("g-batches", batches.used, batches.usable, batches.limit);
  gauge("g-operations", operations.used, operations.usable, operations.limit);
  gauge("g-sessions", status.sessions.busy, status.sessions.limit, status.sessions.limit);
  say(at("shrunk"), batches.usable < batches.limit
    ? `After 429s only ${whole.format(batches.usable)} batches and ${whole.format(operations.usable)} operations are used; that grows back with each accepted batch.`
    : "");
}

function showOutcomes(status) {
  const names = ["imported", "merged", "rejected", "unknown"];
  for (const name of names) {
    const count = status.records[name];
    say(at(`o-${name}`), whole.format(count));
    // A single reject among millions is still to be seen.
    const part = at("stack").querySelector(`.${name}`);
    part.hidden = count === 0;
    part.style.flex = `${count} 0 5px`;
  }
  const files = status.files;
  say(at("files"), `${plural(files.done + files.with_rejects + files.refused, "file")} settled: ` +
    `${whole.format(files.done)} without rejects, ${whole.format(files.with_rejects)} with, ${whole.format(files.refused)} refused whole.`);
}

function showTables(status) {
  fill("rejects", status.rejects.slice(0, 10).map((one) => [
    [one.code, "code"], [one.stage], [whole.format(one.count), "n"],
    [`${span(Math.max(0, (Date.parse(status.time) - Date.parse(one.last)) / 1000))} ago`, "n last"]]),
    "None since the start.");
  fill("jobs", status.jobs.list.slice(0, 20).map((job) => [
    [String(job.batch)], [job.stage], [whole.format(job.records), "n"], [span(job.age_seconds), "n"],
    [job.job.length > 40 ? `${job.job.slice(0, 40)}…` : job.job, "job"]]),
    "None.");
  say(at("job-count"), status.jobs.count > 20 ? `${whole.format(status.jobs.count)}, the oldest 20 shown` : "");
  at("stuck-card").hidden = status.stuck.count === 0;
  say(at("stuck"), `${whole.format(status.stuck.count)} of the files and batches cannot go on as the disk is.`);
  at("left-card").hidden = status.left.count === 0;
  const reasons = Object.entries(status.left.reasons).map(([word, count]) => `${count} ${word}`).join(", ");
  say(at("left"), `${plural(status.left.count, "file")} cannot be taken: ${reasons}.`);
}

function show(status) {
  showState(status);
  showTiles(status);
  showPlot(status.rate);
  showAges(status.backlog);
  showBudget(status);
  showOutcomes(status);
  showTables(status);
}

let source = null;
let again = 0;

function link(kind, text) {
  at("link").className = `link ${kind}`;
  say(at("link"), text);
}

function listen() {
  clearTimeout(again);
  if (source)
    source.close();
  source = new EventSource("/api/events");
  source.addEventListener("status", (event) => {
    link("live", "live");
    show(JSON.parse(event.data));
  });
  source.onerror = () => {
    link("lost", "no connection, trying again");
    document.body.dataset.state = "lost";
    say(at("headline"), "The service does not answer");
    say(at("why"), "The figures below are the last ones it gave. This page goes on when it is back.");
    at("parked").hidden = true;
    // The browser tries again by itself, but for an answer that is no stream.
    if (source.readyState === EventSource.CLOSED)
      again = setTimeout(listen, 2000);
  };
}

// A page that nobody sees takes none of the few streams.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    listen();
  } else if (source) {
    source.close();
    link("", "resting");
  }
});
listen();
