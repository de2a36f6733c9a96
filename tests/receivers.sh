#!/usr/bin/env bash
# Notifications, received by real programs: rsyslogd (socket, UDP, TCP, TLS), aiosmtpd
# (STARTTLS, login) and promtool. Installs what is missing where it may; everything that it
# starts listens on loopback and ends with it.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v rsyslogd >/dev/null || ! command -v promtool >/dev/null \
    || ! ls /usr/lib/*/rsyslog/lmnsd_ossl.so >/dev/null 2>&1; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y -o DPkg::Lock::Timeout=300 \
    --no-install-recommends rsyslog rsyslog-openssl prometheus openssl python3-venv >/dev/null
fi
tools=$(.ci/python)
# $DPBACKUP names a binary that is built already, as `cargo test` leaves one behind.
dpbackup=${DPBACKUP:-$PWD/target/debug/dpbackup}
[ -n "${DPBACKUP:-}" ] || cargo build --locked --quiet --bin dpbackup

home=$(mktemp -d)
started=()
finish() {
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$home"
}
trap finish EXIT
cd "$home"
fail() { echo "FAILED: $*" >&2; for log in ./*.log; do echo "== $log" >&2; tail -n 20 "$log" >&2; done; exit 1; }

free_ports() {
  python3 - "$1" <<'PY'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in sockets: one.bind(("127.0.0.1", 0))
print(*[one.getsockname()[1] for one in sockets])
PY
}
read -r udp tcp tls smtp < <(free_ports 4)

# --- An authority, and a certificate for localhost ---------------------------------------
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=authority of the tests" \
  -keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout key.pem -out request.pem 2>/dev/null
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out cert.pem \
  -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n') 2>/dev/null

# --- rsyslogd -----------------------------------------------------------------------------
cat > rsyslog.conf <<CONF
global(workDirectory="$home" defaultNetstreamDriver="ossl"
  defaultNetstreamDriverCAFile="$home/ca.pem" defaultNetstreamDriverCertFile="$home/cert.pem"
  defaultNetstreamDriverKeyFile="$home/key.pem")
# Without this line rsyslog takes what comes by a local socket for the older format.
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
module(load="imptcp")
# What was parsed, not what came: app-name, msgid, one parameter, the message.
template(name="parsed" type="string" string="%inputname%|%app-name%|%msgid%|%structured-data%|%msg%\n")
ruleset(name="write") { action(type="omfile" file="$home/received" template="parsed") }
input(type="imuxsock" Socket="$home/log" UseSpecialParser="off" Ruleset="write")
input(type="imudp" Address="127.0.0.1" Port="$udp" Ruleset="write")
input(type="imptcp" Address="127.0.0.1" Port="$tcp" Ruleset="write")
input(type="imtcp" Address="127.0.0.1" Port="$tls" Ruleset="write")
CONF
rsyslogd -n -i "$home/rsyslogd.pid" -f "$home/rsyslog.conf" > rsyslogd.log 2>&1 &
started+=($!)

# --- aiosmtpd -----------------------------------------------------------------------------
cat > mail.py <<'PY'
import ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

class Handler:
    async def handle_DATA(self, server, session, envelope):
        with open("mails", "ab") as file:
            file.write(b"TLS %s LOGIN %s\r\n" % (str(session.ssl is not None).encode(), str(session.authenticated).encode()))
            file.write(envelope.content + b"\r\n=====\r\n")
        return "250 queued by aiosmtpd"

def login(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"dp", b"mail-secret"))

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain("cert.pem", "key.pem")
Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]), tls_context=context, require_starttls=True,
           auth_required=True, auth_require_tls=True, authenticator=login).start()
time.sleep(600)
PY
"$tools/python" mail.py "$smtp" > aiosmtpd.log 2>&1 &
started+=($!)

for _ in $(seq 100); do
  [ -S log ] && (exec 3<>"/dev/tcp/127.0.0.1/$smtp") 2>/dev/null \
    && (exec 3<>"/dev/tcp/127.0.0.1/$tls") 2>/dev/null && break
  sleep 0.1
done
[ -S log ] || fail "rsyslogd does not listen"

# --- dpbackup -----------------------------------------------------------------------------
printf 'mail-secret\n' > password
chmod 600 password
plan_file() {
  cat > plans.toml <<TOML
[settings]
store = "store"
min_free_store = "1 MiB"
history = "history.db"

[[device]]
name = "AWAY"
host = "127.0.0.1"
port = 1
username = "backup"
password = { file = "password" }
tls = { verify = false }

[[plan]]
name = "Night \"]\\\\ Größe"
syslog = true
email = $2
[[plan.activity]]
action = "export-domain"
devices = "*"
domains = "*"

[notify.syslog]
address = "$1"
ca_file = "ca.pem"

[notify.email]
host = "localhost"
port = $smtp
username = "dp"
password = { file = "password" }
from = "dp@example.com"
to = "ops@example.com"
ca_file = "ca.pem"
events = "*"

[notify.metrics]
path = "dpbackup.prom"
TOML
  chmod 600 plans.toml
}

events="started task-failed still-quiesced recovered rehearsal-failed refused failed warned succeeded"
email=true
for way in "$home/log imuxsock" "udp://127.0.0.1:$udp imudp" "tcp://localhost:$tcp imptcp" "tls://localhost:$tls imtcp"; do
  read -r address input <<< "$way"
  plan_file "$address" "$email"
  email=false   # the mails of the first round are enough
  "$dpbackup" -c plans.toml run $'Night "]\\ Größe' > run.log 2>&1 && fail "AWAY is not away" || [ $? = 4 ] || fail "the run"
  grep -q notification run.log && fail "a notification could not be sent"
  "$dpbackup" -c plans.toml notify-test > notify-test.log 2>&1 || fail "notify-test by $address"
  for event in $events; do
    expected="$input|dpbackup|$event|[dpbackup@32473 event=\"$event\" plan=\"Night \\\"\\]\\\\ Größe\""
    for _ in $(seq 50); do grep -qF -- "$expected" received 2>/dev/null && break; sleep 0.1; done
    grep -qF -- "$expected" received || fail "rsyslogd did not parse $event by $input"
  done
  echo "rsyslogd takes every event by $address"
done

# Of the run, and of each of its eleven samples: who asks for "*" is told of changes, too.
[ "$(grep -c '^TLS True LOGIN True' mails)" = 12 ] || fail "not every mail came encrypted and with a login"
grep -q "queued by aiosmtpd" notify-test.log || true
grep -q '^Subject: .*dpbackup' mails || fail "no subject"
grep -q 'mail-secret' mails && fail "the password is in a mail"
echo "aiosmtpd takes every mail after STARTTLS and login"

promtool check metrics < dpbackup.prom > promtool.log 2>&1 || fail "promtool does not like the metrics"
# A backslash is doubled once so that no two names look alike, and once more as the format asks.
grep -q '^dpbackup_plan_last_run_status{plan="Night \\"]\\\\\\\\ Größe",status="ALL_TASKS_SKIPPED"} 1$' dpbackup.prom \
  || fail "the status is not in the metrics"
echo "promtool finds nothing wrong with the metrics"
echo "3 passed, 0 failed"
