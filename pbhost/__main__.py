"""``python -m pbhost``."""

from pbhost.cli import main

if __name__ == "__main__":
    main()
