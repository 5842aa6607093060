// The row of one file that is sent from here.
import { paste } from "./copy.js";
import { size, span } from "./size.js";

function make(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text) e.textContent = text;
  return e;
}

// shown is a name without what reorders others or cannot be seen.
const shown = (name) => name.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, "\ufffd");

export function row(name, bytes) {
  const li = make("li"), what = make("div", "what"), end = make("div", "end");
  const title = make("a", "file", shown(name)), bar = make("progress"), why = make("p", "why");
  const state = make("span", "state past", "Queued"), buttons = make("div", "bar");
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", shown(name));
  what.append(title, make("span", "quiet", " " + size(bytes)), bar, why);
  end.append(state, buttons);
  li.append(what, end);
  document.getElementById("queue").prepend(li);
  const section = document.getElementById("sentfrom");
  if (section) section.hidden = false;

  // how is what the summary counts: "", stored, skipped or not.
  const at = (word, className, text = "", how = li.dataset.at ?? "") => {
    li.dataset.at = how;
    state.textContent = word;
    state.className = "state " + className;
    why.textContent = text;
    buttons.replaceChildren();
  };
  const button = (text, f) => {
    const b = make("button", "small", text);
    b.type = "button";
    b.append(make("span", "aside", " " + shown(name)));
    b.addEventListener("click", f);
    buttons.append(b);
  };
  const row = {
    settled: false,
    began(stop) {
      at("Sending", "going", "", "");
      bar.hidden = false;
      button("Stop", stop);
    },
    progress(done, all, seconds) {
      bar.value = all ? (done / all) * 100 : 100;
      const rate = seconds > 0.3 ? done / seconds : 0;
      why.textContent = done < all ? `${size(done)}${rate ? ` · ${size(rate)}/s · ${span((all - done) / rate)} left` : ""}` : "Storing…";
    },
    waiting: (text) => at("Waiting", "stuck", text, ""),
    refused(text) {
      bar.hidden = true;
      at("Not taken", "bad", text, "not");
    },
    skipped() {
      bar.hidden = true;
      at("Left out", "past", "The name is taken.", "skipped");
    },
    failed(text, again) {
      bar.hidden = true;
      at("Not stored", "bad", text, "not");
      button("Try again", again);
    },
    stored(path, guest) {
      bar.hidden = true;
      if (!guest) title.href = "/files" + path.split("/").map(encodeURIComponent).join("/");
      title.textContent = shown(path.slice(path.lastIndexOf("/") + 1));
      at("Stored", guest ? "good" : "going", "", "stored");
    },
    state(s) {
      at(s.word, s.class, s.state === "done" ? "" : s.why);
      row.settled = ["done", "superseded", "dropped"].includes(s.state) || (s.state === "stored" && !!s.why);
      li.dataset.ids = s.ids ?? "";
      li.dataset.url = s.url ?? "";
      if (s.url) {
        const a = make("a", "", s.url);
        a.href = s.url;
        a.rel = "noreferrer";
        why.replaceChildren(a);
        button("Copy URL", () => paste(Promise.resolve(s.url)));
      }
    },
  };
  return row;
}
