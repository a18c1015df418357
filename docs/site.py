"""What mkdocs needs to know of pages outside docs/: the READMEs of the examples and the changes become pages too."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
#: Links of the pages, as they work in a checkout, to pages of the site.
_TO_EXAMPLE = re.compile(r"\]\(\.\./examples/plugins/(\w+)(?:/README\.md)?/?\)")
_TO_ROOT = re.compile(r"\]\((?:\.\./)+(docs/|CHANGELOG\.md)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that lie outside ``docs/``."""
    for readme in sorted(ROOT.glob("examples/plugins/*/README.md")):
        path = f"examples/plugins/{readme.parent.name}.md"
        page = File.generated(config, path, content=readme.read_text())
        page.inclusion = InclusionLevel.NOT_IN_NAV
        files.append(page)
    files.append(File.generated(config, "CHANGELOG.md", content=(ROOT / "CHANGELOG.md").read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turns links to files of the checkout into links to their pages."""
    if page.file.src_uri.startswith("examples/plugins/"):
        markdown = _TO_ROOT.sub(lambda match: f"](../../{match[1].removeprefix('docs/')}", markdown)
        return re.sub(r"\]\(\.\./(\w+)(?:/README\.md)?/?\)", r"](\1.md)", markdown)
    markdown = _TO_EXAMPLE.sub(r"](examples/plugins/\1.md)", markdown)
    return _TO_ROOT.sub(lambda match: f"]({match[1].removeprefix('docs/')}", markdown)
