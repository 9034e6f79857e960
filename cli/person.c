/* Making a person: nothing is registered here, and nothing written before all of it can be. */
#include "cli/person.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/common.h"
#include "cli/kit.h"
#include "client/passphrase.h"
#include "client/system.h"

/* Keys, kit and genesis, in memory. */
static enum pv_err make_keys(struct pv_session *session, struct pv_new_person *person, struct pv_report *report)
{
    struct pv_transport *transport = NULL;
    struct pv_task *task = NULL;
    struct pv_identity me, paper;
    struct pv_sign_seed paper_sign;
    struct pv_kem_seed paper_kem;
    enum pv_err err = pv_contact_server(session, &person->server, &transport, report);

    if (err == PV_OK) err = pv_server_info_task(&task);
    if (err == PV_OK) err = pv_transport_run(transport, task, NULL, NULL, report);
    if (err == PV_ERR_OFFLINE) {
        char said[PV_REPORT_BYTES];
        snprintf(said, sizeof said, "%s", report->text);
        err = pv_report(report, err, "%.600s; nothing was made, since a person's id is made of the server's key too: try again when it answers", said);
    }
    if (err != PV_OK) goto out;
    pv_random_fill(&pv_system_random, &person->secrets.sign_seed, sizeof person->secrets.sign_seed);
    pv_random_fill(&pv_system_random, &person->secrets.kem_seed, sizeof person->secrets.kem_seed);
    pv_random_fill(&pv_system_random, &person->kit, sizeof person->kit);
    pv_kit_paper_seeds(&person->kit, &paper_sign, &paper_kem);
    pv_identity_derive(&person->secrets.sign_seed, &person->secrets.kem_seed, &me);
    pv_identity_derive(&paper_sign, &paper_kem, &paper);
    err = pv_found_person_room(&me, &paper, pv_server_info_result(task), &pv_system_random, pv_system_now_ms(), &person->genesis);
    person->secrets.person = person->genesis.room_id;
    person->secrets.server = person->server;
    snprintf(person->secrets.name, sizeof person->secrets.name, "%s", person->name);
    pv_wipe(&me, sizeof me);
    pv_wipe(&paper, sizeof paper);
    pv_wipe(&paper_sign, sizeof paper_sign);
    pv_wipe(&paper_kem, sizeof paper_kem);
out:
    pv_task_free(task);
    return err;
}

static struct pv_kit_facts facts_of(const struct pv_new_person *person)
{
    return (struct pv_kit_facts){.name = pv_bytes_of_string(person->name), .person = person->secrets.person, .server_url = person->server.text};
}

/* What this machine is called, as far as it is a name that says something. */
static void name_of_machine(char ret_name[static PV_CLI_NAME_BYTES])
{
    struct pv_report ignored;
    char name[PV_CLI_NAME_BYTES] = "";

    if (gethostname(name, sizeof name - 1) != 0) name[0] = '\0';
    name[strcspn(name, ".")] = '\0';
    if (strcmp(name, "localhost") == 0 || strcmp(name, "(none)") == 0 || pv_cli_check_name(name, &ignored) != PV_OK)
        snprintf(name, sizeof name, "first device");
    memcpy(ret_name, name, sizeof name);
}

/* Two names in the person's own room: the first is the person's, the second this device's. */
static enum pv_err write_names(struct pv_session *session, const struct pv_new_person *person, struct pv_report *report)
{
    char machine[PV_CLI_NAME_BYTES];
    enum pv_err err = pv_cli_write_profile(session, session->person, person->name, report);
    name_of_machine(machine);
    return err == PV_OK ? pv_cli_write_profile(session, session->person, person->device_name ? person->device_name : machine, report) : err;
}

/* The home's files, the version last; what a failure leaves is taken away. */
static enum pv_err write_home(struct pv_session *session, struct pv_new_person *person, struct pv_report *report)
{
    char name[PV_HOME_NAME_BYTES];
    struct pv_report ignored;
    struct pv_passphrase passphrase = {.n = 0};
    enum pv_err err = pv_passphrase_ask(true, &passphrase, report);

    if (err == PV_OK) err = pv_session_create(session, &person->secrets, pv_passphrase_bytes(&passphrase), report);
    pv_passphrase_wipe(&passphrase);

    if (err == PV_OK)
        err = pv_session_room_new(session, &person->genesis.room_id, "your own room", &person->server, &session->person, report);
    if (err == PV_OK) {
        err = pv_room_adopt_genesis(session->person->room, &person->genesis);
        if (err == PV_OK) err = write_names(session, person, report);
        err = pv_session_room_error(session, session->person, err, report);
    }
    if (err == PV_OK && person->kit_file) {
        const struct pv_kit_facts facts = facts_of(person);
        err = pv_kit_write(person->kit_file, &facts, &person->kit, report);
    }
    if (err == PV_OK) err = pv_home_finish(&session->home, report);
    if (err == PV_OK) return PV_OK;
    if (session->person) pv_session_room_close(session, session->person);
    for (int i = 0; i < 3; i++) {
        static const char *const suffixes[] = {".db", ".db-wal", ".db-shm"};
        pv_database_name("rooms", &person->genesis.room_id, suffixes[i], name);
        if (pv_home_remove(&session->home, name, &ignored) != PV_OK) break;
    }
    for (int i = 0; i < 2; i++) {
        static const char *const files[] = {"keystore", "keystore.lock"};
        if (pv_home_remove(&session->home, files[i], &ignored) != PV_OK) break;
    }
    return err;
}

enum pv_err pv_new_person_make(struct pv_session *session, struct pv_new_person *person, struct pv_report *report)
{
    enum pv_err err = pv_home_create(&session->home, report);
    if (err != PV_OK) return err;
    err = make_keys(session, person, report);
    if (err == PV_OK) err = write_home(session, person, report);
    if (err != PV_OK) pv_home_abandon(&session->home);
    return err;
}

void pv_new_person_show_kit(const struct pv_new_person *person)
{
    const struct pv_kit_facts facts = facts_of(person);
    if (!person->kit_file) pv_kit_show(&facts, &person->kit);
}

void pv_new_person_kit_code(const struct pv_new_person *person, char ret_code[static PV_KIT_CODE_CHARS + 1])
{
    ret_code[0] = '\0';
    if (!person->kit_file) pv_kit_encode(&person->kit, ret_code);
}

void pv_new_person_release(struct pv_new_person *person)
{
    pv_new_room_release(&person->genesis);
    pv_wipe(person, sizeof *person);
}
