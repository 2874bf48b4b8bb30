#!/usr/bin/env bash
# Vendor Eigen's headers, unmodified, from its registry package, or check the vendored tree.
#   update-eigen.sh            download the pinned wheel, verify its checksum, replace eigen/, rewrite the manifest
#   update-eigen.sh --check    verify that eigen/ still is the tree the manifest records
set -euo pipefail
cd "$(dirname "$0")"
PACKAGE="eigency==5.0.1.1"
SHA256="5a34a04a6039e067b7fe5ed4b876522fdbab81383b2f9286e94e45e15ae50676"

tree_hash() { (cd eigen && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1); }

if [[ "${1:-}" == "--check" ]]; then
  recorded=$(sed -n 's/^tree sha256: //p' eigen-manifest.txt)
  [[ "$(tree_hash)" == "$recorded" ]] || { echo "eigen/ differs from its manifest" >&2; exit 1; }
  echo "eigen/ matches its manifest"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --no-deps --python-version 3.11 --only-binary :all: --dest "$work" "$PACKAGE"
wheel=$(ls "$work"/*.whl)
echo "$SHA256  $wheel" | sha256sum --check --quiet
python3 -m zipfile -e "$wheel" "$work/unpacked"
rm -rf eigen
cp -r "$work/unpacked/eigency/eigen" eigen
sed -i "s/^tree sha256: .*/tree sha256: $(tree_hash)/" eigen-manifest.txt
echo "vendored $PACKAGE"
