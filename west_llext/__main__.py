# SPDX-License-Identifier: Apache-2.0
"""`python -m west_llext VERB`: the command line where there is no west."""

import sys

from west_llext.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
