"""Put the tables that commands wrote as NAME-KEY.md into the pages: python docs/quote_tables.py FOLDER PAGE ...

A page holds each table between <!-- table NAME --> and <!-- end of table -->; of several files of one NAME the newest
counts, and tables FOLDER does not have stay as they are. With `spinscape redraw STORE --out FOLDER` before it, a page
is up to date with a results file.
"""

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"(<!-- table ([\w-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def main(folder: Path, pages: list[Path]) -> None:
    """Replace every block whose table exists."""

    def quoted(match: re.Match[str]) -> str:
        found = sorted(folder.glob(f"{match[2]}-{'[0-9a-f]' * 8}.md"), key=lambda path: path.stat().st_mtime)
        return f"{match[1]}{found[-1].read_text(encoding='utf-8')}{match[3]}" if found else match[0]

    for page in pages:
        page.write_text(BLOCK.sub(quoted, page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
