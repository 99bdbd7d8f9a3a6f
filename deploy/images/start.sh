#!/bin/sh
# The entry point of the images: compiled kernels go where Numba can write, which it insists on, and the command takes this process's place.
[ -d "$NUMBA_CACHE_DIR" ] || cp -R /opt/ats/kernels "$NUMBA_CACHE_DIR" 2>/dev/null || true
exec "$@"
