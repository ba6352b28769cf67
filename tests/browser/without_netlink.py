"""Runs a program that cannot ask the kernel for its network devices: socket(AF_NETLINK) is refused, to it
and to all that it starts.

Chromium breaks off every request (ERR_NETWORK_CHANGED) when an address of the machine comes or goes, as
it does each time that somebody here starts a container. One that cannot see it is left in peace.

Usage: without_netlink.py <program> <argument>...
"""

import ctypes
import os
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_AT, FIRST_ARGUMENT_AT = 0, 16  # in struct seccomp_data
ALLOW, REFUSE_EACCES = 0x7FFF0000, 0x00050000 | 13
AF_NETLINK = 16
SOCKET = {"x86_64": 41, "aarch64": 198}.get(platform.machine())  # the number of the system call

PROGRAM = b"".join(struct.pack("HBBI", *instruction) for instruction in (
    (LOAD, 0, 0, NUMBER_AT),
    (JUMP_IF_EQUAL, 0, 3, SOCKET or 0),
    (LOAD, 0, 0, FIRST_ARGUMENT_AT),
    (JUMP_IF_EQUAL, 0, 1, AF_NETLINK),
    (RETURN, 0, 0, REFUSE_EACCES),
    (RETURN, 0, 0, ALLOW)))


class Filter(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("program", ctypes.c_char_p)]


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    filters = Filter(len(PROGRAM) // 8, PROGRAM)
    if SOCKET and (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                   or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filters)) != 0):
        print(f"no filter: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
