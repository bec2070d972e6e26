# Sourced by scripts/quickstart and scripts/test: makes .venv if absent and installs with the pins.
# Expects to be in the repository root. PYTHON chooses an interpreter, VENV another environment.

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.12 python3.11 python3.13 python3 python}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  echo "error: expected Python 3.11 or newer, found none (set PYTHON=/path/to/python3.11)" >&2
  return 1
}

# install EXTRA: the project with one of its extras; nothing to do where that is done already.
install() {
  local extra=$1 venv=${VENV:-.venv} stamp wanted
  if [ ! -x "$venv/bin/python" ]; then
    local python
    python=$(find_python) || return 1
    echo "making $venv with $("$python" --version)"
    "$python" -m venv "$venv" || return 1
  fi
  stamp="$venv/.installed-$extra"
  wanted=$(cat pyproject.toml constraints.txt | cksum)
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    echo "installing sbp-jax[$extra] (about a minute)"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
      --constraint constraints.txt --editable ".[$extra]" || return 1
    printf '%s\n' "$wanted" >"$stamp"
  fi
  export PATH="$PWD/$venv/bin:$PATH"
}
