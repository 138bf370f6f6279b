"""Chromium without a window: what a page looks like, and what its scripts find."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

from msq_finn.errors import MissingToolError

#: Writes the pairs of texts that overlap, and what runs out of the window, behind the page.
_LOOK = """<script>
addEventListener("load", () => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const unseen = ["SCRIPT", "title"].includes(node.parentNode.nodeName);
    if (unseen || !node.data.trim()) continue;
    const range = document.createRange(), frame = node.parentElement.closest(".map, .wide");
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) found.push({ text: node.data.trim(), box, frame });
  }
  // What is scrolled out of its frame covers nothing beside it.
  const shown = ({ box, frame }) => {
    if (!frame) return box;
    const f = frame.getBoundingClientRect();
    return {
      left: Math.max(box.left, f.left), right: Math.min(box.right, f.right),
      top: Math.max(box.top, f.top), bottom: Math.min(box.bottom, f.bottom),
    };
  };
  const overlaps = [];
  const across = (p, q) => p.left < q.right - 1 && q.left < p.right - 1;
  const down = (p, q) => p.top < q.bottom - 3 && q.top < p.bottom - 3;
  for (const [i, a] of found.entries())
    for (const b of found.slice(i + 1)) {
      const [p, q] = a.frame === b.frame ? [a.box, b.box] : [shown(a), shown(b)];
      if (across(p, q) && down(p, q)) overlaps.push([a.text, b.text]);
    }
  const wide = document.body.scrollWidth;
  const told = { texts: found.length, overlaps, wide, window: innerWidth };
  const note = document.createElement("pre");
  note.id = "told";
  note.textContent = JSON.stringify(told);
  document.body.append(note);
});
</script>"""


def find() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise MissingToolError("no Chromium; install it, such as Debian's chromium")


def look(page: str, folder: Path, width: int) -> dict:
    """What a reader with a window of that width sees; a screenshot stays in the folder."""
    file = folder / "page.html"
    file.write_text(page.replace("</body>", f"{_LOOK}</body>"))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},1000"]
    picture = f"--screenshot={folder / f'page_{width}.png'}"
    for task in ([picture], ["--dump-dom"]):
        done = subprocess.run(
            [find(), *options, f"--user-data-dir={folder / 'profile'}", *task, file.as_uri()],
            capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
    return json.loads(unescape(re.search(r'<pre id="told">(.*?)</pre>', done.stdout)[1]))
