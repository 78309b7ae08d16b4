"""`python -m tests.matrix.homeserver --install` prepares the environment, so that no test has to wait for it."""

from __future__ import annotations

import argparse

from tests.matrix.homeserver.installing import ensure_installed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix.homeserver", description=__doc__)
    parser.add_argument("--install", action="store_true", required=True, help="make the environment unless it is there")
    parser.parse_args()
    ensure_installed()


if __name__ == "__main__":
    main()
