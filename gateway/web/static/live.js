// Keeps what a page shows up to date: the gateway tells of changes (server-sent
// events), and where that is not to be had, the page asks every ten seconds.
import { morph } from "./morph.js";
import { line, renew, signedOut } from "./say.js";
import { span } from "./size.js";

let source, timer, polling, again = false, busy = false, last = 0, since, telling;
const parser = new DOMParser();
const listeners = new Set(), keepers = new Set();

// keep lets f say whether the page must not go, and hear when it can go on.
export function keep(f) {
  keepers.add(f);
}

// out leads to where one signs in, or, where something would be lost by that, says so.
export function out() {
  if (![...keepers].some((f) => f(false))) return location.reload();
  rest();
  clearTimeout(telling);
  signedOut(back);
}

// back goes on where somebody is signed in again.
export async function back() {
  const now = await renew();
  if (now !== "new" && now !== "same") return;
  line("");
  for (const f of keepers) f(true);
  wake();
}

// stale says that what is shown may be old, once that is so for a moment.
function stale(is) {
  if (is === document.body.classList.contains("stale")) return;
  document.body.classList.toggle("stale", is);
  clearTimeout(telling);
  since = new Date();
  const at = since.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (is) telling = setTimeout(() => line(`No connection to the gateway since ${at}; this may be old.`), 2500);
  else line("");
}

// onChange calls f after changes.
export function onChange(f) {
  listeners.add(f);
}

export function live() {
  if (!document.querySelector("[data-live]") && !listeners.size) return;
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : wake()));
  if (!document.hidden) listen();
  setInterval(ages, 15000);
}

function wake() {
  listen();
  changed();
}

// rest ends the stream: a browser has few connections to one host.
function rest() {
  source?.close();
  source = undefined;
  clearInterval(polling);
}

function listen() {
  rest();
  const transfers = document.querySelector("[data-live=transfers]");
  source = new EventSource("/events" + (transfers ? "?transfers=1" : ""));
  source.addEventListener("hello", () => {
    clearInterval(polling);
    stale(false);
  });
  source.addEventListener("change", changed);
  source.addEventListener("end", out);
  source.addEventListener("transfers", (e) => {
    const fresh = parser.parseFromString("<div>" + JSON.parse(e.data) + "</div>", "text/html");
    const before = transfers?.querySelectorAll("li").length;
    if (transfers) morph(transfers, fresh.body.firstChild);
    if (transfers?.querySelectorAll("li").length < before) changed(); // one ended, or broke off
  });
  source.onerror = () => {
    stale(true);
    changed();
    clearInterval(polling);
    polling = setInterval(() => {
      changed();
      if (source?.readyState === EventSource.CLOSED) listen();
    }, 10000);
  };
}

// changed refreshes the page, at most once in 1.5 seconds, and listeners with it.
export function changed() {
  again = true;
  if (busy || timer) return;
  timer = setTimeout(refresh, Math.max(0, last + 1500 - Date.now()));
}

export async function refresh() {
  clearTimeout(timer);
  timer = undefined;
  again = false;
  busy = true;
  last = Date.now();
  for (const f of listeners) f();
  try {
    if (document.querySelector("[data-live]:not([data-live=transfers])") || document.body.classList.contains("stale")) await fetched();
  } catch {
    stale(true);
  } finally {
    busy = false;
    if (again) changed();
  }
}

async function fetched() {
  const reply = await fetch(location.href.split("#")[0], { headers: { Accept: "text/html" } });
  if (reply.status === 401 || reply.redirected) return out();
  if (!reply.ok) return;
  const fresh = parser.parseFromString(await reply.text(), "text/html");
  stale(false);
  for (const part of document.querySelectorAll("[data-live]:not([data-live=transfers])")) {
    const to = fresh.getElementById(part.id);
    if (!to) continue;
    part.hidden = to.hidden;
    morph(part, to);
  }
  document.dispatchEvent(new Event("refreshed"));
}

// ages writes how long ago things are, as time goes by.
function ages() {
  const now = Date.now();
  for (const t of document.querySelectorAll("time[datetime]")) {
    const s = Math.round((now - Date.parse(t.dateTime)) / 1000);
    if (t.hasAttribute("data-due") && s >= 0) t.textContent = "now";
    else if (Number.isNaN(s) || Math.abs(s) > 864000 || t.closest("#transfers")) continue;
    else t.textContent = s > 0 ? span(s) + " ago" : s < 0 ? "in " + span(-s) : "just now";
  }
}
