// Dropping, picking and pasting files, with the progress of each. Several go at a
// time; each is one request, and is stored once its row says so.
import { post, renew, say, token } from "./say.js";
import { onChange, changed, keep, out, back } from "./live.js";
import { size } from "./size.js";
import { listed } from "./folder.js";
import { row } from "./row.js";

const atOnce = 3, tries = 4;
const queue = [], sent = new Map();
let running = 0, asking = 0, zone, stopped = false, following = false;

// zones takes files that are dropped anywhere on a page with a place for them.
export function zones() {
  zone = document.querySelector("[data-zone-for]");
  const listing = document.querySelector("[data-drop]:not([data-drop=''])");
  if (!zone && !listing) return;
  let depth = 0;
  const over = zone ?? listing;
  const files = (e) => e.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (e) => {
    if (!files(e)) return;
    e.preventDefault();
    depth++;
    over.classList.add("over");
  });
  addEventListener("dragleave", (e) => {
    if (files(e) && --depth <= 0) over.classList.remove("over");
  });
  addEventListener("dragover", (e) => {
    if (files(e)) e.preventDefault();
  });
  addEventListener("drop", async (e) => {
    if (!files(e)) return;
    e.preventDefault();
    depth = 0;
    over.classList.remove("over");
    const into = e.target.closest?.("[data-into]")?.dataset.into;
    take(await listed(e.dataTransfer), into);
  });
  addEventListener("paste", (e) => {
    if (!e.clipboardData?.files.length || e.target.matches?.("input,textarea")) return;
    e.preventDefault();
    take([...e.clipboardData.files].map((file) => ({ file, name: named(file) })));
  });
  if (!zone) return;
  zone.addEventListener("submit", (e) => e.preventDefault());
  for (const input of zone.querySelectorAll("input[type=file]"))
    input.addEventListener("change", () => {
      take([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
      input.value = "";
    });
  watch();
}

// watch has what was sent from here looked after, and keeps the page until it was.
function watch() {
  onChange(follow);
  keep((on) => {
    if (on && stopped) {
      stopped = false;
      pump();
    }
    return document.querySelector("#queue > li") !== null;
  });
  for (const event of ["focus", "visibilitychange"])
    addEventListener(event, () => {
      if (stopped && !document.hidden) back();
    });
  addEventListener("beforeunload", (e) => {
    if (running || asking || queue.length) e.preventDefault();
  });
}

// named gives what was pasted a name of its own: browsers call all image.png.
function named(file) {
  if (file.name && !/^image\.\w+$/.test(file.name)) return file.name;
  const d = new Date(Date.now() - new Date().getTimezoneOffset() * 60000).toISOString();
  return `Pasted ${d.slice(0, 10)} ${d.slice(11, 19).replaceAll(":", "-")}.${file.type.split("/")[1]?.replace("jpeg", "jpg") ?? "png"}`;
}

// take asks for all files first, and then sends those that are taken.
async function take(files, into) {
  if (!files.length) return;
  if (!zone) {
    zone = plainZone();
    watch();
  }
  const folder = into ?? zone.dataset.zoneFor;
  const jobs = files.map(({ file, name }) => ({ file, path: (folder === "/" ? "" : folder) + "/" + name, row: row(name, file.size) }));
  for (let i = 0; i < jobs.length; i += 500) {
    const some = jobs.slice(i, i + 500);
    asking++;
    try {
      const replies = JSON.parse(await post("/ask", JSON.stringify(some.map((j) => ({ path: j.path, size: j.file.size })))));
      some.forEach((j, k) => (replies[k].refused ? j.row.refused(replies[k].refused) : queue.push(j)));
    } catch (err) {
      if (err.status === 401) stop(some);
      else for (const j of some) j.row.failed(err.message, () => again(j));
    } finally {
      asking--;
    }
    pump();
  }
}

// plainZone is for pages of files, which have none: what is dropped there shows below.
function plainZone() {
  const listing = document.querySelector("[data-drop]");
  const list = document.createElement("ul");
  list.className = "rows";
  list.id = "queue";
  listing.before(list);
  return { dataset: { zoneFor: decodeURIComponent(listing.dataset.drop.replace(/^\/drop/, "").replace(/(.)\/$/, "$1")) }, querySelector: () => null };
}

function pump() {
  while (!stopped && running < atOnce && queue.length) {
    running++;
    send(queue.shift()).finally(() => {
      running--;
      pump();
      summary();
    });
  }
  summary();
}

async function send(job) {
  for (let n = 1; ; n++) {
    const by = token();
    try {
      const stored = await once(job);
      if (stored.skipped) return job.row.skipped();
      job.row.stored(stored.path, zone.dataset.guest !== undefined);
      sent.set(stored.path, job.row);
      changed();
      return;
    } catch (err) {
      // Signed in again, perhaps in another tab: the page's proof is another then.
      // (A reply that comes while a file is on its way may be lost.)
      if (err.status === 401 || err.status === 403 || err.broken) {
        const now = token() !== by ? "new" : await renew();
        if (now === "out") return stop([job]);
        if (now === "new" && n < tries) continue;
        if (err.status === 401) err.broken = true;
      }
      if (!err.broken || n === tries) return job.row.failed(err.message, () => again(job));
      job.row.waiting(`${err.message} Trying again…`);
      await new Promise((f) => setTimeout(f, 1000 * 2 ** n));
    }
  }
}

// stop keeps files for when somebody is signed in again.
function stop(jobs) {
  stopped = true;
  for (const j of jobs) j.row.waiting("You are not signed in any more.");
  queue.unshift(...jobs);
  out();
}

function again(job) {
  queue.push(job);
  pump();
}

// once makes one request, whose body is the file.
function once({ file, path, row }) {
  return new Promise((done, fail) => {
    const x = new XMLHttpRequest();
    const began = Date.now();
    let gone = 0;
    x.open("POST", "/put" + path.split("/").map(encodeURIComponent).join("/"));
    x.setRequestHeader("X-CSRF-Token", token());
    x.setRequestHeader("X-Modified", file.lastModified);
    x.setRequestHeader("X-Same-Name", zone.querySelector("[name=same]")?.value ?? "both");
    x.setRequestHeader("Content-Type", "application/octet-stream");
    x.upload.onprogress = (e) => {
      gone = e.loaded;
      row.progress(e.loaded, e.total, (Date.now() - began) / 1000);
    };
    x.onload = () => {
      if (x.status === 201) return done(JSON.parse(x.responseText));
      const err = new Error(x.responseText.trim() || `The gateway answered ${x.status}.`);
      err.status = x.status;
      err.broken = x.status === 400 && /broke off/.test(err.message);
      fail(err);
    };
    x.onerror = x.ontimeout = () => {
      const err = new Error(gone ? `The connection broke after ${size(gone)}; nothing of it was stored.` : "The gateway does not answer, or the file cannot be read.");
      err.broken = true;
      fail(err);
    };
    x.onabort = () => fail(new Error("Stopped; nothing of it was stored."));
    row.began(() => x.abort());
    x.send(file);
  });
}

// follow asks what became of the files that were sent from here.
async function follow() {
  if (following || stopped) return;
  following = true;
  try {
    const paths = [...sent.keys()].filter((p) => !sent.get(p).settled);
    for (let i = 0; i < paths.length; i += 100) {
      const some = paths.slice(i, i + 100);
      const all = JSON.parse(await post("/status", new URLSearchParams(some.map((p) => ["path", p]))));
      for (const s of all) sent.get(s.path)?.state(s);
    }
  } catch (err) {
    if (err.status !== 401) say(err.message);
  } finally {
    following = false;
  }
  summary();
}

// summary says how far it all is, and offers the addresses once there are some.
function summary() {
  const said = document.getElementById("summary");
  if (!said) return;
  const rows = document.querySelectorAll("#queue > li");
  const count = (how) => [...rows].filter((r) => r.dataset.at === how).length;
  const stored = count("stored"), not = count("not"), skipped = count("skipped");
  const words = [queue.length + running ? `${stored} of ${rows.length} stored` : stored || !(not + skipped) ? `${stored} stored` : ""];
  if (not) words.push(`${not} not stored`);
  if (skipped) words.push(`${skipped} left out`);
  const text = rows.length ? words.filter(Boolean).join(", ") + "." : "";
  if (said.textContent !== text) said.textContent = text;
  const form = document.getElementById("sent");
  for (const i of form.querySelectorAll("input[name=id]")) i.remove();
  for (const r of rows)
    if (r.dataset.ids && r.dataset.url) {
      const i = document.createElement("input");
      i.type = "hidden";
      i.name = "id";
      i.value = r.dataset.ids;
      form.append(i);
    }
  form.hidden = !form.querySelector("input[name=id]") || !form.querySelector(".tools");
}
