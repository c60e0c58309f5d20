"""``python -m sodachi`` is the command line."""

from sodachi.face.cli import main

if __name__ == "__main__":
    main()
