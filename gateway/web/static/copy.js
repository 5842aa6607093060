// Copying to the clipboard, and where a browser does not let a page do that, a field
// with everything marked.
import { say } from "./say.js";

// paste copies a text that is on its way: browsers want to be asked while the click
// lasts.
export async function paste(coming) {
  const clipboard = navigator.clipboard;
  let text;
  try {
    if (clipboard?.write && globalThis.ClipboardItem) {
      const item = coming.then((t) => new Blob([(text = t)], { type: "text/plain" }));
      await clipboard.write([new ClipboardItem({ "text/plain": item })]);
      return told(text);
    }
  } catch {
    // below
  }
  text = await coming;
  try {
    await clipboard.writeText(text);
    told(text);
  } catch {
    field(text);
  }
}

function told(text) {
  const n = text.split("\n").length;
  say(n === 1 ? "Copied." : `Copied ${n} lines.`);
}

function field(text) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", "Copy");
  const label = document.createElement("label");
  label.textContent = "Press Ctrl+C or ⌘C to copy";
  const area = document.createElement("textarea");
  area.className = "paste";
  area.rows = Math.min(12, text.split("\n").length + 1);
  area.readOnly = true;
  area.value = text;
  label.append(area);
  const close = document.createElement("button");
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.append(label, close);
  document.body.append(dialog);
  dialog.showModal();
  area.select();
}

// clips shows the buttons that copy what stands beside them.
export function clips() {
  for (const b of document.querySelectorAll("[data-clip]")) {
    b.hidden = false;
    b.addEventListener("click", () => paste(Promise.resolve(b.dataset.clip)));
  }
}
