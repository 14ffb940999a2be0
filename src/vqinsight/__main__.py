"""``python -m vqinsight``: the command line."""

from vqinsight.cli.main import main

if __name__ == "__main__":
    main()
