"""Draw the app's PNG icons from its SVG ones: `python tools/icons.py`.

Developers run it after a change of a drawing.
"""

from pathlib import Path

from playwright.sync_api import sync_playwright

ICONS = Path(__file__).resolve().parent.parent / "mobile_api/citizen_app/icons"
DRAWN = (
    ("icon.svg", "icon-192.png", 192),
    ("icon.svg", "icon-512.png", 512),
    ("icon-maskable.svg", "icon-maskable-512.png", 512),
)


def main() -> None:
    """Write each PNG beside its SVG, with a transparent ground."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium-headless-shell", args=["--no-sandbox"]
        )
        for source, target, size in DRAWN:
            page = browser.new_page(viewport={"width": size, "height": size})
            svg = (ICONS / source).read_text("utf-8")
            page.set_content(
                f"<style>*{{margin:0}}svg{{display:block;width:{size}px}}</style>{svg}"
            )
            page.screenshot(path=ICONS / target, omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
