"""The Debian package: what is in it, and what happens when it is installed, used and purged.

It is made of the programs under test. It is installed in this machine's own system, under an overlay that takes all
writes and is thrown away: so with the real dpkg and the real libraries, in seconds. That takes root.

Usage: test_package.py <folder of the programs>
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from programs import BIN

ROOT = pathlib.Path(__file__).parents[2]
BUILD = BIN.parent
LIMIT_S = 240
SCORE_MAX = 2.0
PROGRAMS = ("omnihook", "omnihook-api", "omnihook-worker")
UNITS = ("omnihook-api.service", "omnihook-api.socket", "omnihook-worker.service")


def run(*command, **more):
    result = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False, **more)
    assert result.returncode == 0, f"{command}: exit {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


def make_package(folder):
    run("cpack", "-G", "DEB", "--config", str(BUILD / "CPackConfig.cmake"), "-B", str(folder), cwd=BUILD)
    packages = list(pathlib.Path(folder).glob("omnihook_*.deb"))
    assert len(packages) == 1, packages
    return packages[0]


# In the overlay. $1: a folder for it, $2: what to run there, in a mount namespace that ends with it.
IN_OVERLAY = """set -e
mount -t tmpfs -o mode=755 none "$1"
mkdir "$1/up" "$1/work" "$1/root"
mount -t overlay none -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root"
mount -t proc none "$1/root/proc"
mount -t tmpfs none "$1/root/run"
mount -t tmpfs none "$1/root/tmp"
mount --bind /dev "$1/root/dev"
cp "$3" "$1/root/tmp/omnihook.deb"
exec chroot "$1/root" bash -c "$2"
"""

# Says each step, so that a failure has its place.
LIFE = r"""set -euo pipefail
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
as_service() { runuser -u omnihook -- env -i PATH=/usr/bin $(grep -v '^#' /etc/omnihook/omnihook.env) "$@"; }
step() { echo "== $*"; }
dpkg() { command dpkg --no-triggers --force-unsafe-io "$@"; } # no index of manual pages, no waiting for a disk

step install
dpkg --install /tmp/omnihook.deb
dpkg-query -W -f '${Status} ${Version}\n' omnihook
stat -c '%A %U %G %n' /etc/omnihook /etc/omnihook/*

step programs
for program in omnihook omnihook-api omnihook-worker; do $program --version; done

step settings
printf secret >/etc/omnihook/acme.token
chmod 640 /etc/omnihook/acme.token
chgrp omnihook /etc/omnihook/acme.token
as_service omnihook-api --check-config
as_service omnihook-worker --check-config
! runuser -u nobody -- cat /etc/omnihook/settings.json 2>&1

step units
systemd-analyze verify --man=no /usr/lib/systemd/system/omnihook-*.service /usr/lib/systemd/system/omnihook-api.socket

step run
redis-server --port 0 --save '' --unixsocket /tmp/redis.sock --unixsocketperm 777 --dir /tmp >/tmp/redis.log & redis=$!
for i in $(seq 500); do [ -S /tmp/redis.sock ] && break; sleep 0.02; done
variables="REDIS_URL=unix:///tmp/redis.sock?db=0 OMNIHOOK_OPS_LISTEN=off OMNIHOOK_LISTEN=unix:/tmp/api.sock"
chmod 1777 /tmp
as_service env $variables omnihook-api 2>/tmp/api.log & api=$!
for i in $(seq 500); do [ -S /tmp/api.sock ] && break; sleep 0.02; done
curl -sS --unix-socket /tmp/api.sock http://localhost/api/v1/oms/setup/webhooks/get_async_status/; echo
as_service env $variables omnihook status
kill $(pgrep -x omnihook-api) # of this PID namespace, that is
wait $api
kill $redis
wait $redis

step upgrade
echo 'OMNIHOOK_LOG_LEVEL=debug' >>/etc/omnihook/omnihook.env
dpkg --install --force-confold /tmp/omnihook.deb
grep LOG_LEVEL /etc/omnihook/omnihook.env

step remove
dpkg --remove omnihook
ls /etc/omnihook
! ls /usr/bin/omnihook* 2>/dev/null

step purge
rm /etc/omnihook/acme.token
dpkg --purge omnihook
! ls -d /etc/omnihook /usr/share/doc/omnihook /usr/lib/systemd/system/omnihook* 2>/dev/null
! dpkg-query -W omnihook 2>/dev/null
step end
"""


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.package = make_package(cls.folder / "package")

    def contents(self):
        """{path: (mode, owner)} of the files and folders."""
        lines = run("dpkg-deb", "--contents", str(self.package)).splitlines()
        found = (re.fullmatch(r"(\S{10}) (\S+) +\d+ \S+ \S+ \.(/.*)", line).groups() for line in lines)
        return {path: (mode, owner) for mode, owner, path in found}

    def test_files(self):
        contents = self.contents()
        wanted = {f"/usr/bin/{name}" for name in PROGRAMS} | {f"/usr/lib/systemd/system/{unit}" for unit in UNITS}
        wanted |= {"/usr/lib/sysusers.d/omnihook.conf", "/etc/omnihook/omnihook.env", "/etc/omnihook/settings.json",
                   "/usr/share/bash-completion/completions/omnihook", "/usr/share/zsh/vendor-completions/_omnihook",
                   "/usr/share/man/man1/omnihook.1", "/usr/share/man/man8/omnihook-api.8",
                   "/usr/share/man/man8/omnihook-worker.8"}
        documents = "/usr/share/doc/omnihook"
        wanted |= {f"{documents}/{path.name}" for path in (ROOT / "docs").glob("*.md")}
        wanted |= {f"{documents}/LICENSE", f"{documents}/README.md"}
        wanted |= {f"{documents}/examples/{name}" for name in ("alerts.yml", "omnihook.json", "settings.json")}
        wanted |= {f"{documents}/examples/kubernetes/{path.name}" for path in (ROOT / "deploy" / "kubernetes").iterdir()}
        self.assertEqual({path for path in contents if not path.endswith("/")}, wanted)
        for path, (mode, owner) in contents.items():
            kind = ("drwxr-xr-x" if path.endswith("/") else "-rwxr-xr-x" if path.startswith("/usr/bin/")
                    else "-rw-r-----" if path.startswith("/etc/") else "-rw-r--r--")
            self.assertEqual((mode, owner), (kind, "root/root"), path)

    def test_control(self):
        control = self.folder / "control"
        run("dpkg-deb", "--control", str(self.package), str(control))
        self.assertEqual(sorted(path.name for path in control.iterdir()),
                         ["conffiles", "control", "md5sums", "postinst", "prerm"])
        self.assertEqual((control / "conffiles").read_text().split(),
                         sorted(path for path in self.contents() if path.startswith("/etc/") and path[-1] != "/"))
        for script in ("postinst", "prerm"):
            self.assertEqual((control / script).stat().st_mode & 0o777, 0o755)
        depends = run("dpkg-deb", "--field", str(self.package), "Depends")
        for library in ("libc6", "libcurl", "libevent", "libhiredis", "libjansson", "libssl", "ca-certificates"):
            self.assertIn(library, depends)

    def test_units_are_sandboxed(self):
        for unit in UNITS[0], UNITS[2]:
            said = run("systemd-analyze", "security", "--offline=true", "--no-pager",
                       str(ROOT / "deploy" / "systemd" / unit))
            line = said.strip().splitlines()[-1]
            print(line)
            self.assertLess(float(re.search(r": ([0-9.]+) ", line).group(1)), SCORE_MAX)

    @unittest.skipUnless(os.geteuid() == 0, "only root can install a package")
    def test_life(self):
        overlay = self.folder / "overlay"
        overlay.mkdir()
        result = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", IN_OVERLAY, "sh",
                                 overlay, LIFE, self.package], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                stdin=subprocess.DEVNULL, timeout=LIMIT_S, check=False)
        said = result.stdout
        self.assertEqual((result.returncode, said.splitlines()[-1:]), (0, ["== end"]), said)
        steps = dict(re.findall(r"(?ms)^== (\w+)\n(.*?)(?=^== |\Z)", said))
        self.assertIn("install ok installed 0.", steps["install"])
        self.assertIn("drwxr-x--- root omnihook /etc/omnihook\n", steps["install"])
        for name in ("omnihook.env", "settings.json"):
            self.assertIn(f"-rw-r----- root omnihook /etc/omnihook/{name}\n", steps["install"])
        self.assertEqual(re.findall(r"(?m)^(\S+) \d+\.\d+\.\d+$", steps["programs"]), list(PROGRAMS))
        self.assertEqual(steps["settings"].count("configuration ok: 1 account, 1 webhook\n"), 2)
        self.assertIn("Permission denied", steps["settings"])
        self.assertEqual(steps["units"], "")
        self.assertIn("Authentication credentials were not provided.", steps["run"])
        self.assertRegex(steps["run"], r"(?m)^acme +READY")
        self.assertIn("OMNIHOOK_LOG_LEVEL=debug\n", steps["upgrade"])
        self.assertIn("omnihook.env", steps["remove"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
