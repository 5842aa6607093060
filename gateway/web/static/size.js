// Sizes and spans of time, written as the gateway writes them.
export function size(n) {
  let unit = "B";
  for (const next of ["kB", "MB", "GB", "TB"]) {
    if (n < 999.5) break;
    n /= 1000;
    unit = next;
  }
  return (unit === "B" || n >= 99.5 ? Math.round(n) : n.toFixed(1)) + " " + unit;
}

// span is of seconds.
export function span(s) {
  if (s < 1) return "under a second";
  if (s < 100) return Math.round(s) + " s";
  if (s < 6000) return Math.round(s / 60) + " min";
  return s < 172800 ? Math.round(s / 3600) + " h" : Math.round(s / 86400) + " days";
}
