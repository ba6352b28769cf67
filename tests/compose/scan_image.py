#!/usr/bin/env python3
"""Walks every file of an image and lists those that neither a Debian package nor we have put there.
usage: scan_image.py IMAGE: prints them, each with where it comes from; ends with 1 when that is not known."""

import fnmatch
import subprocess
import sys
import tarfile

# What the Dockerfile puts there.
OURS = ("usr/bin/omnihook", "usr/bin/omnihook-api", "usr/bin/omnihook-worker", "usr/share/doc/omnihook/copyright")

# Made while packages are installed, or by whoever makes the base image.
GENERATED = {
    ".dockerenv": "the engine",
    "dev/*": "the engine",
    "etc/hostname": "the engine",
    "etc/hosts": "the engine",
    "etc/mtab": "the engine",
    "etc/resolv.conf": "the engine",
    "etc/.pwd.lock": "base-passwd",
    "etc/alternatives/*": "update-alternatives",
    "etc/apt/apt.conf.d/docker-*": "the base image",
    "etc/apt/apt.conf.d/99stand-in": "the base image's stand-in",
    "etc/apt/sources.list": "the base image",
    "etc/apt/sources.list.d/*": "the base image",
    "etc/ca-certificates.conf": "ca-certificates",
    "etc/dpkg/dpkg.cfg.d/docker*": "the base image",
    "etc/dpkg/origins/default": "base-files",
    "etc/fstab": "the base image",
    "etc/motd": "base-files",
    "etc/security/opasswd": "libpam-modules",
    "etc/systemd/system/timers.target.wants/*": "deb-systemd-helper",
    "usr/local/man": "base-files",
    "var/spool/mail": "base-files",
    "etc/environment": "libpam-modules",
    "etc/group": "base-passwd",
    "etc/gshadow": "passwd",
    "etc/ld.so.cache": "ldconfig",
    "etc/localtime": "tzdata",
    "etc/machine-id": "the base image",
    "etc/nsswitch.conf": "base-files",
    "etc/pam.d/common-*": "pam-auth-update",
    "etc/passwd": "base-passwd",
    "etc/profile": "base-files",
    "etc/rc?.d/*": "update-rc.d",
    "etc/shadow": "passwd",
    "etc/shells": "debianutils",
    "etc/ssl/certs/*": "update-ca-certificates",
    "etc/sub?id": "passwd",
    "etc/timezone": "tzdata",
    "root/.bashrc": "base-files",
    "root/.profile": "base-files",
    "usr/bin/*awk": "update-alternatives",
    "usr/bin/pager": "update-alternatives",
    "usr/bin/which": "update-alternatives",
    "usr/sbin/rmt": "update-alternatives",
    "usr/share/info/dir": "base-files",
    "usr/share/dict/words": "update-alternatives",
    "usr/share/man/*": "update-alternatives",
    "usr/lib/locale/*": "libc-bin",
    "var/lib/apt/*": "apt",
    "var/lib/dpkg/*": "dpkg",
    "var/lib/pam/*": "pam-auth-update",
    "var/lib/shells.state": "debianutils",
    "var/lib/systemd/*": "deb-systemd-helper",
    "var/lib/ucf/*": "ucf",
    "var/cache/*": "packages",
    "var/log/*": "packages",
    "bin": "usrmerge", "lib": "usrmerge", "lib64": "usrmerge", "sbin": "usrmerge",
    "lib32": "usrmerge", "libx32": "usrmerge",
}


def merged(path):
    """Of a path of before /usr was merged: where it is now."""
    path = path.strip("/")
    first = path.split("/")[0]
    return f"usr/{path}" if "/" in path and first in ("bin", "sbin", "lib", "lib32", "lib64", "libx32") else path


def files_of(image):
    """({path: size} of everything that is no folder, the paths that dpkg knows)"""
    container = subprocess.run(["docker", "create", image], check=True, capture_output=True, text=True).stdout.strip()
    try:
        found, owned = {}, set()
        with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export, \
                tarfile.open(fileobj=export.stdout, mode="r|") as archive:
            for entry in archive:
                path = entry.name.strip("/")
                if not entry.isdir():
                    found[path] = entry.size
                if path.startswith("var/lib/dpkg/info/") and path.endswith(".list"):
                    owned |= {merged(line) for line in archive.extractfile(entry).read().decode().split("\n")}
        return found, owned
    finally:
        subprocess.run(["docker", "rm", container], check=True, capture_output=True)


def strangers(image):
    """({path: where it comes from, or None}, how many files there are, how many are Debian's)"""
    found, owned = files_of(image)
    rest = {}
    for path in sorted(found):
        if merged(path) not in owned and path not in OURS:
            rest[path] = next((origin for pattern, origin in GENERATED.items()
                               if fnmatch.fnmatchcase(path, pattern)), None)
    missing = [path for path in OURS if path not in found]
    assert not missing, f"the image does not have {missing}"
    return rest, len(found), sum(merged(path) in owned for path in found)


def main(image):
    rest, count, debians = strangers(image)
    print(f"{image}: {count} files, {debians} of Debian's packages, {len(OURS)} ours, {len(rest)} others:")
    groups = {}
    for path, origin in rest.items():
        shown = path if not path.startswith(("var/lib/dpkg/", "etc/ssl/certs/")) else path.rsplit("/", 1)[0] + "/*"
        groups.setdefault(shown, [origin, 0])[1] += 1
    for shown, (origin, number) in groups.items():
        print(f"  /{shown}{f' ({number})' if number > 1 else ''}: {origin or 'FROM NOBODY KNOWN'}")
    unknown = [path for path, origin in rest.items() if origin is None]
    if unknown:
        print("of unknown origin: " + " ".join(unknown), file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
