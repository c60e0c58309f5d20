"""Lives a life to its end in a process of its own: what the kill tests start and kill.

``python one_life.py FOLDER ROWS``
"""

import sys
from pathlib import Path

from runner_toy import Rows, toy

from sodachi.runner import Life


def main(folder, rows):
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    with Life(
        folder,
        toy(),
        Rows(rows, bad=50),
        predictions=folder / "predictions.csv",
        quarantine=True,
        quarantine_bytes=100_000,
        chunk=32,
        every_rows=64,
    ) as life:
        print("alive", flush=True)
        life.live()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
