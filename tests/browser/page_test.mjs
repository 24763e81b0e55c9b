// page_test.mjs URL [SHOTS]: looks at the status page in headless Chromium. What it wants done to the service it writes
// to stdout as a line, and page_test.py answers each with a line when it is done. Exit code 1 with the faults on stderr.
import readline from "node:readline";
import {chromium} from "playwright-core";

const [url, shots] = process.argv.slice(2);
const answers = readline.createInterface({input: process.stdin})[Symbol.asyncIterator]();
const faults = [];

function check(holds, fault) {
  if (!holds)
    faults.push(fault);
}

async function ask(wish) {
  process.stdout.write(wish + "\n");
  const {value} = await answers.next();
  if (value !== "done")
    throw new Error(`${wish}: ${value}`);
}

// Runs in the page: texts whose contrast with what is behind them is too low (WCAG AA).
function lowContrast() {
  const parse = (text) => {
    const numbers = text.match(/[\d.]+/g).map(Number);
    return {rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1};
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.alpha === 1)
        return colour.rgb;
    }
    return [255, 255, 255];
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.getClientRects().length === 0 || node.closest("noscript, .quiet, .skip"))
      continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(parse(style.color).rgb), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5))
      low.push(`${walker.currentNode.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return low;
}

// Runs in the page: what reaches past the window, or is cut off in its own box.
function overflowing() {
  const width = document.documentElement.clientWidth;
  const over = [];
  if (document.documentElement.scrollWidth > width)
    over.push(`the page is ${document.documentElement.scrollWidth} wide in ${width}`);
  for (const node of document.body.querySelectorAll("*")) {
    if (node.closest("svg, .quiet, .skip, .track, noscript") || node.getClientRects().length === 0)
      continue;
    const box = node.getBoundingClientRect();
    if (box.right > width + 1 || box.left < -1)
      over.push(`${node.tagName} #${node.id} .${node.className} reaches ${Math.round(box.right)} of ${width}`);
    if (getComputedStyle(node).display !== "inline" && node.scrollWidth > node.clientWidth + 1)
      over.push(`${node.tagName} #${node.id} .${node.className} holds ${node.scrollWidth} in ${node.clientWidth}`);
  }
  return over;
}

async function look(page, name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({colorScheme: scheme, reducedMotion: "reduce"});
    for (const width of [360, 1280]) {
      await page.setViewportSize({width, height: 900});
      for (const fault of await page.evaluate(overflowing))
        check(false, `${name} ${scheme} ${width}: ${fault}`);
      if (shots)
        await page.screenshot({path: `${shots}/${name}-${scheme}-${width}.png`, fullPage: true});
    }
    for (const fault of await page.evaluate(lowContrast))
      check(false, `${name} ${scheme}: contrast of ${fault}`);
  }
  await page.emulateMedia({colorScheme: "light"});
}

const text = (page, id) => page.locator(`#${id}`).textContent();
// By locators: whatever is evaluated from a string stumbles over the page's own Content-Security-Policy.
const until = (page, id, pattern) => page.locator(`#${id}`).filter({hasText: pattern}).waitFor({state: "attached"});

async function checkWords(page) {
  const words = await page.evaluate(() => ({
    plot: document.getElementById(document.getElementById("plot").getAttribute("aria-labelledby")).textContent,
    meters: [...document.querySelectorAll("[role=meter]")].map((one) => one.getAttribute("aria-valuetext")),
    unnamed: [...document.querySelectorAll("section")].filter((one) => !document.getElementById(one.getAttribute("aria-labelledby"))).length,
    headers: [...document.querySelectorAll("th")].filter((one) => one.scope !== "col").length,
    handlers: [...document.querySelectorAll("*")].filter((one) => [...one.attributes].some((it) => it.name.startsWith("on"))).length,
    language: document.documentElement.lang,
  }));
  check(words.plot.length > 10, "the plot says nothing in words");
  check(words.meters.length === 3 && words.meters.every(Boolean), `meters say ${words.meters}`);
  check(words.unnamed === 0 && words.headers === 0 && words.handlers === 0 && words.language === "en",
    `markup: ${JSON.stringify(words)}`);
}

async function checkKeys(page) {
  const stops = [];
  await page.evaluate(() => document.activeElement.blur());
  for (let i = 0; i < 5; ++i) {
    await page.keyboard.press("Tab");
    stops.push(await page.evaluate(() => {
      const node = document.activeElement;
      const seen = getComputedStyle(node).outlineStyle !== "none" || node.matches(".skip");
      return `${node.textContent}${seen ? "" : " without a mark"}`;
    }));
  }
  check(stops.join() === "Skip to the figures,JSON,Metrics,Health,Readiness", `Tab goes to ${stops.join()}`);
}

async function run(page) {
  const elsewhere = [];
  let trouble = [];
  page.on("request", (request) => request.url().startsWith(url) || elsewhere.push(request.url()));
  page.on("console", (message) => message.type() === "error" && trouble.push(message.text()));
  page.on("pageerror", (error) => trouble.push(String(error)));
  await page.goto(url);
  await until(page, "link", /live/);
  await until(page, "headline", /^Idle/);
  await look(page, "idle");
  await checkWords(page);
  await checkKeys(page);

  await ask("deliver");
  await until(page, "headline", /^Delivering/);
  await until(page, "o-imported", /[1-9]/);
  const before = await text(page, "o-imported");
  await page.locator("#o-imported").filter({hasNotText: before}).waitFor();
  await until(page, "rate", /[1-9]/);
  await page.locator("#jobs tbody tr").nth(1).waitFor();
  check(await page.locator("#rejects td.code").count() > 0, "no codes of rejects are shown");
  check((await text(page, "backlog-files")) !== "0 files", "no backlog is shown");
  await look(page, "delivering");

  await ask("pause");
  await until(page, "headline", /^Parked: paused/);
  check((await text(page, "parked")).includes("usherd resume"), "a parked service does not say what to do");
  await look(page, "parked");
  check(trouble.length === 0, `console: ${trouble.join("; ")}`);

  await ask("stop");
  await until(page, "headline", /does not answer/);
  await look(page, "lost");
  await ask("start");
  await until(page, "link", /^live$/);
  await until(page, "headline", /^Parked: paused/);
  await ask("resume");
  await until(page, "headline", /^(Delivering|Idle)/);
  // While the service was away the browser said so itself.
  trouble = trouble.filter((message) => !message.includes("ERR_CONNECTION_REFUSED") && !message.includes("ERR_INCOMPLETE_CHUNKED"));
  check(trouble.length === 0, `console: ${trouble.join("; ")}`);
  check(elsewhere.length === 0, `it loads from elsewhere: ${elsewhere.join()}`);
}

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  headless: true,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await run(page);
} catch (error) {
  faults.push(String(error));
} finally {
  await browser.close();
}
for (const fault of faults)
  process.stderr.write(`FAIL: ${fault}\n`);
process.exit(faults.length === 0 ? 0 : 1);
