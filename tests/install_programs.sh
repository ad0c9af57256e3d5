#!/bin/sh
# Some tests drive Chromium, a PostgreSQL server and a MariaDB server. Install them from the system's packages where that is allowed; else say
# what is missing.
set -u

chromium_is_there() {
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && return 0
  done
  return 1
}

postgresql_is_there() {
  command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

mariadb_is_there() {
  command -v mariadbd >/dev/null 2>&1 || [ -x /usr/sbin/mariadbd ]
}

missing=""
chromium_is_there || missing="$missing chromium"
postgresql_is_there || missing="$missing postgresql"
mariadb_is_there || missing="$missing mariadb-server"
[ -z "$missing" ] && exit 0

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  # shellcheck disable=SC2086 # two words are two packages
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null && exit 0
fi
echo "The tests need what is missing here and cannot be installed from here. Install it, for example:" >&2
echo "  sudo apt-get install$missing" >&2
exit 1
