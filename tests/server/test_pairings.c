/* A device is added through the server's mailbox: both sides' tasks, wrong codes, strangers, time. */
#include "tests/server/server_rig.h"

#include "core/room/record.h"
#include "core/sync/pairing.h"
#include "server/limits.h"
#include "tests/tap.h"

static struct srv srv;
static struct srv_person ada, eve; /* eve: a stranger, and the proxy of the new device, which has no account */

static void is_err(enum pv_err got, enum pv_err want, const char *what)
{
	tap_ok(got == want, "%s", what);
	if (got != want) tap_note("got %s, want %s", pv_err_web_name(got), pv_err_web_name(want));
}

static enum pv_err step(struct srv_person *person, struct pv_pairing_talk *talk)
{
	struct pv_task *task = NULL;
	enum pv_err err = pv_pairing_task(talk, &task);
	return rig_run(&person->proxy, err, task);
}

static void is_stage(struct pv_pairing_talk *talk, enum pv_pairing_stage want, const char *what)
{
	tap_is_int(pv_pairing_stage(talk), want, what);
}

static struct pv_pairing_talk *host(void)
{
	static const uint8_t note[] = "the person's note";
	struct pv_pairing_offer offer = {.person = ada.device.me.person, .signer = ada.device.me.device,
					 .note = pv_bytes(note, sizeof note - 1), .name = pv_bytes_of_string("Ada")};
	struct pv_pairing_talk *talk = NULL;
	is_err(pv_pairing_host(srv.server.name, &offer, &ada.device.random, &talk), PV_OK, "the old device begins");
	is_err(step(&ada, talk), PV_OK, "and has a mailbox");
	is_stage(talk, PV_PAIRING_WAITING, "where it waits");
	return talk;
}

static struct pv_pairing_talk *guest(struct pv_pairing_talk *of, bool wrong)
{
	struct pv_pairing_talk *talk = NULL;
	uint64_t expires_ms;
	struct pv_pairing_code code = *pv_pairing_code(of, &expires_ms);
	tap_ok(expires_ms > srv.now_ms, "the code is good for a while");
	if (wrong) code.secret[0] = code.secret[0] == '0' ? '1' : '0';
	is_err(pv_pairing_guest(srv.server.name, &code, &eve.device.random, &talk), PV_OK, "the code is typed");
	return talk;
}

static void test_added(void)
{
	struct pv_pairing_talk *old = host(), *new = guest(old, false);
	struct pv_pairing_request request = {.name = pv_bytes_of_string("phone")};
	struct pv_identity me;
	struct pv_sign_seed sign_seed = {{1}};
	struct pv_kem_seed kem_seed = {{2}};
	static const uint8_t note[] = "a newer note";
	is_err(step(&eve, new), PV_OK, "the new device says hello");
	is_stage(new, PV_PAIRING_WAITING, "and waits");
	is_err(step(&ada, old), PV_OK, "the old one answers");
	is_stage(old, PV_PAIRING_ANSWERED, "and waits");
	is_err(step(&ada, old), PV_OK, "looks again");
	is_stage(old, PV_PAIRING_ANSWERED, "and still waits");
	is_err(step(&eve, new), PV_OK, "the new one is answered");
	is_stage(new, PV_PAIRING_OFFERED, "and knows");
	const struct pv_pairing_offer *offer = pv_pairing_offered(new);
	tap_ok(offer && pv_hash_equal(&offer->person, &ada.device.me.person) &&
	       pv_hash_equal(&offer->signer, &ada.device.me.device) && offer->note.n == 17 && pv_bytes_equal(offer->name, pv_bytes_of_string("Ada")),
	       "by whom it is added, and for whom");
	pv_identity_derive(&sign_seed, &kem_seed, &me);
	request.device = me.public;
	pv_kem_from_seed(&kem_seed, &request.kem_pk);
	struct pv_cert_context context = {.person = offer->person};
	is_err(pv_cert_sign(&context, &me.public, false, &offer->signer, &me.sign_sk, &request.consent), PV_OK, "it consents");
	is_err(pv_pairing_ask(new, &request), PV_OK, "asks");
	is_err(step(&eve, new), PV_OK, "sends that");
	is_stage(new, PV_PAIRING_ANSWERED, "and waits");
	is_err(step(&ada, old), PV_OK, "the old one is asked");
	const struct pv_pairing_request *asked = pv_pairing_asked(old);
	tap_ok(asked && memcmp(&asked->device, &request.device, sizeof request.device) == 0 &&
	       memcmp(&asked->consent, &request.consent, sizeof request.consent) == 0 &&
	       pv_bytes_equal(asked->name, request.name), "by that device");
	is_err(pv_pairing_confirm(old, pv_bytes(note, sizeof note - 1)), PV_OK, "it confirms");
	is_err(step(&ada, old), PV_OK, "sends that");
	is_stage(old, PV_PAIRING_DONE, "and is done");
	is_err(step(&eve, new), PV_OK, "the new one hears it");
	is_stage(new, PV_PAIRING_DONE, "and is done");
	tap_ok(pv_pairing_note(new).n == sizeof note - 1, "with the newer note");
	pv_pairing_free(old);
	pv_pairing_free(new);
}

static void test_wrong_code(void)
{
	struct pv_pairing_talk *old = host(), *new = guest(old, true), *late = guest(old, false);
	is_err(step(&eve, new), PV_OK, "a wrong code is tried");
	is_err(step(&ada, old), PV_OK, "the old device cannot tell");
	is_err(step(&eve, new), PV_ERR_DENIED, "but the new one can");
	is_err(step(&ada, old), PV_ERR_DENIED, "and tells it");
	is_err(step(&eve, late), PV_ERR_DENIED, "after which the right code is of no use");
	tap_ok(!pv_pairing_asked(old) && !pv_pairing_offered(new), "nothing was told to anybody");
	pv_pairing_free(old);
	pv_pairing_free(new);
	pv_pairing_free(late);
}

static void test_declined(void)
{
	struct pv_pairing_talk *old = host(), *new = guest(old, false);
	struct pv_pairing_request request = {.name = pv_bytes_of_string("phone")};
	struct pv_kem_seed kem_seed = {{2}};
	pv_kem_from_seed(&kem_seed, &request.kem_pk);
	pv_kem_hash(&request.kem_pk, &request.device.kem_hash);
	bool met = !step(&eve, new) && !step(&ada, old) && !step(&eve, new) && !pv_pairing_ask(new, &request) &&
		   !step(&eve, new) && !step(&ada, old);
	tap_ok(met && pv_pairing_asked(old), "a device asks");
	pv_pairing_decline(old);
	is_err(step(&ada, old), PV_OK, "and is declined");
	is_err(step(&eve, new), PV_ERR_DENIED, "which it hears");
	pv_pairing_free(old);
	pv_pairing_free(new);
}

static void test_strangers(void)
{
	struct pv_pairing_talk *old = host();
	uint64_t expires_ms;
	char path[64];
	unsigned plate = pv_pairing_code(old, &expires_ms)->plate;
	snprintf(path, sizeof path, "/v1/pairings/%u/old/1", plate);
	tap_is_int(srv_ask(&srv, "PUT", path, eve.token, pv_bytes_of_string("x"), NULL), 403,
		   "another's device does not speak for the old one");
	tap_is_int(srv_ask(&srv, "PUT", path, NULL, pv_bytes_of_string("x"), NULL), 401, "nor does nobody");
	snprintf(path, sizeof path, "/v1/pairings/%u/new/3", plate);
	tap_is_int(srv_ask(&srv, "PUT", path, NULL, pv_bytes_of_string("x"), NULL), 404, "there is no third message");
	snprintf(path, sizeof path, "/v1/pairings/%u/new/1", (plate + 1) % PV_PAIRING_PLATES);
	tap_is_int(srv_ask(&srv, "GET", path, NULL, pv_bytes(NULL, 0), NULL), 404, "nor a mailbox that nobody opened");
	tap_is_int(srv_ask(&srv, "GET", "/v1/pairings/10000/new/1", NULL, pv_bytes(NULL, 0), NULL), 404, "nor a fifth digit");
	tap_is_int(srv_ask(&srv, "POST", "/v1/pairings", NULL, pv_bytes(NULL, 0), NULL), 401, "a mailbox wants a session");
	snprintf(path, sizeof path, "/v1/pairings/%u/new/1", plate);
	tap_is_int(srv_ask(&srv, "PUT", path, NULL, pv_bytes_of_string("junk"), NULL), 201, "a stranger may use up a code");
	is_err(step(&ada, old), PV_ERR_DENIED, "which is noticed");
	pv_pairing_free(old);
}

static int ask_new(unsigned plate, const char *method)
{
	char path[64];
	snprintf(path, sizeof path, "/v1/pairings/%u/new/1", plate % PV_PAIRING_PLATES);
	return (int)srv_ask(&srv, method, path, NULL, pv_bytes_of_string(*method == 'P' ? "junk" : ""), NULL);
}

/* Somebody goes through all mailboxes to end what others begin. */
static void test_guesses(void)
{
	struct pv_limits_config config = {.address_per_s = 1000};
	struct pv_pairing_talk *old = host();
	uint64_t expires_ms;
	char path[64];
	unsigned plate = pv_pairing_code(old, &expires_ms)->plate, i;
	int status = 404;
	tap_ok(!pv_limits_new(&config, &srv.server.limits), "a server with limits");
	for (i = 1; i <= 40 && status == 404; i++) status = ask_new(plate + i, i % 2 ? "PUT" : "GET");
	tap_ok(status == 429 && i > 10 && i < 20, "some mailboxes that are not there may be asked for, and no more");
	tap_is_int(ask_new(plate, "PUT"), 429, "then none, not even one that is");
	tap_is_int(ask_new(plate, "GET"), 429, "nor is it told that it is");
	srv.now_ms += 30 * 1000;
	tap_is_int(ask_new(plate, "GET"), 200, "half a minute later it is");
	tap_is_int(ask_new(plate, "GET"), 200, "as often as one asks");
	snprintf(path, sizeof path, "/v1/pairings/%u/old/1", plate);
	tap_is_int(srv_ask(&srv, "PUT", path, eve.token, pv_bytes_of_string("x"), NULL), 403, "to speak for another's is a guess, too");
	tap_is_int(srv_ask(&srv, "PUT", path, eve.token, pv_bytes_of_string("x"), NULL), 429, "of which there is no other");
	pv_limits_free(srv.server.limits);
	srv.server.limits = NULL;
	pv_pairing_free(old);
}

static void test_time(void)
{
	struct pv_pairing_talk *old = host(), *new = guest(old, false);
	is_err(step(&eve, new), PV_OK, "the new device says hello");
	srv.now_ms += PV_PAIRING_MS;
	is_err(step(&eve, new), PV_ERR_EXPIRED, "the code's time is over");
	is_err(step(&ada, old), PV_ERR_EXPIRED, "on both sides");
	pv_pairing_free(old);
	pv_pairing_free(new);
	old = host();
	uint64_t expires_ms;
	struct pv_pairing_code code = *pv_pairing_code(old, &expires_ms);
	struct pv_pairing_talk *next = host();
	is_err(pv_pairing_guest(srv.server.name, &code, &eve.device.random, &new), PV_OK, "an older code");
	is_err(step(&eve, new), PV_ERR_EXPIRED, "ends with the next");
	pv_pairing_free(old);
	pv_pairing_free(next);
	pv_pairing_free(new);
}

int main(void)
{
	if (pv_crypto_init()) return 1;
	srv_init(&srv, 1);
	is_err(srv_person_init(&ada, &srv, 2, NULL), PV_OK, "Ada registers");
	is_err(srv_person_init(&eve, &srv, 3, NULL), PV_OK, "so does somebody else");
	test_added();
	test_wrong_code();
	test_declined();
	test_strangers();
	test_guesses();
	test_time();
	srv_person_release(&ada);
	srv_person_release(&eve);
	srv_release(&srv);
	return tap_done();
}
