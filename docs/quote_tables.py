"""Put the tables that commands wrote as NAME.md into the pages: python docs/quote_tables.py FOLDER PAGE ...

A page holds each table between <!-- table NAME --> and <!-- end of table -->; tables FOLDER does not have stay as they
are. With `spinscape redraw STORE --out FOLDER` before it, a page is up to date with a results file.
"""

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"(<!-- table ([\w-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def main(folder: Path, pages: list[Path]) -> None:
    """Replace every block whose table exists."""

    def quoted(match: re.Match[str]) -> str:
        source = folder / f"{match[2]}.md"
        return f"{match[1]}{source.read_text(encoding='utf-8')}{match[3]}" if source.exists() else match[0]

    for page in pages:
        page.write_text(BLOCK.sub(quoted, page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
