#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# mkbiz.sh OUT.jar NAME VERSION CONTEXT [KEY=VALUE ...]: a module, by its manifest alone (see mkbiz.py)
here=$(cd "$(dirname "$0")" && pwd)
exec python3 "$here/mkbiz.py" --template "$("$here/build.sh" --print-dir)/module.jar" "$@"
