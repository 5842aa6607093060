// What pages do beyond links and forms: keep up to date, act without leaving, copy.
import { live } from "./live.js";
import { choose, act, quietly } from "./act.js";
import { clips } from "./copy.js";
import { zones } from "./drop.js";

// What only scripts can do shows now, and what is for browsers without them goes.
for (const e of document.querySelectorAll("[data-scripted]")) e.hidden = false;
for (const e of document.querySelectorAll("[data-plain]")) e.hidden = true;

// Fields that a browser remembers.
for (const e of document.querySelectorAll("[data-keep]")) {
  const key = "slipway." + e.dataset.keep;
  const kept = localStorage.getItem(key);
  if (kept !== null) e.value = kept;
  e.addEventListener("change", () => localStorage.setItem(key, e.value));
}
for (const e of document.querySelectorAll("[data-zone]")) e.value = new Date().getTimezoneOffset() || "";

// A picture that cannot be drawn leaves its place empty.
function gone(img) {
  const place = document.createElement("span");
  place.className = "none " + img.className;
  img.replaceWith(place);
}
addEventListener("error", (e) => e.target.matches?.("img.thumb, img.large") && gone(e.target), true);
for (const i of document.querySelectorAll("img.thumb, img.large")) if (i.complete && !i.naturalWidth && i.loading !== "lazy") gone(i);

// A guide that the address names opens, and one that is chosen names itself.
function open() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
open();
addEventListener("hashchange", open);
// A menu closes with Escape and by a click elsewhere.
addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  for (const m of document.querySelectorAll(".menu[open]")) {
    m.open = false;
    m.querySelector("summary").focus();
  }
});
addEventListener("click", (e) => {
  for (const m of document.querySelectorAll(".menu[open]")) if (!m.contains(e.target)) m.open = false;
});

choose();
act();
quietly();
clips();
zones();
live();
