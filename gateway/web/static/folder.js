// What was dropped, folders with all below them: each file with its name from where it
// was dropped.
export async function listed(transfer) {
  // The list is good only until the event ends; entries are good for longer.
  const entries = [...transfer.items].filter((i) => i.kind === "file").map((i) => i.webkitGetAsEntry?.() ?? i.getAsFile());
  const files = [];
  for (const e of entries) {
    if (e instanceof File) files.push({ file: e, name: e.name });
    else if (e) await walk(e, "", files);
  }
  return files;
}

async function walk(entry, above, files) {
  const name = above + entry.name;
  if (entry.isFile) {
    files.push({ file: await new Promise((done, fail) => entry.file(done, fail)), name });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A reader gives at most a hundred at a time.
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return;
    for (const e of some) await walk(e, name + "/", files);
  }
}
