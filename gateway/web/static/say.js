// What a page says to people and asks of the gateway.
let timer, renewing;

// say shows words that go again, and which readers of the page aloud say too.
export function say(words, long = false) {
  const said = document.getElementById("said");
  said.textContent = words;
  clearTimeout(timer);
  timer = setTimeout(() => (said.textContent = ""), long ? 12000 : 5000);
}

// line shows words that stay until they are taken back by "", with elements after them.
export function line(words, ...more) {
  document.getElementById("line").replaceChildren(...(words ? [words, ...more] : []));
}

// signedOut says that the session has ended, and what to do without losing the page.
// goOn is for when that is done.
export function signedOut(goOn) {
  const link = document.createElement("a"), button = document.createElement("button");
  link.href = "/sign-in";
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = "Sign in in a new tab";
  button.type = "button";
  button.className = "small";
  button.textContent = "Go on";
  button.addEventListener("click", goOn);
  line("You are not signed in any more. Nothing that you chose is forgotten: ", link, " and come back here. ", button);
}

// token proves that this page asks.
export function token() {
  return document.querySelector("meta[name=csrf]")?.content ?? "";
}

// renew fetches this page for the token of the session that there is now: "new",
// "same", "out" where nobody is signed in, or somebody else, and "down" where the
// gateway does not answer.
export function renew() {
  return (renewing ??= renewed().finally(() => (renewing = undefined)));
}

async function renewed() {
  let reply, text;
  try {
    reply = await fetch(location.href.split("#")[0], { headers: { Accept: "text/html" }, cache: "no-store" });
    text = await reply.text();
  } catch {
    return "down";
  }
  if (reply.status >= 500) return "down";
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.querySelector("meta[name=csrf]")?.content;
  const who = (d) => d.querySelector(".who .name")?.textContent;
  if (!fresh || who(page) !== who(document)) return "out";
  if (fresh === token()) return "same";
  document.querySelector("meta[name=csrf]").content = fresh;
  for (const i of document.querySelectorAll("input[name=csrf]")) i.value = fresh;
  return "new";
}

// post sends a form or text, and returns the reply's text. An error has words for
// people as its message, and the reply's status, where there was one.
export async function post(address, body, again = true) {
  const by = token();
  let reply;
  try {
    reply = await fetch(address, { method: "POST", body, headers: { "X-CSRF-Token": by }, redirect: "manual" });
  } catch {
    throw new Error("The gateway does not answer; try again in a moment.");
  }
  if (reply.type === "opaqueredirect" || reply.redirected) return "";
  const text = await reply.text();
  if (again && (reply.status === 401 || reply.status === 403) && (token() !== by || (await renew()) === "new")) return post(address, body, false);
  if (!reply.ok) throw Object.assign(new Error(text.trim() || `The gateway answered ${reply.status}.`), { status: reply.status });
  return text;
}
