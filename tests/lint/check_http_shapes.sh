#!/usr/bin/env bash
# docs/http-api.md shows the table of request shapes that the tests run.
exec python3 "$(dirname "$0")/http_shapes.py"
