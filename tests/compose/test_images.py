#!/usr/bin/env python3
"""Builds the images that the other tests of this folder run, and the bases that no registry gives. Not a test
of ours alone: ctest runs it before them. Later runs find most in the engine's cache."""

import sys
import time

import engine

BUILD_LIMIT_S = 1200
HERE = engine.SOURCE / "tests/compose/base"


def build(name, *arguments, **options):
    start = time.monotonic()
    # The host's network: its ways to Debian's archive hold for the build.
    engine.run("docker", "build", "--force-rm", "--network", "host", "--tag", name, *arguments,
               limit_s=BUILD_LIMIT_S, **options)
    print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)


def make_base():
    """What is there already is kept and used."""
    engine.run(HERE / "debian.sh", engine.BASE, limit_s=BUILD_LIMIT_S)
    for name, recipe in engine.STAND_INS.items():
        if not engine.has_image(name):
            build(name, "-", input=(HERE / recipe).read_text())


def main():
    engine.skip_without_engine()
    make_base()
    build(engine.DEMO_IMAGE, "--target", "demo", engine.SOURCE)
    build(engine.IMAGE, engine.SOURCE)
    size = engine.run("docker", "image", "inspect", "-f", "{{.Size}}", engine.IMAGE)
    base = engine.run("docker", "image", "inspect", "-f", "{{.Size}}", engine.BASE)
    print(f"size: {int(size) / 1e6:.1f} MB, of which {engine.BASE} {int(base) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
