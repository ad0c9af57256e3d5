#!/bin/sh
# The browser tests need Chromium. Install it from the system's packages where that is allowed; else say what is missing.
set -u
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null && exit 0
fi
echo "Chromium is missing and cannot be installed from here. Install it, for example:" >&2
echo "  sudo apt-get install chromium" >&2
exit 1
