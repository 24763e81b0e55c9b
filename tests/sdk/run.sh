#!/bin/sh
# run.sh SOURCE BUILD SANDBOX: installs the locked packages below BUILD when they are not there, and runs the test.
# Exit code 77: the packages could not be fetched.
set -eu
source=$1
build=$2
sandbox=$3
mkdir -p "$build"
installed() { [ -f "$build/installed" ] && cmp -s "$source/package-lock.json" "$build/installed"; }
cp "$source/package.json" "$source/package-lock.json" "$source/.npmrc" "$source/sdk_test.mjs" \
  "$source/scenario.mjs" "$build/"
cd "$build"
if ! installed; then
  npm ci --no-audit --no-fund --ignore-scripts || exit 77
  cp package-lock.json installed
fi
exec node sdk_test.mjs "$sandbox"
