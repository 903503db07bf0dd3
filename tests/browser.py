"""A page in headless Chromium: what stands in it, what its console says, and how wide it is."""

from __future__ import annotations

import dataclasses
import html
import json
import re
import shutil
import subprocess
from pathlib import Path

from tests.tools import missing

_COMMANDS = ("chromium", "chromium-browser", "google-chrome")
# Measures the page from a frame around it, since the page itself runs no script.
_PROBE = """<!doctype html><meta charset="utf-8"><style>body{{margin:0}}
iframe{{border:0;width:{width}px;height:900px}}</style>
<iframe id="page" src="{source}"></iframe><pre id="told"></pre><script>
addEventListener("load", () => {{ const page = document.getElementById("page").contentDocument;
  const told = {{ width: page.documentElement.scrollWidth,
    sections: [...page.querySelectorAll("section")].map(one => one.id),
    charts: page.querySelectorAll("figure svg").length, text: page.body.innerText, scripts: page.scripts.length,
    handlers: [...page.querySelectorAll("*")].filter(one => [...one.attributes].some(a => a.name.startsWith("on"))).length,
    outside: page.defaultView.performance.getEntriesByType("resource").length,
    paper: page.defaultView.getComputedStyle(page.body).backgroundColor }};
  document.getElementById("told").textContent = JSON.stringify(told); }});
</script>"""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a browser shows of a page.

    Args:
        width: How wide its content is, in pixels.
        sections: The ids of its sections.
        charts: The number of its charts.
        text: Its visible text.
        scripts: The number of its scripts, and of elements with handlers.
        outside: The number of resources that it asks for.
        paper: The colour of its background.
        console: What was written to the console.
    """

    width: int
    sections: list[str]
    charts: int
    text: str
    scripts: int
    outside: int
    paper: str
    console: list[str]


def see(page: Path, folder: Path, width: int, dark: bool = False) -> Seen:
    """Opens a page as wide as `width` pixels, without a network.

    Args:
        page: The HTML file.
        folder: Where to write.
        width: The width of the window.
        dark: Whether the person prefers dark colours.
    """
    command = next((found for name in _COMMANDS if (found := shutil.which(name))), None)
    if command is None:
        missing("Chromium", "chromium")
    probe = folder / f"probe-{width}-{dark}.html"
    probe.write_text(_PROBE.format(width=width, source=page.as_uri()), encoding="utf-8")
    ended = subprocess.run(
        [
            command,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--allow-file-access-from-files",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={max(width, 600)},1000",
            "--virtual-time-budget=5000",
            "--dump-dom",
            probe.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    probed = re.search(r'<pre id="told">(.*?)</pre>', ended.stdout, re.DOTALL)
    assert probed, ended.stdout[-2000:] + ended.stderr[-2000:]
    told = json.loads(html.unescape(probed[1]))
    console = [line for line in ended.stderr.splitlines() if ":CONSOLE" in line]
    scripts = told["scripts"] + told["handlers"]
    return Seen(
        told["width"], told["sections"], told["charts"], told["text"], scripts, told["outside"], told["paper"], console
    )
