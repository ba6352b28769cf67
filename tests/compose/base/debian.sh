#!/usr/bin/env bash
# A stand-in for the image debian:trixie-slim, for machines that reach Debian's archive but no image registry:
# debootstrap's smallest trixie, without what "slim" leaves out, imported under the same name. An image of that
# name which is there already is kept and used.
# usage: debian.sh IMAGE
set -euo pipefail
image=$1
! docker image inspect "$image" >/dev/null 2>&1 || exit 0

folder=$(mktemp -d "${TMPDIR:-/var/tmp}/omnihook-base.XXXXXX")
trap 'rm -rf "$folder"' EXIT
root=$folder/root

# Whatever archive this machine uses; the first one that it lists is the distribution itself.
archive=$(apt-get indextargets --format '$(SITE)' 2>/dev/null | head -1)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
debootstrap --variant=minbase --keyring="$keys" trixie "$root" "${archive:-http://deb.debian.org/debian}" >"$folder/log" ||
    { tail -20 "$folder/log" >&2; exit 1; }

# As the official image: no documents, no translations, lists and packages are not kept.
cat >"$root/etc/dpkg/dpkg.cfg.d/docker" <<'END'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
END
find "$root/usr/share/doc" -type f ! -name copyright -delete
find "$root/usr/share/doc" -type l ! -name copyright -delete
find "$root/usr/share/doc" -type d -empty -delete
rm -rf "$root"/usr/share/{info,locale,man}/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/log/*
cat >"$root/etc/apt/apt.conf.d/docker-clean" <<'END'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Apt::AutoRemove::SuggestsImportant "false";
END
# How this machine's apt reaches the archive holds for builds on it too (proxies, archives without dates).
cat /etc/apt/apt.conf.d/* 2>/dev/null | grep -E '^Acquire::(http|https|Check|Retries)' >"$root/etc/apt/apt.conf.d/99stand-in" || true
rm -f "$root/etc/hostname" "$root/etc/resolv.conf"

tar -C "$root" --numeric-owner -c . | docker import --change 'CMD ["bash"]' - "$image" >/dev/null
