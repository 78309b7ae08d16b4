#!/bin/bash
# Rückspiegel on a Debian: a virtual environment, a user, a service. Asks nothing; a second run changes nothing.
set -euo pipefail
umask 022

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE PROGRAM=/opt/rueckspiegel SETTINGS=/etc/rueckspiegel STATE=/var/lib/rueckspiegel SERVICE=rueckspiegel
readonly SECRETS=$SETTINGS/credentials UNIT=/etc/systemd/system/$SERVICE.service COMMAND=/usr/local/bin/rueckspiegel
changed=no

usage() {
  cat <<'TEXT'
Usage: install.sh [SOURCE]            install, and start once the settings are there
       install.sh --upgrade [SOURCE]  replace the program by another version of it, older or newer
       install.sh --remove            remove program and service; what they kept stays
SOURCE is a wheel or a checkout; by default the checkout that this script lies in.
TEXT
}

say() { echo "install.sh: $*"; }
did() { changed=yes; say "$*"; }
die() { echo "install.sh: $1" >&2; exit "${2:-1}"; }

main() {
  local task=install
  case ${1-} in
    -h | --help) usage; return ;;
    --upgrade) task=upgrade; shift ;;
    --remove) task=remove; shift ;;
    -*) usage >&2; die "there is no option $1" 2 ;;
  esac
  [ $# -le 1 ] || { usage >&2; die "one source at most" 2; }
  [ "$(id -u)" = 0 ] || die "run it as root, with sudo" 2
  if [ $task = remove ]; then remove; return; fi
  find_source "${1:-$HERE/..}"
  decide $task
  packages
  environment
  user_and_folders
  [ $task = install ] || backup
  link
  settings
  service
  [ $changed = yes ] || say "version $name is installed, nothing was changed"
  next_steps
}

# Where the source is, and the name of what comes of it: version and content, so that equal sources are one installation.
find_source() {
  local version hash
  source=$(realpath "$1")
  version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$HERE/../pyproject.toml")
  if [ -f "$source/pyproject.toml" ]; then
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$source/pyproject.toml")
    hash=$(cd "$source" && find bot handlers data pyproject.toml constraints.txt -type f ! -name '*.pyc' -print0 |
      LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
  else
    case $source in
      */rueckspiegel-"$version"-*.whl) hash=$(sha256sum <"$source") ;;
      *) die "$source is neither a checkout nor a wheel of version $version, which this script belongs to" 2 ;;
    esac
  fi
  name=$version-${hash:0:10}
}

decide() {
  local installed
  installed=$(basename "$(readlink "$PROGRAM/current" || true)")
  case $1 in
    install) [ -z "$installed" ] || [ "$installed" = "$name" ] || die "$installed is installed and this is $name; use --upgrade" ;;
    upgrade) [ -n "$installed" ] || die "nothing is installed here; run it without --upgrade" ;;
  esac
}

packages() {
  python3 -c 'import venv, ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return
  did "installing python3 and python3-venv"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends python3 python3-venv ca-certificates >/dev/null
}

# Beside the one that runs, which stays as it is until this one has been seen to work.
environment() {
  local target=$PROGRAM/$name
  [ ! -e "$target/complete" ] || return 0
  did "installing version $name"
  trap 'rm -rf "$PROGRAM/$name"; echo "install.sh: $name cannot be installed; what was here before was not touched" >&2' EXIT
  rm -rf "$target"
  python3 -m venv "$target"
  "$target/bin/python" -m pip install -qq --disable-pip-version-check --no-cache-dir \
    --constraint "$HERE/../constraints.txt" "${source}[pdf,postgres]"
  (cd / && "$target/bin/rueckspiegel" check >/dev/null)
  touch "$target/complete"
  trap - EXIT
}

user_and_folders() {
  if ! getent passwd $SERVICE >/dev/null; then
    did "making the user $SERVICE"
    useradd --system --user-group --home-dir $STATE --no-create-home --shell /usr/sbin/nologin $SERVICE
  fi
  folder $STATE 0700 $SERVICE
  folder $SETTINGS 0750 root
  folder $SECRETS 0700 root
}

folder() {
  [ -d "$1" ] && return
  did "making $1"
  install -d -m "$2" -o "$3" -g $SERVICE "$1"
}

backup() {
  local file
  if [ "$(readlink $PROGRAM/current)" = "$name" ] || ! systemd_runs; then return; fi
  "$PROGRAM/current/bin/rueckspiegel" backup --help >/dev/null 2>&1 || return 0
  file=$STATE/state/backups/before-$name.backup
  did "backing up into $file"
  rm -f "$file"
  $COMMAND backup "$file"
}

# Keeps the version before, so that going back is as quick.
link() {
  local before other
  before=$(readlink $PROGRAM/current || true)
  [ "$before" != "$name" ] || return 0
  did "version $name takes the place of ${before:-nothing}"
  ln -sfn "$name" $PROGRAM/current
  for other in "$PROGRAM"/*-*/; do
    case $(basename "$other") in "$name" | "$before") ;; *) rm -rf "$other" ;; esac
  done
}

settings() {
  local secret
  [ -e $SETTINGS/rueckspiegel.env ] || place rueckspiegel.env.example $SETTINGS/rueckspiegel.env 0640
  chgrp $SERVICE $SETTINGS/rueckspiegel.env
  if [ ! -e $SECRETS/key ] && [ ! -e $SECRETS/key.cred ]; then
    did "making the key $SECRETS/key"
    "$PROGRAM/current/bin/python" -I -c 'import pathlib, sys, bot.keys; bot.keys.load_keys(pathlib.Path(sys.argv[1]))' $SECRETS/key
  fi
  for secret in telegram-token matrix-password database; do
    [ -e $SECRETS/$secret ] || install -m 0600 /dev/null $SECRETS/$secret
  done
}

service() {
  place rueckspiegel $COMMAND 0755
  place rueckspiegel.service $UNIT 0644
  if ! systemd_runs; then
    say "systemd does not run here: the service lies in $UNIT and was neither enabled nor started"
    return
  fi
  [ $changed = no ] || systemctl daemon-reload
  is_set_up || return 0
  if ! systemctl is-active --quiet $SERVICE; then
    did "starting the service"
    systemctl enable --quiet $SERVICE
    systemctl restart $SERVICE
  elif [ $changed = yes ]; then
    say "restarting the service"
    systemctl restart $SERVICE
  else
    return 0
  fi
  stays_up || die "it does not stay up; \`journalctl -u $SERVICE\` says why"
}

place() {
  cmp -s "$HERE/$1" "$2" && return
  did "writing $2"
  install -D -m "$3" "$HERE/$1" "$2"
}

systemd_runs() { [ -d /run/systemd/system ]; }

is_set_up() {
  ! grep -q '^RUECKSPIEGEL_ACCOUNTS=.' $SETTINGS/rueckspiegel.env || return 0
  grep -q '^RUECKSPIEGEL_CONTACT=.' $SETTINGS/rueckspiegel.env || return 1
  [ -s $SECRETS/telegram-token ] || [ -s $SECRETS/matrix-password ] ||
    [ -e $SECRETS/telegram-token.cred ] || [ -e $SECRETS/matrix-password.cred ] ||
    grep -qE '^RUECKSPIEGEL_(TELEGRAM_TOKEN|MATRIX_PASSWORD)=.' $SETTINGS/rueckspiegel.env
}

# Until the log says that it listens; a start that fails is tried again by systemd, as another process.
stays_up() {
  local process waited
  process=$(systemctl show --property=MainPID --value $SERVICE)
  for ((waited = 0; waited < 60; waited++)); do
    if journalctl --quiet --output=cat _SYSTEMD_UNIT=$SERVICE.service _PID="$process" | grep -qw listening; then return; fi
    [ "$process" = "$(systemctl show --property=MainPID --value $SERVICE)" ] || return 1
    sleep 1
  done
  say "it runs, and has not reached any platform yet"
}

next_steps() {
  if ! is_set_up; then
    say "not started, since settings are missing. Next:"
    say "  1. write RUECKSPIEGEL_CONTACT into $SETTINGS/rueckspiegel.env"
    say "  2. write the bot's token into $SECRETS/telegram-token, or the Matrix password into $SECRETS/matrix-password"
    say "  3. copy $SECRETS/key to where backups do not go"
    say "  4. run this again"
  elif systemd_runs; then
    say "running; \`rueckspiegel doctor\` looks at everything, \`journalctl -u $SERVICE\` shows the log"
  fi
}

remove() {
  if systemd_runs && [ -e $UNIT ]; then
    systemctl disable --now --quiet $SERVICE
  fi
  rm -rf $PROGRAM $UNIT $COMMAND
  ! systemd_runs || systemctl daemon-reload
  say "removed: program, service, command"
  say "left: $STATE (subscriptions, Matrix keys, the union's data), $SETTINGS (settings, secrets, the key), the user $SERVICE"
  say "to erase these as well: rm -rf $STATE $SETTINGS $UNIT.d; userdel $SERVICE"
  say "to end what the README set up beside it: rm -f /etc/cron.d/$SERVICE /etc/systemd/journald.conf.d/$SERVICE.conf"
}

main "$@"
