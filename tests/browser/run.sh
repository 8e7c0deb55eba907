#!/usr/bin/env bash
# The customer's pages in a real browser: every flow in both languages, with and without JavaScript, on a phone, a desk
# and at 200 %, light and dark. Needs Node 20, npm and Chromium (CHROMIUM=/path if it is not /usr/bin/chromium).
# Everything it makes is under target/browser; the screenshots are in target/browser/screenshots.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
work=$root/target/browser

cargo build --quiet --bin apropos-local
mkdir -p "$work"
cp tests/browser/package.json tests/browser/package-lock.json tests/browser/.npmrc "$work/"
(cd "$work" && npm ci --silent --no-audit --no-fund)
rm -rf "$work/screenshots" "$work/data" "$work/suite"
# Modules are looked for beside the file that names them.
cp -r tests/browser "$work/suite"
exec node "$work/suite/run.mjs" "$target/debug/apropos-local" "$work" "$@"
