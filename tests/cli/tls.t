#!/bin/bash
# TLS without a proxy: a server's certificate is checked, by the authorities that PRIVITY_CA_FILE names.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName="$2" -keyout "$T/$1.key" -out "$T/$1.pem" 2>"$T/err"
}
if ! certificate right IP:127.0.0.1 || ! certificate other IP:127.0.0.1 || ! certificate elsewhere DNS:rooms.example; then
	cat "$T/err"
	exit 1
fi
chmod 600 "$T"/*.key

port=$(free_port)
url=https://127.0.0.1:$port
# serve_as CERTIFICATE
serve_as() {
	privityd --listen "127.0.0.1:$port" --public-url "$url" --data "$T/server" --registration open --tls-cert "$T/$1.pem" --tls-key "$T/$1.key" >"$T/server.log" 2>&1 &
	server_pid=$!
	for _ in $(seq 100); do
		if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
		sleep 0.05
	done
}

serve_as elsewhere
PRIVITY_CA_FILE=$T/elsewhere.pem run 1 "one that is trusted, of another name" as ada privity init --name ada --server "$url" --kit "$T/kit-ada"
like "$(err)" "does not prove who it is" "is refused, and said"
kill "$server_pid"
wait "$server_pid" 2>/dev/null
serve_as right

run 1 "a certificate that nobody vouches for" as ada privity init --name ada --server "$url" --kit "$T/kit-ada"
like "$(err)" "does not prove who it is.*name the file in PRIVITY_CA_FILE" "is refused, and said, and what can be done"
PRIVITY_CA_FILE=$T/other.pem run 1 "one that another vouches for" as ada privity init --name ada --server "$url" --kit "$T/kit-ada"
PRIVITY_CA_FILE=$T/absent.pem run 1 "a file that is absent" as ada privity init --name ada --server "$url" --kit "$T/kit-ada"
one_line "a file that is absent"
like "$(err)" "no certificates can be read from the file that PRIVITY_CA_FILE" "names what names it"
run 1 "http to a server that speaks https" as ada privity init --name ada --server "http://127.0.0.1:$port" --kit "$T/kit-ada"
export PRIVITY_CA_FILE=$T/right.pem
run 0 "the right one" as ada privity init --name ada --server "$url" --kit "$T/kit-ada"
run 0 "a room over TLS" as ada privity room new acme
as ada privity invite acme >"$T/link"
run 0 "is joined" as bob privity join "$(cat "$T/link")" --as bob --room acme --kit "$T/kit-bob"
run 0 "written to" as bob privity say acme "over TLS"
unset PRIVITY_CA_FILE
SSL_CERT_FILE=$T/right.pem run 0 "and read with SSL_CERT_FILE" as ada privity read acme
like "$(out)" "over TLS" "too"
run 0 "read without either" as ada privity read acme
like "$(err)" "does not prove who it is" "does not ask the server"
done_testing
