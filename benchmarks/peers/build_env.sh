#!/usr/bin/env bash
# build_env.sh NAME: an environment for one peer at .venv-peers/NAME, from the pins in NAME.txt beside this script.
#
# Prints the path of its Python. Does nothing when the environment there was built from the same pins.
# PYTHON chooses the interpreter (default python3), PEERS another folder than .venv-peers.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
name="${1:?usage: build_env.sh NAME, where NAME.txt lies beside this script}"
pins="$here/$name.txt"
[ -f "$pins" ] || { echo "build_env.sh: no pins at $pins" >&2; exit 2; }
folder="${PEERS:-$here/../../.venv-peers}"
mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
[ -f "$folder/.gitignore" ] || echo '*' > "$folder/.gitignore"
environment="$folder/$name"

if ! cmp -s "$pins" "$environment/built-from.txt"; then
    rm -rf "$environment"
    "${PYTHON:-python3}" -m venv "$environment"
    "$environment/bin/python" -m pip --disable-pip-version-check install --quiet --requirement "$pins" >&2
    cp "$pins" "$environment/built-from.txt" # written last: its presence says that the build was completed
fi
echo "$environment/bin/python"
