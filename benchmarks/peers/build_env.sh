#!/usr/bin/env bash
# build_env.sh NAME: an environment for one peer at .venv-peers/NAME, from the pins in NAME.txt beside this script.
#
# Prints the path of its Python. Does nothing when the environment there was built from the same pins.
# Pins after a line "# without dependencies" are installed as they are: what they say they need would bring
# packages that the timed work never imports. torchaudio's compiled parts want CUDA beside a torch for CPU, and are
# removed; the rest of it is Python. PYTHON chooses the interpreter (default python3), PEERS another folder than
# .venv-peers.
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
    install() { "$environment/bin/python" -m pip --disable-pip-version-check install --quiet "$@" >&2; }
    sed '/^# without dependencies/,$d' "$pins" > "$environment/plain.txt"
    sed '1,/^# without dependencies/d' "$pins" > "$environment/bare.txt"
    install --requirement "$environment/plain.txt"
    [ ! -s "$environment/bare.txt" ] || install --no-deps --requirement "$environment/bare.txt"
    rm -f "$environment"/lib/python3*/site-packages/torchaudio/lib/*.so
    cp "$pins" "$environment/built-from.txt" # written last: its presence says that the build was completed
fi
echo "$environment/bin/python"
