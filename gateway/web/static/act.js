// Choosing files, and doing things with them without leaving the page.
import { post, say } from "./say.js";
import { paste } from "./copy.js";
import { refresh } from "./live.js";

// choose counts what is chosen, and lets all be chosen at once.
export function choose() {
  const show = () => {
    for (const form of document.querySelectorAll("form.listing")) {
      const boxes = [...form.querySelectorAll("[name=id][type=checkbox]")];
      const n = boxes.filter((b) => b.checked).length;
      const said = form.querySelector("[data-chosen]");
      const all = form.querySelector("[data-all]");
      const tools = form.querySelector(".tools");
      tools?.toggleAttribute("data-idle", n === 0);
      if (tools) tools.hidden = boxes.length === 0;
      if (said) {
        said.hidden = n === 0;
        const next = n === boxes.length && document.querySelector(".pages a[rel=next]");
        said.textContent = n + " chosen" + (next ? ", all of this page. There are more: " : "");
        if (next) said.append(link(next));
      }
      if (all) {
        all.hidden = boxes.length === 0;
        all.checked = n > 0 && n === boxes.length;
        all.indeterminate = n > 0 && n < boxes.length;
      }
    }
  };
  let last;
  document.addEventListener("change", (e) => {
    if (e.target.matches?.("[data-all]"))
      for (const b of e.target.form.querySelectorAll("[name=id][type=checkbox]")) b.checked = e.target.checked;
    show();
  });
  // With Shift, all between two boxes.
  document.addEventListener("click", (e) => {
    if (!e.target.matches?.("form.listing [name=id][type=checkbox]")) return;
    const boxes = [...e.target.form.querySelectorAll("[name=id][type=checkbox]")];
    const [a, b] = [boxes.indexOf(last), boxes.indexOf(e.target)].sort((x, y) => x - y);
    if (e.shiftKey && a >= 0) for (const box of boxes.slice(a, b + 1)) box.checked = e.target.checked;
    last = e.target;
    show();
  });
  document.addEventListener("refreshed", show);
  show();
}

// link leads to the next page of a list, which has to be chosen by itself.
function link(next) {
  const a = document.createElement("a");
  a.href = next.href;
  a.textContent = "the next " + (next.dataset.next ?? "page");
  return a;
}

// nextTo returns what the focus goes to where a verb takes its row away.
function nextTo(by) {
  const row = by.closest("li[id], tr[id]");
  const after = row && (row.nextElementSibling ?? row.previousElementSibling);
  const heading = by.closest("section")?.querySelector("h2") ?? document.querySelector("h1");
  return () => {
    if (by.isConnected && by.offsetParent) return by.focus();
    const to = (after?.isConnected && after.querySelector("a, button")) || (heading?.isConnected && heading.offsetParent ? heading : document.querySelector("h1"));
    if (to?.matches("h1, h2")) to.tabIndex = -1;
    to?.focus();
  };
}

// act sends forms of verbs and copies, and says what was done.
export function act() {
  document.addEventListener("submit", async (e) => {
    const by = e.submitter;
    if (!e.target.matches("form[data-act]") || !by) return;
    e.preventDefault();
    const data = new FormData(e.target, by);
    const focus = nextTo(by);
    by.disabled = true;
    try {
      if (by.hasAttribute("data-copy")) await paste(post("/copy", new URLSearchParams(data)));
      else {
        say(await post("/act", new URLSearchParams(data)), true);
        await refresh();
      }
      const menu = by.closest(".menu");
      if (menu) menu.open = false;
    } catch (err) {
      say(err.message, true);
    } finally {
      by.disabled = false;
      if (document.activeElement === document.body || document.activeElement === by) focus();
    }
  });
}

// quietly sends small forms whose answer is how the page looks afterwards.
export function quietly() {
  document.addEventListener("submit", async (e) => {
    const again = e.target.matches("form[data-refresh]");
    if (!again && !e.target.matches("form[data-quietly]")) return;
    e.preventDefault();
    try {
      if (!again) await post(e.target.getAttribute("action"), new URLSearchParams(new FormData(e.target, e.submitter)));
      await refresh();
      if (again) say(e.target.parentElement.querySelector(".seen").textContent, true);
    } catch (err) {
      say(err.message, true);
    }
  });
}
