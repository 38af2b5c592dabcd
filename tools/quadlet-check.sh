#!/usr/bin/env bash
# quadlet-check.sh GENERATOR DIR
#
# Asks the real judges whether the units in DIR start: the quadlet generator turns them into services (as a user's, the
# rootless case), then systemd-analyze verifies those. Exit 0: both accept. 1: one refuses, its words on stderr.
# 2: wrong call, or nothing in DIR was a unit. The generator's warnings are shown in any case.
# Needs neither Podman nor a running systemd.
set -euo pipefail

if [ $# -ne 2 ] || [ ! -d "$2" ]; then
  echo "usage: quadlet-check.sh GENERATOR DIR" >&2
  exit 2
fi
# Absolute: the generator skips a relative directory and exits 0.
generator=$(realpath "$1")
units=$(realpath "$2")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -m 0700 "$work/run"
mkdir "$work/services"

# PODMAN: the services name a program that exists here; what they would run is not looked at.
PODMAN=/bin/true QUADLET_UNIT_DIRS="$units" "$generator" -user -no-kmsg-log "$work/services" || exit 1

shopt -s nullglob
services=("$work"/services/*.service)
if [ ${#services[@]} -eq 0 ]; then
  echo "$units: no unit files" >&2
  exit 2
fi
# A template can only be verified through an instance of it.
verified=()
for service in "${services[@]}"; do
  if [[ $service == *@.service ]]; then
    cp "$service" "${service%.service}instance.service"
    service=${service%.service}instance.service
  fi
  verified+=("$service")
done
XDG_RUNTIME_DIR="$work/run" systemd-analyze --user --man=no --recursive-errors=one verify "${verified[@]}" || exit 1
