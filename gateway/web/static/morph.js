// morph makes the children of one element those of another, and keeps what is alike:
// so the focus, chosen boxes and open menus stay where they are.
export function morph(from, to) {
  const old = new Map();
  for (const c of from.children) if (c.id) old.set(c.id, c);
  let at = from.firstChild;
  for (const want of [...to.childNodes]) {
    let have = want.id ? old.get(want.id) : undefined;
    if (have && have.parentNode !== from) have = undefined;
    if (!have && at && !at.id && !want.id && alike(at, want)) have = at;
    if (!have) {
      from.insertBefore(document.importNode(want, true), at);
      continue;
    }
    if (have === at) at = at.nextSibling;
    else from.insertBefore(have, at);
    patch(have, want);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

function patch(have, want) {
  if (have.nodeName !== want.nodeName) {
    have.replaceWith(document.importNode(want, true));
    return;
  }
  if (have.nodeType !== Node.ELEMENT_NODE) {
    if (have.nodeValue !== want.nodeValue) have.nodeValue = want.nodeValue;
    return;
  }
  const own = have.nodeName === "DETAILS" ? ["open"] : have.nodeName === "INPUT" ? ["hidden"] : [];
  for (const a of [...have.attributes]) if (!want.hasAttribute(a.name) && !own.includes(a.name)) have.removeAttribute(a.name);
  for (const a of want.attributes) if (have.getAttribute(a.name) !== a.value && !own.includes(a.name)) have.setAttribute(a.name, a.value);
  morph(have, want);
}
