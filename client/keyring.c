/* The kernel's user keyring.
 *
 * Possession is the subtle part: a process whose session keyring does not link to the user keyring (no PAM session:
 * cron, containers) does not possess what lies there, and falls to the "user" permissions, which by default let it
 * see a key but not read it. So a key is made in this process's own keyring, which it always possesses, is given
 * user permissions and a timeout there, and only then linked into the user keyring, displacing an older one at once. */
#include "client/keyring.h"

#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DESCRIPTION_BYTES = 192, LIST_MAX = 4096 };

static const char key_type[] = "user";
static const key_perm_t permissions = KEY_POS_ALL | KEY_USR_VIEW | KEY_USR_READ | KEY_USR_WRITE | KEY_USR_SEARCH |
                                      KEY_USR_LINK | KEY_USR_SETATTR;

static void describe(const struct pv_home *home, const char *name, char ret_text[static DESCRIPTION_BYTES])
{
    snprintf(ret_text, DESCRIPTION_BYTES, "privity:%s:%s", home->id_hex, name);
}

bool pv_keyring_is_here(void)
{
    const char *off = getenv("PRIVITY_NO_KEYRING");
    static int here = -1; /* asked of the kernel once */
    if (off && *off && strcmp(off, "0") != 0) return false;
    if (here < 0) here = keyctl_get_keyring_ID(KEY_SPEC_USER_KEYRING, 1) >= 0;
    return here == 1;
}

unsigned pv_keyring_unlock_seconds(void)
{
    const char *text = getenv("PRIVITY_UNLOCK_MINUTES");
    if (text && *text) {
        char *end;
        unsigned long minutes = strtoul(text, &end, 10);
        if (!*end && minutes >= 1 && minutes <= 43200) return (unsigned)minutes * 60;
    }
    return PV_KEYRING_UNLOCK_MINUTES * 60;
}

static enum pv_err keyring_error(void)
{
    switch (errno) {
    case ENOKEY:
    case EKEYEXPIRED:
    case EKEYREVOKED: return PV_ERR_NOT_FOUND;
    case EDQUOT: return PV_ERR_QUOTA;
    case ENOSYS:
    case EPERM:
    case EACCES: return PV_ERR_UNSUPPORTED;
    case ENOMEM: return PV_ERR_NOMEM;
    default: return PV_ERR_IO;
    }
}

enum pv_err pv_keyring_put(const struct pv_home *home, const char *name, struct pv_bytes secret,
                           unsigned timeout_seconds)
{
    char description[DESCRIPTION_BYTES];
    enum pv_err err = PV_OK;
    key_serial_t key;

    if (!pv_keyring_is_here()) return PV_ERR_UNSUPPORTED;
    describe(home, name, description);
    key = add_key(key_type, description, secret.p, secret.n, KEY_SPEC_PROCESS_KEYRING);
    if (key < 0) return keyring_error();
    if (keyctl_setperm(key, permissions) != 0 || keyctl_set_timeout(key, timeout_seconds) != 0 ||
        keyctl_link(key, KEY_SPEC_USER_KEYRING) != 0)
        err = keyring_error();
    keyctl_unlink(key, KEY_SPEC_PROCESS_KEYRING);
    return err;
}

static key_serial_t find(const struct pv_home *home, const char *name)
{
    char description[DESCRIPTION_BYTES];
    describe(home, name, description);
    return (key_serial_t)keyctl_search(KEY_SPEC_USER_KEYRING, key_type, description, 0);
}

enum pv_err pv_keyring_get(const struct pv_home *home, const char *name, struct pv_buf *secret)
{
    uint8_t value[PV_KEYRING_VALUE_MAX];
    enum pv_err err = PV_OK;
    key_serial_t key;
    long n;

    if (!pv_keyring_is_here()) return PV_ERR_UNSUPPORTED;
    key = find(home, name);
    if (key < 0) return keyring_error();
    n = keyctl_read(key, (char *)value, sizeof value);
    if (n < 0)
        err = keyring_error();
    else if ((size_t)n > sizeof value)
        err = PV_ERR_LIMIT;
    else {
        pv_buf_append(secret, value, (size_t)n);
        err = secret->err;
    }
    pv_wipe(value, sizeof value);
    return err;
}

bool pv_keyring_has(const struct pv_home *home, const char *name)
{
    return pv_keyring_is_here() && find(home, name) >= 0;
}

static void drop(key_serial_t key)
{
    keyctl_revoke(key);
    keyctl_unlink(key, KEY_SPEC_USER_KEYRING);
}

void pv_keyring_drop(const struct pv_home *home, const char *name)
{
    key_serial_t key;
    if (!pv_keyring_is_here()) return;
    key = find(home, name);
    if (key >= 0) drop(key);
}

void pv_keyring_drop_all(const struct pv_home *home, const char *prefix)
{
    char wanted[DESCRIPTION_BYTES];
    key_serial_t keys[LIST_MAX];
    long n;

    if (!pv_keyring_is_here()) return;
    describe(home, prefix, wanted);
    n = keyctl_read(KEY_SPEC_USER_KEYRING, (char *)keys, sizeof keys);
    if (n > (long)sizeof keys) n = sizeof keys;
    for (long i = 0; i < n / (long)sizeof *keys; i++) {
        char text[DESCRIPTION_BYTES + 64]; /* "type;uid;gid;perm;description" */
        const char *description;
        if (keyctl_describe(keys[i], text, sizeof text) < 0) continue;
        text[sizeof text - 1] = '\0';
        description = strrchr(text, ';');
        if (description && strncmp(description + 1, wanted, strlen(wanted)) == 0) drop(keys[i]);
    }
}
