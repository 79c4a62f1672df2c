#!/usr/bin/env bash
# Changes one expression of the code at a time and asks whether a test notices: «make mutants». Each change is first held
# against the library's own tests; what these let through, against the program's too. The changes that nothing notices
# are in target/mutants/mutants.out/missed.txt, and make this fail. FILES are changed («src/plan/*.rs»; default: all of
# .cargo/mutants.toml), and TESTS hold against them at first (default: all of the library's; «engine::»).
set -euo pipefail
cd "$(dirname "$0")/../.."
tool=$(realpath "${CARGO_MUTANTS:-target/tools/bin/cargo-mutants}")
results=$PWD/target/mutants
mkdir -p "$results"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory "$copy"

# Files of which only a macro tells are not found. The copy tells of them in plain words, to no effect on what is built.
sed -n '/^kinds! {/,/^}/s/^    \([a-z0-9]*\)\( if .*\)\{0,1\},\{0,1\}$/#[cfg(any())] mod \1;/p' src/check/mod.rs >"$copy/kinds"
if ! grep -q 'mod tcp;' "$copy/kinds" || ! grep -q 'mod postgres;' "$copy/kinds"; then
  echo "the list of kinds in src/check/mod.rs is not written as this expects" >&2
  exit 1
fi
cat "$copy/kinds" >>"$copy/src/check/mod.rs"

# Most tests wait for a clock, not for a processor. A mutant may ask for memory without end.
export RUST_TEST_THREADS=16 PROPTEST_CASES=${PROPTEST_CASES:-64}
ulimit -v 12000000
cd "$copy"
if [[ ${FILES:-} ]]; then
  set -f
  # shellcheck disable=SC2086 # several names
  globs=$(printf '"%s", ' $FILES)
  set +f
  rest=$(sed '/^examine_globs = \[/,/^\]/d' .cargo/mutants.toml)
  printf 'examine_globs = [%s]\n%s\n' "$globs" "$rest" >.cargo/mutants.toml
fi
missed=$results/mutants.out/missed.txt
# mutants ARGUMENT…: 0 when it ran, whatever it found (2: some were missed, 3: some took too long, which is noticed too).
mutants() {
  local status=0
  "$tool" mutants --dir "$copy" --output "$results" --colors never "$@" || status=$?
  [[ $status == 0 || $status == 2 || $status == 3 ]]
}
# shellcheck disable=SC2086 # several names
mutants --jobs "${JOBS:-2}" --cargo-arg=--lib -- -- ${TESTS:-}
if [[ -s $missed ]]; then
  # The README's commands need the examples, which are not built here; nothing else is left out.
  unset RUST_TEST_THREADS
  mutants --jobs 1 --iterate --cargo-arg=--lib --cargo-arg=--test=cli -- -- --skip readme::
fi
if [[ -s $missed ]]; then
  echo "no test notices these:" >&2
  cat "$missed" >&2
  exit 1
fi
