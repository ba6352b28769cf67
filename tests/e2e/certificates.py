"""A private authority and its certificates, for the tests in Python."""

import subprocess


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)


def make_authority(folder):
    """ca.pem and ca.key in the folder."""
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem")


def make_certificate(folder, name, subject, days=2):
    """<name>.pem and <name>.key for a subject such as DNS:localhost; days -1 = it has expired."""
    (folder / f"{name}.cnf").write_text(f"subjectAltName={subject}\n")
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=omnihook test",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", str(days), "-extfile", f"{name}.cnf",
            "-out", f"{name}.pem")
