#!/usr/bin/env bash
# quadlet-generator.sh SUITE DEST
#
# Puts the real Podman quadlet generator of a Debian suite at DEST/quadlet: trixie has Podman 5.4, sid the newest.
# Nothing is installed: the package is fetched with a private apt state, from the mirror that apt is set up with, its
# signature checked as usual, and the one binary is taken out of it. No root needed. A second run with DEST/quadlet in
# place only says its version. Tests look for the generator at .leger/quadlet-*/quadlet.
set -euo pipefail

if [ $# -ne 2 ]; then
  echo "usage: quadlet-generator.sh SUITE DEST    (trixie .leger/quadlet-5.4, or sid .leger/quadlet-new)" >&2
  exit 2
fi
suite=$1
dest=$2

if [ -x "$dest/quadlet" ] && version=$("$dest/quadlet" -version); then
  echo "quadlet $version is already at $dest/quadlet"
  exit 0
fi

for program in apt-get dpkg dpkg-deb; do
  command -v "$program" >/dev/null || { echo "quadlet-generator.sh needs $program (a Debian system)" >&2; exit 3; }
done
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v -e security -e updates | sort -u | head -n 1)
[ -n "$mirror" ] || { echo "apt has no package source configured" >&2; exit 3; }
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || { echo "$keyring is missing: install debian-archive-keyring" >&2; exit 3; }

state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/etc/apt.conf.d" "$state/etc/preferences.d"
touch "$state/status"
echo "deb [signed-by=$keyring] $mirror $suite main" >"$state/etc/sources.list"

cat >"$state/apt.conf" <<CONF
APT::Architecture "$(dpkg --print-architecture)";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Dir::Cache "$state/cache";
Dir::State "$state";
Dir::State::lists "$state/lists";
Dir::State::status "$state/status";
Dir::Etc "$state/etc";
Dir::Etc::sourcelist "$state/etc/sources.list";
Dir::Etc::sourceparts "-";
CONF
export APT_CONFIG="$state/apt.conf"

apt-get -qq update
(cd "$state" && apt-get -qq download podman)
dpkg-deb --fsys-tarfile "$state"/podman_*.deb | tar -x -C "$state" ./usr/libexec/podman/quadlet
mkdir -p "$dest"
install -m 0755 "$state/usr/libexec/podman/quadlet" "$dest/quadlet.new"
mv "$dest/quadlet.new" "$dest/quadlet"
echo "quadlet $("$dest/quadlet" -version) from $suite is at $dest/quadlet"
